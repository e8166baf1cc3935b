import { useEffect, useRef } from "react";

interface Shortcuts {
  onSwitch: () => void;
  onHelp: () => void;
  /** Opens the room above (-1) or below (1). */
  onStep: (step: -1 | 1) => void;
}

/** Keys that count wherever the focus is, except in dialogs. */
export function useShortcuts(shortcuts: Shortcuts) {
  const now = useRef(shortcuts);
  useEffect(() => {
    now.current = shortcuts;
  });
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k")
        now.current.onSwitch();
      else if (event.altKey && event.key === "ArrowUp") now.current.onStep(-1);
      else if (event.altKey && event.key === "ArrowDown") now.current.onStep(1);
      else if (event.key === "?" && !isWriting(event.target)) now.current.onHelp();
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, []);
}

const isWriting = (target: EventTarget | null): boolean =>
  target instanceof HTMLInputElement ||
  target instanceof HTMLTextAreaElement ||
  target instanceof HTMLSelectElement;
