import type { Transaction } from "conclave-client/wallet";
import { ArrowDownLeft, ArrowLeftRight, ArrowUpRight } from "lucide-react";

import { Badge, type BadgeTone } from "../../ui/Badge.tsx";
import { directionOf, ether, shortAddress, shortAmount, statusWords } from "./amounts.ts";

interface TransactionListProps {
  transactions: readonly Transaction[];
  /** One's addresses, in lower case. */
  own: ReadonlySet<string>;
}

/** What happened since the page was opened, the newest change first. */
export function TransactionList({ transactions, own }: TransactionListProps) {
  return (
    <section aria-label="Transactions">
      <h3 className="mb-1 text-sm font-medium text-muted">Transactions</h3>
      {transactions.length === 0 && (
        <p className="text-sm text-muted">What happens from now on shows here.</p>
      )}
      <ul className="flex flex-col">
        {transactions.map((transaction) => (
          <Row key={transaction.hash} transaction={transaction} own={own} />
        ))}
      </ul>
    </section>
  );
}

function Row({ transaction, own }: { transaction: Transaction; own: ReadonlySet<string> }) {
  const { hash, from, to, value, status } = transaction;
  const direction = directionOf(transaction, own);
  const { Icon, words } = DIRECTIONS[direction];
  const other = direction === "in" ? from : to;
  const amount = ether(value);
  return (
    <li className="flex items-center gap-3 border-b border-line py-2 last:border-0">
      <Icon size={18} aria-hidden className="shrink-0 text-muted" />
      <div className="min-w-0 flex-1 text-sm">
        <p className="truncate">
          {words}{" "}
          <span className="font-mono text-xs" title={other ?? undefined}>
            {other === null ? "a new contract" : shortAddress(other)}
          </span>
        </p>
        <p className="truncate font-mono text-xs text-muted" title={hash}>
          {shortAddress(hash)}
        </p>
      </div>
      <div className="flex shrink-0 flex-col items-end gap-1 sm:flex-row sm:items-center sm:gap-3">
        <p className="text-sm tabular-nums" title={amount}>
          {direction === "in" ? "+" : direction === "out" ? "−" : ""}
          {shortAmount(amount)} ETH
        </p>
        <Badge tone={TONES[status]}>{statusWords(transaction)}</Badge>
      </div>
    </li>
  );
}

const DIRECTIONS = {
  in: { Icon: ArrowDownLeft, words: "From" },
  out: { Icon: ArrowUpRight, words: "To" },
  between: { Icon: ArrowLeftRight, words: "To" },
};

const TONES: Record<Transaction["status"], BadgeTone> = {
  pending: "warn",
  confirmed: "good",
  failed: "bad",
  reorged: "bad",
};
