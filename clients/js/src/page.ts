/** What of a page's life concerns a connection. */
export interface PageEvents {
  /** Somebody looks at it again. */
  visible(): void;
  /** The device has a network again. */
  online(): void;
  /** The network may be gone, or the device has slept. */
  probe(): void;
}

/** Nothing where there is no page. Returns what ends it. */
export const watchPage = (events: PageEvents): (() => void) => {
  if (typeof window === "undefined" || typeof document === "undefined") return () => undefined;
  const seen = (): void => {
    if (isHidden()) return;
    events.online();
    events.probe();
    events.visible();
  };
  const online = (): void => {
    events.online();
    events.probe();
  };
  const offline = (): void => events.probe();
  document.addEventListener("visibilitychange", seen);
  window.addEventListener("online", online);
  window.addEventListener("offline", offline);
  return () => {
    document.removeEventListener("visibilitychange", seen);
    window.removeEventListener("online", online);
    window.removeEventListener("offline", offline);
  };
};

export const isHidden = (): boolean =>
  typeof document !== "undefined" && document.visibilityState === "hidden";
