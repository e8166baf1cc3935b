//! When a connection ends, and what it may do until then.

use std::time::{Duration, Instant};

use crate::client::{Heard, publish, text};
use crate::world::{Plan, Token, World, now};

#[test]
fn a_token_that_ends_closes_its_connection_after_the_leeway() {
    let world = one_worker(Plan::with("auth.leeway_seconds", 1));
    let token = Token::of("user123").seconds(2);
    let end = token.issued_at.seconds() + 2 + 1;
    let mut client = world.dial().token(&world.sign(&token)).connect();
    client.barrier();
    assert_eq!(
        client.closed(),
        (1008, "Invalid or expired token".to_owned())
    );
    let late = now()
        .millis()
        .checked_sub(end * 1000)
        .expect("not before its time");
    assert!(late < 1000 + SLACK, "{late} ms late");
    let again = world.dial().token(&world.sign(&token)).connect().closed();
    assert_eq!(again, (1008, "Invalid or expired token".to_owned()));
}

#[test]
fn a_renewed_token_keeps_its_connection_open() {
    let world = one_worker(Plan::with("auth.leeway_seconds", 0));
    let short = world.sign(&Token::of("user123").seconds(3));
    let mut renewed = world.dial().token(&short).connect();
    let mut refused = world.dial().token(&short).connect();
    renewed.send(&format!("auth:{}", world.token("user123")));
    assert_eq!(renewed.json()["type"], "auth_success");
    // Somebody else's token leaves the old one in force, its end included.
    refused.send(&format!("auth:{}", world.token("testuser")));
    assert_eq!(refused.json()["code"], "forbidden");
    refused.barrier();
    assert_eq!(
        refused.closed(),
        (1008, "Invalid or expired token".to_owned())
    );
    // One scan looks at both.
    renewed.barrier();
}

#[test]
fn a_client_without_a_token_that_says_nothing_is_closed() {
    let world = Plan::with("topics.anonymous", true).start();
    let started = Instant::now();
    let mut silent = world.dial().connect();
    let mut decided = world.dial().connect();
    decided.send("subscribe:T");
    decided.barrier();
    // `ping` decides nothing.
    silent.barrier();
    assert_eq!(
        silent.closed(),
        (1008, "Missing authentication token".to_owned())
    );
    let took = started.elapsed();
    assert!(
        took >= Duration::from_secs(4) && took < Duration::from_millis(6000 + SLACK),
        "{took:?}"
    );
    decided.barrier();
}

#[test]
fn who_answers_no_ping_is_closed_and_who_does_stays() {
    let plan = Plan::with("limits.ping_seconds", 1).set("limits.silence_seconds", 2);
    let world = one_worker(plan);
    let mut answering = world.connect("user123");
    let mut silent = world.connect("testuser");
    silent.answers_pings = false;
    let started = Instant::now();
    let closed = loop {
        assert_eq!(answering.next_within(Duration::from_millis(50)), None);
        if let Some(heard) = silent.next_within(Duration::from_millis(50)) {
            break heard;
        }
    };
    assert_eq!(closed, Heard::Close(1001, "No answer to pings".to_owned()));
    let took = started.elapsed();
    assert!(
        took >= Duration::from_secs(1) && took < Duration::from_millis(4000 + SLACK),
        "{took:?}"
    );
    answering.barrier();
    assert!(answering.pings >= 1 && silent.pings >= 1);
}

#[test]
fn a_user_has_ten_connections() {
    let world = World::start();
    let mut clients: Vec<_> = (0..10).map(|_| world.connect("user123")).collect();
    clients.iter_mut().for_each(crate::client::Client::barrier);
    let refused = world.connect("user123").closed();
    assert_eq!(refused, (1008, "Too many connections".to_owned()));
    world.connect("testuser").barrier();
    // Whoever leaves makes room; not before the server has seen the end.
    let mut leaving = clients.pop().expect("ten");
    leaving.close(1000);
    assert_eq!(leaving.closed().0, 1000);
    assert_eq!(leaving.next(), Heard::End);
    drop(leaving);
    crate::world::eventually("room for another", || {
        let mut client = world.connect("user123");
        client.send("ping");
        (client.next() == Heard::Text("pong".to_owned())).then_some(())
    });
}

#[test]
fn an_address_has_so_many_connections() {
    let world = Plan::with("limits.connections_per_address", 3).start();
    let mut clients: Vec<_> = ["a", "b", "c"].map(|user| world.connect(user)).into();
    let token = world.token("d");
    let refused = world
        .dial()
        .token(&token)
        .try_connect()
        .err()
        .expect("a refusal");
    assert_eq!(refused.status, 429, "{refused:?}");
    assert!(refused.body.contains("rate_limited"), "{refused:?}");
    assert!(
        refused
            .head
            .to_lowercase()
            .contains("application/problem+json"),
        "{refused:?}"
    );
    world
        .dial()
        .from("127.0.0.2")
        .token(&token)
        .connect()
        .barrier();
    clients.iter_mut().for_each(crate::client::Client::barrier);
}

