import { ConclaveError } from "./error.js";
import type { ChatMessage, Member, Presence, Receipt, SendOptions } from "./types.js";

const soon = (): never => {
  throw new ConclaveError("unsupported", "not there yet");
};

export class Room {
  constructor(readonly id: string) {}
  get messages(): readonly ChatMessage[] { return soon(); }
  get members(): readonly Member[] { return soon(); }
  get typists(): readonly string[] { return soon(); }
  get presence(): ReadonlyMap<string, Presence> { return soon(); }
  get hasOlder(): boolean { return soon(); }
  get loading(): boolean { return soon(); }
  get unread(): number { return soon(); }
  get error(): ConclaveError | null { return soon(); }
  get version(): number { return soon(); }
  open(): () => void { return soon(); }
  loadOlder(_limit?: number): Promise<void> { return soon(); }
  send(_content: string, _options?: SendOptions): ChatMessage { return soon(); }
  retry(_clientId: string): void { soon(); }
  discard(_clientId: string): void { soon(); }
  edit(_id: string, _content: string): Promise<void> { return soon(); }
  remove(_id: string): Promise<void> { return soon(); }
  markRead(_id?: string): void { soon(); }
  typing(): void { soon(); }
  stopTyping(): void { soon(); }
  statusOf(_id: string): Promise<Receipt[]> { return soon(); }
  nameOf(_userId: string): string { return soon(); }
  on(_event: "change", _listener: () => void): () => void { return soon(); }
}
