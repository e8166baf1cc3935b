import { backoffMs } from "./backoff.js";
import { asError, ConclaveError } from "./error.js";
import type { ChatMessage, SendOptions } from "./contract.js";

/** What an outbox needs of its client. */
export interface Carrier {
  readonly random: () => number;
  /** The user that sends; empty while not known. */
  readonly userId: string;
  /** Sends a frame; `false` while away. */
  send(frame: object): boolean;
  /** The connection takes too long to answer. */
  restart(): void;
}

/**
 * The unsent messages of one room, in order. One is on its way at a time: whatever happens to it,
 * none overtakes it. Each keeps its `clientId`, under which the server stores it once.
 */
export class Outbox {
  readonly #entries: ChatMessage[] = [];
  #flying: string | null = null;
  #attempt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly roomId: string,
    readonly carrier: Carrier,
    readonly changed: () => void,
  ) {}

  get messages(): readonly ChatMessage[] {
    return this.#entries;
  }

  get(clientId: string): ChatMessage | undefined {
    return this.#entries.find((entry) => entry.clientId === clientId);
  }

  add(content: string, options: SendOptions): ChatMessage {
    const message: ChatMessage = {
      id: null,
      clientId: uuid(),
      roomId: this.roomId,
      seq: null,
      userId: this.carrier.userId,
      content,
      kind: options.kind ?? "Text",
      replyTo: options.replyTo ?? null,
      createdAt: new Date(),
      editedAt: null,
      deleted: false,
      status: "SENDING",
    };
    this.#entries.push(message);
    this.changed();
    this.pump();
    return message;
  }

  /** Sends a failed one again, behind the others. */
  retry(clientId: string): void {
    const failed = this.#take(clientId, "FAILED");
    if (failed === undefined) return;
    const { error: _, ...message } = failed;
    this.#entries.push({ ...message, status: "SENDING" });
    this.changed();
    this.pump();
  }

  /** Forgets a failed one. */
  discard(clientId: string): void {
    if (this.#take(clientId, "FAILED") !== undefined) this.changed();
  }

  /** Sends the next one, where the connection is there and nothing is on its way. */
  pump(): void {
    if (this.#flying !== null || this.#timer !== undefined) return;
    const next = this.#entries.find((entry) => entry.status === "SENDING");
    if (next === undefined || next.clientId === null) return;
    this.#flying = next.clientId;
    const sent = this.carrier.send({
      type: "send_message",
      conversation_id: this.roomId,
      content: next.content,
      client_id: next.clientId,
      ...(next.replyTo === null ? {} : { reply_to_id: next.replyTo }),
      ...(next.kind === "Text" ? {} : { message_type: next.kind }),
    });
    if (!sent) this.#flying = null;
    if (this.#flying === null) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.carrier.restart();
    }, ANSWER_MS);
  }

  /** It is stored. */
  settled(clientId: string): void {
    if (this.#take(clientId, null) !== undefined) this.changed();
    if (this.#flying === clientId) this.#landed();
    this.pump();
  }

  /** It was refused; `null` stands for whatever is on its way. */
  refused(clientId: string | null, error: ConclaveError): void {
    const id = clientId ?? this.#flying;
    if (id === null || this.get(id) === undefined) return;
    const attempt = this.#attempt;
    const flying = this.#flying === id;
    if (flying) this.#landed();
    const hopeless = error.code === "internal" && attempt >= INTERNAL_MAX;
    if (error.retryable && !hopeless) {
      if (flying) this.#again(attempt);
      return;
    }
    this.#fail(id, error);
    this.pump();
  }

  /** There is a connection, and so it is known whose messages these are. */
  online(): void {
    const { userId } = this.carrier;
    for (const [at, entry] of this.#entries.entries()) {
      if (entry.userId !== userId) this.#entries[at] = { ...entry, userId };
    }
    this.changed();
    this.pump();
  }

  /** The connection is lost: what was on its way goes first on the next one. */
  lost(): void {
    this.#flying = null;
    this.#attempt = 0;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Nothing will be sent any more. */
  failAll(error: ConclaveError): void {
    this.lost();
    for (const entry of [...this.#entries]) {
      if (entry.status === "SENDING" && entry.clientId !== null) this.#fail(entry.clientId, error);
    }
  }

  #landed(): void {
    this.#flying = null;
    this.#attempt = 0;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #again(attempt: number): void {
    const waitMs = backoffMs(attempt, this.carrier.random);
    this.#attempt = attempt + 1;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.pump();
    }, waitMs);
  }

  #fail(clientId: string, error: ConclaveError): void {
    const at = this.#entries.findIndex((entry) => entry.clientId === clientId);
    const entry = this.#entries[at];
    if (entry === undefined) return;
    this.#entries[at] = { ...entry, status: "FAILED", error: asError(error) };
    this.changed();
  }

  #take(clientId: string, status: "FAILED" | null): ChatMessage | undefined {
    const at = this.#entries.findIndex((entry) => entry.clientId === clientId);
    const entry = this.#entries[at];
    if (entry === undefined || (status !== null && entry.status !== status)) return undefined;
    this.#entries.splice(at, 1);
    return entry;
  }
}

/** A random UUID; pages without HTTPS have no `crypto.randomUUID`. */
export const uuid = (): string => {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
};

/** Longer than any group commit takes; then the connection is thought dead. */
const ANSWER_MS = 15_000;
/** A message that the server fails at each time must not hold up the others for ever. */
const INTERNAL_MAX = 5;
