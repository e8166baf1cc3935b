import { RefreshCw, Search } from "lucide-react";
import type { ReactNode } from "react";

import { Banner } from "../ui/Banner.tsx";
import { Button, IconButton } from "../ui/Button.tsx";
import { Spinner } from "../ui/Spinner.tsx";
import type { ApiProblem } from "./api.ts";
import type { List } from "./useList.ts";

interface ListFrameProps<T> {
  list: List<T>;
  /** What stands where there are no rows. */
  empty: string;
  children: ReactNode;
}

/** What surrounds the rows of a list: problems, missing nodes, nothing there, more to come. */
export function ListFrame<T>({ list, empty, children }: ListFrameProps<T>) {
  const { rows, problem, loading, silent, more, reload } = list;
  return (
    <div className="grid gap-3" aria-busy={loading}>
      {problem && <ProblemBanner problem={problem} again={reload} />}
      {silent.length > 0 && (
        <Banner tone="warn">
          Not everything is here: {silent.length === 1 ? "a node" : `${silent.length} nodes`} did
          not answer ({silent.join(", ")}).
        </Banner>
      )}
      {rows.length > 0 && children}
      {rows.length === 0 &&
        !problem &&
        (loading ? (
          <Spinner label="Reading" />
        ) : (
          <Nothing>{more ? "Nothing so far; there is more to look through" : empty}</Nothing>
        ))}
      {(rows.length > 0 || more) && (
        <div className="flex items-center gap-3 text-sm text-muted">
          <span aria-live="polite">
            {rows.length} {more ? "so far" : "in all"}
          </span>
          {more && (
            <Button onClick={more} busy={loading}>
              Load more
            </Button>
          )}
        </div>
      )}
    </div>
  );
}

/** What stands where there are no rows: quiet, since it is no news. */
function Nothing({ children }: { children: ReactNode }) {
  return (
    <p className="rounded-lg border border-dashed border-line p-5 text-center text-sm text-muted">
      {children}
    </p>
  );
}

/** What went wrong, in the server's words, and in ours where this server lacks the call. */
export function ProblemBanner({ problem, again }: { problem: ApiProblem; again?: () => void }) {
  return (
    <Banner tone="bad" actions={again && <Button onClick={again}>Try again</Button>}>
      {inWords(problem)}
    </Banner>
  );
}

export function inWords(problem: ApiProblem): string {
  if (problem.status === 404 && problem.message === "there is nothing at this path") {
    return "This server does not have this call: it is older than this page.";
  }
  if (problem.status === 429) return `Too many requests: ${problem.message}.`;
  return problem.message.replace(/^./, (first) => first.toUpperCase()).replace(/[^.!?]$/, "$&.");
}

interface ToolbarProps {
  label: string;
  search: string;
  onSearch: (text: string) => void;
  reload: () => void;
  children?: ReactNode;
}

/** The search of a section, its filters and its refresh. */
export function Toolbar({ label, search, onSearch, reload, children }: ToolbarProps) {
  return (
    <div role="search" aria-label={label} className="flex flex-wrap items-center gap-2">
      <SearchField label={label} value={search} onChange={onSearch} />
      {children}
      <IconButton
        label="Refresh"
        onClick={reload}
        className="ml-auto border border-line bg-surface"
      >
        <RefreshCw size={16} aria-hidden />
      </IconButton>
    </div>
  );
}

export function SearchField({
  label,
  value,
  onChange,
}: {
  label: string;
  value: string;
  onChange: (text: string) => void;
}) {
  return (
    <label className="relative min-w-48 flex-1 sm:max-w-sm">
      <span className="sr-only">{label}</span>
      <Search
        size={16}
        aria-hidden
        className="pointer-events-none absolute top-1/2 left-3 -translate-y-1/2 text-muted"
      />
      <input
        type="search"
        value={value}
        maxLength={128}
        placeholder={label}
        title="Press / to come here"
        onChange={(event) => onChange(event.target.value)}
        className="block min-h-9 w-full rounded-lg border border-line bg-surface pr-3 pl-9 text-base placeholder:text-muted sm:text-sm"
      />
    </label>
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  options: readonly (readonly [value: string, words: string])[];
  onChange: (value: string) => void;
}

/** A small select of a toolbar. */
export function Choice({ label, value, options, onChange }: ChoiceProps) {
  return (
    <select
      aria-label={label}
      value={value}
      onChange={(event) => onChange(event.target.value)}
      className="min-h-9 rounded-lg border border-line bg-surface px-2 text-sm"
    >
      {options.map(([option, words]) => (
        <option key={option} value={option}>
          {words}
        </option>
      ))}
    </select>
  );
}
