/** One's own typing: told after half a second of it, again while it lasts, and its end. */
export class OwnTyping {
  #toldAt: number | null = null;
  #startTimer: Timer;
  #stopTimer: Timer;

  constructor(readonly tell: (typing: boolean) => void) {}

  /** A key was pressed. */
  pressed(): void {
    clearTimeout(this.#stopTimer);
    this.#stopTimer = setTimeout(() => this.stop(), PAUSE_MS);
    if (this.#toldAt !== null && Date.now() - this.#toldAt >= AGAIN_MS) this.#start();
    if (this.#toldAt === null && this.#startTimer === undefined) {
      this.#startTimer = setTimeout(() => this.#start(), DEBOUNCE_MS);
    }
  }

  /** Sent, left, or nothing typed for a while. */
  stop(): void {
    this.#clear();
    if (this.#toldAt === null) return;
    this.#toldAt = null;
    this.tell(false);
  }

  /** The connection is lost, which ends it on the server too. */
  lost(): void {
    this.#clear();
    this.#toldAt = null;
  }

  #start(): void {
    this.#startTimer = undefined;
    this.#toldAt = Date.now();
    this.tell(true);
  }

  #clear(): void {
    clearTimeout(this.#startTimer);
    clearTimeout(this.#stopTimer);
    this.#startTimer = undefined;
  }
}

/** Who else types. Each ends by itself, should the word that it ended get lost. */
export class Typists {
  readonly #timers = new Map<string, Timer>();
  #users: readonly string[] = [];

  constructor(readonly changed: () => void) {}

  get users(): readonly string[] {
    return this.#users;
  }

  heard(userId: string, typing: boolean): void {
    clearTimeout(this.#timers.get(userId));
    if (typing && (this.#timers.has(userId) || this.#timers.size < TYPISTS_MAX)) {
      this.#timers.set(userId, setTimeout(() => this.heard(userId, false), TYPIST_MS));
    } else {
      this.#timers.delete(userId);
    }
    const same = this.#users.includes(userId) === this.#timers.has(userId);
    if (same) return;
    this.#users = [...this.#timers.keys()];
    this.changed();
  }

  clear(): void {
    for (const userId of this.#users) this.heard(userId, false);
  }
}

type Timer = ReturnType<typeof setTimeout> | undefined;

const AGAIN_MS = 3_000;
const DEBOUNCE_MS = 500;
/** Without a key; the server ends it after 5 s. */
const PAUSE_MS = 4_000;
const TYPISTS_MAX = 100;
/** A little longer than the server's 5 s. */
const TYPIST_MS = 6_000;
