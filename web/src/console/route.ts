/** Sections by the address's hash: `#/rooms/general` is the section `rooms` with the rest `general`. */
import { useSyncExternalStore } from "react";

export const SECTIONS = [
  { id: "overview", title: "Overview", key: "o" },
  { id: "connections", title: "Connections", key: "c" },
  { id: "rooms", title: "Rooms", key: "r" },
  { id: "topics", title: "Topics", key: "t" },
  { id: "assistant", title: "Assistant", key: "s" },
  { id: "wallet", title: "Wallet", key: "l" },
  { id: "users", title: "Users", key: "u" },
  { id: "audit", title: "Audit", key: "a" },
  { id: "config", title: "Config", key: "f" },
  { id: "explain", title: "Why denied", key: "w" },
] as const;

export type SectionId = (typeof SECTIONS)[number]["id"];

export interface Route {
  section: SectionId;
  rest: string[];
  query: URLSearchParams;
}

export function parseRoute(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const [first = "", ...rest] = path.split("/").map(decoded);
  const section = SECTIONS.find(({ id }) => id === first)?.id ?? "overview";
  return { section, rest: rest.filter(Boolean), query: new URLSearchParams(query) };
}

export function linkTo(
  section: SectionId,
  rest: string[] = [],
  query: Record<string, string> = {},
): string {
  const path = [section, ...rest.map(encodeURIComponent)].join("/");
  const filled = Object.entries(query).filter(([, value]) => value !== "");
  return `#/${path}${filled.length > 0 ? `?${new URLSearchParams(filled)}` : ""}`;
}

export function useRoute(): Route {
  const hash = useSyncExternalStore(onHash, () => location.hash);
  return parseRoute(hash);
}

function onHash(listener: () => void): () => void {
  addEventListener("hashchange", listener);
  return () => removeEventListener("hashchange", listener);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
