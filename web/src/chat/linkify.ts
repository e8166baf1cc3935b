/** A piece of a message's text. */
export type Piece = { text: string; href: string | null };

/**
 * Cuts a text at the web addresses in it. Only `http:` and `https:` become links, whatever else a
 * text may call an address.
 */
export function linkify(text: string): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = withoutTail(match[0]);
    const href = webAddress(address);
    if (href === null) continue;
    if (match.index > from) pieces.push({ text: text.slice(from, match.index), href: null });
    pieces.push({ text: address, href });
    from = match.index + address.length;
  }
  if (from < text.length) pieces.push({ text: text.slice(from), href: null });
  return pieces;
}

/** The address, written out, where a link to it is safe: `http:` or `https:`. */
export function webAddress(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  const safe = url.protocol === "https:" || url.protocol === "http:";
  return safe && url.username === "" && url.password === "" ? url.href : null;
}

/** The address of an image or a file, where it may be used: `https:` only. */
export function secureAddress(text: string): string | null {
  const href = webAddress(text.trim());
  return href?.startsWith("https:") ? href : null;
}

/** Sentences end with marks that belong to no address; a closing bracket does where it was opened. */
function withoutTail(address: string): string {
  let end = address.length;
  while (end > 0) {
    const last = address[end - 1] ?? "";
    const inside = address.slice(0, end);
    if (".,;:!?'\"*_~".includes(last)) end -= 1;
    else if (last === ")" && count(inside, ")") > count(inside, "(")) end -= 1;
    else if (last === "]" && count(inside, "]") > count(inside, "[")) end -= 1;
    else break;
  }
  return address.slice(0, end);
}

const count = (text: string, mark: string): number => text.split(mark).length - 1;

const ADDRESS = /\bhttps?:\/\/[^\s<>"`]+/gi;
