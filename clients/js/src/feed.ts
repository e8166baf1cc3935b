import { errorOf, frameOf, numberOf, textOf, type Frame } from "./frames.js";
import { ConclaveError } from "./error.js";
import type { Dialect } from "./link.js";
import type { Room } from "./room.js";
import type { RoomList } from "./room_list.js";
import type { Me, Notice } from "./contract.js";

/** What the feed tells its client. */
export interface Hearer {
  readonly list: RoomList;
  readonly me: Me | null;
  url(): Promise<string>;
  welcome(me: Me): void;
  opened(): void;
  lost(): void;
  changed(): void;
  /** The room as far as there is an object of it; all of them where no id is given. */
  known(roomId: string): Room | undefined;
  all(): Iterable<Room>;
  /** The room, for events that concern it. */
  room(roomId: string): Room;
  /** The user became a member, somewhere or here. */
  entered(roomId: string): void;
  /** The subscription ended, or was refused. */
  unsubscribed(roomId: string, error: ConclaveError | null): void;
  /** The subscription was refused for now, or since there are too many. */
  notYet(roomId: string, isFull: boolean): void;
  notice(event: "notification" | "live_update", notice: Notice): void;
  /** Somebody came or went. */
  present(frame: Frame): void;
  /** Somebody invites the user. */
  invited(): void;
  systemStatus(status: { status: string; message: string }): void;
  error(error: ConclaveError): void;
}

/** The conversation dialect at `/ws/{user}`: every room of the user over one connection. */
export class Feed implements Dialect {
  readonly greets = true;
  readonly ping = '{"type":"ping"}';

  constructor(readonly hearer: Hearer) {}

  url(): Promise<string> {
    return this.hearer.url();
  }

  renewal(token: string): string {
    return JSON.stringify({ type: "auth", token });
  }

  opened(): void {
    this.hearer.opened();
  }

  lost(): void {
    this.hearer.lost();
  }

  changed(): void {
    this.hearer.changed();
  }

  text(text: string): void {
    const frame = frameOf(text);
    if (frame !== null) this.#heard(frame);
  }

  #heard(frame: Frame): void {
    const { hearer } = this;
    const roomId = textOf(frame, "conversation_id");
    switch (frame.type) {
      case "connected":
        hearer.welcome(meOf(frame));
        return;
      case "error":
        this.#refused(frame, roomId);
        return;
      case "notification":
      case "live_update":
        hearer.notice(frame.type, frame);
        return;
      case "system_status":
        hearer.systemStatus({
          status: textOf(frame, "status") ?? "",
          message: textOf(frame, "message") ?? "",
        });
        return;
      case "message_status":
        this.#status(frame);
        return;
      case "invitation":
        hearer.invited();
        return;
      case "presence_update":
        hearer.present(frame);
        for (const room of hearer.all()) room.heard(frame);
        return;
      default:
        if (roomId !== null) this.#inRoom(frame, roomId);
    }
  }

  #inRoom(frame: Frame, roomId: string): void {
    const { hearer } = this;
    const mine = textOf(frame, "user_id") === hearer.me?.id;
    switch (frame.type) {
      case "subscribed":
        hearer.known(roomId)?.assistant.restarted();
        return;
      case "unsubscribed":
        hearer.unsubscribed(roomId, null);
        return;
      case "resync":
        hearer.known(roomId)?.resync();
        return;
      case "member_joined":
        if (mine) hearer.entered(roomId);
        break;
      case "member_left":
        if (!mine) break;
        hearer.unsubscribed(roomId, new ConclaveError("forbidden", "no longer a member"));
        return;
    }
    // The list first: it says whether anything is unread.
    hearer.list.heard(frame);
    hearer.room(roomId).heard(frame);
  }

  /** To a sender: it is stored. To an author: somebody has it. The frames name no room. */
  #status(frame: Frame): void {
    const clientId = textOf(frame, "client_id");
    if (textOf(frame, "status") === "sent" && numberOf(frame, "seq") !== null) {
      if (clientId === null) return;
      for (const room of this.hearer.all()) {
        if (room.awaits(clientId)) return room.stored(clientId, frame);
      }
      return;
    }
    const id = textOf(frame, "message_id") ?? "";
    for (const room of this.hearer.all()) if (room.has(id)) return room.heard(frame);
  }

  #refused(frame: Frame, roomId: string | null): void {
    const { hearer } = this;
    const error = errorOf(frame);
    const command = textOf(frame, "in_reply_to") ?? "";
    const clientId = textOf(frame, "client_id");
    if (command === "subscribe_conversation" && roomId !== null) {
      const isFull = error.code === "too_large";
      if (error.retryable || isFull) hearer.notYet(roomId, isFull);
      else hearer.unsubscribed(roomId, error);
    } else if (roomId !== null) {
      hearer.known(roomId)?.refused(command, clientId, error);
    } else if (error.retryable) {
      // Too fast: which frame it was is not said, so all that wait for an answer go again.
      for (const room of hearer.all()) room.refused("send_message", null, error);
    }
    // A receipt for what came before one joined is refused, and nothing is lost by it.
    if (!QUIET.has(command)) hearer.error(error);
  }
}

const QUIET: ReadonlySet<string> = new Set([
  "message_delivered",
  "message_read",
  "typing_start",
  "typing_stop",
]);

const meOf = (frame: Frame): Me => {
  const id = textOf(frame, "user_id") ?? "";
  const permissions = Array.isArray(frame["permissions"]) ? frame["permissions"] : [];
  return {
    id,
    name: textOf(frame, "user") ?? id,
    permissions: permissions.filter((one): one is string => typeof one === "string"),
  };
};
