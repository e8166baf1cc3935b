import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What is asked of a provider, as far as the tests look at it. */
export interface Asked {
  model: string;
  messages: { role: string; content: string }[];
}

/**
 * What speaks the streams of OpenAI's `/v1/chat/completions`: a test says each run of tokens when
 * its time has come.
 */
export class Provider {
  private readonly waiting: Question[] = [];
  private readonly takers: ((question: Question) => void)[] = [];

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(): Promise<Provider> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const provider = new Provider(server, `http://127.0.0.1:${port}/v1`);
    server.on("request", (request, response) => void provider.take(request, response));
    return provider;
  }

  /** The settings of a node that asks it. */
  get settings(): Record<string, string> {
    return {
      CONCLAVE_ASSISTANT__ENABLED: "true",
      CONCLAVE_ASSISTANT__BASE_URL: this.url,
      CONCLAVE_ASSISTANT__MODEL: "small-1",
      CONCLAVE_ASSISTANT__CONTEXT_LIMIT: "4096",
    };
  }

  /** The next question, once it is there. */
  asked(): Promise<Question> {
    const question = this.waiting.shift();
    if (question) return Promise.resolve(question);
    return new Promise((resolve) => this.takers.push(resolve));
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }

  private async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const asked = JSON.parse(Buffer.concat(parts).toString()) as Asked;
    const question = new Question(asked, response);
    const taker = this.takers.shift();
    if (taker) taker(question);
    else this.waiting.push(question);
  }
}

/** One answer, written as the test says. */
export class Question {
  /** Resolves when who asked has gone, before or after the end. */
  readonly gone: Promise<unknown>;

  constructor(
    readonly asked: Asked,
    private readonly response: ServerResponse,
  ) {
    this.gone = once(response, "close");
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    this.choice({ role: "assistant", content: "" }, null);
  }

  /** What the user asked. */
  get text(): string {
    return this.asked.messages.at(-1)?.content ?? "";
  }

  /** One run of tokens after the other. */
  say(...runs: string[]): void {
    for (const content of runs) this.choice({ content }, null);
  }

  /** The end, with what it took. */
  end(prompt: number, completion: number, reason: "stop" | "length" = "stop"): void {
    this.choice({}, reason);
    const usage = {
      prompt_tokens: prompt,
      completion_tokens: completion,
      total_tokens: prompt + completion,
    };
    this.event({ choices: [], usage });
    this.response.end("data: [DONE]\n\n");
  }

  /** The connection is lost. */
  cut(): void {
    this.response.destroy();
  }

  private choice(delta: object, finish_reason: string | null): void {
    this.event({ choices: [{ index: 0, delta, finish_reason }] });
  }

  private event(members: object): void {
    const head = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 0 };
    const event = { ...head, model: this.asked.model, ...members };
    this.response.write(`data: ${JSON.stringify(event)}\n\n`);
  }
}
