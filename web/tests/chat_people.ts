import { expect, signIn, type Node, type Page } from "./bed.ts";

/** Signs in at the chat page and waits until it can be written. */
export async function enter(page: Page, name: string): Promise<void> {
  await page.goto("/");
  await signIn(page, name);
  await expect(field(page)).toBeVisible();
}

/** Where one writes. */
export const field = (page: Page) => page.getByRole("textbox", { name: /^Message / });

export const list = (page: Page) => page.getByRole("region", { name: "Messages" });

/** A message by what it says; what it quotes does not count. */
export const message = (page: Page, text: string) =>
  list(page)
    .getByRole("article")
    .filter({ has: page.locator("[data-content]", { hasText: text }) });

/** The mark of an own message. */
export const mark = (page: Page, text: string, words: string) =>
  message(page, text).getByRole("img", { name: words, exact: true });

/** Somebody in the panel of members. */
export const member = (page: Page, name: string) =>
  page.getByRole("region", { name: "Members", exact: true }).getByText(name, { exact: true });

/** The room's entry in the list. */
export const room = (page: Page, name: string) =>
  page.getByRole("navigation", { name: "Rooms" }).getByRole("button", { name });

export async function write(page: Page, text: string): Promise<void> {
  await field(page).fill(text);
  await field(page).press("Enter");
}

/** Shows the tools of a message, and uses one. */
export async function use(page: Page, text: string, tool: string): Promise<void> {
  await message(page, text).hover();
  await message(page, text).getByRole("button", { name: tool, exact: true }).click();
}

/** What the list says from top to bottom, as far as it is in the document. */
export const texts = (page: Page) =>
  list(page).getByRole("article").locator("[data-content]").allTextContents();

interface Seeded {
  id: string;
}

/** A room of some users, made by the first. */
export async function makeRoom(
  node: Node,
  type: "PUBLIC" | "PRIVATE" | "DM",
  name: string,
  users: readonly string[],
  description?: string,
): Promise<string> {
  const [owner = "user", ...memberIds] = users;
  const named = type === "DM" ? {} : { name };
  const body = { ...named, type, memberIds, ...(description === undefined ? {} : { description }) };
  const { id } = await node.call<Seeded>("POST", "/channels", await node.token(owner), body);
  return id;
}

/** A message of a user. */
export async function say(
  node: Node,
  roomId: string,
  user: string,
  content: string,
  more: { parentId?: string; messageType?: "Image" | "File" } = {},
): Promise<string> {
  const path = `/channels/${roomId}/messages`;
  const { id } = await node.call<Seeded>("POST", path, await node.token(user), {
    content,
    ...more,
  });
  return id;
}

/** Many messages at once, `text(1)` to `text(count)`, by an administrator. */
export async function fill(
  node: Node,
  roomId: string,
  count: number,
  text: (number: number) => string,
  users: readonly string[],
): Promise<void> {
  const admin = await node.token("admin");
  for (let from = 1; from <= count; from += BATCH) {
    const length = Math.min(BATCH, count - from + 1);
    const calls = Array.from({ length }, (_, index) => ({
      call: `rooms/${roomId}/messages`,
      body: { user_id: users[(from + index) % users.length], content: text(from + index) },
    }));
    const answers = await node.call<{ status: number }[]>("POST", "/api/v1/batch", admin, calls);
    expect(answers.filter(({ status }) => status !== 201)).toEqual([]);
  }
}

/** As many calls as a batch may hold. */
const BATCH = 1_000;
