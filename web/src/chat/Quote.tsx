import type { ChatMessage } from "conclave-client";

interface QuoteProps {
  /** `null` where it is not loaded. */
  message: ChatMessage | null;
  author: string;
  jump: () => void;
}

/** What a message answers; a click goes there. */
export function Quote({ message, author, jump }: QuoteProps) {
  return (
    <button
      type="button"
      onClick={jump}
      className="mb-1.5 block w-full cursor-pointer rounded-md border-l-3 border-accent bg-raised px-2.5 py-1 text-left text-sm hover:opacity-85"
    >
      {message ? (
        <>
          <span className="sr-only">In reply to </span>
          <span className="block truncate font-medium">{author}</span>
          <span className="block truncate text-muted">{quoteWords(message)}</span>
        </>
      ) : (
        <span className="block text-muted">In reply to an earlier message</span>
      )}
    </button>
  );
}

/** A message in a line. */
export function quoteWords(message: ChatMessage): string {
  if (message.deleted) return "Deleted message";
  if (message.kind === "Image") return "Image";
  if (message.kind === "File") return "File";
  return message.content.replace(/\s+/g, " ");
}
