import { ShieldAlert, ShieldCheck } from "lucide-react";
import { useState, type ReactNode } from "react";

import { Badge, type BadgeTone } from "../../ui/Badge.tsx";
import { Button } from "../../ui/Button.tsx";
import { Spinner } from "../../ui/Spinner.tsx";
import { Choice, ListFrame, ProblemBanner, SearchField, Toolbar } from "../ListFrame.tsx";
import type { AuditLine, AuditState } from "../shapes.ts";
import type { SectionProps } from "../Shell.tsx";
import { Table, type Column } from "../Table.tsx";
import { useAnswer, useSettled } from "../useList.ts";
import { useAudit } from "../useAudit.ts";
import { count, moment } from "../words.ts";

/** What happened to the server's security, and whether the record of it is whole. */
export function Audit({ route }: SectionProps) {
  const [search, setSearch] = useState(route.query.get("search") ?? "");
  const [user, setUser] = useState(route.query.get("user") ?? "");
  const [event, setEvent] = useState("");
  const [level, setLevel] = useState("");
  const filter = { search: useSettled(search.trim()), user: useSettled(user.trim()), event, level };
  const log = useAudit(filter);
  const list = {
    rows: log.lines,
    problem: log.problem,
    loading: log.loading,
    silent: [],
    more: log.older,
    reload: log.reload,
  };
  return (
    <>
      <Chain />
      <Toolbar
        label="Search in the whole line"
        search={search}
        onSearch={setSearch}
        reload={log.reload}
      >
        <SearchField label="User, exactly" value={user} onChange={setUser} />
        <Choice
          label="Event"
          value={event}
          onChange={setEvent}
          options={[
            ["", "all events"],
            ...EVENTS.map((name) => [name, name.replaceAll("_", " ")] as const),
          ]}
        />
        <Choice label="Level" value={level} onChange={setLevel} options={LEVELS} />
      </Toolbar>
      <ListFrame list={list} empty="No line fits the filters">
        <Table
          label="Audit lines"
          rows={log.lines}
          columns={COLUMNS}
          id={({ seq }) => String(seq)}
        />
      </ListFrame>
    </>
  );
}

/** Whether each line still follows from the one before it. */
function Chain() {
  const { value, problem, loading, reload } = useAnswer<AuditState>("/api/v1/audit/state");
  if (problem) return <ProblemBanner problem={problem} again={reload} />;
  if (!value) return <Spinner label="Verifying the chain" />;
  const Icon = value.verified ? ShieldCheck : ShieldAlert;
  return (
    <section
      aria-label="Chain"
      className="flex flex-wrap items-start gap-3 rounded-lg border border-line bg-surface p-3 text-sm"
    >
      <Icon size={20} aria-hidden className={value.verified ? "text-good" : "text-bad"} />
      <div className="min-w-60 flex-1">
        {value.verified ? <Whole state={value} /> : <Broken state={value} />}
        {value.recovered.length > 0 && (
          <p className="mt-1 text-muted">
            {value.recovered.length === 1 ? "Once" : `${value.recovered.length} times`} the server
            found the end of the file torn after a crash and went on behind it; the chain records
            where.
          </p>
        )}
      </div>
      <Button onClick={reload} busy={loading}>
        Verify again
      </Button>
    </section>
  );
}

function Whole({ state }: { state: AuditState }) {
  return (
    <>
      <p className="font-medium">The chain is whole: {count(state.lines ?? 0)} lines verified.</p>
      <p className="text-muted">
        Checked at {moment(state.at)}. Head{" "}
        <span className="font-mono text-xs" title={state.head ?? ""}>
          {state.head?.slice(0, 16)}…
        </span>{" "}
        Keep checkpoints elsewhere (
        <code className="font-mono text-xs">conclave audit checkpoint</code>): only they show when
        the newest lines were cut off.
      </p>
    </>
  );
}

function Broken({ state }: { state: AuditState }) {
  return (
    <div role="alert">
      <p className="font-medium text-bad">
        The chain is broken: {state.problem ?? "it could not be verified"}.
      </p>
      <p className="text-muted">
        A line was changed, removed or put in by something other than the server, or the file was
        damaged. Lines before that place can be trusted, those behind it cannot. Copy the file
        before anything else, compare it with your backups and checkpoints, and find out who can
        write to the data folder.
      </p>
    </div>
  );
}

const EVENTS = [
  "admin_action",
  "connection_cut",
  "handshake_ok",
  "handshake_refused",
  "limit_hit",
  "permission_denied",
  "power_used",
  "protocol_violation",
  "recovered",
  "revocation",
  "role_change",
  "sign_in_failed",
  "sign_in_ok",
  "start",
  "stop",
  "summary",
  "usage_lost",
  "wallet_change",
  "webhook_dropped",
  "webhook_failing",
  "webhook_lost",
];

const LEVELS = [
  ["", "all levels"],
  ["info", "info"],
  ["warning", "warning"],
  ["critical", "critical"],
] as const;

const TONES: Record<AuditLine["level"], BadgeTone> = {
  info: "plain",
  warning: "warn",
  critical: "bad",
};

const COLUMNS: readonly Column<AuditLine>[] = [
  {
    head: "When",
    cell: (row) => (
      <time dateTime={row.ts} className="whitespace-nowrap tabular-nums">
        {moment(row.ts)}
      </time>
    ),
  },
  {
    head: "Event",
    cell: (row) => <span className="whitespace-nowrap">{row.event.replaceAll("_", " ")}</span>,
  },
  { head: "Level", cell: (row) => <Badge tone={TONES[row.level] ?? "plain"}>{row.level}</Badge> },
  { head: "User", cell: (row) => row.user ?? <span className="text-muted">–</span> },
  {
    head: "From",
    cell: (row) => <span className="font-mono text-xs">{row.ip ?? "–"}</span>,
    wideOnly: true,
  },
  { head: "Detail", cell: (row) => <Detail line={row} /> },
  { head: "Line", cell: (row) => row.seq, number: true },
];

function Detail({ line }: { line: AuditLine }): ReactNode {
  const known = { path: line.path, session: line.session, connection: line.connection };
  const beside = Object.entries(known).flatMap(([name, value]) =>
    value ? [`${name} ${value}`] : [],
  );
  return (
    <span className="text-xs" title={line.user_agent ?? undefined}>
      <span className="font-mono break-all">{detailText(line.detail)}</span>
      {beside.length > 0 && (
        <span className="block break-all text-muted">{beside.join(" · ")}</span>
      )}
    </span>
  );
}

/** `reason: expired, limit: 3` of an object, else as JSON. */
export function detailText(detail: unknown): string {
  if (detail === null || detail === undefined) return "";
  if (typeof detail !== "object" || Array.isArray(detail))
    return typeof detail === "string" ? detail : JSON.stringify(detail);
  return Object.entries(detail)
    .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(", ");
}
