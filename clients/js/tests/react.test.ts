import { act, createElement, StrictMode, type ReactNode } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ConclaveClient } from "../src/index.js";
import { useAnswer, useWallet, usePresence, useRoom, useRooms, useStatus, useWebSocket, type AnswerHook, type RoomHook, type WalletHook, type WebSocketHook } from "../src/react.js";
import { WalletClient } from "../src/wallet.js";
import { FakeServer, seeded, shown } from "./fake_server.js";
import { openPage } from "./page.js";

const page = openPage();
Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

let server: FakeServer;
let client: ConclaveClient;
let root: Root;

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer("plans", "other");
  client = new ConclaveClient({
    url: "http://server",
    tokens: "token-1",
    WebSocket: server.WebSocket,
    fetch: server.fetch,
    random: seeded(1),
  });
  root = createRoot(page.createElement("div"));
});

afterEach(async () => {
  await act(async () => root.unmount());
  client.close();
  vi.useRealTimers();
});

/** Renders under StrictMode, which mounts twice. */
const render = async (node: ReactNode): Promise<void> => {
  await act(async () => root.render(createElement(StrictMode, null, node)));
  await pass(300);
};

const pass = (ms = 100): Promise<unknown> => act(() => vi.advanceTimersByTimeAsync(ms));

const asked = (type: string): number => server.open.flatMap(({ sent }) => sent).filter((frame) => frame["type"] === type).length;

test("useWebSocket opens one socket though it is mounted twice, and closes it", async () => {
  let hook: WebSocketHook | undefined;
  const Page = (): null => {
    hook = useWebSocket("ws://server/ws", { token: "token-1", WebSocket: server.WebSocket, fetch: server.fetch });
    return null;
  };
  await render(createElement(Page));
  expect([hook?.status, server.sockets.length, server.open.length]).toEqual(["online", 1, 1]);
  hook?.sendMessage({ type: "test" });
  server.socket.push({ type: "test", user: "user", requestId: "1" });
  server.socket.text("pong");
  await pass();
  expect(server.socket.sent).toEqual([{ type: "test" }]);
  expect(hook?.messages).toEqual([{ type: "test", user: "user", requestId: "1" }]);
  await render(null);
  expect(server.open).toHaveLength(0);
});

test("useWebSocket keeps the newest messages only", async () => {
  let hook: WebSocketHook | undefined;
  const Page = (): null => {
    hook = useWebSocket("ws://server/ws", { token: async () => "token-1", messagesMax: 10, WebSocket: server.WebSocket, fetch: server.fetch });
    return null;
  };
  await render(createElement(Page));
  for (let n = 1; n <= 100; n += 1) server.socket.push({ n, requestId: "1" });
  await pass();
  expect(hook?.messages).toHaveLength(10);
  expect(hook?.messages.at(-1)).toMatchObject({ n: 100 });
  expect(server.sockets).toHaveLength(1);
});

test("useWebSocket connects when there is a token", async () => {
  let hook: WebSocketHook | undefined;
  const Page = ({ token }: { token: string | null }): null => {
    hook = useWebSocket("ws://server/ws", { token, WebSocket: server.WebSocket, fetch: server.fetch });
    return null;
  };
  await render(createElement(Page, { token: null }));
  expect([hook?.status, server.sockets.length]).toEqual(["connecting", 0]);
  await render(createElement(Page, { token: "token-1" }));
  expect([hook?.status, server.sockets.length]).toEqual(["online", 1]);
});

test("useRoom shows and sends, and follows the room once", async () => {
  void client.connect();
  let room: RoomHook | undefined;
  const Page = ({ id }: { id: string }): null => {
    room = useRoom(client, id);
    return null;
  };
  await render(createElement(Page, { id: "plans" }));
  await pass();
  expect([server.open.length, asked("subscribe_conversation")]).toEqual([1, 2]);
  act(() => void room?.send("hello"));
  expect(shown(room?.messages ?? [])).toEqual(["hello/SENDING"]);
  await pass();
  expect(shown(room?.messages ?? [])).toEqual(["hello/SENT"]);
  server.say("other", "ann", "elsewhere");
  await render(createElement(Page, { id: "other" }));
  await pass();
  expect([room?.id, shown(room?.messages ?? [])]).toEqual(["other", ["elsewhere/SENT"]]);
  await render(null);
  expect(client.room("plans").isOpen || client.room("other").isOpen).toBe(false);
});

