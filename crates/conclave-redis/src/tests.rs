//! On a real Redis of each test's own.

mod cluster;
mod keys;
mod records;
mod sentinel;

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use conclave_core::{Arrival, Bus, Feed, NodeId, Notice, Parcel, Place};
use conclave_protocol::{
    Body, Channel, IssuerId, Position, Publication, SessionId, SessionKind, SessionName, Timestamp,
    TopicMessage, TopicName,
};
use conclave_testkit::RedisServer;
use conclave_testkit::ports::{BusOrder, Joined, bus_conformance};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::{RedisBus, RedisFeed, RedisOptions};

struct Node {
    bus: Arc<RedisBus>,
    feed: RedisFeed,
    waiting: Vec<Arrival>,
    /// Ends with the node.
    _link: JoinSet<Infallible>,
}

impl Node {
    async fn join(url: &str, number: u128) -> Self {
        Self::with(RedisOptions::new(url).unwrap(), number).await
    }

    async fn with(options: RedisOptions, number: u128) -> Self {
        let mut node = Self::lone(options, number);
        assert!(matches!(node.next().await, Arrival::Missed));
        node
    }

    fn lone(options: RedisOptions, number: u128) -> Self {
        let (bus, feed, link) = RedisBus::new(options, NodeId(number));
        let mut links = JoinSet::new();
        links.spawn(link.run());
        Self {
            bus,
            feed,
            waiting: Vec::new(),
            _link: links,
        }
    }

    async fn next(&mut self) -> Arrival {
        if self.waiting.is_empty() {
            let more = timeout(PATIENCE, self.feed.next(&mut self.waiting)).await;
            assert!(more.expect("something comes in time"));
        }
        self.waiting.remove(0)
    }

    async fn hear(&self, name: &str) {
        let channel = topic(name);
        self.bus.subscribe(&channel);
        let reached = poll_fn(|context| self.bus.poll_reached(&channel, context));
        timeout(PATIENCE, reached)
            .await
            .expect("subscribed in time");
    }

    fn say(&self, name: &str, seq: u64) -> bool {
        let body = Body::Topic(TopicMessage {
            publisher_name: None,
            payload: "1".into(),
            timestamp: None,
            user: None,
        });
        let at = Timestamp::from_millis(0);
        let position = Position::default();
        let place = Place {
            epoch: 1,
            seq,
            after_loss: false,
        };
        let publication = Publication::new(topic(name), position, at, body, 0);
        self.bus.publish(Parcel {
            publication: Arc::new(publication),
            place,
        })
    }

    /// The places of the next publication.
    async fn heard(&mut self) -> u64 {
        match self.next().await {
            Arrival::Publication { place, .. } => place.seq,
            other => panic!("a publication: {other:?}"),
        }
    }

    /// The same, past what says that something may have been missed.
    async fn heard_at_last(&mut self) -> u64 {
        loop {
            match self.next().await {
                Arrival::Missed => {}
                Arrival::Publication { place, .. } => return place.seq,
                other => panic!("a publication: {other:?}"),
            }
        }
    }

    /// Waits until it is told that something may have been missed.
    async fn until_missed(&mut self) {
        while !matches!(self.next().await, Arrival::Missed) {}
    }

    /// Waits until the connection is there, or is away.
    async fn until_there(&self, there: bool) {
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        let reached = async {
            while self.bus.is_there() != there {
                ticks.tick().await;
            }
        };
        timeout(PATIENCE, reached).await.expect("noticed in time");
    }
}

fn topic(name: &str) -> Arc<Channel> {
    let session = SessionId {
        kind: SessionKind::Named,
        issuer: IssuerId(0),
        name: SessionName::new("s").unwrap(),
    };
    let name = TopicName::new(name).unwrap();
    Arc::new(Channel::Topic { session, name })
}

#[tokio::test]
async fn the_bus_on_redis_conforms() {
    let redis = RedisServer::start();
    conforms(&redis.url(), BusOrder::Whole).await;
}

async fn conforms(url: &str, order: BusOrder) {
    let next = Cell::new(1);
    let links = RefCell::new(JoinSet::new());
    let join = async || {
        let node = NodeId(next.replace(next.get() + 1));
        let (bus, feed, link) = RedisBus::new(RedisOptions::new(url).unwrap(), node);
        links.borrow_mut().spawn(link.run());
        Joined {
            node,
            bus,
            feed: Box::new(feed),
        }
    };
    let suite = bus_conformance(join, order);
    timeout(PATIENCE * 3, suite).await.expect("in time");
}

#[tokio::test]
async fn publications_go_on_after_redis_was_killed_and_the_gap_is_told() {
    let mut redis = RedisServer::start();
    let (one, mut two) = (
        Node::join(&redis.url(), 1).await,
        Node::join(&redis.url(), 2).await,
    );
    two.hear("t").await;
    assert!(one.say("t", 1));
    assert_eq!(two.heard().await, 1);
    redis.kill();
    one.until_there(false).await;
    two.until_there(false).await;
    assert!(!one.say("t", 2), "it is said at once that this one is lost");
    two.hear("another").await;
    redis.restart();
    assert!(matches!(two.next().await, Arrival::Missed));
    one.until_there(true).await;
    assert!(one.say("t", 3));
    assert_eq!(two.heard_at_last().await, 3);
    assert!(one.say("another", 1), "asked for while Redis was away");
    assert_eq!(two.heard().await, 1);
    assert_eq!(two.bus.figures().connects, 2);
}

