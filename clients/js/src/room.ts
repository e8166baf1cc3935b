import { Assistant } from "./assistant.js";
import { Attendance } from "./attendance.js";
import { Changes } from "./emitter.js";
import { asError, ConclaveError } from "./error.js";
import { dateOf, messageOf, numberOf, textOf, type Frame } from "./frames.js";
import { higher, History, storedOf, type MessageBody } from "./history.js";
import { Outbox } from "./outbox.js";
import { OthersReceipts, OwnReceipts, type Mark } from "./receipts.js";
import { RoomCalls, type Page } from "./room_calls.js";
import { OwnTyping, Typists } from "./typing.js";
import type { ChatMessage, Member, Presence, Receipt, Role, SendOptions } from "./contract.js";
import type { Wire } from "./wire.js";

/** A room: its messages, who is in it, and what one does in it. */
export class Room {
  /** What the assistant says here, where there is one. */
  readonly assistant: Assistant;
  readonly #wire: Wire;
  readonly #calls: RoomCalls;
  readonly #history: History;
  readonly #outbox: Outbox;
  readonly #attendance: Attendance;
  readonly #typing: OwnTyping;
  readonly #typists: Typists;
  readonly #receipts: OwnReceipts;
  readonly #others = new OthersReceipts();
  readonly #changes: Changes;
  #messages: readonly ChatMessage[] | null = null;
  #version = 0;
  #opens = 0;
  #loads = 0;
  /** When the newest page was read, where nothing can have been missed since. */
  #readAt = 0;
  /** Of messages after it every receipt was heard. */
  #receiptsFrom = 0;
  #loading = false;
  #older: Promise<void> | null = null;
  #error: ConclaveError | null = null;
  #unseen: Mark | null = null;
  #countedUnread = 0;
  #loadTimer: ReturnType<typeof setTimeout> | undefined;
  #statusTimer: ReturnType<typeof setTimeout> | undefined;

