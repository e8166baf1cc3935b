import type { ChatMessage } from "conclave-client";
import { CheckCheck, Copy, Pencil, Reply, Trash2 } from "lucide-react";

import { IconButton } from "../ui/Button.tsx";
import { useSay } from "../ui/Notices.tsx";
import type { MessageActions } from "./actions.ts";
import { isEditable } from "./rows.ts";

interface MessageToolsProps {
  message: ChatMessage;
  own: boolean;
  mayRemove: boolean;
  actions: MessageActions;
}

/** The buttons of the message under the pointer or with the focus. */
export function MessageTools({ message, own, mayRemove, actions }: MessageToolsProps) {
  const say = useSay();
  const copy = () =>
    navigator.clipboard.writeText(message.content).then(
      () => say("Copied."),
      () => say("The browser did not allow to copy."),
    );
  return (
    <div
      role="toolbar"
      aria-label="Message"
      className="absolute -top-5 right-1.5 z-10 flex rounded-lg border border-line bg-surface shadow-sm"
    >
      <IconButton label="Reply" className="size-8" onClick={() => actions.reply(message)}>
        <Reply size={16} aria-hidden />
      </IconButton>
      <IconButton label="Copy" className="size-8" onClick={() => void copy()}>
        <Copy size={16} aria-hidden />
      </IconButton>
      {own && (
        <IconButton
          label="Who has read it"
          className="size-8"
          onClick={() => actions.details(message)}
        >
          <CheckCheck size={16} aria-hidden />
        </IconButton>
      )}
      {own && isEditable(message) && (
        <IconButton label="Edit" className="size-8" onClick={() => actions.edit(message)}>
          <Pencil size={16} aria-hidden />
        </IconButton>
      )}
      {mayRemove && (
        <IconButton label="Delete" className="size-8" onClick={() => actions.remove(message)}>
          <Trash2 size={16} aria-hidden />
        </IconButton>
      )}
    </div>
  );
}
