import { accessible, expect, shot, test as bed, type Node, type Page } from "./bed.ts";
import { enter, field, list, makeRoom, message, room, use, write } from "./chat_people.ts";
import { Provider, type Question } from "./provider.ts";

const test = bed.extend<{ provider: Provider }>({
  provider: async ({}, use) => {
    const provider = await Provider.start();
    await use(provider);
    await provider.stop();
  },
  settings: async ({ provider }, use) => use({ env: provider.settings, args: [] }),
});

/** A room with the assistant; the first of the users owns it. */
async function attached(node: Node, users: readonly string[] = ["user", "testuser", "user123"]): Promise<string> {
  const id = await makeRoom(node, "PRIVATE", "Workshop", users, "Disks and how to mend them");
  const owner = await node.token(users[0] ?? "user");
  await node.call("PUT", `/channels/${id}`, owner, { assistant: true });
  return id;
}

async function open(page: Page, user: string): Promise<void> {
  await enter(page, user);
  await room(page, "Workshop").click();
  await expect(page.getByRole("textbox", { name: "Message Workshop" })).toBeVisible();
}

/** The row of the answer under way. */
const answering = (page: Page) => list(page).getByRole("article", { name: "Assistant is answering" });
const stop = (page: Page) => answering(page).getByRole("button", { name: "Stop" });
const failure = (page: Page) => list(page).getByRole("alert");

async function ask(page: Page, provider: Provider, text: string): Promise<Question> {
  await write(page, text);
  const question = await provider.asked();
  expect(question.text).toContain(text);
  return question;
}

test("an answer is watched in two browsers at once, and stays as a message", async ({ page, person, node, provider }) => {
  await attached(node);
  const other = await person();
  await open(page, "user");
  await open(other, "testuser");
  const question = await ask(page, provider, "How do I mount a disk?");
  for (const each of [page, other]) {
    await expect(answering(each)).toBeVisible();
    await expect(each.getByText("Assistant is answering…")).toBeVisible();
  }
  question.say("First ", "**look**:\n\n");
  for (const each of [page, other]) {
    await expect(answering(each).locator("strong")).toHaveText("look");
  }
  question.say("1. `lsblk`\n", "2. `mount`\n");
  for (const each of [page, other]) {
    await expect(answering(each).locator("ol > li")).toHaveText(["lsblk", "mount"]);
  }
  question.end(50, 12);
  for (const each of [page, other]) {
    await expect(message(each, "First look")).toContainText("12 tokens");
    await expect(answering(each)).toHaveCount(0);
    await expect(message(each, "First look").getByText("AI", { exact: true })).toBeVisible();
    await expect(each.getByRole("meter", { name: "Context used" })).toBeVisible();
  }
  await page.reload();
  await expect(message(page, "First look").locator("ol > li")).toHaveText(["lsblk", "mount"]);
});

test("who comes in the middle sees what was said so far, then the rest", async ({ page, person, node, provider }) => {
  await attached(node);
  await open(page, "user");
  const question = await ask(page, provider, "Tell me a story.");
  question.say("Once upon a time ");
  await expect(answering(page)).toContainText("Once upon a time");
  const late = await person();
  await open(late, "testuser");
  await expect(answering(late)).toContainText("Once upon a time");
  question.say("there was a disk.");
  await expect(answering(late)).toContainText("Once upon a time there was a disk.");
  question.end(20, 8);
  await expect(message(late, "Once upon a time there was a disk.")).toHaveCount(1);
});

test("the owner stops an answer, others cannot, and it is asked again", async ({ page, person, node, provider }) => {
  await attached(node);
  const asker = await person();
  const other = await person();
  await open(page, "user");
  await open(asker, "testuser");
  await open(other, "user123");
  const first = await ask(asker, provider, "Count to a million.");
  first.say("One, two, ");
  await expect(answering(other)).toContainText("One, two,");
  await expect(stop(page)).toBeVisible();
  await expect(stop(asker)).toBeVisible();
  await expect(stop(other)).toHaveCount(0);
  await stop(page).click();
  await first.gone;
  for (const each of [page, asker, other]) {
    await expect(message(each, "One, two,")).toContainText("stopped");
    await expect(answering(each)).toHaveCount(0);
  }
  const second = await ask(asker, provider, "Count to three.");
  second.say("One, two, ");
  await expect(stop(asker)).toBeVisible();
  await stop(asker).press("Enter");
  await second.gone;
  const third = await ask(asker, provider, "Once more.");
  third.say("One, two, three.");
  third.end(30, 6);
  await expect(message(page, "One, two, three.")).toContainText("6 tokens");
});

test("a provider that fails is told with what was said, until it is dismissed", async ({ page, node, provider }) => {
  await attached(node);
  await open(page, "user");
  const question = await ask(page, provider, "Are you there?");
  question.say("I was about to ");
  await expect(answering(page)).toContainText("I was about to");
  question.cut();
  await expect(failure(page)).toContainText("The answer could not be finished");
  await expect(list(page)).toContainText("I was about to");
  await accessible(page);
  await failure(page).getByRole("button", { name: "Dismiss" }).click();
  await expect(failure(page)).toHaveCount(0);
  await expect(list(page)).not.toContainText("I was about to");
});

