import type { Transaction } from "conclave-client/wallet";

/** A decimal text with at most so many digits after the point; what is less than that shows as such. */
export function shortAmount(amount: string, digits = 6): string {
  const [whole = "0", rest = ""] = amount.split(".");
  const kept = rest.slice(0, digits).replace(/0+$/, "");
  const some = /[1-9]/.test(rest);
  if (kept === "" && some && /^-?0*$/.test(whole)) return `< 0.${"0".repeat(digits - 1)}1`;
  return kept === "" ? grouped(whole) : `${grouped(whole)}.${kept}`;
}

/** Wei as ether, in whole digits. */
export function ether(wei: string): string {
  if (!/^\d+$/.test(wei)) return wei;
  const padded = wei.padStart(DECIMALS + 1, "0");
  const rest = padded.slice(-DECIMALS).replace(/0+$/, "");
  const whole = padded.slice(0, -DECIMALS).replace(/^0+(?=\d)/, "");
  return rest === "" ? whole : `${whole}.${rest}`;
}

/** The ends of an address or a hash, which tell it apart in a line. */
export const shortAddress = (address: string): string =>
  address.length > 14 ? `${address.slice(0, 8)}…${address.slice(-6)}` : address;

/** Where a transaction goes as seen from one's own wallets. */
export function directionOf(
  { from, to }: Pick<Transaction, "from" | "to">,
  own: ReadonlySet<string>,
): "in" | "out" | "between" {
  const sends = own.has(from.toLowerCase());
  const gets = to !== null && own.has(to.toLowerCase());
  if (sends && gets) return "between";
  return gets ? "in" : "out";
}

/** How far a transaction is. */
export function statusWords({ status, confirmations }: Pick<Transaction, "status" | "confirmations">): string {
  if (status !== "confirmed") return STATUSES[status];
  return confirmations > 1 ? `Confirmed by ${confirmations} blocks` : "Confirmed";
}

const STATUSES = {
  pending: "Pending",
  failed: "Failed",
  reorged: "Reorganised away",
} as const;

const grouped = (whole: string): string => whole.replace(/\B(?=(\d{3})+$)/g, ",");

const DECIMALS = 18;
