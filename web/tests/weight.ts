import type { Page } from "@playwright/test";

/** The bytes that a page and all it loads take on the wire, as they were compressed. */
export async function weight(page: Page, path: string): Promise<number> {
  const loading: Promise<number>[] = [];
  page.on("requestfinished", (request) => {
    const { pathname } = new URL(request.url());
    const isPage = pathname === path || /^\/(assets\/|favicon|jwt_utils)/.test(pathname);
    if (isPage) loading.push(request.sizes().then((sizes) => sizes.responseBodySize));
  });
  await page.goto(path);
  await page.getByRole("heading", { level: 1 }).first().waitFor();
  const sizes = await Promise.all(loading);
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** The most that a page may weigh: 250 KB. */
export const WEIGHT_MAX = 250_000;
