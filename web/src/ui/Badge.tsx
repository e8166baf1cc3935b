import type { ReactNode } from "react";

import { classes } from "./classes.ts";

export type BadgeTone = "plain" | "accent" | "good" | "warn" | "bad";

/** A word or a number in a small frame. */
export function Badge({ tone = "plain", children }: { tone?: BadgeTone; children: ReactNode }) {
  return (
    <span
      className={classes(
        "inline-flex min-w-5 shrink-0 items-center justify-center rounded-full px-1.5 text-xs leading-5 font-medium tabular-nums",
        TONES[tone],
      )}
    >
      {children}
    </span>
  );
}

const TONES: Record<BadgeTone, string> = {
  plain: "bg-raised text-muted",
  accent: "bg-accent text-accent-ink",
  good: "bg-raised text-good",
  warn: "bg-raised text-warn",
  bad: "bg-raised text-bad",
};
