//! On a master that sentinels watch.

use conclave_testkit::RedisSentinel;

use super::*;

/// Goes on saying, until it is heard.
async fn reach(one: &Node, two: &mut Node) {
    let mut seq = 100;
    let reached = async {
        loop {
            one.say("t", seq);
            seq += 1;
            let heard = two.heard_at_last();
            if timeout(Duration::from_millis(200), heard).await.is_ok() {
                return;
            }
        }
    };
    timeout(PATIENCE, reached).await.expect("reached in time");
}

/// Waits until the node hears a topic by this Redis: sentinels may end its connections once more
/// while they set the new master up.
async fn hear_by(redis: &RedisServer, node: &Node, name: &str) {
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let heard = async {
        loop {
            node.hear(name).await;
            let known = redis.ask("PUBSUB CHANNELS *").unwrap();
            if known.contains(name) {
                return;
            }
            ticks.tick().await;
        }
    };
    timeout(PATIENCE, heard).await.expect("by the new master");
}

#[tokio::test]
async fn the_bus_on_a_master_of_sentinels_conforms() {
    let redis = RedisSentinel::start();
    conforms(&redis.url(), BusOrder::Whole).await;
}

#[tokio::test]
async fn after_a_failover_publications_go_by_the_new_master_and_the_gap_is_told() {
    let mut redis = RedisSentinel::start();
    let (one, mut two) = (
        Node::join(&redis.url(), 1).await,
        Node::join(&redis.url(), 2).await,
    );
    two.hear("t").await;
    assert!(one.say("t", 1));
    assert_eq!(two.heard().await, 1);
    redis.master.kill();
    one.until_there(false).await;
    two.until_there(false).await;
    assert!(!one.say("t", 2), "it is said at once that this one is lost");
    assert!(matches!(two.next().await, Arrival::Missed));
    one.until_there(true).await;
    reach(&one, &mut two).await;
    assert!(redis.replica.ask("ROLE").unwrap().contains("master"));
}

#[tokio::test]
async fn a_sentinel_that_knows_an_old_master_is_not_believed() {
    let (redis, old) = (RedisSentinel::start(), RedisSentinel::start());
    redis.change_places();
    let both = RedisOptions::new(&redis.url_after(&old)).unwrap();
    let node = Node::with(both, 2).await;
    hear_by(&redis.replica, &node, "another").await;
}

#[tokio::test]
async fn a_master_that_becomes_a_replica_is_left_though_it_lives() {
    let redis = RedisSentinel::start();
    let (one, mut two) = (
        Node::join(&redis.url(), 1).await,
        Node::join(&redis.url(), 2).await,
    );
    two.hear("t").await;
    redis.change_places();
    two.until_missed().await;
    reach(&one, &mut two).await;
    hear_by(&redis.replica, &two, "another").await;
}
