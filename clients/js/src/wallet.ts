import { Listeners } from "./emitter.js";
import { ConclaveError } from "./error.js";
import { errorOf, frameOf, textOf, type Frame, type Members } from "./frames.js";
import { Link, type Dialect } from "./link.js";
import { watchPage } from "./page.js";
import { Rest } from "./rest.js";
import { webSocketUrl } from "./socket.js";
import { Watches, type Watch, type WatchEvents } from "./watches.js";
import {
  linkedOf,
  tokenOf,
  type Balance,
  type ContractEvent,
  type LinkedWallet,
  type Token,
  type Transaction,
} from "./wallet_frames.js";
import { accountOf, signed, signInMessage, type WalletProvider } from "./wallet_link.js";
import type { ClientOptions, Status } from "./contract.js";

export { withChecksum, signInMessage, type SignInMessage, type WalletProvider } from "./wallet_link.js";
export type * from "./wallet_frames.js";

/** `degraded`: the node of the chain is away; what happens meanwhile comes after it is back. */
export type FeedStatus = "live" | "degraded";

export interface WalletEvents {
  status: Status;
  feed: FeedStatus | null;
  /** More was missed than can be told: transactions and events may be missing. */
  gap: void;
  error: ConclaveError;
}

/** Whose balances or transactions: of one address, or of all linked wallets of the user. */
export interface WalletScope {
  address?: string | undefined;
}

/** What the page says of itself in a sign-in message; by default its host and its origin. */
export interface LinkOptions {
  domain?: string | undefined;
  uri?: string | undefined;
  statement?: string | undefined;
  now?: Date | undefined;
}

