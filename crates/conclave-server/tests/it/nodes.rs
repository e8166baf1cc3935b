//! Two nodes of one system: one Redis, one store.

use std::time::{Duration, Instant};

use conclave_testkit::RedisServer;
use serde_json::{Value, json};

use crate::client::{Client, Heard, publish};
use crate::http::Request;
use crate::rooms_world::{call, conversation, greeted, room, unlimited};
use crate::world::{Plan, Token, World, eventually};

pub(crate) struct Pair {
    pub(crate) redis: RedisServer,
    pub(crate) nodes: [World; 2],
}

impl Pair {
    pub(crate) fn start() -> Self {
        Self::with(|plan| plan)
    }

    pub(crate) fn with(change: impl Fn(Plan) -> Plan) -> Self {
        let redis = RedisServer::start();
        let plan = || change(unlimited().set("bus.url", redis.url()));
        let one = plan().start();
        let two = plan().folder(one.folder()).start();
        let pair = Self {
            redis,
            nodes: [one, two],
        };
        pair.nodes.iter().for_each(ready);
        pair
    }

    /// Kills Redis, and waits until both nodes know.
    pub(crate) fn kill_redis(&mut self) {
        self.redis.kill();
        self.nodes.iter().for_each(degraded);
    }

    pub(crate) fn restart_redis(&mut self) {
        self.redis.restart();
        self.nodes.iter().for_each(ready);
    }
}

fn health(world: &World) -> (u16, Value) {
    let answer = Request::new(world.address(), "GET", "/health/ready").send();
    (answer.status, answer.json()["status"].clone())
}

pub(crate) fn ready(world: &World) {
    eventually("the node is ready", || {
        (health(world) == (200, json!("ready"))).then_some(())
    });
}

pub(crate) fn degraded(world: &World) {
    eventually("the node is degraded", || {
        (health(world) == (200, json!("degraded"))).then_some(())
    });
}

fn subscriber(world: &World, user: &str, topic: &str) -> Client {
    let mut client = world.dial().query("recover=1").query("ack=1");
    client = client.token(&world.token(user));
    let mut client = client.connect();
    client.send(&format!("subscribe:{topic}"));
    assert_eq!(client.json()["type"], "ack");
    client
}

fn say(client: &mut Client, topic: &str, payload: u64) {
    client.send(&publish(topic, payload));
}

/// Payload and offset of the next message; answers to its own commands are passed over.
fn heard(client: &mut Client) -> (u64, u64) {
    loop {
        let frame = client.json();
        if frame["type"] != "ack" {
            let number = |key: &str| frame[key].as_u64().unwrap_or_else(|| panic!("{frame}"));
            return (number("payload"), number("offset"));
        }
    }
}

#[test]
fn a_topic_is_heard_on_both_nodes_in_its_publishers_order() {
    let pair = Pair::start();
    let mut clients = pair
        .nodes
        .each_ref()
        .map(|node| subscriber(node, "ann", "t"));
    for number in 0..500 {
        say(&mut clients[0], "t", number);
    }
    for client in &mut clients {
        for number in 0..500 {
            assert_eq!(heard(client), (number, number + 1));
        }
    }
    let [one, two] = &mut clients;
    say(two, "t", 7);
    assert_eq!(heard(one), (7, 501));
}

#[test]
fn an_answered_subscription_hears_what_another_node_publishes_then() {
    let pair = Pair::start();
    let mut publisher = subscriber(&pair.nodes[0], "ann", "own");
    for round in 0..50 {
        let topic = format!("t{round}");
        let mut client = subscriber(&pair.nodes[1], "ann", &topic);
        say(&mut publisher, &topic, round);
        assert_eq!(heard(&mut client).0, round);
    }
}

#[test]
fn without_redis_a_node_serves_its_own_and_afterwards_the_gap_is_seen() {
    let mut pair = Pair::start();
    let mut clients = pair
        .nodes
        .each_ref()
        .map(|node| subscriber(node, "ann", "t"));
    let [one, two] = &mut clients;
    say(one, "t", 1);
    assert_eq!((heard(one), heard(two)), ((1, 1), (1, 1)));
    pair.kill_redis();
    say(one, "t", 2);
    assert_eq!(heard(one), (2, 2), "its own clients go on");
    pair.restart_redis();
    say(one, "t", 3);
    let (payload, offset) = heard(two);
    assert_eq!(payload, 3);
    assert!(offset > 2, "{offset} follows 1: something is missing");
    assert_eq!(heard(one).0, 3);
}

