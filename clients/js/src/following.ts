import type { Room } from "./room.js";
import type { RoomList } from "./room_list.js";

/**
 * Which rooms one connection hears: those that are open, then those of the list by activity, up
 * to the server's limit. The rest is read again every minute.
 */
export class Following {
  readonly #followed = new Set<string>();
  /** Ended by this side: their end says nothing about membership. */
  readonly #released = new Set<string>();
  readonly #refused = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #refusedTimer: ReturnType<typeof setTimeout> | undefined;
  #online = false;
  #max = FOLLOWED_MAX;

  constructor(
    readonly send: (frame: object) => boolean,
    readonly list: RoomList,
    readonly room: (id: string) => Room | undefined,
  ) {}

  /** There is a new connection. */
  opened(): void {
    this.#online = true;
  }

  /** Follows what the list says, once it is read, and reads it again where that is not all. */
  start(read: () => Promise<void>): void {
    clearTimeout(this.#timer);
    read().then(
      () => {
        if (this.#online) this.update();
        if (this.#online && this.list.sorted.length > this.#max) this.#startAgain(read, POLL_MS);
      },
      () => {
        if (this.#online) this.#startAgain(read, RETRY_MS);
      },
    );
  }

  lost(): void {
    this.#online = false;
    clearTimeout(this.#timer);
    clearTimeout(this.#refusedTimer);
    this.#refusedTimer = undefined;
    this.#followed.clear();
    this.#refused.clear();
    this.#released.clear();
  }

  /** An open room's events after `since`. */
  follow(id: string, since: number | null): void {
    if (!this.#online || this.#followed.has(id)) return;
    if (this.#followed.size >= this.#max) this.#release();
    this.#subscribe(id, since);
  }

  /** The rooms of the list that are not heard yet, as far as there is room. */
  update(): void {
    if (!this.#online) return;
    for (const { id, lastSeq } of this.list.sorted) {
      if (this.#followed.size >= this.#max) return;
      if (this.#followed.has(id)) continue;
      const room = this.room(id);
      const cursor = room?.isOpen === true ? room.cursor : null;
      // A little of what was: it shows the last message, and nothing can be missed in between.
      this.#subscribe(id, cursor ?? Math.max(0, lastSeq - SHOWN));
    }
  }

  /** A subscription was refused for now, or since there are too many: it is asked for again. */
  again(id: string, isFull: boolean): void {
    this.#followed.delete(id);
    if (isFull) this.#max = Math.max(1, Math.min(this.#max, this.#followed.size));
    this.#refused.add(id);
    this.#refusedTimer ??= setTimeout(() => {
      this.#refusedTimer = undefined;
      for (const each of this.#refused) {
        const room = this.room(each);
        if (room?.isOpen === true && room.cursor !== null) this.follow(each, room.cursor);
      }
      this.#refused.clear();
      this.update();
    }, AGAIN_MS);
  }

  /** The end of a subscription; whether this side wanted it. */
  ended(id: string): boolean {
    this.#followed.delete(id);
    return this.#released.delete(id);
  }

  #subscribe(id: string, since: number | null): void {
    const frame = { type: "subscribe_conversation", conversation_id: id };
    if (this.send(since === null ? frame : { ...frame, since })) this.#followed.add(id);
  }

  /** Gives up the room that was silent for longest and is not open. */
  #release(): void {
    const rank = new Map(this.list.sorted.map(({ id }, index) => [id, index]));
    let oldest: string | undefined;
    for (const id of this.#followed) {
      if (this.room(id)?.isOpen === true) continue;
      const further = oldest === undefined || (rank.get(id) ?? Infinity) > (rank.get(oldest) ?? Infinity);
      if (further) oldest = id;
    }
    if (oldest === undefined) return;
    this.#followed.delete(oldest);
    this.#released.add(oldest);
    this.send({ type: "unsubscribe_conversation", conversation_id: oldest });
    this.room(oldest)?.resync();
  }

  #startAgain(read: () => Promise<void>, waitMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.start(read), waitMs);
  }
}

const AGAIN_MS = 2_000;
/** `limits.subscriptions_per_connection`, where the server allows no fewer. */
const FOLLOWED_MAX = 128;
const POLL_MS = 60_000;
const RETRY_MS = 5_000;
/** Events before the last one that are asked for. */
const SHOWN = 5;
