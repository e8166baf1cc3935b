/** Listeners of one event. One that throws does not keep others from hearing. */
export class Listeners<T> {
  readonly #listeners = new Set<(value: T) => void>();

  get size(): number {
    return this.#listeners.size;
  }

  /** Returns what takes the listener away again. */
  add(listener: (value: T) => void): () => void {
    // Wrapped, so that the same function added twice is two listeners.
    const own = (value: T): void => listener(value);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  tell(value: T): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(value);
      } catch (error) {
        // Reported as an uncaught one, as browsers do with listeners of their own events.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

/** Tells the first change at once and what follows within `quietMs` together. */
export class Changes {
  readonly #listeners = new Listeners<void>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #more = false;

  /** `dirty` is called with each change, before anybody is told. */
  constructor(
    readonly dirty: () => void,
    readonly quietMs = 16,
  ) {}

  on(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  happened(): void {
    this.dirty();
    if (this.#timer !== undefined) {
      this.#more = true;
      return;
    }
    this.#timer = setTimeout(() => this.#quiet(), this.quietMs);
    this.#listeners.tell();
  }

  /** Tells it, and what waits, at once. */
  now(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#more = false;
    this.happened();
  }

  #quiet(): void {
    this.#timer = undefined;
    if (!this.#more) return;
    this.#more = false;
    this.happened();
  }
}
