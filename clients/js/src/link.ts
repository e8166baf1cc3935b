import { backoffMs } from "./backoff.js";
import { asError, ConclaveError } from "./error.js";
import { Pace } from "./pace.js";
import type { Rest } from "./rest.js";
import { dial, OPEN } from "./socket.js";
import { renewInMs, timesOf } from "./token_claims.js";
import type { Platform, Status, WebSocketLike } from "./contract.js";

/** What a dialect does with its connection. */
export interface Dialect {
  /** Where to connect, without credentials. */
  url(): Promise<string>;
  /** Whether the first frame is a greeting, before which nothing may be sent. */
  readonly greets: boolean;
  readonly ping: string;
  /** The frame of in-band renewal. */
  renewal(token: string): string;
  opened(): void;
  text(text: string): void;
  /** The connection is lost or closed; what was not answered will not be. */
  lost(): void;
  changed(): void;
}

/**
 * One connection that comes back: with a fresh token, after pauses that grow and differ from
 * client to client. Notices a peer that is silent, renews its token in-band, keeps the pace.
 */
export class Link {
  #status: Status = "connecting";
  #retryAt: number | null = null;
  #endedBecause: ConclaveError | null = null;
  #running = false;
  /** Grows with each attempt and each end: what belongs to an older one is ignored. */
  #generation = 0;
  #socket: WebSocketLike | null = null;
  #open = false;
  #token: string | null = null;
  #refusedToken: string | null = null;
  #attempt = 0;
  #openedAt = 0;
  #retryTimer: Timer;
  #quietTimer: Timer;
  #renewTimer: Timer;
  readonly #pace = new Pace(40, 80);

  /** `rest` is `null` for anonymous connections. */
  constructor(
    readonly platform: Platform,
    readonly rest: Rest | null,
    readonly dialect: Dialect,
  ) {}

  get status(): Status {
    return this.#status;
  }

  get retryAt(): number | null {
    return this.#retryAt;
  }

  get endedBecause(): ConclaveError | null {
    return this.#endedBecause;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#endedBecause = null;
    this.#refusedToken = null;
    this.#attempt = 0;
    this.#try();
  }

  /** Closes for good, or until `start`. */
  stop(): void {
    if (!this.#running) return;
    this.#running = false;
    this.#drop(1000);
    this.#become("ended", null);
  }

  /** Tries again at once where it waits. */
  retryNow(): void {
    if (!this.#running || this.#status !== "waiting") return;
    this.#attempt = 0;
    this.#try();
  }

  /** Gives the connection up, since it does not answer, and opens another. */
  restart(): void {
    if (!this.#running || this.#status === "waiting") return;
    this.#drop(4000);
    this.#wait(0);
  }

  /** Asks whether anybody is there, sooner than usual. */
  probe(): void {
    if (this.#open) this.#ping(PROBE_MS);
  }

  /** Sends at the pace of the limits; `false` while there is no connection. */
  send(text: string): boolean {
    if (!this.#open) return false;
    const generation = this.#generation;
    this.#pace.run(() => {
      if (generation === this.#generation) this.#write(text);
    });
    return true;
  }

  #try(): void {
    clearTimeout(this.#retryTimer);
    const generation = ++this.#generation;
    this.#become("connecting", null);
    clearTimeout(this.#quietTimer);
    this.#quietTimer = setTimeout(() => this.restart(), ATTEMPT_MS);
    this.#dial(generation).catch((error: unknown) => {
      if (generation === this.#generation) this.#failed(asError(error));
    });
  }

  async #dial(generation: number): Promise<void> {
    const { rest } = this;
    const token = rest === null ? null : await rest.tokens.token();
    if (token !== null && token === this.#refusedToken) {
      throw new ConclaveError("unauthenticated", "the server refuses the token");
    }
    const url = await this.dialect.url();
    if (generation !== this.#generation) return;
    const credentials =
      rest === null || token === null ? null : { token, ticket: () => rest.ticket() };
    const socket = await dial(this.platform, { url, credentials });
    if (generation !== this.#generation) {
      discard(socket);
      return;
    }
    this.#token = token;
    this.#attach(socket, generation);
  }

  #attach(socket: WebSocketLike, generation: number): void {
    this.#socket = socket;
    const current = (): boolean => generation === this.#generation;
    clearTimeout(this.#quietTimer);
    this.#quietTimer = setTimeout(() => this.restart(), OPEN_MS);
    socket.onopen = () => {
      if (!current() || this.dialect.greets) return;
      this.#open = true;
      this.#opened();
    };
    socket.onmessage = (event: { data: unknown }) => {
      if (current() && typeof event.data === "string") this.#heard(event.data);
    };
    // What went wrong is told by the close that follows.
    socket.onerror = () => undefined;
    socket.onclose = (event: { code: number; reason: string }) => {
      if (current()) this.#closed(event.code, event.reason);
    };
  }

  #opened(): void {
    this.#openedAt = Date.now();
    this.#pace.reset();
    this.#listenOn();
    this.#scheduleRenewal();
    this.#become("online", null);
    this.dialect.opened();
  }

  #heard(text: string): void {
    this.#refusedToken = null;
    const greeting = !this.#open;
    this.#open = true;
    this.#listenOn();
    this.dialect.text(text);
    // What the greeting says is known before anybody is told.
    if (greeting && this.#open) this.#opened();
  }

  #closed(code: number, reason: string): void {
    const wasOpenMs = this.#open ? Date.now() - this.#openedAt : 0;
    const wasOpen = this.#open;
    this.#drop(null);
    if (wasOpenMs > STABLE_MS) this.#attempt = 0;
    if (code === 4003) {
      this.#end(new ConclaveError("forbidden", reason || "access denied"));
    } else if (code === 4001 || (code === 1008 && !reason.startsWith("Too many"))) {
      this.#refused(reason, wasOpen);
    } else {
      // Limits and a server that goes away: come back later than others would.
      this.#wait(SPREAD_CODES.has(code) ? 2 : 0);
    }
  }

  /** One more attempt with another token; then it is the user who is refused. */
  #refused(reason: string, wasOpen: boolean): void {
    if (this.rest === null || this.#refusedToken !== null) {
      this.#end(new ConclaveError("unauthenticated", reason || "the server refuses the token"));
      return;
    }
    this.#refusedToken = this.#token;
    this.rest.tokens.invalidate?.();
    if (wasOpen) this.#wait(0);
    else this.#try();
  }

  #failed(error: ConclaveError): void {
    this.#drop(null);
    if (error.retryable) this.#wait(0);
    else this.#end(error);
  }

