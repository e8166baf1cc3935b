import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    // A busy machine starts servers slowly.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
