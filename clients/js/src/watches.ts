import { Listeners } from "./emitter.js";
import type { ConclaveError } from "./error.js";
import { textOf, type Frame } from "./frames.js";
import {
  balanceOf,
  contractEventOf,
  transactionOf,
  type Balance,
  type ContractEvent,
  type Transaction,
} from "./wallet_frames.js";

/** What each kind of subscription tells. */
export interface WatchEvents {
  balance: Balance;
  transaction: Transaction;
  event: ContractEvent;
}

/** One subscription, however many listen to it here. */
export interface Watch {
  kind: keyof WatchEvents;
  command: {
    type: string;
    address?: string | undefined;
    tokens?: readonly string[] | undefined;
    events?: readonly string[] | undefined;
  };
  listeners: Listeners<WatchEvents[keyof WatchEvents]>;
  /** As the server calls it; `null` where there is none. */
  id: string | null;
  /** In lower case. */
  addresses: ReadonlySet<string>;
  /** The last balance of each, for who listens later. */
  last: Map<string, Balance>;
}

/**
 * The subscriptions of one connection. Answers come in the order of the commands; what is told
 * names no subscription but the address that it is about.
 */
export class Watches {
  readonly #watches = new Map<string, Watch>();
  readonly #asked: Asked[] = [];
  #online = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly send: (frame: object) => boolean,
    readonly restart: () => void,
    readonly failed: (error: ConclaveError) => void,
  ) {}

  add<K extends keyof WatchEvents>(
    kind: K,
    command: Watch["command"],
    listener: (event: WatchEvents[K]) => void,
  ): () => void {
    const key = JSON.stringify(command);
    const known = this.#watches.get(key);
    const watch = known ?? {
      kind,
      command,
      listeners: new Listeners(),
      id: null,
      addresses: new Set(),
      last: new Map(),
    };
    const end = watch.listeners.add(listener as (event: WatchEvents[keyof WatchEvents]) => void);
    if (known === undefined) {
      this.#watches.set(key, watch);
      this.#ask(watch);
    } else for (const balance of watch.last.values()) (listener as (event: Balance) => void)(balance);
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      end();
      if (watch.listeners.size > 0 || this.#watches.get(key) !== watch) return;
      this.#watches.delete(key);
      this.#giveUp(watch);
    };
  }

  opened(): void {
    this.#online = true;
    for (const watch of this.#watches.values()) this.#ask(watch);
  }

  lost(): void {
    this.#online = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#asked.length = 0;
    for (const watch of this.#watches.values()) watch.id = null;
  }

  heard(frame: Frame): void {
    switch (frame.type) {
      case "balance_subscription":
      case "transaction_subscription":
      case "contract_subscription":
        this.#subscribed(frame);
        return;
      case "unsubscribed":
        this.#unsubscribed(textOf(frame, "subscription"));
        return;
      case "balance_update":
        this.#balance(balanceOf(frame));
        return;
      case "transaction": {
        const told = transactionOf(frame);
        if (told !== null) this.#tell("transaction", [told.from, told.to], told);
        return;
      }
      case "contract_event": {
        const told = contractEventOf(frame);
        if (told !== null) this.#tell("event", [told.address], told);
      }
    }
  }

  /** A command was refused: which, its `type` says; without one it is nobody's in particular. */
  refused(error: ConclaveError, command: string | null): void {
    const [first] = this.#asked;
    if (first !== undefined && first.frame.type === command) {
      this.#asked.shift();
      if (first.frame.type === "unsubscribe") return;
    }
    if (!error.retryable) this.failed(error);
    else if (command === null && first !== undefined) this.restart();
    else this.#again();
  }

  /** The answer to a command, or that what is about all wallets of the user is about others now. */
  #subscribed(frame: Frame): void {
    const id = textOf(frame, "subscription");
    const list = Array.isArray(frame["addresses"]) ? (frame["addresses"] as unknown[]) : [];
    const addresses = new Set(list.map((address) => String(address).toLowerCase()));
    const known = [...this.#watches.values()].find((watch) => id !== null && watch.id === id);
    if (known !== undefined) return this.#moved(known, addresses);
    if (id !== null && this.#asked.some((one) => one.frame["subscription"] === id)) return;
    const asked = this.#asked.shift();
    if (asked?.watch === undefined || id === null) return;
    const { watch } = asked;
    watch.id = id;
    watch.addresses = addresses;
    // Given up, or asked for anew, before it was there.
    if (asked.given) this.#giveUp(watch, asked);
  }

  #moved(watch: Watch, addresses: ReadonlySet<string>): void {
    watch.addresses = addresses;
    for (const address of watch.last.keys()) {
      if (!addresses.has(address.toLowerCase())) watch.last.delete(address);
    }
  }

  /** As asked, or since there is nothing to hear any more. */
  #unsubscribed(id: string | null): void {
    const [first] = this.#asked;
    if (first?.frame.type === "unsubscribe" && first.frame["subscription"] === id) {
      this.#asked.shift();
      return;
    }
    for (const watch of this.#watches.values()) {
      if (watch.id !== id) continue;
      watch.id = null;
      watch.addresses = new Set();
      watch.last.clear();
    }
  }

  #balance(balance: Balance | null): void {
    if (balance === null) return;
    const held = new Set(balance.tokens.map(({ address }) => address.toLowerCase()));
    for (const watch of this.#of("balance", [balance.address])) {
      // One without these tokens is of another subscription to the same address.
      if (watch.command.tokens?.some((token) => !held.has(token.toLowerCase())) === true) continue;
      watch.last.set(balance.address, balance);
      watch.listeners.tell(balance);
    }
  }

  #tell<K extends keyof WatchEvents>(kind: K, addresses: readonly (string | null)[], event: WatchEvents[K]): void {
    for (const watch of this.#of(kind, addresses)) watch.listeners.tell(event);
  }

  #of(kind: keyof WatchEvents, addresses: readonly (string | null)[]): Watch[] {
    const lower = addresses.map((address) => address?.toLowerCase() ?? "");
    return [...this.#watches.values()].filter(
      (watch) => watch.kind === kind && lower.some((address) => watch.addresses.has(address)),
    );
  }

  #ask(watch: Watch): void {
    if (this.#online && this.send(watch.command)) this.#asked.push({ frame: watch.command, watch, given: false });
  }

  #giveUp(watch: Watch, answered?: Asked): void {
    if (!this.#online) return;
    const asked = answered ?? this.#asked.find((one) => one.watch === watch && !one.given);
    if (watch.id === null) {
      if (asked !== undefined) asked.given = true;
      return;
    }
    const frame = { type: "unsubscribe", subscription: watch.id };
    watch.id = null;
    watch.addresses = new Set();
    if (this.send(frame)) this.#asked.push({ frame, given: false });
  }

  /** After a while, those that were not answered. */
  #again(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      for (const watch of this.#watches.values()) {
        const waits = this.#asked.some((one) => one.watch === watch && !one.given);
        if (watch.id === null && !waits) this.#ask(watch);
      }
    }, AGAIN_MS);
  }
}

interface Asked {
  frame: { type: string; [member: string]: unknown };
  watch?: Watch;
  /** It is not wanted any more. */
  given: boolean;
}

const AGAIN_MS = 2_000;
