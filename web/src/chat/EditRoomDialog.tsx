import type { ConclaveClient, RoomSummary } from "conclave-client";
import { useState, type FormEvent } from "react";

import { Banner } from "../ui/Banner.tsx";
import { Button } from "../ui/Button.tsx";
import { Dialog, DialogButtons } from "../ui/Dialog.tsx";
import { TextArea, TextField } from "../ui/TextField.tsx";
import { useAttempt } from "./useAttempt.ts";

interface EditRoomDialogProps {
  client: ConclaveClient;
  summary: RoomSummary;
  onClose: () => void;
}

export function EditRoomDialog({ client, summary, onClose }: EditRoomDialogProps) {
  const [name, setName] = useState(summary.name);
  const [description, setDescription] = useState(summary.description ?? "");
  const attempt = useAttempt();
  const send = (event: FormEvent) => {
    event.preventDefault();
    const change = { name: name.trim(), description: description.trim() };
    attempt.run(() => client.changeRoom(summary.id, change), onClose);
  };
  return (
    <Dialog title="Edit room" onClose={onClose}>
      <form onSubmit={send} className="flex flex-col gap-4">
        {attempt.error && <Banner tone="bad">{attempt.error}</Banner>}
        <TextField
          label="Name"
          required
          data-focus
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <TextArea
          label="Description"
          rows={3}
          value={description}
          onChange={(event) => setDescription(event.target.value)}
        />
        <DialogButtons>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" tone="primary" busy={attempt.busy}>
            Save
          </Button>
        </DialogButtons>
      </form>
    </Dialog>
  );
}
