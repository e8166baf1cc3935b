/** Keys: `g` and a letter goes to a section, `/` to the search. Never while one types. */
import { useEffect } from "react";

import { linkTo, SECTIONS } from "./route.ts";

export function useShortcuts(): void {
  useEffect(() => {
    let armed = false;
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const wasArmed = armed;
      armed = !wasArmed && event.key === "g";
      if (wasArmed) {
        const section = SECTIONS.find(({ key }) => key === event.key);
        if (section) location.hash = linkTo(section.id);
      } else if (event.key === "/") {
        const search = document.querySelector<HTMLInputElement>("main input[type=search]");
        if (!search) return;
        event.preventDefault();
        search.focus();
      }
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.closest("input, textarea, select, dialog") !== null;
}
