//! The chain over a node that does what a test tells it, faults included: what real nodes do only
//! now and then.

use std::sync::Arc;

use conclave_client::Address;
use conclave_client::peer::{Peer, listener};
use conclave_core::{Call, Chain as _, ChainFault, ChainNotice};
use conclave_protocol::{Amount, ChainHash, FeedStatus, WalletAddress, WalletEvent, WatchId};
use conclave_wallet::{Ethereum, EthereumOptions, FeedBounds, Listener, WalletFeed};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

const ALICE: WalletAddress = WalletAddress([0xa1; 20]);
const BOB: WalletAddress = WalletAddress([0xb0; 20]);

/// The node's end.
struct Node {
    listener: TcpListener,
    peer: Peer<TcpStream>,
}

impl Node {
    /// A node that is reached.
    async fn start() -> (Self, Ethereum) {
        Self::of_chain(None).await
    }

    /// The same, where only this chain is heard.
    async fn of_chain(chain_id: Option<u64>) -> (Self, Ethereum) {
        let (listener, url) = listener().await;
        let (chain, run) = Ethereum::new(EthereumOptions {
            address: Address::parse(&url, &[]).unwrap(),
            ca: None,
            chain_id,
            pending: true,
        });
        tokio::spawn(run);
        let peer = Peer::accept(&listener).await;
        (Self { listener, peer }, chain)
    }

    async fn again(&mut self) {
        self.peer = Peer::accept(&self.listener).await;
    }

    /// The next question, or batch of them; pings are answered.
    async fn asked(&mut self) -> Value {
        loop {
            let heard = self.peer.heard().await;
            if !heard.starts_with("ping:") {
                return serde_json::from_str(&heard).expect("a question");
            }
        }
    }

    /// Waits until the connection has ended, without another question.
    async fn is_left(&mut self) {
        let mut heard = self.peer.heard().await;
        while heard.starts_with("ping:") {
            heard = self.peer.heard().await;
        }
        assert_eq!(heard, "end");
    }

    async fn answer(&mut self, asked: &Value, result: Value) {
        let answer = json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result });
        self.peer.say(&answer.to_string()).await;
    }

    async fn refuse(&mut self, asked: &Value, code: i64, message: &str) {
        let error = json!({ "code": code, "message": message });
        let answer = json!({ "jsonrpc": "2.0", "id": asked["id"], "error": error });
        self.peer.say(&answer.to_string()).await;
    }

    async fn tell(&mut self, subscription: &str, result: Value) {
        let params = json!({ "subscription": subscription, "result": result });
        let told = json!({ "jsonrpc": "2.0", "method": "eth_subscription", "params": params });
        self.peer.say(&told.to_string()).await;
    }

    /// Says which chain it is of.
    async fn identify(&mut self, chain: u64) {
        let asked = self.asked().await;
        assert_eq!(asked["method"], "eth_chainId");
        self.answer(&asked, json!(format!("0x{chain:x}"))).await;
    }

    /// Lets the chain subscribe to blocks, the newest of which is this one; what it asks of pending
    /// transactions is given back.
    async fn begin(&mut self, number: u64) -> Value {
        self.identify(1).await;
        let heads = self.asked().await;
        assert_eq!(heads["params"], json!(["newHeads"]));
        self.answer(&heads, json!("0xheads")).await;
        let newest = self.asked().await;
        assert_eq!(newest["method"], "eth_getBlockByNumber");
        self.answer(&newest, head(number)).await;
        let pending = self.asked().await;
        assert_eq!(pending["params"], json!(["newPendingTransactions", true]));
        pending
    }
}

fn hash(number: u64) -> ChainHash {
    ChainHash(Amount::from(number + 1).0)
}

fn head(number: u64) -> Value {
    json!({
        "number": format!("0x{number:x}"),
        "hash": hash(number).to_string(),
        "parentHash": hash(number.wrapping_sub(1)).to_string(),
        "timestamp": "0x65",
    })
}

fn transfer(byte: u8) -> Value {
    json!({
        "hash": ChainHash([byte; 32]).to_string(), "from": ALICE.to_string(), "to": BOB.to_string(),
        "value": "0x5",
    })
}

