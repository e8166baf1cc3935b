import type { ContextUsage, RoomSummary } from "conclave-client";
import type { RoomHook } from "conclave-client/react";
import { Users } from "lucide-react";
import type { ReactNode } from "react";

import { IconButton } from "../ui/Button.tsx";
import { AssistantSign } from "./ContextMeter.tsx";
import { many, seenWords } from "./words.ts";

interface RoomHeaderProps {
  summary: RoomSummary;
  room: RoomHook;
  title: string;
  me: string;
  context: ContextUsage | null;
  before?: ReactNode;
  membersShown: boolean;
  onMembers: () => void;
}

export function RoomHeader(props: RoomHeaderProps) {
  const { summary, room, title, me, context, before, membersShown, onMembers } = props;
  return (
    <header className="flex min-h-15 shrink-0 items-center gap-2 border-b border-line bg-surface px-3 py-1.5">
      {before}
      <div className="min-w-0 flex-1 pl-1">
        <h1 className="truncate text-base font-semibold">{title}</h1>
        <p className="truncate text-sm text-muted">{below(summary, room, me)}</p>
      </div>
      {summary.assistant && <AssistantSign context={context} />}
      <IconButton label="Members and room" aria-expanded={membersShown} onClick={onMembers}>
        <Users size={18} aria-hidden />
      </IconButton>
    </header>
  );
}

/** The line below the name. */
function below(summary: RoomSummary, room: RoomHook, me: string): string {
  const online = (userId: string) => room.presence.get(userId)?.isOnline ?? false;
  if (summary.type === "DM") {
    const other = room.members.find(({ userId }) => userId !== me);
    if (!other) return "Direct message";
    if (online(other.userId)) return "Online";
    return seenWords(room.presence.get(other.userId)?.lastSeenAt ?? null, new Date());
  }
  const count = room.members.length || summary.members;
  const here = room.members.filter(({ userId }) => online(userId)).length;
  const words = [many(count, "member"), `${here} online`, summary.description];
  return words.filter(Boolean).join(" · ");
}
