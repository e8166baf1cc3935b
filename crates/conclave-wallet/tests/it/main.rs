//! The feed over a real Ethereum node, with a real ERC-20 token. What they need is installed by
//! `.ci/install wallet`.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod node;
mod scripted;

use std::sync::Arc;

use conclave_client::Address;
use conclave_core::{Call, ChainFault};
use conclave_protocol::{
    ChainHash, FeedStatus, Transaction, TransactionStatus, WalletAddress, WalletEvent, Watch,
    WatchId,
};
use conclave_wallet::{Ethereum, EthereumOptions, FeedBounds, Listener, WalletFeed};
use node::{Node, coin};
use serde_json::{Value, json};
use tokio::sync::mpsc;

struct Ear(mpsc::UnboundedSender<WalletEvent>);

impl Listener for Ear {
    fn tell(&self, _watch: WatchId, event: WalletEvent) {
        drop(self.0.send(event));
    }
}

struct World {
    node: Node,
    feed: Arc<WalletFeed>,
    told: mpsc::UnboundedReceiver<WalletEvent>,
    accounts: Vec<WalletAddress>,
}

impl World {
    async fn start() -> Self {
        let mut node = Node::start().await;
        let (chain, run) = Ethereum::new(EthereumOptions {
            address: Address::parse(&node.url(), &[]).unwrap(),
            ca: None,
            chain_id: None,
            pending: true,
        });
        tokio::spawn(run);
        let (ear, told) = mpsc::unbounded_channel();
        let bounds = FeedBounds {
            watches: 100,
            tokens: 10,
            confirmations: 0,
            gap: 100,
        };
        let feed = WalletFeed::new(Arc::new(chain), Arc::new(Ear(ear)), bounds);
        tokio::spawn(Arc::clone(&feed).run());
        let accounts = node.ask("eth_accounts", json!([])).await;
        let account = |text: &Value| WalletAddress::parse(text.as_str().unwrap()).unwrap();
        let accounts = accounts.as_array().unwrap().iter().map(account).collect();
        let mut world = Self {
            node,
            feed,
            told,
            accounts,
        };
        world.status(FeedStatus::Live).await;
        world
    }

    async fn status(&mut self, expected: FeedStatus) {
        match self.told.recv().await.unwrap() {
            WalletEvent::Status(status) => assert_eq!(status, expected),
            other => panic!("{other:?}"),
        }
    }

