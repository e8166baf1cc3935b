import { accessible, expect, shot, test } from "./bed.ts";
import { connected, enter, open, traffic } from "./console_people.ts";
import { weight, WEIGHT_MAX } from "./weight.ts";

test("who may not look is told what is missing", async ({ page }) => {
  await page.goto("/console");
  await page.getByLabel("User name").fill("user");
  await page.getByLabel("Password").fill("password");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(
    page.getByRole("heading", { name: "You may not look at this console" }),
  ).toBeVisible();
  await expect(page.getByText("system.monitor")).toBeVisible();
  await accessible(page);
  await page.getByRole("button", { name: "Sign in as somebody else" }).click();
  await expect(page.getByLabel("User name")).toBeVisible();
});

test("who may look but not act sees no way to act", async ({ page, person, node }) => {
  const admin = await node.token("admin");
  await node.call("PUT", "/api/v1/users/username", admin, { roles: ["moderator"] });
  await connected(await person(), "testuser");
  await enter(page, "Connections", "username");
  await expect(page.getByRole("row", { name: /testuser/ })).toBeVisible();
  await expect(page.getByRole("button", { name: /^Kick/ })).toHaveCount(0);
  await expect(page.getByText("need the permission server.disconnect")).toBeVisible();
  await open(page, "Users");
  await expect(page.getByText("needs the permission admin")).toBeVisible();
});

test("a connection is found and kicked", async ({ page, person }) => {
  const other = await person();
  await connected(other, "testuser");
  await connected(await person(), "user123");
  await enter(page, "Connections");
  await expect(page.getByRole("row", { name: /user123/ })).toBeVisible();
  await page.getByRole("searchbox").fill("testuser");
  await expect(page.getByRole("row", { name: /user123/ })).toHaveCount(0);
  await page.getByRole("button", { name: /^Kick testuser/ }).click();
  const dialog = page.getByRole("dialog", { name: "Kick testuser?" });
  await dialog.getByLabel("Reason").fill("too loud");
  await dialog.getByRole("button", { name: "Kick", exact: true }).click();
  await expect(page.getByText("The connection of testuser was closed.")).toBeVisible();
  const card = other.getByRole("article", { name: "WebClient1" });
  await expect(card.getByText("closed 1008")).toBeVisible();
  await expect(card.getByRole("status").filter({ hasText: "too loud" })).toBeVisible();
  await expect(page.getByText("No connection fits the search")).toBeVisible();
});

test("a revoked user is out, and the audit log says so", async ({ page, person }) => {
  const other = await person();
  await connected(other, "testuser");
  await enter(page, "Connections");
  await page.getByRole("button", { name: /^Revoke testuser/ }).click();
  const dialog = page.getByRole("dialog", { name: "Revoke tokens?" });
  await expect(dialog.getByText("Every token that testuser holds now stops working")).toBeVisible();
  await dialog.getByRole("button", { name: "Revoke" }).click();
  await expect(page.getByText("All tokens of testuser are revoked.")).toBeVisible();
  await expect(
    other.getByRole("article", { name: "WebClient1" }).getByText("closed 1008"),
  ).toBeVisible();
  await open(page, "Audit");
  await expect(page.getByText(/The chain is whole: \d+ lines verified/)).toBeVisible();
  await page.getByLabel("Event").selectOption("revocation");
  const lines = page.getByRole("table", { name: "Audit lines" });
  await expect(lines.getByRole("row", { name: /revocation.*testuser/ }).first()).toBeVisible();
  await expect(lines.getByRole("row", { name: /sign in ok/ })).toHaveCount(0);
  await page
    .getByRole("searchbox", { name: "Search in the whole line" })
    .fill("nothing has this in it");
  await expect(page.getByText("No line fits the filters")).toBeVisible();
});

test("the overview follows the server through a restart", async ({ page, person, node }) => {
  await connected(await person(), "testuser");
  await enter(page, "Overview");
  await expect(page.getByRole("img", { name: /^Connections.*topics 1,/ })).toBeVisible();
  await expect(page.getByRole("img", { name: /^Messages per second.*received \d/ })).toBeVisible();
  await node.kill();
  await expect(page.getByText("away", { exact: true })).toBeVisible();
  await node.begin();
  await expect(page.getByText(/The server was started anew/)).toBeVisible();
  await expect(page.getByText("live", { exact: true })).toBeVisible();
  await expect(page.getByRole("img", { name: /^Messages per second.*received \d/ })).toBeVisible();
});

