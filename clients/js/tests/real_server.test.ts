import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import {
  ConclaveClient,
  ConversationClient,
  createClient,
  resume,
  signIn,
  type Room,
  type TopicMessage,
} from "../src/index.js";
import { RealServer, settled, until } from "./real_server.js";

let server: RealServer;
const clients: ConclaveClient[] = [];

beforeAll(async () => {
  server = await RealServer.start();
});

afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

afterAll(() => server.end());

const connected = async (user: string): Promise<ConclaveClient> => {
  const tokens = await signIn(server.url, user, "password");
  const client = new ConclaveClient({ url: server.url, tokens });
  clients.push(client);
  await client.connect();
  return client;
};

/** A room of its own, so that no test sees another one's. */
const together = async (): Promise<[Room, Room, ConclaveClient, ConclaveClient]> => {
  const [user, testuser] = await Promise.all([connected("user"), connected("testuser")]);
  const { id } = await user.createRoom({ name: "Plans", type: "PRIVATE", memberIds: ["testuser"] });
  const rooms: [Room, Room] = [user.room(id), testuser.room(id)];
  for (const room of rooms) room.open();
  await Promise.all(rooms.map((room) => settled(room, () => !room.loading && room.members.length === 2)));
  return [...rooms, user, testuser];
};

test("two people talk, edit and delete", async () => {
  const [mine, hers] = await together();
  mine.send("hello");
  await settled(hers, () => hers.messages.length === 1);
  const first = hers.messages[0];
  hers.send("hello yourself", { replyTo: first?.id ?? "" });
  await settled(mine, () => mine.messages.length === 2);
  expect(mine.messages[1]).toMatchObject({ replyTo: first?.id, userId: "testuser" });

  await mine.edit(first?.id ?? "", "hello there");
  await settled(hers, () => hers.messages[0]?.content === "hello there");
  expect(hers.messages[0]?.editedAt).toBeInstanceOf(Date);

  await mine.remove(first?.id ?? "");
  await settled(hers, () => hers.messages[0]?.deleted === true);
  expect(hers.messages[0]?.content).toBe("");
});

test("the author sees delivered, then read", async () => {
  const [mine, hers, user] = await together();
  mine.send("hello");
  await settled(mine, () => mine.messages[0]?.status === "DELIVERED");
  expect(hers.unread).toBe(1);
  hers.markRead();
  expect(hers.unread).toBe(0);
  await settled(mine, () => mine.messages[0]?.status === "READ");
  const receipts = await mine.statusOf(mine.messages[0]?.id ?? "");
  expect(receipts).toMatchObject([{ userId: "testuser", status: "READ" }]);
  expect(user.roomList.find(({ id }) => id === mine.id)?.lastMessage?.content).toBe("hello");
});

test("typing is seen, and ends with the message", async () => {
  const [mine, hers] = await together();
  hers.typing();
  await settled(mine, () => mine.typists.includes("testuser"));
  hers.send("done");
  await settled(mine, () => mine.typists.length === 0 && mine.messages.length === 1);
});

test("a room that one is put into appears by itself, and goes", async () => {
  const [user, testuser] = await Promise.all([connected("user"), connected("testuser")]);
  const listed = (id: string): boolean => testuser.roomList.some((room) => room.id === id);
  const on = (listener: () => void) => testuser.on("rooms", listener);
  const { id } = await user.createRoom({ name: "Soon", type: "PRIVATE", memberIds: ["testuser"] });
  await until(on, () => listed(id));
  user.room(id).send("welcome");
  await until(on, () => testuser.roomList.find((room) => room.id === id)?.unreadCount === 1);
  await user.deleteRoom(id);
  await until(on, () => !listed(id));
});

test("a server that is killed and comes back has every message once, in order", async () => {
  const [mine, hers] = await together();
  const contents = Array.from({ length: 30 }, (_, at) => `m${at + 1}`);
  for (const content of contents.slice(0, 10)) mine.send(content);
  await settled(mine, () => mine.messages.some(({ status }) => status === "SENT"));
  await server.kill();
  for (const content of contents.slice(10)) mine.send(content);
  expect(mine.messages.some(({ status }) => status === "SENDING")).toBe(true);
  await server.begin();
  await settled(mine, () => mine.messages.every(({ status }) => status !== "SENDING"));
  await settled(hers, () => hers.messages.length === contents.length);
  expect(mine.messages.map(({ content }) => content)).toEqual(contents);
  expect(hers.messages.map(({ content }) => content)).toEqual(contents);
  expect(mine.messages.map(({ seq }) => seq)).toEqual(hers.messages.map(({ seq }) => seq));
});

