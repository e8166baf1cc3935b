//! The feed over a chain in memory.

use conclave_core::{Ingredients, Log, MemoryChain, Outcome};
use conclave_protocol::{Amount, TokenBalance};
use tokio::sync::mpsc;

use super::*;

const ALICE: WalletAddress = WalletAddress([0xa1; 20]);
const BOB: WalletAddress = WalletAddress([0xb0; 20]);
const CONTRACT: WalletAddress = WalletAddress([0xcc; 20]);
const EVENT: &str = "Count(uint256 number)";

struct Ear(mpsc::UnboundedSender<(WatchId, WalletEvent)>);

impl Listener for Ear {
    fn tell(&self, watch: WatchId, event: WalletEvent) {
        drop(self.0.send((watch, event)));
    }
}

struct World {
    chain: Arc<MemoryChain>,
    feed: Arc<WalletFeed>,
    told: mpsc::UnboundedReceiver<(WatchId, WalletEvent)>,
}

impl World {
    /// A feed that follows a chain of one block.
    async fn start() -> Self {
        let chain = Arc::new(MemoryChain::default());
        let (ear, told) = mpsc::unbounded_channel();
        let bounds = FeedBounds {
            watches: 4,
            tokens: 4,
            confirmations: 3,
            gap: 5,
        };
        let feed = WalletFeed::new(chain.clone(), Arc::new(Ear(ear)), bounds);
        tokio::spawn(Arc::clone(&feed).run());
        let mut world = Self { chain, feed, told };
        world.status(FeedStatus::Live).await;
        world
    }

    async fn next(&mut self) -> (WatchId, WalletEvent) {
        self.told.recv().await.unwrap()
    }

    async fn status(&mut self, expected: FeedStatus) {
        let (watch, event) = self.next().await;
        assert_eq!((watch, event), (WatchId(0), WalletEvent::Status(expected)));
    }

    /// The status and confirmations of the next event, of a transaction.
    async fn transaction(&mut self) -> (u8, TransactionStatus, u64, Option<u64>) {
        match self.next().await.1 {
            WalletEvent::Transaction(told) => (
                told.hash.0[0],
                told.status,
                told.confirmations,
                told.gas_used,
            ),
            other => panic!("{other:?}"),
        }
    }

    async fn count(&mut self) -> (String, bool) {
        match self.next().await.1 {
            WalletEvent::Contract(told) => (told.args.into(), told.removed),
            other => panic!("{other:?}"),
        }
    }

    async fn balance(&mut self) -> (String, Vec<String>) {
        match self.next().await.1 {
            WalletEvent::Balance(told) => shown(&told),
            other => panic!("{other:?}"),
        }
    }
}

fn shown(balance: &Balance) -> (String, Vec<String>) {
    let token =
        |token: &TokenBalance| format!("{} {}", token.raw.scaled(token.decimals), token.symbol);
    let tokens = balance.tokens.iter().map(token).collect();
    (balance.native.to_string(), tokens)
}

fn transfer(hash: u8) -> Transfer {
    Transfer {
        hash: ChainHash([hash; 32]),
        from: ALICE,
        to: Some(BOB),
        value: Amount::from(7),
    }
}

fn sent(hash: u8, status: TransactionStatus) -> Ingredients {
    let outcome = Outcome {
        status,
        gas_used: 21_000,
    };
    Ingredients {
        transfers: vec![(transfer(hash), outcome)],
        ..Ingredients::default()
    }
}

fn counted(number: u64) -> Ingredients {
    let abi = ContractAbi::parse(EVENT).unwrap();
    let log = Log {
        address: CONTRACT,
        topics: vec![abi.topic()],
        data: Amount::from(number).0.to_vec(),
        transaction: ChainHash([1; 32]),
        index: 0,
    };
    Ingredients {
        logs: vec![log],
        ..Ingredients::default()
    }
}

fn contract() -> Watch {
    Watch::Contract {
        address: CONTRACT,
        event: EVENT.into(),
    }
}

fn worth(native: u64) -> Ingredients {
    Ingredients {
        native: vec![(ALICE, Amount::from(native))],
        token: vec![(ALICE, Amount::from(native * 1_500_000))],
        ..Ingredients::default()
    }
}

fn balance() -> Watch {
    Watch::Balance {
        address: ALICE,
        tokens: [MemoryChain::TOKEN].into(),
    }
}

#[tokio::test]
async fn a_transaction_is_pending_then_confirmed_then_deep() {
    let mut world = World::start().await;
    let _held = world
        .feed
        .watch(&Watch::Transactions { address: BOB })
        .unwrap();
    world.chain.hear_of(transfer(1));
    assert_eq!(
        world.transaction().await,
        (1, TransactionStatus::Pending, 0, None)
    );
    world.chain.mine(sent(1, TransactionStatus::Confirmed));
    assert_eq!(
        world.transaction().await,
        (1, TransactionStatus::Confirmed, 1, Some(21_000))
    );
    world.chain.mine(sent(2, TransactionStatus::Failed));
    assert_eq!(
        world.transaction().await,
        (2, TransactionStatus::Failed, 1, Some(21_000))
    );
    world.chain.mine(Ingredients::default());
    assert_eq!(
        world.transaction().await,
        (1, TransactionStatus::Confirmed, 3, Some(21_000))
    );
}

