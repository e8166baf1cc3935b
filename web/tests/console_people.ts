import { expect, signIn, type Page } from "./bed.ts";

/** Signs in to the console and goes to a section, by its link. */
export async function enter(page: Page, section: string, name = "admin"): Promise<void> {
  await page.goto("/console");
  await signIn(page, name);
  await open(page, section);
}

/** Goes to a section by its link. */
export async function open(page: Page, section: string): Promise<void> {
  await page
    .getByRole("navigation", { name: "Sections" })
    .getByRole("link", { name: section })
    .click();
  await expect(page.getByRole("heading", { level: 1, name: section })).toBeVisible();
}

/** A lab client, signed in and subscribed: somebody whom the console can see. */
export async function connected(page: Page, user: string, topic = "StatusEvent"): Promise<void> {
  await page.goto("/lab");
  const card = page.getByRole("article", { name: "WebClient1" });
  await card.getByLabel("Comes in").selectOption("user");
  await card.getByLabel("User", { exact: true }).fill(user);
  await card.getByLabel("Password").fill("password");
  await card.getByRole("button", { name: "Connect", exact: true }).click();
  await card.getByRole("textbox", { name: "Topic" }).fill(topic);
  await card.getByRole("button", { name: "Subscribe", exact: true }).click();
  await expect(card.getByRole("button", { name: `Unsubscribe from ${topic}` })).toBeVisible();
}
