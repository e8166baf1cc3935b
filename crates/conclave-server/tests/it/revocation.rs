//! What ends a token before its time.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Client, Heard, publish};
use crate::http::Request;
use crate::world::{Plan, Token, World, now};

#[test]
fn a_user_disabled_by_the_command_line_is_cut_off() {
    let world = with_users();
    let mut cut = world.connect("user123");
    let mut other = world.connect("testuser");
    cut.barrier();
    other.barrier();
    let output = world.run(&["user", "disable", "user123"]);
    assert!(output.status.success(), "{output:?}");
    assert_cut(&mut cut, Instant::now(), Duration::from_secs(2));
    assert_eq!(world.connect("user123").closed(), expired());
    other.barrier();
    let output = world.run(&["user", "enable", "user123"]);
    assert!(output.status.success(), "{output:?}");
    crate::world::eventually("the user is let in again", || {
        let mut client = world.connect("user123");
        client.send("ping");
        (client.next() == Heard::Text("pong".to_owned())).then_some(())
    });
}

#[test]
fn a_user_who_loses_what_a_surface_requires_is_cut_off() {
    let plan = Plan::new().users(&[("user123", "user"), ("testuser", "user")]);
    let world = plan.set("dialects.topics.require", "wallet.read").start();
    let mut cut = world.connect("user123");
    let mut other = world.connect("testuser");
    cut.barrier();
    other.barrier();
    let roles = ["--role", "moderator", "--remove-role", "user"];
    let output = world.run(&[&["user", "grant", "user123"][..], &roles].concat());
    assert!(output.status.success(), "{output:?}");
    assert_eq!(cut.closed_at_last().0, 1008);
    other.barrier();
}

#[test]
fn a_token_revoked_by_the_command_line_is_cut_off() {
    let world = with_users();
    let token = world.token("user123");
    let mut cut = world.dial().token(&token).connect();
    let mut other = world.connect("user123");
    cut.barrier();
    other.barrier();
    let output = world.run(&["token", "revoke", &token]);
    assert!(output.status.success(), "{output:?}");
    assert_cut(&mut cut, Instant::now(), Duration::from_secs(2));
    assert_eq!(world.dial().token(&token).connect().closed(), expired());
    other.barrier();
}

#[test]
fn revocations_outlive_a_crash() {
    let mut world = with_users();
    let (token, other) = (world.token("user123"), world.token("user123"));
    let mut cut = world.dial().token(&token).connect();
    assert!(world.run(&["token", "revoke", &token]).status.success());
    assert_eq!(cut.closed(), expired());
    world.crash();
    let world = Plan::new().folder(world.folder()).start();
    assert_eq!(world.dial().token(&token).connect().closed(), expired());
    world.dial().token(&other).connect().barrier();
}

