import { expect, test } from "./bed.ts";
import { enter, open } from "./console_people.ts";

const SECRET = "a-secret-that-nobody-may-see-0123456789";

test.describe("with a configured secret", () => {
  test.use({ settings: { env: { JWT_SECRET_KEY: SECRET }, args: [] } });

  test("the configuration says where a key comes from, and keeps its secrets", async ({ page }) => {
    const bodies: string[] = [];
    page.on("response", async (response) => {
      if (response.url().includes("/api/v1/")) bodies.push(await response.text());
    });
    await enter(page, "Config");
    await page.getByRole("searchbox").fill("auth.secret");
    const row = page.getByRole("row", { name: /auth\.secret/ }).first();
    await expect(row).toContainText("set, not shown");
    await expect(row).toContainText("JWT_SECRET_KEY");
    await page.getByRole("searchbox").fill("");
    await expect(page.getByRole("table", { name: "Keys of limits" })).toBeVisible();
    expect(await page.content()).not.toContain(SECRET);
    expect(bodies.join("\n")).not.toContain(SECRET);
  });
});

test("users are made, changed, locked out and deleted", async ({ page, node }) => {
  await enter(page, "Users");
  await page.getByRole("button", { name: "Add a user" }).click();
  const added = page.getByRole("dialog", { name: "Add a user" });
  await added.getByLabel("Name").fill("carol");
  await added.getByLabel("Password").fill("correct horse");
  await added.getByRole("button", { name: "Add", exact: true }).click();
  await expect(page.getByText("carol may now sign in.")).toBeVisible();
  await node.token("carol", "correct horse");

  await page.getByRole("button", { name: "Roles: carol" }).click();
  const grants = page.getByRole("dialog", { name: "What carol may do" });
  await grants.getByRole("checkbox", { name: "moderator" }).check();
  await grants.getByLabel("Permissions beside the roles").fill("topic.publish:orders.*");
  await grants.getByRole("button", { name: "Change" }).click();
  const row = page.getByRole("row", { name: /carol/ });
  await expect(row).toContainText("moderator");
  await expect(row).toContainText("topic.publish:orders.*");

  await page.getByRole("button", { name: "Password: carol" }).click();
  const password = page.getByRole("dialog", { name: "New password for carol" });
  await password.getByLabel("Password").fill("battery staple");
  await password.getByRole("button", { name: "Set the password" }).click();
  await expect(page.getByText("carol has a new password.")).toBeVisible();
  await expect(node.token("carol", "correct horse")).rejects.toThrow("401");

  await page.getByRole("button", { name: "Disable: carol" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Disable" }).click();
  await expect(row).toContainText("disabled");
  await expect(node.token("carol", "battery staple")).rejects.toThrow("401");

  await page.getByRole("button", { name: "Delete: carol" }).click();
  const gone = page.getByRole("dialog", { name: "Delete carol?" });
  await gone.getByRole("button", { name: "Delete" }).click();
  await expect(gone.getByRole("alert")).toContainText("Type carol to confirm");
  await gone.getByLabel("Type carol to confirm").fill("carol");
  await gone.getByRole("button", { name: "Delete" }).click();
  await expect(page.getByText("carol is deleted.")).toBeVisible();
  await expect(row).toHaveCount(0);
});

test("what the server refuses is said in the dialog", async ({ page }) => {
  await enter(page, "Users");
  await page.getByRole("button", { name: "Add a user" }).click();
  const dialog = page.getByRole("dialog", { name: "Add a user" });
  await dialog.getByLabel("Name").fill("admin");
  await dialog.getByLabel("Password").fill("correct horse");
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await expect(dialog.getByRole("alert")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(dialog).toHaveCount(0);
});

test("who is signed out elsewhere is asked to sign in again", async ({ page, node }) => {
  await enter(page, "Overview");
  await node.call("POST", "/auth/revoke", await node.token("admin"), { user_id: "admin" });
  await expect(page.getByText("Your session has ended. Sign in again.")).toBeVisible();
});

test("the way back leads to the section before", async ({ page }) => {
  await enter(page, "Users");
  await open(page, "Overview");
  await page.goBack();
  await expect(page.getByRole("heading", { level: 1, name: "Users" })).toBeVisible();
});
