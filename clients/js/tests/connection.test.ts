import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ConclaveClient, type ClientOptions, type ConclaveError, type Tokens } from "../src/index.js";
import { FakeServer, FakeSocket, seeded } from "./fake_server.js";

let server: FakeServer;
let client: ConclaveClient;
/** What became of `connect`. */
let outcome: Promise<string>;

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2026-01-01T00:00:00Z") });
  server = new FakeServer("plans");
});

afterEach(() => {
  client.close();
  vi.useRealTimers();
});

const connected = async (options: Partial<ClientOptions> = {}): Promise<void> => {
  client = new ConclaveClient({
    url: "http://server",
    tokens: "token-1",
    WebSocket: server.WebSocket,
    fetch: server.fetch,
    random: seeded(1),
    ...options,
  });
  outcome = client.connect().then(
    () => "connected",
    (error: ConclaveError) => error.code,
  );
  await pass();
};

const pass = (ms = 50): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

/** A JWT that nobody signed, living from now on. */
const jwt = (seconds: number, mark = ""): string => {
  const now = Math.floor(Date.now() / 1000);
  const claims = btoa(JSON.stringify({ sub: "user", iat: now, exp: now + seconds, jti: mark }));
  return `e30.${claims.replaceAll("=", "")}.c2ln`;
};

/** Tokens that are numbered, the next one after each refusal. */
const numbered = (): Tokens & { given: number } => {
  const tokens = {
    given: 1,
    token: async () => `token-${tokens.given}`,
    invalidate: () => void (tokens.given += 1),
  };
  return tokens;
};

test("a page connects with a ticket, never with its token in the address", async () => {
  await connected();
  expect(server.socket.url).toBe("ws://server/ws/user?ticket=ticket-1");
  expect(server.requests).toContain("POST /auth/ticket");
});

test("where the WebSocket takes headers there is no ticket", async () => {
  const seen: unknown[] = [];
  const Plain = server.WebSocket;
  class WithHeaders extends Plain {
    constructor(url: string, protocols: unknown, options: unknown) {
      super(url);
      seen.push(protocols, options);
    }

    terminate(): void {}
  }
  await connected({ WebSocket: WithHeaders });
  expect(seen).toEqual([[], { headers: { Authorization: "Bearer token-1" } }]);
  expect(server.socket.url).toBe("ws://server/ws/user");
  expect(server.requests).not.toContain("POST /auth/ticket");
});

test("an https origin leads to wss", async () => {
  await connected({ url: "https://server" });
  expect(server.sockets[0]?.url).toMatch(/^wss:/);
});

test("a lost connection comes back after pauses that grow", async () => {
  await connected();
  server.away = true;
  server.drop();
  const pauses: number[] = [];
  for (let n = 0; n < 9; n += 1) {
    expect(client.status).toBe("waiting");
    const wait = (client.retryAt ?? 0) - Date.now();
    pauses.push(wait);
    await pass(wait + 20);
  }
  expect(pauses[0]).toBeLessThanOrEqual(500);
  expect(pauses.at(-1)).toBeGreaterThanOrEqual(15_000);
  expect(Math.max(...pauses)).toBeLessThanOrEqual(30_000);
  server.away = false;
  client.retryNow();
  await pass();
  expect(client.status).toBe("online");
});

test("4001 asks for a fresh token once", async () => {
  const tokens = numbered();
  server.tokens.add("token-2");
  await connected({ tokens });
  server.drop(4001, "Invalid or expired token");
  await pass(1_000);
  expect([client.status, tokens.given]).toEqual(["online", 2]);
});

test("a fresh token that is refused too ends it", async () => {
  const tokens = numbered();
  server.refusal = { code: 4001, reason: "Invalid or expired token" };
  server.tokens.add("token-2");
  await connected({ tokens });
  await pass(5_000);
  expect(client.status).toBe("ended");
  expect(client.endedBecause?.code).toBe("unauthenticated");
  expect(server.sockets).toHaveLength(2);
});

test("a token that cannot be replaced is not tried twice", async () => {
  server.refusal = { code: 1008, reason: "Invalid or expired token" };
  await connected();
  await pass(5_000);
  expect([client.status, server.sockets.length]).toEqual(["ended", 1]);
});

