import { expect, test } from "vitest";

import { inlinesOf } from "./inlines.ts";
import { blocksOf, type Block, type Inline } from "./markdown.ts";

/** Blocks in short: `p:text`, `ul[item|item]`. */
const brief = (blocks: readonly Block[]): string[] =>
  blocks.map((block) => {
    switch (block.is) {
      case "list": {
        const items = block.items.map((item) => brief(item).join(";")).join("|");
        return `${block.ordered ? `ol${block.start}` : "ul"}[${items}]`;
      }
      case "quote":
        return `quote(${brief(block.blocks).join(";")})`;
      case "rule":
        return "rule";
      case "code":
        return `code ${block.language}:${block.text}`;
      default:
        return `${block.is[0]}:${block.text}`;
    }
  });

const line = (inlines: readonly Inline[]): string =>
  inlines
    .map((inline) => {
      if ("inlines" in inline) return `<${inline.is} ${line(inline.inlines)}>`;
      if (inline.is === "link") return `<a ${inline.href} ${inline.text}>`;
      return inline.is === "code" ? `<code ${inline.text}>` : inline.text;
    })
    .join("");

test.each([
  ["", []],
  ["one\ntwo\n\nthree", ["p:one\ntwo", "p:three"]],
  ["# Title #\ntext", ["h:Title", "p:text"]],
  ["#hash", ["p:#hash"]],
  ["a\n- b\n- c", ["p:a", "ul[p:b|p:c]"]],
  ["1. a\n2. b", ["ol1[p:a|p:b]"]],
  ["3) a", ["ol3[p:a]"]],
  ["- a\n  - b\n    - c\n- d", ["ul[p:a;ul[p:b;ul[p:c]]|p:d]"]],
  ["- a\n\n- b\n\ntext", ["ul[p:a|p:b]", "p:text"]],
  ["1. a\n   more\n\n   ```js\n   x\n   ```\n2. b", ["ol1[p:a\nmore;code js:x|p:b]"]],
  ["- a\nlazy", ["ul[p:a\nlazy]"]],
  ["- a\n1. b", ["ul[p:a]", "ol1[p:b]"]],
  ["```python\nif x:\n  y\n```\nafter", ["code python:if x:\n  y", "p:after"]],
  ["```\nnot closed\n# yet", ["code :not closed\n# yet"]],
  ["~~~\n```\n~~~", ["code :```"]],
  ["> a\n> - b\n\nc", ["quote(p:a;ul[p:b])", "p:c"]],
  ["***\n- - -\n__", ["rule", "rule", "p:__"]],
  ["a - b\n-c", ["p:a - b\n-c"]],
  ["<script>alert(1)</script>", ["p:<script>alert(1)</script>"]],
  ["a\r\nb", ["p:a\nb"]],
])("the blocks of %j", (text, blocks) => {
  expect(brief(blocksOf(text))).toEqual(blocks);
});

test.each([
  ["plain", "plain"],
  ["a `b` c", "a <code b> c"],
  ["``a ` b``", "<code a ` b>"],
  ["`` ` ``", "<code `>"],
  ["a ` b", "a ` b"],
  ["*a* **b** ***c*** ~~d~~", "<emphasis a> <strong b> <strong <emphasis c>> <struck d>"],
  ["**a *b* c**", "<strong a <emphasis b> c>"],
  ["_a_ __b__ snake_case_name", "<emphasis a> <strong b> snake_case_name"],
  ["2 * 3 * 4", "2 * 3 * 4"],
  ["**open", "**open"],
  ["*open **closed**", "*open <strong closed>"],
  ["\\*no\\* \\`no\\`", "*no* `no`"],
  ["`*a*`", "<code *a*>"],
  ["[words](https://a.example/x_(y))", "<a https://a.example/x_(y) words>"],
  ['[words](https://a.example "title")', "<a https://a.example/ words>"],
  ["[words](<https://a.example>)", "<a https://a.example/ words>"],
  ["![alt](https://a.example/i.png)", "<a https://a.example/i.png alt>"],
  ["[](https://a.example)", "<a https://a.example/ https://a.example/>"],
  ["https://a.example/b_c_d.", "<a https://a.example/b_c_d https://a.example/b_c_d>."],
  ["**https://a.example**", "<strong <a https://a.example/ https://a.example>>"],
  ["[a](javascript:alert(1))", "[a](javascript:alert(1))"],
  ["[a](JaVaScRiPt:alert)", "[a](JaVaScRiPt:alert)"],
  ["[a](data:text/html,x)", "[a](data:text/html,x)"],
  ["[a](/here)", "[a](/here)"],
  ["[a](https://user:secret@a.example)", "[a](https://user:secret@a.example)"],
  ["<b onclick=x>", "<b onclick=x>"],
])("the parts of %j", (text, parts) => {
  expect(line(inlinesOf(text))).toBe(parts);
});

test("of an answer that grows only the last block changes", () => {
  const whole = "# Disks\n\nFirst **look**:\n\n1. `lsblk`\n2. mount\n\n```sh\nmount /dev/sda1 /mnt\n```\n\nDone.";
  let before: string[] = [];
  for (let length = 1; length <= whole.length; length += 1) {
    const now = brief(blocksOf(whole.slice(0, length)));
    // A line may turn out to begin something else: the last two are in doubt.
    expect(now.slice(0, Math.max(0, before.length - 2))).toEqual(before.slice(0, Math.max(0, before.length - 2)));
    before = now;
  }
});

test.each(["*a ", "_a ", "**", "~~ ~", "`", "``a`", "[", "![a](", "> ", "- ", "  - ", "\\", "1. "])(
  "much of %j is read, and nothing of it is lost",
  (piece) => {
    const text = piece.repeat(20_000);
    const blocks = blocksOf(text);
    expect(blocks.length).toBeGreaterThan(0);
    expect(line(inlinesOf(text)).length).toBeGreaterThan(0);
  },
);
