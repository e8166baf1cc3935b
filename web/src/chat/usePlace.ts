import { useCallback, useSyncExternalStore } from "react";

/** The open room, kept in the address behind `#`, so that reload and back find it. */
export function usePlace(): [string | null, (room: string | null) => void] {
  const room = useSyncExternalStore(watch, read);
  const go = useCallback((next: string | null) => {
    const place = next === null ? "" : `#${encodeURIComponent(next)}`;
    if (place === location.hash) return;
    history.pushState(null, "", place === "" ? location.pathname : place);
    dispatchEvent(new PopStateEvent("popstate"));
  }, []);
  return [room, go];
}

function watch(changed: () => void): () => void {
  addEventListener("popstate", changed);
  addEventListener("hashchange", changed);
  return () => {
    removeEventListener("popstate", changed);
    removeEventListener("hashchange", changed);
  };
}

function read(): string | null {
  const held = location.hash.slice(1);
  if (held === "") return null;
  try {
    return decodeURIComponent(held);
  } catch {
    return null;
  }
}
