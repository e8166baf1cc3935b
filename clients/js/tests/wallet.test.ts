import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { keccak256 } from "../src/keccak.js";
import { signInMessage, WalletClient, withChecksum, type Balance, type Transaction } from "../src/wallet.js";
import { FakeServer, seeded, type Frame } from "./fake_server.js";

const ONE = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
const TWO = "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359";
const COIN = "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB";

let server: FakeServer;
let wallet: WalletClient;
/** Of the user. */
let own: string[];

beforeEach(() => {
  vi.useFakeTimers();
  own = [ONE];
  server = new FakeServer();
  let ids = 0;
  server.hooks.frame = (frame, socket) => {
    const addresses = typeof frame["address"] === "string" ? [frame["address"]] : own;
    const kind = ANSWERS[String(frame["type"])];
    if (kind !== undefined) socket.push({ type: kind, subscription: String(++ids), status: "active", addresses });
    if (frame["type"] === "unsubscribe") socket.push({ type: "unsubscribed", subscription: frame["subscription"] });
    return true;
  };
  wallet = new WalletClient({
    url: "http://server",
    tokens: "token-1",
    WebSocket: server.WebSocket,
    fetch: server.fetch,
    random: seeded(1),
  });
});

afterEach(() => {
  wallet.close();
  vi.useRealTimers();
});

const ANSWERS: Record<string, string> = {
  subscribe_balance: "balance_subscription",
  subscribe_transactions: "transaction_subscription",
  subscribe_contract: "contract_subscription",
};

const pass = (ms = 50): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

const push = async (...frames: Frame[]): Promise<void> => {
  for (const frame of frames) server.socket.push({ timestamp: "2020-01-01T00:00:00.000Z", ...frame });
  await pass();
};

const balance = (address: string, ether: string, tokens: Frame[] = []): Frame => ({
  type: "balance_update",
  address,
  native: { wei: `${ether}000000000000000000`, ether },
  tokens,
  block_number: 7,
  block_hash: "0x07",
});

const transaction = (status: string, blockNumber: number | null = null): Frame => ({
  type: "transaction",
  transaction: {
    hash: "0xaa", from: TWO, to: ONE.toLowerCase(), value: "5", status, block_number: blockNumber, confirmations: 0, gas_used: null,
  },
});

test("balances come at once and after changes, in whole digits", async () => {
  const heard: Balance[] = [];
  wallet.subscribeBalance({}, (told) => heard.push(told));
  wallet.connect();
  await pass(300);
  expect(wallet.status).toBe("online");
  expect(server.socket.url).toBe("ws://server/api/v1/web3/ws/user?ticket=ticket-1");
  expect(server.sent("subscribe_balance")).toEqual([{ type: "subscribe_balance" }]);
  await push(balance(ONE, "123456789012345678901"), balance(TWO, "1"));
  expect(heard).toHaveLength(1);
  expect(heard[0]).toMatchObject({
    address: ONE,
    native: { wei: "123456789012345678901000000000000000000", ether: "123456789012345678901" },
    blockNumber: 7,
    at: new Date("2020-01-01T00:00:00.000Z"),
  });
});

test("the same subscription is made once, and who listens later gets the last balance", async () => {
  wallet.connect();
  await pass(300);
  const first = wallet.subscribeBalance({ address: ONE }, () => undefined);
  await pass();
  await push(balance(ONE, "2"));
  const heard: string[] = [];
  const second = wallet.subscribeBalance({ address: ONE }, ({ native }) => heard.push(native.ether));
  expect(heard).toEqual(["2"]);
  expect(server.sent("subscribe_balance")).toHaveLength(1);
  first();
  first();
  await push(balance(ONE, "3"));
  expect(heard).toEqual(["2", "3"]);
  second();
  await pass();
  expect(server.sent("unsubscribe")).toEqual([{ type: "unsubscribe", subscription: "1" }]);
  await push(balance(ONE, "4"));
  expect(heard).toEqual(["2", "3"]);
});

