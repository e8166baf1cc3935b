/** "A is typing", "A and B are typing", … ; empty where nobody does. */
export function typingWords(names: readonly string[]): string {
  const [first, second] = names;
  if (!first) return "";
  if (!second) return `${first} is typing…`;
  if (names.length === 2) return `${first} and ${second} are typing…`;
  return `${first}, ${second} and ${others(names.length - 2)} are typing…`;
}

/** The title of the browser's tab. */
export function pageTitle(unread: number, room: string | null): string {
  const place = room ? `${room} · Conclave` : "Conclave";
  return unread > 0 ? `(${unread > 999 ? "999+" : unread}) ${place}` : place;
}

/** A count for a badge. */
export const short = (count: number): string => (count > 99 ? "99+" : String(count));

/** "1 message", "2 messages". */
export const many = (count: number, one: string, more = `${one}s`): string =>
  `${count.toLocaleString()} ${count === 1 ? one : more}`;

/** "Today", "Yesterday", else the date; the year only where it is another one. */
export function dayWords(day: Date, now: Date): string {
  const days = Math.round((midnight(now) - midnight(day)) / DAY_MS);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  const format = day.getFullYear() === now.getFullYear() ? THIS_YEAR : OTHER_YEAR;
  return format.format(day);
}

/** The time of the day, in the reader's way. */
export const timeWords = (date: Date): string => TIME.format(date);

/** Date and time, for tips. */
export const momentWords = (date: Date): string => MOMENT.format(date);

/** In a list: the time today, "Yesterday", else the date. */
export function whenWords(date: Date, now: Date): string {
  const words = dayWords(date, now);
  if (words === "Today") return timeWords(date);
  return words === "Yesterday" ? words : SHORT_DAY.format(date);
}

/** How long ago somebody was seen. */
export function seenWords(date: Date | null, now: Date): string {
  if (!date) return "Offline";
  const minutes = Math.floor((now.getTime() - date.getTime()) / 60_000);
  if (minutes < 1) return "Seen just now";
  if (minutes < 60) return `Seen ${many(minutes, "minute")} ago`;
  if (minutes < 24 * 60) return `Seen ${many(Math.floor(minutes / 60), "hour")} ago`;
  return `Seen ${whenWords(date, now)}`;
}

/** How the server counts what a message holds. */
export const lengthOf = (content: string): number => [...content].length;

/** `limits.content_chars` as it is by default. */
export const CONTENT_MAX = 2_000;

const others = (count: number): string => (count === 1 ? "1 other" : `${count} others`);
const midnight = (date: Date): number =>
  new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();

const DAY_MS = 86_400_000;
const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const SHORT_DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const THIS_YEAR = new Intl.DateTimeFormat(undefined, {
  weekday: "long",
  day: "numeric",
  month: "long",
});
const OTHER_YEAR = new Intl.DateTimeFormat(undefined, { dateStyle: "long" });
