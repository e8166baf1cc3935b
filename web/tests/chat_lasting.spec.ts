import { expect, signIn, test } from "./bed.ts";
import { enter, field, makeRoom, message, room, say, texts, write } from "./chat_people.ts";

test("a killed server comes back: nothing is lost, doubled or reordered", async ({
  node,
  page,
  person,
}) => {
  const id = await makeRoom(node, "PRIVATE", "Plans", ["user", "testuser"]);
  const other = await person();
  for (const [one, name] of [
    [page, "user"],
    [other, "testuser"],
  ] as const) {
    await one.goto(`/#${id}`);
    await signIn(one, name);
    await expect(field(one)).toBeVisible();
  }
  await write(page, "before");
  await expect(message(other, "before")).toBeVisible();

  await node.kill();
  await expect(page.getByText("Connection lost.")).toBeVisible();
  for (const text of ["while away 1", "while away 2", "while away 3"]) await write(page, text);
  await expect(page.getByText("3 messages will be sent then.")).toBeVisible();
  await expect(
    message(page, "while away 3").getByRole("img", { name: "Waiting for the connection" }),
  ).toBeVisible();

  await page.getByRole("button", { name: "Try now" }).click();
  await expect(page.getByText("Connection lost.")).toBeVisible();
  await node.begin();
  // Both would come back by themselves, but by now they may wait for half a minute.
  for (const one of [page, other]) await one.evaluate(() => dispatchEvent(new Event("online")));
  await expect(page.getByText("Connection lost.")).toBeHidden();
  await expect(message(other, "while away 3")).toBeVisible();
  await write(other, "after");
  await expect(message(page, "after")).toBeVisible();

  const all = ["before", "while away 1", "while away 2", "while away 3", "after"];
  await expect.poll(() => texts(page)).toEqual(all);
  await expect.poll(() => texts(other)).toEqual(all);
});

test("a reload stays signed in, in the room; signing out does not", async ({
  node,
  page,
  context,
}) => {
  const id = await makeRoom(node, "PRIVATE", "Plans", ["user"]);
  await say(node, id, "user", "Still here");
  await enter(page, "user");
  await room(page, "Plans").click();
  await page.reload();
  await expect(message(page, "Still here")).toBeVisible();

  const cookies = await context.cookies();
  expect(cookies.every(({ httpOnly }) => httpOnly)).toBe(true);
  expect(await page.evaluate(() => [localStorage.length, sessionStorage.length])).toEqual([0, 0]);

  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByLabel("User name")).toBeVisible();
  await page.reload();
  await expect(page.getByLabel("User name")).toBeVisible();
});

test("who does not want to stay is asked again after a reload", async ({ page, context }) => {
  await page.goto("/");
  await page.getByLabel("Stay signed in on this device").uncheck();
  await signIn(page, "user");
  await expect(field(page)).toBeVisible();
  expect(await context.cookies()).toEqual([]);
  await page.reload();
  await expect(page.getByLabel("User name")).toBeVisible();
});

test("a wrong password is told", async ({ page }) => {
  await page.goto("/");
  await signIn(page, "user", "wrong");
  await expect(page.getByRole("alert")).toHaveText("The user name or the password is wrong.");
  await signIn(page, "user");
  await expect(field(page)).toBeVisible();
});

test("a revoked user is signed out and told why; the draft is kept", async ({ node, page }) => {
  await enter(page, "user");
  await field(page).fill("Not sent yet");
  await node.call("POST", "/auth/revoke", await node.token("admin"), { user_id: "user" });
  await expect(page.getByRole("status")).toContainText("You are signed out");
  await signIn(page, "user");
  await expect(field(page)).toHaveValue("Not sent yet");
});

test("a draft stays in its room", async ({ node, page }) => {
  await makeRoom(node, "PRIVATE", "Plans", ["user"]);
  await enter(page, "user");
  await room(page, "Plans").click();
  await field(page).fill("Begun");
  await room(page, "general").click();
  await expect(field(page)).toHaveValue("");
  await expect(room(page, "Plans")).toContainText("Draft");
  await room(page, "Plans").click();
  await expect(field(page)).toHaveValue("Begun");
});

test.describe("with tokens of a few seconds", () => {
  test.use({ settings: { env: { JWT_EXPIRATION_SECONDS: "4" }, args: [] } });

  test("a token is renewed without the user noticing", async ({ page, person }) => {
    const other = await person();
    await enter(other, "testuser");
    const renewed = page.waitForResponse(
      (answer) => answer.url().endsWith("/auth/refresh") && answer.status() === 200,
    );
    await enter(page, "user");
    const lost = page
      .getByText("Connection lost.")
      .waitFor()
      .then(
        () => "lost",
        () => "never",
      );
    await renewed;
    // Its successor too: the first token is over by then.
    await page.waitForResponse((answer) => answer.url().endsWith("/auth/refresh") && answer.ok());
    await write(page, "Still signed in");
    await expect(message(other, "Still signed in")).toBeVisible();
    expect(await Promise.race([lost, Promise.resolve("not yet")])).toBe("not yet");
  });

  test("a refused renewal leads to the sign-in form, and the draft is kept", async ({ page }) => {
    await enter(page, "user");
    await field(page).fill("Not sent yet");
    await page.route("**/auth/refresh", (route) =>
      route.fulfill({
        status: 401,
        contentType: "application/problem+json",
        body: JSON.stringify({
          code: "unauthenticated",
          detail: "Invalid or expired refresh token",
        }),
      }),
    );
    await expect(page.getByRole("status")).toContainText("You are signed out");
    await page.unroute("**/auth/refresh");
    await signIn(page, "user");
    await expect(field(page)).toHaveValue("Not sent yet");
  });
});
