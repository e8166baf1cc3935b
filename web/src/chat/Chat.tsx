import { ConclaveClient, type RoomSummary, type SignedIn } from "conclave-client";
import { useRooms, useStatus } from "conclave-client/react";
import { Menu, MessagesSquare } from "lucide-react";
import { lazy, Suspense, useEffect, useMemo, useState } from "react";

import { Button, IconButton } from "../ui/Button.tsx";
import { Drawer } from "../ui/Drawer.tsx";
import { EmptyState } from "../ui/EmptyState.tsx";
import { Spinner } from "../ui/Spinner.tsx";
import { useSay } from "../ui/Notices.tsx";
import { useMedia, WIDE } from "../ui/useMedia.ts";
import { ConnectionBanner } from "./ConnectionBanner.tsx";
import type { Drafts } from "./drafts.ts";
import { Overlays } from "./Overlays.tsx";
import { RoomList, type Overlay } from "./RoomList.tsx";
import { RoomView } from "./RoomView.tsx";
import { titleOf } from "./titles.ts";
import { usePlace } from "./usePlace.ts";
import { useShortcuts } from "./useShortcuts.ts";
import { useOffered } from "./wallet/useOffered.ts";
import { pageTitle } from "./words.ts";

/** Loaded by those who open it. */
const WalletPanel = lazy(() => import("./wallet/WalletPanel.tsx"));

interface ChatProps {
  tokens: SignedIn;
  drafts: Drafts;
  onLeave: () => void;
  /** The session is over, and why. */
  onEnded: (why: string) => void;
}

/** The page of who is signed in: rooms at the left, the open one beside them. */
export function Chat({ tokens, drafts, onLeave, onEnded }: ChatProps) {
  const client = useMemo(() => new ConclaveClient({ tokens }), [tokens]);
  const { status, endedBecause } = useStatus(client);
  const rooms = useRooms(client);
  const say = useSay();
  const [place, go] = usePlace();
  const [overlay, setOverlay] = useState<Overlay | null>(null);
  const [drawer, setDrawer] = useState(false);
  const [members, setMembers] = useState(false);
  const wide = useMedia(WIDE);
  const [walletsSeen, setWalletsSeen] = useState(false);
  useEffect(() => {
    client.connect().catch(() => {}); // `status` says it.
    return () => client.close();
  }, [client]);
  useEffect(() => {
    const stops = [
      client.on("error", (error) => say(error.message, "bad")),
      client.on("system_status", ({ message }) => say(message)),
    ];
    return () => stops.forEach((stop) => stop());
  }, [client, say]);
  const over = status === "ended" && endedBecause?.code === "unauthenticated" ? endedBecause : null;
  useEffect(() => {
    if (over) onEnded("You are signed out: your session has ended or was taken back.");
  }, [over, onEnded]);
  const me = client.me?.id ?? null;
  const wallets = useOffered(client, me);
  const [held, setHeld] = useState<string | null>(null);
  const current = shownOf(rooms, place, wide || place === null ? held : undefined);
  // Where no room was chosen, the one that shows stays, however active others are.
  if (held !== (current?.id ?? null)) setHeld(current?.id ?? null);
  const title = current ? titleOf(current) : null;
  const unread = rooms.reduce((sum, room) => sum + room.unreadCount, 0);
  useEffect(() => {
    document.title = pageTitle(unread, title);
  }, [unread, title]);
  const open = (id: string) => {
    go(id);
    setDrawer(false);
  };
  useShortcuts({
    onSwitch: () => setOverlay("switch"),
    onHelp: () => setOverlay("shortcuts"),
    onStep: (step) => {
      const next = rooms[rooms.findIndex(({ id }) => id === current?.id) + step];
      if (next) open(next.id);
    },
  });
  if (me === null) return <Entering client={client} onLeave={onLeave} />;
  const list = (
    <RoomList
      {...{ client, rooms, me, drafts, wallets, onLeave }}
      current={current?.id ?? null}
      onOpen={open}
      onOverlay={(what) => {
        setDrawer(false);
        setOverlay(what);
        if (what === "wallets") setWalletsSeen(true);
      }}
    />
  );
  const menu = !wide && (
    <IconButton label="Rooms" onClick={() => setDrawer(true)}>
      <Menu size={20} aria-hidden />
    </IconButton>
  );
  return (
    <div className="flex h-dvh overflow-hidden">
      {wide && <div className="w-76 shrink-0 border-r border-line bg-surface lg:w-84">{list}</div>}
      {drawer && !wide && (
        <Drawer label="Rooms" side="left" onClose={() => setDrawer(false)}>
          {list}
        </Drawer>
      )}
      <main className="flex min-h-0 min-w-0 flex-1">
        {current && title ? (
          <RoomView
            key={current.id}
            {...{ client, title, me, drafts }}
            summary={current}
            connection={status}
            before={menu}
            membersShown={members}
            onMembers={() => setMembers((shown) => !shown)}
            banner={(waiting) => <ConnectionBanner client={client} waiting={waiting} />}
          />
        ) : (
          <div className="flex flex-1 flex-col">
            <div className="p-3">{menu}</div>
            <ConnectionBanner client={client} waiting={0} />
            <EmptyState icon={<MessagesSquare size={40} aria-hidden />} title="No room is open">
              <p>Choose one, or begin a new one.</p>
              <Button tone="primary" className="mt-4" onClick={() => setOverlay("new")}>
                New room
              </Button>
            </EmptyState>
          </div>
        )}
      </main>
      <Overlays
        {...{ client, rooms, me, overlay }}
        onClose={() => setOverlay(null)}
        onOpen={open}
      />
      {walletsSeen && wallets && (
        <Suspense fallback={null}>
          <WalletPanel
            tokens={tokens}
            open={overlay === "wallets"}
            onClose={() => setOverlay(null)}
          />
        </Suspense>
      )}
    </div>
  );
}

/** The chosen room; else, unless `held` is `undefined`, what showed before, or the newest. */
function shownOf(
  rooms: readonly RoomSummary[],
  chosen: string | null,
  held: string | null | undefined,
): RoomSummary | null {
  const room = (wanted: string | null) => rooms.find(({ id }) => id === wanted);
  return room(chosen) ?? (held === undefined ? null : (room(held) ?? rooms[0] ?? null));
}

interface EnteringProps {
  client: ConclaveClient;
  onLeave: () => void;
}

/** Until the server has said who the user is. */
function Entering({ client, onLeave }: EnteringProps) {
  return (
    <main className="flex h-dvh flex-col">
      <h1 className="sr-only">Conclave</h1>
      <ConnectionBanner client={client} waiting={0} />
      <div className="m-auto flex flex-col items-center gap-4">
        <Spinner label="Connecting" />
        <Button tone="quiet" onClick={onLeave}>
          Sign out
        </Button>
      </div>
    </main>
  );
}