#[tokio::test]
async fn sender_and_receiver_are_both_told_once() {
    let mut world = World::start().await;
    let held = [ALICE, BOB].map(|address| world.feed.watch(&Watch::Transactions { address }));
    let held = held.map(Result::unwrap);
    world.chain.mine(sent(1, TransactionStatus::Confirmed));
    for each in &held {
        assert_eq!(world.next().await.0, each.id());
    }
    drop(held);
    let _held = world.feed.watch(&contract()).unwrap();
    world.chain.mine(sent(2, TransactionStatus::Confirmed));
    world.chain.mine(counted(1));
    assert_eq!(world.count().await, (r#"{"number":"1"}"#.into(), false));
}

#[tokio::test]
async fn what_a_reorganisation_undoes_is_taken_back_newest_first() {
    let mut world = World::start().await;
    let _held = (
        world.feed.watch(&contract()).unwrap(),
        world
            .feed
            .watch(&Watch::Transactions { address: ALICE })
            .unwrap(),
    );
    world.chain.mine(sent(1, TransactionStatus::Confirmed));
    world.transaction().await;
    world.chain.mine(counted(5));
    assert_eq!(world.count().await, (r#"{"number":"5"}"#.into(), false));
    world.chain.reorganise(2);
    assert_eq!(world.count().await, (r#"{"number":"5"}"#.into(), true));
    let (hash, status, confirmations, _) = world.transaction().await;
    assert_eq!(
        (hash, status, confirmations),
        (1, TransactionStatus::Reorged, 0)
    );
    world.chain.mine(sent(1, TransactionStatus::Confirmed));
    assert_eq!(world.transaction().await.1, TransactionStatus::Confirmed);
}

#[tokio::test]
async fn balances_come_at_once_and_on_each_change() {
    let mut world = World::start().await;
    world.chain.mine(worth(2));
    let held = world.feed.watch(&balance()).unwrap();
    let first = held.balance().await.unwrap().unwrap();
    // The feed may not have come to that block.
    if first.block == 0 {
        assert_eq!(world.balance().await, ("2".into(), vec!["3 MEM".into()]));
    } else {
        assert_eq!(shown(&first), ("2".into(), vec!["3 MEM".into()]));
    }
    world.chain.mine(Ingredients::default());
    world.chain.mine(worth(3));
    assert_eq!(world.balance().await, ("3".into(), vec!["4.5 MEM".into()]));
    world.chain.reorganise(1);
    assert_eq!(world.balance().await, ("2".into(), vec!["3 MEM".into()]));
}

#[tokio::test]
async fn what_is_no_token_is_refused() {
    let world = World::start().await;
    let tokens = [BOB].into();
    let watch = Watch::Balance {
        address: ALICE,
        tokens,
    };
    let held = world.feed.watch(&watch).unwrap();
    let refused = held.balance().await.unwrap_err();
    assert_eq!(refused.to_string(), format!("{BOB} is no ERC-20 token"));
}

#[tokio::test]
async fn what_happened_while_the_chain_was_lost_is_told_after() {
    let mut world = World::start().await;
    let _held = world.feed.watch(&contract()).unwrap();
    world.chain.set_away(true);
    world.status(FeedStatus::Degraded).await;
    for number in 1..=4 {
        world.chain.mine(counted(number));
    }
    world.chain.set_away(false);
    for number in 1..=4 {
        assert_eq!(
            world.count().await,
            (format!(r#"{{"number":"{number}"}}"#), false)
        );
    }
    world.status(FeedStatus::Live).await;
}

#[tokio::test]
async fn a_gap_that_is_too_long_is_said() {
    let mut world = World::start().await;
    let _held = world.feed.watch(&contract()).unwrap();
    world.chain.mine(counted(1));
    world.count().await;
    world.chain.set_away(true);
    world.status(FeedStatus::Degraded).await;
    for number in 2..=9 {
        world.chain.mine(counted(number));
    }
    world.chain.set_away(false);
    world.status(FeedStatus::Resync).await;
    assert_eq!(world.count().await, (r#"{"number":"9"}"#.into(), false));
    world.status(FeedStatus::Live).await;
}

#[tokio::test]
async fn equal_watches_are_one_and_there_is_a_bound() {
    let world = World::start().await;
    let feed = &world.feed;
    let shared: Vec<_> = (0..100).map(|_| feed.watch(&contract()).unwrap()).collect();
    assert!(shared.iter().all(|each| each.id() == shared[0].id()));
    let others: Vec<_> = (1..4_u8)
        .map(|byte| {
            let address = WalletAddress([byte; 20]);
            feed.watch(&Watch::Transactions { address }).unwrap()
        })
        .collect();
    assert_eq!(feed.watches().watches, 4);
    assert_eq!(feed.watch(&balance()).err(), Some(WatchError::Full(Full)));
    drop((shared, others));
    assert_eq!(feed.watches().watches, 0);
    assert!(feed.watch(&balance()).is_ok());
}

/// The chain is asked the same however many are to be told.
#[tokio::test]
async fn a_block_costs_the_chain_the_same_for_one_and_for_many() {
    let mut asked = Vec::new();
    for subscribers in [1, 1000] {
        let mut world = World::start().await;
        let watches = [
            contract(),
            balance(),
            Watch::Transactions { address: ALICE },
        ];
        let held: Vec<_> = (0..subscribers)
            .flat_map(|_| {
                watches
                    .clone()
                    .map(|watch| world.feed.watch(&watch).unwrap())
            })
            .collect();
        held[1].balance().await.unwrap();
        let before = world.chain.asked();
        world.chain.mine(worth(9));
        world.balance().await;
        asked.push(world.chain.asked() - before);
    }
    assert_eq!(asked[0], asked[1]);
}
