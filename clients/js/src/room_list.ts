import { Changes } from "./emitter.js";
import { dateOf, numberOf, textOf, type Frame } from "./frames.js";
import type { Rest } from "./rest.js";
import type { LastMessage, Peer, Role, RoomSummary, RoomType } from "./contract.js";

/** The user's rooms, as REST lists them and events change them. */
export class RoomList {
  readonly #rooms = new Map<string, RoomSummary>();
  readonly #changes: Changes;
  #sorted: readonly RoomSummary[] | null = null;
  #reading: Promise<void> | null = null;
  #next: Promise<void> | null = null;
  /** For each answer that is on its way: which rooms came or went since it was asked for. */
  readonly #underway = new Set<Set<string>>();

  constructor(
    readonly rest: Rest,
    readonly me: () => string,
    told: () => void,
  ) {
    this.#changes = new Changes(() => {
      this.#sorted = null;
    });
    this.#changes.on(told);
  }

  /** By last activity, the newest first; another array after each change. */
  get sorted(): readonly RoomSummary[] {
    this.#sorted ??= [...this.#rooms.values()].sort((one, other) => activity(other) - activity(one));
    return this.#sorted;
  }

  get(id: string): RoomSummary | undefined {
    return this.#rooms.get(id);
  }

  /**
   * Reads all of one's rooms. An answer on its way may be older than the question: who asks then
   * waits for the next one, which all of them share.
   */
  read(): Promise<void> {
    if (this.#reading === null) {
      this.#reading = this.#read().finally(() => {
        this.#reading = null;
      });
      return this.#reading;
    }
    const again = (): Promise<void> => {
      this.#next = null;
      return this.read();
    };
    this.#next ??= this.#reading.then(again, again);
    return this.#next;
  }

  /** Reads one room, new or changed. */
  async readOne(id: string): Promise<RoomSummary> {
    const path = `/channels/${encodeURIComponent(id)}`;
    return this.#asking(async (touched) => {
      const body = await this.rest.call<ChannelBody>("GET", path);
      const left = touched.has(id) && !this.#rooms.has(id);
      return left ? this.#merged(body) : this.put(body);
    });
  }

  put(body: ChannelBody): RoomSummary {
    const summary = this.#merged(body);
    // Of a public room that one is not in, this is all there is to know.
    if (summary.myRole === null) return summary;
    this.#touched(summary.id);
    this.#rooms.set(summary.id, summary);
    this.#changes.happened();
    return summary;
  }

  remove(id: string): void {
    this.#touched(id);
    if (this.#rooms.delete(id)) this.#changes.happened();
  }

  setUnread(id: string, unreadCount: number): void {
    const room = this.#rooms.get(id);
    if (room !== undefined && room.unreadCount !== unreadCount) this.#set({ ...room, unreadCount });
  }

  /** The last message, where it is the last one known. */
  shown(id: string, { id: messageId, seq, userId, content, createdAt, deleted }: LastMessage): void {
    const room = this.#rooms.get(id);
    if (room === undefined || seq < (room.lastMessage?.seq ?? 0)) return;
    this.#set({ ...room, lastMessage: { id: messageId, seq, userId, content, createdAt, deleted } });
  }

  /** Whom a direct message is with. */
  setPeer(id: string, peer: Peer): void {
    const room = this.#rooms.get(id);
    if (room !== undefined) this.#set({ ...room, peer });
  }

  /** Something that shows beside the rooms changed. */
  told(): void {
    this.#changes.happened();
  }

  /** An event of a room: counts what is new, keeps the last message. */
  heard(frame: Frame): void {
    const room = this.#rooms.get(textOf(frame, "conversation_id") ?? "");
    if (room === undefined) return;
    const seq = numberOf(frame, "seq");
    const isNew = seq !== null && seq > room.lastSeq;
    const next = { ...room, lastSeq: isNew ? seq : room.lastSeq };
    const userId = textOf(frame, "user_id");
    const last = room.lastMessage;
    const isLast = last !== undefined && last.id === textOf(frame, "message_id");
    const deleted = frame["deleted_at"] !== undefined && frame["deleted_at"] !== null;
    switch (frame.type) {
      case "user_message":
      case "ai_response_complete":
        if (isNew && !deleted && userId !== this.me()) next.unreadCount += 1;
        if (seq !== null && seq >= (last?.seq ?? 0)) next.lastMessage = lastOf(frame, seq, deleted);
        break;
      case "message_updated":
        if (isLast) next.lastMessage = { ...last, content: textOf(frame, "content") ?? "", deleted };
        break;
      case "message_deleted":
        if (isLast) next.lastMessage = { ...last, content: "", deleted: true };
        break;
      case "member_joined":
        if (isNew) next.members += 1;
        break;
      case "member_left":
        if (isNew || seq === null) next.members = Math.max(0, next.members - 1);
        break;
      default:
        return;
    }
    this.#set(next);
  }

  #read(): Promise<void> {
    return this.#asking(async (touched) => {
      const bodies = await this.rest.list<ChannelBody>("/channels?limit=100", ROOMS_MAX);
      const listed = new Set(bodies.map(({ id }) => id));
      for (const id of this.#rooms.keys()) {
        if (!listed.has(id) && !touched.has(id)) this.#rooms.delete(id);
      }
      for (const body of bodies) {
        if (touched.has(body.id) && !this.#rooms.has(body.id)) continue;
        this.#rooms.set(body.id, this.#merged(body));
      }
      this.#changes.happened();
    });
  }

  async #asking<T>(ask: (touched: ReadonlySet<string>) => Promise<T>): Promise<T> {
    const touched = new Set<string>();
    this.#underway.add(touched);
    try {
      return await ask(touched);
    } finally {
      this.#underway.delete(touched);
    }
  }

  #touched(id: string): void {
    for (const touched of this.#underway) touched.add(id);
  }

  /** An answer may be older than an event that came before it. */
  #merged(body: ChannelBody): RoomSummary {
    const known = this.#rooms.get(body.id);
    const next = summaryOf(body);
    if (known === undefined) return next;
    const older = known.lastSeq > next.lastSeq;
    return {
      ...next,
      lastSeq: Math.max(known.lastSeq, next.lastSeq),
      unreadCount: older ? Math.max(known.unreadCount, next.unreadCount) : next.unreadCount,
      peer: known.peer,
      ...(known.lastMessage === undefined ? {} : { lastMessage: known.lastMessage }),
    };
  }

  #set(room: RoomSummary): void {
    this.#rooms.set(room.id, room);
    this.#changes.happened();
  }
}

