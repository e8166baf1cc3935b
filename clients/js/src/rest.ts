import { ConclaveError } from "./error.js";
import { Pace } from "./pace.js";
import type { Platform, Tokens, TokenSource } from "./contract.js";

/** The server's HTTP calls, with a token, at a pace that the server allows. */
export class Rest {
  readonly tokens: Tokens;
  readonly #pace = new Pace(15, 15);

  constructor(
    readonly origin: string,
    source: TokenSource,
    readonly platform: Platform,
  ) {
    this.tokens = tokensOf(source);
  }

  /** The answer's body, `undefined` where it has none. Throws [`ConclaveError`]. */
  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    return (await this.#asked(method, path, body)).body as T;
  }

  /** Every page of a list, up to `max` entries. */
  async list<T>(path: string, max: number): Promise<T[]> {
    const found: T[] = [];
    let next: string | null = path;
    while (next !== null && found.length < max) {
      const page: Answer = await this.#asked("GET", next, undefined);
      found.push(...(page.body as T[]));
      next = page.next;
    }
    return found;
  }

  /** A page and whether there is one after it. */
  async page<T>(path: string): Promise<{ entries: T[]; more: boolean }> {
    const page = await this.#asked("GET", path, undefined);
    return { entries: page.body as T[], more: page.next !== null };
  }

  async ticket(): Promise<string> {
    return (await this.call<{ ticket: string }>("POST", "/auth/ticket")).ticket;
  }

  /** A token that is refused is replaced once; what is limited or away is asked again. */
  async #asked(method: string, path: string, body: unknown): Promise<Answer> {
    let refused: string | null = null;
    for (let attempt = 0; ; attempt += 1) {
      await this.#pace.turn();
      const token = await this.tokens.token();
      if (token === refused) throw new ConclaveError("unauthenticated", "the token was refused");
      const response = await ask(this.platform, new URL(path, this.origin).href, {
        method,
        headers: {
          Authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      if (response.ok) return answered(response);
      const error = await problem(response);
      if (response.status === 401 && refused === null) {
        refused = token;
        this.tokens.invalidate?.();
        continue;
      }
      const limited = response.status === 429 || (response.status === 503 && method === "GET");
      if (!limited || attempt >= ATTEMPTS_MAX) throw error;
      await pause(Math.min(retryAfterMs(response) ?? 500 * 2 ** attempt, PAUSE_MS_MAX));
    }
  }
}

interface Answer {
  body: unknown;
  /** Path and query of the next page. */
  next: string | null;
}

const answered = async (response: Response): Promise<Answer> => {
  const text = await response.text();
  const next = /<([^>]*)>\s*;\s*rel="?next"?/.exec(response.headers.get("Link") ?? "")?.[1];
  return { body: text === "" ? undefined : (JSON.parse(text) as unknown), next: next ?? null };
};

/** A request that fails on its way, or is not answered for long, is a `network` error. */
export const ask = async (platform: Platform, url: string, init: RequestInit): Promise<Response> => {
  const asks = platform.fetch ?? globalThis.fetch;
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), ANSWER_MS);
  try {
    return await asks(url, { ...init, signal: abort.signal });
  } catch (cause) {
    throw new ConclaveError("network", "the server cannot be reached", { cause });
  } finally {
    clearTimeout(timer);
  }
};

/** The error of an answer: `application/problem+json`, or what its status says. */
export const problem = async (response: Response): Promise<ConclaveError> => {
  const body = (await response.json().catch(() => null)) as { code?: unknown; detail?: unknown } | null;
  const code = typeof body?.code === "string" ? body.code : codeOf(response.status);
  const detail = typeof body?.detail === "string" ? body.detail : `HTTP status ${response.status}`;
  return new ConclaveError(code, detail);
};

const codeOf = (status: number): string =>
  STATUS_CODES[status] ?? (status >= 500 ? "unavailable" : "bad_request");

const STATUS_CODES: Readonly<Record<number, string>> = {
  401: "unauthenticated",
  403: "forbidden",
  404: "not_found",
  409: "conflict",
  413: "too_large",
  429: "rate_limited",
  500: "internal",
};

const retryAfterMs = (response: Response): number | null => {
  const seconds = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  return Number.isNaN(seconds) ? null : seconds * 1000;
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export const tokensOf = (source: TokenSource): Tokens => {
  if (typeof source === "string") return { token: async () => source };
  return typeof source === "function" ? { token: source } : source;
};

const ANSWER_MS = 30_000;
const ATTEMPTS_MAX = 4;
const PAUSE_MS_MAX = 30_000;