  #wait(attemptMin: number): void {
    const random = this.platform.random ?? Math.random;
    const waitMs = backoffMs(Math.max(this.#attempt, attemptMin), random);
    this.#attempt += 1;
    this.#retryTimer = setTimeout(() => this.#try(), waitMs);
    this.#become("waiting", Date.now() + waitMs);
  }

  #end(error: ConclaveError): void {
    this.#running = false;
    this.#endedBecause = error;
    this.#become("ended", null);
  }

  /** Forgets the connection; `code` closes it. */
  #drop(code: number | null): void {
    const socket = this.#socket;
    const wasOpen = this.#open;
    this.#generation += 1;
    this.#socket = null;
    this.#open = false;
    this.#pace.reset();
    for (const timer of [this.#retryTimer, this.#quietTimer, this.#renewTimer]) clearTimeout(timer);
    if (code !== null && socket !== null) discard(socket, code);
    if (wasOpen) this.dialect.lost();
  }

  #become(status: Status, retryAt: number | null): void {
    if (status === this.#status && retryAt === this.#retryAt) return;
    this.#status = status;
    this.#retryAt = retryAt;
    this.dialect.changed();
  }

  #write(text: string): void {
    if (this.#socket?.readyState === OPEN) this.#socket.send(text);
  }

  /** Silence for a while is answered by a ping, more of it by another connection. */
  #listenOn(): void {
    clearTimeout(this.#quietTimer);
    this.#quietTimer = setTimeout(() => this.#ping(ANSWER_MS), QUIET_MS);
  }

  #ping(withinMs: number): void {
    this.#write(this.dialect.ping);
    clearTimeout(this.#quietTimer);
    this.#quietTimer = setTimeout(() => this.restart(), withinMs);
  }

  #scheduleRenewal(): void {
    clearTimeout(this.#renewTimer);
    const waitMs = this.#token === null ? null : renewInMs(this.#token, Date.now());
    if (waitMs === null) return;
    // A longer one would overflow and fire at once.
    const capped = Math.min(waitMs, TIMER_MS_MAX);
    this.#renewTimer = setTimeout(() => {
      if (waitMs > capped) this.#scheduleRenewal();
      else void this.#renew(this.#generation);
    }, capped);
  }

  /** Asks for another token until there is one; a source that has none lets this one end. */
  async #renew(generation: number): Promise<void> {
    const fresh = await this.rest?.tokens.token().catch(() => null);
    if (generation !== this.#generation) return;
    if (typeof fresh === "string" && fresh !== this.#token) {
      this.#token = fresh;
      this.#write(this.dialect.renewal(fresh));
      this.#scheduleRenewal();
      return;
    }
    const leftMs = (timesOf(this.#token ?? "").expiresAt ?? 0) - Date.now();
    const againMs = Math.min(RENEW_AGAIN_MS, Math.max(RENEW_AGAIN_MS / 20, leftMs / 3));
    this.#renewTimer = setTimeout(() => void this.#renew(generation), againMs);
  }
}

type Timer = ReturnType<typeof setTimeout> | undefined;

/** Closes a socket that nobody listens to any more. */
const discard = (socket: WebSocketLike, code = 1000): void => {
  socket.onopen = null;
  socket.onmessage = null;
  socket.onclose = null;
  socket.onerror = () => undefined;
  socket.close(code);
};

const ANSWER_MS = 10_000;
/** For a token, a ticket and an address. */
const ATTEMPT_MS = 45_000;
const OPEN_MS = 15_000;
const PROBE_MS = 5_000;
const QUIET_MS = 25_000;
const RENEW_AGAIN_MS = 5_000;
/** Server going away, slow reader, too many connections, too many messages. */
const SPREAD_CODES: ReadonlySet<number> = new Set([1001, 1008, 1013, 4008]);
const STABLE_MS = 5_000;
const TIMER_MS_MAX = 2 ** 31 - 1;
