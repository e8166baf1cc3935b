import type { Answer, ChatMessage, FailedAnswer, Room, Status } from "conclave-client";
import type { AnswerHook, RoomHook } from "conclave-client/react";
import { ArrowDown } from "lucide-react";
import {
  useImperativeHandle,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type Ref,
} from "react";

import { Badge } from "../ui/Badge.tsx";
import { Button } from "../ui/Button.tsx";
import { EmptyState } from "../ui/EmptyState.tsx";
import { Spinner } from "../ui/Spinner.tsx";
import type { MessageActions } from "./actions.ts";
import { AnswerRow, FailedRow } from "./AnswerRow.tsx";
import { assistantName, authorOf } from "./answers.ts";
import { MessageRow } from "./MessageRow.tsx";
import { newerThan, newestSeq, rowAt, type Row } from "./rows.ts";
import { useHistory } from "./useHistory.ts";
import { useListKeys } from "./useListKeys.ts";
import { useReading } from "./useReading.ts";
import { short } from "./words.ts";

/** What others may ask of the list. */
export interface MessageListHandle {
  /** Goes to the newest message; there is no line of new ones any more. */
  toNewest(): void;
  /** Goes to a message, and loads back to it; `false` where it is not in the room. */
  toMessage(id: string): Promise<boolean>;
  /** Gives the focus to the newest message. */
  focus(): void;
}

interface MessageListProps {
  room: RoomHook;
  /** The same room, which may be ahead of what is shown. */
  live: Room;
  me: string;
  mayRemoveAll: boolean;
  assistant: AnswerHook;
  /** Ends the answer under way; `null` for who may not. */
  stop: (() => void) | null;
  connection: Status;
  actions: MessageActions;
  /** Escape on a message. */
  onEscape: () => void;
  handle: Ref<MessageListHandle>;
}

/** All messages of a room, of which only those in sight are in the document. */
export function MessageList(props: MessageListProps) {
  const { room, live, me, mayRemoveAll, connection, actions, onEscape, handle } = props;
  const { assistant, stop } = props;
  const { messages } = room;
  const tail = useMemo(() => tailOf(assistant), [assistant]);
  const scroller = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState<string | null>(null);
  const byId = useMemo(() => new Map(messages.map((message) => [message.id, message])), [messages]);
  const tailKeys = tail.map(({ key }) => key);
  const history = useHistory({ room, live, scroller, tail: tailKeys, active, connection });
  const { virtual, atEnd, toEnd } = history;
  // The reader of the newest follows what grows there.
  const following = useRef(atEnd);
  following.current = atEnd;
  useLayoutEffect(() => {
    if (tail.length > 0 && following.current) toEnd();
  }, [tail, toEnd]);
  const { line, forget } = useReading({
    messages,
    unread: room.unread,
    me,
    atEnd,
    markRead: room.markRead,
  });
  const keys = useListKeys({
    messages,
    scroller,
    virtual,
    active,
    setActive,
    actions,
    onEscape,
    me,
  });
  const [seen, setSeen] = useState(0);
  const newest = newestSeq(messages);
  if (atEnd && seen !== newest) setSeen(newest);
  const below = atEnd ? 0 : newerThan(messages, seen, me);
  useImperativeHandle(handle, () => ({
    toNewest: () => {
      forget();
      history.toEnd();
    },
    toMessage: history.toMessage,
    focus: keys.focusLast,
  }));
  const quoted = (message: ChatMessage) =>
    message.replyTo ? (byId.get(message.replyTo) ?? null) : null;
  const { nameOf } = room;
  const message = (row: Row) => {
    const own = row.message.userId === me;
    const answered = quoted(row.message);
    return (
      <MessageRow
        {...row}
        own={own}
        author={authorOf(row.message, nameOf)}
        active={active === row.key}
        found={history.found === row.message.id && row.message.id !== null}
        mayRemove={own || mayRemoveAll}
        quoted={answered}
        quotedAuthor={answered ? authorOf(answered, nameOf) : ""}
        connection={connection}
        actions={actions}
      />
    );
  };
  return (
    <div className="relative min-h-0 flex-1">
      <div
        ref={scroller}
        role="region"
        aria-label="Messages"
        tabIndex={0}
        onKeyDown={keys.onKeyDown}
        onPointerLeave={() => setActive((now) => (keys.hasFocus() ? now : null))}
        className="h-full overflow-x-hidden overflow-y-auto overscroll-contain [overflow-anchor:none] focus-visible:-outline-offset-2"
      >
        <div className="flex min-h-full flex-col justify-end">
          <Top room={room} failed={history.failed} again={history.again} />
          <div
            role="list"
            className="relative mx-auto w-full max-w-4xl"
            style={{ height: virtual.getTotalSize() }}
          >
            {virtual.getVirtualItems().map(({ index, start }) => {
              const row = rowAt(messages, index, line);
              const last = tail[index - messages.length];
              const key = row?.key ?? last?.key;
              return (
                <div
                  key={key}
                  ref={virtual.measureElement}
                  role="listitem"
                  data-index={index}
                  data-key={key}
                  onPointerEnter={() => row && setActive(row.key)}
                  onFocus={() => row && setActive(row.key)}
                  className="absolute top-0 left-0 w-full"
                  style={{ transform: `translateY(${start - virtual.options.scrollMargin}px)` }}
                >
                  {row && message(row)}
                  {last?.answer && (
                    <AnswerRow answer={last.answer} author={assistantName(nameOf)} stop={stop} />
                  )}
                  {last?.failed && (
                    <FailedRow
                      failed={last.failed}
                      author={assistantName(nameOf)}
                      dismiss={assistant.dismiss}
                    />
                  )}
                </div>
              );
            })}
          </div>
        </div>
      </div>
      {!atEnd && (
        <Button
          onClick={history.toEnd}
          className="absolute right-5 bottom-3 rounded-full shadow-lg"
          aria-label={below > 0 ? `Jump to newest, ${below} new` : "Jump to newest"}
        >
          <ArrowDown size={16} aria-hidden /> Newest
          {below > 0 && <Badge tone="accent">{short(below)}</Badge>}
        </Button>
      )}
    </div>
  );
}

/** A row after the messages. */
interface TailRow {
  key: string;
  answer?: Answer;
  failed?: FailedAnswer;
}

/** An answer has the key of the message it becomes, so that it stays where it is. */
function tailOf({ answer, failed }: AnswerHook): TailRow[] {
  const rows: TailRow[] = [];
  if (answer) rows.push({ key: answer.id ?? "answer", answer });
  if (failed) rows.push({ key: "failed", failed });
  return rows;
}

interface TopProps {
  room: RoomHook;
  failed: boolean;
  again: () => void;
}

/** What stands above the oldest loaded message. */
function Top({ room, failed, again }: TopProps) {
  if (room.messages.length === 0) {
    if (room.loading)
      return (
        <div className="m-auto p-8">
          <Spinner label="Loading messages" />
        </div>
      );
    if (room.error)
      return <EmptyState title="The messages could not be loaded">{room.error.message}</EmptyState>;
    return <EmptyState title="No messages yet">Write the first one.</EmptyState>;
  }
  return (
    <div className="flex h-14 shrink-0 items-center justify-center text-sm text-muted">
      {failed ? (
        <Button onClick={again}>Load older messages</Button>
      ) : room.hasOlder ? (
        <Spinner label="Loading older messages" />
      ) : (
        "This is where the room begins."
      )}
    </div>
  );
}
