import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ConclaveClient, type Room } from "../src/index.js";
import { FakeServer, seeded } from "./fake_server.js";

let server: FakeServer;
let client: ConclaveClient;
/** Paths whose answers are written and stay on their way until `arrive`. */
let slow: Set<string>;
let onTheirWay: (() => void)[];

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer("plans", "other");
  slow = new Set();
  onTheirWay = [];
  client = new ConclaveClient({
    url: "http://server",
    tokens: "token-1",
    WebSocket: server.WebSocket,
    random: seeded(1),
    fetch: async (input: string | URL | Request, init?: RequestInit) => {
      const answer = await server.fetch(input, init);
      const isSlow = slow.has(new URL(String(input)).pathname);
      if (isSlow) await new Promise<void>((arrived) => onTheirWay.push(arrived));
      return answer;
    },
  });
});

afterEach(() => {
  client.close();
  vi.useRealTimers();
});

const pass = (ms = 50): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

const arrive = (): Promise<unknown> => {
  slow.clear();
  for (const arrived of onTheirWay.splice(0)) arrived();
  return pass();
};

const opened = async (): Promise<Room> => {
  void client.connect();
  const room = client.room("plans");
  room.open();
  await pass(300);
  return room;
};

/** The members of the room are asked for, and the answer stays on its way. */
const membersAsked = async (): Promise<void> => {
  slow.add("/channels/plans/members");
  server.room("plans").seq += 1;
  server.tell("plans", { type: "member_joined", seq: server.room("plans").seq, user_id: "bob" });
  await pass(600);
  expect(onTheirWay).toHaveLength(1);
};

const ids = (): string[] => client.roomList.map(({ id }) => id).sort();

test("who leaves while the members are read is not shown again", async () => {
  const room = await opened();
  expect(room.members.map(({ userId }) => userId)).toEqual(["user", "ann"]);
  await membersAsked();
  server.room("plans").seq += 1;
  server.tell("plans", { type: "member_left", seq: server.room("plans").seq, user_id: "ann" });
  await pass();
  await arrive();
  expect(room.members.map(({ userId }) => userId)).toEqual(["user"]);
  expect(room.presence.has("ann")).toBe(false);
});

test("who goes while presence is read is not shown as there", async () => {
  const room = await opened();
  await membersAsked();
  server.socket.push({ type: "presence_update", user_id: "ann", is_online: false, last_seen: 1_600_000_000 });
  await pass();
  await arrive();
  expect(room.presence.get("ann")).toEqual({ isOnline: false, lastSeenAt: new Date(1_600_000_000_000) });
  expect(room.presence.get("user")?.isOnline).toBe(true);
});

test("a room that is left while the list is read stays away", async () => {
  await opened();
  slow.add("/channels");
  void client.rooms();
  await pass();
  server.answers.set("DELETE /channels/other/leave", () => new Response(null, { status: 204 }));
  await client.leaveRoom("other");
  await arrive();
  expect(ids()).toEqual(["plans"]);
});

test("a room that is left while it is read stays away", async () => {
  await opened();
  slow.add("/channels/other");
  server.socket.push({ type: "member_joined", conversation_id: "other", user_id: "user", seq: 1 });
  await pass();
  expect(onTheirWay).toHaveLength(1);
  server.answers.set("DELETE /channels/other/leave", () => new Response(null, { status: 204 }));
  await client.leaveRoom("other");
  await arrive();
  expect(ids()).toEqual(["plans"]);
});

test("a room that is made while the list is read stays", async () => {
  await opened();
  slow.add("/channels");
  void client.rooms();
  await pass();
  slow.clear();
  server.answers.set("POST /channels", () => {
    server.rooms.set("new", { id: "new", seq: 0, members: ["user"], messages: [], events: [] });
    return Response.json({ ...CHANNEL, id: "new" }, { status: 201 });
  });
  await client.createRoom({ type: "PRIVATE", name: "new" });
  await arrive();
  expect(ids()).toEqual(["new", "other", "plans"]);
});

test("who accepts an invitation while the list is read sees the room", async () => {
  await opened();
  slow.add("/channels");
  void client.rooms();
  await pass();
  server.answers.set("POST /channels/invitations/i-1/accept", () => {
    server.rooms.set("new", { id: "new", seq: 0, members: ["user"], messages: [], events: [] });
    return Response.json({});
  });
  const accepted = client.acceptInvitation("i-1");
  await pass();
  await arrive();
  await accepted;
  expect(ids()).toEqual(["new", "other", "plans"]);
});

const CHANNEL = {
  name: "new",
  type: "PRIVATE",
  assistant: false,
  createdAt: "2020-01-01T00:00:00.000Z",
  lastSeq: 0,
  unreadCount: 0,
  myRole: "OWNER",
  _count: { members: 1, messages: 0 },
};