  /** @internal by `ConclaveClient.room` */
  constructor(
    readonly id: string,
    wire: Wire,
  ) {
    const changed = (): void => this.changed();
    this.#wire = wire;
    this.#calls = new RoomCalls(id, wire.rest);
    this.assistant = new Assistant({
      read: () => this.#calls.assistant(),
      send: (type) => this.#tell({ type }),
      isQuestion: (id) => this.has(id) && this.#history.get(id)?.answered === undefined,
    });
    this.#changes = new Changes(() => {
      this.#messages = null;
      this.#version += 1;
    });
    this.#history = new History(wire.historyMax);
    this.#outbox = new Outbox(id, wire, changed);
    this.#attendance = new Attendance(id, wire.rest, changed, (profiles) => wire.learn(profiles));
    this.#typists = new Typists(changed);
    this.#typing = new OwnTyping((typing) => {
      this.#tell({ type: typing ? "typing_start" : "typing_stop" });
    });
    this.#receipts = new OwnReceipts((type, message_id) => this.#tell({ type, message_id }));
  }

  /** Ascending by `seq`, unsent ones last; another array after each change. */
  get messages(): readonly ChatMessage[] {
    this.#messages ??= [...this.#history.messages, ...this.#outbox.messages];
    return this.#messages;
  }

  get members(): readonly Member[] {
    return this.#attendance.members;
  }

  get presence(): ReadonlyMap<string, Presence> {
    return this.#attendance.presence;
  }

  /** Ids of others who type. */
  get typists(): readonly string[] {
    return this.#typists.users;
  }

  get hasOlder(): boolean {
    return this.#history.hasOlder;
  }

  /** Whether messages are on their way from the server. */
  get loading(): boolean {
    return this.#loading || this.#older !== null;
  }

  get unread(): number {
    return this.#wire.unreadOf(this.id);
  }

  /** Why it cannot be shown. */
  get error(): ConclaveError | null {
    return this.#error;
  }

  /** Grows with each change. */
  get version(): number {
    return this.#version;
  }

  on(_event: "change", listener: () => void): () => void {
    return this.#changes.on(listener);
  }

  /** Loads the newest page and follows the room until the returned function is called. */
  open(): () => void {
    this.#opens += 1;
    if (this.#opens === 1) this.#opened();
    let open = true;
    return () => {
      if (!open) return;
      open = false;
      // Later: who closes and opens again at once, as React does, keeps it open.
      setTimeout(() => this.#closed(), 0);
    };
  }

  /** Loads the page before the oldest message. */
  loadOlder(limit = PAGE): Promise<void> {
    if (!this.#history.hasOlder) return Promise.resolve();
    this.#older ??= this.#loadOlder(limit).finally(() => {
      this.#older = null;
      this.changed();
    });
    return this.#older;
  }

  /** Shows the message at once, as `SENDING`, and sends it when it can. */
  send(content: string, options: SendOptions = {}): ChatMessage {
    this.#wire.checkOutbox();
    this.#typing.stop();
    return this.#outbox.add(content, options);
  }

  retry(clientId: string): void {
    this.#outbox.retry(clientId);
  }

  discard(clientId: string): void {
    this.#outbox.discard(clientId);
  }

  async edit(id: string, content: string): Promise<void> {
    this.#add([await this.#calls.edit(id, content)]);
  }

  async remove(id: string): Promise<void> {
    await this.#calls.remove(id);
    this.#history.update(id, { content: "", deleted: true });
    this.changed();
  }

  /** Up to a message, or all; where nobody looks at the page, once somebody does. */
  markRead(id?: string): void {
    const mine = this.#wire.userId;
    const message =
      id === undefined
        ? this.#history.newest((one) => one.userId !== mine && !one.deleted)
        : this.#history.get(id);
    if (message?.id == null || message.seq === null) return;
    const mark = { id: message.id, seq: message.seq };
    if (this.#wire.hidden) {
      if (mark.seq > (this.#unseen?.seq ?? 0)) this.#unseen = mark;
      return;
    }
    // A receipt for one's own message is refused; an earlier one of others says the same.
    const theirs =
      message.userId === mine
        ? this.#history.newest((one) => one.userId !== mine && (one.seq ?? 0) < mark.seq)
        : message;
    if (theirs?.id != null && theirs.seq !== null) {
      this.#receipts.read({ id: theirs.id, seq: theirs.seq });
    }
    this.#wire.setUnread(this.id, this.#countAfter(Math.max(mark.seq, this.#receipts.readSeq)));
    this.changed();
  }

  /** To be called with each key; the rest goes by itself. */
  typing(): void {
    this.#typing.pressed();
  }

  stopTyping(): void {
    this.#typing.stop();
  }

  /** Who has a message, and who has read it. */
  statusOf(id: string): Promise<Receipt[]> {
    return this.#calls.receipts(id);
  }

  /** By the room's owner; `OWNER` hands it over. */
  async giveRole(userId: string, role: Role): Promise<void> {
    await this.#calls.giveRole(userId, role);
    this.#attendance.stale();
  }

  /** By the owner or a moderator. */
  async removeMember(userId: string): Promise<void> {
    await this.#calls.removeMember(userId);
    this.#attendance.stale();
  }

  nameOf(userId: string): string {
    return this.#attendance.nameOf(userId) ?? this.#wire.nameOf(userId);
  }

  /** @internal */
  get isOpen(): boolean {
    return this.#opens > 0;
  }

  /** @internal The greatest sequence number heard, of a loaded room. */
  get cursor(): number | null {
    return this.#history.cursor;
  }

  /** @internal How many messages wait or failed. */
  get unsent(): number {
    return this.#outbox.messages.length;
  }

  /** @internal */
  changed(): void {
    this.#changes.happened();
  }

  /** @internal The list says how many are unread. */
  counted(): void {
    if (this.isOpen && this.unread !== this.#countedUnread) this.changed();
    this.#countedUnread = this.unread;
  }

  /** @internal There is a connection again. */
  online(): void {
    if (this.isOpen && this.#history.loaded) {
      this.#wire.follow(this.id, this.#history.cursor);
      this.#receiptsFrom = this.#history.cursor ?? 0;
      if (Date.now() - this.#readAt > FRESH_MS) void this.#refresh();
    } else if (this.isOpen) {
      if (!this.#loading) void this.#load();
    } else {
      // What was missed is not asked for, so what is there may have a hole.
      this.#history.clear();
      this.changed();
    }
    this.#receipts.again();
    this.#outbox.online();
  }

  /** @internal */
  lost(): void {
    this.#readAt = 0;
    this.#typing.lost();
    this.#typists.clear();
    this.#outbox.lost();
    this.#receipts.stop();
  }

  /** @internal The client will not come back by itself. */
  ended(error: ConclaveError): void {
    this.#outbox.failAll(error);
  }

  /** @internal Somebody looks at the page again. */
  visible(): void {
    const unseen = this.#unseen;
    this.#unseen = null;
    if (unseen !== null) this.markRead(unseen.id);
  }

  /** @internal The user is no member, or no longer. */
  gone(error: ConclaveError): void {
    this.#error = error;
    this.#loads += 1;
    this.#loading = false;
    this.#history.clear();
    this.assistant.clear();
    this.#typing.lost();
    this.#typists.clear();
    this.#outbox.failAll(error);
    this.changed();
  }

  /** @internal More was missed than is replayed: the newest page is read again. */
  resync(): void {
    this.#history.clear();
    this.changed();
    if (this.isOpen) void this.#load();
  }

  /** @internal The answer to a command in this room was an error. */
  refused(command: string, clientId: string | null, error: ConclaveError): void {
    if (command === "send_message") this.#outbox.refused(clientId, error);
    else if (command === "cancel_response") this.assistant.goesOn();
    else if (command.startsWith("message_") && error.retryable) this.#receipts.again(RETRY_MS);
  }

  /** @internal Whether the message is of this room. */
  has(id: string): boolean {
    return this.#history.get(id) !== undefined;
  }

  /** @internal Whether the unsent message is of this room. */
  awaits(clientId: string): boolean {
    return this.#outbox.get(clientId) !== undefined;
  }

  /** @internal One's own message is stored. */
  stored(clientId: string, frame: Frame): void {
    const sent = this.#outbox.get(clientId);
    const id = textOf(frame, "message_id");
    const seq = numberOf(frame, "seq");
    if (sent !== undefined && id !== null && seq !== null && this.#keeps) {
      const { userId } = this.#wire;
      const createdAt = dateOf(frame);
      this.#history.add({ ...sent, id, seq, userId, createdAt, status: "SENT" });
    }
    this.#outbox.settled(clientId);
  }

  /** @internal An event of the room. */
  heard(frame: Frame): void {
    const seq = numberOf(frame, "seq");
    if (seq !== null) this.#history.heard(seq);
    const userId = textOf(frame, "user_id");
    switch (frame.type) {
      case "ai_response_complete":
        // Both at once, so that no reader shows it twice, or not at all.
        this.#message(frame);
        this.assistant.heard(frame);
        this.#changes.now();
        return;
      case "user_message":
        this.#message(frame);
        break;
      case "message_updated":
        this.#updated(frame);
        break;
      case "message_deleted":
        this.#history.update(textOf(frame, "message_id") ?? "", { content: "", deleted: true });
        break;
      case "message_status":
        this.#receipt(frame);
        break;
      case "typing_indicator":
        if (userId === null || userId === this.#wire.userId) return;
        this.#typists.heard(userId, frame["typing"] === true);
        return;
      case "member_joined":
        if (this.isOpen) this.#attendance.stale();
        break;
      case "member_left":
        if (userId === null) return;
        this.#attendance.left(userId);
        this.#others.forget(userId);
        this.#typists.heard(userId, false);
        break;
      case "presence_update":
        this.#attendance.present(frame);
        return;
      default:
        this.assistant.heard(frame);
        return;
    }
    this.changed();
  }

  /** Whether its messages are kept: of rooms that nobody opened only the list knows. */
  get #keeps(): boolean {
    return this.#history.loaded || this.#loading;
  }

  #message(frame: Frame): void {
    const message = messageOf(frame);
    if (message === null) return;
    const mine = message.userId === this.#wire.userId;
    this.#typists.heard(message.userId, false);
    if (this.#keeps) this.#history.add(message);
    if (mine && message.clientId !== null) this.#outbox.settled(message.clientId);
    if (!mine && !message.deleted) this.#delivered(message);
  }

  /** Of rooms that nobody looks at only where something is new: most have nothing to say. */
  #delivered(mark: Mark): void {
    if (this.isOpen || this.unread > 0) this.#receipts.delivered(mark);
  }

  #updated(frame: Frame): void {
    const deleted = frame["deleted_at"] !== undefined && frame["deleted_at"] !== null;
    this.#history.update(textOf(frame, "message_id") ?? "", {
      content: deleted ? "" : (textOf(frame, "content") ?? ""),
      editedAt: dateOf(frame),
      ...(deleted ? { deleted } : {}),
    });
  }

  #receipt(frame: Frame): void {
    const userId = textOf(frame, "user_id");
    const message = this.#history.get(textOf(frame, "message_id") ?? "");
    const status = textOf(frame, "status");
    if (userId === null || message?.seq == null) return;
    if (status !== "delivered" && status !== "read") return;
    this.#others.heard(userId, message.seq, status);
    const { members } = this.#attendance;
    let left = STATUSES_MAX;
    this.#history.changeBack((one) => {
      left -= 1;
      if (left < 0) return null;
      if (one.userId !== this.#wire.userId || one.status === "READ") return one;
      const next = higher(one.status, this.#others.statusOf(one, members));
      return next === one.status ? one : { ...one, status: next };
    });
    const early = message.seq <= this.#receiptsFrom;
    if (early && this.#others.lacks(members, this.#wire.userId)) this.#readStatusesSoon();
  }

  /** Some may have given their receipts for it before they could be heard: the server knows. */
  #readStatusesSoon(): void {
    this.#statusTimer ??= setTimeout(() => {
      this.#statusTimer = undefined;
      if (this.isOpen) void this.#readNewest().catch(() => undefined);
    }, STATUSES_MS);
  }

  async #load(): Promise<void> {
    const load = ++this.#loads;
    this.#loading = true;
    this.#error = null;
    this.changed();
    try {
      await this.#wire.identified();
      const { entries, more } = await this.#readNewest();
      if (load !== this.#loads) return;
      const oldest = entries.at(-1)?.seq;
      if (more && oldest !== undefined) this.#history.keepFrom(oldest);
      this.#history.hasOlder = more;
      this.#loading = false;
      // Closed meanwhile: nobody may follow it.
      if (!this.isOpen) return this.resync();
      this.#history.loaded = true;
      this.#readAt = Date.now();
      this.#receiptsFrom = this.#history.cursor ?? 0;
      this.#wire.follow(this.id, this.#history.cursor);
      this.changed();
      // Messages show without it.
      await this.#attendance.load().catch(() => this.#attendance.stale());
    } catch (thrown) {
      if (load !== this.#loads) return;
      const error = asError(thrown);
      this.#loading = false;
      this.#error = error;
      this.changed();
      if (error.retryable) this.#loadSoon();
    }
  }

  #loadSoon(): void {
    clearTimeout(this.#loadTimer);
    this.#loadTimer = setTimeout(() => {
      if (this.isOpen && !this.#history.loaded && !this.#loading) void this.#load();
    }, RETRY_MS);
  }

  /** After a time away: what is not replayed. */
  async #refresh(): Promise<void> {
    try {
      await this.#readNewest();
      await this.#attendance.load();
    } catch {
      this.#attendance.stale();
    }
  }

  async #readNewest(): Promise<Page> {
    const load = this.#loads;
    const page = await this.#calls.page(null, PAGE);
    if (load === this.#loads) this.#add(page.entries);
    return page;
  }

  async #loadOlder(limit: number): Promise<void> {
    const oldest = this.#history.messages[0]?.seq;
    if (oldest == null) return;
    this.changed();
    const load = this.#loads;
    const { entries, more } = await this.#calls.page(oldest, Math.min(Math.max(1, limit), PAGE_MAX));
    if (load !== this.#loads) return;
    for (const body of entries) this.#history.addOfPage(storedOf(body));
    this.#add(entries);
    this.#history.hasOlder = more;
  }

  /** Adds what REST says, newest first. */
  #add(entries: readonly MessageBody[]): void {
    this.#wire.learn(entries.map(({ user }) => ({ ...user, avatar: user.avatar ?? null })));
    for (const body of entries.toReversed()) {
      const message = storedOf(body);
      // Later, what lies between may still be on its way: only events say how far it was heard.
      if (this.#loading) this.#history.heard(message.seq);
      if (this.#keeps) this.#history.add(message);
      const mine = message.userId === this.#wire.userId;
      if (mine && message.clientId !== null) this.#outbox.settled(message.clientId);
      if (!mine && !message.deleted) this.#delivered({ id: message.id, seq: message.seq });
      this.#wire.shown(this.id, message);
    }
    this.changed();
  }

  #countAfter(seq: number): number {
    const mine = this.#wire.userId;
    return this.#history.messages.filter(
      (one) => (one.seq ?? 0) > seq && one.userId !== mine && !one.deleted,
    ).length;
  }

  #tell(frame: { type: string; message_id?: string }): boolean {
    return this.#wire.send({ ...frame, conversation_id: this.id });
  }

  /** Followed once the newest page is there: what comes between the two would be missed. */
  #opened(): void {
    if (this.#history.loaded) {
      this.#wire.follow(this.id, this.#history.cursor);
      // Who came while nobody looked.
      this.#attendance.stale();
    } else if (!this.#loading) {
      void this.#load();
    }
  }

  #closed(): void {
    this.#opens -= 1;
    if (this.#opens > 0) return;
    this.#typing.stop();
    this.#history.keepNewest(PAGE);
    this.#wire.unfollow(this.id);
    this.changed();
  }
}

/** How old a page may be that was read before the connection was there. */
const FRESH_MS = 5_000;
const PAGE = 50;
const PAGE_MAX = 200;
const RETRY_MS = 2_000;
/** How many of the newest messages change their status by a receipt. */
const STATUSES_MAX = 300;
const STATUSES_MS = 1_500;
