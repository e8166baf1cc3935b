import {
  defaultRangeExtractor,
  useVirtualizer,
  type Range,
  type VirtualItem,
  type Virtualizer,
} from "@tanstack/react-virtual";
import type { ChatMessage, Room, Status } from "conclave-client";
import type { RoomHook } from "conclave-client/react";
import { useCallback, useEffect, useLayoutEffect, useRef, useState, type RefObject } from "react";

import { keyOf } from "./rows.ts";

interface HistoryOptions {
  /** What is shown. */
  room: RoomHook;
  /** The same room, which may be ahead of what is shown. */
  live: Room;
  scroller: RefObject<HTMLDivElement | null>;
  /** Keys of the rows after the messages: of an answer under way, and of one that failed. */
  tail: readonly string[];
  /** The row that stays in the document, because it may have the focus. */
  active: string | null;
  connection: Status;
}

/** The window over the messages, which loads older ones as it comes near the oldest. */
export function useHistory({ room, live, scroller, tail, active, connection }: HistoryOptions) {
  const { messages, hasOlder, loading, loadOlder } = room;
  const now = useRef(messages);
  now.current = messages;
  const [failed, setFailed] = useState(false);
  const [found, setFound] = useState<string | null>(null);
  const [settled, setSettled] = useState(false);
  const [atEnd, setAtEnd] = useState(true);
  const after = tail.join(" ");
  const getItemKey = useCallback(
    (index: number) => after.split(" ")[index - messages.length] ?? keyAt(messages, index),
    [messages, after],
  );
  const rangeExtractor = useCallback(
    (range: Range) => {
      const indexes = defaultRangeExtractor(range);
      const kept = active === null ? -1 : indexOfKey(now.current, active);
      if (kept < 0 || indexes.includes(kept)) return indexes;
      return [...indexes, kept].sort((one, other) => one - other);
    },
    [active],
  );
  const virtual = useVirtualizer<HTMLDivElement, HTMLDivElement>({
    count: messages.length + tail.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    getItemKey,
    rangeExtractor,
    overscan: 8,
    paddingEnd: 12,
    scrollMargin: TOP_PX,
    anchorTo: "end",
    followOnAppend: true,
    scrollEndThreshold: END_PX,
    useFlushSync: false,
    onChange: (instance) => setAtEnd(instance.isAtEnd(END_PX)),
  });
  virtual.shouldAdjustScrollPositionOnItemSizeChange = beginsAbove;
  const some = messages.length > 0;
  useLayoutEffect(() => {
    if (!some || settled) return;
    virtual.scrollToEnd();
    setSettled(true);
  }, [some, settled, virtual]);
  const first = virtual.getVirtualItems()[0]?.index ?? 0;
  const wanted = settled && hasOlder && !loading && !failed && some && first < NEAR;
  useEffect(() => {
    if (wanted) loadOlder(PAGE).catch(() => setFailed(true));
  }, [wanted, loadOlder]);
  const again = useCallback(() => setFailed(false), []);
  useEffect(() => {
    if (connection === "online") setFailed(false);
  }, [connection]);
  useEffect(() => {
    if (found === null) return;
    const timer = setTimeout(() => setFound(null), FOUND_MS);
    return () => clearTimeout(timer);
  }, [found]);
  const toEnd = useCallback(() => virtual.scrollToEnd(), [virtual]);
  const [sought, setSought] = useState<string | null>(null);
  useLayoutEffect(() => {
    const index = sought === null ? -1 : messages.findIndex(({ id }) => id === sought);
    if (index < 0) return;
    setSought(null);
    setFound(sought);
    virtual.scrollToIndex(index, { align: "center" });
  }, [sought, messages, virtual]);
  const toMessage = useCallback(
    async (id: string) => {
      const there = () => live.messages.some((message) => message.id === id);
      while (!there() && live.hasOlder) {
        const count = live.messages.length;
        await live.loadOlder(PAGE);
        if (live.messages.length === count) break;
      }
      if (there()) setSought(id);
      return there();
    },
    [live],
  );
  return { virtual, atEnd, failed, again, found, toEnd, toMessage };
}

/**
 * A row changes at its top, where its day or name stands, and loses them when older messages come:
 * what is read below must stay, also where the row reaches into sight.
 */
const beginsAbove = (
  row: VirtualItem,
  _delta: number,
  list: Virtualizer<HTMLDivElement, HTMLDivElement>,
): boolean => row.start < (list.scrollOffset ?? 0);

/** Of the message at `index`. */
const keyAt = (messages: readonly ChatMessage[], index: number): string => {
  const message = messages[index];
  return message ? keyOf(message) : String(index);
};

/** From the end, where people mostly are. */
const indexOfKey = (messages: readonly ChatMessage[], key: string): number =>
  messages.findLastIndex((message) => keyOf(message) === key);

/** The height of most rows. */
const ROW_PX = 64;
/** The height of what stands above the oldest message. */
const TOP_PX = 56;
/** Nearer than this to the end, the list follows what comes. */
const END_PX = 80;
/** So many rows before the oldest, older ones are asked for. */
const NEAR = 20;
const PAGE = 100;
const FOUND_MS = 2_000;
