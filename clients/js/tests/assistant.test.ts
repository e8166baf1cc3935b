import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ConclaveClient, type Room } from "../src/index.js";
import { FakeServer, seeded, shown, type Frame } from "./fake_server.js";

let server: FakeServer;
let client: ConclaveClient;
let room: Room;

beforeEach(async () => {
  vi.useFakeTimers();
  server = new FakeServer("plans");
  client = new ConclaveClient({
    url: "http://server",
    tokens: "token-1",
    WebSocket: server.WebSocket,
    fetch: server.fetch,
    random: seeded(1),
  });
  void client.connect();
  room = client.room("plans");
  room.open();
  await pass(300);
});

afterEach(() => {
  client.close();
  vi.useRealTimers();
});

const pass = (ms = 50): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

/** What is said of an answer and not stored. */
const say = async (...frames: Frame[]): Promise<void> => {
  for (const frame of frames) server.socket.push({ conversation_id: "plans", ...frame });
  await pass();
};

const typing = (typing: boolean): Frame => ({ type: "ai_typing", typing });
const chunk = (delta: string, message_id = "a-1"): Frame => ({
  type: "ai_response_chunk",
  message_id,
  delta,
  is_complete: false,
});

const complete = async (content: string, message_id = "a-1", finish_reason = "stop"): Promise<void> => {
  const plans = server.room("plans");
  plans.seq += 1;
  server.tell("plans", {
    type: "ai_response_complete",
    message_id,
    seq: plans.seq,
    final_content: content,
    user_id: "assistant",
    model_used: "small",
    context_tokens: 11,
    context_limit: 100,
    finish_reason,
    usage: { prompt_tokens: 11, completion_tokens: 3, total_tokens: 14 },
  });
  await pass();
};

test("an answer grows by tokens and becomes one message", async () => {
  await say(typing(true));
  expect(room.assistant.answer).toMatchObject({ id: null, content: "" });
  await say(chunk("Good "), chunk("day"));
  expect(room.assistant.answer).toMatchObject({ id: "a-1", content: "Good day" });
  expect(room.messages).toEqual([]);
  await complete("Good day");
  await say(typing(false), { type: "context_usage", used_tokens: 14, limit_tokens: 100, percent: 14 });
  expect(room.assistant.answer).toBeNull();
  expect(shown(room.messages)).toEqual(["Good day/SENT"]);
  expect(room.messages[0]).toMatchObject({
    id: "a-1",
    seq: 1,
    userId: "assistant",
    answered: { model: "small", finish: "stop", usage: { promptTokens: 11, completionTokens: 3, totalTokens: 14 } },
  });
  expect(room.assistant.context).toEqual({ usedTokens: 14, limitTokens: 100, percent: 14 });
  expect(client.roomList[0]).toMatchObject({ unreadCount: 1, lastMessage: { content: "Good day" } });
});

test("tokens are told apart from other changes, and its end together with its message", async () => {
  await say(typing(true), chunk("Good "));
  const before = room.messages;
  const heard: string[] = [];
  room.on("change", () => heard.push(`change ${room.messages.length} ${room.assistant.answer === null}`));
  room.assistant.on("answer", () => heard.push(`answer ${room.assistant.answer?.content ?? "-"}`));
  await say(chunk("day"));
  expect(heard).toEqual(["answer Good day"]);
  expect(room.messages).toBe(before);
  await complete("Good day");
  expect(heard.slice(-2)).toEqual(["answer -", "change 1 true"]);
});

test("who comes later gets what was said so far, once", async () => {
  await say(typing(true), chunk("One two "));
  server.drop();
  await pass(31_000);
  expect(client.status).toBe("online");
  await say(chunk("One two three "), chunk("four"));
  expect(room.assistant.answer?.content).toBe("One two three four");
  await complete("One two three four");
  expect(shown(room.messages)).toEqual(["One two three four/SENT"]);
});

test("an answer that ended while away is a message, and nothing is under way", async () => {
  await say(typing(true), chunk("One "));
  server.away = true;
  server.drop();
  await pass(1_000);
  await complete("One two");
  server.away = false;
  await pass(31_000);
  expect(room.assistant.answer).toBeNull();
  expect(shown(room.messages)).toEqual(["One two/SENT"]);
});

test("one that fails keeps what was said, until it is dismissed or the next begins", async () => {
  await say(typing(true), chunk("Half"));
  await say({ type: "ai_response_error", message_id: "a-1", code: "unavailable", message: "the provider is away" }, typing(false));
  expect(room.assistant.answer).toBeNull();
  expect(room.assistant.failed).toMatchObject({ id: "a-1", question: false, content: "Half" });
  expect(room.assistant.failed?.error).toMatchObject({ code: "unavailable", message: "the provider is away" });
  expect(room.messages).toEqual([]);
  await say(typing(true));
  expect(room.assistant.failed).toBeNull();
  await say({ type: "ai_response_error", message_id: "a-2", code: "internal", message: "no" });
  expect(room.assistant.answer).toBeNull();
  room.assistant.dismiss();
  expect(room.assistant.failed).toBeNull();
});

test("a question that is refused does not end the answer to another", async () => {
  await say(typing(true), chunk("Still "));
  room.send("and this?");
  await pass();
  const question = room.messages[0]?.id;
  await say({ type: "ai_response_error", message_id: question, code: "busy", message: "one at a time" });
  expect(room.assistant.failed).toMatchObject({ id: question, question: true, content: "" });
  await say(chunk("here"));
  expect(room.assistant.answer?.content).toBe("Still here");
});

test("an answer is cancelled in its room; who may not is told, and it goes on", async () => {
  await say(typing(true), chunk("Long "));
  expect(room.assistant.cancel()).toBe(true);
  expect(room.assistant.answer?.stopping).toBe(true);
  await pass();
  expect(server.sent("cancel_response")).toEqual([{ type: "cancel_response", conversation_id: "plans" }]);
  await say({ type: "error", code: "forbidden", message: "not yours", in_reply_to: "cancel_response" });
  expect(room.assistant.answer?.stopping).toBe(false);
  room.assistant.cancel();
  await complete("Long ", "a-1", "cancelled");
  expect(room.messages[0]?.answered?.finish).toBe("cancelled");
  server.away = true;
  server.drop();
  expect(room.assistant.cancel()).toBe(false);
});

test("what it cost is asked of the server", async () => {
  const usage = { answers: 2, prompt_tokens: 30, completion_tokens: 10, total_tokens: 40 };
  server.answers.set("GET /channels/plans/assistant", () =>
    Response.json({ attached: true, model: "small", context_limit: 100, answering: { message_id: "a-1", asked_by: "ann" }, usage }),
  );
  server.answers.set("GET /users/me/assistant", () =>
    Response.json({ budget_tokens: null, window_seconds: 86_400, used_tokens: 40, renews_in_seconds: 9, usage }),
  );
  const sums = { answers: 2, promptTokens: 30, completionTokens: 10, totalTokens: 40 };
  expect(await room.assistant.read()).toEqual({
    attached: true,
    model: "small",
    contextLimit: 100,
    answering: { messageId: "a-1", askedBy: "ann" },
    usage: sums,
  });
  expect(await client.assistant()).toEqual({
    budgetTokens: null,
    windowSeconds: 86_400,
    usedTokens: 40,
    renewsInSeconds: 9,
    usage: sums,
  });
});
