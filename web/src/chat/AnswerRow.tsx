import type { Answer, FailedAnswer } from "conclave-client";
import { Bot, Square } from "lucide-react";
import type { ReactNode } from "react";

import { Badge } from "../ui/Badge.tsx";
import { Banner } from "../ui/Banner.tsx";
import { Button } from "../ui/Button.tsx";
import { failedWords, isStopped } from "./answers.ts";
import { Markdown } from "./Markdown.tsx";

interface AnswerRowProps {
  answer: Answer;
  author: string;
  /** Ends it; `null` for who may not. */
  stop: (() => void) | null;
}

/** The answer under way: what is there of it, and what ends it. */
export function AnswerRow({ answer, author, stop }: AnswerRowProps) {
  return (
    <Frame label={`${author} is answering`} busy>
      <Author name={author} />
      {answer.content !== "" && <Markdown text={answer.content} />}
      <div className="mt-1 flex min-h-8 items-center gap-3 text-sm text-muted">
        <span className="mr-auto flex items-center gap-2">
          <Dots /> {answer.stopping ? "Stopping" : "Answering"}
        </span>
        {stop && (
          <Button className="min-h-8 px-2.5" disabled={answer.stopping} onClick={stop}>
            <Square size={12} fill="currentColor" aria-hidden /> Stop
          </Button>
        )}
      </div>
    </Frame>
  );
}

interface FailedRowProps {
  failed: FailedAnswer;
  author: string;
  dismiss: () => void;
}

/** Why there is no answer, with what there was of it. */
export function FailedRow({ failed, author, dismiss }: FailedRowProps) {
  return (
    <Frame label={`${author} could not answer`}>
      <Author name={author} />
      {failed.content !== "" && (
        <div className="mb-2 text-muted">
          <Markdown text={failed.content} />
        </div>
      )}
      <Banner
        tone={isStopped(failed.error) ? "info" : "bad"}
        className="my-1"
        actions={
          <Button className="min-h-8 px-2.5" onClick={dismiss}>
            Dismiss
          </Button>
        }
      >
        {failedWords(failed)}
      </Banner>
    </Frame>
  );
}

/** As a message of somebody else looks. */
function Frame({ label, busy = false, children }: FrameProps) {
  return (
    <div className="flex gap-2 px-3 pt-2.5 sm:gap-2.5 sm:px-4">
      <div className="w-8 shrink-0 sm:w-10">
        <AssistantFace />
      </div>
      <article
        aria-label={label}
        aria-busy={busy}
        className="max-w-[min(40rem,82%)] min-w-56 rounded-2xl rounded-tl-md border border-line bg-surface px-3.5 py-2 text-[0.9375rem] leading-snug"
      >
        {children}
      </article>
    </div>
  );
}

interface FrameProps {
  label: string;
  busy?: boolean;
  children: ReactNode;
}

function Author({ name }: { name: string }) {
  return (
    <p className="mb-0.5 flex items-center gap-2 text-sm font-semibold">
      {name} <Badge>AI</Badge>
    </p>
  );
}

/** What stands where people have their picture. */
export function AssistantFace() {
  return (
    <span
      aria-hidden
      className="grid size-8 place-items-center rounded-full border border-line bg-raised text-accent sm:size-10"
    >
      <Bot className="size-4.5 sm:size-5" />
    </span>
  );
}

function Dots() {
  return (
    <span aria-hidden className="flex gap-1">
      {[0, 1, 2].map((index) => (
        <span
          key={index}
          className="size-1.5 animate-pulse rounded-full bg-accent"
          style={{ animationDelay: `${index * 200}ms` }}
        />
      ))}
    </span>
  );
}
