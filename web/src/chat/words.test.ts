import { describe, expect, test } from "vitest";

import { hueOf, initials } from "../ui/names.ts";
import { Drafts } from "./drafts.ts";
import { byStatus, markOf, waiting } from "./marks.ts";
import { dayWords, lengthOf, many, pageTitle, seenWords, short, typingWords } from "./words.ts";

test.each([
  [[], ""],
  [["Ann"], "Ann is typing…"],
  [["Ann", "Bob"], "Ann and Bob are typing…"],
  [["Ann", "Bob", "Cy"], "Ann, Bob and 1 other are typing…"],
  [["Ann", "Bob", "Cy", "Di"], "Ann, Bob and 2 others are typing…"],
])("%j type", (names, words) => {
  expect(typingWords(names)).toBe(words);
});

test("the title shows what is unread", () => {
  expect(pageTitle(0, null)).toBe("Conclave");
  expect(pageTitle(3, "general")).toBe("(3) general · Conclave");
  expect(pageTitle(12_345, null)).toBe("(999+) Conclave");
});

describe("dates", () => {
  const now = new Date(2026, 10, 23, 0, 5);

  test("yesterday is a date, not 24 hours ago", () => {
    expect(dayWords(new Date(2026, 10, 22, 23, 59), now)).toBe("Yesterday");
    expect(dayWords(new Date(2026, 10, 23, 0, 1), now)).toBe("Today");
  });

  test("the year shows where it is another", () => {
    expect(dayWords(new Date(2026, 1, 3), now)).not.toContain("2026");
    expect(dayWords(new Date(2025, 1, 3), now)).toContain("2025");
  });

  test("who was seen when", () => {
    expect(seenWords(null, now)).toBe("Offline");
    expect(seenWords(new Date(2026, 10, 23, 0, 4, 30), now)).toBe("Seen just now");
    expect(seenWords(new Date(2026, 10, 23, 0, 3), now)).toBe("Seen 2 minutes ago");
    expect(seenWords(new Date(2026, 10, 22, 23, 0), now)).toBe("Seen 1 hour ago");
  });
});

test("counts", () => {
  expect(short(99)).toBe("99");
  expect(short(100)).toBe("99+");
  expect(many(1, "message")).toBe("1 message");
  expect(many(2, "message")).toBe("2 messages");
  expect(lengthOf("a\u{1f600}")).toBe(2);
});

test("a name has initials and one colour", () => {
  expect(initials("Ann Bee")).toBe("AB");
  expect(initials("testuser")).toBe("T");
  expect(initials("")).toBe("?");
  expect(hueOf("Ann", 6)).toBe(hueOf("Ann", 6));
});

test("marks say how far a message came, and why it waits", () => {
  expect(markOf("SENDING", "online").words).toBe("Sending");
  expect(markOf("SENDING", "waiting").words).toBe("Waiting for the connection");
  const marks = (["SENT", "DELIVERED", "READ", "FAILED"] as const).map(
    (status) => markOf(status, "online").words,
  );
  expect(marks).toEqual(["Sent", "Delivered", "Read", "Not sent"]);
});

test("what waits stands at the end, and failed messages do not wait", () => {
  const unsent = (status: "SENDING" | "FAILED") => ({ seq: null, status }) as never;
  const stored = { seq: 1, status: "SENT" } as never;
  expect(waiting([stored, unsent("FAILED"), unsent("SENDING"), unsent("SENDING")])).toBe(2);
  expect(waiting([stored])).toBe(0);
});

test("receipts are told by how far they came", () => {
  const receipt = (userId: string, status: "SENT" | "READ") => ({
    userId,
    status,
    at: new Date(0),
  });
  const groups = byStatus([receipt("ann", "SENT"), receipt("bob", "READ")]);
  expect(groups.map(({ words, of }) => [words, of.map(({ userId }) => userId)])).toEqual([
    ["Read by", ["bob"]],
    ["Not delivered yet", ["ann"]],
  ]);
});

test("a draft is its writer's and its room's", () => {
  const drafts = new Drafts();
  drafts.keep("ann", "general", "hel");
  expect(drafts.of("ann", "general")).toBe("hel");
  expect(drafts.of("ann", "plans")).toBe("");
  expect(drafts.of("bob", "general")).toBe("");
  drafts.forgetAll();
  expect(drafts.of("ann", "general")).toBe("");
});
