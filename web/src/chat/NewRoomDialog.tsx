import type { ConclaveClient, RoomSummary, RoomType } from "conclave-client";
import { useState, type FormEvent } from "react";

import { Banner } from "../ui/Banner.tsx";
import { Button } from "../ui/Button.tsx";
import { classes } from "../ui/classes.ts";
import { Dialog, DialogButtons } from "../ui/Dialog.tsx";
import { TextField } from "../ui/TextField.tsx";
import { PeopleField } from "./PeopleField.tsx";
import { useAttempt } from "./useAttempt.ts";

interface NewRoomDialogProps {
  client: ConclaveClient;
  me: string;
  /** Names to suggest. */
  known: readonly string[];
  onClose: () => void;
  onMade: (room: RoomSummary) => void;
}

export function NewRoomDialog({ client, me, known, onClose, onMade }: NewRoomDialogProps) {
  const [type, setType] = useState<RoomType>("PRIVATE");
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [people, setPeople] = useState<readonly string[]>([]);
  const attempt = useAttempt();
  const direct = type === "DM";
  const send = (event: FormEvent) => {
    event.preventDefault();
    if (direct && people.length !== 1) {
      attempt.fail("A direct message is with one person.");
      return;
    }
    const memberIds = people.filter((user) => user !== me);
    const words = description.trim();
    const room = direct
      ? { type, memberIds }
      : { name: name.trim(), type, memberIds, ...(words && { description: words }) };
    attempt.run(() => client.createRoom(room).then(onMade), onClose);
  };
  return (
    <Dialog title="New room" onClose={onClose}>
      <form onSubmit={send} className="flex flex-col gap-4">
        {attempt.error && <Banner tone="bad">{attempt.error}</Banner>}
        <fieldset>
          <legend className="mb-1.5 text-sm font-medium">Kind</legend>
          <div className="grid grid-cols-3 gap-2">
            {KINDS.map(([value, words, hint]) => (
              <label
                key={value}
                className={classes(
                  "cursor-pointer rounded-lg border p-2.5 has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent",
                  type === value ? "border-accent bg-own" : "border-line",
                )}
              >
                <input
                  type="radio"
                  name="kind"
                  className="sr-only"
                  checked={type === value}
                  onChange={() => setType(value)}
                />
                <span className="block text-sm font-medium">{words}</span>
                <span className="block text-xs text-muted">{hint}</span>
              </label>
            ))}
          </div>
        </fieldset>
        {!direct && (
          <>
            <TextField
              label="Name"
              required
              data-focus
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
            <TextField
              label="Description"
              value={description}
              onChange={(event) => setDescription(event.target.value)}
            />
          </>
        )}
        <PeopleField
          label={direct ? "With" : "Members"}
          max={direct ? 1 : MEMBERS_MAX}
          people={people}
          known={known}
          onChange={setPeople}
        />
        <DialogButtons>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" tone="primary" busy={attempt.busy}>
            {direct ? "Start" : "Create"}
          </Button>
        </DialogButtons>
      </form>
    </Dialog>
  );
}

const KINDS: readonly (readonly [RoomType, string, string])[] = [
  ["PRIVATE", "Private", "By invitation"],
  ["PUBLIC", "Public", "Anybody joins"],
  ["DM", "Direct", "Two people"],
];
/** As many as one asks for at once; more can be invited later. */
const MEMBERS_MAX = 100;
