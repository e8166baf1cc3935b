import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** What a node is started with besides its address and its folder. */
export interface NodeSettings {
  /** Variables of the environment, e.g. `JWT_EXPIRATION_SECONDS` or `CONCLAVE_LIMITS__…`. */
  env: Record<string, string>;
  /** Further arguments of `conclave serve`. */
  args: string[];
}

/** A real server in dev mode: a port and a data folder of its own, which outlive its restarts. */
export class Node {
  /** Where the pages are, without a slash at the end. */
  readonly url: string;
  readonly folder: string;
  private readonly address: string;
  private process: ChildProcess | null = null;
  private log: string[] = [];

  private constructor(port: number, folder: string) {
    this.address = `127.0.0.1:${port}`;
    this.url = `http://${this.address}`;
    this.folder = folder;
  }

  /** A node that listens. `CONCLAVE_PROGRAM` names the program, by an absolute path. */
  static async start(settings: NodeSettings): Promise<Node> {
    const node = new Node(await freePort(), await mkdtemp(join(tmpdir(), "conclave-pages-")));
    await node.begin(settings);
    return node;
  }

  /** Starts the stopped or killed node again: same port, same folder. */
  async begin(settings: NodeSettings = { env: {}, args: [] }): Promise<void> {
    const program = process.env["CONCLAVE_PROGRAM"];
    if (!program) throw new Error("CONCLAVE_PROGRAM: the absolute path of the program is missing");
    const args = ["serve", "--dev", "--listen", this.address, "--data-dir", this.folder];
    const child = spawn(program, [...args, ...settings.args], {
      env: { ...inherited(), ...settings.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.process = child;
    living.add(child);
    child.once("exit", () => living.delete(child));
    await this.listening(child);
  }

  /** Ends it in order. */
  stop(): Promise<void> {
    return this.end("SIGTERM");
  }

  /** Ends it at once, as a crash does. */
  kill(): Promise<void> {
    return this.end("SIGKILL");
  }

  /** Ends it and removes its folder. */
  async remove(): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** The access token of a user. */
  async token(name: string, password = "password"): Promise<string> {
    const body = { username: name, password };
    const { token } = await this.call<{ token: string }>("POST", "/auth/token", null, body);
    return token;
  }

  /** Calls the HTTP API; answers that are no 2xx throw. An empty answer is `undefined`. */
  async call<T>(method: string, path: string, token: string | null, body?: unknown): Promise<T> {
    const headers: Record<string, string> = { "Content-Type": "application/json" };
    if (token) headers["Authorization"] = `Bearer ${token}`;
    const answer = await fetch(this.url + path, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.process;
    this.process = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  }

  /** Waits for the line that says so. */
  private listening(child: ChildProcess): Promise<void> {
    this.log = [];
    return new Promise((resolve, reject) => {
      for (const stream of [child.stdout, child.stderr]) {
        if (!stream) continue;
        createInterface({ input: stream }).on("line", (line) => {
          this.log.push(line);
          if (line.includes("listening")) resolve();
        });
      }
      child.once("error", reject);
      child.once("exit", (code) => {
        reject(new Error(`the node ended with ${code}:\n${this.log.join("\n")}`));
      });
    });
  }
}

/** The environment without what would configure the node. */
function inherited(): Record<string, string> {
  const own = /^(CONCLAVE_|JWT_|WS_TEST_TOKEN$|ACCESS_TOKEN_EXPIRE_MINUTES$)/;
  const kept = Object.entries(process.env).filter(([key]) => !own.test(key));
  return Object.fromEntries(kept) as Record<string, string>;
}

/**
 * One that this process did not get before, and that the system gives to nobody by itself: it is
 * still free when its node comes back. Neighbours among process numbers begin far apart.
 */
async function freePort(): Promise<number> {
  while (tried < PORTS) {
    const port = FIRST_PORT + ((process.pid * 7_919 + tried) % PORTS);
    tried += 1;
    if (await isFree(port)) return port;
  }
  throw new Error("no port is free");
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}

const FIRST_PORT = 10_000;
const PORTS = 20_000;
let tried = 0;

/** Nodes that run: none outlives the tests, however those end. */
const living = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of living) child.kill("SIGKILL");
});
