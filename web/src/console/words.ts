/** Numbers, times and decisions in words. */
import type { ConfigKey, Explanation } from "./shapes.ts";

export function count(value: number): string {
  return value.toLocaleString("en");
}

/** A rate per second: whole numbers from ten on. */
export function rate(value: number | null): string {
  if (value === null) return "–";
  return value >= 10 || value === 0 ? count(Math.round(value)) : value.toFixed(1);
}

export function milliseconds(value: number | null): string {
  if (value === null) return "–";
  if (value >= 1000) return `${(value / 1000).toFixed(1)} s`;
  return `${value >= 10 ? Math.round(value) : value.toFixed(value >= 1 ? 1 : 2)} ms`;
}

export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  let rest = value;
  for (const unit of ["B", "KiB", "MiB", "GiB"]) {
    if (rest < 1024 || unit === "GiB")
      return `${rest < 10 && unit !== "B" ? rest.toFixed(1) : Math.round(rest)} ${unit}`;
    rest /= 1024;
  }
  return `${value} B`;
}

/** A part of a whole, in percent. */
export function share(part: number, whole: number): string {
  return whole > 0 ? `${Math.round((part / whole) * 100)} %` : "–";
}

/** The ends of a hash, which tell it apart in a line. */
export function shortHash(hash: string): string {
  return hash.length > 18 ? `${hash.slice(0, 10)}…${hash.slice(-6)}` : hash;
}

/** The two largest units of a span: `2 d 3 h`, `4 min 10 s`. */
export function span(seconds: number): string {
  let rest = Math.max(0, Math.floor(seconds));
  const parts: string[] = [];
  for (const [unit, size] of [
    ["d", 86_400],
    ["h", 3600],
    ["min", 60],
    ["s", 1],
  ] as const) {
    const whole = Math.floor(rest / size);
    rest -= whole * size;
    if (whole > 0 || (unit === "s" && parts.length === 0)) parts.push(`${whole} ${unit}`);
    if (parts.length === 2 || (parts.length === 1 && whole === 0)) break;
  }
  return parts.join(" ");
}

/** A moment of today as a time, another with its date; always to the second. */
export function moment(text: string, now = new Date()): string {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) return text;
  const time = at.toLocaleTimeString("en-GB");
  return at.toDateString() === now.toDateString()
    ? time
    : `${at.toLocaleDateString("en-CA")} ${time}`;
}

/** A configured value as one line of text. */
export function configValue(key: ConfigKey): string {
  if (key.secret) return key.set ? "set, not shown" : "not set";
  if (key.value === null || key.value === undefined) return "not set";
  return typeof key.value === "string" ? key.value : JSON.stringify(key.value);
}

/** Keys whose name, value, origin or description holds every word of the filter. */
export function filterConfig(
  keys: readonly ConfigKey[],
  filter: string,
  changedOnly: boolean,
): ConfigKey[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  return keys.filter((key) => {
    if (changedOnly && key.from === "default") return false;
    const text = [key.key, configValue(key), key.from, key.source ?? "", key.about]
      .join(" ")
      .toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** A decision in whole sentences: what, by which rule, and what would change it. */
export function explanation(told: Explanation): {
  verdict: string;
  because: string;
  change: string | null;
} {
  const where = told.channel ? ` in ${told.channel}` : "";
  const verdict = `${told.user} ${told.allowed ? "may" : "may not"} use ${told.permission}${where}.`;
  return { verdict, because: because(told), change: told.allowed ? null : change(told) };
}

function because(told: Explanation): string {
  const granted =
    told.grant && told.grant !== told.permission ? `“${told.grant}”, which covers it` : "it";
  const inRoom = {
    member: " and the user is a member of the room",
    "room.any": " and room.any opens every room",
    none: "",
  };
  const room = told.membership ? inRoom[told.membership] : "";
  switch (told.rule) {
    case "disabled":
      return "The user is disabled, so no permission counts and tokens are refused.";
    case "issuer_default":
      return `The issuer's defaults grant ${granted}${room}. They apply to tokens that carry neither roles nor permissions.`;
    case "not_a_member":
      return `The permission is granted, but the user is not a member of the room, and room.any is not granted.`;
    case "not_granted":
      return "No role of the user and no permission of their own grants it.";
    case "permission":
      return `A permission of the user's own grants ${granted}${room}.`;
    case "role":
      return `The role ${told.role ?? ""} grants ${granted}${room}.`;
  }
}

function change(told: Explanation): string | null {
  switch (told.rule) {
    case "disabled":
      return "Enable the user again under Users.";
    case "not_a_member":
      return "Invite the user to the room, or let them join it where it is public.";
    case "not_granted":
      return `Give the user a role that has ${told.permission}, or the permission itself, under Users.`;
    default:
      return null;
  }
}
