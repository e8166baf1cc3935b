import { numberOf, textOf, type Members } from "./frames.js";

/** What an address holds at a block. Amounts are decimal texts, since numbers would round them. */
export interface Balance {
  /** With the capitals of EIP-55, as all addresses here. */
  address: string;
  native: { wei: string; ether: string };
  tokens: TokenBalance[];
  blockNumber: number;
  blockHash: string;
  at: Date;
}

/** An ERC-20 token. */
export interface Token {
  address: string;
  /** As the contract calls itself; empty where it says nothing. */
  symbol: string;
  decimals: number;
}

export interface TokenBalance extends Token {
  raw: string;
  /** `raw` with its decimals. */
  amount: string;
}

export type TransactionStatus = "pending" | "confirmed" | "failed" | "reorged";

export interface Transaction {
  hash: string;
  from: string;
  /** `null` where it makes a contract. */
  to: string | null;
  /** In wei. */
  value: string;
  status: TransactionStatus;
  /** `null` while it is in no block. */
  blockNumber: number | null;
  confirmations: number;
  gasUsed: string | null;
  at: Date;
}

export interface ContractEvent {
  address: string;
  event: string;
  args: Readonly<Record<string, unknown>>;
  transactionHash: string;
  logIndex: number;
  blockNumber: number;
  /** The block it was in is none of the chain any more. */
  removed: boolean;
  at: Date;
}

export interface LinkedWallet {
  address: string;
  chainId: number;
  linkedAt: Date | null;
}

export const balanceOf = (frame: Members): Balance | null => {
  const address = textOf(frame, "address");
  const native = objectIn(frame, "native");
  if (address === null || native === null) return null;
  const tokens = Array.isArray(frame["tokens"]) ? (frame["tokens"] as Members[]) : [];
  return {
    address,
    native: { wei: amountIn(native, "wei") ?? "0", ether: amountIn(native, "ether") ?? "0" },
    tokens: tokens.map((token) => ({
      ...tokenOf(token),
      raw: amountIn(token, "raw") ?? "0",
      amount: amountIn(token, "amount") ?? "0",
    })),
    blockNumber: numberOf(frame, "block_number") ?? 0,
    blockHash: textOf(frame, "block_hash") ?? "",
    at: dateIn(frame),
  };
};

export const tokenOf = (body: Members): Token => ({
  address: textOf(body, "address") ?? "",
  symbol: textOf(body, "symbol") ?? "",
  decimals: numberOf(body, "decimals") ?? 0,
});

export const transactionOf = (frame: Members): Transaction | null => {
  const told = objectIn(frame, "transaction");
  const hash = told === null ? null : textOf(told, "hash");
  if (told === null || hash === null) return null;
  return {
    hash,
    from: textOf(told, "from") ?? "",
    to: textOf(told, "to"),
    value: amountIn(told, "value") ?? "0",
    status: (textOf(told, "status") ?? "pending") as TransactionStatus,
    blockNumber: numberOf(told, "block_number"),
    confirmations: numberOf(told, "confirmations") ?? 0,
    gasUsed: amountIn(told, "gas_used"),
    at: dateIn(frame),
  };
};

export const contractEventOf = (frame: Members): ContractEvent | null => {
  const address = textOf(frame, "address");
  const event = textOf(frame, "event");
  if (address === null || event === null) return null;
  return {
    address,
    event,
    args: objectIn(frame, "args") ?? {},
    transactionHash: textOf(frame, "transaction_hash") ?? "",
    logIndex: numberOf(frame, "log_index") ?? 0,
    blockNumber: numberOf(frame, "block_number") ?? 0,
    removed: frame["removed"] === true,
    at: dateIn(frame),
  };
};

/** As REST lists it, and as the answer to a link. */
export const linkedOf = (body: Members): LinkedWallet => {
  const at = textOf(body, "linked_at");
  return {
    address: textOf(body, "address") ?? "",
    chainId: numberOf(body, "chain_id") ?? 0,
    linkedAt: at === null ? null : new Date(at),
  };
};

const objectIn = (frame: Members, name: string): Members | null => {
  const value = frame[name];
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members) : null;
};

/** A text, or a number that is small enough to be whole. */
const amountIn = (frame: Members, name: string): string | null => {
  const value = frame[name];
  return typeof value === "number" ? String(value) : textOf(frame, name);
};

/** RFC 3339, unlike elsewhere. */
const dateIn = (frame: Members): Date => {
  const at = new Date(textOf(frame, "timestamp") ?? Number.NaN);
  return Number.isNaN(at.getTime()) ? new Date() : at;
};
