/** The text commands of `/ws`, and what comes back. */

export const commands = {
  name: (name: string) => `register-name:${name}`,
  session: (session: string) => `register-session:${session}`,
  subscribe: (topic: string, session?: string) =>
    `subscribe:${topic}${session ? `|${session}` : ""}`,
  unsubscribe: (topic: string) => `unsubscribe:${topic}`,
  publish: (publisher: string, topic: string, payload: unknown) =>
    `publish-json:${JSON.stringify({ publisher_name: publisher, topic, payload, timestamp: new Date().toISOString() })}`,
};

/** A frame of the server, as far as this page tells them apart. */
export type Heard =
  | { kind: "message"; topic: string; payload: unknown; from: string; session: string }
  | { kind: "ack"; command: string; topic: string | null }
  | { kind: "error"; code: string; message: string; command: string | null; topic: string | null }
  | { kind: "broadcast"; user: string; requestId: string }
  | { kind: "other" };

export function read(frame: string): Heard {
  const object = parsed(frame);
  if (!object) return { kind: "other" };
  const text = (name: string) =>
    typeof object[name] === "string" ? (object[name] as string) : null;
  if (object["type"] === "error" && text("code")) {
    return {
      kind: "error",
      code: text("code") ?? "",
      message: text("message") ?? "",
      command: text("command"),
      topic: text("topic"),
    };
  }
  if (object["type"] === "ack")
    return { kind: "ack", command: text("command") ?? "", topic: text("topic") };
  if (text("requestId") && "user" in object) {
    return { kind: "broadcast", user: text("user") ?? "", requestId: text("requestId") ?? "" };
  }
  const topic = text("topic");
  if (topic !== null && "payload" in object) {
    const from = text("publisher_name") ?? text("user") ?? "somebody";
    return {
      kind: "message",
      topic,
      payload: object["payload"],
      from,
      session: text("session_id") ?? "",
    };
  }
  return { kind: "other" };
}

/** A frame in one line for people; null: as it is. */
export function gist(frame: string): string | null {
  const heard = read(frame);
  switch (heard.kind) {
    case "message":
      return `${heard.topic}: ${typeof heard.payload === "string" ? heard.payload : JSON.stringify(heard.payload)} (from ${heard.from})`;
    case "ack":
      return `done: ${heard.command}${heard.topic ? ` ${heard.topic}` : ""}`;
    case "error":
      return `refused${heard.command ? ` ${heard.command}` : ""}: ${heard.code}. ${heard.message}`;
    case "broadcast":
      return `broadcast by ${heard.user}: ${withoutEnrichment(frame)}`;
    case "other":
      return null;
  }
}

/** What is typed as a payload: JSON where wished, else text. Throws with words where it is no JSON. */
export function payloadOf(text: string, json: boolean): unknown {
  if (!json) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch (reason) {
    throw new Error(
      `This is not JSON: ${reason instanceof Error ? reason.message : String(reason)}`,
    );
  }
}

function withoutEnrichment(frame: string): string {
  const {
    user: _user,
    timestamp: _timestamp,
    requestId: _requestId,
    ...rest
  } = parsed(frame) ?? {};
  return JSON.stringify(rest);
}

function parsed(frame: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(frame);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
