import { ownAssistantOf } from "./assistant_bodies.js";
import { Listeners } from "./emitter.js";
import { ConclaveError } from "./error.js";
import { Feed, type Hearer } from "./feed.js";
import type { Members } from "./frames.js";
import { Following } from "./following.js";
import { Link } from "./link.js";
import { Names } from "./names.js";
import { isHidden, watchPage } from "./page.js";
import { Peers } from "./peers.js";
import { Rest } from "./rest.js";
import { Room } from "./room.js";
import { RoomList, summaryOf, type ChannelBody } from "./room_list.js";
import { webSocketUrl } from "./socket.js";
import { Topics, type Topic } from "./topic.js";
import type {
  ClientEvents,
  ClientOptions,
  Invitation,
  Me,
  NewRoom,
  OwnAssistant,
  Presence,
  Profile,
  RoomChange,
  RoomSummary,
  Status,
} from "./contract.js";
import type { Wire } from "./wire.js";

/**
 * A user at a server: rooms over one connection, topics over another. Comes back by itself, with
 * what was missed and with what was not sent yet.
 */
export class ConclaveClient {
  readonly #rest: Rest;
  readonly #link: Link;
  readonly #list: RoomList;
  readonly #following: Following;
  readonly #peers: Peers;
  readonly #topics: Topics;
  readonly #names = new Names();
  readonly #rooms = new Map<string, Room>();
  readonly #listeners: { [E in keyof ClientEvents]: Listeners<ClientEvents[E]> } = {
    status: new Listeners(),
    rooms: new Listeners(),
    notification: new Listeners(),
    live_update: new Listeners(),
    invitations: new Listeners(),
    system_status: new Listeners(),
    error: new Listeners(),
  };
  readonly #wire: Wire;
  #identity: Promise<Me> | null = null;
  #me: Me | null = null;
  #connected: Connected | null = null;
  #unwatch: (() => void) | null = null;

  constructor(options: ClientOptions) {
    const origin = options.url ?? globalThis.location?.origin;
    if (origin === undefined) throw new ConclaveError("bad_request", "the option url is missing");
    this.#rest = new Rest(origin, options.tokens, options);
    this.#link = new Link(options, this.#rest, new Feed(this.#hearer()));
    this.#list = new RoomList(
      this.#rest,
      () => this.#me?.id ?? "",
      () => {
        for (const room of this.#rooms.values()) room.counted();
        this.#listeners.rooms.tell(this.roomList);
      },
    );
    this.#following = new Following((frame) => this.#send(frame), this.#list, (id) => this.#rooms.get(id));
    this.#peers = new Peers(
      this.#rest,
      this.#list,
      () => this.#me?.id ?? "",
      (profiles) => this.#names.learn(profiles),
    );
    this.#topics = new Topics(options, this.#rest, options.outboxMax ?? OUTBOX_MAX);
    this.#wire = this.#wireOf(options);
  }

  get status(): Status {
    return this.#link.status;
  }

  /** When the connection is tried again, in Unix milliseconds. */
  get retryAt(): number | null {
    return this.#link.retryAt;
  }

  /** Why it does not come back by itself; `null` where it does, or was closed. */
  get endedBecause(): ConclaveError | null {
    return this.#link.endedBecause;
  }

  /** Who the token says one is; `null` before the first connection. */
  get me(): Me | null {
    return this.#me;
  }

  /** One's rooms by last activity; another array after each change. */
  get roomList(): readonly RoomSummary[] {
    return this.#list.sorted;
  }

  /** Resolves when it is online for the first time; rejects where it cannot be. */
  connect(): Promise<void> {
    this.#unwatch ??= watchPage({
      visible: () => this.#visible(),
      online: () => this.retryNow(),
      probe: () => this.#probe(),
    });
    if (this.#connected === null || this.status === "ended") this.#connected = connected();
    const { promise } = this.#connected;
    this.#link.start();
    this.#topics.start();
    this.#settle();
    return promise;
  }

  /** Ends the connections. What is unsent is kept, for `connect`. */
  close(): void {
    this.#unwatch?.();
    this.#unwatch = null;
    this.#connected?.reject(new ConclaveError("closed", "closed"));
    this.#connected = null;
    this.#link.stop();
    this.#topics.stop();
    this.#following.lost();
  }

  /** Does not wait for the time of the next attempt. */
  retryNow(): void {
    this.#link.retryNow();
    this.#topics.retryNow();
  }

  /** Returns what takes the listener away again. */
  on<E extends keyof ClientEvents>(event: E, listener: (value: ClientEvents[E]) => void): () => void {
    return this.#listeners[event].add(listener);
  }

  /** One's rooms, read anew. */
  async rooms(): Promise<RoomSummary[]> {
    await this.#list.read();
    this.#following.update();
    return [...this.roomList];
  }

  /** The public rooms, one's own among them. */
  async publicRooms(): Promise<RoomSummary[]> {
    const bodies = await this.#rest.list<ChannelBody>("/channels?scope=public&limit=100", 1_000);
    return bodies.map(summaryOf);
  }

  /** A new room; of a DM the one there is. */
  async createRoom(room: NewRoom): Promise<RoomSummary> {
    const summary = this.#list.put(await this.#rest.call<ChannelBody>("POST", "/channels", room));
    this.#following.update();
    this.#peers.update();
    return summary;
  }

  async changeRoom(id: string, change: RoomChange): Promise<RoomSummary> {
    return this.#list.put(await this.#rest.call<ChannelBody>("PUT", channel(id), change));
  }

  async deleteRoom(id: string): Promise<void> {
    await this.#rest.call("DELETE", channel(id));
    this.#list.remove(id);
  }

  async joinRoom(id: string): Promise<void> {
    await this.#rest.call("POST", `${channel(id)}/join`);
    await this.#entered(id);
  }

  async leaveRoom(id: string): Promise<void> {
    await this.#rest.call("DELETE", `${channel(id)}/leave`);
    this.#list.remove(id);
  }

  async invite(roomId: string, userId: string): Promise<Invitation> {
    const path = `${channel(roomId)}/invitations`;
    return invitationOf(await this.#rest.call<InvitationBody>("POST", path, { inviteeId: userId }));
  }

  /** Those that wait for one's answer. */
  async invitations(): Promise<Invitation[]> {
    const bodies = await this.#rest.list<InvitationBody>("/channels/invitations/pending", 1_000);
    return bodies.map(invitationOf);
  }

  async acceptInvitation(id: string): Promise<void> {
    await this.#rest.call("POST", `/channels/invitations/${encodeURIComponent(id)}/accept`);
    await this.rooms();
  }

  async rejectInvitation(id: string): Promise<void> {
    await this.#rest.call("POST", `/channels/invitations/${encodeURIComponent(id)}/reject`);
  }

  /** One's own profile, or that of somebody with whom one shares a room. */
  async profile(userId?: string): Promise<Profile> {
    const path = userId === undefined ? "/users/me" : `/users/${encodeURIComponent(userId)}`;
    const body = await this.#rest.call<Profile>("GET", path);
    const profile = { id: body.id, name: body.name, avatar: body.avatar ?? null };
    this.#names.learn([profile]);
    return profile;
  }

  /** What one may ask assistants, and has asked: with `assistant.use`. */
  async assistant(): Promise<OwnAssistant> {
    return ownAssistantOf(await this.#rest.call<Members>("GET", "/users/me/assistant"));
  }

  /** The name of a user, as far as it was heard; else the id. */
  nameOf(userId: string): string {
    return this.#names.of(userId);
  }

  /** Whether somebody with whom one has a direct message is there; "rooms" tells of changes. */
  presenceOf(userId: string): Presence | undefined {
    return this.#peers.presenceOf(userId);
  }

  /** The same object for the same id. */
  room(id: string): Room {
    const known = this.#rooms.get(id);
    if (known !== undefined) return known;
    const room = new Room(id, this.#wire);
    this.#rooms.set(id, room);
    return room;
  }

  /** A topic of the token's session; the same object for the same name. */
  topic(name: string): Topic {
    return this.#topics.topic(name);
  }

  /** Any HTTP call of the server, with the token. Resolves to the answer's body. */
  request<T>(method: string, path: string, body?: unknown): Promise<T> {
    return this.#rest.call<T>(method, path, body);
  }

  #send(frame: object): boolean {
    return this.#link.send(JSON.stringify(frame));
  }

  #wireOf(options: ClientOptions): Wire {
    const client = this;
    const outboxMax = options.outboxMax ?? OUTBOX_MAX;
    return {
      rest: this.#rest,
      historyMax: options.historyMax ?? HISTORY_MAX,
      random: options.random ?? Math.random,
      get userId() {
        return client.#me?.id ?? "";
      },
      get hidden() {
        return isHidden();
      },
      send: (frame) => this.#send(frame),
      restart: () => this.#link.restart(),
      checkOutbox: () => {
        let unsent = 0;
        for (const room of this.#rooms.values()) unsent += room.unsent;
        if (unsent >= outboxMax) {
          throw new ConclaveError("outbox_full", `${unsent} messages wait to be sent`);
        }
      },
      identified: async () => void (await this.#identify()),
      follow: (id, since) => this.#following.follow(id, since),
      unfollow: () => this.#following.update(),
      nameOf: (userId) => this.#names.of(userId),
      learn: (profiles) => this.#names.learn(profiles),
      unreadOf: (id) => this.#list.get(id)?.unreadCount ?? 0,
      shown: (id, message) => this.#list.shown(id, message),
      setUnread: (id, count) => this.#list.setUnread(id, count),
    };
  }

  #hearer(): Hearer {
    const client = this;
    return {
      get list() {
        return client.#list;
      },
      get me() {
        return client.#me;
      },
      url: async () => {
        const { id } = await this.#identify();
        return webSocketUrl(this.#rest.origin, `/ws/${encodeURIComponent(id)}`);
      },
      welcome: (me) => {
        this.#me = me;
      },
      opened: () => this.#opened(),
      lost: () => {
        this.#following.lost();
        this.#peers.lost();
        for (const room of this.#rooms.values()) room.lost();
      },
      changed: () => {
        this.#settle();
        this.#listeners.status.tell(this.status);
      },
      known: (id) => this.#rooms.get(id),
      all: () => this.#rooms.values(),
      room: (id) => this.room(id),
      entered: (id) => void this.#entered(id).catch(() => undefined),
      unsubscribed: (id, error) => this.#unsubscribed(id, error),
      notYet: (id, isFull) => this.#following.again(id, isFull),
      notice: (event, notice) => this.#listeners[event].tell(notice),
      present: (frame) => this.#peers.heard(frame),
      invited: () => this.#listeners.invitations.tell(),
      systemStatus: (status) => this.#listeners.system_status.tell(status),
      error: (error) => this.#listeners.error.tell(error),
    };
  }

  /** Who the token belongs to, asked once. */
  #identify(): Promise<Me> {
    this.#identity ??= this.#rest.call<MeBody>("GET", "/auth/me").then(
      (body) => {
        const me = { id: body.user_id, name: body.name ?? body.user_id, permissions: body.permissions };
        this.#me ??= me;
        return me;
      },
      (error: unknown) => {
        this.#identity = null;
        throw error;
      },
    );
    return this.#identity;
  }

  #opened(): void {
    this.#following.opened();
    for (const room of [...this.#rooms.values()]) room.online();
    this.#following.start(async () => {
      await this.#list.read();
      this.#peers.update();
    });
  }

  #settle(): void {
    const { status, endedBecause } = this;
    if (status === "online") this.#connected?.resolve();
    if (status !== "ended" || endedBecause === null) return;
    this.#connected?.reject(endedBecause);
    for (const room of this.#rooms.values()) room.ended(endedBecause);
  }

  async #entered(id: string): Promise<void> {
    await this.#list.readOne(id);
    this.#following.update();
    this.#peers.update();
    const room = this.#rooms.get(id);
    if (room?.isOpen === true) room.online();
  }

  /** By the limit of subscriptions only, or since the user is no member. */
  #unsubscribed(id: string, error: ConclaveError | null): void {
    if (error === null && this.#following.ended(id)) return;
    this.#following.ended(id);
    this.#list.remove(id);
    this.#rooms.get(id)?.gone(error ?? new ConclaveError("forbidden", "no longer a member"));
  }

  #visible(): void {
    for (const room of this.#rooms.values()) room.visible();
    // What was read elsewhere is not told.
    if (this.status === "online") this.#list.read().catch(() => undefined);
  }

  #probe(): void {
    this.#link.probe();
    this.#topics.probe();
  }
}

interface Connected {
  promise: Promise<void>;
  resolve(): void;
  reject(error: ConclaveError): void;
}

const connected = (): Connected => {
  let settle: Omit<Connected, "promise"> | undefined;
  const promise = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  // Who does not wait for it hears of failures by `status`.
  promise.catch(() => undefined);
  return { promise, resolve: () => settle?.resolve(), reject: (error) => settle?.reject(error) };
};

interface MeBody {
  user_id: string;
  name?: string | null;
  permissions: string[];
}

interface InvitationBody extends Omit<Invitation, "createdAt"> {
  createdAt: string;
}

const invitationOf = (body: InvitationBody): Invitation => ({
  ...body,
  createdAt: new Date(body.createdAt),
});

const channel = (id: string): string => `/channels/${encodeURIComponent(id)}`;

const HISTORY_MAX = 20_000;
const OUTBOX_MAX = 1_000;
