import { expect, signIn, test } from "./bed.ts";
import { field } from "./chat_people.ts";

test("the page is light, and its first paint waits for little", async ({ page }) => {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  let bytes = 0;
  session.on("Network.loadingFinished", ({ encodedDataLength }) => {
    bytes += encodedDataLength;
  });
  const answer = await page.goto("/");
  await signIn(page, "user");
  await expect(field(page)).toBeVisible();
  console.log(`transferred for / until one can write: ${(bytes / 1_000).toFixed(1)} KB`);
  expect(bytes).toBeGreaterThan(0);
  expect(bytes).toBeLessThanOrEqual(250_000);

  const paint = await page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        new PerformanceObserver((entries) => {
          for (const entry of entries.getEntriesByName("first-contentful-paint"))
            resolve(entry.startTime);
        }).observe({ type: "paint", buffered: true });
      }),
  );
  console.log(`first contentful paint after ${paint.toFixed(0)} ms`);
  const blocking = await page.evaluate(
    () =>
      (
        performance.getEntriesByType("resource") as (PerformanceResourceTiming & {
          renderBlockingStatus?: string;
        })[]
      ).filter(({ renderBlockingStatus }) => renderBlockingStatus === "blocking").length,
  );
  expect(blocking).toBeLessThanOrEqual(2);

  const policy = answer?.headers()["content-security-policy"] ?? "";
  expect(policy).toContain("script-src");
  expect(policy).not.toContain("unsafe");
  // Names of the build's files change with what they hold; the page itself is asked for anew.
  const script = await page.evaluate(() => document.querySelector("script")?.src ?? "");
  const again = await page.request.get(script);
  expect(again.headers()["cache-control"]).toContain("immutable");
});