/** The wallets of a user at a server, and what happens on their chain. Comes back by itself. */
export class WalletClient {
  readonly #rest: Rest;
  readonly #link: Link;
  readonly #watches: Watches;
  readonly #listeners: { [E in keyof WalletEvents]: Listeners<WalletEvents[E]> } = {
    status: new Listeners(),
    feed: new Listeners(),
    gap: new Listeners(),
    error: new Listeners(),
  };
  #feed: FeedStatus | null = null;
  #unwatch: (() => void) | null = null;

  constructor(options: Pick<ClientOptions, "url" | "tokens" | "WebSocket" | "fetch" | "random">) {
    const origin = options.url ?? globalThis.location?.origin;
    if (origin === undefined) throw new ConclaveError("bad_request", "the option url is missing");
    this.#rest = new Rest(origin, options.tokens, options);
    this.#link = new Link(options, this.#rest, this.#dialect());
    this.#watches = new Watches(
      (frame) => this.#link.send(JSON.stringify(frame)),
      () => this.#link.restart(),
      (error) => this.#listeners.error.tell(error),
    );
  }

  get status(): Status {
    return this.#link.status;
  }

  /** `null` while there is no connection. */
  get feed(): FeedStatus | null {
    return this.#feed;
  }

  /** Why it does not come back by itself. */
  get endedBecause(): ConclaveError | null {
    return this.#link.endedBecause;
  }

  connect(): void {
    this.#unwatch ??= watchPage({
      visible: () => undefined,
      online: () => this.#link.retryNow(),
      probe: () => this.#link.probe(),
    });
    this.#link.start();
  }

  /** Ends the connection. Subscriptions are kept, for `connect`. */
  close(): void {
    this.#unwatch?.();
    this.#unwatch = null;
    this.#link.stop();
  }

  /** Returns what takes the listener away again. */
  on<E extends keyof WalletEvents>(event: E, listener: (value: WalletEvents[E]) => void): () => void {
    return this.#listeners[event].add(listener);
  }

  /** Hears balances, now and after each block that changed one, until the returned function is called. */
  subscribeBalance(
    scope: WalletScope & { tokens?: readonly string[] | undefined },
    listener: (balance: Balance) => void,
  ): () => void {
    return this.#subscribe("balance", { type: "subscribe_balance", ...scope }, listener);
  }

  /** Hears each new state of transactions: the same hash comes again as it becomes another. */
  subscribeTransactions(scope: WalletScope, listener: (transaction: Transaction) => void): () => void {
    return this.#subscribe("transaction", { type: "subscribe_transactions", ...scope }, listener);
  }

  /** Hears events of a contract, such as `Transfer(address indexed,address indexed,uint256)`. */
  subscribeContract(
    contract: { address: string; events: readonly string[] },
    listener: (event: ContractEvent) => void,
  ): () => void {
    return this.#subscribe("event", { type: "subscribe_contract", ...contract }, listener);
  }

  async wallets(): Promise<LinkedWallet[]> {
    return (await this.#rest.list<Members>(`${BASE}/wallets`, WALLETS_MAX)).map(linkedOf);
  }

  /** The ERC-20 tokens that the server lets everybody hear of. */
  async tokens(): Promise<Token[]> {
    return (await this.#rest.list<Members>(`${BASE}/tokens`, TOKENS_MAX)).map(tokenOf);
  }

  /** A nonce for a sign-in message, good once and not for long. */
  async nonce(): Promise<{ nonce: string; expiresIn: number }> {
    const body = await this.#rest.call<{ nonce: string; expires_in: number }>("GET", `${BASE}/nonce`);
    return { nonce: body.nonce, expiresIn: body.expires_in };
  }

  /** Links the wallet whose key signed the message. */
  async link(message: string, signature: string): Promise<LinkedWallet> {
    const body = await this.#rest.call<Members>("POST", `${BASE}/link`, { message, signature });
    return linkedOf(body);
  }

  /** Asks a wallet of the browser for its account and its signature, and links it. */
  async linkWith(provider: WalletProvider, options: LinkOptions = {}): Promise<LinkedWallet> {
    const { address, chainId } = await accountOf(provider);
    const { nonce, expiresIn } = await this.nonce();
    const issuedAt = options.now ?? new Date();
    const text = signInMessage({
      domain: options.domain ?? new URL(this.#rest.origin).host,
      uri: options.uri ?? new URL(this.#rest.origin).origin,
      statement: options.statement ?? "Link this wallet to your account.",
      address,
      chainId,
      nonce,
      issuedAt,
      expiresAt: new Date(issuedAt.getTime() + expiresIn * 1000),
    });
    return this.link(text, await signed(provider, text, address));
  }

  async unlink(address: string): Promise<void> {
    await this.#rest.call("DELETE", `${BASE}/link/${encodeURIComponent(address)}`);
  }

  #subscribe<K extends keyof WatchEvents>(
    kind: K,
    command: Watch["command"],
    listener: (event: WatchEvents[K]) => void,
  ): () => void {
    return this.#watches.add(kind, command, listener);
  }

  #dialect(): Dialect {
    return {
      greets: true,
      ping: '{"type":"ping"}',
      url: async () => {
        const { user_id } = await this.#rest.call<{ user_id: string }>("GET", "/auth/me");
        return webSocketUrl(this.#rest.origin, `${BASE}/ws/${encodeURIComponent(user_id)}`);
      },
      renewal: (token) => JSON.stringify({ type: "auth", token }),
      opened: () => this.#watches.opened(),
      text: (text) => {
        const frame = frameOf(text);
        if (frame !== null) this.#heard(frame);
      },
      lost: () => {
        this.#watches.lost();
        this.#fed(null);
      },
      changed: () => this.#listeners.status.tell(this.status),
    };
  }

  #heard(frame: Frame): void {
    switch (frame.type) {
      case "connected":
        // Otherwise the next frame says so.
        this.#fed("live");
        return;
      case "feed_status":
        this.#told(textOf(frame, "status"));
        return;
      case "error":
        this.#watches.refused(errorOf(frame), textOf(frame, "in_reply_to"));
        return;
      default:
        this.#watches.heard(frame);
    }
  }

  #told(status: string | null): void {
    if (status === "resync") this.#listeners.gap.tell();
    this.#fed(status === "degraded" ? "degraded" : "live");
  }

  #fed(feed: FeedStatus | null): void {
    if (feed === this.#feed) return;
    this.#feed = feed;
    this.#listeners.feed.tell(feed);
  }
}

const BASE = "/api/v1/web3";
const WALLETS_MAX = 1_000;
const TOKENS_MAX = 1_000;
