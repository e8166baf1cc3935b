import { dispatchMessageByType, type Message } from "./dispatch.js";
import { Listeners } from "./emitter.js";
import { ConclaveError } from "./error.js";
import { errorOf, objectOf, textOf, type Members } from "./frames.js";
import { Link, type Dialect } from "./link.js";
import { Rest } from "./rest.js";
import { originOf } from "./socket.js";
import type { Platform, Status, TokenSource } from "./contract.js";

export interface SessionClientOptions extends Platform {
  /** Topics to subscribe to in the session. */
  subscriptions?: readonly string[] | undefined;
  /** Without them the connection is anonymous, which servers allow in dev mode only. */
  tokens?: TokenSource | undefined;
}

/** What is published once after the registration. */
export interface PublishAction {
  topic: string;
  message: unknown;
}

/**
 * Connects to the topics of a session. Resolves once it is registered and subscribed.
 * `sessionId` is `session-NAME` where it is not said; with tokens, the token's.
 */
export const createClient = async (
  name: string,
  url: string,
  options: SessionClientOptions = {},
  publishAction?: PublishAction,
  sessionId?: string,
): Promise<SessionClient> => {
  const client = new SessionClient(name, url, options, sessionId);
  await client.registered();
  if (publishAction !== undefined) client.publish(publishAction.topic, publishAction.message);
  return client;
};

/** A client of one session's topics. Comes back by itself and subscribes again. */
export class SessionClient implements Dialect {
  /** @internal */
  readonly greets = false;
  /** @internal */
  readonly ping = "ping";
  /** `null` where the token says it. */
  readonly sessionId: string | null;
  /** The server has taken the name, the session and the topics, for the first time or again. */
  onopen: (() => void) | null = null;
  /** Hears every message as a WebSocket would. */
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { reason: string }) => void) | null = null;
  readonly #link: Link;
  readonly #url: string;
  readonly #topics: Set<string>;
  readonly #listeners = new Map<string, Listeners<Message>>();
  #asked = 0;
  #registering = false;
  #settle: { resolve(): void; reject(error: ConclaveError): void } | null = null;

  /** @internal by `createClient` */
  constructor(
    readonly name: string,
    url: string,
    options: SessionClientOptions,
    sessionId: string | undefined,
  ) {
    const address = new URL(url);
    address.searchParams.set("ack", "1");
    this.#url = address.href;
    this.sessionId = sessionId ?? (options.tokens === undefined ? `session-${name}` : null);
    this.#topics = new Set(options.subscriptions ?? []);
    const rest =
      options.tokens === undefined ? null : new Rest(originOf(url), options.tokens, options);
    this.#link = new Link(options, rest, this);
  }

  get status(): Status {
    return this.#link.status;
  }

  /** @internal Resolves when the server has taken the name, the session and the topics. */
  registered(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#link.start();
    });
  }

  /** Sends a command as it is, such as `subscribe:TOPIC`. Throws while there is no connection. */
  send(command: string): void {
    if (!this.#link.send(command)) throw new ConclaveError("network", "not connected");
    this.#asked += 1;
  }

  /** Hears the messages of a topic, which it also subscribes to. Returns what ends it. */
  on(topic: string, listener: (message: Message) => void): () => void {
    const listeners = this.#listeners.get(topic) ?? new Listeners<Message>();
    this.#listeners.set(topic, listeners);
    if (!this.#topics.has(topic)) {
      this.#topics.add(topic);
      if (this.#link.isOpen) this.send(`subscribe:${topic}`);
    }
    return listeners.add(listener);
  }

  publish(topic: string, payload: unknown): void {
    const message = {
      publisher_name: this.name,
      topic,
      payload,
      timestamp: new Date().toISOString(),
      ...(this.sessionId === null ? {} : { session_id: this.sessionId }),
    };
    this.send(`publish-json:${JSON.stringify(message)}`);
  }

  close(): void {
    this.#link.stop();
  }

  /** @internal */
  async url(): Promise<string> {
    return this.#url;
  }

  /** @internal */
  renewal(token: string): string {
    return `auth:${token}`;
  }

  /** @internal */
  opened(): void {
    this.#asked = 0;
    this.#registering = true;
    this.send(`register-name:${this.name}`);
    if (this.sessionId !== null) this.send(`register-session:${this.sessionId}`);
    for (const topic of this.#topics) this.send(`subscribe:${topic}`);
  }

  /** @internal */
  lost(): void {
    this.#asked = 0;
  }

  /** @internal */
  changed(): void {
    const { endedBecause, status } = this.#link;
    if (status !== "ended") return;
    this.#settle?.reject(endedBecause ?? new ConclaveError("closed", "closed"));
    this.#settle = null;
    this.onclose?.({ reason: endedBecause?.message ?? "" });
  }

  /** @internal */
  text(text: string): void {
    const frame = objectOf(text);
    // `pong`, and what is broadcast to the whole server.
    if (frame === null || "requestId" in frame) return;
    const type = frame["type"];
    if (type === "auth_success") return;
    if (type === "ack" || (type === "error" && this.#settle !== null)) {
      this.#answered(frame);
      return;
    }
    this.onmessage?.({ data: text });
    const tell = Object.fromEntries(
      [...this.#listeners].map(([topic, listeners]) => [topic, (one: Message) => listeners.tell(one)]),
    );
    if (textOf(frame, "topic") !== null) dispatchMessageByType(frame, tell);
  }

  #answered(frame: Members): void {
    this.#asked -= 1;
    const settle = this.#settle;
    if (frame["type"] === "error") {
      this.#settle = null;
      settle?.reject(errorOf(frame));
      this.close();
    } else if (this.#registering && this.#asked === 0) {
      this.#registering = false;
      this.#settle = null;
      settle?.resolve();
      this.onopen?.();
    }
  }
}
