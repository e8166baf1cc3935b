import { fileURLToPath } from "node:url";
import tailwind from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

import { compressed } from "./build/compressed.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The pages, and the client library under the name that older pages import it by. */
export default defineConfig({
  plugins: [react(), tailwind(), compressed()],
  resolve: {
    alias: {
      "conclave-client/wallet": here("../clients/js/src/wallet.ts"),
      "conclave-client/react": here("../clients/js/src/react.ts"),
      "conclave-client": here("../clients/js/src/index.ts"),
    },
    dedupe: ["react", "react-dom"],
  },
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rollupOptions: {
      preserveEntrySignatures: "strict",
      input: {
        index: here("index.html"),
        console: here("console.html"),
        lab: here("lab.html"),
        jwt_utils: here("../clients/js/src/index.ts"),
      },
      output: {
        entryFileNames: (chunk) =>
          chunk.name === "jwt_utils" ? "jwt_utils.js" : "assets/[name]-[hash].js",
      },
    },
  },
  server: {
    proxy: Object.fromEntries(
      ["/auth", "/api", "/channels", "/users", "/messages", "/token", "/test-token", "/ws"].map((path) => [
        path,
        { target: "http://127.0.0.1:8081", ws: true },
      ]),
    ),
  },
  test: { include: ["src/**/*.test.{ts,tsx}"], maxWorkers: 2 },
} as Parameters<typeof defineConfig>[0]);
