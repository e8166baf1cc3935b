import { existsSync } from "node:fs";
import { defineConfig } from "@playwright/test";

const installed = ["chromium", "chromium-browser", "google-chrome"].map(
  (name) => `/usr/bin/${name}`,
);

/**
 * The system's Chromium (`CHROMIUM` names another). Two tests at a time, since one waits as long as
 * it works; each has a node of its own. Whatever can be seen may take its time on a busy machine.
 */
export default defineConfig({
  testDir: "tests",
  outputDir: "../target/pages",
  workers: 2,
  fullyParallel: true,
  retries: 0,
  timeout: 120_000,
  expect: { timeout: 30_000 },
  reporter: [["line"]],
  use: {
    browserName: "chromium",
    launchOptions: {
      executablePath: process.env["CHROMIUM"] ?? installed.find(existsSync) ?? "chromium",
      args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
    },
  },
});
