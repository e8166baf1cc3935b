import { accessible, expect, test } from "./bed.ts";
import { enter, field, list, makeRoom, message, room, write } from "./chat_people.ts";

test("everything can be done without a mouse", async ({ node, page }) => {
  await makeRoom(node, "PRIVATE", "Plans", ["user"]);
  const keys = page.keyboard;
  await page.goto("/#general");
  await expect(page.getByLabel("User name")).toBeFocused();
  await keys.type("user");
  await keys.press("Tab");
  await keys.type("password");
  await keys.press("Enter");

  // Writing begins at once; Shift+Enter breaks the line, arrow up takes the last message back.
  await expect(field(page)).toBeFocused();
  await keys.type("One line");
  await keys.press("Shift+Enter");
  await keys.type("and another");
  await keys.press("Enter");
  await expect(message(page, "One line\nand another")).toBeVisible();
  await expect(field(page)).toHaveValue("");
  await expect(message(page, "One line").getByRole("img", { name: "Sent" })).toBeVisible();
  await keys.press("ArrowUp");
  await expect(page.getByText("Editing One line and another")).toBeVisible();
  await keys.type(", corrected");
  await keys.press("Enter");
  await expect(message(page, "and another, corrected")).toContainText("edited");
  await keys.press("ArrowUp");
  await keys.press("Escape");
  await expect(page.getByText("Editing")).toBeHidden();
  await expect(field(page)).toHaveValue("");

  // From the field back to the messages, and to an answer.
  await keys.press("Shift+Tab");
  await keys.press("Shift+Tab");
  await expect(list(page)).toBeFocused();
  await keys.press("ArrowUp");
  await expect(message(page, "One line")).toBeFocused();
  await expect(page.getByRole("toolbar", { name: "Message" })).toBeVisible();
  await accessible(page);
  await keys.press("Tab");
  await expect(page.getByRole("button", { name: "Reply" })).toBeFocused();
  await keys.press("Shift+Tab");
  await keys.press("r");
  await expect(field(page)).toBeFocused();
  await keys.type("An answer");
  await keys.press("Enter");
  await expect(
    message(page, "An answer").getByRole("button", { name: /In reply to/ }),
  ).toBeVisible();

  // Rooms by a few letters, and by the ones beside.
  await keys.press("Control+k");
  await expect(page.getByRole("combobox", { name: "Room" })).toBeFocused();
  await keys.type("pla");
  await expect(page.getByRole("option")).toHaveCount(1);
  await keys.press("Enter");
  await expect(page.getByRole("heading", { name: "Plans" })).toBeVisible();
  await expect(field(page)).toBeFocused();
  await keys.press("Alt+ArrowUp");
  await expect(page.getByRole("heading", { name: "general" })).toBeVisible();
  await keys.press("Alt+ArrowDown");
  await expect(page.getByRole("heading", { name: "Plans" })).toBeVisible();

  // A question mark is a question mark where one writes, and asks for the shortcuts elsewhere.
  await keys.type("?");
  await expect(field(page)).toHaveValue("?");
  await room(page, "Plans").focus();
  await keys.press("?");
  await expect(page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
  await keys.press("Escape");
  await expect(page.getByRole("dialog")).toBeHidden();
  await expect(room(page, "Plans")).toBeFocused();
  await keys.press("ArrowUp");
  await expect(room(page, "general")).toBeFocused();
  await keys.press("Enter");
  await expect(page.getByRole("heading", { name: "general" })).toBeVisible();
  await expect(field(page)).toBeFocused();
});

test("arrows reach messages that are not in the document", async ({ page }) => {
  await enter(page, "user");
  for (let number = 1; number <= 60; number += 1) await write(page, `Message ${number}.`);
  await expect(message(page, "Message 60.").getByRole("img", { name: "Sent" })).toBeVisible();
  await list(page).focus();
  await page.keyboard.press("Home");
  await expect(message(page, "Message 1.")).toBeFocused();
  await page.keyboard.press("End");
  await expect(message(page, "Message 60.")).toBeFocused();
  await page.keyboard.press("Delete");
  await expect(page.getByRole("dialog", { name: "Delete this message?" })).toBeVisible();
  await page.keyboard.press("Enter");
  await expect(list(page).getByText("This message was deleted.")).toBeVisible();
});

test.describe("where messages are short", () => {
  test.use({ settings: { env: { CONCLAVE_LIMITS__CONTENT_CHARS: "20" }, args: [] } });

  test("a refused message can be tried again or discarded", async ({ page }) => {
    await enter(page, "user");
    await write(page, "This is longer than the server takes");
    const failed = message(page, "This is longer");
    await expect(failed.getByRole("img", { name: "Not sent" })).toBeVisible();
    await accessible(page);
    await failed.getByRole("button", { name: "Try again" }).click();
    await expect(failed.getByRole("img", { name: "Not sent" })).toBeVisible();
    await write(page, "Short");
    await expect(message(page, "Short").getByRole("img", { name: "Sent" })).toBeVisible();
    await failed.getByRole("button", { name: "Discard" }).click();
    await expect(failed).toBeHidden();
  });
});
