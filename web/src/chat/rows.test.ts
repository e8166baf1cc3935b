import type { ChatMessage } from "conclave-client";
import { describe, expect, test } from "vitest";

import { lastOwn, newerThan, newestSeq, rowAt, unreadAfter } from "./rows.ts";

const at = (day: number, hour: number, minute = 0) => new Date(2026, 10, day, hour, minute);

function message(seq: number | null, userId: string, more: Partial<ChatMessage> = {}): ChatMessage {
  return {
    id: seq === null ? null : `m-${seq}`,
    clientId: seq === null ? "c-1" : null,
    roomId: "general",
    seq,
    userId,
    content: "hello",
    kind: "Text",
    replyTo: null,
    createdAt: at(23, 10),
    editedAt: null,
    deleted: false,
    status: seq === null ? "SENDING" : "SENT",
    ...more,
  };
}

const heads = (messages: ChatMessage[]) =>
  messages.map((_, index) => rowAt(messages, index, null)?.head);

describe("a run of messages", () => {
  test("one author's messages have one head", () => {
    expect(heads([message(1, "ann"), message(2, "ann"), message(3, "bob")])).toEqual([
      true,
      false,
      true,
    ]);
  });

  test("a pause of more than five minutes begins another", () => {
    const later = { createdAt: at(23, 10, 6) };
    expect(heads([message(1, "ann"), message(2, "ann", later)])).toEqual([true, true]);
  });

  test("a reply begins another, so that its quote has a head", () => {
    expect(heads([message(1, "ann"), message(2, "ann", { replyTo: "m-1" })])).toEqual([true, true]);
  });
});

describe("lines between messages", () => {
  test("a day begins with the first message and after midnight", () => {
    const messages = [
      message(1, "ann", { createdAt: at(22, 23, 59) }),
      message(2, "ann", { createdAt: at(23, 0, 1) }),
      message(3, "ann", { createdAt: at(23, 0, 2) }),
    ];
    expect(messages.map((_, index) => rowAt(messages, index, null)?.day)).toEqual([
      true,
      true,
      false,
    ]);
  });

  test("the unread line stands before the first unread message only", () => {
    const messages = [message(1, "ann"), message(4, "ann"), message(5, "ann"), message(null, "me")];
    const lines = messages.map((_, index) => rowAt(messages, index, 3)?.unread);
    expect(lines).toEqual([false, true, false, false]);
  });

  test("a row keeps its key while older messages come before it", () => {
    const loaded = [message(5, "ann")];
    const more = [message(4, "ann"), ...loaded];
    expect(rowAt(more, 1, null)?.key).toBe(rowAt(loaded, 0, null)?.key);
  });

  test("there is no row beyond the end", () => {
    expect(rowAt([], 0, null)).toBeNull();
  });
});

describe("what is unread", () => {
  const messages = [
    message(1, "ann"),
    message(2, "me"),
    message(3, "ann", { deleted: true }),
    message(5, "ann"),
    message(6, "me"),
    message(7, "bob"),
  ];

  test("own and deleted messages do not count", () => {
    expect(unreadAfter(messages, 2, "me")).toBe(4);
    expect(unreadAfter(messages, 3, "me")).toBe(0);
  });

  test("no line where all is read, or where its place is not loaded", () => {
    expect(unreadAfter(messages, 0, "me")).toBeNull();
    expect(unreadAfter(messages, 4, "me")).toBeNull();
  });

  test("messages below count from the one that was seen last", () => {
    expect(newerThan(messages, 4, "me")).toBe(2);
    expect(newerThan(messages, 7, "me")).toBe(0);
  });
});

test("the newest number is that of the last stored message", () => {
  expect(newestSeq([message(4, "ann"), message(null, "me")])).toBe(4);
  expect(newestSeq([])).toBe(0);
});

test("the last own message that can be edited is neither deleted nor unsent nor a file", () => {
  const messages = [
    message(1, "me"),
    message(2, "ann"),
    message(3, "me", { deleted: true }),
    message(4, "me", { kind: "File" }),
    message(null, "me"),
  ];
  expect(lastOwn(messages, "me")?.id).toBe("m-1");
  expect(lastOwn(messages, "bob")).toBeNull();
});
