import type { ChatMessage, Status } from "conclave-client";
import { memo } from "react";

import { Avatar } from "../ui/Avatar.tsx";
import { Badge } from "../ui/Badge.tsx";
import { Button } from "../ui/Button.tsx";
import { classes } from "../ui/classes.ts";
import { answeredTip, answeredWords, isAssistant } from "./answers.ts";
import { AssistantFace } from "./AnswerRow.tsx";
import { Content } from "./Content.tsx";
import { Marks } from "./Marks.tsx";
import { MessageTools } from "./MessageTools.tsx";
import { Quote } from "./Quote.tsx";
import type { MessageActions } from "./actions.ts";
import { dayWords, momentWords, timeWords } from "./words.ts";

export interface MessageRowProps {
  message: ChatMessage;
  own: boolean;
  author: string;
  head: boolean;
  day: boolean;
  unread: boolean;
  /** Shows the tools, and is where Tab comes to. */
  active: boolean;
  /** Was just jumped to. */
  found: boolean;
  mayRemove: boolean;
  /** What it answers; `null` where that is not loaded. */
  quoted: ChatMessage | null;
  quotedAuthor: string;
  connection: Status;
  actions: MessageActions;
}

/** A message with what stands before it. Renders anew only where one of these changed. */
export const MessageRow = memo(function MessageRow(props: MessageRowProps) {
  const { message, day, unread } = props;
  return (
    <>
      {day && <Line words={dayWords(message.createdAt, new Date())} />}
      {unread && <Line words="New messages" accent />}
      {message.kind === "System" ? <SystemLine content={message.content} /> : <Bubble {...props} />}
    </>
  );
});

function Bubble(props: MessageRowProps) {
  const { message, own, author, head, active, found, connection, actions } = props;
  const assistant = isAssistant(message);
  return (
    <div
      className={classes(
        "flex gap-2 px-3 sm:gap-2.5 sm:px-4",
        own && "flex-row-reverse",
        head ? "pt-2.5" : "pt-0.5",
      )}
    >
      {!own && (
        <div className="w-8 shrink-0 sm:w-10">
          {head && (assistant ? <AssistantFace /> : <Avatar name={author} size="fitting" />)}
        </div>
      )}
      <article
        data-message
        tabIndex={active ? 0 : -1}
        aria-label={`${own ? "You" : author}, ${timeWords(message.createdAt)}`}
        className={classes(
          "relative max-w-[min(40rem,82%)] rounded-2xl px-3.5 py-2 text-[0.9375rem] leading-snug",
          own ? "bg-own" : "border border-line bg-surface",
          head && (own ? "rounded-tr-md" : "rounded-tl-md"),
          found && "outline-2 outline-offset-2 outline-accent",
        )}
      >
        {active && message.id !== null && !message.deleted && (
          <MessageTools message={message} own={own} mayRemove={props.mayRemove} actions={actions} />
        )}
        {head && !own && (
          <p className="mb-0.5 flex items-center gap-2 text-sm font-semibold">
            {author} {assistant && <Badge>AI</Badge>}
          </p>
        )}
        {message.replyTo !== null && !message.deleted && (
          <Quote
            message={props.quoted}
            author={props.quotedAuthor}
            jump={() => message.replyTo && actions.jump(message.replyTo)}
          />
        )}
        {/* The time stands beside the last line where that is short enough, else below. */}
        <div className="flex flex-wrap items-end justify-end gap-x-4">
          <div data-content className="min-w-0 flex-auto">
            <Content message={message} author={author} />
          </div>
          <p className="-mb-1 flex min-h-5 items-center gap-1.5 text-xs whitespace-nowrap text-muted">
            {message.answered && !message.deleted && (
              <span title={answeredTip(message.answered)}>{answeredWords(message.answered)}</span>
            )}
            {message.editedAt && !message.deleted && <span>edited</span>}
            <time dateTime={message.createdAt.toISOString()} title={momentWords(message.createdAt)}>
              {timeWords(message.createdAt)}
            </time>
            {own && !message.deleted && <Marks message={message} connection={connection} />}
          </p>
        </div>
        {message.status === "FAILED" && <Failed message={message} actions={actions} />}
      </article>
    </div>
  );
}

function Failed({ message, actions }: { message: ChatMessage; actions: MessageActions }) {
  return (
    <div className="mt-2 flex flex-wrap items-center justify-end gap-2 border-t border-line pt-2">
      <p className="mr-auto text-sm text-bad">
        {message.error?.message ?? "It could not be sent."}
      </p>
      <Button className="min-h-8 px-2.5" onClick={() => actions.discard(message)}>
        Discard
      </Button>
      <Button className="min-h-8 px-2.5" onClick={() => actions.retry(message)}>
        Try again
      </Button>
    </div>
  );
}

function SystemLine({ content }: { content: string }) {
  return <p className="px-6 py-2 text-center text-sm text-muted">{content}</p>;
}

function Line({ words, accent = false }: { words: string; accent?: boolean }) {
  return (
    <div className="flex items-center gap-3 px-4 pt-4 pb-2 text-xs font-medium">
      <span aria-hidden className={classes("h-px flex-1", accent ? "bg-accent" : "bg-line")} />
      <span className={accent ? "text-accent" : "text-muted"}>{words}</span>
      <span aria-hidden className={classes("h-px flex-1", accent ? "bg-accent" : "bg-line")} />
    </div>
  );
}
