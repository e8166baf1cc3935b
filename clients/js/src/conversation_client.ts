import { asError, ConclaveError } from "./error.js";
import { errorOf, frameOf, numberOf, textOf, type Frame } from "./frames.js";
import { Rest } from "./rest.js";
import { dial, OPEN, originOf, webSocketUrl } from "./socket.js";
import type { Platform, TokenSource, WebSocketLike } from "./contract.js";

export interface ConversationClientOptions extends Platform {
  /** The server, `ws://localhost:8000` where nothing is said and there is no page. */
  url?: string | undefined;
}

/**
 * A plain client of the user's feed, to extend: `handleMessage` gets every frame. It does not
 * come back by itself; `ConclaveClient` does.
 */
export class ConversationClient {
  /** The connection, while there is one. */
  ws: WebSocketLike | null = null;
  readonly #options: ConversationClientOptions;
  readonly #url: string;
  readonly #waiting = new Set<Waiting>();

  constructor(
    readonly userId: string,
    readonly token: TokenSource,
    options: ConversationClientOptions = {},
  ) {
    this.#options = options;
    this.#url = options.url ?? globalThis.location?.origin ?? "ws://localhost:8000";
  }

  /** Resolves to the server's greeting; rejects with `unauthenticated` or `forbidden` if refused. */
  connect(): Promise<Frame> {
    const greeting = this.#await("connect", (frame) => frame.type === "connected");
    this.#dial().catch((error: unknown) => this.#fail(asError(error)));
    return greeting;
  }

  /** Hears a conversation's events; those after `since` first. */
  subscribeToConversation(conversationId: string, since?: number): Promise<{ lastSeq: number }> {
    const subscribed = this.#await(
      "subscribe_conversation",
      (frame) => frame.type === "subscribed" && frame["conversation_id"] === conversationId,
      conversationId,
    ).then((frame) => ({ lastSeq: numberOf(frame, "last_seq") ?? 0 }));
    // Who does not wait for it hears of it by `handleMessage`.
    subscribed.catch(() => undefined);
    this.send({
      type: "subscribe_conversation",
      conversation_id: conversationId,
      ...(since === undefined ? {} : { since }),
    });
    return subscribed;
  }

  /** Whether the connection was open, and so it was sent. */
  send(message: object): boolean {
    if (this.ws?.readyState !== OPEN) return false;
    this.ws.send(JSON.stringify(message));
    return true;
  }

  close(): void {
    this.ws?.close(1000);
  }

  /** Every frame of the server: to be replaced. */
  handleMessage(_message: Frame): void {}

  /** The connection ended: to be replaced. */
  handleClose(_event: { code: number; reason: string }): void {}

  async #dial(): Promise<void> {
    const http = originOf(webSocketUrl(this.#url, "/"));
    const rest = new Rest(http, this.token, this.#options);
    const url = webSocketUrl(this.#url, `/ws/${encodeURIComponent(this.userId)}`);
    const token = await rest.tokens.token();
    const ws = await dial(this.#options, { url, credentials: { token, ticket: () => rest.ticket() } });
    this.ws = ws;
    ws.onmessage = (event: { data: string }) => this.#heard(event.data);
    ws.onerror = () => undefined;
    ws.onclose = (event: { code: number; reason: string }) => {
      this.#fail(closedBy(event.code, event.reason));
      this.handleClose(event);
    };
  }

  #heard(text: string): void {
    const frame = frameOf(text);
    if (frame === null) return;
    for (const waiting of [...this.#waiting]) {
      const failed =
        frame.type === "error" &&
        frame["in_reply_to"] === waiting.command &&
        (textOf(frame, "conversation_id") ?? waiting.conversationId) === waiting.conversationId;
      if (!failed && !waiting.fits(frame)) continue;
      this.#waiting.delete(waiting);
      if (failed) waiting.reject(errorOf(frame));
      else waiting.resolve(frame);
    }
    this.handleMessage(frame);
  }

  #await(command: string, fits: Waiting["fits"], conversationId?: string): Promise<Frame> {
    const answer = new Promise<Frame>((resolve, reject) => {
      this.#waiting.add({ command, fits, conversationId, resolve, reject });
    });
    answer.catch(() => undefined);
    return answer;
  }

  #fail(error: ConclaveError): void {
    for (const waiting of this.#waiting) waiting.reject(error);
    this.#waiting.clear();
  }
}

/** The name under which applications know it. */
export class PRSMWebSocketClient extends ConversationClient {}

interface Waiting {
  command: string;
  conversationId: string | undefined;
  fits(frame: Frame): boolean;
  resolve(frame: Frame): void;
  reject(error: ConclaveError): void;
}

const closedBy = (code: number, reason: string): ConclaveError => {
  if (code === 4001) return new ConclaveError("unauthenticated", reason || "authentication failed");
  if (code === 4003) return new ConclaveError("forbidden", reason || "access denied");
  return new ConclaveError("network", reason || `the connection ended with ${code}`);
};
