//! What is kept in Redis for all nodes.

use conclave_auth::{
    SecretHash, TicketError, TicketTable as _, TokenBlacklist as _, WaitingTicket,
};
use conclave_testkit::ports::tickets_conformance;
use conclave_testkit::{RedisCluster, RedisSentinel};

use super::*;
use crate::{RedisBlacklist, RedisTickets};

fn tickets(node: &Node) -> RedisTickets {
    RedisTickets::new(node.bus.keys(), 3)
}

async fn conform(url: &str) {
    let (one, two) = (Node::join(url, 1).await, Node::join(url, 2).await);
    let suite = async { tickets_conformance(&tickets(&one), &tickets(&two)).await };
    timeout(PATIENCE * 3, suite).await.expect("in time");
}

fn waiting(seconds: u64) -> WaitingTicket {
    WaitingTicket {
        owner: SecretHash([9; 32]),
        sealed: vec![1, 2, 3].into(),
        life: Duration::from_secs(seconds),
    }
}

const NOW: Timestamp = Timestamp::from_millis(0);

#[tokio::test]
async fn tickets_on_redis_conform() {
    let redis = RedisServer::start();
    conform(&redis.url()).await;
}

#[tokio::test]
async fn tickets_on_a_cluster_conform() {
    let redis = RedisCluster::start();
    conform(&redis.url()).await;
}

#[tokio::test]
async fn tickets_are_kept_on_the_new_master_after_a_failover() {
    let mut redis = RedisSentinel::start();
    let node = Node::join(&redis.url(), 1).await;
    let tickets = tickets(&node);
    let hash = SecretHash([1; 32]);
    tickets.put(hash, waiting(60), NOW).await.unwrap();
    redis.master.kill();
    node.until_there(false).await;
    node.until_there(true).await;
    tickets.put(hash, waiting(60), NOW).await.unwrap();
    let taken = tickets.take(hash, NOW).await.unwrap();
    assert_eq!(taken.as_deref(), Some(&[1, 2, 3][..]));
    let role = redis.replica.ask("ROLE").unwrap();
    assert!(role.contains("master"), "{role}");
}

#[tokio::test]
async fn while_redis_is_away_or_hangs_no_ticket_is_given_or_taken() {
    let mut redis = RedisServer::start();
    let node = Node::join(&redis.url(), 1).await;
    let tickets = tickets(&node);
    let hash = SecretHash([1; 32]);
    tickets.put(hash, waiting(60), NOW).await.unwrap();
    redis.hang();
    let late = tickets.take(hash, NOW).await;
    assert_eq!(late, Err(TicketError::Unavailable));
    redis.go_on();
    redis.kill();
    node.until_there(false).await;
    let put = tickets.put(hash, waiting(60), NOW).await;
    assert_eq!(put, Err(TicketError::Unavailable));
    redis.restart();
    node.until_there(true).await;
    assert_eq!(
        tickets.take(hash, NOW).await,
        Ok(None),
        "Redis has forgotten it"
    );
    tickets.put(hash, waiting(60), NOW).await.unwrap();
    assert!(tickets.take(hash, NOW).await.unwrap().is_some());
}

#[tokio::test]
async fn a_connection_that_broke_is_made_again_when_it_is_needed() {
    let redis = RedisServer::start();
    let node = Node::join(&redis.url(), 1).await;
    let tickets = tickets(&node);
    let hash = SecretHash([1; 32]);
    for _ in 0..3 {
        tickets.put(hash, waiting(60), NOW).await.unwrap();
        let clients = redis.ask("CLIENT LIST").unwrap();
        let own = clients.lines().find(|line| line.contains("cmd=set "));
        let id = own.and_then(|line| line.split(['=', ' ']).nth(1)).unwrap();
        redis.ask(&format!("CLIENT KILL ID {id}")).unwrap();
        assert!(tickets.take(hash, NOW).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn nothing_of_tickets_stays_in_redis_for_ever() {
    let redis = RedisServer::start();
    let node = Node::join(&redis.url(), 1).await;
    let tickets = tickets(&node);
    tickets
        .put(SecretHash([1; 32]), waiting(60), NOW)
        .await
        .unwrap();
    let keys = redis.ask("KEYS *").unwrap();
    let names: Vec<_> = keys.lines().filter(|line| line.contains(':')).collect();
    assert_eq!(names.len(), 2, "{keys}");
    for name in names {
        assert!(name.starts_with("conclave:ticket"), "{name}");
        let life = redis.ask(&format!("TTL {name}")).unwrap();
        assert!(
            [":60", ":59"].iter().any(|end| life.starts_with(end)),
            "{life}"
        );
    }
}

#[tokio::test]
async fn a_blacklisted_token_is_known_to_all_for_the_rest_of_its_life() {
    let redis = RedisServer::start();
    let (one, two) = (
        Node::join(&redis.url(), 1).await,
        Node::join(&redis.url(), 2).await,
    );
    let list = |node: &Node| RedisBlacklist::new(node.bus.keys());
    let token = SecretHash::of("a.b.c");
    assert!(!list(&two).has(token).await.unwrap());
    let life = Duration::from_millis(99_100);
    list(&one).add(token, life).await.unwrap();
    assert!(list(&two).has(token).await.unwrap());
    assert!(!list(&two).has(SecretHash::of("a.b.d")).await.unwrap());
    let key = format!("conclave:blacklist:token:{}", token.hex());
    assert_eq!(redis.ask(&format!("GET {key}")).unwrap(), "$1\r\n1\r\n");
    let left = redis.ask(&format!("TTL {key}")).unwrap();
    assert!(left.starts_with(":100") || left.starts_with(":9"), "{left}");
    // Another service of the application.
    let other = SecretHash::of("d.e.f");
    redis
        .ask(&format!(
            "SET conclave:blacklist:token:{} 1 EX 60",
            other.hex()
        ))
        .unwrap();
    assert!(list(&one).has(other).await.unwrap());
    list(&one).add(other, Duration::ZERO).await.unwrap();
}
