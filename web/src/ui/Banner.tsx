import { CircleAlert, CircleCheck, Info, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";

import { classes } from "./classes.ts";

export type BannerTone = "info" | "good" | "warn" | "bad";

interface BannerProps {
  tone?: BannerTone;
  children: ReactNode;
  /** Buttons at its end. */
  actions?: ReactNode;
  className?: string;
}

/** A line that says how things are. It is read aloud when it appears: at once where `bad`. */
export function Banner({ tone = "info", children, actions, className }: BannerProps) {
  const Icon = ICONS[tone];
  return (
    <div
      role={tone === "bad" ? "alert" : "status"}
      className={classes(
        "flex flex-wrap items-center gap-x-3 gap-y-2 rounded-lg border border-line bg-raised px-3.5 py-2 text-sm",
        className,
      )}
    >
      <Icon size={18} aria-hidden className={classes("shrink-0", COLOURS[tone])} />
      <div className="min-w-0 flex-1 text-ink">{children}</div>
      {actions}
    </div>
  );
}

const ICONS = { info: Info, good: CircleCheck, warn: TriangleAlert, bad: CircleAlert };
const COLOURS: Record<BannerTone, string> = {
  info: "text-accent",
  good: "text-good",
  warn: "text-warn",
  bad: "text-bad",
};
