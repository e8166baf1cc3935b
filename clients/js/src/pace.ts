/**
 * Lets `perSecond` pass in a second and `burst` at once, in order; the rest waits. Used to stay
 * under the server's limits (50 messages a second and connection, 20 requests a second and user).
 */
export class Pace {
  readonly #waiting: (() => void)[] = [];
  #tokens: number;
  #filledAt = Date.now();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly perSecond: number,
    readonly burst: number,
  ) {
    this.#tokens = burst;
  }

  /** Runs `pass` now or when its turn comes. */
  run(pass: () => void): void {
    this.#waiting.push(pass);
    this.#drain();
  }

  /** Resolves when its turn comes. */
  turn(): Promise<void> {
    return new Promise((resolve) => this.run(resolve));
  }

  /** Forgets what waits, and begins with a full burst. */
  reset(): void {
    this.#waiting.length = 0;
    this.#tokens = this.burst;
    this.#filledAt = Date.now();
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #drain(): void {
    if (this.#timer !== undefined) return;
    const now = Date.now();
    // A clock that was set back must not stop anything.
    const grown = (Math.max(0, now - this.#filledAt) / 1000) * this.perSecond;
    this.#tokens = Math.min(this.burst, this.#tokens + grown);
    this.#filledAt = now;
    while (this.#waiting.length > 0 && this.#tokens >= 1) {
      this.#tokens -= 1;
      this.#waiting.shift()?.();
    }
    if (this.#waiting.length === 0) return;
    const waitMs = Math.ceil(((1 - this.#tokens) / this.perSecond) * 1000);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#drain();
    }, waitMs);
  }
}