test("what is told goes to the subscriptions of its address, and tokens to who asked for them", async () => {
  const heard: string[] = [];
  wallet.connect();
  await pass(300);
  wallet.subscribeBalance({ address: ONE, tokens: [COIN] }, ({ tokens }) => heard.push(`coin ${tokens[0]?.amount}`));
  wallet.subscribeTransactions({}, ({ status }) => heard.push(`own ${status}`));
  wallet.subscribeTransactions({ address: TWO }, ({ status }) => heard.push(`other ${status}`));
  wallet.subscribeContract({ address: COIN, events: ["Transfer(address indexed,address indexed,uint256)"] }, (told) =>
    heard.push(`${told.event} ${String(told.args["value"])} ${told.removed}`),
  );
  await pass();
  await push(balance(ONE, "1"));
  await push(balance(ONE, "1", [{ address: COIN, symbol: "C", decimals: 2, raw: "250", amount: "2.5" }]));
  await push(transaction("pending"), transaction("confirmed", 8), transaction("reorged"));
  await push({
    type: "contract_event", address: COIN, event: "Transfer", args: { value: "5" }, transaction_hash: "0xaa", log_index: 0, block_number: 8, removed: true,
  });
  expect(heard).toEqual([
    "coin 2.5",
    "own pending", "other pending", "own confirmed", "other confirmed", "own reorged", "other reorged",
    "Transfer 5 true",
  ]);
});

test("after a lost connection everything is asked for again", async () => {
  const heard: (string | null)[] = [];
  wallet.on("feed", (feed) => heard.push(feed));
  wallet.subscribeTransactions({}, () => undefined);
  const ended = wallet.subscribeBalance({}, () => undefined);
  wallet.connect();
  await pass(300);
  server.drop();
  ended();
  await pass(31_000);
  expect(wallet.status).toBe("online");
  expect(server.socket.sent.map(({ type }) => type)).toContain("subscribe_transactions");
  expect(server.socket.sent.map(({ type }) => type)).not.toContain("subscribe_balance");
  const told: Transaction[] = [];
  wallet.subscribeTransactions({}, (one) => told.push(one));
  await push(transaction("pending"));
  expect(told).toHaveLength(1);
  expect(heard).toEqual(["live", null, "live"]);
});

test("a node of the chain that is away is told, and what could not be told after it", async () => {
  const heard: string[] = [];
  wallet.on("feed", (feed) => heard.push(String(feed)));
  wallet.on("gap", () => heard.push("gap"));
  wallet.connect();
  await pass(300);
  await push({ type: "feed_status", status: "degraded" });
  expect(wallet.feed).toBe("degraded");
  await push({ type: "feed_status", status: "resync" });
  await push({ type: "feed_status", status: "live" });
  expect(heard).toEqual(["live", "degraded", "gap", "live"]);
});

test("what is refused for good is told, what is refused for now asked again", async () => {
  const refusals = [
    { code: "forbidden", message: "Permission denied: wallet.read.any required" },
    { code: "unavailable", message: "the chain is away" },
  ];
  const answer = server.hooks.frame;
  server.hooks.frame = (frame, socket) => {
    const refusal = refusals.shift();
    if (refusal === undefined) return answer?.(frame, socket) ?? true;
    socket.push({ type: "error", in_reply_to: frame["type"], ...refusal });
    return true;
  };
  const errors: string[] = [];
  const heard: string[] = [];
  wallet.on("error", ({ code }) => errors.push(code));
  wallet.subscribeBalance({ address: TWO }, () => heard.push("never"));
  wallet.subscribeTransactions({}, ({ status }) => heard.push(status));
  wallet.connect();
  await pass(300);
  expect(errors).toEqual(["forbidden"]);
  await pass(2_500);
  await push(transaction("pending"));
  expect(heard).toEqual(["pending"]);
});