test("4003 ends it, and connect rejects", async () => {
  server.refusal = { code: 4003, reason: "Access denied" };
  await connected();
  expect(client.status).toBe("ended");
  expect(await outcome).toBe("forbidden");
});

test.each([
  [1001, "Server is going away"],
  [1008, "Too many messages"],
  [1013, "Slow reader"],
  [4008, "Too many connections"],
])("%i %s waits longer than a lost network", async (code, reason) => {
  await connected();
  server.drop(code, reason);
  expect(client.status).toBe("waiting");
  expect((client.retryAt ?? 0) - Date.now()).toBeGreaterThanOrEqual(1_000);
  await pass(3_000);
  expect(client.status).toBe("online");
});

test("unsent messages fail where the client is refused for good", async () => {
  await connected();
  const room = client.room("plans");
  server.away = true;
  server.drop();
  room.send("never");
  server.away = false;
  server.refusal = { code: 4003, reason: "" };
  await pass(2_000);
  expect(room.messages[0]).toMatchObject({ status: "FAILED", error: { code: "forbidden" } });
});

test("a token is renewed in-band before it ends", async () => {
  const tokens = [jwt(600, "a"), jwt(1_200, "b")];
  for (const token of tokens) server.tokens.add(token);
  let at = 0;
  await connected({ tokens: async () => tokens[at] ?? "" });
  at = 1;
  await pass(530_000);
  expect(server.sent("auth")).toEqual([]);
  await pass(20_000);
  expect(server.sent("auth")).toEqual([{ type: "auth", token: tokens[1] }]);
  expect(server.sockets).toHaveLength(1);
});

test("a source that has no newer token is asked again, more often towards the end", async () => {
  const old = jwt(60, "a");
  const next = jwt(120, "b");
  for (const token of [old, next]) server.tokens.add(token);
  let asked = 0;
  const since = Date.now();
  await connected({
    tokens: async () => {
      asked += 1;
      return Date.now() - since < 58_000 ? old : next;
    },
  });
  const before = asked;
  await pass(60_000);
  expect(asked - before).toBeGreaterThanOrEqual(4);
  expect(asked - before).toBeLessThanOrEqual(30);
  expect(server.sent("auth")).toEqual([{ type: "auth", token: next }]);
});

test("a token with ten years to live needs no renewal", async () => {
  const token = jwt(10 * 365 * 86_400);
  server.tokens.add(token);
  await connected({ tokens: token });
  await pass(120_000);
  expect(server.sent("auth")).toEqual([]);
  expect(server.sockets).toHaveLength(1);
});

test("a peer that is silent is left", async () => {
  await connected();
  const first = server.socket;
  first.silent = true;
  await pass(24_000);
  expect(first.sent.filter(({ type }) => type === "ping")).toEqual([]);
  await pass(13_000);
  expect(first.closedWith).toBe(4000);
  await pass(2_000);
  expect(server.socket).not.toBe(first);
  expect(client.status).toBe("online");
});

test("a peer that answers pings is kept", async () => {
  await connected();
  await pass(300_000);
  expect(server.sockets).toHaveLength(1);
});

test("an answer that never comes is asked of another connection", async () => {
  await connected();
  const room = client.room("plans");
  server.hooks.frame = (frame, socket) => frame["type"] !== "send_message" || socket !== server.sockets[0];
  room.send("hello");
  await pass(20_000);
  expect(server.room("plans").messages).toHaveLength(1);
  expect(server.sockets).toHaveLength(2);
});

test("a server that accepts requests and answers none is tried again", async () => {
  let hanging = true;
  const fetch: typeof globalThis.fetch = (url, init) =>
    hanging && String(url).endsWith("/auth/ticket")
      ? new Promise((_, reject) => {
          init?.signal?.addEventListener("abort", () => reject(new DOMException("aborted")));
        })
      : server.fetch(String(url), init);
  await connected({ fetch });
  expect(client.status).toBe("connecting");
  hanging = false;
  await pass(32_000);
  expect(client.status).toBe("online");
});

