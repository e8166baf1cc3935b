/** Things that a client may not do, each with what shows how the server took it. */
import { explainClose, explainError } from "./closeCodes.ts";
import { LabSocket } from "./LabSocket.ts";
import { commands, type Heard } from "./wire.ts";

export interface Trespass {
  id: string;
  title: string;
  about: string;
  /** On a fresh connection; resolves with what happened, in words. */
  run: (open: Open) => Promise<string>;
}

/** Opens another connection of the same client. */
export type Open = () => Promise<LabSocket>;

export const TRESPASSES: readonly Trespass[] = [
  {
    id: "session",
    title: "Subscribe in another session",
    about: "subscribe:StatusEvent|session-of-somebody-else",
    run: (open) =>
      refused(open, [
        commands.subscribe("StatusEvent"),
        commands.subscribe("StatusEvent", "session-of-somebody-else"),
      ]),
  },
  {
    id: "unknown",
    title: "Say what is no command",
    about: "make-me-admin:please",
    run: (open) => refused(open, [commands.subscribe("StatusEvent"), "make-me-admin:please"]),
  },
  {
    id: "duplicate",
    title: "Name the session twice",
    about: "Two parsers could read two different sessions out of one object.",
    run: (open) =>
      refused(open, [
        'publish-json:{"topic":"StatusEvent","payload":1,"session_id":"a","session_id":"b"}',
      ]),
  },
  {
    id: "rate",
    title: "Send 180 commands at once",
    about: "50 a second and bursts of 100 are allowed, unless configured.",
    run: flood,
  },
  {
    id: "many",
    title: "Subscribe to 130 topics",
    about: "A connection may hear 128, unless configured.",
    run: (open) => crowd(open),
  },
  {
    id: "size",
    title: "Send 70 KiB in one message",
    about: "64 KiB are allowed, unless configured.",
    run: (open) => closes(open, commands.publish("lab", "StatusEvent", "x".repeat(70 * 1024))),
  },
  {
    id: "binary",
    title: "Send binary data",
    about: "This path takes text only.",
    run: (open) => closes(open, new Blob([new Uint8Array([1, 2, 3])])),
  },
];

/** The last of the commands is answered by an error; the connection stays. */
async function refused(open: Open, said: readonly string[]): Promise<string> {
  const socket = await open();
  const answered = socket.next(({ kind }) => kind === "error");
  for (const command of said) socket.send(command);
  return `${errorWords(await answered)} The connection stays open.`;
}

/** Counts the answers of a burst: each command has one. */
async function flood(open: Open): Promise<string> {
  const socket = await open();
  const counts = { done: 0, refused: 0 };
  const all = socket.next(({ kind }) => {
    if (kind === "ack") counts.done += 1;
    if (kind === "error") counts.refused += 1;
    return counts.done + counts.refused >= BURST;
  });
  for (let at = 0; at < BURST; at++) socket.send(commands.unsubscribe("Burst"));
  try {
    await all;
  } catch {
    return closeWords(socket);
  }
  return `${counts.done} were done, ${counts.refused} refused with rate_limited. ${explainError("rate_limited")}`;
}

/** One topic after the other, slowly enough for the limit of commands, until one is refused. */
async function crowd(open: Open): Promise<string> {
  const socket = await open();
  for (let at = 1; at <= TOPICS; at++) {
    const answered = socket.next(({ kind }) => kind === "ack" || kind === "error");
    socket.send(commands.subscribe(`Topic${at}`));
    const answer = await answered;
    if (answer.kind !== "error") continue;
    if (answer.code !== "rate_limited") return `Topic ${at}: ${errorWords(answer)}`;
    await new Promise((done) => setTimeout(done, 1000));
    at -= 1;
  }
  return `All ${TOPICS} were taken: this server is configured for more.`;
}

/** The connection ends by what is sent. */
async function closes(open: Open, data: string | Blob): Promise<string> {
  const socket = await open();
  const answered = socket.next(({ kind }) => kind === "ack" || kind === "error");
  socket.send(data);
  try {
    const answer = await answered;
    return answer.kind === "error"
      ? errorWords(answer)
      : "The server took it: it is configured for more.";
  } catch {
    return closeWords(socket);
  }
}

function errorWords(heard: Heard): string {
  if (heard.kind !== "error") return "";
  return `Refused: ${heard.code}, “${heard.message}”. ${explainError(heard.code)}`;
}

function closeWords(socket: LabSocket): string {
  const { code, reason } = socket.now().closed ?? { code: 1006, reason: "" };
  return `Closed with ${code}${reason ? ` “${reason}”` : ""}. ${explainClose(code, reason)}`;
}

const BURST = 180;
const TOPICS = 130;