async fn heard(chain: &Ethereum, number: u64) {
    match chain.next().await {
        ChainNotice::Heard(head) => assert_eq!((head.number, head.hash), (number, hash(number))),
        other => panic!("{other:?}"),
    }
}

async fn pending(chain: &Ethereum, byte: u8) {
    match chain.next().await {
        ChainNotice::Pending(transfer) => assert_eq!(transfer.hash, ChainHash([byte; 32])),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn pending_transactions_come_whole_by_name_or_not_at_all() {
    let (mut node, chain) = Node::start().await;
    let whole = node.begin(1).await;
    heard(&chain, 1).await;
    node.answer(&whole, json!("0xpending")).await;
    node.tell("0xpending", transfer(1)).await;
    pending(&chain, 1).await;
    drop(node.peer);
    let (mut node, chain) = Node::start().await;
    let whole = node.begin(1).await;
    heard(&chain, 1).await;
    node.refuse(&whole, -32602, "too many arguments").await;
    let names = node.asked().await;
    assert_eq!(names["params"], json!(["newPendingTransactions"]));
    node.answer(&names, json!("0xpending")).await;
    let name = ChainHash([2; 32]).to_string();
    node.tell("0xpending", json!(name)).await;
    let fetch = node.asked().await;
    assert_eq!(
        (&fetch["method"], &fetch["params"]),
        (&json!("eth_getTransactionByHash"), &json!([name]))
    );
    node.answer(&fetch, transfer(2)).await;
    pending(&chain, 2).await;
    drop(node.peer);
    let (mut node, chain) = Node::start().await;
    let whole = node.begin(1).await;
    heard(&chain, 1).await;
    node.refuse(&whole, -32601, "not supported").await;
    let names = node.asked().await;
    node.refuse(&names, -32601, "not supported").await;
    node.tell("0xheads", head(2)).await;
    match chain.next().await {
        ChainNotice::Head(head) => assert_eq!(head.hash, hash(2)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn answers_may_come_apart_and_in_any_order() {
    let (mut node, chain) = Node::start().await;
    node.begin(1).await;
    heard(&chain, 1).await;
    let accounts = [ALICE, BOB];
    let asking = chain.balances(hash(1), &accounts);
    let answering = async {
        let batch = node.asked().await;
        let at = json!({ "blockHash": hash(1).to_string(), "requireCanonical": true });
        assert_eq!(batch[0]["params"], json!([ALICE.to_string(), at]));
        node.answer(&batch[1], json!("0x2")).await;
        node.answer(&json!({ "id": 999 }), json!("0x9")).await;
        node.answer(&batch[0], json!("0x1")).await;
    };
    let (balances, ()) = tokio::join!(asking, answering);
    assert_eq!(balances.unwrap(), [Amount::from(1), Amount::from(2)]);
}

#[tokio::test]
async fn errors_are_told_apart() {
    let (mut node, chain) = Node::start().await;
    node.begin(1).await;
    heard(&chain, 1).await;
    let call = Call {
        to: BOB,
        data: vec![1],
    };
    for (code, message, expected) in [
        (3, "execution reverted: no", Ok(vec![None])),
        (-32000, "header not found", Err(ChainFault::Unknown)),
        (-32001, "resource gone", Err(ChainFault::Unknown)),
        (
            -32005,
            "too many requests",
            Err(ChainFault::Refused("too many requests (-32005)".into())),
        ),
    ] {
        let calls = [call.clone()];
        let asking = chain.calls(hash(1), &calls);
        let answering = async {
            let batch = node.asked().await;
            node.refuse(&batch[0], code, message).await;
        };
        let (answer, ()) = tokio::join!(asking, answering);
        assert_eq!(answer, expected, "{message}");
    }
    let asking = chain.chain_id();
    let answering = async {
        let batch = node.asked().await;
        node.answer(&batch[0], json!("no number")).await;
    };
    let (answer, ()) = tokio::join!(asking, answering);
    assert!(matches!(answer, Err(ChainFault::Refused(_))), "{answer:?}");
}

#[tokio::test]
async fn a_node_that_talks_nonsense_is_left_and_dialled_again() {
    let (mut node, chain) = Node::start().await;
    node.begin(1).await;
    heard(&chain, 1).await;
    let asking = chain.balances(hash(1), &[ALICE]);
    let answering = async {
        node.asked().await;
        node.peer.say("[{]").await;
    };
    let (balances, ()) = tokio::join!(asking, answering);
    assert_eq!(
        balances,
        Err(ChainFault::Away),
        "what was asked is not forgotten"
    );
    assert_eq!(chain.next().await, ChainNotice::Lost);
    node.again().await;
    node.begin(7).await;
    heard(&chain, 7).await;
    assert_eq!(chain.figures().connects(), 2);
}

/// A feed over that chain, of one watch and one step back, and what it tells.
fn following(chain: Ethereum) -> (Arc<WalletFeed>, mpsc::UnboundedReceiver<WalletEvent>) {
    let (ear, told) = mpsc::unbounded_channel();
    let bounds = FeedBounds {
        watches: 1,
        tokens: 1,
        confirmations: 1,
        gap: 2,
    };
    let feed = WalletFeed::new(Arc::new(chain), Arc::new(Ear(ear)), bounds);
    tokio::spawn(Arc::clone(&feed).run());
    (feed, told)
}

#[tokio::test]
async fn a_node_of_another_chain_is_not_heard_until_it_is_the_right_one_again() {
    let (mut node, chain) = Node::start().await;
    let figures = Arc::clone(chain.figures());
    let (feed, mut told) = following(chain);
    node.begin(1).await;
    let mut status = async |expected| {
        assert_eq!(told.recv().await, Some(WalletEvent::Status(expected)));
    };
    status(FeedStatus::Live).await;
    node.peer.close(1001, "").await;
    status(FeedStatus::Degraded).await;
    for strangers in [1, 2] {
        node.again().await;
        node.identify(5).await;
        node.is_left().await;
        assert_eq!(figures.strangers(), strangers);
        assert!(!feed.is_live());
    }
    node.again().await;
    let asked = node.asked().await;
    assert_eq!(asked["method"], "eth_chainId");
    // Before it has said so, nothing is asked of it.
    let away = Err(ChainFault::Away);
    assert_eq!(feed.chain().balances(hash(1), &[ALICE]).await, away);
    node.refuse(&asked, -32601, "not supported").await;
    node.is_left().await;
    node.again().await;
    node.begin(1).await;
    status(FeedStatus::Live).await;
    assert_eq!((figures.strangers(), figures.connects()), (2, 2));
    assert_eq!(feed.newest().map(|head| head.hash), Some(hash(1)));
}

struct Ear(mpsc::UnboundedSender<WalletEvent>);

impl Listener for Ear {
    fn tell(&self, _watch: WatchId, event: WalletEvent) {
        drop(self.0.send(event));
    }
}

#[tokio::test]
async fn a_gap_that_is_too_wide_is_said() {
    let (mut node, chain) = Node::start().await;
    let (feed, mut told) = following(chain);
    node.begin(1).await;
    let mut status = async |expected| {
        assert_eq!(told.recv().await, Some(WalletEvent::Status(expected)));
    };
    status(FeedStatus::Live).await;
    node.peer.close(1001, "").await;
    status(FeedStatus::Degraded).await;
    node.again().await;
    node.begin(1000).await;
    // One step back is looked at, the second is one too many.
    let mut answered = 0;
    while answered < 1 {
        let asked = node.asked().await;
        for asked in asked.as_array().expect("a batch") {
            assert_eq!(asked["method"], "eth_getBlockByHash");
            node.answer(asked, head(999)).await;
            answered += 1;
        }
    }
    status(FeedStatus::Resync).await;
    status(FeedStatus::Live).await;
    assert_eq!(feed.newest().map(|head| head.number), Some(1000));
}

#[tokio::test]
async fn the_first_node_has_to_be_of_the_chain_that_is_expected() {
    let (mut node, chain) = Node::of_chain(Some(1)).await;
    let figures = Arc::clone(chain.figures());
    let (feed, mut told) = following(chain);
    node.identify(5).await;
    node.is_left().await;
    assert_eq!(figures.strangers(), 1);
    assert!(!feed.is_live());
    node.again().await;
    node.begin(1).await;
    let live = WalletEvent::Status(FeedStatus::Live);
    assert_eq!(told.recv().await, Some(live));
}
