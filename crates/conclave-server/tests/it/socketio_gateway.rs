//! Socket.IO by WebSocket: what was missed, coming back, permissions that end.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::Heard;
use crate::http::Request;
use crate::rooms_world::{Gate, call, fill, room, token_of, unlimited};
use crate::world::{Token, World};

#[test]
fn offline_messages_come_at_the_readers_pace_and_make_no_slow_reader() {
    let world = unlimited().set("limits.outbox_bytes", 64 * 1024).start();
    let room = room(&world, "ann", &["bob"]);
    // Written as six characters each.
    let content = "\u{1}".repeat(1990);
    fill(&world, "ann", &room, 520, &format!("long {content}"));
    let dial = Gate::dial(&world).receive_buffer(4096);
    let mut gate = Gate::with(&dial, &json!({ "token": world.token("bob") }));
    let mut seen = 1;
    loop {
        let (name, data) = gate.event();
        match name.as_str() {
            "message.created" => {
                seen += 1;
                assert_eq!(data["seq"], seen, "each once and in order");
            }
            "offline.end" => {
                assert_eq!(data["remaining"], 20);
                break;
            }
            _ => panic!("{name}"),
        }
    }
    assert_eq!(seen, 501);
    say(&world, &room, "live");
    assert_eq!(gate.event().1["content"], "live");
}

#[test]
fn no_more_offline_messages_come_than_the_limit_says() {
    let world = unlimited().set("limits.offline_messages", 50).start();
    let room = room(&world, "ann", &["bob"]);
    fill(&world, "ann", &room, 70, "short");
    let auth = json!({ "token": world.token("bob") });
    let mut gate = Gate::with(&Gate::dial(&world), &auth);
    for seq in 2..52 {
        let (name, data) = gate.event();
        assert_eq!(
            (name.as_str(), &data["seq"]),
            ("message.created", &json!(seq))
        );
    }
    assert_eq!(
        gate.event(),
        ("offline.end".to_owned(), json!({ "remaining": 20 }))
    );
}

#[test]
fn rooms_entered_while_connecting_are_heard_and_nothing_comes_twice() {
    let world = unlimited().start();
    for round in 0..6 {
        let user = format!("bob{round}");
        let (rooms, mut gate, mut heard) = std::thread::scope(|scope| {
            let making = scope.spawn(|| {
                let make = |number| {
                    let room = room(&world, "ann", &[&user]);
                    say(&world, &room, &format!("first {number}"));
                    room
                };
                (0..MADE).map(make).collect::<Vec<_>>()
            });
            let auth = json!({ "token": world.token(&user) });
            let mut gate = Gate::with(&Gate::dial(&world), &auth);
            let mut heard = Vec::new();
            while heard.len() < MADE {
                let (name, data) = gate.event();
                if name == "message.created" {
                    heard.push(data["content"].to_string());
                }
            }
            (making.join().expect("rooms"), gate, heard)
        });
        for (number, room) in rooms.iter().enumerate() {
            say(&world, room, &format!("second {number}"));
        }
        while heard.len() < 2 * MADE {
            let (name, data) = gate.event();
            if name == "message.created" {
                heard.push(data["content"].to_string());
            }
        }
        heard.sort();
        heard.dedup();
        assert_eq!(heard.len(), 2 * MADE, "each once: {heard:?}");
    }
}

#[test]
fn who_comes_back_is_sent_exactly_what_was_missed() {
    let world = unlimited().start();
    let rooms = [room(&world, "ann", &["bob"]), room(&world, "ann", &["bob"])];
    let mut gate = Gate::of(&world, "bob");
    let mut serial = 0;
    for _ in 0..5 {
        for room in &rooms {
            serial += 1;
            say(&world, room, &serial.to_string());
            assert_eq!(gate.event().1["content"], serial.to_string());
        }
        let auth = gate.auth(&world, "bob");
        let (sid, pid) = (gate.welcome["sid"].clone(), gate.welcome["pid"].clone());
        // It does not say goodbye.
        drop(gate);
        wait_until_gone(&world);
        let missed: Vec<String> = (0..150)
            .map(|number| {
                serial += 1;
                say(&world, &rooms[number % 2], &serial.to_string());
                serial.to_string()
            })
            .collect();
        // Neither somebody else, nor the secret alone.
        let mut other = auth.clone();
        other["token"] = world.token("cid").into();
        let stranger = Gate::with(&Gate::dial(&world), &other);
        assert_ne!(stranger.welcome["pid"], pid);
        gate = Gate::with(&Gate::dial(&world), &auth);
        assert_eq!((&gate.welcome["sid"], &gate.welcome["pid"]), (&sid, &pid));
        for content in &missed {
            let (name, data) = gate.event();
            assert_eq!(
                (name.as_str(), &data["content"]),
                ("message.created", &json!(content))
            );
        }
    }
}

