import type { ChatMessage } from "conclave-client";
import { Paperclip, SendHorizontal, X } from "lucide-react";
import {
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useRef,
  useState,
  type KeyboardEvent,
  type Ref,
} from "react";

import { IconButton } from "../ui/Button.tsx";
import { useMedia } from "../ui/useMedia.ts";
import { quoteWords } from "./Quote.tsx";
import { CONTENT_MAX, lengthOf } from "./words.ts";

/** What the text is for. */
export type Purpose =
  | { is: "message" }
  | { is: "reply"; to: ChatMessage; author: string }
  | { is: "edit"; of: ChatMessage };

export interface ComposerHandle {
  focus(): void;
}

interface ComposerProps {
  /** What is said to screen readers and in the empty field. */
  label: string;
  purpose: Purpose;
  /** What was begun before; kept by `onDraft`. */
  draft: string;
  onDraft: (text: string) => void;
  onSend: (text: string) => void;
  onCancel: () => void;
  /** Arrow up in the empty field. */
  onEditLast: () => void;
  onTyping: () => void;
  onAttach: () => void;
  handle: Ref<ComposerHandle>;
}

/** Where one writes: Enter sends, Shift+Enter breaks the line. */
export function Composer(props: ComposerProps) {
  const { label, purpose, onDraft, onSend, onCancel, onEditLast, onTyping, onAttach } = props;
  const field = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState(props.draft);
  const touch = useMedia("(pointer: coarse)");
  const edited = purpose.is === "edit" ? purpose.of : null;
  // A draft waits while an edit has the field.
  const [shown, setShown] = useState<ChatMessage | null>(null);
  if (edited !== shown) {
    setShown(edited);
    setText(edited ? edited.content : props.draft);
  }
  useImperativeHandle(props.handle, () => ({ focus: () => field.current?.focus() }));
  // Who opens a room wants to write; on a touch screen that would bring the keyboard up.
  useEffect(() => {
    if (!touch) field.current?.focus();
  }, [touch]);
  useEffect(() => {
    if (purpose.is !== "message") field.current?.focus();
  }, [purpose]);
  useLayoutEffect(() => {
    const box = field.current;
    if (!box) return;
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight, HEIGHT_MAX_PX)}px`;
  }, [text]);
  const length = lengthOf(text.trim());
  const sendable = length > 0 && length <= CONTENT_MAX;
  const change = (next: string) => {
    setText(next);
    if (purpose.is === "edit") return;
    onDraft(next);
    if (next !== "") onTyping();
  };
  const send = () => {
    if (!sendable) return;
    onSend(text.trim());
    if (purpose.is !== "edit") change("");
    field.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Enter" && !event.shiftKey && !touch) {
      event.preventDefault();
      send();
    } else if (event.key === "Escape" && purpose.is !== "message") {
      event.preventDefault();
      onCancel();
    } else if (event.key === "ArrowUp" && text === "" && purpose.is === "message") {
      event.preventDefault();
      onEditLast();
    }
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
      className="mx-auto w-full max-w-4xl px-4 pb-4"
    >
      <div className="rounded-2xl border border-line bg-surface shadow-sm focus-within:border-accent">
        {purpose.is !== "message" && <PurposeLine purpose={purpose} onCancel={onCancel} />}
        <div className="flex items-end gap-1 p-1.5">
          <IconButton label="Send an image or a file" onClick={onAttach}>
            <Paperclip size={18} aria-hidden />
          </IconButton>
          <textarea
            ref={field}
            rows={1}
            aria-label={label}
            placeholder={label}
            aria-invalid={length > CONTENT_MAX || undefined}
            aria-describedby={length > COUNT_FROM ? "composer-count" : undefined}
            value={text}
            onChange={(event) => change(event.target.value)}
            onKeyDown={onKeyDown}
            className="min-w-0 flex-1 resize-none bg-transparent px-1.5 py-2 text-base leading-snug outline-none placeholder:text-muted sm:text-[0.9375rem]"
          />
          <button
            type="submit"
            aria-label={purpose.is === "edit" ? "Save" : "Send"}
            title={purpose.is === "edit" ? "Save" : "Send"}
            disabled={!sendable}
            className="grid size-9 shrink-0 cursor-pointer place-items-center rounded-xl bg-accent text-accent-ink transition-opacity hover:opacity-90 disabled:cursor-default disabled:bg-raised disabled:text-muted"
          >
            <SendHorizontal size={18} aria-hidden />
          </button>
        </div>
        {length > COUNT_FROM && (
          <p
            id="composer-count"
            className={`px-3.5 pb-2 text-right text-xs ${length > CONTENT_MAX ? "text-bad" : "text-muted"}`}
          >
            {length > CONTENT_MAX
              ? `${length - CONTENT_MAX} characters too many`
              : `${CONTENT_MAX - length} characters left`}
          </p>
        )}
      </div>
    </form>
  );
}

interface PurposeLineProps {
  purpose: Exclude<Purpose, { is: "message" }>;
  onCancel: () => void;
}

function PurposeLine({ purpose, onCancel }: PurposeLineProps) {
  const quoted = purpose.is === "edit" ? purpose.of : purpose.to;
  return (
    <div className="flex items-center gap-2 border-b border-line py-1 pr-1.5 pl-4 text-sm">
      <p role="status" className="min-w-0 flex-1 truncate text-muted">
        <span className="font-medium text-ink">
          {purpose.is === "edit" ? "Editing" : `Replying to ${purpose.author}`}
        </span>{" "}
        {quoteWords(quoted)}
      </p>
      <IconButton
        label={purpose.is === "edit" ? "Stop editing" : "No reply"}
        className="size-7"
        onClick={onCancel}
      >
        <X size={16} aria-hidden />
      </IconButton>
    </div>
  );
}

const HEIGHT_MAX_PX = 180;
/** From here on the field says how many characters are left. */
const COUNT_FROM = CONTENT_MAX - 200;