const activity = (room: RoomSummary): number =>
  (room.lastMessage?.createdAt ?? room.createdAt).getTime();

const lastOf = (frame: Frame, seq: number, deleted: boolean): LastMessage => ({
  id: textOf(frame, "message_id") ?? "",
  seq,
  userId: textOf(frame, "user_id") ?? "",
  content: deleted ? "" : (textOf(frame, "content") ?? textOf(frame, "final_content") ?? ""),
  createdAt: dateOf(frame),
  deleted,
});

/** A room as REST gives it. */
export interface ChannelBody {
  id: string;
  name: string;
  description?: string | null;
  type: RoomType;
  ownerId?: string | null;
  assistant: boolean;
  createdAt: string;
  lastSeq: number;
  unreadCount: number;
  myRole?: Role | null;
  _count: { members: number; messages: number };
}

export const summaryOf = (body: ChannelBody): RoomSummary => ({
  id: body.id,
  name: body.name,
  description: body.description ?? null,
  type: body.type,
  ownerId: body.ownerId ?? null,
  myRole: body.myRole ?? null,
  unreadCount: body.unreadCount,
  lastSeq: body.lastSeq,
  members: body._count.members,
  assistant: body.assistant,
  createdAt: new Date(body.createdAt),
  peer: null,
});

const ROOMS_MAX = 1_000;
