import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import type { Assistant } from "./assistant.js";
import { Broadcast, type BroadcastView } from "./broadcast.js";
import type { ConclaveClient } from "./client.js";
import type { ConclaveError } from "./error.js";
import type { Room } from "./room.js";
import { tokensOf } from "./rest.js";
import type { FeedStatus, WalletClient } from "./wallet.js";
import type { Balance, Transaction } from "./wallet_frames.js";
import type { Platform, Presence, RoomSummary, Status, TokenSource } from "./contract.js";

export interface WebSocketHookOptions extends Platform {
  /** Nothing is connected before there is one. */
  token: TokenSource | null | undefined;
  /** Messages that are kept, 500 by default; the oldest go first. */
  messagesMax?: number | undefined;
}

export interface WebSocketHook extends BroadcastView {
  /** Sends an object to every listener of the server; waits while away. Whether it was taken. */
  sendMessage(message: unknown): boolean;
}

/** The broadcast stream at `url`, such as `ws://localhost:8000/ws`. */
export const useWebSocket = (url: string, options: WebSocketHookOptions): WebSocketHook => {
  const latest = useRef(options);
  useEffect(() => {
    latest.current = options;
  });
  // Functions and objects are mostly new at each rendering: only a text says that it is another.
  const key = typeof options.token === "string" ? options.token : options.token == null ? null : "";
  const broadcast = useMemo(() => {
    if (key === null) return null;
    const source = latest.current;
    const given = options.token ?? "";
    const tokens = {
      token: () => tokensOf(key === "" ? (latest.current.token ?? given) : key).token(),
      invalidate: () => tokensOf(latest.current.token ?? given).invalidate?.(),
    };
    return new Broadcast(url, tokens, source, source.messagesMax ?? MESSAGES_MAX);
  }, [url, key]);
  useEffect(() => {
    broadcast?.start();
    return () => broadcast?.stop();
  }, [broadcast]);
  const subscribe = useMemo(
    () => (listener: () => void) => broadcast?.on(listener) ?? (() => undefined),
    [broadcast],
  );
  const view = (): BroadcastView => broadcast?.view ?? NOT_CONNECTED;
  const shown = useSyncExternalStore(subscribe, view, () => NOT_CONNECTED);
  const sendMessage = useMemo(
    () => (message: unknown) => broadcast?.send(message) ?? false,
    [broadcast],
  );
  return { ...shown, sendMessage };
};

/** What a room shows, and what one does in it. */
export type RoomHook = Pick<
  Room,
  | "id" | "messages" | "members" | "typists" | "presence" | "hasOlder" | "loading" | "unread" | "error"
  | "loadOlder" | "send" | "retry" | "discard" | "edit" | "remove" | "markRead" | "typing"
  | "stopTyping" | "statusOf" | "nameOf"
>;

/** What the assistant of a room says. */
export interface AnswerHook extends Pick<Assistant, "answer" | "failed" | "context"> {
  /** See `Assistant.cancel`. */
  cancel(): boolean;
  dismiss(): void;
}

/** The answer under way; renders with each run of tokens, unlike `useRoom`. */
export const useAnswer = (client: ConclaveClient, roomId: string): AnswerHook => {
  const { assistant } = client.room(roomId);
  const subscribe = useMemo(
    () => (listener: () => void) => assistant.on("answer", listener),
    [assistant],
  );
  const version = (): number => assistant.version;
  const shown = useSyncExternalStore(subscribe, version, version);
  return useMemo(() => {
    const { answer, failed, context } = assistant;
    return { answer, failed, context, cancel: () => assistant.cancel(), dismiss: () => assistant.dismiss() };
  }, [assistant, shown]);
};

/** A room, open as long as the component is there. */
export const useRoom = (client: ConclaveClient, roomId: string): RoomHook => {
  const room = client.room(roomId);
  useEffect(() => room.open(), [room]);
  const subscribe = useMemo(() => (listener: () => void) => room.on("change", listener), [room]);
  const version = (): number => room.version;
  const shown = useSyncExternalStore(subscribe, version, version);
  const actions = useMemo(() => actionsOf(room), [room]);
  return useMemo(
    () => ({ ...readingsOf(room), ...actions }),
    [room, actions, shown],
  );
};

