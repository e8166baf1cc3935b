import { useState } from "react";

import { Badge } from "../../ui/Badge.tsx";
import { Banner } from "../../ui/Banner.tsx";
import { withQuery } from "../api.ts";
import { ListFrame, Toolbar } from "../ListFrame.tsx";
import { Kick, Revoke } from "../power.tsx";
import { linkTo } from "../route.ts";
import { useMay } from "../session.ts";
import type { Connection } from "../shapes.ts";
import type { SectionProps } from "../Shell.tsx";
import { RowButton, Table, type Column } from "../Table.tsx";
import { useList, useSettled } from "../useList.ts";
import { bytes, count, moment, span } from "../words.ts";

/** Who is connected, on all nodes; kick one, revoke a user or a session. */
export function Connections({ route }: SectionProps) {
  const [search, setSearch] = useState(route.query.get("search") ?? "");
  const settled = useSettled(search.trim());
  const list = useList<Connection>(withQuery("/api/v1/connections", { search: settled }));
  const may = useMay("server.disconnect");
  const [power, setPower] = useState<{ what: "kick" | "revoke"; to: Connection } | null>(null);
  const [done, setDone] = useState<string | null>(null);
  const finished = (words: string) => {
    setPower(null);
    setDone(words);
    list.reload();
  };
  const actions = (row: Connection) => (
    <>
      <RowButton
        onClick={() => setPower({ what: "kick", to: row })}
        aria-label={`Kick ${named(row)}`}
      >
        Kick
      </RowButton>
      {row.user_id && (
        <RowButton
          onClick={() => setPower({ what: "revoke", to: row })}
          aria-label={`Revoke ${named(row)}`}
        >
          Revoke
        </RowButton>
      )}
    </>
  );
  return (
    <>
      <Toolbar
        label="Search user, session, address, dialect"
        search={search}
        onSearch={setSearch}
        reload={list.reload}
      />
      {done && <Banner tone="good">{done}</Banner>}
      {!may && <Banner>Kicking and revoking need the permission server.disconnect.</Banner>}
      <ListFrame
        list={list}
        empty={settled ? "No connection fits the search" : "Nobody is connected"}
      >
        <Table
          label="Connections"
          rows={list.rows}
          columns={CONNECTION_COLUMNS}
          id={({ id, node }) => `${id}-${node ?? ""}`}
          {...(may ? { actions } : {})}
        />
      </ListFrame>
      {power?.what === "kick" && (
        <Kick connection={power.to} close={() => setPower(null)} done={finished} />
      )}
      {power?.what === "revoke" && (
        <Revoke connection={power.to} close={() => setPower(null)} done={finished} />
      )}
    </>
  );
}

function named(row: Connection): string {
  return `${row.user_id ?? "anonymous"}, connection ${row.id}`;
}

export const CONNECTION_COLUMNS: readonly Column<Connection>[] = [
  {
    head: "User",
    cell: (row) =>
      row.user_id ? (
        <strong className="font-medium">{row.user_id}</strong>
      ) : (
        <span className="text-muted">anonymous</span>
      ),
  },
  { head: "Dialect", cell: (row) => <Badge>{row.surface}</Badge> },
  {
    head: "Session",
    cell: (row) => (
      <a href={linkTo("connections", [], { search: row.session })} className="hover:underline">
        {row.session}
      </a>
    ),
    wideOnly: true,
  },
  { head: "Address", cell: (row) => <span className="font-mono text-xs">{row.address}</span> },
  {
    head: "Connected",
    cell: (row) => (
      <time
        dateTime={row.connected_at}
        title={moment(row.connected_at)}
        className="whitespace-nowrap"
      >
        {span((Date.now() - Date.parse(row.connected_at)) / 1000)}
      </time>
    ),
    number: true,
  },
  { head: "Received", cell: (row) => maybe(row.messages_received), number: true },
  { head: "Topics", cell: (row) => maybe(row.subscriptions), number: true, wideOnly: true },
  { head: "Waiting", cell: (row) => bytes(row.outbox_bytes), number: true, wideOnly: true },
  {
    head: "Id",
    cell: (row) => (
      <span className="font-mono text-xs" title={row.node}>
        {row.id}
      </span>
    ),
    wideOnly: true,
  },
];

function maybe(value: number | undefined): string {
  return value === undefined ? "–" : count(value);
}