    /// The next word of a transaction with this status; words of others before it are passed over.
    async fn transaction(&mut self, status: TransactionStatus) -> Transaction {
        loop {
            match self.told.recv().await.unwrap() {
                WalletEvent::Transaction(told) if told.status == status => return told,
                WalletEvent::Transaction(_) | WalletEvent::Balance(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    async fn send(&mut self, from: usize, mut transaction: Value) -> ChainHash {
        transaction["from"] = json!(self.accounts[from].to_string());
        transaction["gas"] = json!("0x2dc6c0");
        let hash = self
            .node
            .ask("eth_sendTransaction", json!([transaction]))
            .await;
        ChainHash::parse(hash.as_str().unwrap()).unwrap()
    }

    async fn mine(&mut self) {
        self.node.ask("anvil_mine", json!(["0x1"])).await;
    }

    /// Makes the token, all of which the first account has.
    async fn make_coin(&mut self) -> WalletAddress {
        // The feed has to have come to that block.
        let address = self.accounts[0];
        let held = self.feed.watch(&Watch::Transactions { address }).unwrap();
        let hash = self.send(0, json!({ "data": coin() })).await;
        self.mine().await;
        self.transaction(TransactionStatus::Confirmed).await;
        drop(held);
        let hash = json!([hash.to_string()]);
        let receipt = self.node.ask("eth_getTransactionReceipt", hash).await;
        WalletAddress::parse(receipt["contractAddress"].as_str().unwrap()).unwrap()
    }

    /// Sends `raw` of the token from the first account.
    async fn pay(&mut self, coin: WalletAddress, to: WalletAddress, raw: u64) -> ChainHash {
        let to = to.to_string();
        let data = format!("0xa9059cbb{:0>64}{raw:064x}", &to[2..]);
        self.send(0, json!({ "to": coin.to_string(), "data": data }))
            .await
    }
}

#[tokio::test]
async fn a_transfer_is_pending_confirmed_and_reorganised_away() {
    let mut world = World::start().await;
    let (from, to) = (world.accounts[1], world.accounts[2]);
    let _held = world
        .feed
        .watch(&Watch::Transactions { address: to })
        .unwrap();
    world.mine().await;
    let hash = world
        .send(
            1,
            json!({ "to": to.to_string(), "value": "0xde0b6b3a7640000" }),
        )
        .await;
    let pending = world.transaction(TransactionStatus::Pending).await;
    assert_eq!(
        (pending.hash, pending.from, pending.to),
        (hash, from, Some(to))
    );
    assert_eq!(pending.value.scaled(18), "1");
    world.mine().await;
    let confirmed = world.transaction(TransactionStatus::Confirmed).await;
    assert_eq!((confirmed.hash, confirmed.block), (hash, Some(2)));
    assert_eq!(
        (confirmed.confirmations, confirmed.gas_used),
        (1, Some(21_000))
    );
    world.node.ask("anvil_reorg", json!([1, []])).await;
    let reorged = world.transaction(TransactionStatus::Reorged).await;
    assert_eq!((reorged.hash, reorged.confirmations), (hash, 0));
}

#[tokio::test]
async fn a_transaction_that_fails_is_told_as_failed() {
    let mut world = World::start().await;
    let coin = world.make_coin().await;
    let address = world.accounts[3];
    let _held = world.feed.watch(&Watch::Transactions { address }).unwrap();
    // It has none of the token.
    let to = world.accounts[0].to_string();
    let data = format!("0xa9059cbb{:0>64}{:064x}", &to[2..], 5);
    let hash = world
        .send(3, json!({ "to": coin.to_string(), "data": data }))
        .await;
    world.mine().await;
    let failed = world.transaction(TransactionStatus::Failed).await;
    assert_eq!((failed.hash, failed.to), (hash, Some(coin)));
    assert!(failed.gas_used > Some(21_000));
}

#[tokio::test]
async fn a_tokens_transfers_and_balances_follow_the_chain_both_ways() {
    let mut world = World::start().await;
    let coin = world.make_coin().await;
    let to = world.accounts[4];
    let text = "Transfer(address indexed from, address indexed to, uint256 value)";
    let balance = Watch::Balance {
        address: to,
        tokens: [coin].into(),
    };
    let contract = Watch::Contract {
        address: coin,
        event: text.into(),
    };
    let balance = world.feed.watch(&balance).unwrap();
    let _contract = world.feed.watch(&contract).unwrap();
    let first = balance.balance().await.unwrap().unwrap();
    assert_eq!(first.native.scaled(18), "10000");
    assert_eq!(
        (&*first.tokens[0].symbol, first.tokens[0].decimals),
        ("COIN", 6)
    );
    assert_eq!(first.tokens[0].raw.to_string(), "0");
    let hash = world.pay(coin, to, 2_500_000).await;
    world.mine().await;
    let mut seen = (None, None);
    while seen.0.is_none() || seen.1.is_none() {
        match world.told.recv().await.unwrap() {
            WalletEvent::Contract(event) => seen.0 = Some(event),
            WalletEvent::Balance(balance) => seen.1 = Some(balance),
            other => panic!("{other:?}"),
        }
    }
    let (event, balance) = (seen.0.unwrap(), seen.1.unwrap());
    let from = world.accounts[0];
    let args = format!(r#"{{"from":"{from}","to":"{to}","value":"2500000"}}"#);
    assert_eq!((&*event.event, &*event.args), ("Transfer", &*args));
    assert_eq!((event.transaction, event.removed), (hash, false));
    assert_eq!(balance.tokens[0].raw.scaled(6), "2.5");
    world.node.ask("anvil_reorg", json!([1, []])).await;
    let (mut removed, mut back) = (false, false);
    while !removed || !back {
        match world.told.recv().await.unwrap() {
            WalletEvent::Contract(event) => removed |= event.removed && event.transaction == hash,
            WalletEvent::Balance(balance) => back |= balance.tokens[0].raw.to_string() == "0",
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_node_that_restarts_is_followed_on_and_nothing_is_missed() {
    let mut world = World::start().await;
    let to = world.accounts[5];
    let _held = world
        .feed
        .watch(&Watch::Transactions { address: to })
        .unwrap();
    world.mine().await;
    world.node.stop().await;
    world.status(FeedStatus::Degraded).await;
    assert_eq!(world.feed.chain().chain_id().await, Err(ChainFault::Away));
    // The blocks of meanwhile are made before the feed can hear of any.
    world.node.restart().await;
    let hash = world
        .send(1, json!({ "to": to.to_string(), "value": "0x1" }))
        .await;
    world.mine().await;
    world.mine().await;
    world.node.open();
    let confirmed = world.transaction(TransactionStatus::Confirmed).await;
    assert_eq!((confirmed.hash, confirmed.block), (hash, Some(2)));
    world.status(FeedStatus::Live).await;
}

#[tokio::test]
async fn answers_are_of_the_block_that_was_asked_for() {
    let mut world = World::start().await;
    let coin = world.make_coin().await;
    let before = world.node.newest().await;
    let to = world.accounts[6];
    let paid = world.pay(coin, to, 5).await;
    world.mine().await;
    let after = world.node.newest().await;
    let chain = world.feed.chain();
    let call = |data: String| Call {
        to: coin,
        data: (0..data.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&data[at..at + 2], 16).unwrap())
            .collect(),
    };
    let calls = [
        call(format!("70a08231{:0>64}", &to.to_string()[2..])),
        call("deadbeef".into()),
    ];
    for (block, expected) in [(before, 0), (after, 5)] {
        let answers = chain.calls(block, &calls).await.unwrap();
        assert_eq!(answers[0].as_ref().unwrap()[31], expected);
        assert_eq!(answers[1], None);
    }
    assert_eq!(chain.logs(before, &[coin]).await.unwrap().len(), 1);
    assert_eq!(chain.outcomes(after, &[paid]).await.unwrap().len(), 1);
    assert_eq!(
        chain.outcomes(before, &[paid]).await,
        Err(ChainFault::Unknown)
    );
    let none = ChainHash([7; 32]);
    assert_eq!(chain.head(none).await, Err(ChainFault::Unknown));
    assert_eq!(chain.balances(none, &[to]).await, Err(ChainFault::Unknown));
    // More than leave as one batch, answered in their order.
    let many: Vec<_> = (0..250).map(|place| world.accounts[place % 10]).collect();
    let balances = chain.balances(after, &many).await.unwrap();
    let few = chain.balances(after, &many[..10]).await.unwrap();
    assert!(
        balances
            .iter()
            .zip(few.iter().cycle())
            .all(|(one, other)| one == other)
    );
    world.node.ask("anvil_reorg", json!([1, []])).await;
    let gone = world.feed.chain().balances(after, &[to]).await;
    assert_eq!(gone, Err(ChainFault::Unknown));
}
