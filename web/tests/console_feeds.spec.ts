import { accessible, expect, test as bed, type Page } from "./bed.ts";
import { Chain } from "./chain.ts";
import { makeRoom, say } from "./chat_people.ts";
import { enter } from "./console_people.ts";
import { Provider } from "./provider.ts";

/** The value beside a name, in the box of that title. */
const fact = (page: Page, title: string, name: string) =>
  page
    .getByRole("main")
    .locator("section")
    .filter({ has: page.getByRole("heading", { name: title }) })
    .locator("dl > div")
    .filter({ has: page.getByText(name, { exact: true }) })
    .locator("dd");

bed.describe("with an assistant", () => {
  const test = bed.extend<{ provider: Provider }>({
    provider: async ({}, use) => {
      const provider = await Provider.start();
      await use(provider);
      await provider.stop();
    },
    settings: async ({ provider }, use) => use({ env: provider.settings, args: [] }),
  });

  test("an answer under way shows with its room, and then what it took", async ({ page, node, provider }) => {
    const id = await makeRoom(node, "PRIVATE", "Workshop", ["user", "testuser"]);
    await node.call("PUT", `/channels/${id}`, await node.token("user"), { assistant: true });
    await enter(page, "Assistant");
    await expect(fact(page, "Provider", "Model")).toHaveText("small-1");
    await expect(page.getByText("No room is being answered")).toBeVisible();
    await say(node, id, "testuser", "How do I mount a disk?");
    const question = await provider.asked();
    question.say("Like ", "this.");
    const row = page.getByRole("table", { name: "Answers under way" }).getByRole("row", { name: /testuser/ });
    await expect(row).toBeVisible();
    await expect(fact(page, "Now", "Answering")).toHaveText("1 of 64");
    await accessible(page);
    question.end(40, 2);
    await expect(fact(page, "Answers since the start", "Whole")).toHaveText("1");
    await expect(fact(page, "Tokens since the start", "Together")).toHaveText("42");
    await expect(page.getByText("No room is being answered")).toBeVisible();
  });
});

bed.describe("with a chain", () => {
  const test = bed.extend<{ chain: Chain }>({
    chain: async ({}, use) => {
      const chain = await Chain.start();
      await use(chain);
      await chain.stop();
    },
    settings: async ({ chain }, use) => use({ env: chain.settings("localhost"), args: [] }),
  });

  test("its newest block shows, and that its node is away", async ({ page, chain }) => {
    await enter(page, "Wallet");
    await expect(fact(page, "Chain", "Id")).toHaveText("31337");
    await expect(fact(page, "Chain", "Feed")).toHaveText("live");
    await chain.mine();
    await expect(fact(page, "Chain", "Newest block")).toHaveText("1");
    await accessible(page);
    await chain.stop();
    await expect(page.getByRole("alert")).toContainText("The chain's node is away");
    await expect(fact(page, "Chain", "Feed")).toHaveText("degraded");
  });
});