/// Subscribes after what was seen; the replay, and whether a gap was told.
fn back(world: &World, topic: &str, since: &Value) -> (Client, bool, Vec<(u64, u64)>) {
    let mut client = world.dial().query("recover=1").query("ack=1");
    client = client.token(&world.token("ann"));
    let mut client = client.connect();
    let (offset, epoch) = (&since["offset"], &since["epoch"]);
    client.send(&format!("subscribe:{topic}?since={offset},{epoch}"));
    assert_eq!(client.json()["type"], "ack");
    client.send("ping");
    let (mut gap, mut replay) = (false, Vec::new());
    loop {
        match client.text().as_str() {
            "pong" => return (client, gap, replay),
            text => {
                let frame: Value = serde_json::from_str(text).expect("JSON");
                let number = |key: &str| frame[key].as_u64();
                match (number("payload"), number("offset")) {
                    (Some(payload), Some(offset)) => replay.push((payload, offset)),
                    _ => gap |= frame["type"] == "gap",
                }
            }
        }
    }
}

fn with_history() -> Pair {
    Pair::with(|plan| plan.set("topics.history_messages", 100))
}

#[test]
fn a_topic_with_history_is_resumed_on_the_other_node() {
    let pair = with_history();
    let mut first = subscriber(&pair.nodes[0], "ann", "t");
    let mut others = pair
        .nodes
        .each_ref()
        .map(|node| subscriber(node, "ann", "other"));
    say(&mut others[1], "t", 1);
    let last = first.json();
    assert_eq!((&last["payload"], &last["offset"]), (&json!(1), &json!(1)));
    drop(first);
    for number in 2..=40_u64 {
        let from = usize::try_from(number % 2).unwrap();
        say(&mut others[from], "t", number);
        // The next one is from another node: this one is to be before it.
        assert_eq!(others[from].json()["type"], "ack");
    }
    let mut fence = subscriber(&pair.nodes[0], "ann", "t");
    let (mut client, gap, replay) = back(&pair.nodes[1], "t", &last);
    assert!(!gap);
    let offsets: Vec<_> = replay.iter().map(|(_, offset)| *offset).collect();
    assert_eq!(offsets, (2..=40).collect::<Vec<_>>());
    let mut payloads: Vec<_> = replay.iter().map(|(payload, _)| *payload).collect();
    payloads.sort_unstable();
    assert_eq!(payloads, (2..=40).collect::<Vec<_>>());
    say(&mut fence, "t", 41);
    assert_eq!(heard(&mut client), (41, 41));
    assert_eq!(heard(&mut fence), (41, 41), "its publisher hears it too");
}

#[test]
fn a_topic_with_history_goes_on_without_redis_and_a_gap_is_told_afterwards() {
    let mut pair = with_history();
    let mut client = subscriber(&pair.nodes[0], "ann", "t");
    say(&mut client, "t", 1);
    let before = loop {
        let frame = client.json();
        if frame["type"] != "ack" {
            break frame;
        }
    };
    pair.kill_redis();
    say(&mut client, "t", 2);
    assert_eq!(heard(&mut client), (2, 0), "without a place");
    pair.restart_redis();
    eventually("a message has a place again", || {
        say(&mut client, "t", 3);
        (heard(&mut client) != (3, 0)).then_some(())
    });
    let (_client, gap, _) = back(&pair.nodes[1], "t", &before);
    assert!(gap, "this Redis knows nothing of before");
}

