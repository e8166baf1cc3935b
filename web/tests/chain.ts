import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

/** A chain of its own in memory: anvil, with blocks when the test says so. */
export class Chain {
  private constructor(
    private readonly process: ChildProcess,
    private readonly http: string,
  ) {}

  static async start(): Promise<Chain> {
    const args = ["--port", "0", "--no-mining", "--host", "127.0.0.1"];
    const child = spawn(program(), args, { stdio: ["ignore", "pipe", "inherit"] });
    process.on("exit", () => child.kill("SIGKILL"));
    const lines = createInterface({ input: child.stdout });
    for await (const line of lines) {
      const found = /Listening on (\S+)/.exec(line);
      if (!found) continue;
      child.stdout.resume();
      return new Chain(child, `http://${found[1] ?? ""}`);
    }
    throw new Error("anvil does not start");
  }

  /** The settings of a node that listens to it, for pages at `host`. */
  settings(host: string, contracts: readonly string[] = []): Record<string, string> {
    return {
      CONCLAVE_WALLET__CONTRACTS: contracts.join(","),
      CONCLAVE_WALLET__ENABLED: "true",
      CONCLAVE_WALLET__RPC_URL: this.http.replace("http", "ws"),
      CONCLAVE_WALLET__DOMAINS: host,
    };
  }

  async ask<T>(method: string, params: readonly unknown[] = []): Promise<T> {
    const answer = await fetch(this.http, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
    });
    const { result, error } = (await answer.json()) as { result: T; error?: { message: string } };
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  /** The accounts whose keys it has. */
  accounts(): Promise<string[]> {
    return this.ask("eth_accounts");
  }

  /** Makes a block of what is pending. */
  async mine(): Promise<void> {
    await this.ask("evm_mine");
  }

  /** Sends ether; its hash. */
  send(from: string, to: string, wei: bigint): Promise<string> {
    return this.ask("eth_sendTransaction", [{ from, to, value: `0x${wei.toString(16)}` }]);
  }

  /** Makes the token of `tests/wallet`, all of which `maker` has; its address. */
  async makeCoin(maker: string): Promise<string> {
    const folder = fileURLToPath(new URL("../../tests/wallet", import.meta.url));
    const { stdout } = await run(process.execPath, ["compile.mjs"], { cwd: folder, maxBuffer: 1 << 24 });
    const { Coin: data } = JSON.parse(stdout) as { Coin: string };
    const hash = await this.ask("eth_sendTransaction", [{ from: maker, data, gas: "0x2dc6c0" }]);
    await this.mine();
    const { contractAddress } = await this.ask<{ contractAddress: string }>("eth_getTransactionReceipt", [hash]);
    return contractAddress;
  }

  /** Sends `raw` of a token. */
  pay(coin: string, from: string, to: string, raw: bigint): Promise<string> {
    const data = `0xa9059cbb${to.slice(2).padStart(64, "0")}${raw.toString(16).padStart(64, "0")}`;
    return this.ask("eth_sendTransaction", [{ from, to: coin, data, gas: "0x2dc6c0" }]);
  }

  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const exited = once(this.process, "exit");
    this.process.kill("SIGKILL");
    await exited;
  }
}

/** What `.ci/install wallet` installs. `ANVIL` names another. */
function program(): string {
  const named = process.env["ANVIL"];
  if (named) return named;
  for (const machine of ["linux-amd64", "linux-arm64"]) {
    const path = `../../tests/wallet/node_modules/@foundry-rs/anvil-${machine}/bin/anvil`;
    const file = fileURLToPath(new URL(path, import.meta.url));
    if (existsSync(file)) return file;
  }
  throw new Error("anvil is missing: .ci/install wallet");
}
