import type { ConclaveClient, RoomSummary } from "conclave-client";
import { Hash, Lock } from "lucide-react";

import { Avatar } from "../ui/Avatar.tsx";
import { Badge } from "../ui/Badge.tsx";
import { classes } from "../ui/classes.ts";
import { authorOf } from "./answers.ts";
import { titleOf } from "./titles.ts";
import { many, short, whenWords } from "./words.ts";

interface RoomItemProps {
  client: ConclaveClient;
  room: RoomSummary;
  me: string;
  current: boolean;
  /** Where Tab comes to in the list. */
  tab: boolean;
  /** Whether there is a draft in it. */
  draft: boolean;
  onOpen: () => void;
}

/** A room in the list: what it is called, what was said last, what is unread. */
export function RoomItem({ client, room, me, current, tab, draft, onOpen }: RoomItemProps) {
  const title = titleOf(room);
  const { lastMessage, unreadCount } = room;
  const online = room.peer ? client.presenceOf(room.peer.userId)?.isOnline : undefined;
  return (
    <li>
      <button
        type="button"
        data-room={room.id}
        tabIndex={tab ? 0 : -1}
        aria-current={current ? "page" : undefined}
        onClick={onOpen}
        className={classes(
          "flex w-full cursor-pointer items-center gap-3 rounded-xl px-2.5 py-2 text-left",
          current ? "bg-own" : "hover:bg-raised",
        )}
      >
        <RoomIcon room={room} title={title} online={online} />
        <span className="min-w-0 flex-1">
          <span className="flex items-baseline gap-2">
            <span
              className={classes(
                "min-w-0 flex-1 truncate",
                unreadCount > 0 ? "font-semibold" : "font-medium",
              )}
            >
              {title}
            </span>
            {online !== undefined && (
              <span className="sr-only">{online ? "online" : "offline"}</span>
            )}
            {lastMessage && (
              <time
                dateTime={lastMessage.createdAt.toISOString()}
                className="shrink-0 text-xs text-muted"
              >
                {whenWords(lastMessage.createdAt, new Date())}
              </time>
            )}
          </span>
          <span className="flex min-h-5 items-center gap-2">
            <span className="min-w-0 flex-1 truncate text-sm text-muted">
              {draft ? <em>Draft</em> : lastWords(client, room, me)}
            </span>
            {unreadCount > 0 && (
              <Badge tone="accent">
                <span aria-hidden>{short(unreadCount)}</span>
                <span className="sr-only">{many(unreadCount, "unread message")}</span>
              </Badge>
            )}
          </span>
        </span>
      </button>
    </li>
  );
}

interface RoomIconProps {
  room: RoomSummary;
  title: string;
  online: boolean | undefined;
}

function RoomIcon({ room, title, online }: RoomIconProps) {
  if (room.type === "DM") return <Avatar name={title} online={online} />;
  const Icon = room.type === "PRIVATE" ? Lock : Hash;
  return (
    <span className="grid size-10 shrink-0 place-items-center rounded-xl bg-raised text-muted">
      <Icon size={18} aria-hidden />
    </span>
  );
}

/** What was said last, and by whom where that is not clear. */
function lastWords(client: ConclaveClient, room: RoomSummary, me: string): string {
  const last = room.lastMessage;
  if (!last) return room.description ?? "No messages yet";
  const words = last.deleted ? "Deleted message" : last.content.replace(/\s+/g, " ");
  if (last.userId === me) return `You: ${words}`;
  return room.type === "DM" ? words : `${authorOf(last, (id) => client.nameOf(id))}: ${words}`;
}
