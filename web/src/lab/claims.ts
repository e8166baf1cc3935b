/** What can be said of a token without its key: its parts, its claims in words, what is wrong. */

export interface Finding {
  tone: "bad" | "warn" | "good";
  text: string;
}

export interface Decoded {
  header: Record<string, unknown> | null;
  claims: Record<string, unknown> | null;
  findings: Finding[];
}

/** `now` in Unix seconds. */
export function decode(token: string, now: number): Decoded {
  const findings: Finding[] = [];
  const bad = (text: string) => findings.push({ tone: "bad", text });
  const parts = token.split(".");
  if (token.length > TOKEN_BYTES_MAX)
    bad(`It has ${token.length} bytes; the server takes at most ${TOKEN_BYTES_MAX}.`);
  if (/^Bearer\s/i.test(token))
    bad("It begins with “Bearer”: that word belongs to the header, not to the token.");
  if (parts.length !== 3) {
    bad(
      `A token has three parts with dots between; this has ${parts.length}.${parts.length === 5 ? " Five parts are an encrypted token, which the server does not read." : ""}`,
    );
    return { header: null, claims: null, findings };
  }
  const header = part(parts[0] ?? "");
  const claims = part(parts[1] ?? "");
  if (!header) bad("Its first part is not base64url of a JSON object.");
  if (!claims) bad("Its second part is not base64url of a JSON object.");
  if (header) findings.push(...ofHeader(header, parts[2] ?? ""));
  if (claims) findings.push(...ofClaims(claims, now));
  if (findings.every(({ tone }) => tone !== "bad")) {
    findings.push({
      tone: "good",
      text: "Nothing is wrong as far as can be seen without the key. Whether the signature is right, and whether it was revoked, only the server knows.",
    });
  }
  return { header, claims, findings };
}

function ofHeader(header: Record<string, unknown>, signature: string): Finding[] {
  const findings: Finding[] = [];
  const bad = (text: string) => findings.push({ tone: "bad", text });
  const { alg } = header;
  if (typeof alg !== "string") bad("The header names no algorithm (alg).");
  else if (alg.toLowerCase() === "none")
    bad("Its algorithm is “none”: it is not signed, so anybody could have written it.");
  else if (!ALGORITHMS.includes(alg)) bad(`The server does not know the algorithm ${alg}.`);
  if (signature === "") bad("The signature is missing.");
  for (const name of ["jku", "x5u", "jwk"]) {
    if (name in header)
      bad(`The header brings a key of its own (${name}); the server only takes configured ones.`);
  }
  if ("crit" in header) bad("The header demands extensions (crit) that the server does not have.");
  return findings;
}

function ofClaims(claims: Record<string, unknown>, now: number): Finding[] {
  const findings: Finding[] = [];
  const bad = (text: string) => findings.push({ tone: "bad", text });
  const { sub, exp, nbf, iat } = claims;
  if (typeof sub !== "string" || sub === "")
    bad("It does not say whose it is: sub is missing or empty.");
  if (exp === undefined) bad("It never ends: exp is missing, and the server insists on it.");
  for (const [name, time] of Object.entries({ exp, nbf, iat })) {
    if (time !== undefined && typeof time !== "number") bad(`${name} is not a number of seconds.`);
    else if (typeof time === "number" && time > 1e11)
      bad(`${name} looks like milliseconds; it counts seconds.`);
  }
  if (typeof exp === "number" && exp <= now) bad(`It ended ${distance(exp, now)}.`);
  if (typeof exp === "number" && exp > now && exp - now < 60)
    findings.push({ tone: "warn", text: `It ends ${distance(exp, now)}.` });
  if (typeof nbf === "number" && nbf > now)
    bad(`It does not count before ${distance(nbf, now)} (nbf).`);
  if (typeof iat === "number" && iat > now + 60)
    findings.push({
      tone: "warn",
      text: `It was made ${distance(iat, now)}: one of the two clocks is wrong.`,
    });
  if (typeof claims["sts"] === "string" && claims["sts"] === "pending")
    bad("Its session is pending (sts): the sign-in was not finished.");
  return findings;
}

/** A claim in words where the bare value says little. */
export function inWords(name: string, value: unknown, now: number): string | null {
  if (
    ["exp", "nbf", "iat", "auth_time"].includes(name) &&
    typeof value === "number" &&
    value < 1e11
  ) {
    return `${new Date(value * 1000).toISOString().replace("T", " ").replace(".000Z", " UTC")}, ${distance(value, now)}`;
  }
  return MEANINGS[name] ?? null;
}

/** How far a moment is from now, in its largest unit; what rounds to a whole one is one. */
export function distance(at: number, now: number): string {
  const seconds = Math.abs(at - now);
  const reached = UNITS.find(([, span], index) => seconds >= span - (UNITS[index + 1]?.[1] ?? 0) / 2);
  const [unit, size] = reached ?? (["second", 1] as const);
  const count = Math.round(seconds / size);
  const words = `${count} ${unit}${count === 1 ? "" : "s"}`;
  return at > now ? `in ${words}` : `${words} ago`;
}

function part(text: string): Record<string, unknown> | null {
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

const TOKEN_BYTES_MAX = 8192;
const ALGORITHMS = ["HS", "RS", "PS"]
  .flatMap((kind) => [256, 384, 512].map((bits) => `${kind}${bits}`))
  .concat("ES256", "ES384", "EdDSA");
const UNITS = [
  ["year", 31_557_600],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
] as const;

const MEANINGS: Record<string, string> = {
  sub: "whose token it is",
  sid: "the session it is for; without it, the user's own",
  iss: "who made it",
  aud: "whom it is meant for",
  jti: "its own number, by which it can be revoked",
  roles: "expanded by the server's table of roles",
  role: "expanded by the server's table of roles",
  permissions: "granted beside the roles",
  scope: "not counted as permissions, unless configured",
  scopes: "not counted as permissions, unless configured",
  azp: "the page it was made for",
  ims: "milliseconds of the second in which it was made",
};
