import type { ChatMessage } from "conclave-client";

/** What can be done with a message of the list. The object stays the same while the list lives. */
export interface MessageActions {
  reply(message: ChatMessage): void;
  edit(message: ChatMessage): void;
  remove(message: ChatMessage): void;
  details(message: ChatMessage): void;
  retry(message: ChatMessage): void;
  discard(message: ChatMessage): void;
  /** Shows the message of this id, wherever it is in the room. */
  jump(id: string): void;
}