#[test]
fn who_comes_back_before_being_missed_takes_its_own_place() {
    let world = unlimited().start();
    let room = room(&world, "ann", &["bob"]);
    let mut first = Gate::of(&world, "bob");
    say(&world, &room, "one");
    assert_eq!(first.event().1["content"], "one");
    let auth = first.auth(&world, "bob");
    say(&world, &room, "two");
    assert_eq!(first.event().1["content"], "two");
    let mut other = auth.clone();
    other["token"] = world.token("cid").into();
    let stranger = Gate::with(&Gate::dial(&world), &other);
    assert_ne!(stranger.welcome["pid"], first.welcome["pid"]);
    let mut back = Gate::with(&Gate::dial(&world), &auth);
    assert_eq!(back.welcome["pid"], first.welcome["pid"]);
    // Stock clients do not come back from a DISCONNECT, so two never take turns.
    let rest = std::iter::from_fn(|| first.packet());
    let rest: Vec<String> = rest.filter(|packet| !packet.contains("presence")).collect();
    assert_eq!(rest, ["41"]);
    assert_eq!(back.event().1["content"], "two");
    say(&world, &room, "three");
    assert_eq!(back.event().1["content"], "three");
}

#[test]
fn a_room_entered_while_connected_does_not_repeat_what_other_rooms_said_on_return() {
    let world = unlimited().start();
    let first = room(&world, "ann", &["bob"]);
    let later = room(&world, "ann", &[]);
    let mut gate = Gate::of(&world, "bob");
    say(&world, &first, "one");
    assert_eq!(gate.event().1["content"], "one");
    let invite = format!("/channels/{later}/invitations");
    let invited = call(
        &world,
        "ann",
        "POST",
        &invite,
        &json!({ "inviteeId": "bob" }),
    );
    assert_eq!(invited.status, 201, "{invited:?}");
    let join = format!("/channels/{later}/join");
    assert!(call(&world, "bob", "POST", &join, &json!({})).status < 300);
    loop {
        let (name, data) = gate.event();
        if name == "channel.member_joined" && data["userId"] == "bob" {
            break;
        }
    }
    let auth = gate.auth(&world, "bob");
    drop(gate);
    wait_until_gone(&world);
    say(&world, &first, "two");
    let mut gate = Gate::with(&Gate::dial(&world), &auth);
    assert_eq!(gate.event().1["content"], "two");
}

#[test]
fn a_revoked_token_ends_a_connection_that_reads_nothing_of_what_it_missed() {
    let world = unlimited().start();
    let room = room(&world, "ann", &["bob"]);
    fill(&world, "ann", &room, 500, &"\u{1}".repeat(1990));
    let dial = Gate::dial(&world).receive_buffer(4096);
    let mut gate = Gate::with(&dial, &json!({ "token": world.token("bob") }));
    assert_eq!(gate.event().0, "message.created");
    let admin = world.sign(&Token::of("admin").role("admin"));
    let revoke = Request::post(
        world.address(),
        "/auth/revoke",
        &json!({ "user_id": "bob" }),
    );
    assert_eq!(revoke.bearer(&admin).send().status, 204);
    let at = Instant::now();
    world.wait_for_audit(|line| {
        let is_it = line["event"] == "connection_cut" && line["user"] == "bob";
        is_it.then_some(())
    });
    assert!(at.elapsed() < Duration::from_millis(250) + SLACK);
    let mut heard = 0;
    loop {
        match gate.client.next() {
            Heard::Text(_) => heard += 1,
            Heard::Close(..) | Heard::End => break,
            other => panic!("heard {other:?}"),
        }
    }
    assert!(heard < 500, "what waited was dropped");
}

#[test]
fn a_token_with_fewer_permissions_ends_what_they_allowed() {
    let world = unlimited().start();
    let room = room(&world, "ann", &["bob"]);
    let mut gate = Gate::of(&world, "bob");
    let fewer = token_of(&world, "bob", &["chat:send"]);
    gate.emit(1, "auth:refresh", &json!({ "token": fewer }));
    let (name, data) = gate.event();
    assert_eq!(name, "error");
    assert_eq!(data["code"], "forbidden", "{data}");
    assert_eq!(gate.event().0, "ack 1");
    say(&world, &room, "not for bob");
    gate.emit(2, "typing:get", &json!({ "channelId": room }));
    let (name, answer) = gate.event();
    assert_eq!(name, "ack 2", "{answer}");
    assert_eq!(answer["success"], false);
}

fn say(world: &World, room: &str, content: &str) {
    let path = format!("/channels/{room}/messages");
    let said = call(world, "ann", "POST", &path, &json!({ "content": content }));
    assert_eq!(said.status, 201, "{said:?}");
}

/// Until no connection is left.
fn wait_until_gone(world: &World) {
    let admin = world.sign(&Token::of("admin").role("admin"));
    crate::world::eventually("nobody is connected", || {
        let list = Request::new(world.address(), "GET", "/api/v1/connections");
        let list = list.bearer(&admin).send().json();
        let of_bob = |each: &Value| each["user_id"] == "bob";
        (!list.as_array().expect("a list").iter().any(of_bob)).then_some(())
    });
}

/// Rooms made while somebody connects.
const MADE: usize = 12;
/// What a busy machine may add.
const SLACK: Duration = Duration::from_millis(750);
