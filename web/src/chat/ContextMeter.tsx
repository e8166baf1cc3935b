import type { ContextUsage } from "conclave-client";
import { Bot } from "lucide-react";

/** Says that an assistant answers here and, once it did, how much of its context is used. */
export function AssistantSign({ context }: { context: ContextUsage | null }) {
  return (
    <span
      title={context ? contextWords(context) : "An assistant answers here"}
      className="flex shrink-0 items-center gap-2 rounded-full border border-line bg-raised px-2.5 py-1 text-xs text-muted"
    >
      <Bot size={14} aria-hidden className="text-accent" />
      <span className="max-sm:sr-only">Assistant</span>
      {context && <ContextMeter context={context} />}
    </span>
  );
}

/** A bar with its number. */
export function ContextMeter({ context, wide = false }: { context: ContextUsage; wide?: boolean }) {
  const percent = Math.min(100, Math.max(0, context.percent));
  return (
    <span className={wide ? "flex items-center gap-2.5" : "flex items-center gap-1.5"}>
      <span
        role="meter"
        aria-label="Context used"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={percent}
        aria-valuetext={contextWords(context)}
        className={`block h-1.5 overflow-hidden rounded-full bg-line ${wide ? "flex-1" : "w-10 sm:w-14"}`}
      >
        <span
          className={`block h-full rounded-full ${percent < 90 ? "bg-accent" : "bg-warn"}`}
          style={{ width: `${percent}%` }}
        />
      </span>
      <span className="tabular-nums">{percent}%</span>
    </span>
  );
}

const contextWords = ({ usedTokens, limitTokens }: ContextUsage): string =>
  `${usedTokens.toLocaleString()} of ${limitTokens.toLocaleString()} tokens of context used`;
