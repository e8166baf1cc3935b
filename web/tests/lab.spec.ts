import { createHmac } from "node:crypto";

import { accessible, expect, shot, test, type Page } from "./bed.ts";
import { weight, WEIGHT_MAX } from "./weight.ts";

const KEY = "a-key-for-tests-that-is-long-enough-0123";

test("two clients of a session hear each other, one by one", async ({ page }) => {
  await page.goto("/lab");
  const [one, two] = [
    page.getByRole("article", { name: "WebClient1" }),
    page.getByRole("article", { name: "WebClient2" }),
  ];
  for (const card of [one, two]) {
    await card.getByRole("button", { name: "Connect", exact: true }).click();
    await card.getByRole("button", { name: "Subscribe", exact: true }).click();
    await expect(card.getByRole("button", { name: "Unsubscribe from StatusEvent" })).toBeVisible();
  }
  await one.getByLabel("Payload").fill('{"door":"open"}');
  await one.getByLabel("It is JSON").check();
  await one.getByRole("button", { name: "Publish" }).click();
  await expect(two.getByText('StatusEvent: {"door":"open"} (from WebClient1)')).toBeVisible();
  await two.getByRole("button", { name: "Raw" }).click();
  await expect(two.getByText(/"payload":\{"door":"open"\}/)).toBeVisible();
  await one.getByLabel("Payload").fill("{");
  await one.getByRole("button", { name: "Publish" }).click();
  await expect(one.getByText("This is not JSON")).toBeVisible();
  await two.getByRole("button", { name: "Unsubscribe from StatusEvent" }).click();
  await expect(two.getByRole("button", { name: "Unsubscribe from StatusEvent" })).toHaveCount(0);
  await two.getByRole("button", { name: "Disconnect" }).click();
  await expect(two.getByText("closed 1000")).toBeVisible();
});

test("nothing crosses the border of a session", async ({ page }) => {
  await page.goto("/lab#/isolation");
  await page.getByRole("button", { name: "Run the scene" }).click();
  await isIsolated(page);
});

test("nor for one user's two sessions", async ({ page }) => {
  await page.goto("/lab#/isolation");
  await page.getByText("Play it signed in").click();
  await fillUser(page, "testuser");
  await page.getByRole("button", { name: "Run the scene" }).click();
  await isIsolated(page);
});

test.describe("with a known key", () => {
  test.use({ settings: { env: { JWT_SECRET_KEY: KEY }, args: [] } });

  test("an expired token is explained, and refused with 1008", async ({ page }) => {
    await page.goto("/lab#/token");
    const now = Math.floor(Date.now() / 1000);
    await page
      .getByRole("textbox", { name: "Token", exact: true })
      .fill(signed({ sub: "user", iat: now - 9000, exp: now - 7200 }));
    await expect(page.getByText("It ended 2 hours ago.")).toBeVisible();
    await page.getByRole("button", { name: "Try it" }).click();
    await expect(page.getByRole("alert")).toContainText("Refused: 1008 Invalid or expired token.");
    await expect(page.getByRole("alert")).toContainText("Sign in for a new one");
  });

  test("a good token is taken, a spoilt one is not", async ({ page }) => {
    await page.goto("/lab#/token");
    await page
      .getByRole("textbox", { name: "Token", exact: true })
      .fill(signed({ sub: "user", exp: Math.floor(Date.now() / 1000) + 600 }));
    await page.getByRole("button", { name: "Try it" }).click();
    await expect(
      page.getByText("The server takes it. The connection was in the session session-user."),
    ).toBeVisible();
    await page.getByRole("button", { name: "Spoil the signature" }).click();
    await page.getByRole("button", { name: "Try it" }).click();
    await expect(page.getByRole("alert")).toContainText("Refused: 1008 Invalid or expired token.");
  });
});

test("a token is minted for a session and read", async ({ page }) => {
  await page.goto("/lab#/token");
  await fillUser(page, "testuser");
  await page.getByLabel("Session").locator("visible=true").fill("bench");
  await page.getByRole("button", { name: "Sign in for a token" }).click();
  const claims = page.getByRole("region", { name: "Claims" });
  await expect(claims).toContainText("testuser");
  await expect(claims).toContainText("bench");
  await expect(claims).toContainText(/in (1 hour|\d\d minutes)/);
  await page.getByRole("button", { name: "Try it" }).click();
  await expect(page.getByText("The connection was in the session bench.")).toBeVisible();
  expect(await page.evaluate(() => [localStorage.length, sessionStorage.length])).toEqual([0, 0]);
});

