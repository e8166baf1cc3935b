/** Readings for tests: a server at rest, with what a test says otherwise. */
import type { Figures, Histogram } from "./shapes.ts";

export function histogram(bounds: [number | null, number][]): Histogram {
  const buckets = bounds.map(([le_ms, count]) => ({ le_ms, count }));
  return { count: buckets.at(-1)?.count ?? 0, sum_seconds: 0, p50_ms: null, p99_ms: null, buckets };
}

export function figures(otherwise: Partial<Figures>): Figures {
  const bySurface = { topics: 0, conversation: 0, socketio: 0, service: 0, web3: 0, general: 0 };
  const empty = histogram([
    [1, 0],
    [null, 0],
  ]);
  return {
    at: "2026-11-23T15:00:00.000Z",
    version: "0.1.0",
    uptime_seconds: 100,
    node: null,
    draining: false,
    workers: 1,
    connections: {
      total: 0,
      authenticated: 0,
      users: 0,
      by_surface: { ...bySurface },
      by_worker: [0],
    },
    everywhere: { nodes: 1, total: 0, users: 0, by_surface: { ...bySurface } },
    channels: 0,
    messages: { received: 0, published: 0, delivered: 0 },
    connections_opened: 0,
    connections_closed: 0,
    http_requests: 0,
    limits_hit: {},
    refusals: 0,
    slow_readers: 0,
    violations: 0,
    handshakes_refused: 0,
    sign_ins: { ok: 0, failed: 0 },
    latency: { command: empty, delivery: empty },
    store: { database: "sqlite", bytes: 0, newest_event: 0 },
    bus: null,
    audit: { queued: 0, left_out: 0, failing: false },
    memory: { resident_bytes: null, inbox_bytes: 0, revocations: 0, tickets: 0 },
    ...otherwise,
  };
}