test("topics are heard in the session only", async () => {
  const [user, testuser] = await Promise.all([connected("user"), connected("testuser")]);
  const heard: TopicMessage[] = [];
  const others: TopicMessage[] = [];
  const received = new Promise<void>((resolve) => {
    user.topic("news").subscribe((message) => {
      heard.push(message);
      if (heard.length === 2) resolve();
    });
  });
  testuser.topic("news").subscribe((message) => others.push(message));
  await testuser.topic("else").publish("so that the subscription is there");
  await user.topic("news").publish({ number: 1 });
  await user.topic("news").publish("two");
  await received;
  expect(heard.map(({ payload }) => payload)).toEqual([{ number: 1 }, "two"]);
  expect(heard[0]).toMatchObject({ user: "user", sessionId: "session-user" });
  expect(others).toEqual([]);
});

test("a topic goes on after the server was killed, and says that something may be missing", async () => {
  const user = await connected("user");
  const topic = user.topic("weather");
  const heard: unknown[] = [];
  let next = (): void => undefined;
  const arrived = (): Promise<void> => new Promise((resolve) => (next = resolve));
  topic.subscribe(({ payload }) => {
    heard.push(payload);
    next();
  });
  let first = arrived();
  await topic.publish("before");
  await first;
  const gap = new Promise<void>((resolve) => topic.onGap(resolve));
  await server.kill();
  await server.begin();
  await gap;
  first = arrived();
  await topic.publish("after");
  await first;
  expect(heard).toEqual(["before", "after"]);
});

test("who is signed out elsewhere is ended", async () => {
  const tokens = await signIn(server.url, "username", "password");
  const client = new ConclaveClient({ url: server.url, tokens });
  clients.push(client);
  await client.connect();
  const token = await tokens.token();
  await fetch(`${server.url}/auth/logout`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}` },
  });
  await until((listener) => client.on("status", listener), () => client.status === "ended");
  expect(client.endedBecause?.code).toBe("unauthenticated");
});

test("a page's WebSocket, which takes no headers, gets in by a ticket", async () => {
  const urls: string[] = [];
  class Plain {
    readonly #inner: WebSocket;

    constructor(url: string) {
      urls.push(url);
      this.#inner = new WebSocket(url);
    }

    get readyState(): number {
      return this.#inner.readyState;
    }

    set onopen(listener: never) {
      this.#inner.onopen = listener;
    }

    set onmessage(listener: never) {
      this.#inner.onmessage = listener;
    }

    set onclose(listener: never) {
      this.#inner.onclose = listener;
    }

    set onerror(listener: never) {
      this.#inner.onerror = listener;
    }

    send(text: string): void {
      this.#inner.send(text);
    }

    close(code?: number): void {
      this.#inner.close(code);
    }
  }
  const tokens = await signIn(server.url, "user", "password");
  const client = new ConclaveClient({ url: server.url, tokens, WebSocket: Plain });
  clients.push(client);
  await client.connect();
  expect(urls[0]).toMatch(/\/ws\/user\?ticket=/);
  expect(urls[0]).not.toContain(await tokens.token());
});

test("a sign-in outlives a reload by its cookie, and not signing out", async () => {
  let jar = "";
  // What a browser does with the cookies of its own origin.
  const browser: typeof fetch = async (url, init = {}) => {
    const headers = new Headers(init.headers);
    headers.set("Origin", server.url);
    if (jar !== "" && init.credentials === "include") headers.set("Cookie", jar);
    const response = await fetch(url, { ...init, headers });
    const cookies = response.headers.getSetCookie();
    if (cookies.length > 0) jar = cookies.map((cookie) => cookie.split(";")[0]).join("; ");
    return response;
  };
  expect(await resume(server.url, { fetch: browser })).toBeNull();
  const first = await signIn(server.url, "user", "password", { cookie: true, fetch: browser });
  const second = await resume(server.url, { fetch: browser });
  expect(second?.userId).toBe("user");
  expect(await second?.token()).not.toBe(await first.token());
  await second?.signOut();
  expect(await resume(server.url, { fetch: browser })).toBeNull();
});

test("a wrong password is unauthenticated", async () => {
  await expect(signIn(server.url, "user", "wrong")).rejects.toMatchObject({ code: "unauthenticated" });
});

test("another user's feed is forbidden", async () => {
  const tokens = await signIn(server.url, "user", "password");
  const client = new ConversationClient("admin", tokens, { url: server.url });
  await expect(client.connect()).rejects.toMatchObject({ code: "forbidden" });
});

test("a session's client comes back and hears again", async () => {
  const url = `${server.url.replace("http", "ws")}/ws`;
  const one = await createClient("One", url, { subscriptions: ["T"] }, undefined, "s-1");
  const two = await createClient("Two", url, {}, undefined, "s-1");
  const heard = (): Promise<unknown> =>
    new Promise((resolve) => {
      const end = one.on("T", (message) => {
        end();
        resolve(message["payload"]);
      });
    });
  let next = heard();
  two.publish("T", "before");
  expect(await next).toBe("before");
  await server.kill();
  const back = new Promise<void>((resolve) => (one.onopen = resolve));
  await server.begin();
  await back;
  const three = await createClient("Three", url, {}, undefined, "s-1");
  next = heard();
  three.publish("T", "after");
  expect(await next).toBe("after");
  for (const client of [one, two, three]) client.close();
});
