import { useState } from "react";

import { Badge } from "../../ui/Badge.tsx";
import { withQuery } from "../api.ts";
import { BackTo, Panel } from "../Detail.tsx";
import { ListFrame, Toolbar } from "../ListFrame.tsx";
import { linkTo } from "../route.ts";
import type { Connection, TopicLine } from "../shapes.ts";
import type { SectionProps } from "../Shell.tsx";
import { Table, type Column } from "../Table.tsx";
import { useList, useSettled } from "../useList.ts";
import { count } from "../words.ts";
import { CONNECTION_COLUMNS } from "./Connections.tsx";

/** The topics that somebody hears, by session; one of them with its subscribers. */
export function Topics({ route }: SectionProps) {
  const [session, topic] = route.rest;
  return session !== undefined && topic !== undefined ? (
    <OneTopic session={session} topic={topic} />
  ) : (
    <AllTopics />
  );
}

function AllTopics() {
  const [search, setSearch] = useState("");
  const settled = useSettled(search.trim());
  const list = useList<TopicLine>(withQuery("/api/v1/topics", { search: settled }));
  return (
    <>
      <Toolbar
        label="Search session, topic"
        search={search}
        onSearch={setSearch}
        reload={list.reload}
      />
      <ListFrame list={list} empty={settled ? "No topic fits the search" : "Nobody hears a topic"}>
        <Table
          label="Topics"
          rows={list.rows}
          columns={COLUMNS}
          id={(row) => JSON.stringify([row.issuer, row.anonymous, row.session, row.topic])}
        />
      </ListFrame>
    </>
  );
}

const COLUMNS: readonly Column<TopicLine>[] = [
  {
    head: "Topic",
    cell: (row) => (
      <a
        href={linkTo("topics", [row.session, row.topic])}
        className="font-medium text-accent hover:underline"
      >
        {row.topic}
      </a>
    ),
  },
  { head: "Session", cell: (row) => row.session },
  {
    head: "Whose",
    cell: (row) =>
      row.anonymous ? <Badge tone="warn">anonymous</Badge> : <Badge>{row.issuer ?? "own"}</Badge>,
  },
  { head: "Subscribers", cell: (row) => count(row.subscribers), number: true },
];

/** Sessions of one name may be several, of other issuers or without tokens: shown together. */
function OneTopic({ session, topic }: { session: string; topic: string }) {
  const list = useList<Connection>(
    withQuery("/api/v1/topics/subscribers", { session, topic, limit: 200 }),
  );
  return (
    <>
      <BackTo href={linkTo("topics")} all="All topics" name={`${topic} in ${session}`} />
      <Panel title="Who hears it now" reload={list.reload}>
        <ListFrame list={list} empty="No connection hears this topic any more">
          <Table
            label={`Connections that hear ${topic}`}
            rows={list.rows}
            columns={CONNECTION_COLUMNS}
            id={(row) => `${row.id}-${row.node ?? ""}`}
          />
        </ListFrame>
      </Panel>
    </>
  );
}
