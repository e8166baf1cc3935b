// The client snippets of the documents that Conclave grew from, as they are printed, against the
// program. Their ports 8081 and 8000 lead to the server under test.
import { once } from "node:events";
import { createElement, StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket as Socket } from "ws";
import { createClient, PRSMWebSocketClient, signIn, type Message } from "../src/index.js";
import { openPage } from "./page.js";
import { RealServer } from "./real_server.js";

let server: RealServer;

const globals = globalThis as unknown as Record<string, unknown>;
const { fetch } = globalThis;

beforeAll(async () => {
  server = await RealServer.start();
  const there = (url: string): string => url.replace(/localhost:(8081|8000)/, `127.0.0.1:${server.port}`);
  globals["WebSocket"] = class extends Socket {
    constructor(url: string, protocols: string[] = [], options = {}) {
      super(there(url), protocols, options);
    }
  };
  globals["fetch"] = (url: string, init?: RequestInit) => fetch(there(url), init);
});

afterAll(() => server.end());

/** A snippet's module; its types are those of the document. */
const snippet = (name: string): Promise<any> => import(/* @vite-ignore */ `./seeds/${name}`);

const address = (): string => `ws://127.0.0.1:${server.port}/ws`;

test("001: connecting, and publishing into the session", async () => {
  const { client } = await snippet("001_connection.mjs");
  const payloads: unknown[] = [];
  const both = new Promise<void>((resolve) => {
    for (const topic of ["DetectCustomerEvent", "NetworkConnectedEvent"]) {
      client.on(topic, ({ payload }: Message) => payloads.push(payload) === 2 && resolve());
    }
  });
  const elsewhere = await createClient("Other", address(), {}, undefined, "another-session");
  elsewhere.publish("DetectCustomerEvent", "of another session");
  const here = await createClient("Two", address(), {}, undefined, "user-session-456");
  here.publish("DetectCustomerEvent", "one");
  here.publish("NetworkConnectedEvent", "two");
  await both;
  expect(payloads).toEqual(["one", "two"]);

  const { publish } = await snippet("001_publishing.mjs");
  const heard = new Promise<Message>((resolve) => client.on("StatusEvent", resolve));
  publish(here, "Two");
  expect(await heard).toMatchObject({
    publisher_name: "Two",
    payload: "Status updated",
    session_id: "user-session-456",
  });
  for (const each of [client, elsewhere, here]) each.close();
});

test("001: the publish action comes after the registration", async () => {
  const listener = await createClient("Listener", address(), { subscriptions: ["RegistrationEvent"] }, undefined, "s");
  const heard = new Promise((resolve) => listener.on("RegistrationEvent", resolve));
  const action = { topic: "RegistrationEvent", message: "Web client registered" };
  const client = await createClient("WebClient1", address(), { subscriptions: ["X"] }, action, "s");
  expect(await heard).toMatchObject({ publisher_name: "WebClient1", payload: "Web client registered" });
  for (const each of [client, listener]) each.close();
});

test("001: the session is named after the client where none is said", async () => {
  const client = await createClient("WebClient1", address());
  expect(client.sessionId).toBe("session-WebClient1");
  client.close();
});

test("001: an authenticated connection, and managing its token", async () => {
  const { jwtManager, messages, ws } = await snippet("001_authenticated.mjs");
  const token = jwtManager.getToken();
  expect(JSON.parse(atob(token.split(".")[1]))).toMatchObject({ sub: "username", sid: "user-session-456" });
  const published = { topic: "AuthenticatedTestTopic", payload: "hello" };
  const shown = ws.onmessage;
  const heard = new Promise<void>((resolve) => {
    ws.onmessage = (event: { data: string }) => {
      shown(event);
      resolve();
    };
  });
  ws.send(`publish-json:${JSON.stringify(published)}`);
  await heard;
  expect(messages).toEqual(["Received message: hello"]);
  ws.close();

  const { manage } = await snippet("001_tokens.mjs");
  expect(manage()).toEqual(["Client is authenticated", "Have valid token"]);
  expect(manage()).toEqual([]);
});

test("002: the printed class, and the SDK's of that name", async () => {
  const printed = await snippet("002_class.mjs");
  const { use } = await snippet("002_usage.mjs");
  const refused = use(printed.PRSMWebSocketClient);
  await once(refused.ws, "close");
  expect(printed.lines).toContain("Authentication failed");

  const token = await (await signIn(`http://127.0.0.1:${server.port}`, "user123", "password")).token();
  const client = new printed.PRSMWebSocketClient("user123", token);
  client.connect();
  await once(client.ws, "message");
  expect(printed.lines).toContain("Connection confirmed:");
  client.subscribeToConversation("general");
  const [answer] = await once(client.ws, "message");
  expect(JSON.parse(String(answer))).toMatchObject({ type: "subscribed", conversation_id: "general" });
  client.ws.close();

  class Ours extends PRSMWebSocketClient {
    readonly seen: string[] = [];

    override handleMessage(message: { type: string }): void {
      this.seen.push(message.type);
    }
  }
  const denied = use(Ours);
  const closed = new Promise<{ code: number }>((resolve) => (denied.handleClose = resolve));
  expect((await closed).code).toBe(4001);
  const ours = new Ours("user123", token);
  await ours.connect();
  expect(await ours.subscribeToConversation("general")).toEqual({ lastSeq: expect.any(Number) });
  await expect(ours.subscribeToConversation("no-such-room")).rejects.toMatchObject({ code: "forbidden" });
  expect(ours.seen).toEqual(["connected", "subscribed", "error"]);
  ours.close();
});

test("002: a token in the query, in a header, and none", async () => {
  const { byHeader, byQuery, unsecured } = await snippet("002_connecting.mjs");
  const token = await (await signIn(`http://127.0.0.1:${server.port}`, "user123", "password")).token();
  for (const open of [() => byQuery(() => token), () => byHeader(token)]) {
    const ws = open();
    const [greeting] = await once(ws, "message");
    expect(JSON.parse(String(greeting))).toMatchObject({ type: "connected", user_id: "user123" });
    ws.close();
  }
  const [code] = await once(unsecured(), "close");
  expect(code).toBe(4001);
});

test("003: signing in, and the WebSocket with the token", async () => {
  const { login, ws } = await snippet("003_login.ts");
  await once(ws, "open");
  const heard = once(ws, "message");
  ws.send('{"type":"test","payload":{"message":"Hello"}}');
  const [message] = await heard;
  expect(JSON.parse(String(message))).toMatchObject({ type: "test", user: "user", requestId: expect.any(String) });
  ws.close();
  await expect(login("user", "wrong")).rejects.toThrow("Authentication failed");
});

test("003: the React hook", async () => {
  const page = openPage();
  const { useSeed } = await snippet("003_hook.ts");
  let hook: { status: string; messages: readonly unknown[]; sendMessage(message: unknown): void } | undefined;
  let rendered = (): void => undefined;
  const Seed = (): null => {
    hook = useSeed();
    rendered();
    return null;
  };
  const until = (holds: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      rendered = () => holds() && resolve();
      rendered();
    });
  const root = createRoot(page.createElement("div"));
  root.render(createElement(StrictMode, null, createElement(Seed)));
  await until(() => hook?.status === "online");
  hook?.sendMessage({ type: "test", payload: { message: "Hello" } });
  await until(() => hook?.messages.length === 1);
  expect(hook?.messages[0]).toMatchObject({ type: "test", payload: { message: "Hello" }, user: "user" });
  root.unmount();
});
