import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ConclaveClient, ConclaveError, type ClientOptions, type Room } from "../src/index.js";
import { FakeServer, seeded, shown } from "./fake_server.js";

let server: FakeServer;
let client: ConclaveClient;

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer("plans");
});

afterEach(() => {
  client.close();
  vi.useRealTimers();
});

const clientOf = (options: Partial<ClientOptions> = {}): ConclaveClient => {
  client = new ConclaveClient({
    url: "http://server",
    tokens: "token-1",
    WebSocket: server.WebSocket,
    fetch: server.fetch,
    random: seeded(1),
    ...options,
  });
  return client;
};

const pass = (ms = 50): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

const opened = async (options: Partial<ClientOptions> = {}): Promise<Room> => {
  void clientOf(options).connect();
  const room = client.room("plans");
  room.open();
  await pass(300);
  expect(client.status).toBe("online");
  return room;
};

test("a message is shown at once and sent after it", async () => {
  const room = await opened();
  const message = room.send("hello");
  expect(message.status).toBe("SENDING");
  expect(shown(room.messages)).toEqual(["hello/SENDING"]);
  await pass();
  expect(shown(room.messages)).toEqual(["hello/SENT"]);
  expect(room.messages[0]).toMatchObject({ clientId: message.clientId, seq: 1, userId: "user" });
});

test("one connection serves all rooms", async () => {
  server = new FakeServer("plans", "other", "third");
  await opened();
  expect(server.sockets).toHaveLength(1);
  expect([...server.socket.followed].sort()).toEqual(["other", "plans", "third"]);
});

test("messages written while away arrive once, in order, after the connection is back", async () => {
  const room = await opened();
  server.away = true;
  server.drop();
  for (let n = 1; n <= 5; n += 1) room.send(`m${n}`);
  await pass(10_000);
  expect(client.status).not.toBe("online");
  expect(shown(room.messages)).toEqual([1, 2, 3, 4, 5].map((n) => `m${n}/SENDING`));
  server.away = false;
  await pass(31_000);
  expect(shown(room.messages)).toEqual([1, 2, 3, 4, 5].map((n) => `m${n}/SENT`));
  expect(server.room("plans").messages.map(({ content }) => content)).toEqual(["m1", "m2", "m3", "m4", "m5"]);
});

test("a lost answer is asked for again under the same clientId", async () => {
  const room = await opened();
  let lost = 0;
  server.hooks.stored = (socket) => {
    lost += 1;
    if (lost === 1) socket.drop();
    return lost !== 1;
  };
  room.send("once");
  await pass(5_000);
  const sent = server.sent("send_message");
  expect(sent).toHaveLength(2);
  expect(new Set(sent.map((frame) => frame["client_id"])).size).toBe(1);
  expect(shown(room.messages)).toEqual(["once/SENT"]);
});

test("what is refused for good fails, and the next one goes", async () => {
  const room = await opened();
  server.hooks.frame = (frame, socket) => {
    if (frame["content"] !== "bad") return true;
    socket.push({
      type: "error",
      code: "forbidden",
      message: "no",
      in_reply_to: "send_message",
      client_id: frame["client_id"],
      conversation_id: "plans",
    });
    return false;
  };
  const bad = room.send("bad");
  room.send("good");
  await pass();
  expect(shown(room.messages)).toEqual(["good/SENT", "bad/FAILED"]);
  expect(room.messages[1]?.error?.code).toBe("forbidden");
  server.hooks = {};
  room.retry(bad.clientId ?? "");
  await pass();
  expect(shown(room.messages)).toEqual(["good/SENT", "bad/SENT"]);
});

test("a failed message can be discarded, one on its way cannot", async () => {
  const room = await opened();
  server.hooks.frame = (frame) => frame["type"] !== "send_message";
  const waiting = room.send("waiting");
  room.discard(waiting.clientId ?? "");
  expect(shown(room.messages)).toEqual(["waiting/SENDING"]);
});

test("rate_limited is no loss and keeps the order", async () => {
  const room = await opened();
  let refusals = 3;
  server.hooks.frame = (frame, socket) => {
    if (frame["type"] !== "send_message" || refusals === 0) return true;
    refusals -= 1;
    socket.push({ type: "error", code: "rate_limited", message: "Too many messages", in_reply_to: null });
    return false;
  };
  for (let n = 1; n <= 4; n += 1) room.send(`m${n}`);
  await pass(20_000);
  expect(shown(room.messages)).toEqual(["m1/SENT", "m2/SENT", "m3/SENT", "m4/SENT"]);
});

