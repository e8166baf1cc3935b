import { Changes } from "./emitter.js";
import { objectOf } from "./frames.js";
import { Link, type Dialect } from "./link.js";
import { Rest } from "./rest.js";
import { originOf, webSocketUrl } from "./socket.js";
import type { Platform, Status, TokenSource } from "./contract.js";

export interface BroadcastView {
  status: Status;
  /** The newest ones, the oldest first. */
  messages: readonly unknown[];
}

/** The broadcast stream of a server, for `useWebSocket`. */
export class Broadcast implements Dialect {
  readonly greets = false;
  readonly ping = "ping";
  readonly #link: Link;
  readonly #changes: Changes;
  readonly #waiting: string[] = [];
  #messages: readonly unknown[] = [];
  #view: BroadcastView | null = null;

  constructor(
    readonly address: string,
    tokens: TokenSource,
    platform: Platform,
    readonly messagesMax: number,
  ) {
    this.#link = new Link(platform, new Rest(originOf(address), tokens, platform), this);
    this.#changes = new Changes(() => {
      this.#view = null;
    });
  }

  get view(): BroadcastView {
    this.#view ??= { status: this.#link.status, messages: this.#messages };
    return this.#view;
  }

  on(listener: () => void): () => void {
    return this.#changes.on(listener);
  }

  start(): void {
    this.#link.start();
  }

  stop(): void {
    this.#link.stop();
  }

  /** Waits while away, up to a bound; whether it was taken. */
  send(message: unknown): boolean {
    const text = typeof message === "string" ? message : JSON.stringify(message);
    if (this.#link.send(text)) return true;
    if (this.#link.endedBecause !== null || this.#waiting.length >= WAITING_MAX) return false;
    this.#waiting.push(text);
    return true;
  }

  async url(): Promise<string> {
    const base = typeof location === "undefined" ? this.address : location.href;
    return webSocketUrl(base, this.address);
  }

  renewal(token: string): string {
    return `auth:${token}`;
  }

  opened(): void {
    for (const text of this.#waiting.splice(0)) this.#link.send(text);
  }

  lost(): void {}

  changed(): void {
    this.#changes.happened();
  }

  text(text: string): void {
    const message = objectOf(text);
    // `pong`, and the answer to a renewal, which no request of anybody caused.
    if (message === null || (message["type"] === "auth_success" && !("requestId" in message))) return;
    this.#messages = [...this.#messages, message].slice(-this.messagesMax);
    this.#changes.happened();
  }
}

const WAITING_MAX = 100;