#[test]
fn thirty_refused_handshakes_a_minute_are_enough() {
    let world = World::start();
    for _ in 0..30 {
        let refused = world.dial().token("garbage").connect().closed();
        assert_eq!(refused, (1008, "Invalid or expired token".to_owned()));
    }
    let token = world.token("user123");
    for _ in 0..2 {
        let refused = world
            .dial()
            .token(&token)
            .try_connect()
            .err()
            .expect("a refusal");
        assert_eq!(refused.status, 429, "{refused:?}");
    }
    world
        .dial()
        .from("127.0.0.2")
        .token(&token)
        .connect()
        .barrier();
}

#[test]
fn too_many_messages_are_refused_and_the_connection_stays() {
    let world = World::start();
    let mut client = world.connect("user123");
    client.send_raw(&(0..150).flat_map(|_| text("ping")).collect::<Vec<_>>());
    let answers: Vec<_> = (0..150).map(|_| client.text()).collect();
    let pongs = answers.iter().filter(|answer| *answer == "pong").count();
    assert!((100..149).contains(&pongs), "{pongs}");
    assert!(answers[..100].iter().all(|answer| answer == "pong"));
    let error = answers
        .iter()
        .find(|answer| *answer != "pong")
        .expect("an error");
    let error: serde_json::Value = serde_json::from_str(error).expect("JSON");
    assert_eq!(error["type"], "error");
    assert_eq!(error["code"], "rate_limited");
    // Fifty a second come back.
    crate::world::eventually("a pong", || {
        client.send("ping");
        (client.text() == "pong").then_some(())
    });
}

#[test]
fn a_hundred_refused_messages_close_the_connection() {
    let world = World::start();
    let mut client = world.connect("user123");
    client.send_raw(&(0..400).flat_map(|_| text("ping")).collect::<Vec<_>>());
    let mut errors = 0;
    let closed = loop {
        match client.next() {
            Heard::Text(text) if text == "pong" => {}
            Heard::Text(text) if text.contains("rate_limited") => errors += 1,
            Heard::Close(code, reason) => break (code, reason),
            other => panic!("heard {other:?}"),
        }
    };
    assert_eq!(closed, (1008, "Too many messages".to_owned()));
    assert_eq!(errors, 100);
}

#[test]
fn a_reader_that_does_not_read_is_closed_and_others_hear_everything() {
    let plan = Plan::with("limits.messages_per_second", 0).set("limits.outbox_bytes", 262_144);
    let world = one_worker(plan);
    let mut slow = world
        .dial()
        .receive_buffer(16 * 1024)
        .token(&world.token("user123"))
        .connect();
    slow.send("subscribe:T");
    slow.barrier();
    let mut reading = world.subscriber("user123", "T");
    let mut publisher = world.connect("user123");
    let padding = "x".repeat(32 * 1024);
    let mut serial = 0;
    let is_slow = |line: &serde_json::Value| line["detail"].to_string().contains("SlowReader");
    while !world.audit().iter().any(is_slow) {
        assert!(serial < 5000, "nobody is slow");
        publisher.send(&publish("T", format!(r#"[{serial},"{padding}"]"#)));
        assert_eq!(reading.json()["payload"][0], serial);
        serial += 1;
    }
    let mut next = 0;
    let closed = loop {
        match slow.next() {
            Heard::Text(text) => {
                let message: serde_json::Value = serde_json::from_str(&text).expect("JSON");
                assert_eq!(message["payload"][0], next);
                next += 1;
            }
            Heard::Close(code, reason) => break (code, reason),
            other => panic!("heard {other:?}"),
        }
    };
    assert_eq!(closed, (1013, "Slow reader".to_owned()));
    assert!(next < serial);
    publisher.send(&publish("T", r#"["last"]"#));
    assert_eq!(reading.json()["payload"][0], "last");
}

#[test]
fn a_connection_subscribes_to_128_topics() {
    let world = Plan::with("limits.messages_per_second", 0).start();
    let mut client = world
        .dial()
        .token(&world.token("user123"))
        .query("ack=1")
        .connect();
    for topic in 0..128 {
        client.send(&format!("subscribe:{topic}"));
        assert_eq!(client.json()["type"], "ack");
    }
    client.send("subscribe:128");
    let error = client.json();
    assert_eq!(
        (&error["code"], &error["topic"]),
        (&"too_large".into(), &"128".into())
    );
    client.send("subscribe:0");
    assert_eq!(client.json()["type"], "ack");
}

/// One worker, so that one scan looks at every connection.
fn one_worker(plan: Plan) -> World {
    plan.argument("--workers").argument("1").start()
}

/// Milliseconds that a busy machine may add.
const SLACK: u64 = 1500;
