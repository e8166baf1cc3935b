/** Readings of counters that only grow become rates, two by two. */
import { SURFACES, type Figures, type Histogram, type Surface } from "./shapes.ts";

/** What the charts show of one moment. Rates are per second, times in milliseconds; null: unknown. */
export interface Sample {
  /** Unix seconds. */
  at: number;
  connections: Record<Surface, number>;
  received: number | null;
  delivered: number | null;
  commandP50: number | null;
  commandP99: number | null;
  deliveryP50: number | null;
  deliveryP99: number | null;
  /** How often limits were hit between the two readings, and slow readers cut. */
  limits: number | null;
  slowReaders: number | null;
  /** The server was started anew since the last reading: its counters began at 0. */
  restarted: boolean;
}

/** How long samples are kept, in seconds. */
export const KEPT_SECONDS = 600;

/** The sample of `now`; rates need an `earlier` reading of the same run of the server. */
export function sample(now: Figures, earlier: Figures | null): Sample {
  const restarted = earlier !== null && isRestart(now, earlier);
  const base = restarted ? null : earlier;
  const seconds = base ? now.uptime_seconds - base.uptime_seconds : 0;
  const rate = (read: (figures: Figures) => number) =>
    base && seconds > 0 ? (read(now) - read(base)) / seconds : null;
  const grown = (read: (figures: Figures) => number) => (base ? read(now) - read(base) : null);
  const command = between(now.latency.command, base?.latency.command);
  const delivery = between(now.latency.delivery, base?.latency.delivery);
  return {
    at: Date.parse(now.at) / 1000,
    connections: Object.fromEntries(
      SURFACES.map((surface) => [surface, now.everywhere.by_surface[surface] ?? 0]),
    ) as Record<Surface, number>,
    received: rate((figures) => figures.messages.received),
    delivered: rate((figures) => figures.messages.delivered),
    commandP50: quantile(command, 0.5),
    commandP99: quantile(command, 0.99),
    deliveryP50: quantile(delivery, 0.5),
    deliveryP99: quantile(delivery, 0.99),
    limits: grown((figures) => total(figures.limits_hit)),
    slowReaders: grown((figures) => figures.slow_readers),
    restarted,
  };
}

/** Another run of the server, or another node that answers at this address. */
export function isRestart(now: Figures, earlier: Figures): boolean {
  return now.uptime_seconds < earlier.uptime_seconds || now.node !== earlier.node;
}

/** `samples` and one more, without those that are too old. */
export function append(samples: readonly Sample[], next: Sample): Sample[] {
  const oldest = next.at - KEPT_SECONDS;
  return [...samples.filter((kept) => kept.at > oldest && kept.at < next.at), next];
}

export function total(counts: Record<string, number>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

type Buckets = { le_ms: number | null; count: number }[];

/** What came between two readings of one histogram: still cumulative. Null where nothing to compare. */
export function between(now: Histogram, earlier: Histogram | undefined): Buckets | null {
  if (!earlier) return null;
  const before = new Map(earlier.buckets.map((bucket) => [bucket.le_ms, bucket.count]));
  return now.buckets.map(({ le_ms, count }) => ({
    le_ms,
    count: count - (before.get(le_ms) ?? 0),
  }));
}

/** The quantile in milliseconds, linear inside its bucket; of the last bucket its lower bound. */
export function quantile(buckets: Buckets | null, share: number): number | null {
  const count = buckets?.at(-1)?.count ?? 0;
  if (!buckets || count <= 0) return null;
  const rank = count * share;
  let bound = 0;
  let below = 0;
  for (const bucket of buckets) {
    if (bucket.count >= rank && bucket.count > below) {
      if (bucket.le_ms === null) return bound;
      return bound + ((bucket.le_ms - bound) * (rank - below)) / (bucket.count - below);
    }
    bound = bucket.le_ms ?? bound;
    below = bucket.count;
  }
  return bound;
}
