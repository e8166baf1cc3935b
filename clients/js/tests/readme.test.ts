// What the READMEs show does what they say. Their address leads to the server under test.
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import * as sdk from "../src/index.js";
import { RealServer } from "./real_server.js";

let server: RealServer;

beforeAll(async () => {
  server = await RealServer.start();
});

afterAll(() => server.end());

/** The lines of a file between fences, from the first such block that holds `mark`. */
const block = async (file: string, mark: string): Promise<string> => {
  const text = await readFile(new URL(file, import.meta.url), "utf8");
  const blocks = [...text.matchAll(/```(?:ts|js)\n([\s\S]*?)```/g)].map(([, code]) => code ?? "");
  const found = blocks.find((code) => code.includes(mark));
  if (found === undefined) throw new Error(`${file} has no block with ${mark}`);
  return found;
};

/** Runs a block; what it logs goes to `log`. Resolves to its client. */
const run = (code: string, log: (...words: unknown[]) => void): Promise<sdk.ConclaveClient> => {
  const here = code
    .replace(/import \{([^}]*)\} from "conclave-client";/, "const {$1} = sdk;")
    .replace("http://localhost:8081", server.url);
  const ran = new AsyncFunction("sdk", "console", `${here}\nreturn client;`)(sdk, { log });
  return ran as Promise<sdk.ConclaveClient>;
};

const AsyncFunction = Object.getPrototypeOf(async () => undefined).constructor as new (
  ...code: string[]
) => (...values: unknown[]) => Promise<unknown>;

test("the rooms of the SDK's README, then its topics", async () => {
  let sent = (): void => undefined;
  const stored = new Promise<void>((resolve) => (sent = resolve));
  const code = await block("../README.md", 'client.room("general")');
  const client = await run(code, (logged) => {
    if (Array.isArray(logged) && logged.some((one) => String(one) === "Hello,SENT")) sent();
  });
  await stored;
  const heard: unknown[] = [];
  const topics = await block("../README.md", 'client.topic("orders")');
  await new Promise<void>((resolve) => {
    const log = (user: unknown, payload: unknown): void => {
      heard.push(user, payload);
      resolve();
    };
    void new AsyncFunction("client", "console", topics)(client, { log });
  });
  expect(heard).toEqual(["user", { id: 7 }]);
  client.close();
});

test("the page of the project's README", async () => {
  let heard = (): void => undefined;
  const hello = new Promise<void>((resolve) => (heard = resolve));
  const code = await block("../../../README.md", "new ConclaveClient(");
  const client = await run(code, (content) => content === "Hello" && heard());
  await hello;
  client.close();
});
