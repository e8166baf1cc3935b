import { Lock } from "lucide-react";
import { useState } from "react";

import { Badge } from "../../ui/Badge.tsx";
import { EmptyState } from "../../ui/EmptyState.tsx";
import { Spinner } from "../../ui/Spinner.tsx";
import { CheckField } from "../../ui/TextField.tsx";
import { Panel } from "../Detail.tsx";
import { ProblemBanner, Toolbar } from "../ListFrame.tsx";
import type { Config, ConfigKey } from "../shapes.ts";
import type { SectionProps } from "../Shell.tsx";
import { Table, type Column } from "../Table.tsx";
import { useAnswer } from "../useList.ts";
import { configValue, filterConfig } from "../words.ts";

/** The configuration in force, and where each key of it comes from. */
export function ConfigSection(_: SectionProps) {
  const { value, problem, reload } = useAnswer<Config>("/api/v1/config");
  const [search, setSearch] = useState("");
  const [changed, setChanged] = useState(false);
  if (problem) return <ProblemBanner problem={problem} again={reload} />;
  if (!value) return <Spinner label="Reading" />;
  const groups = bySection(filterConfig(value.keys, search, changed));
  return (
    <>
      <p className="text-sm text-muted">
        {PROFILES[value.profile] ?? value.profile}.{" "}
        {value.file ? (
          <>
            File: <code className="font-mono break-all">{value.file}</code>.
          </>
        ) : (
          "No file was given."
        )}{" "}
        Changes take effect when the server starts anew.
      </p>
      <Toolbar
        label="Filter by key, value, description"
        search={search}
        onSearch={setSearch}
        reload={reload}
      >
        <CheckField
          label="Only what is not the default"
          checked={changed}
          onChange={(event) => setChanged(event.target.checked)}
        />
      </Toolbar>
      {groups.length === 0 && <EmptyState title="No key fits the filter" />}
      {groups.map(([section, keys]) => (
        <Panel key={section} title={section}>
          <Table label={`Keys of ${section}`} rows={keys} columns={COLUMNS} id={({ key }) => key} />
        </Panel>
      ))}
    </>
  );
}

/** Keys by the first word of their name, in the order of the list. */
export function bySection(keys: readonly ConfigKey[]): [string, ConfigKey[]][] {
  const groups = new Map<string, ConfigKey[]>();
  for (const key of keys) {
    const section = /^[^.[]*/.exec(key.key)?.[0] ?? "";
    groups.set(section, [...(groups.get(section) ?? []), key]);
  }
  return [...groups];
}

const PROFILES: Record<string, string> = {
  dev: "Dev mode: known passwords, anonymous clients, loopback only",
  normal: "Normal operation",
  conformance: "Conformance mode: limits are raised, loopback only",
};

const COLUMNS: readonly Column<ConfigKey>[] = [
  {
    head: "Key",
    width: "w-[23%] min-w-40",
    cell: (row) => (
      <code className="font-mono text-xs break-all" title={row.about}>
        {row.key}
      </code>
    ),
  },
  { head: "Value", cell: (row) => <Value of={row} />, width: "w-[22%]" },
  {
    head: "From",
    width: "w-[13%]",
    cell: (row) => (
      <span>
        <Badge tone={row.from === "default" ? "plain" : "warn"}>{row.from}</Badge>
        {row.source && (
          <code className="block font-mono text-xs break-all text-muted">{row.source}</code>
        )}
      </span>
    ),
  },
  { head: "About", cell: (row) => <About text={row.about} />, wideOnly: true },
];

function Value({ of }: { of: ConfigKey }) {
  if (of.secret) {
    return (
      <span className="inline-flex items-center gap-1.5 text-muted">
        <Lock size={14} aria-hidden />
        {configValue(of)}
      </span>
    );
  }
  const unset = of.value === null || of.value === undefined;
  return (
    <span className={unset ? "text-muted" : "font-mono text-xs break-all"}>{configValue(of)}</span>
  );
}

/** A key's description, in which backquotes stand around what is written as it is. */
function About({ text }: { text: string }) {
  return (
    <span className="text-xs text-muted">
      {text.split("`").map((part, at) => (at % 2 === 1 ? <code key={at}>{part}</code> : part))}
    </span>
  );
}
