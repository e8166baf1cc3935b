//! Tickets and ended tokens over two nodes of one system.

use conclave_testkit::{RedisCluster, RedisServer};
use serde_json::{Value, json};

use crate::client::{Client, Dial, Heard};
use crate::http::{Answer, Request};
use crate::nodes::{Pair, backend, ready};
use crate::rooms_world::{Gate, unlimited};
use crate::world::World;

fn ask_ticket(world: &World, token: &str) -> Answer {
    Request::post(world.address(), "/auth/ticket", &json!({}))
        .bearer(token)
        .send()
}

fn ticket(world: &World, token: &str) -> String {
    let answer = ask_ticket(world, token);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["ticket"]
        .as_str()
        .expect("a ticket")
        .to_owned()
}

fn show(world: &World, ticket: &str) -> Dial {
    world.dial().query(&format!("ticket={ticket}"))
}

fn is_refused(dial: &Dial) {
    let (code, reason) = dial.connect().closed();
    assert_eq!((code, &*reason), (1008, "Invalid or expired token"));
}

fn user(mut client: Client) -> Value {
    client.send(r#"{"type":"who"}"#);
    client.json()["user"].clone()
}

#[test]
fn a_ticket_works_once_on_any_node() {
    let pair = Pair::start();
    let [one, two] = &pair.nodes;
    let token = one.token("ann");
    for (giver, taker) in [(one, two), (two, one), (one, one)] {
        let ticket = ticket(giver, &token);
        assert_eq!(user(show(taker, &ticket).connect()), "ann");
        is_refused(&show(one, &ticket));
        is_refused(&show(two, &ticket));
    }
    let lost = ticket(one, &token);
    for _ in 0..16 {
        ticket(two, &token);
    }
    is_refused(&show(two, &lost));
}

#[test]
fn a_ticket_of_one_node_opens_socketio_on_the_other() {
    let pair = Pair::start();
    let [one, two] = &pair.nodes;
    let ticket = ticket(one, &one.token("ann"));
    let auth = json!({ "ticket": ticket });
    Gate::with(&Gate::dial(two), &auth);
    let mut late = Gate::dial(one).connect();
    late.text();
    late.send(&format!("40{auth}"));
    let refused = late.text();
    assert!(refused.starts_with("44"), "{refused}");
}

#[test]
fn a_ticket_on_a_cluster_works_once_on_any_node() {
    let redis = RedisCluster::start();
    let plan = || unlimited().set("bus.url", redis.url());
    let one = plan().start();
    let two = plan().folder(one.folder()).start();
    [&one, &two].into_iter().for_each(ready);
    let ticket = ticket(&one, &one.token("ann"));
    assert_eq!(user(show(&two, &ticket).connect()), "ann");
    is_refused(&show(&one, &ticket));
}

#[test]
fn without_redis_no_ticket_is_given_or_taken_and_tokens_count() {
    let mut pair = Pair::start();
    let token = pair.nodes[0].token("ann");
    let waits = ticket(&pair.nodes[0], &token);
    pair.kill_redis();
    for node in &pair.nodes {
        let answer = ask_ticket(node, &token);
        assert_eq!(answer.status, 503, "{answer:?}");
        assert_eq!(answer.json()["code"], "unavailable", "{answer:?}");
        let refused = show(node, &waits).try_connect().err().expect("a refusal");
        assert_eq!(refused.status, 503);
        let mut gate = Gate::dial(node).connect();
        gate.text();
        gate.send(&format!("40{}", json!({ "ticket": waits })));
        let end = gate.closed_at_last();
        assert_eq!(end.0, 1001, "it may come back: {end:?}");
        assert_eq!(user(node.dial().token(&token).connect()), "ann");
    }
    pair.restart_redis();
    let [one, two] = &pair.nodes;
    is_refused(&show(one, &waits));
    assert_eq!(user(show(one, &ticket(two, &token)).connect()), "ann");
}

/// What a service of the application looks for.
fn listed(redis: &RedisServer, token: &str) -> String {
    let key = format!("conclave:blacklist:token:{}", sha256(token));
    redis.ask(&format!("GET {key}")).expect("an answer")
}

fn sha256(text: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    let bytes = digest.as_ref().iter();
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_token_that_was_signed_out_or_revoked_is_on_the_blacklist_of_the_application() {
    let pair = Pair::start();
    let [one, _] = &pair.nodes;
    let (left, revoked) = (one.token("ann"), one.token("bob"));
    assert_eq!(listed(&pair.redis, &left), "$-1\r\n");
    let logout = Request::post(one.address(), "/auth/logout", &json!({}));
    assert_eq!(logout.bearer(&left).send().status, 204);
    let body = json!({ "token": revoked });
    let revoke = Request::post(one.address(), "/auth/revoke", &body);
    assert_eq!(revoke.bearer(&backend(one)).send().status, 204);
    for token in [&left, &revoked] {
        assert_eq!(listed(&pair.redis, token), "$1\r\n1\r\n");
        let key = format!("conclave:blacklist:token:{}", sha256(token));
        let life = pair.redis.ask(&format!("TTL {key}")).expect("an answer");
        let life: u64 = life
            .trim_start_matches(':')
            .trim()
            .parse()
            .expect("seconds");
        assert!((60..=90_000).contains(&life), "{life}");
    }
}

#[test]
fn a_token_that_a_service_blacklisted_proves_nobody_where_the_list_is_read() {
    for reads in ["true", "false"] {
        let mut pair = Pair::with(|plan| plan.set("bus.blacklist", reads));
        let (token, other) = (pair.nodes[0].token("ann"), pair.nodes[0].token("bob"));
        let key = format!("conclave:blacklist:token:{}", sha256(&token));
        pair.redis
            .ask(&format!("SET {key} 1 EX 600"))
            .expect("an answer");
        for node in &pair.nodes {
            let me = |token: &str| {
                let ask = Request::new(node.address(), "GET", "/auth/me").bearer(token);
                ask.send().status
            };
            assert_eq!(user(node.dial().token(&other).connect()), "bob");
            assert_eq!(me(&other), 200);
            if reads == "true" {
                is_refused(&node.dial().token(&token));
                assert_eq!(me(&token), 401);
                is_refused_by_socketio(node, &token);
            } else {
                assert_eq!(user(node.dial().token(&token).connect()), "ann");
                assert_eq!(me(&token), 200);
            }
        }
        // By grace what cannot be looked for counts for a while.
        pair.kill_redis();
        let node = &pair.nodes[0];
        assert_eq!(user(node.dial().token(&other).connect()), "bob");
    }
}

fn is_refused_by_socketio(node: &World, token: &str) {
    let mut gate = Gate::dial(node).connect();
    gate.text();
    gate.send(&format!("40{}", json!({ "token": token })));
    match gate.next() {
        Heard::Text(text) => assert!(text.starts_with("44"), "{text}"),
        other => panic!("heard {other:?}"),
    }
}

#[test]
fn strictly_a_token_that_cannot_be_looked_for_is_refused() {
    let mut pair = Pair::with(|plan| {
        let plan = plan.set("bus.blacklist", "true");
        plan.set("bus.revocations", "strict")
    });
    let token = pair.nodes[0].token("ann");
    pair.redis.kill();
    let node = &pair.nodes[0];
    let me = Request::new(node.address(), "GET", "/auth/me").bearer(&token);
    let answer = me.send();
    assert_eq!(answer.status, 503, "{answer:?}");
    pair.redis.restart();
    crate::world::eventually("it is there again", || {
        let me = Request::new(node.address(), "GET", "/auth/me").bearer(&token);
        (me.send().status == 200).then_some(())
    });
}
