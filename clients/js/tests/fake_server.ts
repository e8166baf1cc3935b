import type { ChatMessage } from "../src/index.js";

/** A frame, as either side writes it. */
export type Frame = Record<string, unknown>;

interface StoredMessage {
  id: string;
  clientId: string | null;
  userId: string;
  content: string;
  seq: number;
  replyTo: string | null;
  deleted: boolean;
  editedAt: number | null;
  at: number;
}

interface FakeRoom {
  id: string;
  seq: number;
  members: string[];
  direct?: boolean;
  messages: StoredMessage[];
  /** Durable events, for replay. */
  events: Frame[];
}

/**
 * A server in memory that keeps what the contracts say of rooms: one counter per room, one message
 * per `client_id`, replay after `since`. `hooks` decide what goes wrong.
 */
export class FakeServer {
  readonly user = "user";
  readonly sockets: FakeSocket[] = [];
  readonly rooms = new Map<string, FakeRoom>();
  /** `METHOD path` of each request. */
  readonly requests: string[] = [];
  /** The tokens that are accepted. */
  readonly tokens = new Set(["token-1"]);
  /** Whether sockets are let in; else they close with the code. */
  refusal: { code: number; reason: string } | null = null;
  away = false;
  replayMax = 1000;
  /** What further requests are answered, by `METHOD path`. */
  readonly answers = new Map<string, (body: unknown) => Response>();
  hooks: { frame?: (frame: Frame, socket: FakeSocket) => boolean; stored?: (socket: FakeSocket) => boolean } = {};
  #ids = 0;

  readonly WebSocket: new (url: string) => FakeSocket;

  constructor(...rooms: string[]) {
    const server = this;
    this.WebSocket = class extends FakeSocket {
      constructor(url: string) {
        super(url, server);
      }
    };
    for (const id of rooms) {
      this.rooms.set(id, { id, seq: 0, members: ["user", "ann"], messages: [], events: [] });
    }
  }

  /** The connection that is open. */
  get socket(): FakeSocket {
    const open = this.sockets.findLast(({ readyState }) => readyState === 1);
    if (open === undefined) throw new Error("no connection is open");
    return open;
  }

  get open(): FakeSocket[] {
    return this.sockets.filter(({ readyState }) => readyState === 1);
  }

  room(id: string): FakeRoom {
    const room = this.rooms.get(id);
    if (room === undefined) throw new Error(`no room ${id}`);
    return room;
  }

  /** Stores a message and tells everybody who follows. */
  say(roomId: string, userId: string, content: string, clientId: string | null = null): StoredMessage {
    const room = this.room(roomId);
    const known = room.messages.find((one) => one.clientId !== null && one.clientId === clientId);
    if (known !== undefined) return known;
    room.seq += 1;
    const message: StoredMessage = {
      id: `m-${++this.#ids}`,
      clientId,
      userId,
      content,
      seq: room.seq,
      replyTo: null,
      deleted: false,
      editedAt: null,
      at: Date.now() / 1000,
    };
    room.messages.push(message);
    this.tell(roomId, {
      type: "user_message",
      message_id: message.id,
      seq: message.seq,
      user_id: userId,
      content,
      message_type: "Text",
      ...(userId === this.user && clientId !== null ? { client_id: clientId } : {}),
      timestamp: message.at,
    });
    return message;
  }

  /** A durable event. */
  tell(roomId: string, frame: Frame): void {
    const event = { conversation_id: roomId, ...frame };
    this.room(roomId).events.push(event);
    for (const socket of this.open) if (socket.followed.has(roomId)) socket.push(event);
  }

  /** Closes all connections. */
  drop(code = 1006, reason = ""): void {
    for (const socket of this.open) socket.drop(code, reason);
  }

  /** What the client sent of a type, over all connections. */
  sent(type: string): Frame[] {
    return this.sockets.flatMap((socket) => socket.sent).filter((frame) => frame["type"] === type);
  }

  readonly fetch = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(String(input));
    const method = init.method ?? "GET";
    this.requests.push(`${method} ${url.pathname}`);
    if (this.away) throw new TypeError("fetch failed");
    const token = new Headers(init.headers).get("Authorization")?.replace("Bearer ", "") ?? "";
    if (!this.tokens.has(token)) return problem(401, "unauthenticated");
    const given = this.answers.get(`${method} ${url.pathname}`);
    if (given !== undefined) {
      return given(typeof init.body === "string" ? JSON.parse(init.body) : undefined);
    }
    return this.#answer(method, url);
  };

  #answer(method: string, url: URL): Response {
    const [, first, id = "", part] = url.pathname.split("/").map(decodeURIComponent);
    if (url.pathname === "/auth/me") {
      return Response.json({ user_id: this.user, name: "User", permissions: ["chat:send"] });
    }
    if (url.pathname === "/auth/ticket") return Response.json({ ticket: "ticket-1", expires_in: 30 });
    if (url.pathname === "/channels") {
      return Response.json([...this.rooms.values()].map((room) => channel(room)));
    }
    const room = this.rooms.get(id);
    if (first !== "channels" || room === undefined) return problem(404, "not_found");
    if (part === undefined) return Response.json(channel(room));
    if (part === "messages" && method === "GET") return page(room, url);
    const joinedAt = "2020-01-01T00:00:00.000Z";
    if (part === "members") {
      return Response.json(room.members.map((userId) => ({ userId, name: userId.toUpperCase(), role: "MEMBER", joinedAt })));
    }
    if (part === "presence") {
      return Response.json(room.members.map((userId) => ({ userId, isOnline: true })));
    }
    return problem(404, "not_found");
  }
}

