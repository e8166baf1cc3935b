// @vitest-environment happy-dom
import { act } from "react";
import { createRoot } from "react-dom/client";
import { expect, test } from "vitest";

import { Markdown } from "./Markdown.tsx";

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

/** The page's elements for a text. */
async function rendered(text: string): Promise<HTMLElement> {
  const place = document.createElement("div");
  const root = createRoot(place);
  await act(async () => root.render(<Markdown text={text} />));
  return place;
}

const names = (place: HTMLElement): string[] =>
  [...place.querySelectorAll("*")].map(({ localName }) => localName);

test("a text becomes the elements that it means", async () => {
  const place = await rendered("# Disks\n\nLook **first**:\n\n1. `lsblk`\n2. mount\n\n```sh\nls\n```");
  expect(place.querySelector("strong")?.textContent).toBe("first");
  expect([...place.querySelectorAll("ol > li")].map((item) => item.textContent)).toEqual(["lsblk", "mount"]);
  expect(place.querySelector("pre")?.getAttribute("aria-label")).toBe("Code, sh");
  expect(place.textContent).toBe("DisksLook first:lsblkmountls");
});

test.each([
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "![i](https://a.example/pixel.png)",
  "[a](javascript:alert(1)) [b](data:text/html,x) [c](//a.example) [d](vbscript:x)",
  "<a href='javascript:alert(1)'>x</a>",
  "```html\n<iframe src=https://a.example></iframe>\n```",
  "**<style>*{}</style>**",
])("%j makes no element but those of this page", async (text) => {
  const place = await rendered(text);
  expect(names(place).filter((name) => !OWN.has(name))).toEqual([]);
  for (const link of place.querySelectorAll("a")) {
    expect(link.getAttribute("href")).toMatch(/^https?:/);
    expect(link.getAttribute("rel")).toBe("noopener noreferrer nofollow");
  }
});

const OWN = new Set(["div", "p", "a", "strong", "em", "pre", "code"]);
