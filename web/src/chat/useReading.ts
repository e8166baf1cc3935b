import type { ChatMessage } from "conclave-client";
import { useEffect, useRef, useState, useSyncExternalStore } from "react";

import { newestSeq, unreadAfter } from "./rows.ts";

interface Reading {
  messages: readonly ChatMessage[];
  /** How many are unread, as the room says. */
  unread: number;
  me: string;
  /** Whether the end of the list is in sight. */
  atEnd: boolean;
  markRead: () => void;
}

/**
 * Marks as read what is in sight of somebody who looks, and remembers after which number the rest
 * is new: that of the first look, or of the moment the reader went away.
 */
export function useReading({ messages, unread, me, atEnd, markRead }: Reading) {
  const looking = useLooking();
  const reading = looking && atEnd;
  const newest = newestSeq(messages);
  const [line, setLine] = useState<number | null>(null);
  const seen = useRef<number | null>(null);
  const first = seen.current === null && messages.length > 0;
  useEffect(() => {
    if (!first) return;
    setLine(unreadAfter(messages, unread, me));
    seen.current = newest;
  }, [first, messages, unread, me, newest]);
  const some = unread > 0;
  useEffect(() => {
    if (!reading || newest === 0) return;
    seen.current = newest;
    markRead();
  }, [reading, newest, some, markRead]);
  useEffect(() => {
    const last = seen.current;
    if (reading || last === null || newest <= last || messages.at(-1)?.userId === me) return;
    setLine((now) => (now === null || now < last ? last : now));
  }, [reading, newest, messages, me]);
  return { line, forget: () => setLine(null) };
}

/** Whether the page is visible and has the focus. */
function useLooking(): boolean {
  return useSyncExternalStore(watch, looks);
}

function watch(changed: () => void): () => void {
  document.addEventListener("visibilitychange", changed);
  addEventListener("focus", changed);
  addEventListener("blur", changed);
  return () => {
    document.removeEventListener("visibilitychange", changed);
    removeEventListener("focus", changed);
    removeEventListener("blur", changed);
  };
}

const looks = (): boolean => document.visibilityState === "visible" && document.hasFocus();
