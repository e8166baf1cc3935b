/** When a token ends and how long it lives in all, in Unix milliseconds, as far as it says so. */
export interface TokenTimes {
  expiresAt: number | null;
  lifeMs: number | null;
}

/** Reads a JWT without verifying it, which only the server can. */
export const timesOf = (token: string): TokenTimes => {
  const claims = claimsOf(token);
  const exp = claims?.["exp"];
  const iat = claims?.["iat"];
  if (typeof exp !== "number") return { expiresAt: null, lifeMs: null };
  return { expiresAt: exp * 1000, lifeMs: typeof iat === "number" ? (exp - iat) * 1000 : null };
};

/** The claims of a JWT, unverified; `null` where it is none. */
export const claimsOf = (token: string): Record<string, unknown> | null => {
  const body = token.split(".")[1];
  if (body === undefined) return null;
  try {
    const bytes = Uint8Array.from(atob(body.replaceAll("-", "+").replaceAll("_", "/")), (char) =>
      char.charCodeAt(0),
    );
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof claims === "object" && claims !== null && !Array.isArray(claims)
      ? (claims as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
};

/** Milliseconds until a token should be renewed: before its last minute, or last fifth. */
export const renewInMs = (token: string, now: number): number | null => {
  const { expiresAt, lifeMs } = timesOf(token);
  if (expiresAt === null) return null;
  let left = expiresAt - now;
  // Accepted by the server, and yet over: this clock is wrong.
  if (left <= 0) left = lifeMs ?? 60_000;
  return Math.max(1000, left - Math.min(60_000, left / 5));
};
