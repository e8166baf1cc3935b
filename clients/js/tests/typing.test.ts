import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { OwnTyping, Typists } from "../src/typing.js";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const told: string[] = [];
const typing = (): OwnTyping => {
  told.length = 0;
  return new OwnTyping((on) => told.push(on ? "start" : "stop"));
};

test("typing is told after half a second, however many keys there were", () => {
  const own = typing();
  for (let key = 0; key < 5; key += 1) {
    own.pressed();
    vi.advanceTimersByTime(99);
  }
  expect(told).toEqual([]);
  vi.advanceTimersByTime(5);
  expect(told).toEqual(["start"]);
});

test("what is sent before that is not told at all", () => {
  const own = typing();
  own.pressed();
  vi.advanceTimersByTime(400);
  own.stop();
  vi.advanceTimersByTime(10_000);
  expect(told).toEqual([]);
});

test("it is repeated while it lasts, and ends by itself", () => {
  const own = typing();
  for (let key = 0; key < 100; key += 1) {
    own.pressed();
    vi.advanceTimersByTime(100);
  }
  expect(told).toEqual(["start", "start", "start", "start"]);
  vi.advanceTimersByTime(4_000);
  expect(told.at(-1)).toBe("stop");
  expect(told.filter((word) => word === "stop")).toHaveLength(1);
});

test("sending ends it", () => {
  const own = typing();
  own.pressed();
  vi.advanceTimersByTime(600);
  own.stop();
  own.stop();
  vi.advanceTimersByTime(10_000);
  expect(told).toEqual(["start", "stop"]);
});

test("others' typing ends after six seconds, should the word of it get lost", () => {
  const typists = new Typists(() => undefined);
  typists.heard("ann", true);
  vi.advanceTimersByTime(4_000);
  typists.heard("ann", true);
  typists.heard("bob", true);
  vi.advanceTimersByTime(4_000);
  expect(typists.users).toEqual(["ann", "bob"]);
  typists.heard("bob", false);
  expect(typists.users).toEqual(["ann"]);
  vi.advanceTimersByTime(2_001);
  expect(typists.users).toEqual([]);
});

test("no more than a hundred are kept", () => {
  const typists = new Typists(() => undefined);
  for (let n = 0; n < 500; n += 1) typists.heard(`user-${n}`, true);
  expect(typists.users).toHaveLength(100);
});