test("the outbox is bounded", async () => {
  const room = await opened({ outboxMax: 3 });
  server.away = true;
  server.drop();
  for (let n = 1; n <= 3; n += 1) room.send(`m${n}`);
  expect(() => room.send("m4")).toThrow(ConclaveError);
  expect(room.messages).toHaveLength(3);
});

test("what was missed while away is replayed, edits and deletions too", async () => {
  const one = server.say("plans", "ann", "one");
  const two = server.say("plans", "ann", "two");
  const room = await opened();
  expect(shown(room.messages)).toEqual(["one/SENT", "two/SENT"]);
  server.drop();
  server.room("plans").seq += 2;
  server.tell("plans", { type: "message_updated", message_id: one.id, seq: 3, user_id: "ann", content: "ONE", timestamp: Date.now() / 1000 });
  server.tell("plans", { type: "message_deleted", message_id: two.id, seq: 4 });
  server.say("plans", "ann", "three");
  await pass(5_000);
  expect(server.socket.sent.find((frame) => frame["since"] !== undefined)).toMatchObject({ since: 2 });
  expect(shown(room.messages)).toEqual(["ONE/SENT", "(deleted)", "three/SENT"]);
});

test("where too much was missed the newest page is read again", async () => {
  server.replayMax = 10;
  const room = await opened();
  server.say("plans", "ann", "before");
  await pass();
  room.send("mine");
  await pass();
  server.drop();
  for (let n = 1; n <= 80; n += 1) server.say("plans", "ann", `n${n}`);
  room.send("unsent");
  await pass(5_000);
  expect(room.messages.length).toBeLessThanOrEqual(51);
  expect(room.hasOlder).toBe(true);
  expect(shown(room.messages).at(-1)).toBe("unsent/SENT");
  await room.loadOlder(200);
  expect(room.messages.map(({ seq }) => seq)).toEqual(Array.from({ length: 83 }, (_, at) => at + 1));
});

test("older pages come before what is there", async () => {
  for (let n = 1; n <= 120; n += 1) server.say("plans", "ann", `n${n}`);
  const room = await opened();
  expect(room.messages).toHaveLength(50);
  await room.loadOlder();
  expect(room.messages).toHaveLength(100);
  await room.loadOlder();
  expect(room.hasOlder).toBe(false);
  expect(room.messages.map(({ content }) => content)).toEqual(Array.from({ length: 120 }, (_, at) => `n${at + 1}`));
});

test("the same event twice changes nothing", async () => {
  const room = await opened();
  server.say("plans", "ann", "one");
  for (const event of server.room("plans").events) server.socket.push(event);
  await pass();
  expect(shown(room.messages)).toEqual(["one/SENT"]);
  expect(client.roomList[0]?.unreadCount).toBe(1);
});

test("a room keeps no more than historyMax", async () => {
  const room = await opened({ historyMax: 100 });
  for (let n = 1; n <= 500; n += 1) server.say("plans", "ann", `n${n}`);
  await pass();
  expect(room.messages.length).toBeLessThanOrEqual(100);
  expect(room.hasOlder).toBe(true);
  expect(room.messages.at(-1)?.content).toBe("n500");
});

test("a closed room keeps one page", async () => {
  void clientOf().connect();
  const room = client.room("plans");
  const close = room.open();
  await pass(300);
  for (let n = 1; n <= 500; n += 1) server.say("plans", "ann", `n${n}`);
  await pass();
  close();
  await pass();
  expect(room.messages).toHaveLength(50);
});

test("others' messages count as unread until they are read", async () => {
  const room = await opened();
  server.say("plans", "ann", "one");
  const two = server.say("plans", "ann", "two");
  await pass();
  expect([room.unread, client.roomList[0]?.unreadCount]).toEqual([2, 2]);
  await pass(300);
  expect(server.sent("message_delivered").at(-1)).toMatchObject({ message_id: two.id });
  room.markRead(server.room("plans").messages[0]?.id);
  expect(room.unread).toBe(1);
  room.markRead();
  expect(room.unread).toBe(0);
  await pass(300);
  expect(server.sent("message_read").at(-1)).toMatchObject({ message_id: two.id });
});

test("reading an earlier message leaves later ones read", async () => {
  const room = await opened();
  const first = server.say("plans", "ann", "one");
  server.say("plans", "ann", "two");
  await pass();
  room.markRead();
  room.markRead(first.id);
  expect(room.unread).toBe(0);
});

