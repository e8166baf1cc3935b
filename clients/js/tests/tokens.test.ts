import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createAuthenticatedWebSocket, JwtManager, jwtManager, resume, signIn } from "../src/index.js";

interface Asked {
  path: string;
  body: unknown;
  authorization: string | null;
  credentials: RequestCredentials | undefined;
}

let asked: Asked[];
let answers: (path: string) => Response;
let tokens: number;

beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  tokens = 0;
  answers = () => {
    tokens += 1;
    return Response.json({ token: `token-${tokens}`, expires_in: 3600, refresh_token: `refresh-${tokens}` });
  };
});

afterEach(() => {
  jwtManager.clearToken();
  vi.useRealTimers();
});

const fakeFetch: typeof fetch = async (input, init = {}) => {
  const url = new URL(String(input));
  asked.push({
    path: url.pathname + url.search,
    body: typeof init.body === "string" ? JSON.parse(init.body) : null,
    authorization: new Headers(init.headers).get("Authorization"),
    credentials: init.credentials,
  });
  return answers(url.pathname);
};

const platform = { fetch: fakeFetch };

test("signing in asks for the session, and keeps no cookie", async () => {
  const signedIn = await signIn("http://server", "user", "password", { session: "s", ...platform });
  expect(await signedIn.token()).toBe("token-1");
  expect(asked).toEqual([
    {
      path: "/auth/token",
      body: { username: "user", password: "password", session_id: "s" },
      authorization: null,
      credentials: "omit",
    },
  ]);
});

test("a token is renewed before it ends, once for all who ask", async () => {
  const signedIn = await signIn("http://server", "user", "password", platform);
  await vi.advanceTimersByTimeAsync(3_500_000);
  expect(await signedIn.token()).toBe("token-1");
  await vi.advanceTimersByTimeAsync(20_000);
  const both = await Promise.all([signedIn.token(), signedIn.token()]);
  expect(both).toEqual(["token-2", "token-2"]);
  expect(asked.slice(1)).toEqual([
    { path: "/auth/refresh", body: { refresh_token: "refresh-1" }, authorization: null, credentials: "omit" },
  ]);
  await signedIn.refresh();
  expect(asked.at(-1)?.body).toEqual({ refresh_token: "refresh-2" });
});

test("a server that is away does not take a token that still lives", async () => {
  const signedIn = await signIn("http://server", "user", "password", platform);
  await vi.advanceTimersByTimeAsync(3_520_000);
  answers = () => {
    throw new TypeError("fetch failed");
  };
  expect(await signedIn.token()).toBe("token-1");
  await vi.advanceTimersByTimeAsync(100_000);
  await expect(signedIn.token()).rejects.toMatchObject({ code: "network", retryable: true });
});

test("a refused token is replaced, and a refused refresh token ends it", async () => {
  const signedIn = await signIn("http://server", "user", "password", platform);
  signedIn.invalidate();
  expect(await signedIn.token()).toBe("token-2");
  signedIn.invalidate();
  answers = () => new Response('{"code":"unauthenticated","detail":"no"}', { status: 401 });
  await expect(signedIn.token()).rejects.toMatchObject({ code: "unauthenticated", retryable: false });
});

test("with a cookie no script holds the refresh token", async () => {
  const signedIn = await signIn("http://server", "user", "password", { cookie: true, ...platform });
  signedIn.invalidate();
  await signedIn.token();
  const again = await resume("http://server", platform);
  expect(await again?.token()).toBe("token-3");
  expect(asked.map(({ path, body, credentials }) => [path, body === null, credentials])).toEqual([
    ["/auth/token?cookie=true", false, "include"],
    ["/auth/refresh", true, "include"],
    ["/auth/refresh", true, "include"],
  ]);
});

test("resume is null where nobody is signed in, and says where the server is away", async () => {
  answers = () => new Response('{"code":"unauthenticated"}', { status: 401 });
  expect(await resume("http://server", platform)).toBeNull();
  answers = () => new Response("", { status: 503 });
  await expect(resume("http://server", platform)).rejects.toMatchObject({ code: "unavailable" });
});

test("signing out tells the server and gives no token any more", async () => {
  const signedIn = await signIn("http://server", "user", "password", platform);
  answers = () => new Response(null, { status: 204 });
  await signedIn.signOut();
  expect(asked.at(-1)).toMatchObject({ path: "/auth/logout", authorization: "Bearer token-1" });
  await expect(signedIn.token()).rejects.toMatchObject({ code: "unauthenticated" });
  expect(asked).toHaveLength(2);
});

test("who comes back late is signed out on the server too", async () => {
  const signedIn = await signIn("http://server", "user", "password", platform);
  await vi.advanceTimersByTimeAsync(7_200_000);
  const given = answers;
  answers = (path) => (path === "/auth/logout" ? new Response(null, { status: 204 }) : given(path));
  await signedIn.signOut();
  expect(asked.map(({ path }) => path)).toEqual(["/auth/token", "/auth/refresh", "/auth/logout"]);
  expect(asked.at(-1)?.authorization).toBe("Bearer token-2");
});

test("jwtManager keeps the token in memory until it ends or is cleared", async () => {
  const manager = new JwtManager();
  expect([manager.isAuthenticated(), manager.getToken()]).toEqual([false, null]);
  await manager.authenticate("http://server/auth/token", "user", "password", { session: "s", ...platform });
  expect([manager.isAuthenticated(), manager.getToken()]).toEqual([true, "token-1"]);
  expect(await manager.refresh()).toBe("token-2");
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(manager.isAuthenticated()).toBe(false);
  expect(await manager.token()).toBe("token-3");
  manager.clearToken();
  expect([manager.isAuthenticated(), manager.getToken()]).toEqual([false, null]);
  await expect(manager.token()).rejects.toMatchObject({ code: "unauthenticated" });
});

test("an authenticated WebSocket renews its token, which the page does not notice", async () => {
  const life = (): string => {
    const now = Math.floor(Date.now() / 1000);
    return btoa(JSON.stringify({ iat: now, exp: now + 3600 })).replaceAll("=", "");
  };
  answers = (path) => {
    if (path === "/auth/ticket") return Response.json({ ticket: "k" });
    tokens += 1;
    return Response.json({ token: `${tokens}.${life()}.s`, expires_in: 3600, refresh_token: "r" });
  };
  const sent: string[] = [];
  const urls: string[] = [];
  class Socket {
    readyState = 1;
    onopen: (() => void) | null = null;
    onmessage: ((event: { data: string }) => void) | null = null;
    constructor(url: string) {
      urls.push(url);
      queueMicrotask(() => this.onopen?.());
    }
    send(text: string): void {
      sent.push(text);
      if (text.startsWith("auth:")) this.onmessage?.({ data: '{"type":"auth_success"}' });
    }
    close(): void {}
  }
  const heard: string[] = [];
  const ws = await createAuthenticatedWebSocket(
    "ws://server/ws", "http://server/auth/token", "user", "password", { session: "s", WebSocket: Socket, ...platform },
  );
  ws.onmessage = ({ data }) => heard.push(data);
  expect(urls).toEqual(["ws://server/ws?ticket=k"]);
  await vi.advanceTimersByTimeAsync(3_560_000);
  expect(sent.map((text) => text.split(".")[0])).toEqual(["auth:2"]);
  expect(heard).toEqual([]);
  ws.close();
});
