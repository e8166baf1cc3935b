import type { ConclaveClient, RoomSummary } from "conclave-client";
import { useState, type FormEvent } from "react";

import { Banner } from "../ui/Banner.tsx";
import { Button } from "../ui/Button.tsx";
import { Dialog, DialogButtons } from "../ui/Dialog.tsx";
import { useSay } from "../ui/Notices.tsx";
import { TextField } from "../ui/TextField.tsx";
import { useAttempt } from "./useAttempt.ts";

interface InviteDialogProps {
  client: ConclaveClient;
  summary: RoomSummary;
  onClose: () => void;
}

export function InviteDialog({ client, summary, onClose }: InviteDialogProps) {
  const [user, setUser] = useState("");
  const attempt = useAttempt();
  const say = useSay();
  const send = (event: FormEvent) => {
    event.preventDefault();
    const wanted = user.trim();
    attempt.run(
      () => client.invite(summary.id, wanted),
      () => {
        say(`${wanted} is invited.`, "good");
        onClose();
      },
    );
  };
  return (
    <Dialog title={`Invite to ${summary.name}`} onClose={onClose}>
      <form onSubmit={send} className="flex flex-col gap-4">
        {attempt.error && <Banner tone="bad">{attempt.error}</Banner>}
        <TextField
          label="User"
          hint="Their user name. They are asked whether they want to come."
          required
          data-focus
          autoCapitalize="none"
          spellCheck={false}
          value={user}
          onChange={(event) => setUser(event.target.value)}
        />
        <DialogButtons>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" tone="primary" busy={attempt.busy}>
            Invite
          </Button>
        </DialogButtons>
      </form>
    </Dialog>
  );
}
