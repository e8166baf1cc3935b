import type { ReactNode } from "react";

/** Names and values under a heading. */
export function Facts({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="rounded-lg border border-line bg-surface p-3 text-sm">
      <h2 className="mb-1.5 font-medium">{title}</h2>
      <dl className="grid gap-1">{children}</dl>
    </section>
  );
}

export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="flex justify-between gap-3">
      <dt className="text-muted">{name}</dt>
      <dd className="min-w-0 text-right break-words tabular-nums">{children}</dd>
    </div>
  );
}
