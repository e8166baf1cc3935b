import { defineConfig } from "@playwright/test";

/** Debian's Chromium, one browser at a time: the machine that runs this may have two cores. */
export default defineConfig({
  testDir: "tests",
  outputDir: "../target/pages",
  workers: 1,
  retries: 0,
  timeout: 120_000,
  expect: { timeout: 30_000 },
  reporter: [["line"]],
  use: {
    browserName: "chromium",
    launchOptions: {
      executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
    },
  },
});
