import { ConclaveError } from "./error.js";
import { frameOf } from "./frames.js";
import { Rest } from "./rest.js";
import { dial, OPEN, originOf } from "./socket.js";
import { renewInMs } from "./token_claims.js";
import { SignedIn } from "./tokens.js";
import type { Platform, Tokens, WebSocketLike } from "./contract.js";

/** A session, and what the platform lacks. */
export interface AuthenticatedOptions extends Platform {
  session?: string | undefined;
}

/** One sign-in of a page, in memory only: never in localStorage, gone with the page. */
export class JwtManager implements Tokens {
  #signedIn: SignedIn | null = null;

  /** Whether there is a token that has not ended. */
  isAuthenticated(): boolean {
    return this.getToken() !== null;
  }

  /** The token at hand; `null` where there is none, or it has ended. */
  getToken(): string | null {
    return this.#signedIn?.current ?? null;
  }

  /** Forgets the token, e.g. to sign out. The server is told by `signOut`. */
  clearToken(): void {
    this.#signedIn?.forget();
    this.#signedIn = null;
  }

  /** Signs in at a server's `/auth/token`. */
  async authenticate(
    tokenUrl: string,
    user: string,
    password: string,
    session: string | AuthenticatedOptions = {},
  ): Promise<string> {
    const options = typeof session === "string" ? { session } : session;
    const signedIn = new SignedIn(originOf(tokenUrl), false, options);
    const named = options.session === undefined ? {} : { session_id: options.session };
    const token = await signedIn.sign(tokenUrl, { username: user, password, ...named });
    this.#signedIn?.forget();
    this.#signedIn = signedIn;
    return token;
  }

  /** A new token, whatever is left of the old one. */
  async refresh(): Promise<string> {
    return this.#known().refresh();
  }

  /** A token, renewed where it is about to end. */
  async token(): Promise<string> {
    return this.#known().token();
  }

  invalidate(): void {
    this.#signedIn?.invalidate();
  }

  /** Forgets the token and ends the sign-in on the server. */
  async signOut(): Promise<void> {
    const signedIn = this.#signedIn;
    this.#signedIn = null;
    await signedIn?.signOut();
  }

  #known(): SignedIn {
    if (this.#signedIn === null) throw new ConclaveError("unauthenticated", "nobody is signed in");
    return this.#signedIn;
  }
}

export const jwtManager: JwtManager = new JwtManager();

/**
 * Signs `jwtManager` in and opens a WebSocket with its token: by a header, or, from a page, by a
 * one-use ticket. The token is renewed in-band, so that the connection outlives it.
 */
export const createAuthenticatedWebSocket = async (
  wsUrl: string,
  tokenUrl: string,
  user: string,
  password: string,
  session: string | AuthenticatedOptions = {},
): Promise<AuthenticatedWebSocket> => {
  const platform = typeof session === "string" ? { session } : session;
  const token = await jwtManager.authenticate(tokenUrl, user, password, platform);
  const rest = new Rest(originOf(tokenUrl), jwtManager, platform);
  const socket = await dial(platform, {
    url: wsUrl,
    credentials: { token, ticket: () => rest.ticket() },
  });
  const authenticated = new AuthenticatedWebSocket(wsUrl, socket, token);
  await authenticated.opened;
  return authenticated;
};

/** A WebSocket as pages know it, whose token does not end. */
export class AuthenticatedWebSocket {
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror: ((event: unknown) => void) | null = null;
  /** @internal */
  readonly opened: Promise<void>;
  readonly #socket: WebSocketLike;
  #renewals = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @internal by `createAuthenticatedWebSocket` */
  constructor(
    readonly url: string,
    socket: WebSocketLike,
    token: string,
  ) {
    this.#socket = socket;
    this.opened = new Promise((resolve, reject) => {
      socket.onopen = () => resolve();
      if (socket.readyState === OPEN) resolve();
      socket.onclose = (event: { code: number; reason: string }) => {
        clearTimeout(this.#timer);
        reject(new ConclaveError("network", event.reason || "the connection was refused"));
        this.onclose?.(event);
      };
    });
    socket.onerror = (event: unknown) => this.onerror?.(event);
    socket.onmessage = (event: { data: string }) => this.#heard(event);
    this.#renewBefore(token);
  }

  get readyState(): number {
    return this.#socket.readyState;
  }

  send(data: string): void {
    this.#socket.send(data);
  }

  close(code?: number, reason?: string): void {
    clearTimeout(this.#timer);
    this.#socket.close(code, reason);
  }

  #heard(event: { data: string }): void {
    // The answer to what was not asked by the page is not the page's.
    if (this.#renewals > 0 && frameOf(event.data)?.type === "auth_success") this.#renewals -= 1;
    else this.onmessage?.(event);
  }

  #renewBefore(token: string): void {
    const waitMs = renewInMs(token, Date.now());
    if (waitMs === null) return;
    this.#timer = setTimeout(() => void this.#renew(token), Math.min(waitMs, TIMER_MS_MAX));
  }

  async #renew(old: string): Promise<void> {
    const token = await jwtManager.token().catch(() => null);
    // Signed out, or the server is away: the connection ends with its token.
    if (token === null || this.readyState !== OPEN) return;
    if (token !== old) {
      this.#renewals += 1;
      this.#socket.send(`auth:${token}`);
    }
    this.#renewBefore(token);
  }
}

const TIMER_MS_MAX = 2 ** 31 - 1;