/** Who of a room is there; the room is open as long as the component is there. */
export const usePresence = (
  client: ConclaveClient,
  roomId: string,
): ReadonlyMap<string, Presence> => {
  const room = client.room(roomId);
  useEffect(() => room.open(), [room]);
  const subscribe = useMemo(() => (listener: () => void) => room.on("change", listener), [room]);
  const presence = (): ReadonlyMap<string, Presence> => room.presence;
  return useSyncExternalStore(subscribe, presence, presence);
};

export interface StatusHook {
  status: Status;
  retryAt: number | null;
  endedBecause: ConclaveError | null;
}

/** The state of the connection. */
export const useStatus = (client: ConclaveClient): StatusHook => {
  const subscribe = useMemo(() => (listener: () => void) => client.on("status", listener), [client]);
  const status = useSyncExternalStore(subscribe, () => client.status, () => client.status);
  const retryAt = useSyncExternalStore(subscribe, () => client.retryAt, () => client.retryAt);
  return { status, retryAt, endedBecause: client.endedBecause };
};

/** One's rooms by last activity. */
export const useRooms = (client: ConclaveClient): readonly RoomSummary[] => {
  const subscribe = useMemo(() => (listener: () => void) => client.on("rooms", listener), [client]);
  const rooms = (): readonly RoomSummary[] => client.roomList;
  return useSyncExternalStore(subscribe, rooms, rooms);
};

export interface WalletHook {
  status: Status;
  /** `null` while there is no connection. */
  feed: FeedStatus | null;
  /** By address. */
  balances: ReadonlyMap<string, Balance>;
  /** As each is now, the one that changed last first; 100 at most. */
  transactions: readonly Transaction[];
}

/** What happens to the user's wallets, as long as the component is there. */
export const useWallet = (wallet: WalletClient, tokens: readonly string[] = NO_TOKENS): WalletHook => {
  const [balances, setBalances] = useState<ReadonlyMap<string, Balance>>(new Map());
  const [transactions, setTransactions] = useState<readonly Transaction[]>([]);
  const wanted = tokens.join(" ");
  useEffect(() => {
    const scope = wanted === "" ? {} : { tokens: wanted.split(" ") };
    const stops = [
      wallet.subscribeBalance(scope, (balance) => {
        setBalances((before) => new Map(before).set(balance.address, balance));
      }),
      wallet.subscribeTransactions({}, (told) => {
        setTransactions((before) =>
          [told, ...before.filter(({ hash }) => hash !== told.hash)].slice(0, TRANSACTIONS_MAX),
        );
      }),
    ];
    return () => stops.forEach((stop) => stop());
  }, [wallet, wanted]);
  const onStatus = useMemo(() => (listener: () => void) => wallet.on("status", listener), [wallet]);
  const onFeed = useMemo(() => (listener: () => void) => wallet.on("feed", listener), [wallet]);
  const status = useSyncExternalStore(onStatus, () => wallet.status, () => wallet.status);
  const feed = useSyncExternalStore(onFeed, () => wallet.feed, () => wallet.feed);
  return { status, feed, balances, transactions };
};

const readingsOf = (room: Room) => ({
  id: room.id,
  messages: room.messages,
  members: room.members,
  typists: room.typists,
  presence: room.presence,
  hasOlder: room.hasOlder,
  loading: room.loading,
  unread: room.unread,
  error: room.error,
});

const actionsOf = (room: Room) => ({
  loadOlder: room.loadOlder.bind(room),
  send: room.send.bind(room),
  retry: room.retry.bind(room),
  discard: room.discard.bind(room),
  edit: room.edit.bind(room),
  remove: room.remove.bind(room),
  markRead: room.markRead.bind(room),
  typing: room.typing.bind(room),
  stopTyping: room.stopTyping.bind(room),
  statusOf: room.statusOf.bind(room),
  nameOf: room.nameOf.bind(room),
});

const MESSAGES_MAX = 500;
const NOT_CONNECTED: BroadcastView = { status: "connecting", messages: [] };
const NO_TOKENS: readonly string[] = [];
const TRANSACTIONS_MAX = 100;
