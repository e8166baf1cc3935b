import { Badge } from "../../ui/Badge.tsx";
import { Banner } from "../../ui/Banner.tsx";
import { Fact, Facts } from "../Facts.tsx";
import { Feed } from "../Feed.tsx";
import type { WalletFeed } from "../shapes.ts";
import { count, moment, shortHash } from "../words.ts";

/** What is heard of the chain, and by how many. */
export function Wallet() {
  return (
    <Feed<WalletFeed>
      path="/api/v1/wallet"
      off={
        <>
          The wallet feed is off. <code className="font-mono">[wallet]</code> in the configuration
          says which node of a chain it listens to.
        </>
      }
    >
      {(feed) => <Listening feed={feed} />}
    </Feed>
  );
}

function Listening({ feed }: { feed: WalletFeed }) {
  const { subscriptions, upstream, head } = feed;
  const total = subscriptions.balance + subscriptions.transactions + subscriptions.contract;
  return (
    <>
      {feed.status === "degraded" && (
        <Banner tone="bad">
          The chain's node is away. What happens meanwhile is read once it is back.
        </Banner>
      )}
      <div className="grid gap-3 sm:grid-cols-2 xl:grid-cols-4">
        <Facts title="Chain">
          <Fact name="Id">{feed.chain_id ?? "–"}</Fact>
          <Fact name="Feed">
            <Badge tone={feed.status === "live" ? "good" : "bad"}>{feed.status}</Badge>
          </Fact>
          <Fact name="Newest block">{head ? count(head.number) : "–"}</Fact>
          <Fact name="Its hash">
            <span title={head?.hash} className="font-mono text-xs">
              {head ? shortHash(head.hash) : "–"}
            </span>
          </Fact>
          <Fact name="Made at">{head ? moment(head.at) : "–"}</Fact>
        </Facts>
        <Facts title="Subscriptions">
          <Fact name="Balances">{count(subscriptions.balance)}</Fact>
          <Fact name="Transactions">{count(subscriptions.transactions)}</Fact>
          <Fact name="Contracts">{count(subscriptions.contract)}</Fact>
          <Fact name="Together">{count(total)}</Fact>
          <Fact name="Addresses">{count(feed.addresses)}</Fact>
        </Facts>
        <Facts title="Node of the chain">
          <Fact name="Requests">{count(upstream.requests)}</Fact>
          <Fact name="Connected anew">{count(upstream.reconnects)}</Fact>
          <Fact name="Reorganisations">{count(upstream.reorganisations)}</Fact>
          <Fact name="Gaps filled">{count(upstream.gaps_filled)}</Fact>
        </Facts>
      </div>
    </>
  );
}
