import { answeredOf, type Members } from "./frames.js";
import type { ChatMessage, MessageKind, MessageStatus } from "./contract.js";

/**
 * The stored messages of a room, ascending and without holes from the oldest one that was loaded.
 * Adding the same again changes nothing, so what overlaps may be added in any order.
 */
export class History {
  /** Whether the newest page was read; from then on there is a `cursor`. */
  loaded = false;
  hasOlder = false;
  #top = 0;
  #ascending: ChatMessage[] = [];
  readonly #byId = new Map<string, ChatMessage>();

  constructor(readonly max: number) {}

  /** The greatest sequence number heard: what comes after it is missed while away. */
  get cursor(): number | null {
    return this.loaded ? this.#top : null;
  }

  get messages(): readonly ChatMessage[] {
    return this.#ascending;
  }

  get(id: string): ChatMessage | undefined {
    return this.#byId.get(id);
  }

  /** The newest one that fits. */
  newest(fits: (message: ChatMessage) => boolean): ChatMessage | undefined {
    return this.#ascending.findLast(fits);
  }

  heard(seq: number): void {
    this.#top = Math.max(this.#top, seq);
  }

  /**
   * Adds a message, or what it says more than the one known. One from before the oldest that was
   * loaded, such as one's own that was stored long ago, would leave a hole: its page brings it.
   */
  add(message: Stored): void {
    const oldest = this.#ascending[0]?.seq;
    if (this.hasOlder && oldest != null && message.seq < oldest) return;
    this.addOfPage(message);
    this.#trim();
  }

  /** Adds a message of a page that was asked for, which reaches to the oldest one there was. */
  addOfPage(message: Stored): void {
    const known = this.#byId.get(message.id);
    if (known !== undefined) {
      this.replace(known, merged(known, message));
      return;
    }
    this.#byId.set(message.id, message);
    const last = this.#ascending.at(-1);
    if (last === undefined || (last.seq ?? 0) < message.seq) this.#ascending.push(message);
    else this.#ascending.splice(this.#place(message.seq), 0, message);
  }

  update(id: string, change: Partial<ChatMessage>): void {
    const known = this.#byId.get(id);
    if (known !== undefined) this.replace(known, { ...known, ...change });
  }

  replace(known: ChatMessage, next: ChatMessage): void {
    if (known.id === null || known.seq === null) return;
    this.#byId.set(known.id, next);
    this.#ascending[this.#place(known.seq)] = next;
  }

  /** Changes each message from the newest on, until `change` says that it is enough. */
  changeBack(change: (message: ChatMessage) => ChatMessage | null): void {
    for (const message of this.#ascending.toReversed()) {
      const next = change(message);
      if (next === null) return;
      if (next !== message) this.replace(message, next);
    }
  }

  /** Keeps the newest `count`. */
  keepNewest(count: number): void {
    const over = this.#ascending.length - count;
    if (over <= 0) return;
    for (const message of this.#ascending.splice(0, over)) this.#byId.delete(message.id ?? "");
    this.hasOlder = true;
  }

  /** Forgets those before a sequence number. */
  keepFrom(seq: number): void {
    this.keepNewest(this.#ascending.length - this.#place(seq));
  }

  clear(): void {
    this.#ascending = [];
    this.#byId.clear();
    this.#top = 0;
    this.loaded = false;
    this.hasOlder = false;
  }

  /** A tenth at once: dropping one for each new one would move all others each time. */
  #trim(): void {
    if (this.#ascending.length > this.max) this.keepNewest(Math.ceil(this.max * 0.9));
  }

  /** Where a sequence number is, or belongs. */
  #place(seq: number): number {
    let low = 0;
    let high = this.#ascending.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ascending[middle]?.seq ?? 0) < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** One that the server has. */
export type Stored = ChatMessage & { id: string; seq: number };

/** A status never goes back, and a deleted message stays so. */
const merged = (known: ChatMessage, next: ChatMessage): ChatMessage => {
  const older = (next.editedAt?.getTime() ?? 0) < (known.editedAt?.getTime() ?? 0);
  const deleted = known.deleted || next.deleted;
  return {
    ...next,
    clientId: known.clientId ?? next.clientId,
    content: deleted ? "" : older ? known.content : next.content,
    editedAt: older ? known.editedAt : next.editedAt,
    deleted,
    status: higher(known.status, next.status),
    ...(next.answered === undefined && known.answered !== undefined ? { answered: known.answered } : {}),
  };
};

export const higher = (one: MessageStatus, other: MessageStatus): MessageStatus =>
  RANKS[other] > RANKS[one] ? other : one;

const RANKS: Readonly<Record<MessageStatus, number>> = {
  FAILED: 0,
  SENDING: 1,
  SENT: 2,
  DELIVERED: 3,
  READ: 4,
};

/** A message as REST gives it. */
export interface MessageBody extends Members {
  id: string;
  channelId: string;
  userId: string;
  content: string;
  messageType: MessageKind;
  parentId?: string | null;
  clientId?: string | null;
  seq: number;
  createdAt: string;
  updatedAt: string;
  deletedAt?: string | null;
  deliveryStatus: "SENT" | "DELIVERED" | "READ";
  user: { id: string; name: string; avatar?: string | null };
}

export const storedOf = (body: MessageBody): Stored => {
  const deleted = typeof body.deletedAt === "string";
  return {
    id: body.id,
    clientId: body.clientId ?? null,
    roomId: body.channelId,
    seq: body.seq,
    userId: body.userId,
    content: body.content,
    kind: body.messageType,
    replyTo: body.parentId ?? null,
    createdAt: new Date(body.createdAt),
    editedAt: body.updatedAt === body.createdAt || deleted ? null : new Date(body.updatedAt),
    deleted,
    status: body.deliveryStatus,
    ...answeredOf(body),
  };
};
