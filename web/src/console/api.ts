/** Calls to `/api/v1`: paced, with the problem's own words as the error. */

export class ApiProblem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
  ) {
    super(detail);
    this.name = "ApiProblem";
  }
}

/** One page of a list: `next` is what to ask for the rest, `silent` the nodes that did not answer. */
export interface Page<T> {
  items: T[];
  next: string | null;
  silent: string[];
}

/** Where a token comes from; a refused one is given back. */
export interface TokenSource {
  token(): Promise<string>;
  invalidate?(): void;
}

export class Api {
  constructor(
    private readonly tokens: TokenSource,
    /** Told when the server no longer takes any token of this user. */
    private readonly ended: (why: string) => void = () => {},
    private readonly pace = new Pace(),
    private readonly send: typeof fetch = (input, init) => fetch(input, init),
  ) {}

  async get<T>(path: string, signal?: AbortSignal): Promise<T> {
    const response = await this.call("GET", path, undefined, signal);
    return (await response.json()) as T;
  }

  async list<T>(path: string, signal?: AbortSignal): Promise<Page<T>> {
    const response = await this.call("GET", path, undefined, signal);
    return {
      items: (await response.json()) as T[],
      next: nextOf(response.headers.get("link")),
      silent: namesOf(response.headers.get("conclave-silent-nodes")),
    };
  }

  /** What has an answer gives it; 204 gives null. */
  async act<T>(method: "POST" | "PUT" | "DELETE", path: string, body?: object): Promise<T | null> {
    const response = await this.call(method, path, body);
    return response.status === 204 ? null : ((await response.json()) as T);
  }

  private async call(
    method: string,
    path: string,
    body?: object,
    signal?: AbortSignal,
  ): Promise<Response> {
    await this.pace.turn(signal);
    const response = await this.once(method, path, body, signal);
    if (response.status !== 401) return answered(response);
    this.tokens.invalidate?.();
    const again = await this.once(method, path, body, signal);
    if (again.status === 401) this.ended("Your session has ended. Sign in again.");
    return answered(again);
  }

  private async once(
    method: string,
    path: string,
    body?: object,
    signal?: AbortSignal,
  ): Promise<Response> {
    const headers: Record<string, string> = { Authorization: `Bearer ${await this.token()}` };
    if (body) headers["Content-Type"] = "application/json";
    const init: RequestInit = { method, headers, credentials: "omit", cache: "no-store" };
    if (body) init.body = JSON.stringify(body);
    if (signal) init.signal = signal;
    try {
      return await this.send(path, init);
    } catch (reason) {
      if (signal?.aborted) throw reason;
      throw new ApiProblem(0, "network", "the server cannot be reached");
    }
  }

  private async token(): Promise<string> {
    try {
      return await this.tokens.token();
    } catch (reason) {
      const { code, message } = reason as { code?: string; message: string };
      if (code === "unauthenticated") this.ended("Your session has ended. Sign in again.");
      throw new ApiProblem(code === "unauthenticated" ? 401 : 0, code ?? "internal", message);
    }
  }
}

async function answered(response: Response): Promise<Response> {
  if (response.ok) return response;
  const problem = (await response.json().catch(() => null)) as {
    code?: string;
    detail?: string;
  } | null;
  throw new ApiProblem(
    response.status,
    problem?.code ?? "internal",
    problem?.detail ?? `the server answered ${response.status}`,
  );
}

/** The address in `Link: <…>; rel="next"`, as a path of this server; null where there is no more. */
export function nextOf(link: string | null): string | null {
  for (const part of link?.split(/,\s*(?=<)/) ?? []) {
    const found = /^<([^>]+)>.*\brel="?next"?/.exec(part.trim());
    if (!found?.[1]) continue;
    const url = new URL(found[1], "http://here.invalid");
    return url.pathname + url.search;
  }
  return null;
}

function namesOf(header: string | null): string[] {
  return (header ?? "").split(",").flatMap((name) => (name.trim() ? [name.trim()] : []));
}

/** A path with those parameters that are set. */
export function withQuery(
  path: string,
  query: Record<string, string | number | null | undefined>,
): string {
  const filled = Object.entries(query).filter(
    ([, value]) => value !== null && value !== undefined && value !== "",
  );
  if (filled.length === 0) return path;
  return `${path}?${new URLSearchParams(filled.map(([name, value]) => [name, String(value)]))}`;
}

/** At most `each` calls a second: the server refuses a user's 21st, and other pages count too. */
export class Pace {
  private free = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly each = 12,
    private readonly now: () => number = () => performance.now(),
    private readonly wait: (ms: number) => Promise<void> = (ms) =>
      new Promise((done) => setTimeout(done, ms)),
  ) {}

  /** Resolves when it is this call's turn; the first `each` of a quiet second go at once. */
  async turn(signal?: AbortSignal): Promise<void> {
    const gap = 1000 / this.each;
    const earliest = this.now() - gap * (this.each - 1);
    this.free = Math.max(this.free, earliest) + gap;
    const due = this.free - gap - this.now();
    if (due > 0) await this.wait(due);
    signal?.throwIfAborted();
  }
}
