import type { ConclaveClient, RoomSummary } from "conclave-client";

import { BrowseDialog } from "./BrowseDialog.tsx";
import { NewRoomDialog } from "./NewRoomDialog.tsx";
import type { Overlay } from "./RoomList.tsx";
import { RoomSwitcher } from "./RoomSwitcher.tsx";
import { ShortcutsDialog } from "./ShortcutsDialog.tsx";

interface OverlaysProps {
  client: ConclaveClient;
  rooms: readonly RoomSummary[];
  me: string;
  overlay: Overlay | null;
  onClose: () => void;
  onOpen: (id: string) => void;
}

/** The dialog that is open over the page, if any. */
export function Overlays({ client, rooms, me, overlay, onClose, onOpen }: OverlaysProps) {
  switch (overlay) {
    case "browse":
      return <BrowseDialog client={client} own={rooms} onClose={onClose} onOpen={onOpen} />;
    case "new":
      return (
        <NewRoomDialog
          client={client}
          me={me}
          known={peers(rooms)}
          onClose={onClose}
          onMade={({ id }) => onOpen(id)}
        />
      );
    case "shortcuts":
      return <ShortcutsDialog onClose={onClose} />;
    case "switch":
      return <RoomSwitcher rooms={rooms} onClose={onClose} onOpen={onOpen} />;
    // Has a place of its own, since it goes on listening.
    case "wallets":
    case null:
      return null;
  }
}

/** Those one writes to. */
const peers = (rooms: readonly RoomSummary[]): string[] =>
  rooms.flatMap(({ peer }) => (peer ? [peer.userId] : []));
