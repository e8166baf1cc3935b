import type { ComponentProps, ReactNode } from "react";

import { classes } from "./classes.ts";

/** `primary` once per form; `danger` for what takes something away. */
export type Tone = "primary" | "plain" | "quiet" | "danger";

interface ButtonProps extends ComponentProps<"button"> {
  tone?: Tone;
  /** Shows that it works, and takes no further click. */
  busy?: boolean;
}

/** A button with words. */
export function Button({ tone = "plain", busy = false, className, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      disabled={busy || rest.disabled}
      aria-busy={busy || undefined}
      className={classes(
        "inline-flex min-h-9 items-center justify-center gap-2 rounded-lg px-3.5 text-sm font-medium",
        "cursor-pointer transition-colors disabled:cursor-default disabled:opacity-55",
        TONES[tone],
        className,
      )}
    />
  );
}

interface IconButtonProps extends ComponentProps<"button"> {
  /** What it does: its name for who cannot see the icon, and its tip for who can. */
  label: string;
  children: ReactNode;
}

/** A button with an icon only. */
export function IconButton({ label, className, children, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      title={label}
      aria-label={label}
      {...rest}
      className={classes(
        "inline-grid size-9 shrink-0 cursor-pointer place-items-center rounded-lg text-muted",
        "transition-colors hover:bg-raised hover:text-ink disabled:cursor-default disabled:opacity-50",
        className,
      )}
    >
      {children}
    </button>
  );
}

const TONES: Record<Tone, string> = {
  primary: "bg-accent text-accent-ink hover:opacity-90",
  plain: "border border-line bg-surface text-ink hover:bg-raised",
  quiet: "text-muted hover:bg-raised hover:text-ink",
  danger: "border border-line bg-surface text-bad hover:bg-raised",
};
