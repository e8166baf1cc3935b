import { expect, signIn, test } from "./bed.ts";
import { fill, list, makeRoom, message, say } from "./chat_people.ts";

test("10,000 messages scroll from the newest to the first with few of them in the document", async ({
  node,
  page,
}) => {
  test.slow(); // A hundred pages of history.
  const id = await makeRoom(node, "PRIVATE", "Long", ["user", "testuser"]);
  await fill(node, id, COUNT, (number) => `Message ${number}`, ["user", "testuser"]);
  await page.goto(`/#${id}`);
  await signIn(page, "user");
  await expect(message(page, `Message ${COUNT}`)).toBeVisible();

  const scroller = list(page);
  const most = { rows: 0, nodes: 0 };
  await scroller.hover();
  await expect
    .poll(
      async () => {
        const now = await scroller.evaluate((box) => {
          box.scrollTop = 0;
          return {
            rows: box.querySelectorAll("[data-key]").length,
            nodes: document.querySelectorAll("*").length,
          };
        });
        most.rows = Math.max(most.rows, now.rows);
        most.nodes = Math.max(most.nodes, now.nodes);
        // The last page that comes in moves what was at the top down once more.
        const begins = await page.getByText("This is where the room begins.").isVisible();
        return begins && (await message(page, "Message 1").first().isVisible());
      },
      { timeout: 300_000, intervals: [20] },
    )
    .toBe(true);
  expect(most.rows).toBeLessThan(120);
  expect(most.nodes).toBeLessThan(3_000);

  await page.getByRole("button", { name: /^Jump to newest/ }).click();
  await expect(message(page, `Message ${COUNT}`)).toBeInViewport();
});

test("older messages come in above without moving what one reads", async ({ node, page }) => {
  const id = await makeRoom(node, "PRIVATE", "Long", ["user", "testuser"]);
  await fill(node, id, 300, (number) => `Message ${number} ${"and more ".repeat(number % 40)}`, [
    "user",
    "testuser",
  ]);
  await page.goto(`/#${id}`);
  await signIn(page, "user");
  await expect(message(page, "Message 300")).toBeVisible();
  const asked = page.waitForResponse((answer) => answer.url().includes("before="));
  // Held until the place is known.
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route("**/messages?*before=*", async (route) => {
    await held;
    await route.continue();
  });
  const scroller = list(page);
  await scroller.evaluate((box) => {
    box.scrollTop = 400;
  });
  // What is read is the first row in sight, once the list has drawn and measured what is there.
  const key = await scroller.evaluate(async (box) => {
    const first = () => {
      const top = box.getBoundingClientRect().top;
      const rows = [...box.querySelectorAll("[data-key]")];
      const row = rows.find((one) => one.getBoundingClientRect().top >= top);
      return { key: row?.getAttribute("data-key") ?? "", at: row?.getBoundingClientRect().top };
    };
    for (let same = 0, last = first(); same < 5; ) {
      await new Promise((resolve) => requestAnimationFrame(resolve));
      const now = first();
      same = now.key === last.key && now.at === last.at ? same + 1 : 0;
      last = now;
    }
    return first().key;
  });
  const place = () =>
    scroller.evaluate(
      (box, sought) =>
        Math.round(box.querySelector(`[data-key="${sought}"]`)?.getBoundingClientRect().top ?? -1),
      key,
    );
  const before = await place();
  const height = await scroller.evaluate((box) => box.scrollHeight);
  release();
  await asked;
  await expect.poll(() => scroller.evaluate((box) => box.scrollHeight)).toBeGreaterThan(height);
  await expect.poll(async () => Math.abs((await place()) - before)).toBeLessThanOrEqual(2);
});

test("a click on a quote goes back to what is not loaded", async ({ node, page }) => {
  const id = await makeRoom(node, "PRIVATE", "Long", ["user", "testuser"]);
  const first = await say(node, id, "user", "The very first");
  await fill(node, id, 400, (number) => `Message ${number}`, ["user", "testuser"]);
  await say(node, id, "testuser", "An answer to it", { parentId: first });
  await page.goto(`/#${id}`);
  await signIn(page, "user");
  await message(page, "An answer to it")
    .getByRole("button", { name: /In reply to/ })
    .click();
  await expect(message(page, "The very first")).toBeInViewport();

  // Up there one is told how much is new below, and is not moved by it.
  await say(node, id, "testuser", "News one");
  await say(node, id, "testuser", "News two");
  await expect(page.getByRole("button", { name: "Jump to newest, 2 new" })).toBeVisible();
  await expect(message(page, "The very first")).toBeInViewport();
  await page.getByRole("button", { name: "Jump to newest, 2 new" }).click();
  await expect(message(page, "News two")).toBeInViewport();
});

const COUNT = 10_000;
