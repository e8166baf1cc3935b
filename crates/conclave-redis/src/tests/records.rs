//! Records of topics with history.

use std::sync::Arc;

use conclave_core::{Arrival, Bus, Keeping, Parcel, Place, Record, Recorded};
use conclave_protocol::{Body, Position, Publication, Timestamp, TopicMessage};
use conclave_testkit::RedisServer;

use super::{Node, topic};

const KEEPING: Keeping = Keeping {
    messages: 10,
    seconds: 60,
};

impl Node {
    fn give(&self, name: &str, text: &str) -> bool {
        let body = Body::Topic(TopicMessage {
            publisher_name: None,
            payload: text.into(),
            timestamp: None,
            user: None,
        });
        let (position, at) = (Position::default(), Timestamp::from_millis(0));
        let publication = Arc::new(Publication::new(topic(name), position, at, body, 0));
        let place = Place::NONE;
        self.bus.record(Parcel { publication, place }, KEEPING)
    }

    async fn recorded(&mut self) -> Recorded {
        match self.next().await {
            Arrival::Recorded { recorded, .. } => recorded,
            other => panic!("one of a record: {other:?}"),
        }
    }

    async fn read(&mut self, name: &str) -> Option<Record> {
        self.bus.read_record(&topic(name), None);
        match self.next().await {
            Arrival::Record { record, .. } => record,
            other => panic!("a record: {other:?}"),
        }
    }
}

#[tokio::test]
async fn what_a_hung_redis_has_not_answered_is_told_to_be_lost_and_unread() {
    let redis = RedisServer::start();
    let mut node = Node::join(&redis.url(), 1).await;
    node.hear("t").await;
    assert!(node.give("t", "1"));
    node.recorded().await;
    redis.hang();
    assert!(node.give("t", "2"));
    node.bus.read_record(&topic("t"), None);
    node.until_there(false).await;
    let mut came = [node.next().await, node.next().await];
    came.sort_by_key(|arrival| matches!(arrival, Arrival::Record { .. }));
    assert!(
        matches!(
            came,
            [
                Arrival::Unrecorded { .. },
                Arrival::Record { record: None, .. }
            ]
        ),
        "{came:?}"
    );
    redis.go_on();
    assert!(matches!(node.next().await, Arrival::Missed));
}

/// The whole number that Redis answers to a command.
fn number(redis: &RedisServer, command: &str) -> i64 {
    let answer = redis.ask(command).unwrap();
    let digits = answer.trim().trim_start_matches(':');
    digits.parse().unwrap_or_else(|_| panic!("{answer}"))
}

#[tokio::test]
async fn a_redis_that_lost_its_data_begins_a_new_epoch() {
    let mut redis = RedisServer::start();
    let mut node = Node::join(&redis.url(), 1).await;
    node.hear("t").await;
    assert!(node.give("t", "1"));
    let first = node.recorded().await.position;
    assert_eq!(first.offset, 1);
    redis.kill();
    node.until_there(false).await;
    assert!(!node.give("t", "2"), "it is said at once that it is lost");
    assert_eq!(node.read("t").await, None);
    redis.restart();
    assert!(matches!(node.next().await, Arrival::Missed));
    node.hear("t").await;
    assert!(node.give("t", "3"));
    let again = node.recorded().await.position;
    assert_eq!(again.offset, 1);
    assert!(again.epoch > first.epoch);
    assert_eq!(node.read("t").await.unwrap().head, again);
}

#[tokio::test]
async fn what_is_kept_has_a_time_to_live() {
    let redis = RedisServer::start();
    let mut node = Node::join(&redis.url(), 1).await;
    node.hear("t").await;
    assert!(node.give("t", "1"));
    node.recorded().await;
    let name = "{t:n0:1:s:t}";
    let list = number(&redis, &format!("PTTL conclave:kept:{name}"));
    assert!((1..=60_000).contains(&list), "{list}");
    let head = number(&redis, &format!("PTTL conclave:topic:{name}"));
    assert!((60_001..=3_660_000).contains(&head), "{head}");
    assert_eq!(number(&redis, "DBSIZE"), 2);
}

#[tokio::test]
async fn a_redis_that_forgot_its_scripts_is_given_them_again() {
    let redis = RedisServer::start();
    let mut node = Node::join(&redis.url(), 1).await;
    node.hear("t").await;
    assert!(node.give("t", "1"));
    node.recorded().await;
    redis.ask("SCRIPT FLUSH").unwrap();
    assert!(node.give("t", "2"));
    assert!(matches!(node.next().await, Arrival::Unrecorded { .. }));
    assert!(node.give("t", "3"));
    assert_eq!(node.recorded().await.position.offset, 2);
    assert!(node.bus.is_there());
}

#[tokio::test]
async fn a_full_redis_still_publishes_without_a_place() {
    let redis = RedisServer::start();
    let mut node = Node::join(&redis.url(), 1).await;
    node.hear("t").await;
    assert!(node.give("t", "1"));
    assert_eq!(node.recorded().await.position.offset, 1);
    redis.ask("CONFIG SET maxmemory 1").unwrap();
    for name in ["t", "t"] {
        assert!(node.give(name, "2"));
        let mut came = [node.next().await, node.next().await];
        came.sort_by_key(|arrival| matches!(arrival, Arrival::Unrecorded { .. }));
        let [
            Arrival::Recorded { recorded, .. },
            Arrival::Unrecorded { .. },
        ] = &came
        else {
            panic!("{came:?}");
        };
        assert_eq!(recorded.position, Position::default());
    }
    redis.ask("CONFIG SET maxmemory 0").unwrap();
    assert!(node.give("t", "3"));
    assert_eq!(node.recorded().await.position.offset, 2);
}

#[tokio::test]
async fn a_user_that_may_run_no_scripts_has_its_other_publications() {
    let redis = RedisServer::start();
    redis
        .ask("ACL SETUSER conclave on >secret ~* &* +@all -@scripting")
        .unwrap();
    let path = redis.url().replace("redis+unix://", "");
    let url = format!("redis+unix://{path}?user=conclave&pass=secret");
    let mut node = Node::join(&url, 1).await;
    let mut other = Node::join(&url, 2).await;
    other.hear("plain").await;
    node.hear("t").await;
    assert!(node.give("t", "1"));
    assert!(node.say("plain", 1));
    assert!(matches!(node.next().await, Arrival::Unrecorded { .. }));
    assert_eq!(other.heard().await, 1);
    assert_eq!(node.read("t").await, None);
    assert!(node.bus.is_there());
}
