import type { ConclaveClient } from "./client.js";
import { ConclaveError } from "./error.js";
import type { ChatMessage, Member, Platform, Presence, Receipt, RoomSummary, SendOptions, Status, TokenSource } from "./types.js";

const soon = (): never => {
  throw new ConclaveError("unsupported", "not there yet");
};

export interface WebSocketHookOptions extends Platform {
  token: TokenSource | null | undefined;
  messagesMax?: number;
}
export interface WebSocketHook {
  status: Status;
  messages: readonly unknown[];
  sendMessage(message: unknown): void;
}
export interface RoomHook {
  id: string;
  messages: readonly ChatMessage[];
  members: readonly Member[];
  typists: readonly string[];
  presence: ReadonlyMap<string, Presence>;
  hasOlder: boolean;
  loading: boolean;
  unread: number;
  error: ConclaveError | null;
  loadOlder(limit?: number): Promise<void>;
  send(content: string, options?: SendOptions): ChatMessage;
  retry(clientId: string): void;
  discard(clientId: string): void;
  edit(id: string, content: string): Promise<void>;
  remove(id: string): Promise<void>;
  markRead(id?: string): void;
  typing(): void;
  stopTyping(): void;
  statusOf(id: string): Promise<Receipt[]>;
  nameOf(userId: string): string;
}
export const useWebSocket = (_url: string, _options: WebSocketHookOptions): WebSocketHook => soon();
export const useRoom = (_client: ConclaveClient, _roomId: string): RoomHook => soon();
export const usePresence = (_client: ConclaveClient, _roomId: string): ReadonlyMap<string, Presence> => soon();
export const useStatus = (_client: ConclaveClient): { status: Status; retryAt: number | null; endedBecause: ConclaveError | null } => soon();
export const useRooms = (_client: ConclaveClient): readonly RoomSummary[] => soon();
