import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Room } from "../src/index.js";

const PROGRAM =
  process.env["CONCLAVE_PROGRAM"] ??
  fileURLToPath(new URL("../../../target/debug/conclave", import.meta.url));

/** The program, serving in dev mode on a free port, with data of its own. */
export class RealServer {
  #process: ChildProcess | null = null;

  private constructor(
    readonly port: number,
    readonly folder: string,
    readonly settings: NodeJS.ProcessEnv,
  ) {}

  /** `settings` are environment variables. */
  static async start(settings: NodeJS.ProcessEnv = {}): Promise<RealServer> {
    const folder = await mkdtemp(join(tmpdir(), "conclave-sdk-"));
    const server = new RealServer(await freePort(), folder, settings);
    await server.begin();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Serves on the same port, from the same data. */
  async begin(): Promise<void> {
    const listen = `127.0.0.1:${this.port}`;
    const started = spawn(PROGRAM, ["serve", "--dev", "--listen", listen, "--data-dir", this.folder], {
      stdio: "ignore",
      env: { ...cleanEnvironment(), ...this.settings },
    });
    this.#process = started;
    let failure: unknown = null;
    started.on("error", (error) => (failure = error));
    for (;;) {
      if (failure !== null) throw new Error(`${PROGRAM} does not start: ${String(failure)}`);
      if (started.exitCode !== null) throw new Error(`the server ended with ${started.exitCode}`);
      const ready = await fetch(`${this.url}/health/ready`).catch(() => null);
      if (ready?.ok === true) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** As a power cut would. */
  async kill(): Promise<void> {
    const running = this.#process;
    this.#process = null;
    if (running === null || running.exitCode !== null) return;
    const ended = once(running, "exit");
    running.kill("SIGKILL");
    await ended;
  }

  async end(): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Settings of whoever runs the tests must not reach the server. */
const cleanEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(CONCLAVE_|JWT_|WS_TEST_TOKEN|ACCESS_TOKEN_)/.test(name),
    ),
  );

/**
 * One that this process did not get before, and that the system gives to nobody by itself: it is
 * still free when its server comes back. Neighbours among process numbers begin far apart.
 */
const freePort = async (): Promise<number> => {
  while (tried < PORTS) {
    const port = FIRST_PORT + ((process.pid * 7_919 + tried) % PORTS);
    tried += 1;
    if (await isFree(port)) return port;
  }
  throw new Error("no port is free");
};

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });

const FIRST_PORT = 10_000;
const PORTS = 20_000;
let tried = 0;

/** Resolves when `holds` does; `on` calls back whenever it may have changed. */
export const until = (on: (listener: () => void) => () => void, holds: () => boolean): Promise<void> =>
  new Promise((resolve) => {
    if (holds()) return resolve();
    const end = on(() => {
      if (!holds()) return;
      end();
      resolve();
    });
  });

/** Resolves when something holds in a room. */
export const settled = (room: Room, holds: () => boolean): Promise<void> =>
  until((listener) => room.on("change", listener), holds);
