import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    // One waits for its server while another works.
    maxWorkers: 2,
    // A busy machine starts servers slowly.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
