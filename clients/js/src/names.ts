import type { Profile } from "./contract.js";

/** The names of users, as far as they were heard. */
export class Names {
  readonly #names = new Map<string, string>();

  /** The id of whom nothing is known. */
  of(userId: string): string {
    return this.#names.get(userId) ?? userId;
  }

  learn(profiles: readonly Profile[]): void {
    for (const { id, name } of profiles) {
      // Again at the end: the ones heard of longest ago go first.
      this.#names.delete(id);
      this.#names.set(id, name);
    }
    for (const id of this.#names.keys()) {
      if (this.#names.size <= NAMES_MAX) return;
      this.#names.delete(id);
    }
  }
}

const NAMES_MAX = 5_000;
