import type { ConclaveError } from "./error.js";

/** `waiting`: the connection is lost and is tried again at `retryAt`. */
export type Status = "connecting" | "online" | "waiting" | "ended";

/** Where access tokens come from. */
export interface Tokens {
  /** A valid token, renewed where it is about to end. */
  token(): Promise<string>;
  /** The server refused the token that was given last: the next one must be another. */
  invalidate?(): void;
}

/** A token, what gives one, or what keeps one. */
export type TokenSource = Tokens | (() => Promise<string>) | string;

/** What the SDK needs of a WebSocket: browsers', Node's and that of the package `ws` fit. */
export interface WebSocketLike {
  readonly readyState: number;
  send(data: string): void;
  close(code?: number, reason?: string): void;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
}

/** Its constructor, of which platforms share no narrower type; that of `ws` also takes headers. */
export type WebSocketConstructor = new (url: string, ...rest: any[]) => any;

/** What the platform gives, replaceable in tests and on old platforms. */
export interface Platform {
  WebSocket?: WebSocketConstructor | undefined;
  fetch?: typeof fetch | undefined;
  /** From 0 to below 1, for the jitter of retries. */
  random?: (() => number) | undefined;
}

export interface ClientOptions extends Platform {
  /** The server's http(s) origin; by default that of the page. */
  url?: string | undefined;
  tokens: TokenSource;
  /** Unsent messages kept while away, 1000 by default; beyond that `send` throws. */
  outboxMax?: number | undefined;
  /** Messages of an open room that are kept, 20,000 by default; the oldest go first. */
  historyMax?: number | undefined;
}

export interface Me {
  id: string;
  name: string;
  permissions: string[];
}

export type RoomType = "PUBLIC" | "PRIVATE" | "DM";
export type Role = "OWNER" | "MODERATOR" | "MEMBER";
export type MessageKind = "Text" | "Image" | "File" | "System";
export type MessageStatus = "SENDING" | "SENT" | "DELIVERED" | "READ" | "FAILED";

export interface LastMessage {
  id: string;
  seq: number;
  userId: string;
  content: string;
  createdAt: Date;
  deleted: boolean;
}

/** The other one of a direct message. */
export interface Peer {
  userId: string;
  name: string;
}

/** A room as its list shows it. */
export interface RoomSummary {
  id: string;
  /** Empty in a DM. */
  name: string;
  description: string | null;
  type: RoomType;
  /** `null` in a DM. */
  ownerId: string | null;
  /** `null` for who is no member. */
  myRole: Role | null;
  unreadCount: number;
  lastSeq: number;
  /** How many. */
  members: number;
  /** Whether an assistant answers in it. */
  assistant: boolean;
  createdAt: Date;
  /** Of a DM, once it is known. */
  peer: Peer | null;
  /** Where it is known. */
  lastMessage?: LastMessage;
}

export interface NewRoom {
  /** A DM has none. */
  name?: string;
  type: RoomType;
  description?: string;
  memberIds?: string[];
}

export interface RoomChange {
  name?: string;
  description?: string;
  assistant?: boolean;
}

export interface Member {
  userId: string;
  name: string;
  avatar: string | null;
  role: Role;
  joinedAt: Date;
}

export interface Profile {
  id: string;
  name: string;
  avatar: string | null;
}

export interface Invitation {
  id: string;
  channelId: string;
  inviterId: string;
  inviteeId: string;
  status: "PENDING" | "ACCEPTED" | "REJECTED";
  createdAt: Date;
}

export interface Presence {
  isOnline: boolean;
  /** `null` while online, or where never seen. */
  lastSeenAt: Date | null;
}

/** A message of a room; a changed one is another object. */
export interface ChatMessage {
  /** `null` until it is stored. */
  id: string | null;
  /** Of one's own messages: stays the same from `SENDING` on. */
  clientId: string | null;
  roomId: string;
  /** `null` until it is stored. */
  seq: number | null;
  userId: string;
  /** Empty where it is deleted. */
  content: string;
  kind: MessageKind;
  /** The id of the message that this one answers. */
  replyTo: string | null;
  createdAt: Date;
  editedAt: Date | null;
  deleted: boolean;
  status: MessageStatus;
  /** Why it is `FAILED`. */
  error?: ConclaveError;
  /** Of an assistant's answer: what it cost, as far as the server told it. */
  answered?: Answered;
}

export interface TokenUsage {
  promptTokens: number;
  completionTokens: number;
  totalTokens: number;
}

/** How an assistant's answer came about. */
export interface Answered {
  model: string;
  /** `length`: it was too long; `cancelled`: somebody ended it. */
  finish: "stop" | "length" | "cancelled";
  usage: TokenUsage;
}

/** An answer under way; each change is another object. */
export interface Answer {
  /** That of the message it becomes; `null` before the first token. */
  id: string | null;
  /** All that was said so far. */
  content: string;
  startedAt: Date;
  /** Its end was asked for here. */
  stopping: boolean;
}

/** An answer that ended early, or a question that gets none. */
export interface FailedAnswer {
  /** Of the answer, or of the question. */
  id: string | null;
  /** Whether it is a question that was refused. */
  question: boolean;
  /** What was said before it failed. */
  content: string;
  error: ConclaveError;
}

/** How much of what the model can look at is used. */
export interface ContextUsage {
  usedTokens: number;
  limitTokens: number;
  /** From 0 to 100. */
  percent: number;
}

export interface UsageSum extends TokenUsage {
  answers: number;
}

/** The assistant of a room. */
export interface RoomAssistant {
  attached: boolean;
  /** `null` where none is configured. */
  model: string | null;
  contextLimit: number | null;
  /** The answer under way and who asked for it. */
  answering: { messageId: string | null; askedBy: string } | null;
  usage: UsageSum;
}

/** What one may still ask, and has asked. */
export interface OwnAssistant {
  /** Per window; `null` without limit. */
  budgetTokens: number | null;
  windowSeconds: number;
  usedTokens: number;
  renewsInSeconds: number;
  usage: UsageSum;
}

export interface Receipt {
  userId: string;
  status: "SENT" | "DELIVERED" | "READ";
  at: Date;
}

export interface SendOptions {
  replyTo?: string;
  kind?: Exclude<MessageKind, "System">;
}

/** A message of a topic. */
export interface TopicMessage {
  topic: string;
  payload: unknown;
  /** Who sent it, by the token; `null` where anonymous. */
  user: string | null;
  /** What the sender calls itself. */
  publisherName: string | null;
  timestamp: string;
  sessionId: string;
}

/** What backends push; its members are the backend's. */
export type Notice = Readonly<Record<string, unknown>>;

/** The events of a client and what their listeners get. */
export interface ClientEvents {
  status: Status;
  rooms: readonly RoomSummary[];
  notification: Notice;
  live_update: Notice;
  /** Somebody invites the user: `invitations()` has one more. */
  invitations: void;
  system_status: { status: string; message: string };
  error: ConclaveError;
}
