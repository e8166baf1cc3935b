import { existsSync } from "node:fs";
import { defineConfig } from "@playwright/test";

const installed = ["chromium", "chromium-browser", "google-chrome"].map(
  (name) => `/usr/bin/${name}`,
);

/** The system's Chromium (`CHROMIUM` names another), one browser at a time: the machine that runs this may have two cores. */
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
      executablePath: process.env["CHROMIUM"] ?? installed.find(existsSync) ?? "chromium",
      args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
    },
  },
});