test("a connection that never opens is given up", async () => {
  const Plain = server.WebSocket;
  let opening = 0;
  class Stuck extends Plain {
    constructor(url: string) {
      super(url);
      opening += 1;
      if (opening === 1) this.readyState = 4;
    }
  }
  await connected({ WebSocket: Stuck });
  await pass(17_000);
  expect([client.status, opening]).toEqual(["online", 2]);
});

test("closing while a connection is being made leaves none", async () => {
  await connected();
  client.close();
  void client.connect();
  client.close();
  void client.connect();
  await pass(1_000);
  expect(server.open).toHaveLength(1);
  expect(client.status).toBe("online");
  client.close();
  await pass();
  expect(server.open).toHaveLength(0);
  expect([client.status, client.endedBecause]).toEqual(["ended", null]);
});

test("REST asks again with a fresh token, and waits where it is limited", async () => {
  const tokens = numbered();
  server.tokens.delete("token-1");
  server.tokens.add("token-2");
  let limited = 2;
  const fetch: typeof globalThis.fetch = async (url, init) => {
    if (String(url).endsWith("/channels?limit=100") && limited-- > 0) {
      return new Response('{"code":"rate_limited"}', { status: 429, headers: { "Retry-After": "1" } });
    }
    return server.fetch(String(url), init);
  };
  await connected({ tokens, fetch });
  await pass(5_000);
  expect([client.status, tokens.given, client.roomList.length]).toEqual(["online", 2, 1]);
});

test("REST keeps under twenty requests a second", async () => {
  await connected();
  const before = server.requests.length;
  const all = Promise.all(Array.from({ length: 60 }, () => client.request("GET", "/auth/me")));
  await pass(1_000);
  expect(server.requests.length - before).toBeLessThanOrEqual(31);
  await pass(5_000);
  await all;
});

test("topics have a connection of their own, made when one is used", async () => {
  await connected();
  expect(server.sockets).toHaveLength(1);
  const heard: unknown[] = [];
  client.topic("T").subscribe(({ payload }) => heard.push(payload));
  const published = client.topic("T").publish({ x: 1 });
  await pass();
  const topics = server.sockets[1] as FakeSocket;
  expect(topics.url).toContain("/ws?ack=1&recover=1");
  const [subscribe, publish] = topics.sent.map(({ text }) => String(text));
  expect(subscribe).toBe("subscribe:T");
  expect(publish).toMatch(/^publish-json:\{"topic":"T","payload":\{"x":1\}/);
  // What is broadcast may pretend to be an answer.
  topics.push({ type: "ack", command: "publish-json", user: "eve", requestId: "1" });
  topics.push({ type: "ack", command: "subscribe", topic: "T" });
  topics.push({ topic: "T", payload: 7, offset: 4, epoch: "e1" });
  await pass();
  expect(heard).toEqual([7]);
  topics.push({ type: "ack", command: "publish-json", topic: "T" });
  await pass();
  await published;
});

test("a topic asks for what it missed, and says where that is gone", async () => {
  await connected();
  let gaps = 0;
  client.topic("T").onGap(() => (gaps += 1));
  client.topic("T").subscribe(() => undefined);
  await pass();
  server.sockets[1]?.push({ topic: "T", payload: 1, offset: 4, epoch: "e1" });
  await pass();
  server.sockets[1]?.drop();
  await pass(2_000);
  expect(server.sockets[2]?.sent).toEqual([{ type: "text", text: "subscribe:T?since=4,e1" }]);
  server.sockets[2]?.push({ type: "gap", topic: "T" });
  await pass();
  expect(gaps).toBe(1);
});

test("a publication without an answer rejects, one that waits for the network does not", async () => {
  await connected();
  const first = client.topic("T").publish(1);
  const answer = first.then(() => "sent", (error: { code: string }) => error.code);
  await pass();
  server.sockets[1]?.drop();
  expect(await answer).toBe("network");
  let second = "";
  void client.topic("T").publish(2).then(() => (second = "sent"), (error: Error) => (second = error.message));
  await pass(2_000);
  server.sockets[2]?.push({ type: "ack", command: "publish-json", topic: "T" });
  await pass();
  expect(second).toBe("sent");
});
