import { accessible, expect, shot, test as bed, type Node, type Page } from "./bed.ts";
import { Chain } from "./chain.ts";
import { enter } from "./chat_people.ts";

const test = bed.extend<{ chain: Chain }>({
  chain: async ({}, use) => {
    const chain = await Chain.start();
    await use(chain);
    await chain.stop();
  },
});

/** Who may ask for a signature is the page's host, which is known only once the node is there. */
async function listening(node: Node, chain: Chain, contracts: readonly string[] = []): Promise<void> {
  await node.stop();
  await node.begin({ env: chain.settings(new URL(node.url).host, contracts), args: [] });
}

/** Puts a wallet into the browser, which shows one account and signs whatever it is asked to. */
async function withWallet(page: Page, chain: Chain, account: string): Promise<void> {
  await page.exposeFunction("askChain", (method: string, params: unknown[]) =>
    method === "eth_requestAccounts" ? [account] : chain.ask(method, params),
  );
  await page.addInitScript(() => {
    const asks = window as unknown as { askChain(method: string, params: unknown[]): Promise<unknown> };
    const request = ({ method, params = [] }: { method: string; params?: unknown[] }) =>
      asks.askChain(method, params);
    Object.assign(window, { ethereum: { request } });
  });
}

const ETHER = 10n ** 18n;
const dialog = (page: Page) => page.getByRole("dialog", { name: "Wallets" });
const wallets = (page: Page) => dialog(page).getByRole("list", { name: "Linked wallets" });
const transactions = (page: Page) => dialog(page).getByRole("region", { name: "Transactions" });

test("a wallet sees its transfer pending, confirmed and reorganised away, and what it holds", async ({ page, node, chain }) => {
  await listening(node, chain);
  const [own = "", other = ""] = await chain.accounts();
  await withWallet(page, chain, own);
  await enter(page, "user");
  await page.getByRole("button", { name: "Wallets" }).click();
  await expect(dialog(page)).toContainText("No wallet is linked");
  await accessible(page);
  await dialog(page).getByRole("button", { name: "Link a wallet" }).click();
  await expect(wallets(page)).toContainText("10,000 ETH");
  await expect(dialog(page)).toContainText("What happens from now on shows here.");

  await chain.send(own, other, (ETHER * 3n) / 2n);
  const row = transactions(page).getByRole("listitem");
  await expect(row).toContainText("Pending");
  await expect(row).toContainText("−1.5 ETH");
  await chain.mine();
  await expect(row).toContainText("Confirmed");
  await expect(wallets(page)).toContainText(/9,998\.4\d+ ETH/);
  await accessible(page);

  await chain.ask("anvil_reorg", [1, []]);
  await expect(row).toContainText("Reorganised away");
  await expect(wallets(page)).toContainText("10,000 ETH");

  // It listens on while it is not shown.
  await page.keyboard.press("Escape");
  await expect(dialog(page)).toHaveCount(0);
  await chain.send(other, own, ETHER);
  await chain.mine();
  await page.getByRole("button", { name: "Wallets" }).click();
  await expect(row.filter({ hasText: "+1 ETH" })).toContainText("Confirmed");
  await chain.send(own, other, ETHER / 4n);
  await expect(row.filter({ hasText: "−0.25 ETH" })).toContainText("Pending");
  await shot(page, "wallet", ["desktop", "phone"]);

  await wallets(page).getByRole("button", { name: /^Unlink/ }).click();
  await page.getByRole("button", { name: "Unlink", exact: true }).click();
  await expect(dialog(page)).toContainText("No wallet is linked");
});

test("a wallet shows what it holds of the tokens that the server lists, and follows them", async ({ page, node, chain }) => {
  const [maker = "", own = ""] = await chain.accounts();
  const coin = await chain.makeCoin(maker);
  await listening(node, chain, [coin]);
  await withWallet(page, chain, own);
  await enter(page, "user");
  await page.getByRole("button", { name: "Wallets" }).click();
  await dialog(page).getByRole("button", { name: "Link a wallet" }).click();
  const row = wallets(page).getByRole("listitem");
  await expect(row).toContainText("10,000 ETH");
  await expect(row).toContainText("0 COIN");
  await chain.pay(coin, maker, own, 12_345_678n);
  await chain.mine();
  await expect(row).toContainText("12.345678 COIN");
  await accessible(page);
  await shot(page, "wallet-tokens", ["desktop", "phone"]);
  await chain.ask("anvil_reorg", [1, []]);
  await expect(row).toContainText(/(^|\D)0 COIN/);
});

test("a user who says no in the wallet is told, and a browser without one too", async ({ page, person, node, chain }) => {
  await listening(node, chain);
  await page.addInitScript(() => {
    const request = () => Promise.reject({ code: 4001, message: "User rejected the request." });
    Object.assign(window, { ethereum: { request } });
  });
  await enter(page, "user");
  await page.getByRole("button", { name: "Wallets" }).click();
  await dialog(page).getByRole("button", { name: "Link a wallet" }).click();
  await expect(dialog(page).getByRole("alert")).toContainText("refused in the wallet");
  const other = await person();
  await enter(other, "testuser");
  await other.getByRole("button", { name: "Wallets" }).click();
  await expect(dialog(other)).toContainText("in a browser that has one");
});

bed("a server without wallets shows nothing of them", async ({ page }) => {
  const asked = page.waitForResponse("**/api/v1/web3/wallets");
  await enter(page, "user");
  expect((await asked).status()).toBe(404);
  await expect(page.getByRole("button", { name: "Keyboard shortcuts" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Wallets" })).toHaveCount(0);
});
