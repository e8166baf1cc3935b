import { Listeners } from "./emitter.js";
import { ConclaveError } from "./error.js";
import { errorOf, numberOf, objectOf, textOf, type Members } from "./frames.js";
import { Link, type Dialect } from "./link.js";
import type { Rest } from "./rest.js";
import { webSocketUrl } from "./socket.js";
import type { Platform, TopicMessage } from "./contract.js";

/** What a topic needs of the connection. */
interface Lines {
  subscribe(topic: Topic): void;
  unsubscribe(topic: Topic): void;
  publish(topic: Topic, payload: unknown): Promise<void>;
}

/** A topic of the token's session: whoever of the session subscribes hears it. */
export class Topic {
  readonly #lines: Lines;
  readonly #messages = new Listeners<TopicMessage>();
  readonly #gaps = new Listeners<void>();
  #position: string | null = null;

  /** @internal by `ConclaveClient.topic` */
  constructor(
    readonly name: string,
    lines: Lines,
  ) {
    this.#lines = lines;
  }

  /** Hears messages until the returned function is called. */
  subscribe(listener: (message: TopicMessage) => void): () => void {
    const end = this.#messages.add(listener);
    if (this.#messages.size === 1) this.#lines.subscribe(this);
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      end();
      if (this.isSubscribed) return;
      this.#position = null;
      this.#lines.unsubscribe(this);
    };
  }

  /** Messages were missed while away, and the server keeps them no more. */
  onGap(listener: () => void): () => void {
    return this.#gaps.add(listener);
  }

  /**
   * Resolves when the server has it. Waits while away; where the connection is lost before the
   * answer it rejects with `network`, since nobody knows whether it was heard.
   */
  publish(payload: unknown): Promise<void> {
    return this.#lines.publish(this, payload);
  }

  /** @internal */
  get isSubscribed(): boolean {
    return this.#messages.size > 0;
  }

  /** @internal The command that asks for what came after the last message. */
  get subscription(): string {
    return `subscribe:${this.name}${this.#position === null ? "" : `?since=${this.#position}`}`;
  }

  /** @internal */
  heard(message: TopicMessage, position: string | null): void {
    this.#position = position ?? this.#position;
    this.#messages.tell(message);
  }

  /** @internal */
  missed(): void {
    this.#position = null;
    this.#gaps.tell();
  }
}

/** All topics of a client over one connection, which is made when the first one is used. */
export class Topics implements Dialect, Lines {
  readonly greets = false;
  readonly ping = "ping";
  readonly #rest: Rest;
  readonly #link: Link;
  readonly #topics = new Map<string, Topic>();
  /** In the order of the commands, which is that of the answers. */
  readonly #asked: Asked[] = [];
  /** Publications that wait for a connection. */
  readonly #waiting: Asked[] = [];
  #wanted = false;
  #started = false;

  constructor(
    platform: Platform,
    rest: Rest,
    readonly waitingMax: number,
  ) {
    this.#rest = rest;
    this.#link = new Link(platform, rest, this);
  }

  topic(name: string): Topic {
    const known = this.#topics.get(name);
    if (known !== undefined) return known;
    const topic = new Topic(name, this);
    this.#topics.set(name, topic);
    return topic;
  }

  start(): void {
    this.#started = true;
    if (this.#wanted) this.#link.start();
  }

  stop(): void {
    this.#started = false;
    this.#link.stop();
  }

  retryNow(): void {
    this.#link.retryNow();
  }

  probe(): void {
    this.#link.probe();
  }

  subscribe(topic: Topic): void {
    this.#want();
    this.#ask(topic.subscription, null);
  }

  unsubscribe(topic: Topic): void {
    this.#ask(`unsubscribe:${topic.name}`, null);
  }

  publish(topic: Topic, payload: unknown): Promise<void> {
    const message = { topic: topic.name, payload, timestamp: new Date().toISOString() };
    return new Promise((resolve, reject) => {
      if (this.#waiting.length + this.#asked.length >= this.waitingMax) {
        reject(new ConclaveError("outbox_full", "too many messages wait to be published"));
        return;
      }
      this.#want();
      const command = `publish-json:${JSON.stringify(message)}`;
      if (this.#link.endedBecause !== null) reject(this.#link.endedBecause);
      else if (!this.#ask(command, { resolve, reject })) {
        this.#waiting.push({ command, settle: { resolve, reject } });
      }
    });
  }

  async url(): Promise<string> {
    return webSocketUrl(this.#rest.origin, "/ws?ack=1&recover=1");
  }

  renewal(token: string): string {
    return `auth:${token}`;
  }

  opened(): void {
    for (const topic of this.#topics.values()) {
      if (topic.isSubscribed) this.#ask(topic.subscription, null);
    }
    for (const { command, settle } of this.#waiting.splice(0)) this.#ask(command, settle);
  }

  lost(): void {
    const error = new ConclaveError("network", "the connection was lost before the answer");
    for (const { settle } of this.#asked.splice(0)) settle?.reject(error);
  }

  changed(): void {
    const { endedBecause } = this.#link;
    if (endedBecause === null) return;
    for (const { settle } of this.#waiting.splice(0)) settle?.reject(endedBecause);
  }

  text(text: string): void {
    const frame = objectOf(text);
    // What is broadcast to the whole server has a request's id, and may pretend anything.
    if (frame === null || "requestId" in frame) return;
    const topic = this.#topics.get(textOf(frame, "topic") ?? "");
    if (frame["type"] === undefined) topic?.heard(messageOf(frame), positionOf(frame));
    else if (frame["type"] === "ack") this.#asked.shift()?.settle?.resolve();
    else if (frame["type"] === "error") this.#refused(errorOf(frame), topic);
    else if (frame["type"] === "gap") topic?.missed();
  }

  #want(): void {
    this.#wanted = true;
    if (this.#started) this.#link.start();
  }

  #ask(command: string, settle: Asked["settle"]): boolean {
    if (!this.#link.send(command)) return false;
    this.#asked.push({ command, settle });
    return true;
  }

  #refused(error: ConclaveError, topic: Topic | undefined): void {
    const asked = this.#asked.shift();
    asked?.settle?.reject(error);
    // A subscription is asked for until it is given up.
    if (asked?.command.startsWith("subscribe:") !== true || !error.retryable) return;
    setTimeout(() => {
      if (topic?.isSubscribed === true) this.#ask(topic.subscription, null);
    }, AGAIN_MS);
  }
}

/** `{"publisher_name","topic","payload","timestamp","session_id","user","offset","epoch"}`. */
const messageOf = (frame: Members): TopicMessage => ({
  topic: textOf(frame, "topic") ?? "",
  payload: frame["payload"],
  user: textOf(frame, "user"),
  publisherName: textOf(frame, "publisher_name"),
  timestamp: textOf(frame, "timestamp") ?? "",
  sessionId: textOf(frame, "session_id") ?? "",
});

const positionOf = (frame: Members): string | null => {
  const offset = numberOf(frame, "offset");
  const epoch = textOf(frame, "epoch") ?? numberOf(frame, "epoch");
  return offset === null || epoch === null ? null : `${offset},${epoch}`;
};

interface Asked {
  command: string;
  settle: { resolve(): void; reject(error: ConclaveError): void } | null;
}

const AGAIN_MS = 2_000;