test("a broadcast reaches all who listen, with who sent it", async ({ page }) => {
  await page.goto("/lab#/broadcast");
  await page.getByRole("button", { name: "Connect two listeners" }).click();
  await page.getByRole("button", { name: "Broadcast", exact: true }).click();
  for (const name of ["Listener 1, who sends", "Listener 2"]) {
    await expect(
      page.getByRole("article", { name }).getByText(/broadcast by user: .*Hello/),
    ).toBeVisible();
  }
});

test("what is not allowed is refused as it should be", async ({ page }) => {
  await page.goto("/lab#/limits");
  const tried = async (what: string, answer: string) => {
    await page.getByRole("button", { name: `Do it: ${what}` }).click();
    await expect(
      page.getByRole("listitem").filter({ hasText: what }).getByRole("status"),
    ).toContainText(answer);
  };
  await tried("Subscribe in another session", "forbidden");
  await tried("Say what is no command", "unknown_command");
  await tried("Name the session twice", "bad_request");
  await tried("Send 180 commands at once", "refused with rate_limited");
  await tried("Subscribe to 130 topics", "Topic 129: Refused: too_large");
  await tried("Send 70 KiB in one message", "Closed with 1009");
  await tried("Send binary data", "Closed with 1003");
});

test("every bench can be used by everybody", async ({ page }) => {
  await page.goto("/lab");
  await expect(page.getByRole("article", { name: "WebClient1" })).toBeVisible();
  for (const bench of ["Clients", "Isolation", "Token", "Broadcast", "Limits"]) {
    await page
      .getByRole("navigation", { name: "Benches" })
      .getByRole("link", { name: bench })
      .click();
    await expect(page.getByRole("heading", { level: 1, name: bench })).toBeVisible();
    if (bench === "Isolation") {
      await page.getByRole("button", { name: "Run the scene" }).click();
      await isIsolated(page);
    }
    if (bench === "Token")
      await page.getByRole("button", { name: "Test token of dev mode" }).click();
    await accessible(page);
  }
});

test("a narrow screen scrolls nowhere sideways", async ({ page }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await page.goto("/lab#/isolation");
  await page.getByRole("button", { name: "Run the scene" }).click();
  await isIsolated(page);
  for (const bench of ["Clients", "Isolation", "Token", "Broadcast", "Limits"]) {
    await page
      .getByRole("navigation", { name: "Benches" })
      .getByRole("link", { name: bench })
      .click();
    await expect(page.getByRole("heading", { level: 1, name: bench })).toBeVisible();
    expect(await page.evaluate(() => document.documentElement.scrollWidth), bench).toBe(360);
  }
});

test("it weighs little", async ({ page }) => {
  expect(await weight(page, "/lab")).toBeLessThan(WEIGHT_MAX);
});

test("it looks like this", async ({ page }) => {
  await page.goto("/lab#/isolation");
  await page.getByRole("button", { name: "Run the scene" }).click();
  await isIsolated(page);
  await page.mouse.move(0, 0);
  await shot(page, "lab", ["desktop"]);
});

/** Of the first client's message two heard, one did not; of the third's, only it heard. */
async function isIsolated(page: Page): Promise<void> {
  const verdict = page.getByRole("region", { name: "Who heard it" });
  const cells = (publisher: string) =>
    verdict.getByRole("row", { name: `by ${publisher}` }).getByRole("cell");
  await expect(cells("Client 1")).toHaveText(["heard it", "heard it", "heard nothing"]);
  await expect(cells("Client 3")).toHaveText(["heard nothing", "heard nothing", "heard it"]);
  await expect(verdict).toContainText("was refused: forbidden");
  await expect(
    page.getByRole("article", { name: "Client 2" }).getByText(/from Client 1/),
  ).toBeVisible();
  await expect(
    page.getByRole("article", { name: "Client 3" }).getByText(/from Client 1/),
  ).toHaveCount(0);
}

async function fillUser(page: Page, name: string): Promise<void> {
  await page.getByLabel("User", { exact: true }).locator("visible=true").fill(name);
  await page.getByLabel("Password").locator("visible=true").fill("password");
}

/** An HS256 token of the server's own key, as backends make them. */
function signed(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}`;
  return `${text}.${createHmac("sha256", KEY).update(text).digest("base64url")}`;
}
