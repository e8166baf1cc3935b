import type { ChatMessage, Member, MessageStatus } from "./contract.js";

/** Which of others' messages this user has; receipts cover earlier messages too. */
export class OwnReceipts {
  #delivered: Mark | null = null;
  #read: Mark | null = null;
  #told: Told = NOTHING;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `tell` says whether it could. */
  constructor(readonly tell: (type: "message_delivered" | "message_read", id: string) => boolean) {}

  /** The greatest sequence number that was read. */
  get readSeq(): number {
    return this.#read?.seq ?? 0;
  }

  delivered(mark: Mark): void {
    if (mark.seq <= (this.#delivered?.seq ?? 0)) return;
    this.#delivered = mark;
    this.#soon();
  }

  read(mark: Mark): void {
    if (mark.seq <= this.readSeq) return;
    this.#read = mark;
    this.#soon();
  }

  /** A new connection, or a refusal: what may have got lost is told again. */
  again(waitMs = 0): void {
    this.#told = NOTHING;
    this.#soon(waitMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #soon(waitMs = 0): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#flush();
    }, GATHER_MS + waitMs);
  }

  #flush(): void {
    const delivered = this.#delivered;
    const read = this.#read;
    if (read !== null && read.seq > this.#told.read && this.tell("message_read", read.id)) {
      this.#told = { read: read.seq, delivered: Math.max(read.seq, this.#told.delivered) };
    }
    if (delivered === null || delivered.seq <= this.#told.delivered) return;
    if (this.tell("message_delivered", delivered.id)) {
      this.#told = { ...this.#told, delivered: delivered.seq };
    }
  }
}

/** How far each of the others is, to say what a message's own status is. */
export class OthersReceipts {
  readonly #marks = new Map<string, Told>();

  heard(userId: string, seq: number, status: "delivered" | "read"): void {
    const known = this.#marks.get(userId) ?? NOTHING;
    this.#marks.set(userId, {
      delivered: Math.max(known.delivered, seq),
      read: status === "read" ? Math.max(known.read, seq) : known.read,
    });
  }

  forget(userId: string): void {
    this.#marks.delete(userId);
  }

  /** The lowest over a message's recipients: members, not the author, who joined before it. */
  statusOf(message: ChatMessage, members: readonly Member[]): MessageStatus {
    const seq = message.seq ?? 0;
    let all = 0;
    let delivered = 0;
    let read = 0;
    for (const member of members) {
      if (member.userId === message.userId || member.joinedAt > message.createdAt) continue;
      const mark = this.#marks.get(member.userId) ?? NOTHING;
      all += 1;
      if (mark.delivered >= seq) delivered += 1;
      if (mark.read >= seq) read += 1;
    }
    if (all === 0) return "SENT";
    return read === all ? "READ" : delivered === all ? "DELIVERED" : "SENT";
  }

  /** Whether nothing is known of somebody, who may have receipts from before. */
  lacks(members: readonly Member[], me: string): boolean {
    return members.some((member) => member.userId !== me && !this.#marks.has(member.userId));
  }
}

/** A message and its place. */
export interface Mark {
  id: string;
  seq: number;
}

interface Told {
  delivered: number;
  read: number;
}

const NOTHING: Told = { delivered: 0, read: 0 };
const GATHER_MS = 200;
