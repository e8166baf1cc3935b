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

/** Users who talk in the room `general`, now more and now less, until the page is closed. */
export async function traffic(page: Page, tokens: Record<string, string>): Promise<void> {
  await page.goto("/lab");
  await page.evaluate(async (known) => {
    for (const [at, [user, token]] of Object.entries(known).entries()) {
      const headers = { Authorization: `Bearer ${token}` };
      const answer = await fetch("/auth/ticket", { method: "POST", headers });
      const { ticket } = (await answer.json()) as { ticket: string };
      const origin = location.origin.replace("http", "ws");
      const path = `/ws/conversation/${user}/general?ticket=${ticket}`;
      const socket = new WebSocket(origin + path);
      await new Promise((opened) => socket.addEventListener("open", opened));
      let turn = at * 9;
      setInterval(() => {
        turn += 1;
        const text = JSON.stringify({ type: "send_message", content: `message ${turn}` });
        for (let count = 0; count < 1 + Math.sin(turn / 9); count++) socket.send(text);
      }, 400);
    }
  }, tokens);
}