#[tokio::test]
async fn a_hung_redis_is_away_and_comes_back() {
    let redis = RedisServer::start();
    let mut node = Node::join(&redis.url(), 1).await;
    redis.hang();
    node.until_there(false).await;
    node.hear("t").await;
    redis.go_on();
    assert!(matches!(node.next().await, Arrival::Missed));
    node.hear("t").await;
}

#[tokio::test]
async fn a_node_starts_before_its_redis() {
    let mut redis = RedisServer::start();
    redis.kill();
    let options = RedisOptions::new(&redis.url()).unwrap();
    let mut node = Node::lone(options, 1);
    node.hear("t").await;
    redis.restart();
    assert!(matches!(node.next().await, Arrival::Missed));
    let other = Node::join(&redis.url(), 2).await;
    assert!(other.say("t", 1));
    assert_eq!(node.heard().await, 1);
}

#[tokio::test]
async fn what_finds_no_room_on_its_way_out_is_lost_and_counted() {
    let redis = RedisServer::start();
    let options = RedisOptions {
        outbox_bytes: 2000,
        ..RedisOptions::new(&redis.url()).unwrap()
    };
    let node = Node::with(options, 1).await;
    // Nothing is sent before this task waits.
    let taken = (1..=20).filter(|seq| node.say("t", *seq)).count();
    assert!((1..20).contains(&taken), "{taken} taken");
    let figures = node.bus.figures();
    assert_eq!(figures.lost, 20 - u64::try_from(taken).unwrap());
    assert!(figures.waiting <= 2000);
}

#[tokio::test]
async fn what_finds_no_room_on_its_way_in_is_told_as_missed() {
    let redis = RedisServer::start();
    let options = RedisOptions {
        intake_bytes: 3000,
        ..RedisOptions::new(&redis.url()).unwrap()
    };
    let (one, mut two) = (
        Node::join(&redis.url(), 1).await,
        Node::with(options, 2).await,
    );
    two.hear("t").await;
    for seq in 1..=100 {
        assert!(one.say("t", seq));
    }
    let came = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        while two.bus.figures().received < 100 {
            ticks.tick().await;
        }
    };
    timeout(PATIENCE, came).await.expect("all come in time");
    let mut heard = 0;
    while let Arrival::Publication { place, .. } = two.next().await {
        heard += 1;
        assert_eq!(place.seq, heard, "in order up to the loss");
    }
    assert!(heard < 100);
    assert_eq!(two.bus.figures().missed, 100 - heard);
    assert!(one.say("t", 101), "and then it goes on");
    assert_eq!(two.heard().await, 101);
}

#[tokio::test]
async fn a_message_of_another_make_is_passed_over() {
    let redis = RedisServer::start();
    let (one, mut two) = (
        Node::join(&redis.url(), 1).await,
        Node::join(&redis.url(), 2).await,
    );
    redis.ask("PUBLISH conclave:n hello").unwrap();
    assert!(one.bus.tell(Notice::Changed));
    assert!(matches!(two.next().await, Arrival::Notice { .. }));
    assert_eq!(two.bus.figures().refused, 1);
}

#[tokio::test]
async fn systems_with_different_prefixes_do_not_hear_each_other() {
    let redis = RedisServer::start();
    let other = RedisOptions {
        prefix: "other".to_owned(),
        ..RedisOptions::new(&redis.url()).unwrap()
    };
    let (one, mut two) = (
        Node::with(other, 1).await,
        Node::join(&redis.url(), 2).await,
    );
    let three = Node::join(&redis.url(), 3).await;
    two.hear("t").await;
    assert!(one.say("t", 1));
    assert!(three.say("t", 2));
    assert_eq!(two.heard().await, 2);
}

#[tokio::test]
async fn a_user_of_an_access_list_is_let_in_by_its_password_only() {
    let redis = RedisServer::start();
    redis
        .ask("ACL SETUSER conclave on >open-sesame ~* &* +@all")
        .unwrap();
    let path = redis.url().replace("redis+unix://", "");
    let url = |password: &str| format!("redis+unix://{path}?user=conclave&pass={password}");
    let _node = Node::join(&url("open-sesame"), 1).await;
    let options = RedisOptions::new(&url("wrong-sesame")).unwrap();
    assert!(!format!("{options:?}").contains("sesame"));
    let node = Node::lone(options, 2);
    assert!(!format!("{:?}", node.bus).contains("sesame"));
    let refused = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        while !redis.ask("ACL LOG 1").unwrap().contains("auth") {
            ticks.tick().await;
        }
    };
    timeout(PATIENCE, refused).await.expect("it tries in time");
    assert!(!node.bus.is_there());
}

#[tokio::test]
async fn others_are_told_that_a_node_lost_something_while_only_it_was_away() {
    let redis = RedisServer::start();
    let let_in = "ACL SETUSER conclave on >open-sesame ~* &* +@all";
    redis.ask(let_in).unwrap();
    let mut two = Node::join(&redis.url(), 2).await;
    let url = format!("{}?user=conclave&pass=open-sesame", redis.url());
    let one = Node::join(&url, 1).await;
    redis.ask("ACL SETUSER conclave off").unwrap();
    redis.ask("CLIENT KILL USER conclave").unwrap();
    one.until_there(false).await;
    assert!(!one.bus.tell(Notice::Changed), "this is said again anyway");
    assert!(!one.say("t", 1), "and this is not");
    redis.ask(let_in).unwrap();
    assert!(matches!(two.next().await, Arrival::Missed));
    assert!(one.bus.tell(Notice::Changed));
    let told = two.next().await;
    assert!(matches!(told, Arrival::Notice { .. }), "once: {told:?}");
}

const PATIENCE: Duration = Duration::from_secs(30);