test("a wallet is linked by its signature, and what is about all wallets hears it without being asked for anew", async () => {
  server.answers.set("GET /api/v1/web3/nonce", () => Response.json({ nonce: "abcdefgh12345678", expires_in: 300 }));
  let posted: { message: string; signature: string } | null = null;
  server.answers.set("POST /api/v1/web3/link", (body) => {
    posted = body as typeof posted;
    return Response.json({ address: TWO, chain_id: 31337 }, { status: 201 });
  });
  server.answers.set(`DELETE /api/v1/web3/link/${TWO}`, () => new Response(null, { status: 204 }));
  server.answers.set("GET /api/v1/web3/wallets", () =>
    Response.json([{ address: ONE, chain_id: 31337, linked_at: "2020-01-01T00:00:00Z" }]),
  );
  const calls: string[] = [];
  const provider = {
    request: async ({ method, params }: { method: string; params?: readonly unknown[] }) => {
      calls.push(method);
      if (method === "eth_requestAccounts") return [TWO.toLowerCase()];
      if (method === "eth_chainId") return "0x7a69";
      expect(params?.[1]).toBe(TWO.toLowerCase());
      return `signed ${Buffer.from(String(params?.[0]).slice(2), "hex").toString()}`;
    },
  };
  const heard: string[] = [];
  wallet.subscribeBalance({}, ({ address }) => heard.push(address));
  wallet.connect();
  await pass(300);
  const linked = wallet.linkWith(provider, { now: new Date("2020-01-01T00:00:00Z") });
  await pass();
  expect(await linked).toEqual({ address: TWO, chainId: 31337, linkedAt: null });
  expect(calls).toEqual(["eth_requestAccounts", "eth_chainId", "personal_sign"]);
  const text = [
    "server wants you to sign in with your Ethereum account:",
    TWO,
    "",
    "Link this wallet to your account.",
    "",
    "URI: http://server",
    "Version: 1",
    "Chain ID: 31337",
    "Nonce: abcdefgh12345678",
    "Issued At: 2020-01-01T00:00:00.000Z",
    "Expiration Time: 2020-01-01T00:05:00.000Z",
  ].join("\n");
  expect(posted).toEqual({ message: text, signature: `signed ${text}` });
  const about = (addresses: string[]): Frame => ({
    type: "balance_subscription", subscription: "1", status: "active", addresses,
  });
  await push(about([ONE, TWO.toLowerCase()]), balance(TWO, "1"));
  expect(heard).toEqual([TWO]);
  await wallet.unlink(TWO);
  await push(about([ONE]), balance(TWO, "2"), balance(ONE, "2"));
  expect(server.sent("subscribe_balance")).toHaveLength(1);
  expect(server.sent("unsubscribe")).toEqual([]);
  expect(heard).toEqual([TWO, ONE]);
  expect(await wallet.wallets()).toEqual([{ address: ONE, chainId: 31337, linkedAt: new Date("2020-01-01T00:00:00Z") }]);
});

test("a user who says no in the wallet links nothing", async () => {
  const provider = { request: () => Promise.reject({ code: 4001, message: "User rejected the request." }) };
  await expect(wallet.linkWith(provider)).rejects.toMatchObject({ code: "forbidden", message: "refused in the wallet" });
  await expect(wallet.linkWith({ request: async () => [] })).rejects.toMatchObject({ code: "unsupported" });
  expect(server.requests).toEqual([]);
});

test("other wallets that are told while a command is not answered yet are not its answer", async () => {
  const heard: string[] = [];
  wallet.connect();
  await pass(300);
  wallet.subscribeBalance({}, ({ address }) => heard.push(`all ${address}`));
  await pass();
  server.hooks.frame = () => true;
  wallet.subscribeBalance({ address: TWO, tokens: [COIN] }, ({ address }) => heard.push(`coin ${address}`));
  await pass();
  await push(
    { type: "balance_subscription", subscription: "1", status: "active", addresses: [] },
    { type: "balance_subscription", subscription: "2", status: "active", addresses: [TWO] },
    balance(ONE, "1"),
    balance(TWO, "1", [{ address: COIN, symbol: "C", decimals: 2, raw: "250", amount: "2.5" }]),
  );
  expect(heard).toEqual([`coin ${TWO}`]);
});

test("a subscription that the server ends is heard no more until the next connection", async () => {
  wallet.subscribeBalance({ address: TWO }, () => undefined);
  wallet.connect();
  await pass(300);
  await push({ type: "unsubscribed", subscription: "1" });
  expect(server.sent("subscribe_balance")).toHaveLength(1);
});

test("the tokens that everybody may hear of", async () => {
  const coin = { address: COIN, symbol: "COIN", decimals: 6 };
  server.answers.set("GET /api/v1/web3/tokens", () => Response.json([coin]));
  expect(await wallet.tokens()).toEqual([coin]);
});

test("addresses get the capitals of EIP-55", () => {
  for (const address of [ONE, TWO, COIN, "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb"]) {
    expect(withChecksum(address.toLowerCase())).toBe(address);
    expect(withChecksum(`0x${address.slice(2).toUpperCase()}`)).toBe(address);
  }
  expect(() => withChecksum("0x12")).toThrow("no address");
  expect(() => signInMessage({ domain: "a", address: `${ONE}\nURI: b`, uri: "a", chainId: 1, nonce: "n", issuedAt: new Date() })).toThrow();
});

test.each([
  ["", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"],
  ["abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"],
  ["The quick brown fox jumps over the lazy dog", "4d741b6f1eb29cb2a9b9911c82f56fa8d73b04959d3d9d222895df6c0b28aa15"],
])("Keccak-256 of %j", (text, hash) => {
  expect(Buffer.from(keccak256(new TextEncoder().encode(text))).toString("hex")).toBe(hash);
});
