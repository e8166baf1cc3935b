import { describe, expect, it } from "vitest";

import { append, between, KEPT_SECONDS, quantile, sample } from "./rates.ts";
import { figures, histogram } from "./fixtures.ts";

describe("rates", () => {
  it("come from two readings and the time between them", () => {
    const before = figures({
      uptime_seconds: 10,
      messages: { received: 100, published: 90, delivered: 400 },
    });
    const after = figures({
      uptime_seconds: 12,
      messages: { received: 150, published: 130, delivered: 1400 },
    });
    expect(sample(after, before)).toMatchObject({ received: 25, delivered: 500, restarted: false });
  });

  it("are unknown after the first reading", () => {
    expect(sample(figures({}), null)).toMatchObject({
      received: null,
      delivered: null,
      limits: null,
      commandP50: null,
      restarted: false,
    });
  });

  it("are never negative: a restart is told instead", () => {
    const before = figures({
      uptime_seconds: 900,
      messages: { received: 5000, published: 0, delivered: 9000 },
    });
    const after = figures({
      uptime_seconds: 1,
      messages: { received: 3, published: 0, delivered: 4 },
    });
    expect(sample(after, before)).toMatchObject({
      received: null,
      delivered: null,
      limits: null,
      restarted: true,
    });
  });

  it("take another node at the same address for a restart", () => {
    const before = figures({ uptime_seconds: 10, node: "a" });
    expect(sample(figures({ uptime_seconds: 12, node: "b" }), before).restarted).toBe(true);
  });

  it("count all limits together", () => {
    const before = figures({ uptime_seconds: 1, limits_hit: { messages: 1, requests: 2 } });
    const after = figures({ uptime_seconds: 3, limits_hit: { messages: 4, requests: 3 } });
    expect(sample(after, before).limits).toBe(4);
  });

  it("count a dialect that the server does not name as none", () => {
    const now = figures({});
    now.everywhere.by_surface = { topics: 2 } as never;
    expect(sample(now, null).connections).toMatchObject({ topics: 2, socketio: 0 });
  });
});

describe("samples", () => {
  it("are kept for ten minutes, and one moment once", () => {
    const at = (seconds: number) => ({ ...sample(figures({}), null), at: seconds });
    const kept = append([at(0), at(1), at(300), at(KEPT_SECONDS + 1)], at(KEPT_SECONDS + 1));
    expect(kept.map((one) => one.at)).toEqual([300, KEPT_SECONDS + 1]);
  });
});

describe("quantiles", () => {
  const buckets = [
    { le_ms: 1, count: 50 },
    { le_ms: 2, count: 90 },
    { le_ms: 10, count: 100 },
    { le_ms: null, count: 100 },
  ];

  it("lie inside the bucket in which the rank falls", () => {
    expect(quantile(buckets, 0.5)).toBe(1);
    expect(quantile(buckets, 0.25)).toBe(0.5);
    expect(quantile(buckets, 0.7)).toBe(1.5);
    expect(quantile(buckets, 0.99)).toBeCloseTo(9.2);
  });

  it("stop at the last bound that is finite", () => {
    expect(
      quantile(
        [
          { le_ms: 10, count: 0 },
          { le_ms: null, count: 5 },
        ],
        0.5,
      ),
    ).toBe(10);
  });

  it("are unknown where nothing happened", () => {
    expect(quantile(null, 0.5)).toBeNull();
    expect(quantile([{ le_ms: null, count: 0 }], 0.5)).toBeNull();
  });

  it("are of what came between two readings only", () => {
    const slowStart = histogram([
      [1, 0],
      [100, 50],
      [null, 50],
    ]);
    const quickNow = histogram([
      [1, 40],
      [100, 90],
      [null, 90],
    ]);
    expect(quantile(between(quickNow, slowStart), 0.99)).toBeLessThanOrEqual(1);
  });
});
