import { Fact, Facts } from "../Facts.tsx";
import { Feed } from "../Feed.tsx";
import { linkTo } from "../route.ts";
import type { AssistantFeed, RunningAnswer } from "../shapes.ts";
import { Table, type Column } from "../Table.tsx";
import { count, milliseconds, share, span } from "../words.ts";

/** What the assistant does: answers under way, how they ended, what they cost. */
export function Assistant() {
  return (
    <Feed<AssistantFeed>
      path="/api/v1/assistant"
      off={
        <>
          The assistant is off. <code className="font-mono">[assistant]</code> in the configuration
          says which provider it asks.
        </>
      }
    >
      {(feed) => <Running feed={feed} />}
    </Feed>
  );
}

function Running({ feed }: { feed: AssistantFeed }) {
  const { concurrency, answers, tokens, first_token: first } = feed;
  return (
    <>
      <div className="grid gap-3 sm:grid-cols-2 xl:grid-cols-4">
        <Facts title="Provider">
          <Fact name="Model">{feed.model}</Fact>
          <Fact name="Host">{feed.base_host}</Fact>
          <Fact name="First token, p50">{milliseconds(first?.p50_ms ?? null)}</Fact>
          <Fact name="First token, p99">{milliseconds(first?.p99_ms ?? null)}</Fact>
        </Facts>
        <Facts title="Now">
          <Fact name="Answering">{`${count(concurrency.running)} of ${count(concurrency.limit)}`}</Fact>
          <Fact name="Waiting">{count(concurrency.waiting)}</Fact>
          <Fact name="In use">{share(concurrency.running, concurrency.limit)}</Fact>
        </Facts>
        <Facts title="Answers since the start">
          <Fact name="Begun">{count(answers.started)}</Fact>
          <Fact name="Whole">{count(answers.stop)}</Fact>
          <Fact name="Cut at the limit">{count(answers.length)}</Fact>
          <Fact name="Cancelled">{count(answers.cancelled)}</Fact>
          <Fact name="Failed">{count(answers.error)}</Fact>
        </Facts>
        <Facts title="Tokens since the start">
          <Fact name="Read">{count(tokens.prompt)}</Fact>
          <Fact name="Written">{count(tokens.completion)}</Fact>
          <Fact name="Together">{count(tokens.prompt + tokens.completion)}</Fact>
        </Facts>
      </div>
      <section className="grid gap-2">
        <h2 className="font-medium">Answers under way</h2>
        {feed.rooms.length > 0 ? (
          <Table
            label="Answers under way"
            rows={feed.rooms}
            columns={COLUMNS}
            id={(row) => `${row.id} ${row.message_id ?? ""}`}
          />
        ) : (
          <p className="rounded-lg border border-dashed border-line p-5 text-center text-sm text-muted">
            No room is being answered
          </p>
        )}
      </section>
    </>
  );
}

const COLUMNS: readonly Column<RunningAnswer>[] = [
  {
    head: "Room",
    cell: (row) => (
      <a href={linkTo("rooms", [row.id])} className="font-medium text-accent hover:underline">
        {row.id}
      </a>
    ),
  },
  { head: "Asked by", cell: (row) => row.asked_by },
  { head: "Tokens", cell: (row) => count(row.tokens), number: true },
  { head: "For", cell: (row) => span(row.for_seconds), number: true },
];