test("rooms and topics show who hears them and what was said", async ({ page, person, node }) => {
  const said = "the plan is on the wall";
  await node.call("POST", "/channels/general/messages", await node.token("user"), {
    content: said,
  });
  await connected(await person(), "testuser", "orders.new");
  await enter(page, "Rooms");
  await page.getByRole("searchbox").fill("gener");
  await page.getByRole("link", { name: "general" }).click();
  await expect(page.getByText(said)).toBeVisible();
  await expect(page.getByText("No connection hears this room")).toBeVisible();
  await open(page, "Topics");
  await page.getByRole("searchbox").fill("orders");
  await page.getByRole("link", { name: "orders.new" }).click();
  await expect(page.getByRole("row", { name: /testuser/ })).toBeVisible();
});

test("a decision is explained in words", async ({ page }) => {
  await enter(page, "Why denied");
  const ask = async (permission: string, channel: string) => {
    await page.getByLabel("User").fill("user");
    await page.getByLabel("Permission").fill(permission);
    await page.getByLabel("Channel").fill(channel);
    await page.getByRole("button", { name: "Explain" }).click();
  };
  await ask("chat:send", "room:general");
  await expect(page.getByText("user may use chat:send in room:general.")).toBeVisible();
  await expect(
    page.getByText("The role user grants it and the user is a member of the room."),
  ).toBeVisible();
  await ask("system.monitor", "");
  await expect(page.getByText("user may not use system.monitor.")).toBeVisible();
  await expect(
    page.getByText("No role of the user and no permission of their own grants it."),
  ).toBeVisible();
  await ask("chat:send", "a b");
  await expect(page.getByRole("alert")).toContainText("Channel: expected room:ID");
});

test("sections are reached and left by keys", async ({ page }) => {
  await enter(page, "Overview");
  await page.keyboard.press("g");
  await page.keyboard.press("c");
  await expect(page.getByRole("heading", { level: 1, name: "Connections" })).toBeFocused();
  await page.keyboard.press("/");
  await expect(page.getByRole("searchbox")).toBeFocused();
  await page.keyboard.type("gr");
  await expect(page.getByRole("heading", { level: 1, name: "Connections" })).toBeVisible();
  await page.getByRole("link", { name: "Connections", exact: true }).focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1, name: "Rooms" })).toBeVisible();
});

test("every section can be used by everybody", async ({ page, person, node }) => {
  await node.call("POST", "/channels/general/messages", await node.token("user"), {
    content: "hello",
  });
  await connected(await person(), "testuser");
  await enter(page, "Overview");
  for (const section of SECTIONS) {
    await open(page, section);
    await expect(page.getByText("Reading", { exact: true })).toHaveCount(0);
    await expect(page.getByRole("main").getByRole("alert")).toHaveCount(0);
    await accessible(page);
  }
  await open(page, "Users");
  await page.getByRole("button", { name: "Roles: testuser" }).click();
  await accessible(page);
});

test("a narrow screen scrolls nowhere sideways", async ({ page, person }) => {
  await connected(await person(), "testuser");
  await page.setViewportSize({ width: 360, height: 740 });
  await enter(page, "Overview");
  for (const section of SECTIONS) {
    await open(page, section);
    await expect(page.getByText("Reading", { exact: true })).toHaveCount(0);
    expect(await page.evaluate(() => document.documentElement.scrollWidth), section).toBe(360);
  }
});

test("it weighs little", async ({ page }) => {
  expect(await weight(page, "/console")).toBeLessThan(WEIGHT_MAX);
});

test("it looks like this", async ({ page, person, node }) => {
  await connected(await person(), "testuser");
  const tokens: Record<string, string> = {};
  for (const name of ["user", "username", "user123"]) tokens[name] = await node.token(name);
  await traffic(await person(), tokens);
  await enter(page, "Overview");
  await page.mouse.move(640, 790);
  // Only pictures need a chart with something in it.
  const readings = process.env["SCREENSHOTS"] ? 30 : 2;
  for (let count = 0; count < readings; count++) await page.waitForResponse("**/api/v1/figures");
  await expect(page.getByRole("img", { name: /^Command latency.*p99 [\d.]+ m?s/ })).toBeVisible();
  await shot(page, "console", ["desktop", "desktop-dark", "phone"], async () => {
    await page.waitForResponse("**/api/v1/figures");
  });
});

const SECTIONS = [
  "Overview",
  "Connections",
  "Rooms",
  "Topics",
  "Assistant",
  "Wallet",
  "Users",
  "Audit",
  "Config",
  "Why denied",
];
