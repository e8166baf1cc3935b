// @vitest-environment happy-dom
import { act, type ReactElement } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Api } from "./api.ts";
import { Assistant } from "./sections/Assistant.tsx";
import { Wallet } from "./sections/Wallet.tsx";
import { SessionContext } from "./session.ts";
import type { AssistantFeed, WalletFeed } from "./shapes.ts";
import { POLL_MS } from "./useFigures.ts";

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

const place = document.createElement("div");
let root: Root;
let answer: () => Response;

beforeEach(() => {
  vi.useFakeTimers();
  // The table is one where there is room for it.
  vi.stubGlobal("matchMedia", () => ({ matches: true, addEventListener: () => {}, removeEventListener: () => {} }));
  root = createRoot(place);
});

afterEach(async () => {
  await act(async () => root.unmount());
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const show = async (section: ReactElement): Promise<void> => {
  const api = new Api({ token: async () => "token" }, () => {}, undefined, async () => answer());
  const me = { user_id: "admin", name: "admin", session: "", roles: [], permissions: [], expires_at: null };
  await act(async () => root.render(<SessionContext value={{ api, me }}>{section}</SessionContext>));
  await act(() => vi.advanceTimersByTimeAsync(1));
};

const facts = (): Record<string, string> =>
  Object.fromEntries(
    [...place.querySelectorAll("dl > div")].map((line) => [
      line.querySelector("dt")?.textContent ?? "",
      line.querySelector("dd")?.textContent ?? "",
    ]),
  );

const assistant: AssistantFeed = {
  enabled: true,
  model: "small",
  base_host: "127.0.0.1:8000",
  concurrency: { running: 1, waiting: 2, limit: 64 },
  answers: { started: 9, stop: 7, length: 0, cancelled: 1, error: 1 },
  tokens: { prompt: 900, completion: 120 },
  first_token: { count: 9, sum_seconds: 1, p50_ms: 80, p99_ms: 1200, buckets: [] },
  rooms: [{ id: "general", asked_by: "user", message_id: "m", tokens: 12, for_seconds: 3.8 }],
};

const wallet: WalletFeed = {
  enabled: true,
  chain_id: 31337,
  status: "live",
  head: { number: 1200, hash: `0x${"ab".repeat(32)}`, at: "2020-01-01T00:00:00Z" },
  subscriptions: { balance: 3, transactions: 2, contract: 1 },
  addresses: 4,
  upstream: { requests: 120, reconnects: 1, reorganisations: 0, gaps_filled: 1 },
};

test("the assistant's answers and what they cost", async () => {
  answer = () => Response.json(assistant);
  await show(<Assistant />);
  expect(facts()).toMatchObject({
    Model: "small",
    Answering: "1 of 64",
    Waiting: "2",
    Cancelled: "1",
    Together: "1,020",
    "First token, p99": "1.2 s",
  });
  expect(place.querySelector("tbody")?.textContent).toBe("generaluser123 s");
});

test("the chain, and that its node is away", async () => {
  answer = () => Response.json(wallet);
  await show(<Wallet />);
  expect(facts()).toMatchObject({ Id: "31337", Feed: "live", "Newest block": "1,200", Together: "6", Addresses: "4" });
  answer = () => Response.json({ ...wallet, status: "degraded", head: null });
  await act(() => vi.advanceTimersByTimeAsync(POLL_MS + 1));
  expect(facts()).toMatchObject({ Feed: "degraded", "Newest block": "–" });
  expect(place.querySelector("[role=alert]")?.textContent).toContain("The chain's node is away");
});

test("what is off says so, and what cannot be read is said beside what was", async () => {
  answer = () => Response.json({ enabled: false });
  await show(<Wallet />);
  expect(place.textContent).toContain("The wallet feed is off");
  answer = () => new Response(JSON.stringify({ code: "not_found", detail: "no" }), { status: 404 });
  await show(<Assistant />);
  expect(place.textContent).toContain("The assistant is off");
  answer = () => Response.json(assistant);
  await act(() => vi.advanceTimersByTimeAsync(POLL_MS + 1));
  answer = () => new Response(JSON.stringify({ code: "unavailable", detail: "the server is draining" }), { status: 503 });
  await act(() => vi.advanceTimersByTimeAsync(POLL_MS + 1));
  expect(facts()).toMatchObject({ Model: "small" });
  expect(place.querySelector("[role=alert]")?.textContent).toContain("the server is draining");
});
