import { accessible, expect, shot, signIn, test, type Node } from "./bed.ts";
import { enter, field, makeRoom, mark, message, room, say, write } from "./chat_people.ts";

/** A working day of a small team. Returns the room to show. */
async function seed(node: Node): Promise<string> {
  for (const [user, name] of Object.entries(NAMES)) {
    await node.call("PUT", "/users/me", await node.token(user), { name });
  }
  const team = ["user", "testuser", "user123"];
  const release = await makeRoom(node, "PRIVATE", "Release 2.0", team, "What goes out on Thursday");
  const garden = await makeRoom(
    node,
    "PUBLIC",
    "Gardening",
    ["username", "user"],
    "What grows where",
  );
  const direct = await makeRoom(node, "DM", "", ["user", "testuser"]);
  await say(
    node,
    "general",
    "admin",
    "Welcome, everybody. Rooms for each subject are behind the compass.",
  );
  await say(node, garden, "username", "The first tomatoes are ripe.");
  await say(node, direct, "user", "Lunch at twelve?");
  await say(node, direct, "testuser", "Yes, see you there.");
  await say(node, release, "testuser", "Good morning! The candidate is on staging since eight.");
  await say(
    node,
    release,
    "testuser",
    "Notes are at https://notes.example/release-2.0, please read them once.",
  );
  const slow = await say(
    node,
    release,
    "user123",
    "Search got slow for rooms with many members. Is anybody looking at it?",
  );
  await say(
    node,
    release,
    "user",
    "I am. It asks once per member; one query for all of them is enough.",
    { parentId: slow },
  );
  await say(node, release, "user", "A fix is in review.");
  await say(node, release, "user123", "Thank you, that was quick.");
  await say(node, release, "testuser", "https://notes.example/files/checklist.pdf", {
    messageType: "File",
  });
  await say(
    node,
    release,
    "testuser",
    "Two boxes are still empty: backup and the upgrade note. Who takes them?",
  );
  await say(node, release, "user", "I write the upgrade note this afternoon.");
  return release;
}

test("the chat page, wide and narrow, light and dark", async ({ node, page, person }) => {
  const id = await seed(node);
  const other = await person();
  await other.goto(`/#${id}`);
  await signIn(other, "testuser");
  await expect(message(other, "I write the upgrade note")).toBeVisible();
  const third = await person();
  await third.goto(`/#${id}`);
  await signIn(third, "user123");
  await expect(message(third, "I write the upgrade note")).toBeVisible();

  await page.goto("/");
  await accessible(page);
  await signIn(page, "user");
  await room(page, "Release 2.0").click();
  await expect(message(page, "I write the upgrade note")).toBeVisible();
  await expect(room(page, "Thomas Ebner")).toContainText("online");
  await write(page, "Then we are done by five.");
  await expect(message(third, "Then we are done by five.")).toBeVisible();
  await expect(mark(page, "Then we are done by five.", "Read")).toBeVisible();
  await say(node, "general", "admin", "The canteen closes at two today.");
  await expect(room(page, "general")).toContainText("unread message");
  await accessible(page);
  await page.mouse.move(0, 0);
  await shot(page, "chat", ["desktop", "desktop-dark", "phone"], async () => {
    await expect(message(page, "Then we are done by five.")).toBeInViewport();
    await field(other).pressSequentially("a");
    await expect(page.getByText("Thomas Ebner is typing…")).toBeVisible();
  });
  await page.setViewportSize({ width: 390, height: 844 });
  await page.getByRole("button", { name: "Rooms", exact: true }).click();
  await expect(page.getByRole("dialog", { name: "Rooms" })).toBeVisible();
  await accessible(page);
});

test("a narrow screen scrolls nowhere sideways", async ({ node, page }) => {
  const id = await makeRoom(
    node,
    "PRIVATE",
    "A room with quite a long name that nobody can read in full",
    ["user"],
  );
  await say(node, id, "user", "w".repeat(300));
  await page.setViewportSize({ width: 360, height: 640 });
  await page.goto(`/#${id}`);
  await signIn(page, "user");
  await expect(message(page, "www")).toBeVisible();
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  expect(wide).toBeLessThanOrEqual(360);
  await accessible(page);
});

test("the banner and the dialogs are accessible", async ({ node, page }) => {
  await enter(page, "user");
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("dialog", { name: "Go to a room" })).toBeVisible();
  await accessible(page);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Keyboard shortcuts" }).click();
  await accessible(page);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Send an image or a file" }).click();
  await accessible(page);
  await page.keyboard.press("Escape");
  await node.kill();
  await expect(page.getByText("Connection lost.")).toBeVisible();
  await write(page, "Waits");
  await expect(page.getByText("1 message will be sent then.")).toBeVisible();
  await accessible(page);
});

const NAMES = {
  user: "Ursula Vogt",
  testuser: "Thomas Ebner",
  username: "Nora Lind",
  user123: "Iris Maat",
  admin: "Ada Roth",
};
