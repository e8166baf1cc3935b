import { expect, test } from "vitest";

import { linkify, secureAddress, webAddress } from "./linkify.ts";

const links = (text: string) =>
  linkify(text).flatMap(({ text: shown, href }) => (href ? [shown] : []));

test.each([
  ["see https://example.com/a?b=1#c now", ["https://example.com/a?b=1#c"]],
  ["HTTP://EXAMPLE.COM", ["HTTP://EXAMPLE.COM"]],
  ["(https://example.com/a_(b))", ["https://example.com/a_(b)"]],
  ["[https://example.com]", ["https://example.com"]],
  [
    "https://example.com/a, https://example.com/b.",
    ["https://example.com/a", "https://example.com/b"],
  ],
  ["<https://example.com>", ["https://example.com"]],
  ["javascript:alert(1) data:text/html,x ftp://example.com", []],
  ["https://user:secret@example.com", []],
  ["https://", []],
  ["nohttps://example.com", []],
])("links of %s", (text, expected) => {
  expect(links(text)).toEqual(expected);
});

test.each([
  "",
  "no link",
  "a https://example.com/x. b",
  "https://a.example https://b.example",
  "ä\nhttps://ä.example/ö",
])("nothing of %j is lost", (text) => {
  expect(
    linkify(text)
      .map((piece) => piece.text)
      .join(""),
  ).toBe(text);
});

test("a link's target is written out, so that it cannot lie about its host", () => {
  expect(webAddress("https://EXAMPLE.com")).toBe("https://example.com/");
  expect(webAddress("https://ä.example")).toBe("https://xn--4ca.example/");
});

test("images and files come by https only", () => {
  expect(secureAddress(" https://example.com/a.png ")).toBe("https://example.com/a.png");
  expect(secureAddress("http://example.com/a.png")).toBeNull();
  expect(secureAddress("javascript:alert(1)")).toBeNull();
  expect(secureAddress("a.png")).toBeNull();
});