#[test]
fn a_broadcast_reaches_both_nodes() {
    let pair = Pair::start();
    let [mut one, mut two] = pair.nodes.each_ref().map(|node| node.connect("ann"));
    one.send(r#"{"type":"ping?"}"#);
    one.json();
    // Redis may not have heard of its listener when the first was sent.
    let end = Instant::now() + Duration::from_secs(10);
    while two.next_within(Duration::from_millis(20)).is_none() {
        assert!(Instant::now() < end, "a broadcast in time");
        one.send(r#"{"type":"ping?"}"#);
    }
}

pub(crate) fn backend(world: &World) -> String {
    let mut token = Token::of("operator");
    token.roles = Vec::new();
    token.permissions = vec!["server.disconnect".to_owned()];
    world.sign(&token)
}

#[test]
fn a_revocation_on_one_node_closes_connections_of_the_other() {
    let pair = Pair::start();
    let [one, two] = &pair.nodes;
    let token = two.token("ann");
    let mut client = two.dial().token(&token).connect();
    client.barrier();
    let asked = Instant::now();
    let answer = Request::post(one.address(), "/auth/revoke", &json!({ "token": token }))
        .bearer(&backend(one))
        .send();
    assert_eq!(answer.status, 204, "{answer:?}");
    client.closed_at_last();
    assert!(asked.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_user_disabled_on_one_node_is_cut_off_on_the_other() {
    let pair = Pair::with(|plan| plan.users(&[("user123", "user")]));
    let [one, two] = &pair.nodes;
    let mut client = two.connect("user123");
    client.barrier();
    let mut admin = Token::of("operator");
    admin.permissions = vec!["admin".to_owned()];
    let asked = Instant::now();
    let body = json!({ "disabled": true });
    let answer = Request::post(one.address(), "/api/v1/users/user123", &body)
        .method("PUT")
        .bearer(&one.sign(&admin))
        .send();
    assert_eq!(answer.status, 200, "{answer:?}");
    client.closed_at_last();
    assert!(asked.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_disconnect_by_a_backend_reaches_every_node() {
    let pair = Pair::start();
    let [one, two] = &pair.nodes;
    let mut clients = [one.connect("ann"), two.connect("ann")];
    clients.iter_mut().for_each(Client::barrier);
    let ask = json!({ "user_id": "ann", "code": 4321, "reason": "bye" });
    let answer = Request::post(one.address(), "/api/v1/disconnect", &ask)
        .bearer(&backend(one))
        .send();
    assert_eq!(answer.status, 200, "{answer:?}");
    for client in &mut clients {
        assert_eq!(client.closed_at_last(), (4321, "bye".to_owned()));
    }
}

#[test]
fn strict_nodes_admit_nobody_while_redis_is_away_and_keep_who_is_there() {
    let mut pair = Pair::with(|plan| plan.set("bus.revocations", "strict"));
    let mut client = pair.nodes[0].connect("ann");
    client.barrier();
    pair.redis.kill();
    let node = &pair.nodes[0];
    eventually("the node says so", || {
        let answer = Request::new(node.address(), "GET", "/health/ready").send();
        (answer.status == 503).then_some(())
    });
    let dial = node.dial().token(&node.token("ann"));
    let refused = dial.try_connect().err().expect("a refusal");
    assert_eq!(refused.status, 503);
    client.barrier();
    pair.restart_redis();
    pair.nodes[0].connect("ann").barrier();
}

#[test]
fn the_bus_is_in_the_metrics_and_its_password_in_no_log() {
    let redis = RedisServer::start();
    let url = format!("{}?user=conclave&pass=open-sesame", redis.url());
    let world = unlimited().set("bus.url", url).start();
    let metrics = || Request::new(world.address(), "GET", "/metrics").send().body;
    // Nobody is called that here: the connection is refused, again and again.
    degraded(&world);
    assert!(metrics().contains("conclave_bus_away 1"), "{}", metrics());
    world.wait_for_log(|line| (line["message"] == "the bus is away").then_some(()));
    assert!(!world.log_text().contains("sesame"));
    let user = "ACL SETUSER conclave on >open-sesame ~* &* +@all";
    assert_eq!(redis.ask(user).as_deref(), Some("+OK\r\n"));
    ready(&world);
    let _client = subscriber(&world, "ann", "t");
    assert!(
        metrics().contains("conclave_bus_channels 1"),
        "{}",
        metrics()
    );
    assert!(!world.log_text().contains("sesame"));
}

#[test]
fn a_redis_behind_tls_is_spoken_to_where_its_certificate_is_trusted() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]);
    let made = made.expect("a certificate");
    let path = |name: &str| {
        let path = folder.path().join(name);
        path.to_str().expect("a path of text").to_owned()
    };
    let (cert, key) = (path("cert.pem"), path("key.pem"));
    std::fs::write(&cert, made.cert.pem()).expect("writable");
    std::fs::write(&key, made.signing_key.serialize_pem()).expect("writable");
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = free.local_addr().expect("an address").port().to_string();
    drop(free);
    let _redis = RedisServer::start_with(&[
        "--tls-port",
        &port,
        "--tls-cert-file",
        &cert,
        "--tls-key-file",
        &key,
        "--tls-auth-clients",
        "no",
    ]);
    let plan = || unlimited().set("bus.url", format!("rediss://localhost:{port}"));
    let trusting = plan().variable("SSL_CERT_FILE", &cert).start();
    ready(&trusting);
    let other = path("other.pem");
    let stranger = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]);
    std::fs::write(&other, stranger.expect("a certificate").cert.pem()).expect("writable");
    let careful = plan().variable("SSL_CERT_FILE", &other).start();
    careful.wait_for_log(|line| (line["message"] == "the bus is away").then_some(()));
    degraded(&careful);
}

#[test]
fn a_node_that_cannot_reach_its_redis_starts_all_the_same() {
    let mut redis = RedisServer::start();
    redis.kill();
    let world = unlimited().set("bus.url", redis.url()).start();
    let mut client = subscriber(&world, "ann", "t");
    say(&mut client, "t", 1);
    assert_eq!(heard(&mut client).0, 1);
    assert_eq!(
        call(&world, "ann", "GET", "/channels", &Value::Null).status,
        200
    );
}

fn stats(world: &World) -> Value {
    let mut token = Token::of("operator");
    token.permissions = vec!["system.monitor".to_owned()];
    let answer = Request::new(world.address(), "GET", "/ws/stats")
        .bearer(&world.sign(&token))
        .send();
    answer.json()["stats"]["websocket_manager"].clone()
}

/// Connections and different users of all nodes together.
pub(crate) fn counted(world: &World) -> [u64; 2] {
    let stats = stats(world);
    ["active_connections", "unique_users"]
        .map(|key| stats[key].as_u64().unwrap_or_else(|| panic!("{stats}")))
}

#[test]
fn the_statistics_are_those_of_all_nodes() {
    let pair = Pair::start();
    let [one, two] = &pair.nodes;
    let clients = [
        greeted_feed(one, "ann"),
        greeted_feed(two, "ann"),
        greeted_feed(two, "bob"),
    ];
    for node in &pair.nodes {
        eventually("all are counted", || {
            (counted(node) == [3, 2]).then_some(())
        });
    }
    drop(clients);
    for node in &pair.nodes {
        eventually("none is counted", || {
            (counted(node) == [0, 0]).then_some(())
        });
    }
}

fn greeted_feed(world: &World, user: &str) -> Client {
    let path = format!("/ws/{user}");
    greeted(world.dial().path(&path).token(&world.token(user)).connect())
}

#[test]
fn the_limit_of_a_user_holds_over_all_nodes() {
    let pair = Pair::with(|plan| plan.set("limits.connections_per_user", 2));
    let [one, two] = &pair.nodes;
    let mut clients = [one.connect("ann"), one.connect("ann")];
    clients.iter_mut().for_each(Client::barrier);
    eventually("the other node knows", || {
        (counted(two)[0] == 2).then_some(())
    });
    let (code, _) = two.connect("ann").closed();
    assert!(code >= 1000, "{code}");
    two.connect("bob").barrier();
    drop(clients);
    eventually("there is room again", || {
        let mut client = two.connect("ann");
        client.send("ping");
        (client.next() == Heard::Text("pong".to_owned())).then_some(())
    });
}

#[test]
fn the_users_of_a_killed_node_are_gone_within_15_seconds() {
    let mut pair = Pair::start();
    let id = room(&pair.nodes[0], "ann", &["bob"]);
    let mut ann = greeted(conversation(&pair.nodes[0], "ann", &id).connect());
    let _bob = greeted_feed(&pair.nodes[1], "bob");
    let presence = |ann: &mut Client, online: bool| {
        let end = Instant::now() + Duration::from_secs(15);
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let Some(Heard::Text(text)) = ann.next_within(left) else {
                panic!("bob's presence comes in time");
            };
            let frame: Value = serde_json::from_str(&text).expect("JSON");
            if frame["type"] == "presence_update" && frame["user_id"] == "bob" {
                assert_eq!(frame["is_online"], online, "{frame}");
                return;
            }
        }
    };
    presence(&mut ann, true);
    pair.nodes[1].crash();
    presence(&mut ann, false);
    assert_eq!(counted(&pair.nodes[0]), [1, 1]);
}
