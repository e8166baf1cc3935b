import { linkify, webAddress } from "./linkify.ts";
import type { Inline } from "./markdown.ts";

/**
 * The parts of a line or a paragraph: code, emphasis and links, whose address is `http:` or
 * `https:`; whatever else a text may call a link is text. An image is a link to it: what a model
 * writes must not make the reader's browser ask anybody for anything.
 */
export function inlinesOf(text: string, depth = 0): Inline[] {
  return new Reading(text, depth).read();
}

class Reading {
  readonly #found: Inline[] = [];
  /** Marks that do not occur again as ends: each is looked for once. */
  readonly #endless = new Set<string>();
  #plain = "";
  #at = 0;

  constructor(
    readonly text: string,
    readonly depth: number,
  ) {}

  read(): Inline[] {
    while (this.#at < this.text.length) if (!this.#special()) this.#take();
    this.#flush();
    return this.#found;
  }

  /** Something other than text, if it begins here. */
  #special(): boolean {
    switch (this.text[this.#at]) {
      case "\\":
        return this.#escaped();
      case "`":
        return this.#code();
      case "!":
      case "[":
        return this.#link();
      case "*":
      case "_":
      case "~":
        return this.#marked();
      default:
        return false;
    }
  }

  /** The next character, and those after it that mean nothing. */
  #take(): void {
    PLAIN.lastIndex = this.#at + 1;
    const end = PLAIN.test(this.text) ? PLAIN.lastIndex : this.#at + 1;
    this.#plain += this.text.slice(this.#at, end);
    this.#at = end;
  }

  #escaped(): boolean {
    const next = this.text[this.#at + 1] ?? "";
    if (!ESCAPED.test(next)) return false;
    this.#plain += next;
    this.#at += 2;
    return true;
  }

  #code(): boolean {
    const mark = this.#run("`");
    const from = this.#at + mark.length;
    const end = this.#endOf(mark, from, (at) => this.text[at - 1] !== "`" && this.text[at + mark.length] !== "`");
    if (end < 0) {
      // The whole run is text, so that none of its ends is tried alone.
      this.#plain += mark;
      this.#at = from;
      return true;
    }
    const held = this.text.slice(from, end);
    const padded = held.length > 2 && held.startsWith(" ") && held.endsWith(" ");
    this.#put({ is: "code", text: padded ? held.slice(1, -1) : held }, end + mark.length);
    return true;
  }

  #link(): boolean {
    LINK.lastIndex = this.#at;
    const found = LINK.exec(this.text);
    const href = webAddress(found?.[2] ?? "");
    if (!found || href === null) return false;
    const words = (found[1] ?? "").trim();
    this.#put({ is: "link", text: words === "" ? href : words, href }, this.#at + found[0].length);
    return true;
  }

  #marked(): boolean {
    const { text } = this;
    const sign = text[this.#at] ?? "";
    const run = this.#run(sign);
    const mark = run.slice(0, 2);
    const from = this.#at + mark.length;
    const opens = this.depth < DEPTH_MAX && run.length <= 3 && /\S/.test(text[from] ?? "");
    const inWord = sign === "_" && WORD.test(text[this.#at - 1] ?? "");
    const end = !opens || inWord || (sign === "~" && mark !== "~~") ? -1 : this.#endOf(mark, from, (at) => this.#ends(at, mark));
    if (end < 0) {
      this.#plain += run;
      this.#at += run.length;
      return true;
    }
    const is = sign === "~" ? "struck" : mark.length === 2 ? "strong" : "emphasis";
    const inlines = inlinesOf(text.slice(from, end), this.depth + 1);
    this.#put({ is, inlines }, end + mark.length);
    return true;
  }

  /** Whether a mark ends something: after a word, and no part of another mark. */
  #ends(at: number, mark: string): boolean {
    const { text } = this;
    const sign = mark[0] ?? "";
    const after = text[at + mark.length] ?? "";
    if (!/\S/.test(text[at - 1] ?? "")) return false;
    if (mark.length === 1 && (after === sign || text[at - 1] === sign)) return false;
    if (mark.length === 2 && after === sign) return false;
    return sign !== "_" || !WORD.test(after);
  }

  /** Where a mark that fits stands; -1 where none does, of which the rest of the text is sure. */
  #endOf(mark: string, from: number, fits: (at: number) => boolean): number {
    if (this.#endless.has(mark)) return -1;
    for (let at = this.text.indexOf(mark, from); at >= 0; at = this.text.indexOf(mark, at + 1)) {
      if (at > from && fits(at)) return at;
    }
    this.#endless.add(mark);
    return -1;
  }

  #run(sign: string): string {
    let end = this.#at;
    while (this.text[end] === sign) end += 1;
    return this.text.slice(this.#at, end);
  }

  #put(inline: Inline, next: number): void {
    this.#flush();
    this.#found.push(inline);
    this.#at = next;
  }

  #flush(): void {
    for (const { text, href } of linkify(this.#plain)) {
      this.#found.push(href === null ? { is: "text", text } : { is: "link", text, href });
    }
    this.#plain = "";
  }
}

/** Up to the next character that may mean something. */
const PLAIN = /[^\\`![*_~]*/y;
const ESCAPED = /[\\`*_{}[\]()#+\-.!~>|]/;
/** `[words](address)`, or `![words](address)`; a title after the address is left out. */
const LINK = /!?\[([^[\]\n]{0,300})\]\(\s*<?([^\s()<>]{1,2000}(?:\([^\s()<>]{0,300}\)[^\s()<>]{0,300})?)>?(?:\s+"[^"\n]{0,300}")?\s*\)/y;
const WORD = /[\p{L}\p{N}]/u;
/** Emphasis within emphasis; deeper marks are text. */
const DEPTH_MAX = 4;
