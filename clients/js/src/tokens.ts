import { ConclaveError } from "./error.js";
import { ask, problem } from "./rest.js";
import { claimsOf } from "./token_claims.js";
import type { Platform, Tokens } from "./contract.js";

export interface SignInOptions extends Pick<Platform, "fetch"> {
  /** A session that the user owns or shares; by default the user's own. */
  session?: string | undefined;
  /** Keeps the refresh token in an HttpOnly cookie, so that `resume` works after a reload. */
  cookie?: boolean | undefined;
}

/** Signs in with a password at `POST /auth/token`. `url` is the server's origin. */
export const signIn = async (
  url: string,
  user: string,
  password: string,
  options: SignInOptions = {},
): Promise<SignedIn> => {
  const cookie = options.cookie === true;
  const tokens = new SignedIn(url, cookie, options);
  const path = cookie ? "/auth/token?cookie=true" : "/auth/token";
  const session = options.session === undefined ? {} : { session_id: options.session };
  await tokens.sign(new URL(path, url).href, { username: user, password, ...session });
  return tokens;
};

/** Signs in again by the cookie of an earlier `signIn`; `null` where there is none that counts. */
export const resume = async (
  url: string,
  options: Pick<Platform, "fetch"> = {},
): Promise<SignedIn | null> => {
  const tokens = new SignedIn(url, true, options);
  try {
    await tokens.token();
    return tokens;
  } catch (error) {
    if (error instanceof ConclaveError && error.code === "unauthenticated") return null;
    throw error;
  }
};

/** Ends the sign-in on the server, and its connections with it. */
export const signOut = (tokens: SignedIn): Promise<void> => tokens.signOut();

/** The tokens of one sign-in, in memory only; renewed before they end. */
export class SignedIn implements Tokens {
  readonly #url: string;
  readonly #cookie: boolean;
  readonly #platform: Platform;
  #access: Access | null = null;
  #refreshToken: string | null = null;
  #refreshing: Promise<string> | null = null;
  #ended: ConclaveError | null = null;

  /** @internal by `signIn` and `resume` */
  constructor(url: string, cookie: boolean, platform: Platform) {
    this.#url = url;
    this.#cookie = cookie;
    this.#platform = platform;
  }

  /** The user's id as the token says it; `null` once signed out. */
  get userId(): string | null {
    const sub = this.#access === null ? null : claimsOf(this.#access.token)?.["sub"];
    return typeof sub === "string" ? sub : null;
  }

  /** The token at hand, even where it is about to end; `null` where it is over. */
  get current(): string | null {
    const access = this.#access;
    return access !== null && Date.now() < access.endsAt ? access.token : null;
  }

  async token(): Promise<string> {
    if (this.#ended !== null) throw this.#ended;
    const access = this.#access;
    if (access !== null && Date.now() < access.renewAt) return access.token;
    try {
      return await this.refresh();
    } catch (error) {
      // As long as the old one lives, a server that is away is no reason to have none.
      const current = this.current;
      if (current !== null && error instanceof ConclaveError && error.retryable) return current;
      throw error;
    }
  }

  /** The server refused the token: the next one is a new one. */
  invalidate(): void {
    this.#access = null;
  }

  /** A new access token, whatever is left of the old one. */
  refresh(): Promise<string> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  /** Ends the sign-in on the server and here; here also where the server cannot be reached. */
  async signOut(): Promise<void> {
    // One that has ended would be refused, and its refresh token would live on.
    const token = await this.token().catch((error: unknown) => {
      this.forget();
      if (error instanceof ConclaveError && error.code === "unauthenticated") return null;
      throw error;
    });
    this.forget();
    if (token === null) return;
    const response = await ask(this.#platform, new URL("/auth/logout", this.#url).href, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}` },
      credentials: this.#cookie ? "include" : "omit",
    });
    if (!response.ok && response.status !== 401) throw await problem(response);
  }

  /** Forgets the tokens without asking the server. */
  forget(): void {
    this.#access = null;
    this.#refreshToken = null;
    this.#ended = new ConclaveError("unauthenticated", "signed out");
  }

  /** @internal by `signIn` */
  async sign(url: string, body: Readonly<Record<string, string>> | null): Promise<string> {
    const askedAt = Date.now();
    const response = await ask(this.#platform, url, {
      method: "POST",
      ...(body === null
        ? {}
        : { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
      credentials: this.#cookie ? "include" : "omit",
    });
    if (!response.ok) throw await problem(response);
    const answer = (await response.json()) as TokenAnswer;
    // Signed out while the answer was on its way.
    if (this.#ended !== null) throw this.#ended;
    const token = answer.token ?? answer.access_token;
    if (typeof token !== "string") throw new ConclaveError("internal", "an answer without a token");
    const lifeMs = (answer.expires_in ?? LIFE_SECONDS) * 1000;
    this.#access = {
      token,
      endsAt: askedAt + lifeMs,
      // Earlier than open connections ask for the next one.
      renewAt: askedAt + lifeMs - Math.min(90_000, lifeMs * 0.3),
    };
    if (!this.#cookie) this.#refreshToken = answer.refresh_token ?? null;
    return token;
  }

  async #refresh(): Promise<string> {
    if (this.#ended !== null) throw this.#ended;
    if (!this.#cookie && this.#refreshToken === null) {
      throw new ConclaveError("unauthenticated", "there is nothing to renew the token with");
    }
    const body = this.#cookie ? null : { refresh_token: this.#refreshToken ?? "" };
    return this.sign(new URL("/auth/refresh", this.#url).href, body);
  }
}

interface Access {
  token: string;
  endsAt: number;
  renewAt: number;
}

interface TokenAnswer {
  token?: string;
  access_token?: string;
  expires_in?: number;
  refresh_token?: string;
}

/** Where an answer does not say how long a token lives. */
const LIFE_SECONDS = 300;