test("a replay that is cut short goes on where it was cut", async () => {
  const room = await opened();
  server.say("plans", "ann", "first");
  await pass();
  server.drop();
  for (let n = 1; n <= 100; n += 1) server.say("plans", "ann", `n${n}`);
  // Followed anew, and the newest page read; the replay itself gets lost on its way.
  let cut = false;
  server.hooks.frame = (frame, socket) => {
    if (frame["type"] !== "subscribe_conversation" || cut) return true;
    cut = true;
    setTimeout(() => socket.drop(), 300);
    return false;
  };
  await pass(10_000);
  expect(cut).toBe(true);
  expect(room.messages.map(({ seq }) => seq)).toEqual(Array.from({ length: 101 }, (_, at) => at + 1));
});

test("receipts that were refused for being too many are told again", async () => {
  const room = await opened();
  server.say("plans", "ann", "one");
  await pass();
  let refusals = 1;
  server.hooks.frame = (frame, socket) => {
    if (frame["type"] !== "message_read" || refusals === 0) return true;
    refusals -= 1;
    socket.push({ type: "error", code: "rate_limited", message: "", in_reply_to: "message_read", conversation_id: "plans" });
    return false;
  };
  room.markRead();
  await pass(5_000);
  expect(server.sent("message_read")).toHaveLength(2);
});

test("a message is READ when the last of its recipients has read it", async () => {
  server.room("plans").members.push("bob");
  const room = await opened();
  room.send("hello");
  room.send("there");
  await pass();
  const receipt = (userId: string, status: string): void => {
    const message_id = server.room("plans").messages[1]?.id;
    server.socket.push({ type: "message_status", message_id, user_id: userId, status, timestamp: 1 });
  };
  receipt("ann", "read");
  await pass();
  expect(shown(room.messages)).toEqual(["hello/SENT", "there/SENT"]);
  receipt("bob", "delivered");
  await pass();
  expect(shown(room.messages)).toEqual(["hello/DELIVERED", "there/DELIVERED"]);
  receipt("bob", "read");
  receipt("bob", "delivered");
  await pass();
  expect(shown(room.messages)).toEqual(["hello/READ", "there/READ"]);
});

test("names and presence come with the room", async () => {
  const room = await opened();
  expect(room.nameOf("ann")).toBe("ANN");
  expect(room.presence.get("ann")).toEqual({ isOnline: true, lastSeenAt: null });
  server.socket.push({ type: "presence_update", user_id: "ann", is_online: false, last_seen: 5 });
  await pass();
  expect(room.presence.get("ann")).toEqual({ isOnline: false, lastSeenAt: new Date(5000) });
});

test("a room shows its messages while its members cannot be read", async () => {
  server.say("plans", "ann", "one");
  let failures = 2;
  const fetch: typeof globalThis.fetch = async (url, init) => {
    if (!String(url).includes("/members") || failures === 0) return server.fetch(String(url), init);
    failures -= 1;
    throw new TypeError("fetch failed");
  };
  const room = await opened({ fetch });
  expect([shown(room.messages), room.error, room.members.length]).toEqual([["one/SENT"], null, 0]);
  await pass(10_000);
  expect(room.members).toHaveLength(2);
});

test("a room that cannot be read is tried again, one that is none is not", async () => {
  // When it is opened, and again when the connection is there.
  let failures = 2;
  const fetch: typeof globalThis.fetch = async (url, init) => {
    if (!String(url).includes("/messages") || failures === 0) return server.fetch(String(url), init);
    failures -= 1;
    throw new TypeError("fetch failed");
  };
  const room = await opened({ fetch });
  expect(room.error?.code).toBe("network");
  await pass(3_000);
  expect([room.error, room.loading]).toEqual([null, false]);
  const none = client.room("nowhere");
  none.open();
  await pass(10_000);
  expect(none.error?.code).toBe("not_found");
  expect(server.requests.filter((request) => request.includes("nowhere"))).toHaveLength(1);
});

test("a room that one is put into appears, and disappears with the membership", async () => {
  await opened();
  server.rooms.set("new", { id: "new", seq: 3, members: ["user"], messages: [], events: [] });
  server.socket.push({ type: "member_joined", conversation_id: "new", user_id: "user", seq: 3 });
  await pass();
  expect(client.roomList.map(({ id }) => id).sort()).toEqual(["new", "plans"]);
  expect(server.socket.followed.has("new")).toBe(true);
  server.socket.push({ type: "unsubscribed", conversation_id: "new" });
  await pass();
  expect(client.roomList.map(({ id }) => id)).toEqual(["plans"]);
});

