import type { ChatMessage } from "conclave-client";

import { ConfirmDialog } from "../ui/ConfirmDialog.tsx";
import { quoteWords } from "./Quote.tsx";

interface DeleteDialogProps {
  message: ChatMessage;
  onClose: () => void;
  onDelete: (id: string) => void;
}

export function DeleteDialog({ message, onClose, onDelete }: DeleteDialogProps) {
  return (
    <ConfirmDialog
      title="Delete this message?"
      yes="Delete"
      onClose={onClose}
      onYes={() => message.id !== null && onDelete(message.id)}
    >
      <p className="line-clamp-3 rounded-lg bg-raised px-3 py-2 text-ink">{quoteWords(message)}</p>
      <p className="mt-3">Its text is gone for everybody. That cannot be undone.</p>
    </ConfirmDialog>
  );
}
