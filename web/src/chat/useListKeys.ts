import type { Virtualizer } from "@tanstack/react-virtual";
import type { ChatMessage } from "conclave-client";
import { useCallback, useLayoutEffect, useRef, type KeyboardEvent, type RefObject } from "react";

import type { MessageActions } from "./actions.ts";
import { isEditable, keyOf } from "./rows.ts";

interface ListKeysOptions {
  messages: readonly ChatMessage[];
  scroller: RefObject<HTMLDivElement | null>;
  virtual: Virtualizer<HTMLDivElement, HTMLDivElement>;
  active: string | null;
  setActive: (key: string | null) => void;
  actions: MessageActions;
  onEscape: () => void;
  me: string;
}

/** Arrows go from message to message; R, E and Delete act on the one with the focus. */
export function useListKeys(options: ListKeysOptions) {
  const { messages, scroller, virtual, active, setActive, actions, onEscape, me } = options;
  const wanted = useRef<string | null>(null);
  // A row far away is in the document only after the list has gone there.
  useLayoutEffect(() => {
    if (wanted.current === null) return;
    const row = scroller.current?.querySelector(`[data-key="${CSS.escape(wanted.current)}"]`);
    const target = row?.querySelector<HTMLElement>("[data-message]");
    if (!target) return;
    wanted.current = null;
    target.focus({ preventScroll: true });
  });
  const focusAt = useCallback(
    (index: number) => {
      const message = messages[Math.max(0, Math.min(messages.length - 1, index))];
      if (!message) return;
      wanted.current = keyOf(message);
      setActive(keyOf(message));
      virtual.scrollToIndex(messages.indexOf(message), { align: "auto" });
    },
    [messages, setActive, virtual],
  );
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at =
      active === null ? -1 : messages.findLastIndex((message) => keyOf(message) === active);
    const focused =
      at >= 0 && event.target instanceof HTMLElement && "message" in event.target.dataset;
    const move = moveOf(event.key, focused ? at : messages.length, messages.length);
    if (move !== null) {
      event.preventDefault();
      focusAt(move);
      return;
    }
    if (event.key === "Escape") onEscape();
    const message = messages[at];
    if (!focused || !message || message.id === null || message.deleted) return;
    const own = message.userId === me;
    if (event.key === "r") actions.reply(message);
    else if (event.key === "e" && own && isEditable(message)) actions.edit(message);
    else if (event.key === "Delete" && own) actions.remove(message);
    else return;
    event.preventDefault();
  };
  const hasFocus = () => scroller.current?.contains(document.activeElement) ?? false;
  return { onKeyDown, hasFocus, focusLast: () => focusAt(messages.length - 1) };
}

/** Where a key leads to from `at`; `null` where it leads nowhere. */
function moveOf(key: string, at: number, count: number): number | null {
  switch (key) {
    case "ArrowUp":
      return at - 1;
    case "ArrowDown":
      return at + 1;
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return null;
  }
}
