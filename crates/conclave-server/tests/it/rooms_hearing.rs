//! How conversations are heard: each event once, in order, after the answer, and not beyond the
//! end of a membership.

use serde_json::{Value, json};

use crate::client::{Client, Heard, text};
use crate::rooms_world::{
    Gate, call, conversation, fill, greeted, remove, room, send_message, unlimited,
};

#[test]
fn what_is_said_during_a_replay_is_answered_first_and_heard_once_in_its_place() {
    let world = unlimited().start();
    let room = room(&world, "ann", &["bob"]);
    fill(&world, "ann", &room, REPLAYED, &"x".repeat(200));
    let dial = conversation(&world, "bob", &room).query("since=0");
    let mut bob = greeted(dial.receive_buffer(4096).connect());
    let mut ann = greeted(conversation(&world, "ann", &room).connect());
    for number in 0..SAID {
        bob.send(&send_message(&format!("bob {number}")));
        ann.send(&send_message(&format!("ann {number}")));
    }
    let (mut answered, mut heard) = (Vec::new(), Vec::new());
    while heard.len() < REPLAYED + 2 * SAID {
        let frame = bob.json();
        match frame["type"].as_str() {
            Some("message_status") => answered.push(frame["message_id"].clone()),
            Some("user_message") => {
                let own = frame["user_id"] == "bob";
                assert!(
                    !own || answered.contains(&frame["message_id"]),
                    "heard before its answer: {frame}"
                );
                heard.push(frame["seq"].as_u64().expect("a number"));
            }
            Some("presence_update") => {}
            _ => panic!("{frame}"),
        }
    }
    // The room's creation is 1.
    let due: Vec<u64> = (2..).take(heard.len()).collect();
    assert_eq!(heard, due);
    assert_eq!(answered.len(), SAID);
}

#[test]
fn a_close_is_answered_behind_what_came_before_it_also_during_a_replay() {
    let world = unlimited().start();
    let room = room(&world, "ann", &["bob"]);
    fill(&world, "ann", &room, REPLAYED, "filling");
    for since in ["since=0", "since=9000000"] {
        let dial = conversation(&world, "bob", &room).query(since);
        let mut client = dial.connect();
        let mut bytes = Vec::new();
        for number in 0..20 {
            bytes.extend(text(&send_message(&number.to_string())));
        }
        client.send_raw(&bytes);
        client.close(1000);
        let mut own = 0;
        loop {
            match client.next() {
                Heard::Text(text) => {
                    let frame: Value = serde_json::from_str(&text).expect("JSON");
                    let is_own = frame["type"] == "user_message" && frame["user_id"] == "bob";
                    own += u32::from(is_own && frame["content"] != "filling");
                }
                Heard::Close(code, _) => {
                    assert_eq!(code, 1000);
                    break;
                }
                other => panic!("heard {other:?}"),
            }
        }
        assert!(own >= 20, "{own} of its own messages came back");
    }
}

#[test]
fn an_edit_over_socket_io_comes_back_before_the_close_is_answered() {
    let world = unlimited().start();
    let room = room(&world, "ann", &["bob"]);
    for _ in 0..20 {
        let mut gate = Gate::of(&world, "ann");
        gate.emit(
            1,
            "sendMessage",
            &json!({ "channelId": room, "content": "a" }),
        );
        let (ack, answer) = gate.event();
        assert_eq!(ack, "ack 1");
        let edit = json!({ "messageId": answer["data"]["id"], "content": "b" });
        gate.emit(2, "updateMessage", &edit);
        gate.client.close(1000);
        let mut heard = Vec::new();
        while let Some(packet) = gate.packet() {
            heard.push(packet);
        }
        let place = |what: &str| heard.iter().position(|packet| packet.contains(what));
        let answered = place("432[").expect("an answer");
        let edited = place("message.updated").expect("the edit");
        assert!(answered < edited, "{heard:?}");
    }
}

