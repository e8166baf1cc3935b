import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import { KEPT_SECONDS } from "./rates.ts";
import { useMedia } from "../ui/useMedia.ts";

export interface Line {
  label: string;
  values: (number | null)[];
}

interface ChartProps {
  title: string;
  /** What is shown now, large. */
  now: string;
  /** Unix seconds, ascending. */
  times: number[];
  lines: Line[];
  format: (value: number | null) => string;
  /** Lines are laid upon each other and filled: parts of a whole. */
  stacked?: boolean;
  /** Values are counts: no mark between two whole numbers. */
  whole?: boolean;
}

/** A chart of the last ten minutes, with its newest values as text for who cannot see it. */
export function Chart({
  title,
  now,
  times,
  lines,
  format,
  stacked = false,
  whole = false,
}: ChartProps) {
  const spot = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const dark = useMedia("(prefers-color-scheme: dark)");
  const data: uPlot.AlignedData = [
    times,
    ...(stacked ? upon(lines) : lines.map(({ values }) => values)),
  ];
  const latest = useRef(data);
  latest.current = data;
  const shape = lines.map(({ label }) => label).join("\n");
  useEffect(() => {
    const at = spot.current;
    if (!at) return;
    const made = new uPlot(
      options(at.clientWidth, { labels: shape.split("\n"), format, stacked, whole }),
      latest.current,
      at,
    );
    plot.current = made;
    const sizes = new ResizeObserver(() => made.setSize({ width: at.clientWidth, height: HEIGHT }));
    sizes.observe(at);
    return () => {
      sizes.disconnect();
      made.destroy();
      plot.current = undefined;
    };
  }, [shape, format, stacked, whole, dark]);
  useEffect(() => plot.current?.setData(data));
  const last = lines
    .map(({ label, values }) => `${label} ${format(values.at(-1) ?? null)}`)
    .join(", ");
  return (
    <figure className="min-w-0 rounded-lg border border-line bg-surface p-3">
      <figcaption className="mb-1 flex items-baseline justify-between gap-3">
        <span className="text-sm text-muted">{title}</span>
        <span className="text-lg font-semibold tabular-nums">{now}</span>
      </figcaption>
      <div
        ref={spot}
        role="img"
        aria-label={`${title}, the last minutes. Now: ${last}.`}
        className="h-36"
      />
      <ul className="mt-1 flex flex-wrap gap-x-3 gap-y-1 text-xs text-muted" aria-hidden="true">
        {lines.map(({ label, values }, index) => (
          <li key={label} className="flex items-center gap-1.5 tabular-nums">
            <span className={`size-2 rounded-full ${DOTS[index % DOTS.length]}`} />
            {label} {format(values.at(-1) ?? null)}
          </li>
        ))}
      </ul>
    </figure>
  );
}

/** Each line on the sum of those before it, the highest first: the lower ones are painted over it. */
export function upon(lines: Line[]): (number | null)[][] {
  const sums: number[] = [];
  return lines
    .map(({ values }) => values.map((value, at) => (sums[at] = (sums[at] ?? 0) + (value ?? 0))))
    .reverse();
}

interface Shape {
  labels: string[];
  format: ChartProps["format"];
  stacked: boolean;
  whole: boolean;
}

function options(width: number, { labels, format, stacked, whole }: Shape): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour("--muted"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
    font: FONT,
  };
  const series: uPlot.Series[] = labels.map((label, index) => {
    const stroke = colour(`--chart-${(index % DOTS.length) + 1}`);
    const fill = stacked ? { fill: mixed(stroke, colour("--surface")) } : {};
    return { label, stroke, width: 1.5, points: { show: false }, ...fill };
  });
  if (stacked) series.reverse();
  return {
    width,
    height: HEIGHT,
    padding: [8, 14, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: true, range: (_plot, min, max) => shownSpan(min, max) },
      y: { range: (_plot, _min, max) => [0, ceiling(max)] },
    },
    axes: [
      {
        ...axis,
        size: 22,
        space: 60,
        incrs: [60, 120, 300],
        values: (_plot, splits) => splits.map(clock),
      },
      {
        ...axis,
        size: 50,
        space: 32,
        values: (_plot, splits) => splits.map((value) => (value === 0 ? "0" : format(value))),
        ...(whole ? { incrs: WHOLE } : {}),
      },
    ],
    series: [{}, ...series],
  };
}

/** From the oldest sample on, but two minutes at least: what is new is not squeezed into a corner. */
export function shownSpan(oldest: number, newest: number): [number, number] {
  const span = Math.min(Math.max(newest - oldest, SHOWN_SECONDS_MIN), KEPT_SECONDS);
  return [newest - span, newest];
}

function clock(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString("en-GB").slice(0, 5);
}

/** A quarter of one colour on another, both as `#rgb` or `#rrggbb`: covers what is below it. */
export function mixed(colour: string, ground: string): string {
  const below = channels(ground);
  const parts = channels(colour).map((part, at) => Math.round((part + 3 * (below[at] ?? 0)) / 4));
  return `rgb(${parts.join(" ")})`;
}

function channels(hex: string): number[] {
  const size = hex.length === 4 ? 1 : 2;
  return [0, 1, 2].map((at) => {
    const part = hex.slice(1 + at * size, 1 + (at + 1) * size);
    return Number.parseInt(size === 1 ? part + part : part, 16);
  });
}

/** A little above the highest value, and never nothing. */
export function ceiling(max: number | null): number {
  return max && Number.isFinite(max) && max > 0 ? max * 1.15 : 1;
}

const SHOWN_SECONDS_MIN = 120;
const HEIGHT = 144;
const FONT = "11px system-ui, sans-serif";
const DOTS = ["dot-1", "dot-2", "dot-3", "dot-4", "dot-5", "dot-6"];
const WHOLE = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6,
];
