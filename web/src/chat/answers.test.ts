import type { Answered, ChatMessage, ConclaveClient, RoomSummary } from "conclave-client";
import { ConclaveError } from "conclave-client";
import { expect, test } from "vitest";

import {
  answeredTip,
  answeredWords,
  assistantName,
  authorOf,
  failedWords,
  mayHaveAsked,
  mayStop,
} from "./answers.ts";

const answered = (finish: Answered["finish"], completionTokens = 120): Answered => ({
  model: "small",
  finish,
  usage: { promptTokens: 900, completionTokens, totalTokens: 900 + completionTokens },
});

test("an answer says what it cost, and how it ended where that was not its own end", () => {
  expect(answeredWords(answered("stop"))).toBe("120 tokens");
  expect(answeredWords(answered("stop", 1))).toBe("1 token");
  expect(answeredWords(answered("cancelled"))).toBe("stopped · 120 tokens");
  expect(answeredWords(answered("length"))).toBe("cut at the limit · 120 tokens");
  expect(answeredTip(answered("stop", 100))).toBe("small, 900 read, 100 written, 1,000 tokens together");
});

test("a failure has its reason", () => {
  const failed = (code: string, question: boolean) => ({
    id: "m",
    content: "",
    question,
    error: new ConclaveError(code, "one at a time."),
  });
  expect(failedWords(failed("busy", true))).toBe("The question gets no answer: one at a time.");
  expect(failedWords(failed("unavailable", false))).toBe("The answer could not be finished: one at a time.");
  expect(failedWords(failed("cancelled", false))).toBe("The answer was stopped before it began.");
});

test("who asked, the owner and moderators of the server may stop an answer", () => {
  const client = (permissions: string[]) => ({ me: { id: "me", name: "Me", permissions } }) as unknown as ConclaveClient;
  const room = (myRole: string) => ({ myRole }) as RoomSummary;
  expect(mayStop(client([]), room("MEMBER"), null)).toBe(false);
  expect(mayStop(client([]), room("MODERATOR"), "other")).toBe(false);
  expect(mayStop(client([]), room("MEMBER"), "me")).toBe(true);
  expect(mayStop(client([]), room("OWNER"), "other")).toBe(true);
  expect(mayStop(client(["chat:moderate"]), room("MEMBER"), "other")).toBe(true);
});

test("only who wrote lately may have asked", () => {
  const said = (...users: string[]) => users.map((userId) => ({ userId })) as ChatMessage[];
  expect(mayHaveAsked(said("me", "other"), "me")).toBe(true);
  expect(mayHaveAsked(said("me", ...Array<string>(20).fill("other")), "me")).toBe(false);
  expect(mayHaveAsked([], "me")).toBe(false);
});

test("the assistant has a name, its own where the server gave it one", () => {
  expect(assistantName((id) => id)).toBe("Assistant");
  expect(authorOf({ userId: "assistant" }, () => "Ada")).toBe("Ada");
  expect(authorOf({ userId: "bob" }, () => "Bob")).toBe("Bob");
});