/** A WebSocket without a header, so that clients take tickets. */
export class FakeSocket {
  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror: (() => void) | null = null;
  /** Frames of the client; what is not JSON as `{type: "text", text}`. */
  readonly sent: Frame[] = [];
  readonly followed = new Set<string>();
  closedWith: number | null = null;
  /** Whether anything is answered. */
  silent = false;

  constructor(
    readonly url: string,
    readonly server: FakeServer,
  ) {
    server.sockets.push(this);
    setTimeout(() => this.#enter(), 1);
  }

  send(text: string): void {
    if (this.readyState !== 1) return;
    const frame = parsed(text);
    this.sent.push(frame);
    setTimeout(() => {
      if (this.silent || this.readyState !== 1) return;
      if (this.server.hooks.frame?.(frame, this) !== false) this.#hear(frame);
    }, 1);
  }

  close(code = 1000): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.closedWith = code;
    const closed = this.onclose;
    setTimeout(() => closed?.({ code, reason: "" }), 1);
  }

  push(frame: Frame): void {
    this.text(JSON.stringify(frame));
  }

  text(data: string): void {
    setTimeout(() => {
      if (this.readyState === 1) this.onmessage?.({ data });
    }, 1);
  }

  /** The server, or the network, ends it. */
  drop(code = 1006, reason = ""): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }

  #enter(): void {
    const { refusal, away, user } = this.server;
    if (this.readyState !== 0) return;
    if (away) return this.drop();
    this.readyState = 1;
    this.onopen?.();
    if (refusal !== null) return this.drop(refusal.code, refusal.reason);
    if (this.url.includes("/ws/")) {
      this.push({ type: "connected", user: "User", user_id: user, permissions: ["chat:send"] });
    }
  }

  #hear(frame: Frame): void {
    const roomId = String(frame["conversation_id"] ?? "");
    switch (frame["type"]) {
      case "ping":
        return this.push({ type: "pong" });
      case "auth":
        return this.push({ type: "auth_success" });
      case "subscribe_conversation":
        return this.#follow(roomId, frame["since"] as number | undefined);
      case "unsubscribe_conversation":
        this.followed.delete(roomId);
        return this.push({ type: "unsubscribed", conversation_id: roomId });
      case "send_message":
        return this.#store(roomId, String(frame["content"]), String(frame["client_id"]));
    }
  }

  #follow(roomId: string, since: number | undefined): void {
    const room = this.server.room(roomId);
    this.followed.add(roomId);
    this.push({ type: "subscribed", conversation_id: roomId, last_seq: room.seq });
    if (since === undefined) return;
    const missed = room.events.filter((event) => Number(event["seq"]) > since);
    if (since > room.seq || missed.length > this.server.replayMax) {
      return this.push({ type: "resync", conversation_id: roomId, from_seq: since });
    }
    for (const event of missed) this.push(event);
  }

  #store(roomId: string, content: string, clientId: string): void {
    const { server } = this;
    const message = server.say(roomId, server.user, content, clientId);
    if (server.hooks.stored?.(this) === false) return;
    this.push({
      type: "message_status",
      message_id: message.id,
      client_id: clientId,
      seq: message.seq,
      status: "sent",
      timestamp: message.at,
    });
  }
}

const parsed = (text: string): Frame => {
  try {
    return JSON.parse(text) as Frame;
  } catch {
    return { type: "text", text };
  }
};

const problem = (status: number, code: string): Response =>
  new Response(JSON.stringify({ status, code, detail: code }), { status });

const channel = (room: FakeRoom) => ({
  id: room.id,
  name: room.id,
  type: room.direct === true ? "DM" : "PRIVATE",
  assistant: false,
  createdAt: "2020-01-01T00:00:00.000Z",
  lastSeq: room.seq,
  unreadCount: 0,
  myRole: "MEMBER",
  _count: { members: room.members.length, messages: room.messages.length },
});

const page = (room: FakeRoom, url: URL): Response => {
  const before = Number(url.searchParams.get("before") ?? Infinity);
  const limit = Number(url.searchParams.get("limit") ?? 50);
  const older = room.messages.filter(({ seq }) => seq < before).toReversed();
  const more = older.length > limit;
  const entries = older.slice(0, limit).map((message) => ({
    id: message.id,
    channelId: room.id,
    userId: message.userId,
    content: message.deleted ? "" : message.content,
    messageType: "Text",
    clientId: message.clientId,
    seq: message.seq,
    createdAt: new Date(message.at * 1000).toISOString(),
    updatedAt: new Date((message.editedAt ?? message.at) * 1000).toISOString(),
    deletedAt: message.deleted ? new Date().toISOString() : null,
    deliveryStatus: "SENT",
    user: { id: message.userId, name: message.userId.toUpperCase() },
  }));
  return Response.json(entries, more ? { headers: { Link: '</next>; rel="next"' } } : {});
};

/** What a reader sees: `content/STATUS` of each message. */
export const shown = (messages: readonly ChatMessage[]): string[] =>
  messages.map(({ content, status, deleted }) => (deleted ? "(deleted)" : `${content}/${status}`));

/** Numbers that look random and are the same each time. */
export const seeded = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
};
