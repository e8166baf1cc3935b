import { join } from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { expect, test as base, type BrowserContext, type Page } from "@playwright/test";

import { Node, type NodeSettings } from "./node.ts";

export { expect, type Page } from "@playwright/test";
export { Node } from "./node.ts";

/** What a page may be looked at through. */
export type Look = "desktop" | "desktop-dark" | "phone" | "phone-dark";

interface Bed {
  /** Set with `test.use({ settings: { env: { … }, args: [] } })`. */
  settings: NodeSettings;
  /** A running node with the dev users. It is killed and removed after the test. */
  node: Node;
  /** A page in a browser profile of its own: another person. */
  person: () => Promise<Page>;
  /** What the pages did wrong so far: uncaught errors and what the Content-Security-Policy
   * stopped. A test fails at its end where this is not empty. */
  faults: string[];
}

export const test = base.extend<Bed>({
  settings: [{ env: {}, args: [] }, { option: true }],
  node: async ({ settings }, use) => {
    const node = await Node.start(settings);
    await use(node);
    await node.remove();
  },
  faults: async ({}, use) => {
    const faults: string[] = [];
    await use(faults);
    expect(faults).toEqual([]);
  },
  context: async ({ context, faults }, use) => {
    watch(context, faults);
    await use(context);
  },
  baseURL: async ({ node }, use) => use(node.url),
  person: async ({ browser, baseURL, faults }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async () => {
      const context = await browser.newContext(baseURL ? { baseURL } : {});
      contexts.push(context);
      watch(context, faults);
      return context.newPage();
    });
    for (const context of contexts) await context.close();
  },
});

/** No serious or critical finding of axe, in light and, as far as it looks at colours, in dark. */
export async function accessible(page: Page): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const axe = new AxeBuilder({ page });
    if (colorScheme === "dark") axe.withRules(OF_COLOURS);
    const { violations } = await axe.analyze();
    const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
    const told = grave.map(({ id, help, nodes }) => ({
      id,
      help,
      where: nodes.map(({ target, failureSummary }) => `${target.join(" ")}: ${failureSummary}`),
    }));
    expect(told, colorScheme).toEqual([]);
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
}

/**
 * Writes NAME.png, NAME-dark.png, NAME-phone.png and NAME-phone-dark.png into the folder that
 * `SCREENSHOTS` names (an absolute path); does nothing without it. `look` is called after each
 * change of size, to bring the page into the state to be shown.
 */
export async function shot(
  page: Page,
  name: string,
  looks: readonly Look[] = LOOKS,
  look: (look: Look) => Promise<void> = async () => {},
): Promise<void> {
  const folder = process.env["SCREENSHOTS"];
  if (!folder) return;
  const before = page.viewportSize();
  for (const [at, ending] of ENDINGS) {
    if (!looks.includes(at)) continue;
    await page.setViewportSize(at.startsWith("phone") ? PHONE : DESKTOP);
    const colorScheme = at.endsWith("dark") ? "dark" : "light";
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await look(at);
    await page.evaluate(() => document.fonts.ready);
    await page.screenshot({ path: join(folder, `${name}${ending}.png`), animations: "disabled" });
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
  if (before) await page.setViewportSize(before);
}

/** Fills the form that all pages share, and sends it. */
export async function signIn(page: Page, name: string, password = "password"): Promise<void> {
  await page.getByLabel("User name").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

function watch(context: BrowserContext, faults: string[]): void {
  context.on("weberror", (fault) => faults.push(String(fault.error())));
  context.on("console", (message) => {
    if (/Content Security Policy|Content-Security-Policy/i.test(message.text())) {
      faults.push(message.text());
    }
  });
}

/** The rest of a page is the same in dark. */
const OF_COLOURS = ["color-contrast", "link-in-text-block"];
const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
const ENDINGS: readonly (readonly [Look, string])[] = [
  ["desktop", ""],
  ["desktop-dark", "-dark"],
  ["phone", "-phone"],
  ["phone-dark", "-phone-dark"],
];
const LOOKS: readonly Look[] = ENDINGS.map(([look]) => look);
