import { accessible, expect, signIn, test } from "./bed.ts";
import {
  enter,
  field,
  list,
  makeRoom,
  mark,
  member,
  message,
  room,
  say,
  use,
  write,
} from "./chat_people.ts";

test("two users talk: marks, typing, edits, deletions and replies", async ({ page, person }) => {
  const other = await person();
  await enter(page, "user");
  await enter(other, "testuser");

  await other.getByRole("textbox", { name: /^Message / }).pressSequentially("Hel");
  await expect(page.getByText("testuser is typing…")).toBeVisible();
  await write(other, "Hello from testuser");
  await expect(message(page, "Hello from testuser")).toBeVisible();
  await expect(page.getByText("testuser is typing…")).toBeHidden();

  await write(page, "Hello back");
  await expect(message(other, "Hello back")).toBeVisible();
  // The others of the room are not there: what nobody has is sent, no more.
  await expect(mark(page, "Hello back", "Sent")).toBeVisible();

  await use(page, "Hello back", "Edit");
  await expect(field(page)).toHaveValue("Hello back");
  await field(page).fill("Hello back, corrected");
  await field(page).press("Enter");
  await expect(message(other, "Hello back, corrected")).toContainText("edited");

  await use(other, "Hello back, corrected", "Reply");
  await write(other, "That is a reply");
  const quote = message(page, "That is a reply").getByRole("button", { name: /In reply to/ });
  await expect(quote).toContainText("Hello back, corrected");

  await use(page, "Hello back, corrected", "Delete");
  await page.getByRole("dialog").getByRole("button", { name: "Delete", exact: true }).click();
  await expect(message(other, "This message was deleted.")).toBeVisible();
  await expect(quote).toContainText("Deleted message");
});

test("marks go from sent over delivered to read", async ({ node, page, person }) => {
  await makeRoom(node, "DM", "", ["user", "testuser"]);
  const other = await person();
  await enter(page, "user");
  await room(page, "testuser").click();
  await write(page, "Are you there?");
  await expect(mark(page, "Are you there?", "Sent")).toBeVisible();

  // In another room it is delivered, and counts as unread.
  await other.goto("/#general");
  await signIn(other, "testuser");
  await expect(room(other, "user")).toContainText("1 unread message");
  await expect(other).toHaveTitle(/^\(1\) /);
  await expect(mark(page, "Are you there?", "Delivered")).toBeVisible();

  await room(other, "user").click();
  await expect(message(other, "Are you there?")).toBeVisible();
  await expect(mark(page, "Are you there?", "Read")).toBeVisible();
  await expect(other).toHaveTitle(/^user/);

  await use(page, "Are you there?", "Who has read it");
  await expect(page.getByRole("dialog").getByRole("heading", { name: "Read by" })).toBeVisible();
  await accessible(page);
});

test("rooms are created, found, joined, and left", async ({ page, person }) => {
  const other = await person();
  await enter(page, "user");
  await enter(other, "testuser");

  await page.getByRole("button", { name: "New room" }).click();
  await page.getByText("Public", { exact: true }).click();
  await page.getByLabel("Name", { exact: true }).fill("Gardening");
  await page.getByLabel("Description").fill("What grows where");
  await accessible(page);
  await page.getByRole("button", { name: "Create" }).click();
  await expect(page.getByRole("dialog")).toBeHidden();
  await expect(page.getByRole("heading", { name: "Gardening" })).toBeVisible();

  await other.getByRole("button", { name: "Public rooms" }).click();
  await other.getByLabel("Search public rooms").fill("garden");
  await accessible(other);
  await other.getByRole("button", { name: "Join Gardening" }).click();
  await expect(other.getByRole("dialog")).toBeHidden();
  await expect(other.getByRole("heading", { name: "Gardening" })).toBeVisible();

  await write(other, "Tomatoes");
  await expect(message(page, "Tomatoes")).toBeVisible();

  await page.getByRole("button", { name: "Members and room", exact: true }).click();
  await expect(member(page, "testuser")).toBeVisible();
  await accessible(page);

  await other.getByRole("button", { name: "Members and room", exact: true }).click();
  await other.getByRole("button", { name: "Leave" }).click();
  await other
    .getByRole("dialog", { name: "Leave Gardening?" })
    .getByRole("button", { name: "Leave" })
    .click();
  await expect(room(other, "Gardening")).toBeHidden();
  await expect(member(page, "testuser")).toBeHidden();
});

