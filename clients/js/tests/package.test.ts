import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { build, type Rollup } from "vite";
import { expect, test } from "vitest";

const folder = fileURLToPath(new URL("..", import.meta.url));

interface Packed {
  size: number;
  files: { path: string }[];
}

const packed = async (): Promise<Packed> => {
  const pack = ["pack", "--dry-run", "--ignore-scripts", "--json"];
  const { stdout } = await promisify(execFile)("npm", pack, { cwd: folder });
  // A list, or an object by name, as npm's versions have it.
  const found = Object.values(JSON.parse(stdout) as Record<string, Packed>)[0];
  if (found === undefined) throw new Error(stdout);
  return found;
};

/** What a page loads that uses an entry, as a bundler makes it. */
const bundled = async (entry: string): Promise<string> => {
  const built = (await build({
    configFile: false,
    logLevel: "error",
    root: folder,
    build: {
      write: false,
      target: "es2022",
      rollupOptions: {
        input: `${folder}/dist/${entry}.js`,
        external: ["react"],
        preserveEntrySignatures: "strict",
      },
    },
  })) as Rollup.RollupOutput;
  return built.output.map((file) => (file.type === "chunk" ? file.code : "")).join("");
};

const stated = async (pattern: RegExp): Promise<number> => {
  const readme = await readFile(`${folder}/README.md`, "utf8");
  return Number(pattern.exec(readme)?.[1]);
};

test("the package has what the README says, at about that size", async () => {
  const { size, files } = await packed();
  const paths = files.map(({ path }) => path);
  for (const path of ["README.md", "LICENSE-MIT", "LICENSE-APACHE", "dist/index.js", "dist/index.d.ts", "dist/react.js", "dist/react.d.ts", "dist/wallet.js", "dist/wallet.d.ts"]) {
    expect(paths).toContain(path);
  }
  expect(paths.filter((path) => !/^(dist\/\w+(\.d)?\.(js|ts)|README\.md|LICENSE-\w+|package\.json)$/.test(path))).toEqual([]);
  const kilobytes = await stated(/package is (\d+) KB/);
  expect(Math.abs(size / 1000 - kilobytes)).toBeLessThanOrEqual(6);
});

test("a page that uses it loads about what the README says, and no other package", async () => {
  const code = await bundled("index");
  const kilobytes = await stated(/(\d+) KB gzipped/);
  expect(Math.abs(gzipSync(code).length / 1000 - kilobytes)).toBeLessThanOrEqual(2);
  expect(code).not.toMatch(/from\s*["'][^."']/);
  expect(code).not.toMatch(/require\(|localStorage|process\./);
});

test("the React entry needs React alone", async () => {
  const code = await bundled("react");
  expect([...code.matchAll(/from\s*["']([^"']+)["']/g)].map(([, name]) => name)).toEqual(["react"]);
});

test("a page without wallets loads nothing of them", async () => {
  expect(await bundled("index")).not.toContain("personal_sign");
  expect(await bundled("wallet")).toContain("personal_sign");
});

test("there are no dependencies but React and ws, which are optional", async () => {
  const manifest = JSON.parse(await readFile(`${folder}/package.json`, "utf8")) as Record<string, unknown>;
  expect(manifest["dependencies"]).toBeUndefined();
  expect(manifest["sideEffects"]).toBe(false);
  expect(manifest["peerDependenciesMeta"]).toEqual({ react: { optional: true }, ws: { optional: true } });
});
