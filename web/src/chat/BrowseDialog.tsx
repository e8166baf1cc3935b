import type { ConclaveClient, RoomSummary } from "conclave-client";
import { useEffect, useState } from "react";

import { Banner } from "../ui/Banner.tsx";
import { Button } from "../ui/Button.tsx";
import { Dialog } from "../ui/Dialog.tsx";
import { EmptyState } from "../ui/EmptyState.tsx";
import { errorWords } from "../ui/errors.ts";
import { Spinner } from "../ui/Spinner.tsx";
import { TextField } from "../ui/TextField.tsx";
import { useAttempt } from "./useAttempt.ts";
import { many } from "./words.ts";

interface BrowseDialogProps {
  client: ConclaveClient;
  /** Those the user is in. */
  own: readonly RoomSummary[];
  onClose: () => void;
  onOpen: (id: string) => void;
}

/** Public rooms, to join. */
export function BrowseDialog({ client, own, onClose, onOpen }: BrowseDialogProps) {
  const [rooms, setRooms] = useState<readonly RoomSummary[] | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [search, setSearch] = useState("");
  const attempt = useAttempt();
  useEffect(() => {
    let wanted = true;
    client.publicRooms().then(
      (found) => wanted && setRooms(found),
      (thrown: unknown) => wanted && setError(errorWords(thrown)),
    );
    return () => {
      wanted = false;
    };
  }, [client]);
  const open = (id: string) => {
    onOpen(id);
    onClose();
  };
  const join = (id: string) =>
    attempt.run(
      () => client.joinRoom(id),
      () => open(id),
    );
  const sought = search.trim().toLocaleLowerCase();
  const shown = rooms?.filter(({ name, description }) =>
    `${name} ${description ?? ""}`.toLocaleLowerCase().includes(sought),
  );
  const problem = error ?? attempt.error;
  return (
    <Dialog title="Public rooms" onClose={onClose}>
      {problem && (
        <Banner tone="bad" className="mb-3">
          {problem}
        </Banner>
      )}
      <TextField
        label="Search public rooms"
        labelHidden
        type="search"
        placeholder="Search"
        data-focus
        value={search}
        onChange={(event) => setSearch(event.target.value)}
      />
      {!shown && !error && (
        <div className="p-6">
          <Spinner label="Loading rooms" />
        </div>
      )}
      {shown?.length === 0 && (
        <EmptyState title="No such room">Create one with New room.</EmptyState>
      )}
      <ul className="mt-3 divide-y divide-line">
        {shown?.map((room) => (
          <li key={room.id} className="flex items-center gap-3 py-2.5">
            <div className="min-w-0 flex-1">
              <p className="truncate font-medium">{room.name}</p>
              <p className="truncate text-sm text-muted">
                {many(room.members, "member")}
                {room.description && ` · ${room.description}`}
              </p>
            </div>
            {own.some(({ id }) => id === room.id) ? (
              <Button onClick={() => open(room.id)} aria-label={`Open ${room.name}`}>
                Open
              </Button>
            ) : (
              <Button
                tone="primary"
                busy={attempt.busy}
                onClick={() => join(room.id)}
                aria-label={`Join ${room.name}`}
              >
                Join
              </Button>
            )}
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
