import { dateOf, textOf, type Frame } from "./frames.js";
import type { Rest } from "./rest.js";
import type { Member, Presence, Profile, Role } from "./contract.js";

/** Who is in a room, and who of them is there. */
export class Attendance {
  #members: readonly Member[] = [];
  #names = new Map<string, string>();
  #presence: ReadonlyMap<string, Presence> = new Map();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asked = 0;
  #shown = 0;
  /** For each answer that is on its way: what was heard since it was asked for. */
  readonly #underway = new Set<Heard>();

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
    const asked = ++this.#asked;
    const heard: Heard = { left: new Set(), presence: new Map() };
    this.#underway.add(heard);
    try {
      const path = `/channels/${encodeURIComponent(this.roomId)}`;
      const [members, presence] = await Promise.all([
        this.rest.list<MemberBody>(`${path}/members?limit=200`, MEMBERS_MAX),
        this.rest.list<PresenceBody>(`${path}/presence`, MEMBERS_MAX),
      ]);
      // A later question was answered before.
      if (asked < this.#shown) return;
      this.#shown = asked;
      this.#set(members, presence, heard);
    } finally {
      this.#underway.delete(heard);
    }
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
    for (const heard of this.#underway) heard.left.add(userId);
    this.#members = this.#members.filter((member) => member.userId !== userId);
    const presence = new Map(this.#presence);
    presence.delete(userId);
    this.#presence = presence;
  }

  /** `{"type":"presence_update","user_id","is_online","last_seen"}`: of members only. */
  present(frame: Frame): void {
    const userId = textOf(frame, "user_id");
    if (userId === null) return;
    const seen = frame["last_seen"];
    const isOnline = frame["is_online"] === true;
    const lastSeenAt = typeof seen === "number" ? dateOf(frame, "last_seen") : null;
    const presence = { isOnline, lastSeenAt };
    for (const heard of this.#underway) heard.presence.set(userId, presence);
    if (!this.#presence.has(userId)) return;
    this.#presence = new Map(this.#presence).set(userId, presence);
    this.changed();
  }

  /** What was heard is later than what was read. */
  #set(members: readonly MemberBody[], presence: readonly PresenceBody[], heard: Heard): void {
    this.#members = members
      .filter(({ userId }) => !heard.left.has(userId))
      .map((member) => ({
        ...member,
        avatar: member.avatar ?? null,
        joinedAt: new Date(member.joinedAt),
      }));
    this.#names = new Map(this.#members.map(({ userId, name }) => [userId, name]));
    this.#presence = new Map(
      presence
        .filter(({ userId }) => !heard.left.has(userId))
        .map((body) => [body.userId, heard.presence.get(body.userId) ?? presenceOf(body)]),
    );
  }
}

interface Heard {
  left: Set<string>;
  presence: Map<string, Presence>;
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

const presenceOf = ({ isOnline, lastSeenAt }: PresenceBody): Presence => ({
  isOnline,
  lastSeenAt: lastSeenAt == null ? null : new Date(lastSeenAt),
});

/** Then the next connection, or the next one who comes, asks again. */
const ATTEMPTS_MAX = 4;
const GATHER_MS = 500;
const MEMBERS_MAX = 1_000;
const RETRY_MS = 3_000;
