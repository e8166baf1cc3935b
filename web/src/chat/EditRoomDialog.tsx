import type { ConclaveClient, RoomSummary } from "conclave-client";
import { useEffect, useState, type FormEvent } from "react";

import { Banner } from "../ui/Banner.tsx";
import { Button } from "../ui/Button.tsx";
import { Dialog, DialogButtons } from "../ui/Dialog.tsx";
import { CheckField, TextArea, TextField } from "../ui/TextField.tsx";
import { useAttempt } from "./useAttempt.ts";

interface EditRoomDialogProps {
  client: ConclaveClient;
  summary: RoomSummary;
  onClose: () => void;
}

export function EditRoomDialog({ client, summary, onClose }: EditRoomDialogProps) {
  const [name, setName] = useState(summary.name);
  const [description, setDescription] = useState(summary.description ?? "");
  const [assistant, setAssistant] = useState(summary.assistant);
  const offered = useOffered(client, summary);
  const attempt = useAttempt();
  const send = (event: FormEvent) => {
    event.preventDefault();
    const change = { name: name.trim(), description: description.trim() };
    const other = assistant === summary.assistant ? {} : { assistant };
    attempt.run(() => client.changeRoom(summary.id, { ...change, ...other }), onClose);
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
        {offered && (
          <CheckField
            role="switch"
            label="Assistant: answers what members write"
            checked={assistant}
            onChange={(event) => setAssistant(event.target.checked)}
          />
        )}
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

/** Whether the server has an assistant that could answer in the room. */
function useOffered(client: ConclaveClient, { id, assistant }: RoomSummary): boolean {
  const [offered, setOffered] = useState(assistant);
  useEffect(() => {
    let gone = false;
    client
      .room(id)
      .assistant.read()
      .then(
        ({ model }) => !gone && setOffered(assistant || model !== null),
        () => {}, // A server without one has nothing to switch.
      );
    return () => {
      gone = true;
    };
  }, [client, id, assistant]);
  return offered;
}
