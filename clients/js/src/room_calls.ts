import type { MessageBody } from "./history.js";
import type { Rest } from "./rest.js";
import { roomAssistantOf, type RoomAssistantBody } from "./assistant_bodies.js";
import type { Receipt, Role, RoomAssistant } from "./contract.js";

/** The HTTP calls of one room. */
export class RoomCalls {
  readonly #channel: string;

  constructor(
    roomId: string,
    readonly rest: Rest,
  ) {
    this.#channel = `/channels/${encodeURIComponent(roomId)}`;
  }

  /** Messages before a sequence number, or the newest ones; the newest first. */
  page(before: number | null, limit: number): Promise<Page> {
    const query = before === null ? "" : `before=${before}&`;
    return this.rest.page<MessageBody>(`${this.#channel}/messages?${query}limit=${limit}`);
  }

  edit(id: string, content: string): Promise<MessageBody> {
    return this.rest.call<MessageBody>("PUT", messagePath(id), { content });
  }

  async remove(id: string): Promise<void> {
    await this.rest.call("DELETE", messagePath(id));
  }

  async receipts(id: string): Promise<Receipt[]> {
    const entries = await this.rest.list<ReceiptBody>(`${messagePath(id)}/receipt`, 200);
    return entries.map(({ recipientId, status, timestamp }) => ({
      userId: recipientId,
      status,
      at: new Date(timestamp),
    }));
  }

  async assistant(): Promise<RoomAssistant> {
    const body = await this.rest.call<RoomAssistantBody>("GET", `${this.#channel}/assistant`);
    return roomAssistantOf(body);
  }

  async giveRole(userId: string, role: Role): Promise<void> {
    await this.rest.call("PUT", this.#member(userId), { role });
  }

  async removeMember(userId: string): Promise<void> {
    await this.rest.call("DELETE", this.#member(userId));
  }

  #member(userId: string): string {
    return `${this.#channel}/members/${encodeURIComponent(userId)}`;
  }
}

/** Newest first; `more` are older. */
export interface Page {
  entries: MessageBody[];
  more: boolean;
}

const messagePath = (id: string): string => `/messages/${encodeURIComponent(id)}`;

interface ReceiptBody {
  recipientId: string;
  status: "SENT" | "DELIVERED" | "READ";
  timestamp: string;
}
