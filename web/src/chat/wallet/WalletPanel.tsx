import type { SignedIn } from "conclave-client";
import { useWallet } from "conclave-client/react";
import { WalletClient, type LinkedWallet, type WalletProvider } from "conclave-client/wallet";
import { Link2, Wallet } from "lucide-react";
import { useCallback, useEffect, useMemo, useState } from "react";

import { Banner } from "../../ui/Banner.tsx";
import { Button } from "../../ui/Button.tsx";
import { ConfirmDialog } from "../../ui/ConfirmDialog.tsx";
import { Dialog } from "../../ui/Dialog.tsx";
import { EmptyState } from "../../ui/EmptyState.tsx";
import { errorWords } from "../../ui/errors.ts";
import { Spinner } from "../../ui/Spinner.tsx";
import { shortAddress } from "./amounts.ts";
import { TransactionList } from "./TransactionList.tsx";
import { WalletItem } from "./WalletItem.tsx";

interface WalletPanelProps {
  tokens: SignedIn;
  /** It listens also while it is not shown. */
  open: boolean;
  onClose: () => void;
}

/** The user's wallets: what they hold, and what happens to them on the chain. */
export default function WalletPanel({ tokens, open, onClose }: WalletPanelProps) {
  const wallet = useMemo(() => new WalletClient({ tokens }), [tokens]);
  useEffect(() => {
    wallet.connect();
    return () => wallet.close();
  }, [wallet]);
  const { feed, balances, transactions } = useWallet(wallet, useListedTokens(wallet));
  const linked = useLinked(wallet);
  const [leaving, setLeaving] = useState<LinkedWallet | null>(null);
  const own = useMemo(
    () => new Set(linked.wallets?.map(({ address }) => address.toLowerCase())),
    [linked.wallets],
  );
  const balanceOf = (address: string) =>
    [...balances.values()].find((one) => one.address.toLowerCase() === address.toLowerCase());
  if (!open) return null;
  return (
    <Dialog title="Wallets" onClose={onClose} className="w-[min(36rem,calc(100vw-2rem))]">
      <div className="flex flex-col gap-4">
        {feed === "degraded" && (
          <Banner tone="warn">
            The chain cannot be reached. What happens meanwhile shows once it is back.
          </Banner>
        )}
        {linked.problem && <Banner tone="bad">{linked.problem}</Banner>}
        {linked.wallets === null && !linked.problem && <Spinner label="Reading wallets" />}
        {linked.wallets?.length === 0 && (
          <EmptyState icon={<Wallet size={32} aria-hidden />} title="No wallet is linked">
            Link one to see here what it holds, and what happens to it.
          </EmptyState>
        )}
        {linked.wallets && linked.wallets.length > 0 && (
          <ul aria-label="Linked wallets" className="flex flex-col gap-2">
            {linked.wallets.map((one) => (
              <WalletItem
                key={one.address}
                wallet={one}
                balance={balanceOf(one.address)}
                onUnlink={() => setLeaving(one)}
              />
            ))}
          </ul>
        )}
        <LinkButton busy={linked.busy} link={linked.link} />
        {linked.wallets && linked.wallets.length > 0 && (
          <TransactionList transactions={transactions} own={own} />
        )}
      </div>
      {leaving && (
        <ConfirmDialog
          title={`Unlink ${shortAddress(leaving.address)}?`}
          yes="Unlink"
          onClose={() => setLeaving(null)}
          onYes={() => {
            setLeaving(null);
            linked.unlink(leaving.address);
          }}
        >
          Nothing changes on the chain. You can link the wallet again whenever you want.
        </ConfirmDialog>
      )}
    </Dialog>
  );
}

/** Asks the browser's wallet, where it has one. */
function LinkButton({ busy, link }: { busy: boolean; link: (provider: WalletProvider) => void }) {
  const provider = window.ethereum;
  if (!provider) {
    return (
      <p className="text-sm text-muted">
        To link a wallet, open this page in a browser that has one, such as an extension.
      </p>
    );
  }
  return (
    <div>
      <Button tone="primary" busy={busy} onClick={() => link(provider)}>
        <Link2 size={16} aria-hidden /> {busy ? "Waiting for the wallet" : "Link a wallet"}
      </Button>
    </div>
  );
}

/** The addresses of the tokens whose balances everybody may see. */
function useListedTokens(wallet: WalletClient): readonly string[] {
  const [listed, setListed] = useState<readonly string[]>([]);
  useEffect(() => {
    let gone = false;
    const read = () =>
      wallet.tokens().then(
        (tokens) => !gone && setListed(tokens.slice(0, TOKENS_MAX).map(({ address }) => address)),
        () => {}, // The chain is away: it is asked again once it is back.
      );
    const stop = wallet.on("feed", (feed) => feed === "live" && read());
    return () => {
      gone = true;
      stop();
    };
  }, [wallet]);
  return listed;
}

/** The linked wallets, and what changes them. */
function useLinked(wallet: WalletClient) {
  const [wallets, setWallets] = useState<LinkedWallet[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const attempt = useCallback(
    (work: () => Promise<unknown>) => {
      setProblem(null);
      setBusy(true);
      work()
        .then(async () => setWallets(await wallet.wallets()))
        .catch((thrown: unknown) => setProblem(errorWords(thrown)))
        .finally(() => setBusy(false));
    },
    [wallet],
  );
  useEffect(() => attempt(async () => {}), [attempt]);
  return {
    wallets,
    problem,
    busy,
    link: (provider: WalletProvider) => attempt(() => wallet.linkWith(provider)),
    unlink: (address: string) => attempt(() => wallet.unlink(address)),
  };
}

/** As many as one subscription may ask for. */
const TOKENS_MAX = 16;

declare global {
  interface Window {
    /** What a wallet's extension puts into the page. */
    ethereum?: WalletProvider;
  }
}
