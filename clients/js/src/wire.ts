import type { Carrier } from "./outbox.js";
import type { Rest } from "./rest.js";
import type { LastMessage, Profile } from "./contract.js";

/** What a room needs of its client. */
export interface Wire extends Carrier {
  readonly rest: Rest;
  readonly historyMax: number;
  /** Whether nobody looks at the page. */
  readonly hidden: boolean;
  /** Resolves when `userId` is known. */
  identified(): Promise<void>;
  /** Throws where too much waits already. */
  checkOutbox(): void;
  /** Asks for a room's events after `since`, unless they come already. */
  follow(roomId: string, since: number | null): void;
  /** The room is no longer open. */
  unfollow(roomId: string): void;
  nameOf(userId: string): string;
  learn(profiles: readonly Profile[]): void;
  unreadOf(roomId: string): number;
  setUnread(roomId: string, count: number): void;
  /** A message was read of which the list may not know. */
  shown(roomId: string, message: LastMessage): void;
}
