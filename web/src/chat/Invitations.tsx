import type { ConclaveClient, Invitation } from "conclave-client";
import { useStatus } from "conclave-client/react";
import { useCallback, useEffect, useState } from "react";

import { Button } from "../ui/Button.tsx";
import { errorWords } from "../ui/errors.ts";
import { useSay } from "../ui/Notices.tsx";

interface InvitationsProps {
  client: ConclaveClient;
  onOpen: (id: string) => void;
}

/** Rooms that somebody asks the user into. */
export function Invitations({ client, onOpen }: InvitationsProps) {
  const { status } = useStatus(client);
  const say = useSay();
  const [invitations, setInvitations] = useState<readonly Invitation[]>([]);
  const ask = useCallback(() => {
    client.invitations().then(setInvitations, () => {});
  }, [client]);
  useEffect(() => {
    if (status !== "online") return;
    ask();
    addEventListener("focus", ask);
    const stop = client.on("invitations", ask);
    return () => {
      removeEventListener("focus", ask);
      stop();
    };
  }, [status, ask, client]);
  const answer = (invitation: Invitation, accept: boolean) => {
    const done = accept
      ? client.acceptInvitation(invitation.id)
      : client.rejectInvitation(invitation.id);
    done.then(
      () => {
        setInvitations((all) => all.filter(({ id }) => id !== invitation.id));
        if (accept) onOpen(invitation.channelId);
      },
      (thrown: unknown) => {
        say(errorWords(thrown), "bad");
        ask();
      },
    );
  };
  if (invitations.length === 0) return null;
  return (
    <section aria-label="Invitations" className="mx-3 mb-2 flex flex-col gap-2">
      {invitations.map((invitation) => (
        <div key={invitation.id} className="rounded-xl border border-line bg-raised p-3">
          <p className="text-sm">
            <span className="font-medium">{client.nameOf(invitation.inviterId)}</span> invites you
            to a room.
          </p>
          <div className="mt-2 flex gap-2">
            <Button tone="primary" className="min-h-8" onClick={() => answer(invitation, true)}>
              Accept
            </Button>
            <Button className="min-h-8" onClick={() => answer(invitation, false)}>
              Decline
            </Button>
          </div>
        </div>
      ))}
    </section>
  );
}
