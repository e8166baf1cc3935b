import type { ConclaveClient, ContextUsage, Member, RoomSummary } from "conclave-client";
import type { RoomHook } from "conclave-client/react";
import { LogOut, Pencil, Trash2, UserPlus, X } from "lucide-react";
import { useState } from "react";

import { Button, IconButton } from "../ui/Button.tsx";
import { ConfirmDialog } from "../ui/ConfirmDialog.tsx";
import { errorWords } from "../ui/errors.ts";
import { useSay } from "../ui/Notices.tsx";
import { AssistantSection } from "./AssistantSection.tsx";
import { EditRoomDialog } from "./EditRoomDialog.tsx";
import { InviteDialog } from "./InviteDialog.tsx";
import { MemberItem, type MemberChange } from "./MemberItem.tsx";
import { mayModerate } from "./permissions.ts";
import { many } from "./words.ts";

interface RoomPanelProps {
  client: ConclaveClient;
  summary: RoomSummary;
  room: RoomHook;
  title: string;
  me: string;
  context: ContextUsage | null;
  onClose: () => void;
}

type Open = "edit" | "invite" | "leave" | "delete" | { remove: Member };

/** Who is in a room, and what can be done with it. */
export function RoomPanel({ client, summary, room, title, me, context, onClose }: RoomPanelProps) {
  const say = useSay();
  const [open, setOpen] = useState<Open | null>(null);
  const close = () => setOpen(null);
  const attempt = (done: Promise<unknown>, words?: string) => {
    close();
    done.then(
      () => words && say(words, "good"),
      (thrown: unknown) => say(errorWords(thrown), "bad"),
    );
  };
  const direct = summary.type === "DM";
  const owner = summary.myRole === "OWNER";
  const mayChange = !direct && (owner || mayModerate(client));
  const mayRemove = !direct && (mayChange || summary.myRole === "MODERATOR");
  const change = (member: Member, what: MemberChange) => {
    if (what === "remove") setOpen({ remove: member });
    else attempt(client.room(summary.id).giveRole(member.userId, what));
  };
  const members = room.members.toSorted(byRank(room));
  return (
    <div className="flex h-full min-h-0 flex-col">
      <header className="flex min-h-15 shrink-0 items-center justify-between border-b border-line pr-3 pl-5">
        <h2 className="font-semibold">{direct ? "Direct message" : "Room"}</h2>
        <IconButton label="Close members and room" onClick={onClose}>
          <X size={18} aria-hidden />
        </IconButton>
      </header>
      <div className="min-h-0 flex-1 overflow-y-auto px-5 py-4">
        {!direct && (
          <section className="mb-5">
            <p className="font-medium break-words">{title}</p>
            <p className="mt-0.5 text-sm text-muted">
              {summary.type === "PUBLIC" ? "Public: anybody may join." : "Private: by invitation."}
            </p>
            {summary.description && (
              <p className="mt-2 text-sm break-words whitespace-pre-wrap">{summary.description}</p>
            )}
            <div className="mt-3 flex flex-wrap gap-2">
              <Button onClick={() => setOpen("invite")}>
                <UserPlus size={16} aria-hidden /> Invite
              </Button>
              {mayChange && (
                <Button onClick={() => setOpen("edit")}>
                  <Pencil size={16} aria-hidden /> Edit
                </Button>
              )}
            </div>
          </section>
        )}
        {summary.assistant && (
          <AssistantSection client={client} roomId={summary.id} context={context} />
        )}
        <section aria-label="Members">
          <h3 className="mb-1 text-sm font-medium text-muted">{many(members.length, "member")}</h3>
          <ul>
            {members.map((member) => (
              <MemberItem
                key={member.userId}
                member={member}
                presence={room.presence.get(member.userId)}
                own={member.userId === me}
                mayRemove={mayRemove && member.userId !== me && member.role !== "OWNER"}
                mayRank={owner && !direct && member.userId !== me}
                onChange={(what) => change(member, what)}
              />
            ))}
          </ul>
        </section>
        <div className="mt-5 flex flex-wrap gap-2 border-t border-line pt-4">
          <Button tone="danger" onClick={() => setOpen("leave")}>
            <LogOut size={16} aria-hidden /> Leave
          </Button>
          {mayChange && (
            <Button tone="danger" onClick={() => setOpen("delete")}>
              <Trash2 size={16} aria-hidden /> Delete room
            </Button>
          )}
        </div>
      </div>
      {open === "edit" && <EditRoomDialog client={client} summary={summary} onClose={close} />}
      {open === "invite" && <InviteDialog client={client} summary={summary} onClose={close} />}
      {open === "leave" && (
        <ConfirmDialog
          title={`Leave ${title}?`}
          yes="Leave"
          onClose={close}
          onYes={() => attempt(client.leaveRoom(summary.id), `You left ${title}.`)}
        >
          {leaving(summary)}
        </ConfirmDialog>
      )}
      {open === "delete" && (
        <ConfirmDialog
          title={`Delete ${title}?`}
          yes="Delete room"
          onClose={close}
          onYes={() => attempt(client.deleteRoom(summary.id), `${title} is deleted.`)}
        >
          All its messages are gone for everybody. That cannot be undone.
        </ConfirmDialog>
      )}
      {typeof open === "object" && open !== null && (
        <ConfirmDialog
          title={`Remove ${open.remove.name}?`}
          yes="Remove"
          onClose={close}
          onYes={() => attempt(client.room(summary.id).removeMember(open.remove.userId))}
        >
          They no longer see the room.
        </ConfirmDialog>
      )}
    </div>
  );
}

function leaving(summary: RoomSummary): string {
  if (summary.type === "PUBLIC") return "You can join it again whenever you want.";
  if (summary.type === "DM") return "The next message brings it back.";
  return "You need an invitation to come back.";
}

/** Who is here first, then by name. */
const byRank = (room: RoomHook) => (one: Member, other: Member) => {
  const here = (member: Member) => Number(room.presence.get(member.userId)?.isOnline ?? false);
  return here(other) - here(one) || one.name.localeCompare(other.name);
};