test("what a model writes cannot become anything but text and links", async ({ page, node, provider }) => {
  await attached(node);
  await open(page, "user");
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  const question = await ask(page, provider, "Show me a picture.");
  question.say(
    '<img src="https://a.example/1.png" onerror="alert(1)">\n\n',
    "![pixel](https://a.example/2.png)\n\n[a](javascript:alert(1))\n\n<script>alert(1)</script>\n\n[fine](https://a.example/3)",
  );
  question.end(20, 30);
  const said = message(page, "fine");
  await expect(said).toContainText("30 tokens");
  await expect(said.locator("img, script, iframe, style")).toHaveCount(0);
  await expect(said.getByRole("link")).toHaveText(["https://a.example/1.png", "pixel", "fine"]);
  expect(asked.filter((address) => address.includes("a.example"))).toEqual([]);
});

test("who reads further up is not moved while an answer grows", async ({ page, node, provider }) => {
  const id = await attached(node);
  for (let number = 1; number <= 12; number += 1) {
    await node.call("POST", `/channels/${id}/messages`, await node.token("user123"), {
      content: `${number} ${"and on ".repeat(60)}`,
    });
    const question = await provider.asked();
    question.end(5, 1);
  }
  await open(page, "user");
  const question = await ask(page, provider, "And now?");
  question.say("Well, ");
  await expect(answering(page)).toBeInViewport();
  await list(page).hover();
  await page.mouse.wheel(0, -600);
  await expect(answering(page)).not.toBeInViewport();
  const place = () => list(page).evaluate((box) => Math.round(box.scrollTop));
  const before = await place();
  question.say("let me see.\n\n".repeat(40));
  question.end(9, 99);
  await expect(page.getByRole("button", { name: /Jump to newest/ })).toBeVisible();
  expect(Math.abs((await place()) - before)).toBeLessThan(4);
});

test("the owner lets the assistant in and out", async ({ page, node, provider }) => {
  await makeRoom(node, "PRIVATE", "Workshop", ["user", "testuser"]);
  await open(page, "user");
  await page.getByRole("button", { name: "Members and room" }).click();
  const edit = async () => {
    await page.getByRole("button", { name: "Edit", exact: true }).filter({ hasText: "Edit" }).click();
    await page.getByRole("switch", { name: /^Assistant/ }).click();
    await page.getByRole("button", { name: "Save" }).click();
  };
  await edit();
  await expect(page.getByRole("region", { name: "Assistant" })).toContainText("small-1");
  const question = await ask(page, provider, "Hello?");
  question.say("Hello!");
  question.end(10, 2);
  await expect(message(page, "Hello!")).toContainText("2 tokens");
  await expect(page.getByRole("region", { name: "Assistant" })).toContainText("1 answer, 12 tokens");
  await accessible(page);
  await edit();
  await expect(page.getByRole("region", { name: "Assistant" })).toHaveCount(0);
});

test("a narrow screen shows long lines of code and scrolls nowhere sideways", async ({ page, node, provider }) => {
  await attached(node);
  await page.setViewportSize({ width: 360, height: 740 });
  await enter(page, "user");
  await page.getByRole("button", { name: "Rooms", exact: true }).click();
  await room(page, "Workshop").click();
  const question = await ask(page, provider, "Show me code.");
  question.say(`Here:\n\n\`\`\`sh\nmount ${"/a/long/path".repeat(20)}\n\`\`\`\n\n- and ${"words".repeat(40)}\n`);
  await expect(answering(page).locator("pre")).toBeVisible();
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
  await accessible(page);
  question.end(9, 60);
  await expect(message(page, "Here:")).toContainText("60 tokens");
  await accessible(page);
});

test("it looks like this", async ({ page, person, node, provider }) => {
  for (const [user, name] of Object.entries({ user: "Ana Pires", testuser: "Milo Brandt", user123: "Ida Lund" })) {
    await node.call("PUT", "/users/me", await node.token(user), { name });
  }
  await attached(node);
  const other = await person();
  await open(page, "user");
  await open(other, "testuser");
  const first = await ask(other, provider, "The backup disk does not show up. Where do I begin?");
  first.say(FIRST);
  first.end(212, 96);
  await expect(message(page, "Is it there at all")).toContainText("96 tokens");
  const long = await ask(page, provider, "It is there, as sdb1.");
  long.say("Good. Disks come in many kinds: ");
  await stop(page).click();
  await expect(message(page, "Disks come in many kinds")).toContainText("stopped");
  const second = await ask(page, provider, "How do I mount it, read-only to be safe?");
  second.say(SECOND);
  await expect(answering(page).locator("pre")).toBeVisible();
  await page.mouse.move(640, 10);
  await shot(page, "assistant", ["desktop", "desktop-dark", "phone"], async () => {
    await expect(stop(page)).toBeInViewport();
  });
  await shot(other, "assistant-other", ["desktop"], async () => {
    await expect(answering(other).locator("pre")).toBeInViewport();
  });
  second.end(340, 70);
  await use(page, "Make a place", "Reply");
  await expect(field(page)).toBeVisible();
});

const FIRST =
  "Look at it in this order:\n\n1. **Is it there at all?** `lsblk` lists what the machine sees.\n" +
  "2. **Did it fail?** `dmesg | tail` shows what the kernel says of it.\n" +
  "3. **Is it mounted elsewhere?** `findmnt` knows.\n\nTell me what the first one prints.";
const SECOND =
  "Make a place for it, then mount it so that nothing can be written:\n\n" +
  "```sh\nsudo mkdir -p /mnt/backup\nsudo mount -o ro /dev/sdb1 /mnt/backup\n```\n\nAfter that,";
