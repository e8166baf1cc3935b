import type { ConclaveClient, RoomSummary } from "conclave-client";
import { Compass, Keyboard, LogOut, Plus, Wallet } from "lucide-react";
import { useEffect, useState, type KeyboardEvent } from "react";

import { Avatar } from "../ui/Avatar.tsx";
import { IconButton } from "../ui/Button.tsx";
import { EmptyState } from "../ui/EmptyState.tsx";
import { TextField } from "../ui/TextField.tsx";
import type { Drafts } from "./drafts.ts";
import { Invitations } from "./Invitations.tsx";
import { RoomItem } from "./RoomItem.tsx";
import { matching } from "./titles.ts";

/** What opens over the page. */
export type Overlay = "browse" | "new" | "shortcuts" | "switch" | "wallets";

interface RoomListProps {
  client: ConclaveClient;
  rooms: readonly RoomSummary[];
  me: string;
  current: string | null;
  drafts: Drafts;
  /** Whether the user may see their wallets here. */
  wallets: boolean;
  onOpen: (id: string) => void;
  onOverlay: (what: Overlay) => void;
  onLeave: () => void;
}

/** The rooms of the user, invitations, and what concerns the whole page. */
export function RoomList(props: RoomListProps) {
  const { client, rooms, me, current, drafts, onOpen, onOverlay, onLeave } = props;
  const [search, setSearch] = useState("");
  const name = useOwnName(client, me);
  const shown = matching(rooms, search);
  const tab = shown.some(({ id }) => id === current) ? current : shown[0]?.id;
  return (
    <div className="flex h-full min-h-0 flex-col">
      <header className="flex min-h-15 shrink-0 items-center gap-1 pr-2 pl-4">
        <img src="/favicon.svg" alt="" width={26} height={26} className="mr-1.5" />
        <p className="min-w-0 flex-1 truncate text-lg font-semibold tracking-tight">Conclave</p>
        <IconButton label="Public rooms" onClick={() => onOverlay("browse")}>
          <Compass size={18} aria-hidden />
        </IconButton>
        <IconButton label="New room" onClick={() => onOverlay("new")}>
          <Plus size={20} aria-hidden />
        </IconButton>
      </header>
      <div className="px-3 pb-2">
        <TextField
          label="Search rooms"
          labelHidden
          type="search"
          placeholder="Search rooms"
          value={search}
          onChange={(event) => setSearch(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || !shown[0]) return;
            onOpen(shown[0].id);
            setSearch("");
          }}
        />
      </div>
      <Invitations client={client} onOpen={onOpen} />
      <nav aria-label="Rooms" className="min-h-0 flex-1 overflow-y-auto px-2 pb-2" onKeyDown={walk}>
        {shown.length === 0 && (
          <EmptyState title={search ? "No such room" : "No rooms yet"}>
            {search ? "Public rooms are behind the compass." : "Join a public room or create one."}
          </EmptyState>
        )}
        <ul className="flex flex-col gap-0.5">
          {shown.map((room) => (
            <RoomItem
              key={room.id}
              client={client}
              room={room}
              me={me}
              current={room.id === current}
              tab={room.id === tab}
              draft={room.id !== current && drafts.of(me, room.id) !== ""}
              onOpen={() => onOpen(room.id)}
            />
          ))}
        </ul>
      </nav>
      <footer className="flex shrink-0 items-center gap-2 border-t border-line px-3 py-2">
        <Avatar name={name} size="small" />
        <p className="min-w-0 flex-1 truncate text-sm font-medium">{name}</p>
        {props.wallets && (
          <IconButton label="Wallets" onClick={() => onOverlay("wallets")}>
            <Wallet size={18} aria-hidden />
          </IconButton>
        )}
        <IconButton label="Keyboard shortcuts" onClick={() => onOverlay("shortcuts")}>
          <Keyboard size={18} aria-hidden />
        </IconButton>
        <IconButton label="Sign out" onClick={onLeave}>
          <LogOut size={18} aria-hidden />
        </IconButton>
      </footer>
    </div>
  );
}

/** As others see it. Until that is known, as the token says it. */
function useOwnName(client: ConclaveClient, me: string): string {
  const [name, setName] = useState(client.me?.name ?? me);
  useEffect(() => {
    let wanted = true;
    client.profile().then(
      (profile) => wanted && setName(profile.name),
      () => {},
    );
    return () => {
      wanted = false;
    };
  }, [client]);
  return name;
}

/** Arrows go from room to room, Home and End to the first and the last. */
function walk(event: KeyboardEvent<HTMLElement>) {
  const items = [...event.currentTarget.querySelectorAll<HTMLElement>("[data-room]")];
  const at = items.findIndex((item) => item === document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
  if (to === undefined || event.altKey) return;
  event.preventDefault();
  items[Math.max(0, Math.min(items.length - 1, to))]?.focus();
}