#[test]
fn a_role_taken_away_ends_what_it_allowed() {
    let world = with_users();
    let mut client = world.subscriber("user123", "T");
    let arguments = ["--remove-role", "user", "--permission", "topic.publish"];
    let output = world.run(&[&["user", "grant", "user123"], &arguments[..]].concat());
    assert!(output.status.success(), "{output:?}");
    let changed = Instant::now();
    let event = client.json();
    assert!(changed.elapsed() < Duration::from_secs(2) + SLACK);
    assert_eq!(
        (&event["type"], &event["topic"]),
        (&json!("error"), &json!("T")),
        "{event}"
    );
    assert_eq!(event["code"], "forbidden");
    client.send(&publish("T", 1));
    client.barrier();
    client.send("subscribe:T");
    assert_eq!(client.json()["code"], "forbidden");
    client.send(r#"{"type":"test"}"#);
    assert_eq!(client.json()["type"], "error");
}

#[test]
fn logging_out_closes_the_connection_and_drops_what_waits_for_it() {
    let world = with_users_and_password();
    let token = sign_in(&world, None);
    let other = sign_in(&world, None);
    // A reader that is behind: its outbox is full of things it must not get any more.
    let mut behind = world
        .dial()
        .receive_buffer(16 * 1024)
        .token(&token)
        .connect();
    behind.send("subscribe:T");
    behind.barrier();
    let mut reading = world.dial().token(&other).connect();
    reading.send("subscribe:T");
    reading.barrier();
    let padding = "x".repeat(60 * 1024);
    let published = 80;
    for serial in 0..published {
        reading.send(&publish("T", format!(r#"[{serial},"{padding}"]"#)));
        assert_eq!(reading.json()["payload"][0], serial);
    }
    let mut prompt = world.dial().token(&token).connect();
    prompt.barrier();
    let answer = Request::post(world.address(), "/auth/logout", &json!({}))
        .bearer(&token)
        .send();
    let logged_out = Instant::now();
    assert_eq!(answer.status, 204, "{answer:?}");
    assert_cut(&mut prompt, logged_out, Duration::from_millis(250));
    let mut heard = 0;
    let closed = loop {
        match behind.next() {
            Heard::Text(_) => heard += 1,
            Heard::Close(code, reason) => break (code, reason),
            other => panic!("heard {other:?}"),
        }
    };
    assert_eq!(closed, expired());
    assert!(heard < published, "nothing was dropped");
    assert_eq!(world.dial().token(&token).connect().closed(), expired());
    reading.barrier();
}

#[test]
fn logging_out_everywhere_closes_everything_of_the_user() {
    let world = with_users_and_password();
    let (first, second) = (sign_in(&world, None), sign_in(&world, Some("s1")));
    let mut clients = [&first, &second].map(|token| world.dial().token(token).connect());
    let mut other = world.connect("testuser");
    clients.iter_mut().for_each(Client::barrier);
    let answer = Request::post(world.address(), "/auth/logout", &json!({"all": true}));
    assert_eq!(answer.bearer(&first).send().status, 204);
    let logged_out = Instant::now();
    for client in &mut clients {
        assert_cut(client, logged_out, Duration::from_millis(250));
    }
    other.barrier();
    world
        .dial()
        .token(&sign_in(&world, None))
        .connect()
        .barrier();
}

#[test]
fn an_administrator_revokes_by_token_user_and_session() {
    let world = with_users();
    let admin = world.sign(&Token::of("admin").role("admin"));
    let revoke = |body: Value| {
        let answer = Request::post(world.address(), "/auth/revoke", &body)
            .bearer(&admin)
            .send();
        assert_eq!(answer.status, 204, "{answer:?}");
        Instant::now()
    };
    let connect = |token: &Token| world.dial().token(&world.sign(token)).connect();

    let token = world.token("user123");
    let mut by_token = world.dial().token(&token).connect();
    let mut kept = world.connect("user123");
    by_token.barrier();
    let at = revoke(json!({ "token": token }));
    assert_cut(&mut by_token, at, Duration::from_millis(250));
    kept.barrier();

    let mut in_session = connect(&Token::of("testuser").session("s1"));
    let mut outside = connect(&Token::of("testuser"));
    in_session.barrier();
    let at = revoke(json!({ "session_id": "s1" }));
    assert_cut(&mut in_session, at, Duration::from_millis(250));
    outside.barrier();

    let at = revoke(json!({ "user_id": "user123" }));
    assert_cut(&mut kept, at, Duration::from_millis(250));
    outside.barrier();
    // Tokens issued later count again.
    crate::world::eventually("a token issued later is accepted", || {
        let mut token = Token::of("user123");
        token.issued_at = now();
        let mut client = connect(&token);
        client.send("ping");
        (client.next() == Heard::Text("pong".to_owned())).then_some(())
    });

    let answer = Request::post(
        world.address(),
        "/auth/revoke",
        &json!({ "user_id": "testuser" }),
    );
    assert_eq!(answer.bearer(&world.token("testuser")).send().status, 403);
    outside.barrier();
}

/// The connection closes as one whose token ended, so soon after `since`.
fn assert_cut(client: &mut Client, since: Instant, within: Duration) {
    assert_eq!(client.closed(), expired());
    let took = since.elapsed();
    assert!(took < within + SLACK, "{took:?}");
}

fn expired() -> (u16, String) {
    (1008, "Invalid or expired token".to_owned())
}

fn with_users() -> World {
    let users = [
        ("user123", "user"),
        ("testuser", "user"),
        ("admin", "admin"),
    ];
    Plan::with("limits.refused_handshakes_per_minute", 0)
        .users(&users)
        .start()
}

/// Dev mode, whose users have passwords. No reader is slow.
fn with_users_and_password() -> World {
    Plan::with("limits.messages_per_second", 0)
        .set("limits.outbox_bytes", 0)
        .argument("--dev")
        .start()
}

fn sign_in(world: &World, session: Option<&str>) -> String {
    let mut body = json!({ "username": "user123", "password": "password" });
    if let Some(session) = session {
        body["session_id"] = session.into();
    }
    let answer = Request::post(world.address(), "/auth/token", &body).send();
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["token"].as_str().expect("a token").to_owned()
}

/// What a busy machine may add.
const SLACK: Duration = Duration::from_millis(750);
