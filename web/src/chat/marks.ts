import type { ChatMessage, MessageStatus, Receipt, Status } from "conclave-client";

/** What stands beside one's own message. */
export interface Mark {
  icon: "clock" | "check" | "checks" | "read" | "failed";
  /** For screen readers, and as a tip. */
  words: string;
}

/** The mark of an own message; `connection` says why it may still wait. */
export function markOf(status: MessageStatus, connection: Status): Mark {
  switch (status) {
    case "SENDING":
      return {
        icon: "clock",
        words: connection === "online" ? "Sending" : "Waiting for the connection",
      };
    case "SENT":
      return { icon: "check", words: "Sent" };
    case "DELIVERED":
      return { icon: "checks", words: "Delivered" };
    case "READ":
      return { icon: "read", words: "Read" };
    case "FAILED":
      return { icon: "failed", words: "Not sent" };
  }
}

/** How many messages wait for the connection. They stand at the end of the list. */
export function waiting(messages: readonly ChatMessage[]): number {
  let count = 0;
  for (let index = messages.length - 1; index >= 0; index -= 1) {
    const message = messages[index];
    if (!message || message.seq !== null) break;
    if (message.status === "SENDING") count += 1;
  }
  return count;
}

/** Receipts by how far they came, the furthest first; those who have received nothing yet last. */
export function byStatus(receipts: readonly Receipt[]): { words: string; of: Receipt[] }[] {
  const groups = [
    { words: "Read by", of: receipts.filter(({ status }) => status === "READ") },
    { words: "Delivered to", of: receipts.filter(({ status }) => status === "DELIVERED") },
    { words: "Not delivered yet", of: receipts.filter(({ status }) => status === "SENT") },
  ];
  return groups.filter(({ of }) => of.length > 0);
}
