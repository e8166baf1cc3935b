import type { ChatMessage, Receipt } from "conclave-client";
import type { RoomHook } from "conclave-client/react";
import { useEffect, useState } from "react";

import { Avatar } from "../ui/Avatar.tsx";
import { Banner } from "../ui/Banner.tsx";
import { Dialog } from "../ui/Dialog.tsx";
import { errorWords } from "../ui/errors.ts";
import { Spinner } from "../ui/Spinner.tsx";
import { byStatus } from "./marks.ts";
import { momentWords } from "./words.ts";

interface ReceiptsDialogProps {
  room: RoomHook;
  message: ChatMessage;
  onClose: () => void;
}

/** Who has received and read a message. */
export function ReceiptsDialog({ room, message, onClose }: ReceiptsDialogProps) {
  const { statusOf, nameOf } = room;
  const [receipts, setReceipts] = useState<readonly Receipt[] | null>(null);
  const [error, setError] = useState<string | null>(null);
  const { id } = message;
  useEffect(() => {
    let wanted = true;
    if (id === null) return;
    statusOf(id).then(
      (all) => wanted && setReceipts(all),
      (thrown: unknown) => wanted && setError(errorWords(thrown)),
    );
    return () => {
      wanted = false;
    };
  }, [id, statusOf]);
  return (
    <Dialog title="Who has read it" onClose={onClose}>
      {error && <Banner tone="bad">{error}</Banner>}
      {!error && !receipts && <Spinner label="Asking" />}
      {receipts?.length === 0 && <p className="text-sm text-muted">Nobody else was here.</p>}
      {byStatus(receipts ?? []).map(({ words, of }) => (
        <section key={words} className="mt-2 first:mt-0">
          <h3 className="mb-1 text-sm font-medium text-muted">{words}</h3>
          <ul>
            {of.map(({ userId, status, at }) => (
              <li key={userId} className="flex items-center gap-3 py-1.5">
                <Avatar name={nameOf(userId)} size="small" />
                <span className="min-w-0 flex-1 truncate text-sm">{nameOf(userId)}</span>
                {status !== "SENT" && <span className="text-xs text-muted">{momentWords(at)}</span>}
              </li>
            ))}
          </ul>
        </section>
      ))}
    </Dialog>
  );
}
