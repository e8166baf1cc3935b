//! On a cluster of three shards.

use conclave_testkit::RedisCluster;

use super::*;
use crate::slots::slot;
use crate::wire::channel_name;

/// A topic on each shard, by the shards' order.
fn topics() -> [String; 3] {
    [0..=5460, 5461..=10922, 10923..=16383].map(|range| {
        let mut names = (0..).map(|number| format!("t{number}"));
        names.find(|name| range.contains(&slot_of(name))).unwrap()
    })
}

fn slot_of(name: &str) -> u16 {
    slot(&channel_name("conclave", &topic(name)))
}

#[tokio::test]
async fn the_bus_on_a_cluster_conforms() {
    let redis = RedisCluster::start();
    conforms(&redis.url(), BusOrder::PerChannel).await;
}

#[tokio::test]
async fn each_channel_goes_by_its_shard_alone() {
    let redis = RedisCluster::start();
    let (one, mut two) = (
        Node::join(&redis.url(), 1).await,
        Node::join(&redis.url(), 2).await,
    );
    for (seq, name) in (1..).zip(topics()) {
        two.hear(&name).await;
        assert!(one.say(&name, seq));
        assert_eq!(two.heard().await, seq);
    }
    for (shard, name) in redis.shards.iter().zip(topics()) {
        let known = shard.ask("PUBSUB SHARDCHANNELS *:{t:*").unwrap();
        assert!(
            known.starts_with("*1\r\n") && known.contains(&name),
            "{known}"
        );
    }
}

#[tokio::test]
async fn a_shard_that_was_killed_is_missed_and_comes_back() {
    let mut redis = RedisCluster::start();
    let (one, mut two) = (
        Node::join(&redis.url(), 1).await,
        Node::join(&redis.url(), 2).await,
    );
    for name in topics() {
        two.hear(&name).await;
    }
    let [_, killed, _] = &mut redis.shards;
    killed.kill();
    one.until_there(false).await;
    two.until_there(false).await;
    assert!(!one.say(&topics()[0], 1), "one shard away is the bus away");
    let [_, killed, _] = &mut redis.shards;
    killed.restart();
    assert!(matches!(two.next().await, Arrival::Missed));
    one.until_there(true).await;
    for (seq, name) in (1..).zip(topics()) {
        assert!(one.say(&name, seq));
        assert_eq!(two.heard_at_last().await, seq);
    }
}

#[tokio::test]
async fn a_channel_is_heard_again_after_its_slot_has_moved() {
    let redis = RedisCluster::start();
    let (one, mut two) = (
        Node::join(&redis.url(), 1).await,
        Node::join(&redis.url(), 2).await,
    );
    let [name, ..] = topics();
    two.hear(&name).await;
    redis.give_away(slot_of(&name));
    two.until_missed().await;
    two.hear(&name).await;
    let mut seq = 1;
    let reached = async {
        loop {
            one.say(&name, seq);
            seq += 1;
            let heard = two.heard_at_last();
            if timeout(Duration::from_millis(200), heard).await.is_ok() {
                return;
            }
        }
    };
    timeout(PATIENCE, reached).await.expect("reached in time");
    let [_, new, _] = &redis.shards;
    let known = new.ask("PUBSUB SHARDCHANNELS *:{t:*").unwrap();
    assert!(known.contains(&name), "{known}");
}