test("no more rooms are followed than the server allows, open ones first", async () => {
  server = new FakeServer(...Array.from({ length: 200 }, (_, at) => `room-${at}`));
  void clientOf().connect();
  await pass(10_000);
  expect(server.socket.followed.size).toBe(128);
  const left = [...server.rooms.keys()].find((id) => !server.socket.followed.has(id)) ?? "";
  client.room(left).open();
  await pass();
  expect(server.socket.followed.has(left)).toBe(true);
  expect(server.socket.followed.size).toBe(128);
  expect(client.roomList).toHaveLength(200);
});

test("a subscription that is refused for now is asked for again", async () => {
  let refusals = 2;
  server.hooks.frame = (frame, socket) => {
    if (frame["type"] !== "subscribe_conversation" || refusals === 0) return true;
    refusals -= 1;
    const in_reply_to = frame["type"];
    socket.push({ type: "error", code: "unavailable", message: "", in_reply_to, conversation_id: "plans" });
    return false;
  };
  const room = await opened();
  server.say("plans", "ann", "one");
  await pass(10_000);
  expect(shown(room.messages)).toEqual(["one/SENT"]);
});

test("what comes while the newest page is read is not missed", async () => {
  let reads = 0;
  const fetch: typeof globalThis.fetch = async (url, init) => {
    const answer = await server.fetch(String(url), init);
    if (!String(url).includes("/messages")) return answer;
    reads += 1;
    if (reads === 1) server.say("plans", "ann", "between");
    return answer;
  };
  const room = await opened({ fetch });
  await pass(1_000);
  expect(shown(room.messages)).toEqual(["between/SENT"]);
});

test("a server that allows fewer rooms is not asked for more again and again", async () => {
  server = new FakeServer(...Array.from({ length: 30 }, (_, at) => `room-${at}`));
  server.hooks.frame = (frame, socket) => {
    if (frame["type"] !== "subscribe_conversation" || socket.followed.size < 10) return true;
    const { type: in_reply_to, conversation_id } = frame;
    socket.push({ type: "error", code: "too_large", message: "", in_reply_to, conversation_id });
    return false;
  };
  void clientOf().connect();
  await pass(5_000);
  expect(server.socket.followed.size).toBe(10);
  const asked = server.sent("subscribe_conversation").length;
  await pass(30_000);
  expect(server.sent("subscribe_conversation").length).toBe(asked);
  const left = [...server.rooms.keys()].find((id) => !server.socket.followed.has(id)) ?? "";
  client.room(left).open();
  await pass();
  expect(server.socket.followed.has(left)).toBe(true);
});

test("a direct message is named after the other one, whose presence shows", async () => {
  server.room("plans").direct = true;
  await opened();
  expect(client.roomList[0]?.peer).toEqual({ userId: "ann", name: "ANN" });
  expect(client.presenceOf("ann")?.isOnline).toBe(true);
  let told = 0;
  client.on("rooms", () => (told += 1));
  server.socket.push({ type: "presence_update", user_id: "ann", is_online: false, last_seen: 5 });
  await pass();
  expect([client.presenceOf("ann")?.isOnline, told > 0]).toEqual([false, true]);
});

test("an invitation is told", async () => {
  await opened();
  let told = 0;
  client.on("invitations", () => (told += 1));
  server.socket.push({ type: "invitation", invitation_id: "i", conversation_id: "x", inviter_id: "ann" });
  await pass();
  expect(told).toBe(1);
});

test("frames keep the pace that the server allows", async () => {
  server = new FakeServer(...Array.from({ length: 128 }, (_, at) => `room-${at}`));
  void clientOf().connect();
  await pass(1_000);
  for (const id of server.rooms.keys()) client.room(id).send("hello");
  const before = server.socket.sent.length;
  await pass(1_000);
  expect(server.socket.sent.length - before).toBeLessThanOrEqual(50);
  await pass(10_000);
  expect(server.sent("send_message")).toHaveLength(128);
});

test("the same room is the same object, and open until all have closed it", async () => {
  const room = await opened();
  expect(client.room("plans")).toBe(room);
  const again = room.open();
  again();
  again();
  await pass();
  server.say("plans", "ann", "still");
  await pass();
  expect(shown(room.messages)).toEqual(["still/SENT"]);
});
