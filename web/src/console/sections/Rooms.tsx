import { useState } from "react";

import { Badge } from "../../ui/Badge.tsx";
import { withQuery } from "../api.ts";
import { BackTo, Panel } from "../Detail.tsx";
import { ListFrame, Toolbar } from "../ListFrame.tsx";
import { linkTo } from "../route.ts";
import type { Connection, RoomLine, RoomMessage } from "../shapes.ts";
import type { SectionProps } from "../Shell.tsx";
import { Table, type Column } from "../Table.tsx";
import { useList, useSettled } from "../useList.ts";
import { count, moment } from "../words.ts";
import { CONNECTION_COLUMNS } from "./Connections.tsx";

/** All rooms of the store; one of them with who hears it and what was said. */
export function Rooms({ route }: SectionProps) {
  const [room] = route.rest;
  return room ? <OneRoom id={room} /> : <AllRooms first={route.query.get("search") ?? ""} />;
}

function AllRooms({ first }: { first: string }) {
  const [search, setSearch] = useState(first);
  const settled = useSettled(search.trim());
  const list = useList<RoomLine>(withQuery("/api/v1/rooms", { search: settled }));
  return (
    <>
      <Toolbar
        label="Search name, id, owner"
        search={search}
        onSearch={setSearch}
        reload={list.reload}
      />
      <ListFrame list={list} empty={settled ? "No room fits the search" : "There are no rooms yet"}>
        <Table label="Rooms" rows={list.rows} columns={COLUMNS} id={({ id }) => id} />
      </ListFrame>
    </>
  );
}

const COLUMNS: readonly Column<RoomLine>[] = [
  {
    head: "Room",
    cell: (row) => (
      <a href={linkTo("rooms", [row.id])} className="font-medium text-accent hover:underline">
        {row.name || (row.type === "DM" ? "Direct messages" : row.id)}
      </a>
    ),
  },
  {
    head: "Type",
    cell: (row) => (
      <Badge tone={row.type === "PUBLIC" ? "good" : "plain"}>{row.type.toLowerCase()}</Badge>
    ),
  },
  { head: "Owner", cell: (row) => row.owner_id ?? <span className="text-muted">none</span> },
  { head: "Members", cell: (row) => count(row.members), number: true },
  { head: "Messages", cell: (row) => count(row.messages), number: true },
  { head: "Listening", cell: (row) => count(row.subscribers), number: true },
  { head: "Last seq", cell: (row) => count(row.last_seq), number: true, wideOnly: true },
  { head: "Made", cell: (row) => moment(row.created_at), number: true, wideOnly: true },
  {
    head: "Id",
    cell: (row) => <span className="font-mono text-xs">{row.id}</span>,
    wideOnly: true,
  },
];

function OneRoom({ id }: { id: string }) {
  const path = `/api/v1/rooms/${encodeURIComponent(id)}`;
  const subscribers = useList<Connection>(withQuery(`${path}/subscribers`, { limit: 200 }));
  const messages = useList<RoomMessage>(withQuery(`${path}/messages`, { limit: 50 }));
  return (
    <>
      <BackTo href={linkTo("rooms")} all="All rooms" name={id} />
      <Panel title="Who hears it now" reload={subscribers.reload}>
        <ListFrame list={subscribers} empty="No connection hears this room">
          <Table
            label={`Connections that hear ${id}`}
            rows={subscribers.rows}
            columns={CONNECTION_COLUMNS}
            id={(row) => `${row.id}-${row.node ?? ""}`}
          />
        </ListFrame>
      </Panel>
      <Panel title="Messages, newest first" reload={messages.reload}>
        <ListFrame list={messages} empty="Nothing was said here">
          <ol
            aria-label="Messages"
            className="divide-y divide-line/60 rounded-lg border border-line bg-surface"
          >
            {messages.rows.map((message) => (
              <Said key={message.id} message={message} />
            ))}
          </ol>
        </ListFrame>
      </Panel>
    </>
  );
}

function Said({ message }: { message: RoomMessage }) {
  return (
    <li className="grid gap-x-3 px-3 py-2 text-sm sm:grid-cols-[9rem_minmax(0,1fr)_auto]">
      <span className="truncate font-medium" title={message.userId}>
        {message.user.name ?? message.userId}
      </span>
      {message.deletedAt ? (
        <span className="text-muted italic">deleted, the text is erased</span>
      ) : (
        <span className="break-words whitespace-pre-wrap">{message.content}</span>
      )}
      <span className="text-xs text-muted tabular-nums">
        {moment(message.createdAt)} · {message.seq} · {message.deliveryStatus.toLowerCase()}
      </span>
    </li>
  );
}
