import { dateOf, textOf, type Frame } from "./frames.js";
import type { Rest } from "./rest.js";
import type { Member, Presence, Profile, Role } from "./contract.js";

/** Who is in a room, and who of them is there. */
export class Attendance {
  #members: readonly Member[] = [];
  #names = new Map<string, string>();
  #presence: ReadonlyMap<string, Presence> = new Map();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly roomId: string,
    readonly rest: Rest,
    readonly changed: () => void,
    readonly learn: (profiles: readonly Profile[]) => void,
  ) {}

  get members(): readonly Member[] {
    return this.#members;
  }

  get presence(): ReadonlyMap<string, Presence> {
    return this.#presence;
  }

  nameOf(userId: string): string | undefined {
    return this.#names.get(userId);
  }

  async load(): Promise<void> {
    const path = `/channels/${encodeURIComponent(this.roomId)}`;
    const [members, presence] = await Promise.all([
      this.rest.list<MemberBody>(`${path}/members?limit=200`, MEMBERS_MAX),
      this.rest.list<PresenceBody>(`${path}/presence`, MEMBERS_MAX),
    ]);
    this.#members = members.map((member) => ({
      ...member,
      avatar: member.avatar ?? null,
      joinedAt: new Date(member.joinedAt),
    }));
    this.#names = new Map(this.#members.map(({ userId, name }) => [userId, name]));
    this.#presence = new Map(
      presence.map(({ userId, isOnline, lastSeenAt }) => [
        userId,
        { isOnline, lastSeenAt: lastSeenAt == null ? null : new Date(lastSeenAt) },
      ]),
    );
    this.learn(this.#members.map(({ userId: id, name, avatar }) => ({ id, name, avatar })));
    this.changed();
  }

  /** Somebody came, of whom only the id is known: all are read again, once for many. */
  stale(waitMs = GATHER_MS, attempts = ATTEMPTS_MAX): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.load().catch(() => {
        if (attempts > 1) this.stale(RETRY_MS, attempts - 1);
      });
    }, waitMs);
  }

  left(userId: string): void {
    this.#members = this.#members.filter((member) => member.userId !== userId);
    const presence = new Map(this.#presence);
    presence.delete(userId);
    this.#presence = presence;
  }

  /** `{"type":"presence_update","user_id","is_online","last_seen"}`: of members only. */
  present(frame: Frame): void {
    const userId = textOf(frame, "user_id");
    if (userId === null || !this.#presence.has(userId)) return;
    const seen = frame["last_seen"];
    const isOnline = frame["is_online"] === true;
    const lastSeenAt = typeof seen === "number" ? dateOf(frame, "last_seen") : null;
    this.#presence = new Map(this.#presence).set(userId, { isOnline, lastSeenAt });
    this.changed();
  }
}

interface MemberBody {
  userId: string;
  name: string;
  avatar?: string | null;
  role: Role;
  joinedAt: string;
}

interface PresenceBody {
  userId: string;
  isOnline: boolean;
  lastSeenAt?: string | null;
}

/** Then the next connection, or the next one who comes, asks again. */
const ATTEMPTS_MAX = 4;
const GATHER_MS = 500;
const MEMBERS_MAX = 1_000;
const RETRY_MS = 3_000;
