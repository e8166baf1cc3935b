// A small language model behind the part of OpenAI's HTTP API that Conclave uses:
//
//     node tests/model/shim.mjs .tools/model PORT
//
// POST /v1/chat/completions streams an answer as server-sent events. GET /said lists what was
// answered so far, for a test to compare; GET /said/N waits for the answer after the first N.
// Answers come one after the other.
import { createServer } from "node:http";
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [home, port] = [resolve(process.argv[2] ?? ".tools/model"), Number(process.argv[3] ?? 0)];
const entry = pathToFileURL(join(home, "node_modules/node-llama-cpp/dist/index.js")).href;
const { ChatMLChatWrapper, getLlama, LlamaChatSession } = await import(entry);

const weights = readdirSync(join(home, "python"), { recursive: true }).find((name) => name.endsWith(".gguf"));
if (weights === undefined) throw new Error(`no model in ${home}`);
const NAME = "smollm2-135m";
const CONTEXT_TOKENS = 2_048;

const llama = await getLlama({ gpu: false, build: "never", maxThreads: 1, logLevel: "error" });
const model = await llama.loadModel({ modelPath: join(home, "python", weights) });
const context = await model.createContext({ contextSize: CONTEXT_TOKENS, threads: 1 });
const sequence = context.getSequence();

/** What was answered: `{text, finish_reason, usage}`, the oldest first. */
const said = [];
/** Who waits for the next answer. */
const waiting = [];
let before = Promise.resolve();
let answers = 0;

const server = createServer((request, response) => {
  if (request.method === "GET" && request.url === "/said") return json(response, 200, said);
  const after = /^\/said\/(\d+)$/.exec(request.url ?? "")?.[1];
  if (request.method === "GET" && after !== undefined) return told(response, Number(after));
  if (request.method !== "POST" || request.url !== "/v1/chat/completions") {
    return json(response, 404, { error: { message: "no such path", code: "not_found" } });
  }
  let body = "";
  request.on("data", (part) => (body += part));
  request.on("end", () => {
    const asked = parsed(body);
    if (asked === null) return json(response, 400, { error: { message: "bad request", code: "bad_request" } });
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    before = before.then(() => answer(asked, response, gone.signal)).catch((error) => {
      console.error(error);
      response.destroy();
    });
  });
});

/** Streams one answer. Who goes away ends it. */
async function answer(asked, response, signal) {
  if (signal.aborted) return;
  const id = `chatcmpl-${++answers}`;
  const head = { id, object: "chat.completion.chunk", created: Math.floor(Date.now() / 1000), model: NAME };
  const put = (event) => response.write(`data: ${JSON.stringify({ ...head, ...event })}\n\n`);
  const choice = (delta, finish_reason = null) => put({ choices: [{ index: 0, delta, finish_reason }] });
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
  choice({ role: "assistant", content: "" });

  await sequence.clearHistory();
  const session = new LlamaChatSession({
    contextSequence: sequence,
    chatWrapper: new ChatMLChatWrapper(),
    autoDisposeSequence: false,
  });
  const { history, question } = conversation(asked.messages);
  session.setChatHistory(history);
  const meter = sequence.tokenMeter.getState();
  let text = "";
  const { stopReason } = await session.promptWithMeta(question, {
    maxTokens: Math.min(asked.max_completion_tokens ?? asked.max_tokens ?? 256, CONTEXT_TOKENS / 2),
    temperature: asked.temperature ?? 0,
    signal,
    stopOnAbortSignal: true,
    onTextChunk: (part) => {
      text += part;
      if (!signal.aborted) choice({ content: part });
    },
  });
  const used = sequence.tokenMeter.diff(meter);
  session.dispose();
  const usage = {
    prompt_tokens: used.usedInputTokens,
    completion_tokens: used.usedOutputTokens,
    total_tokens: used.usedInputTokens + used.usedOutputTokens,
  };
  const finish_reason = signal.aborted ? "abort" : stopReason === "maxTokens" ? "length" : "stop";
  said.push({ text, finish_reason, usage });
  for (const tell of waiting.splice(0)) tell();
  if (signal.aborted) return;
  choice({}, finish_reason);
  if (asked.stream_options?.include_usage === true) put({ choices: [], usage });
  response.end("data: [DONE]\n\n");
}

/** Tells an answer once it is there. */
function told(response, index) {
  if (index < said.length) json(response, 200, said[index]);
  else waiting.push(() => told(response, index));
}

/** Everything but the last question, as the library has it. */
function conversation(messages) {
  const last = messages.at(-1);
  const question = last?.role === "user" ? last.content : "";
  const rest = last?.role === "user" ? messages.slice(0, -1) : messages;
  const history = rest.map(({ role, content }) =>
    role === "assistant" ? { type: "model", response: [content] } : { type: role, text: content },
  );
  return { history, question };
}

/** A request as Conclave makes them; `null` where it is none. */
function parsed(body) {
  try {
    const asked = JSON.parse(body);
    const fits = ({ role, content }) =>
      ["system", "user", "assistant"].includes(role) && typeof content === "string";
    return asked.stream === true && Array.isArray(asked.messages) && asked.messages.every(fits) ? asked : null;
  } catch {
    return null;
  }
}

function json(response, status, body) {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify(body));
}

server.listen(port, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