test("useRooms, usePresence and useStatus follow what happens", async () => {
  const seen: Record<string, unknown> = {};
  const Page = (): null => {
    const { status } = useStatus(client);
    Object.assign(seen, {
      status,
      unread: useRooms(client).map(({ id, unreadCount }) => `${id} ${unreadCount}`).sort(),
      ann: usePresence(client, "plans").get("ann")?.isOnline,
    });
    return null;
  };
  void client.connect();
  await render(createElement(Page));
  await pass();
  expect(seen).toEqual({ status: "online", unread: ["other 0", "plans 0"], ann: true });
  server.say("other", "ann", "hello");
  server.socket.push({ type: "presence_update", user_id: "ann", is_online: false, last_seen: 1 });
  await pass();
  expect(seen).toEqual({ status: "online", unread: ["other 1", "plans 0"], ann: false });
  server.away = true;
  await act(async () => server.drop());
  expect(seen["status"]).toBe("waiting");
});

test("a page that connects in an effect has one connection", async () => {
  const { useEffect } = await import("react");
  const Page = (): null => {
    useEffect(() => {
      void client.connect().catch(() => undefined);
      return () => client.close();
    }, []);
    return null;
  };
  await render(createElement(Page));
  await pass();
  expect([client.status, server.sockets.length]).toEqual(["online", 1]);
});

test("receipts wait until somebody looks at the page", async () => {
  void client.connect();
  const room = client.room("plans");
  room.open();
  await pass(300);
  const hidden = vi.spyOn(page, "visibilityState", "get").mockReturnValue("hidden");
  server.say("plans", "ann", "one");
  await pass();
  room.markRead();
  await pass(1_000);
  expect([room.unread, server.sent("message_read").length]).toEqual([1, 0]);
  hidden.mockReturnValue("visible");
  page.dispatchEvent(new window.Event("visibilitychange"));
  await pass(1_000);
  expect([room.unread, server.sent("message_read").length]).toEqual([0, 1]);
  hidden.mockRestore();
});

test("a network that comes back is used at once", async () => {
  void client.connect();
  await pass();
  server.away = true;
  server.drop();
  await pass(60_000);
  expect(client.status).not.toBe("online");
  server.away = false;
  const before = Date.now();
  window.dispatchEvent(new window.Event("online"));
  await pass(100);
  expect(client.status).toBe("online");
  expect(Date.now() - before).toBeLessThanOrEqual(100);
});

test("useAnswer renders with tokens, and useRoom does not", async () => {
  let hook: AnswerHook | undefined;
  let rendered = 0;
  const Said = (): null => {
    hook = useAnswer(client, "plans");
    return null;
  };
  const Page = (): ReactNode => {
    useRoom(client, "plans");
    rendered += 1;
    return createElement(Said);
  };
  await act(async () => void client.connect());
  await render(createElement(Page));
  const before = rendered;
  const frame = { conversation_id: "plans", type: "ai_response_chunk", message_id: "a-1" };
  await act(async () => {
    server.socket.push({ ...frame, delta: "Good " });
    server.socket.push({ ...frame, delta: "day" });
  });
  await pass();
  expect(hook?.answer?.content).toBe("Good day");
  expect(rendered).toBe(before);
  await act(async () => void hook?.cancel());
  expect(hook?.answer?.stopping).toBe(true);
});

test("useWallet shows each transaction as it is now, under one pair of subscriptions", async () => {
  const wallet = new WalletClient({ url: "http://server", tokens: "token-1", WebSocket: server.WebSocket, fetch: server.fetch });
  server.hooks.frame = ({ type }, socket) => {
    const kind = { subscribe_balance: "balance_subscription", subscribe_transactions: "transaction_subscription" }[String(type)];
    if (kind !== undefined) socket.push({ type: kind, subscription: kind, addresses: ["0xaa"] });
    return true;
  };
  let hook: WalletHook | undefined;
  const Page = (): null => {
    hook = useWallet(wallet);
    return null;
  };
  await act(async () => wallet.connect());
  await render(createElement(Page));
  const told = (hash: string, status: string) => ({ type: "transaction", transaction: { hash, from: "0xaa", to: null, value: "1", status } });
  await act(async () => {
    for (const frame of [told("0x1", "pending"), told("0x2", "pending"), told("0x1", "confirmed")]) server.socket.push(frame);
    server.socket.push({ type: "balance_update", address: "0xaa", native: { wei: "1", ether: "0.1" } });
  });
  await pass();
  expect(hook?.transactions.map(({ hash, status }) => `${hash} ${status}`)).toEqual(["0x1 confirmed", "0x2 pending"]);
  expect(hook?.balances.get("0xaa")?.native.ether).toBe("0.1");
  expect([hook?.status, hook?.feed]).toEqual(["online", "live"]);
  await render(null);
  await pass();
  expect(server.socket.sent.filter(({ type }) => type === "unsubscribe").length).toBeGreaterThanOrEqual(2);
  wallet.close();
});