#[test]
fn who_is_removed_hears_their_leaving_last() {
    let world = unlimited().start();
    let mut ann_sends = 0;
    for _ in 0..ROUNDS {
        let room = room(&world, "ann", &["bob", "cid"]);
        let mut bob = greeted(conversation(&world, "bob", &room).connect());
        let mut gate = Gate::of(&world, "bob");
        let mut ann = greeted(conversation(&world, "ann", &room).connect());
        let talk = |client: &mut Client| {
            let bytes: Vec<u8> = (0..SAID)
                .flat_map(|number| text(&send_message(&number.to_string())))
                .collect();
            client.send_raw(&bytes);
        };
        talk(&mut bob);
        for number in 0..20 {
            let data = json!({ "channelId": room, "content": "from bob" });
            gate.emit(number, "sendMessage", &data);
        }
        talk(&mut ann);
        remove(&world, "ann", &room, "bob");
        let left = |frame: &Value| frame["type"] == "member_left" && frame["user_id"] == "bob";
        while !left(&bob.json()) {}
        assert_eq!(bob.closed().0, 4003, "nothing comes after it");
        loop {
            let (name, data) = gate.event();
            if name == "channel.member_left" && data["userId"] == "bob" {
                break;
            }
        }
        // What ann says now nobody tells bob; what he asks is refused.
        talk(&mut ann);
        let typists = json!({ "channelId": room });
        gate.emit(1000, "typing:get", &typists);
        loop {
            let (name, answer) = gate.event();
            if name == "ack 1000" {
                assert_eq!(answer["code"], "not_found", "{answer}");
                break;
            }
            assert!(name.starts_with("ack"), "heard {name} {answer}");
        }
        while ann_sends < SAID {
            ann_sends += usize::from(ann.json()["type"] == "message_status");
        }
        ann_sends = 0;
    }
}

#[test]
fn who_leaves_and_comes_back_at_once_hears_the_room_again() {
    let world = unlimited().start();
    let room = room(&world, "ann", &["bob"]);
    let mut gate = Gate::of(&world, "bob");
    // Enough who hear it that a delivery takes several turns.
    let mut crowd: Vec<Client> = (0..80)
        .map(|_| greeted(conversation(&world, "ann", &room).connect()))
        .collect();
    let invite = format!("/channels/{room}/invitations");
    for round in 0..ROUNDS {
        let bytes: Vec<u8> = (0..SAID)
            .flat_map(|number| text(&send_message(&number.to_string())))
            .collect();
        crowd[0].send_raw(&bytes);
        remove(&world, "ann", &room, "bob");
        let invited = call(
            &world,
            "ann",
            "POST",
            &invite,
            &json!({ "inviteeId": "bob" }),
        );
        assert_eq!(invited.status, 201, "{invited:?}");
        let join = format!("/channels/{room}/join");
        assert!(call(&world, "bob", "POST", &join, &json!({})).status < 300);
        let last = format!("last of {round}");
        let path = format!("/channels/{room}/messages");
        let said = call(&world, "ann", "POST", &path, &json!({ "content": last }));
        assert_eq!(said.status, 201, "{said:?}");
        let mut seen = 0;
        loop {
            let (name, data) = gate.event();
            if name != "message.created" {
                continue;
            }
            let seq = data["seq"].as_u64().expect("a number");
            assert!(seq > seen, "{seq} after {seen}");
            seen = seq;
            if data["content"] == last.as_str() {
                break;
            }
        }
        for client in &mut crowd {
            while client.json()["content"] != last.as_str() {}
        }
    }
}

#[test]
fn as_many_rooms_are_followed_as_the_limit_says() {
    let world = unlimited()
        .set("limits.subscriptions_per_connection", 3)
        .start();
    let rooms: Vec<String> = (0..4).map(|_| room(&world, "ann", &[])).collect();
    let mut feed = world
        .dial()
        .path("/ws/ann")
        .token(&world.token("ann"))
        .connect();
    assert_eq!(feed.json()["type"], "connected");
    for (number, room) in rooms.iter().enumerate() {
        let ask = json!({ "type": "subscribe_conversation", "conversation_id": room });
        feed.send(&ask.to_string());
        let answer = loop {
            let frame = feed.json();
            if frame["type"] != "presence_update" {
                break frame;
            }
        };
        if number < 3 {
            assert_eq!(answer["type"], "subscribed", "{answer}");
        } else {
            assert_eq!(answer["code"], "too_large", "{answer}");
        }
    }
}

#[test]
fn who_begins_to_type_too_often_is_refused_and_others_are_not_told() {
    let world = unlimited()
        .set("limits.user_messages_per_second", 1)
        .start();
    let room = room(&world, "ann", &["bob"]);
    let mut ann = greeted(conversation(&world, "ann", &room).connect());
    let mut refused = 0;
    for _ in 0..50 {
        ann.send(r#"{"type":"typing_start"}"#);
        ann.send(r#"{"type":"typing_stop"}"#);
    }
    ann.send(r#"{"type":"ping"}"#);
    let mut told = 0;
    loop {
        let frame = ann.json();
        match frame["type"].as_str() {
            Some("pong") => break,
            Some("error") => {
                assert_eq!(frame["code"], "rate_limited", "{frame}");
                refused += 1;
            }
            Some("typing_indicator") => told += 1,
            _ => {}
        }
    }
    assert!(refused >= 40, "{refused} of 50 refused");
    assert!(told <= 20, "{told} times told");
}

/// More than several reads of the store.
const REPLAYED: usize = 450;
const SAID: usize = 40;
const ROUNDS: usize = 6;
