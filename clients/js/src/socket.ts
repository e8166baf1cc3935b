import { ConclaveError } from "./error.js";
import type { Platform, WebSocketConstructor, WebSocketLike } from "./contract.js";

/** Opens WebSockets as well as the platform can: with a header, else with a ticket. */
export interface Dial {
  /** Without credentials; `ws:` or `wss:`. */
  url: string;
  /** `null` for anonymous connections. */
  credentials: {
    token: string;
    /** A ticket that stands for the token once: `POST /auth/ticket`. */
    ticket(): Promise<string>;
  } | null;
}

/**
 * Opens a WebSocket. Browsers cannot send headers, so a page gets a one-use ticket for the
 * address; a token is never in one.
 */
export const dial = async (platform: Platform, { url, credentials }: Dial): Promise<WebSocketLike> => {
  const WebSocket = await webSocketOf(platform);
  if (credentials === null) return new WebSocket(url) as WebSocketLike;
  if (takesHeaders(WebSocket)) {
    const headers = { Authorization: `Bearer ${credentials.token}` };
    return new WebSocket(url, [], { headers }) as WebSocketLike;
  }
  const address = new URL(url);
  address.searchParams.set("ticket", await credentials.ticket());
  return new WebSocket(address.href) as WebSocketLike;
};

/** The option, the platform's own, or that of the package `ws`. */
const webSocketOf = async (platform: Platform): Promise<WebSocketConstructor> => {
  if (platform.WebSocket) return platform.WebSocket;
  if (typeof globalThis.WebSocket === "function") return globalThis.WebSocket;
  // A name in a variable: bundlers for pages must not look for the package.
  const name = "ws";
  try {
    const found = (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as {
      WebSocket: WebSocketConstructor;
    };
    return found.WebSocket;
  } catch (cause) {
    throw new ConclaveError(
      "unsupported",
      "this platform has no WebSocket: install the package ws, or give the option WebSocket",
      { cause },
    );
  }
};

/** Only the package `ws` can end a connection without a closing handshake. */
const takesHeaders = (WebSocket: WebSocketConstructor): boolean =>
  typeof (WebSocket.prototype as { terminate?: unknown } | undefined)?.terminate === "function";

/** `http:` to `ws:`, with a path. */
export const webSocketUrl = (origin: string, path: string): string => {
  const url = new URL(path, origin);
  url.protocol = url.protocol === "https:" || url.protocol === "wss:" ? "wss:" : "ws:";
  return url.href;
};

/** The http(s) origin of a `ws:` or `wss:` address. */
export const originOf = (wsUrl: string): string => {
  const url = new URL(wsUrl, typeof location === "undefined" ? undefined : location.href);
  const secure = url.protocol === "wss:" || url.protocol === "https:";
  return `${secure ? "https:" : "http:"}//${url.host}`;
};

/** `readyState` of an open one. */
export const OPEN = 1;
