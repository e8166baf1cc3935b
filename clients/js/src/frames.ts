import { ConclaveError } from "./error.js";
import type { Stored } from "./history.js";
import type { Answered, MessageKind, TokenUsage } from "./contract.js";

/** A frame of the server's conversation dialect, of which only `type` is certain. */
export type Frame = Members & { readonly type: string };

/** The members of a JSON object; `null` where the text is none. */
export const objectOf = (text: string): Members | null => {
  try {
    const value: unknown = JSON.parse(text);
    const object = typeof value === "object" && value !== null && !Array.isArray(value);
    return object ? (value as Members) : null;
  } catch {
    return null;
  }
};

export type Members = Readonly<Record<string, unknown>>;

/** The frame of a text; `null` where it is none. */
export const frameOf = (text: string): Frame | null => {
  const object = objectOf(text);
  return typeof object?.["type"] === "string" ? (object as Frame) : null;
};

export const textOf = (frame: Members, name: string): string | null => {
  const value = frame[name];
  return typeof value === "string" ? value : null;
};

export const numberOf = (frame: Members, name: string): number | null => {
  const value = frame[name];
  return typeof value === "number" ? value : null;
};

/** Unix seconds to a date; now where they are missing. */
export const dateOf = (frame: Frame, name = "timestamp"): Date => {
  const seconds = numberOf(frame, name);
  return seconds === null ? new Date() : new Date(seconds * 1000);
};

/** The message of `user_message`, or of an assistant's whole answer. */
export const messageOf = (frame: Frame): Stored | null => {
  const roomId = textOf(frame, "conversation_id");
  const id = textOf(frame, "message_id");
  const seq = numberOf(frame, "seq");
  const userId = textOf(frame, "user_id");
  if (roomId === null || id === null || seq === null || userId === null) return null;
  const deleted = frame["deleted_at"] !== undefined && frame["deleted_at"] !== null;
  return {
    id,
    clientId: textOf(frame, "client_id"),
    roomId,
    seq,
    userId,
    content: textOf(frame, "content") ?? textOf(frame, "final_content") ?? "",
    kind: (textOf(frame, "message_type") ?? "Text") as MessageKind,
    replyTo: textOf(frame, "reply_to_id"),
    createdAt: dateOf(frame),
    editedAt: null,
    deleted,
    status: "SENT",
    ...answeredOf(frame),
  };
};

/** `{"prompt_tokens","completion_tokens","total_tokens"}`; none where a member is missing. */
export const usageOf = (value: unknown): TokenUsage | null => {
  if (typeof value !== "object" || value === null) return null;
  const members = value as Members;
  const promptTokens = numberOf(members, "prompt_tokens");
  const completionTokens = numberOf(members, "completion_tokens");
  if (promptTokens === null || completionTokens === null) return null;
  const totalTokens = numberOf(members, "total_tokens") ?? promptTokens + completionTokens;
  return { promptTokens, completionTokens, totalTokens };
};

/** What only an assistant's whole answer has, in a frame or in REST. */
export const answeredOf = (members: Members): { answered?: Answered } => {
  const usage = usageOf(members["usage"]);
  if (usage === null) return {};
  const reason = members["finish_reason"];
  return {
    answered: {
      model: textOf(members, "model_used") ?? textOf(members, "model") ?? "",
      finish: reason === "length" || reason === "cancelled" ? reason : "stop",
      usage,
    },
  };
};

export const errorOf = (frame: Members): ConclaveError =>
  new ConclaveError(textOf(frame, "code") ?? "internal", textOf(frame, "message") ?? "refused");