test("what one writes stays in its room, however active others are", async ({ node, page }) => {
  await enter(page, "user");
  await field(page).pressSequentially("To all");
  const id = await makeRoom(node, "DM", "", ["testuser", "user"]);
  await say(node, id, "testuser", "Only for you");
  await expect(room(page, "testuser")).toContainText("1 unread message");
  // The list has it first by now.
  const rooms = page.getByRole("navigation", { name: "Rooms" }).getByRole("button");
  await expect(rooms.first()).toContainText("testuser");
  await expect(field(page)).toHaveAccessibleName("Message general");
  await field(page).press("Enter");
  await expect(message(page, "To all")).toBeVisible();
});

test("an invitation comes in at once and opens the room", async ({ node, page, person }) => {
  await makeRoom(node, "PRIVATE", "Secrets", ["user"]);
  const other = await person();
  await enter(page, "user");
  await enter(other, "testuser");
  await room(page, "Secrets").click();
  await page.getByRole("button", { name: "Members and room", exact: true }).click();
  await page.getByRole("button", { name: "Invite" }).click();
  await page.getByRole("dialog", { name: "Invite to Secrets" }).getByLabel("User").fill("testuser");
  await page
    .getByRole("dialog", { name: "Invite to Secrets" })
    .getByRole("button", { name: "Invite" })
    .click();

  const invitations = other.getByRole("region", { name: "Invitations" });
  await expect(invitations).toContainText("user invites you to a room");
  await accessible(other);
  await invitations.getByRole("button", { name: "Accept" }).click();
  await expect(other.getByRole("heading", { name: "Secrets" })).toBeVisible();
  await expect(invitations).toBeHidden();

  await page.getByRole("button", { name: "Make testuser a moderator" }).click();
  await expect(page.getByText("Moderator", { exact: true })).toBeVisible();
  await page.getByRole("button", { name: "Remove testuser" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await expect(room(other, "Secrets")).toBeHidden();
});

test("a line shows where the new messages begin", async ({ node, page }) => {
  const id = await makeRoom(node, "PRIVATE", "Plans", ["user", "testuser"]);
  await say(node, id, "user", "Read by its author");
  await say(node, id, "testuser", "New one");
  await say(node, id, "testuser", "New two");
  await page.goto("/#general");
  await signIn(page, "user");
  await expect(room(page, "Plans")).toContainText("2 unread messages");
  await room(page, "Plans").click();
  await expect(list(page).getByText("New messages")).toBeVisible();
  const all = await list(page).innerText();
  expect(all.indexOf("Read by its author")).toBeLessThan(all.indexOf("New messages"));
  expect(all.indexOf("New messages")).toBeLessThan(all.indexOf("New one"));
  await expect(room(page, "Plans")).not.toContainText("unread");
});

test("text stays text, and only web addresses become links", async ({ node, page }) => {
  const id = await makeRoom(node, "PRIVATE", "Plans", ["user", "testuser"]);
  await say(
    node,
    id,
    "testuser",
    "<img src=x onerror=alert(1)> javascript:alert(1) https://example.com/a_(b).",
  );
  await page.goto(`/#${id}`);
  await signIn(page, "user");
  const shown = message(page, "<img src=x onerror=alert(1)>");
  await expect(shown).toBeVisible();
  await expect(shown.getByRole("link")).toHaveCount(1);
  const link = shown.getByRole("link", { name: "https://example.com/a_(b)" });
  await expect(link).toHaveAttribute("href", "https://example.com/a_(b)");
  await expect(link).toHaveAttribute("rel", /noopener/);
  await expect(shown.locator("img")).toHaveCount(0);
});

test("an image comes by https, lazily, and without saying who asks", async ({ page, context }) => {
  await context.route("https://pictures.example/**", (route) =>
    route.fulfill({
      contentType: "image/svg+xml",
      body: '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
    }),
  );
  await enter(page, "user");
  await page.getByRole("button", { name: "Send an image or a file" }).click();
  await page.getByLabel("Address").fill("http://pictures.example/cat.svg");
  await page.getByRole("dialog").getByRole("button", { name: "Send" }).click();
  await expect(page.getByText("This is not an address that begins with https://")).toBeVisible();
  await page.getByLabel("Address").fill("https://pictures.example/cat.svg");
  const asked = page.waitForRequest("https://pictures.example/cat.svg");
  await page.getByRole("dialog").getByRole("button", { name: "Send" }).click();
  expect((await asked).headers()["referer"]).toBeUndefined();
  const image = list(page).getByRole("img", { name: "Image from user: cat.svg" });
  await expect(image).toHaveAttribute("loading", "lazy");
  await expect(image).toHaveJSProperty("naturalWidth", 9);
});
