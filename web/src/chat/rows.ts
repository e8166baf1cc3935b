import type { ChatMessage } from "conclave-client";

/** How a message stands among its neighbours. */
export interface Row {
  message: ChatMessage;
  /** Stays the same from `SENDING` on, and while older messages come before it. */
  key: string;
  /** Shows who wrote it: the first of a run of one author. */
  head: boolean;
  /** Begins a day. */
  day: boolean;
  /** The first that was not read when the reader came. */
  unread: boolean;
}

/** The row of the message at `index`; only its neighbour is looked at, however many there are. */
export function rowAt(
  messages: readonly ChatMessage[],
  index: number,
  unreadAfter: number | null,
): Row | null {
  const message = messages[index];
  if (!message) return null;
  const before = messages[index - 1];
  const day = !before || !sameDay(before.createdAt, message.createdAt);
  const unread = unreadAfter !== null && after(message, unreadAfter) && !after(before, unreadAfter);
  const head =
    day ||
    unread ||
    !before ||
    before.userId !== message.userId ||
    before.kind === "System" ||
    message.replyTo !== null ||
    apart(before, message) > RUN_MS;
  return { message, key: keyOf(message), head, day, unread };
}

/** What a message is known by in a list. */
export const keyOf = (message: ChatMessage): string => message.clientId ?? message.id ?? "";

/**
 * The sequence number after which messages are unread, given how many of the newest others' are;
 * `null` where none is, or where the first of them is not loaded.
 */
export function unreadAfter(
  messages: readonly ChatMessage[],
  unread: number,
  me: string,
): number | null {
  let left = unread;
  for (let index = messages.length - 1; index >= 0 && left > 0; index -= 1) {
    const message = messages[index];
    if (!message || message.seq === null || message.userId === me || message.deleted) continue;
    left -= 1;
    if (left === 0) return message.seq - 1;
  }
  return null;
}

/** How many messages of others came after `seq`. */
export function newerThan(messages: readonly ChatMessage[], seq: number, me: string): number {
  let count = 0;
  for (let index = messages.length - 1; index >= 0; index -= 1) {
    const message = messages[index];
    if (!message || message.seq === null) continue;
    if (message.seq <= seq) break;
    if (message.userId !== me && !message.deleted) count += 1;
  }
  return count;
}

/** The newest number that the list knows; 0 where it is empty. */
export function newestSeq(messages: readonly ChatMessage[]): number {
  for (let index = messages.length - 1; index >= 0; index -= 1) {
    const seq = messages[index]?.seq;
    if (seq) return seq;
  }
  return 0;
}

/** One's newest message that can be edited. */
export function lastOwn(messages: readonly ChatMessage[], me: string): ChatMessage | null {
  for (let index = messages.length - 1; index >= 0; index -= 1) {
    const message = messages[index];
    if (message && message.userId === me && isEditable(message)) return message;
  }
  return null;
}

/** Whether its author may change it: stored, not deleted, written. */
export const isEditable = (message: ChatMessage): boolean =>
  message.id !== null && !message.deleted && message.kind === "Text";

const after = (message: ChatMessage | undefined, seq: number): boolean =>
  message !== undefined && (message.seq === null || message.seq > seq);

const apart = (before: ChatMessage, message: ChatMessage): number =>
  message.createdAt.getTime() - before.createdAt.getTime();

const sameDay = (one: Date, other: Date): boolean =>
  one.getDate() === other.getDate() &&
  one.getMonth() === other.getMonth() &&
  one.getFullYear() === other.getFullYear();

/** A pause that begins a new run. */
const RUN_MS = 5 * 60_000;
