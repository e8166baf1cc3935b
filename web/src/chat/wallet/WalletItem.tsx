import type { Balance, LinkedWallet } from "conclave-client/wallet";
import { Unlink } from "lucide-react";

import { IconButton } from "../../ui/Button.tsx";
import { shortAddress, shortAmount } from "./amounts.ts";

interface WalletItemProps {
  wallet: LinkedWallet;
  /** Undefined until it is known. */
  balance: Balance | undefined;
  onUnlink: () => void;
}

/** One linked wallet and what it holds. */
export function WalletItem({ wallet, balance, onUnlink }: WalletItemProps) {
  const { address, chainId } = wallet;
  return (
    <li className="flex items-center gap-3 rounded-xl border border-line px-3.5 py-2.5">
      <div className="flex min-w-0 flex-1 flex-col gap-x-3 gap-y-1 sm:flex-row sm:items-center sm:justify-between">
        <div className="min-w-0">
          <p className="truncate font-mono text-sm" title={address}>
            {shortAddress(address)}
          </p>
          <p className="text-xs text-muted">
            {balance
              ? `Chain ${chainId}, block ${balance.blockNumber.toLocaleString()}`
              : `Chain ${chainId}`}
          </p>
        </div>
        <div className="text-sm tabular-nums sm:text-right" aria-live="polite">
          {balance ? <Holdings balance={balance} /> : <p className="text-muted">Reading</p>}
        </div>
      </div>
      <IconButton label={`Unlink ${shortAddress(address)}`} onClick={onUnlink}>
        <Unlink size={16} aria-hidden />
      </IconButton>
    </li>
  );
}

function Holdings({ balance }: { balance: Balance }) {
  return (
    <>
      <p className="font-medium" title={balance.native.ether}>
        {shortAmount(balance.native.ether)} ETH
      </p>
      {balance.tokens.map((token) => (
        <p key={token.address} className="text-muted" title={token.amount}>
          {shortAmount(token.amount)} {token.symbol}
        </p>
      ))}
    </>
  );
}
