import { numberOf, textOf, usageOf, type Members } from "./frames.js";
import type { OwnAssistant, RoomAssistant, UsageSum } from "./contract.js";

/** `GET /channels/{id}/assistant`. */
export interface RoomAssistantBody extends Members {
  answering?: { message_id?: string | null; asked_by: string } | null;
}

export const roomAssistantOf = (body: RoomAssistantBody): RoomAssistant => ({
  attached: body["attached"] === true,
  model: textOf(body, "model"),
  contextLimit: numberOf(body, "context_limit"),
  answering: body.answering
    ? { messageId: body.answering.message_id ?? null, askedBy: body.answering.asked_by }
    : null,
  usage: sumOf(body["usage"]),
});

/** `GET /users/me/assistant`. */
export const ownAssistantOf = (body: Members): OwnAssistant => ({
  budgetTokens: numberOf(body, "budget_tokens"),
  windowSeconds: numberOf(body, "window_seconds") ?? 0,
  usedTokens: numberOf(body, "used_tokens") ?? 0,
  renewsInSeconds: numberOf(body, "renews_in_seconds") ?? 0,
  usage: sumOf(body["usage"]),
});

const sumOf = (value: unknown): UsageSum => ({
  promptTokens: 0,
  completionTokens: 0,
  totalTokens: 0,
  ...usageOf(value),
  answers: numberOf((value ?? {}) as Members, "answers") ?? 0,
});
