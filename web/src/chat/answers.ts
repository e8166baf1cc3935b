import type { Answered, ChatMessage, ConclaveClient, FailedAnswer, RoomSummary } from "conclave-client";

import { mayModerate } from "./permissions.ts";
import { many } from "./words.ts";

/** The user that answers are of, in every room. */
const ASSISTANT = "assistant";

export const isAssistant = ({ userId }: Pick<ChatMessage, "userId">): boolean =>
  userId === ASSISTANT;

/** Who wrote a message, as a reader calls them. */
export const authorOf = (
  { userId }: Pick<ChatMessage, "userId">,
  nameOf: (userId: string) => string,
): string => (userId === ASSISTANT ? assistantName(nameOf) : nameOf(userId));

/** What the assistant is called. */
export function assistantName(nameOf: (userId: string) => string): string {
  const name = nameOf(ASSISTANT);
  return name === ASSISTANT ? "Assistant" : name;
}

/** Whether a user may end the answer under way: who asked, the owner, a moderator of the server. */
export const mayStop = (
  client: ConclaveClient,
  summary: RoomSummary,
  askedBy: string | null,
): boolean =>
  summary.myRole === "OWNER" || mayModerate(client) || (askedBy !== null && askedBy === client.me?.id);

/** Whether the answer under way may be to this user: it is asked of the server only then. */
export const mayHaveAsked = (messages: readonly ChatMessage[], me: string): boolean =>
  messages.slice(-RECENT).some(({ userId }) => userId === me);

/** What an answer cost, in a few words, and how it ended where that is not its own end. */
export function answeredWords({ finish, usage }: Answered): string {
  const tokens = many(usage.completionTokens, "token");
  if (finish === "cancelled") return `stopped · ${tokens}`;
  return finish === "length" ? `cut at the limit · ${tokens}` : tokens;
}

/** All that is known of it, for tips. */
export function answeredTip({ model, usage }: Answered): string {
  const { promptTokens, completionTokens, totalTokens } = usage;
  const words = [
    model,
    `${promptTokens.toLocaleString()} read`,
    `${completionTokens.toLocaleString()} written`,
    `${many(totalTokens, "token")} together`,
  ];
  return words.filter(Boolean).join(", ");
}

/** Why there is no answer, or only half of one. */
export function failedWords({ question, error }: FailedAnswer): string {
  if (isStopped(error)) return "The answer was stopped before it began.";
  const reason = error.message.replace(/\.$/, "");
  return `${question ? "The question gets no answer" : "The answer could not be finished"}: ${reason}.`;
}

/** Whether somebody wanted it so. */
export const isStopped = ({ code }: { code: string }): boolean => code === "cancelled";

const RECENT = 20;
