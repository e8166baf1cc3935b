import type { RoomSummary } from "conclave-client";
import { useId, useState, type KeyboardEvent } from "react";

import { Badge } from "../ui/Badge.tsx";
import { classes } from "../ui/classes.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { matching, titleOf } from "./titles.ts";
import { short } from "./words.ts";

interface RoomSwitcherProps {
  rooms: readonly RoomSummary[];
  onClose: () => void;
  onOpen: (id: string) => void;
}

/** Goes to a room by a few letters of its name. */
export function RoomSwitcher({ rooms, onClose, onOpen }: RoomSwitcherProps) {
  const list = useId();
  const [search, setSearch] = useState("");
  const [at, setAt] = useState(0);
  const shown = matching(rooms, search).slice(0, SHOWN);
  const open = (room: RoomSummary | undefined) => {
    if (!room) return;
    onOpen(room.id);
    onClose();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && shown.length > 0) {
      event.preventDefault();
      setAt((at + step + shown.length) % shown.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      open(shown[at]);
    }
  };
  return (
    <Dialog title="Go to a room" onClose={onClose}>
      <input
        role="combobox"
        aria-label="Room"
        aria-expanded
        aria-controls={list}
        aria-activedescendant={shown[at] ? `${list}-${at}` : undefined}
        aria-autocomplete="list"
        data-focus
        placeholder="A few letters of its name"
        value={search}
        onChange={(event) => {
          setSearch(event.target.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
        className="block min-h-10 w-full rounded-lg border border-line bg-ground px-3 text-base placeholder:text-muted sm:text-sm"
      />
      <ul id={list} role="listbox" aria-label="Rooms" className="mt-2">
        {shown.map((room, index) => (
          <li
            key={room.id}
            id={`${list}-${index}`}
            role="option"
            aria-selected={index === at}
            onClick={() => open(room)}
            onPointerEnter={() => setAt(index)}
            className={classes(
              "flex cursor-pointer items-center gap-3 rounded-lg px-3 py-2 text-sm",
              index === at && "bg-own",
            )}
          >
            <span className="min-w-0 flex-1 truncate">{titleOf(room)}</span>
            {room.unreadCount > 0 && <Badge tone="accent">{short(room.unreadCount)}</Badge>}
          </li>
        ))}
      </ul>
      {shown.length === 0 && <p className="p-3 text-sm text-muted">No such room.</p>}
    </Dialog>
  );
}

const SHOWN = 12;
