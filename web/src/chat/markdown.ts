/** A part of a text that stands by itself. */
export type Block =
  | { is: "paragraph" | "heading"; text: string }
  | { is: "code"; text: string; language: string }
  | { is: "quote"; blocks: Block[] }
  | { is: "list"; ordered: boolean; start: number; items: Block[][] }
  | { is: "rule" };

/** A part of a line. */
export type Inline =
  | { is: "text" | "code"; text: string }
  | { is: "strong" | "emphasis" | "struck"; inlines: Inline[] }
  | { is: "link"; text: string; href: string };

/**
 * The blocks of a text in the markdown that models write: paragraphs, headings, lists, quotes,
 * fenced code and rules. There is no HTML in it: what looks like a tag is text. A text that is not
 * at its end yet gives blocks as well, and only the last one changes as it grows.
 */
export function blocksOf(text: string, depth = 0): Block[] {
  const lines = text.replaceAll("\r", "").split("\n");
  const blocks: Block[] = [];
  let at = 0;
  while (at < lines.length) {
    const [block, next] = blockAt(lines, at, depth);
    if (block) blocks.push(block);
    at = next;
  }
  return blocks;
}

type Found = readonly [Block | null, number];

/** The block that begins in a line, and the line after it. */
function blockAt(lines: readonly string[], at: number, depth: number): Found {
  const line = lines[at] ?? "";
  if (line.trim() === "") return [null, at + 1];
  const fence = FENCE.exec(line);
  if (fence) return codeAt(lines, at, fence[1] ?? "", fence[2] ?? "");
  const heading = HEADING.exec(line);
  if (heading) return [{ is: "heading", text: heading[1] ?? "" }, at + 1];
  if (RULE.test(line)) return [{ is: "rule" }, at + 1];
  if (depth < DEPTH_MAX && QUOTE.test(line)) return quoteAt(lines, at, depth);
  if (depth < DEPTH_MAX && ITEM.test(line)) return listAt(lines, at, depth);
  let end = at + 1;
  while (end < lines.length && !begins(lines[end] ?? "", depth)) end += 1;
  const text = lines.slice(at, end).map((each) => each.trim());
  return [{ is: "paragraph", text: text.join("\n") }, end];
}

/** Up to the same fence, or to the end of what is there. */
function codeAt(lines: readonly string[], at: number, fence: string, language: string): Found {
  let end = at + 1;
  const closes = (line: string) => line.trim().startsWith(fence) && /^(`+|~+)$/.test(line.trim());
  while (end < lines.length && !closes(lines[end] ?? "")) end += 1;
  return [{ is: "code", text: lines.slice(at + 1, end).join("\n"), language }, end + 1];
}

function quoteAt(lines: readonly string[], at: number, depth: number): Found {
  let end = at;
  while (end < lines.length && QUOTE.test(lines[end] ?? "")) end += 1;
  const inner = lines.slice(at, end).map((line) => line.replace(QUOTE, ""));
  return [{ is: "quote", blocks: blocksOf(inner.join("\n"), depth + 1) }, end];
}

/** Items of one kind and what is indented below them; a blank line may stand between. */
function listAt(lines: readonly string[], at: number, depth: number): Found {
  const first = itemOf(lines[at]);
  if (!first) return [null, at + 1];
  const items: string[][] = [];
  let end = at;
  while (end < lines.length) {
    const line = lines[end] ?? "";
    const item = itemOf(line);
    const held = items.at(-1);
    if (item && item.indent <= first.indent + 1) {
      if (item.ordered !== first.ordered || item.indent < first.indent) break;
      items.push([item.text]);
    } else if (held && line.trim() === "") {
      if (!goesOn(lines[end + 1], first)) break;
      held.push("");
    } else if (held && (indentOf(line) > first.indent || !begins(line, depth))) {
      held.push(line.slice(Math.min(indentOf(line), first.indent + first.width)));
    } else break;
    end += 1;
  }
  const blocks = items.map((item) => blocksOf(item.join("\n"), depth + 1));
  return [{ is: "list", ordered: first.ordered, start: first.start, items: blocks }, end];
}

interface Item {
  indent: number;
  /** Of its mark and the space after it. */
  width: number;
  ordered: boolean;
  start: number;
  text: string;
}

function itemOf(line: string | undefined): Item | null {
  const found = ITEM.exec(line ?? "");
  if (!found) return null;
  const [, space = "", mark = "", gap = "", text = ""] = found;
  const start = Number.parseInt(mark, 10);
  const ordered = !Number.isNaN(start);
  const width = mark.length + gap.length;
  return { indent: space.length, width, ordered, start: ordered ? start : 1, text };
}

/** Whether a list goes on after a blank line. */
const goesOn = (line: string | undefined, first: Item): boolean => {
  if (line === undefined || line.trim() === "") return false;
  const item = itemOf(line);
  return indentOf(line) > first.indent || (item?.ordered === first.ordered && item.indent === first.indent);
};

const indentOf = (line: string): number => line.length - line.trimStart().length;

/** Whether a line is no part of the paragraph before it. */
const begins = (line: string, depth: number): boolean =>
  line.trim() === "" ||
  FENCE.test(line) ||
  HEADING.test(line) ||
  RULE.test(line) ||
  (depth < DEPTH_MAX && (QUOTE.test(line) || ITEM.test(line)));

const FENCE = /^\s*(`{3,}|~{3,})\s*([\w+#.-]{0,30})[^`]*$/;
const HEADING = /^ {0,3}#{1,6}\s+(.*?)(?:\s+#+)?\s*$/;
const RULE = /^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])([ \t]+)(.*)$/;
/** Blocks within blocks; deeper ones are text. */
const DEPTH_MAX = 6;
