import { ArrowLeft, RefreshCw } from "lucide-react";
import type { ReactNode } from "react";

import { IconButton } from "../ui/Button.tsx";

/** The head of one of a list: its name, and the way back. */
export function BackTo({ href, all, name }: { href: string; all: string; name: ReactNode }) {
  return (
    <div className="flex flex-wrap items-baseline gap-x-4 gap-y-1">
      <a
        href={href}
        className="inline-flex items-center gap-1.5 text-sm text-accent hover:underline"
      >
        <ArrowLeft size={16} aria-hidden />
        {all}
      </a>
      <span className="font-mono text-sm break-all">{name}</span>
    </div>
  );
}

/** A part of a section with a heading of its own. */
export function Panel({
  title,
  reload,
  children,
}: {
  title: string;
  reload?: () => void;
  children: ReactNode;
}) {
  return (
    <section aria-label={title} className="grid gap-2">
      <div className="flex items-center justify-between gap-2">
        <h2 className="text-sm font-medium">{title}</h2>
        {reload && (
          <IconButton label={`Refresh: ${title}`} onClick={reload}>
            <RefreshCw size={16} aria-hidden />
          </IconButton>
        )}
      </div>
      {children}
    </section>
  );
}
