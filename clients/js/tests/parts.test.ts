import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { backoffMs } from "../src/backoff.js";
import { Changes, Listeners } from "../src/emitter.js";
import { dispatchMessageByType } from "../src/index.js";
import { Pace } from "../src/pace.js";
import { claimsOf, renewInMs, timesOf } from "../src/token_claims.js";
import { uuid } from "../src/outbox.js";
import { originOf, webSocketUrl } from "../src/socket.js";
import { seeded } from "./fake_server.js";

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000_000_000 }));
afterEach(() => void vi.useRealTimers());

test("a message goes to the handler of its type, else of its topic, else to all others", () => {
  const called: string[] = [];
  const handlers = {
    presence: () => called.push("presence"),
    T: () => called.push("T"),
    "*": () => called.push("*"),
  };
  const cases: [unknown, boolean][] = [
    [{ type: "presence", topic: "T" }, true],
    [{ topic: "T", payload: 1 }, true],
    ['{"topic":"T"}', true],
    [{ type: "else" }, true],
    ["no json", false],
    [null, false],
  ];
  for (const [message, handled] of cases) expect(dispatchMessageByType(message, handlers)).toBe(handled);
  expect(called).toEqual(["presence", "T", "T", "*"]);
  expect(dispatchMessageByType({ type: "constructor" }, {})).toBe(false);
});

test("pauses double up to half a minute and differ", () => {
  const random = seeded(7);
  for (let attempt = 0; attempt < 40; attempt += 1) {
    const whole = Math.min(30_000, 500 * 2 ** attempt);
    const pause = backoffMs(attempt, random);
    expect(pause).toBeGreaterThanOrEqual(whole / 2);
    expect(pause).toBeLessThanOrEqual(whole);
  }
  expect(backoffMs(9, () => 0)).not.toBe(backoffMs(9, () => 0.9));
});

test("a pace lets a burst through, then so many a second, in order", () => {
  const pace = new Pace(10, 5);
  const passed: number[] = [];
  for (let n = 1; n <= 30; n += 1) pace.run(() => passed.push(n));
  expect(passed).toHaveLength(5);
  vi.advanceTimersByTime(1_000);
  expect(passed).toHaveLength(15);
  vi.advanceTimersByTime(5_000);
  expect(passed).toEqual(Array.from({ length: 30 }, (_, at) => at + 1));
});

test("a pace outlives a clock that is set back", () => {
  const pace = new Pace(10, 1);
  const passed: number[] = [];
  pace.run(() => passed.push(1));
  pace.run(() => passed.push(2));
  vi.setSystemTime(0);
  vi.advanceTimersByTime(500);
  expect(passed).toEqual([1, 2]);
});

test("changes are told at once, and those that follow together", () => {
  let told = 0;
  const changes = new Changes(() => undefined);
  changes.on(() => (told += 1));
  for (let n = 0; n < 100; n += 1) changes.happened();
  expect(told).toBe(1);
  vi.advanceTimersByTime(20);
  expect(told).toBe(2);
  vi.advanceTimersByTime(1_000);
  expect(told).toBe(2);
});

test("a listener may be there twice, and end itself while it is told", () => {
  const listeners = new Listeners<number>();
  let told = 0;
  const listener = (): number => (told += 1);
  listeners.add(listener);
  const end = listeners.add(() => {
    told += 1;
    end();
  });
  listeners.add(listener);
  listeners.tell(1);
  listeners.tell(2);
  expect(told).toBe(5);
});

test("a token is read without being trusted", () => {
  const token = (claims: unknown): string => `x.${btoa(JSON.stringify(claims)).replaceAll("=", "")}.y`;
  expect(timesOf(token({ iat: 10, exp: 70 }))).toEqual({ expiresAt: 70_000, lifeMs: 60_000 });
  for (const bad of ["", "a", "a.b", "a.%.c", `x.${btoa("[1]")}.y`, `x.${btoa("null")}.y`]) {
    expect(claimsOf(bad)).toBeNull();
    expect(timesOf(bad)).toEqual({ expiresAt: null, lifeMs: null });
  }
});

test("renewal comes before the end, by a wrong clock too", () => {
  const token = (iat: number, exp: number): string => `x.${btoa(JSON.stringify({ iat, exp }))}.y`;
  const now = 1_000_000;
  expect(renewInMs(token(1_000, 4_600), now)).toBe(3_540_000);
  expect(renewInMs(token(1_000, 1_060), now)).toBe(48_000);
  // A clock that is a day ahead: the token seems to be over, and is not.
  expect(renewInMs(token(1_000, 4_600), now + 86_400_000)).toBe(3_540_000);
  expect(renewInMs("opaque", now)).toBeNull();
});

test("ids are version 4 UUIDs, also where pages are served without TLS", () => {
  const pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  expect(uuid()).toMatch(pattern);
  vi.stubGlobal("crypto", { getRandomValues: (bytes: Uint8Array) => bytes.fill(0xff) });
  expect(uuid()).toMatch(pattern);
  vi.unstubAllGlobals();
});

test("addresses of one scheme lead to those of the other", () => {
  expect(webSocketUrl("https://chat.example.com", "/ws/a%2Fb")).toBe("wss://chat.example.com/ws/a%2Fb");
  expect(webSocketUrl("http://localhost:8081", "/ws")).toBe("ws://localhost:8081/ws");
  expect(originOf("wss://chat.example.com/ws?x=1")).toBe("https://chat.example.com");
  expect(originOf("ws://localhost:8000/ws")).toBe("http://localhost:8000");
});
