import { Attendance } from "./attendance.js";
import type { Frame } from "./frames.js";
import type { Rest } from "./rest.js";
import type { RoomList } from "./room_list.js";
import type { Presence, Profile } from "./contract.js";

/** The other one of each direct message of the list: the name that shows, and whether they are there. */
export class Peers {
  readonly #attendance = new Map<string, Attendance>();
  #reading = false;
  #again = false;

  constructor(
    readonly rest: Rest,
    readonly list: RoomList,
    readonly me: () => string,
    readonly learn: (profiles: readonly Profile[]) => void,
  ) {}

  presenceOf(userId: string): Presence | undefined {
    for (const attendance of this.#attendance.values()) {
      const presence = attendance.presence.get(userId);
      if (presence !== undefined) return presence;
    }
    return undefined;
  }

  heard(frame: Frame): void {
    for (const attendance of this.#attendance.values()) attendance.present(frame);
  }

  /** What was true of the last connection is read again. */
  lost(): void {
    this.#attendance.clear();
  }

  /** Reads who the newest direct messages are with, one room after the other. */
  update(): void {
    this.#again = true;
    if (this.#reading) return;
    this.#reading = true;
    void this.#read().finally(() => {
      this.#reading = false;
    });
  }

  async #read(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      const direct = this.list.sorted.filter(({ type }) => type === "DM").slice(0, PEERS_MAX);
      for (const { id } of direct) {
        if (this.#attendance.has(id)) continue;
        const attendance = new Attendance(id, this.rest, () => this.list.told(), this.learn);
        this.#attendance.set(id, attendance);
        try {
          await attendance.load();
          const peer = attendance.members.find(({ userId }) => userId !== this.me());
          if (peer !== undefined) this.list.setPeer(id, { userId: peer.userId, name: peer.name });
        } catch {
          // Asked again with the next change of the list.
          this.#attendance.delete(id);
        }
      }
    }
  }
}

/** Of older ones the peer shows once they are active again. */
const PEERS_MAX = 50;
