//! The `service` dialect at `/chat`: the generated service over the core's rooms.

use serde_json::{Value, json};

use crate::client::{Client, Dial, Heard, frame};
use crate::http::Request;
use crate::rooms_world::{Gate, call, conversation, greeted, remove, room, token_of, unlimited};
use crate::world::{Plan, Token, World, eventually};
use conclave_websocket::Opcode;

const FIRST: &str = "7f8e4d2a-3c1b-4a5e-9f60-1b2c3d4e5f60";
const SECOND: &str = "0b9d2f4e-6a8c-4e1f-8b3d-5c7e9f1a2b3c";

fn chat(world: &World, user: &str) -> Dial {
    world.dial().path("/chat").token(&world.token(user))
}

fn envelope(operation: &str, id: &str, payload: &Value) -> String {
    json!({ "operation": operation, "correlation_id": id, "payload": payload }).to_string()
}

fn message(id: &str, room: &str, content: &str) -> Value {
    json!({
        "message_id": id, "room_id": room, "user_id": "somebody", "username": "else",
        "content": content, "message_type": "Text", "timestamp": "2026-01-24T10:25:37Z",
    })
}

fn ask(client: &mut Client, operation: &str, id: &str, payload: &Value) -> Value {
    client.send(&envelope(operation, id, payload));
    let answer = client.json();
    assert_eq!(answer["operation"], operation, "{answer}");
    assert_eq!(answer["correlation_id"], id, "{answer}");
    answer
}

fn refused(client: &mut Client, operation: &str, payload: &Value) -> String {
    let answer = ask(client, operation, "refuse me", payload);
    assert_eq!(answer["error"]["correlation_id"], "refuse me", "{answer}");
    assert_eq!(answer["payload"], Value::Null);
    answer["error"]["code"].as_str().expect("a code").to_owned()
}

/// A connection that is known to hear its rooms: before that it answers nothing.
fn hearing(dial: Dial) -> Client {
    let mut client = dial.connect();
    let nothing = json!({ "message_id": 1 });
    assert_eq!(
        refused(&mut client, "nothing", &nothing),
        "unknown_operation"
    );
    client
}

#[test]
fn a_message_is_delivered_and_every_dialect_sees_it() {
    let world = unlimited().start();
    let room = room(&world, "ann", &["bob", "carol"]);
    let mut bob = Gate::of(&world, "bob");
    let mut carol = greeted(conversation(&world, "carol", &room).connect());
    let mut ann = chat(&world, "ann").connect();
    let sent = message(FIRST, &room, "Good morning!");
    let answer = ask(&mut ann, "sendChatMessage", "c-1", &sent);
    assert_eq!(answer["error"], Value::Null, "{answer}");
    let delivered = &answer["payload"];
    assert_eq!(
        (&delivered["message_id"], &delivered["status"]),
        (&json!(FIRST), &json!("Delivered"))
    );
    let own = ann.json();
    assert_eq!(own["operation"], "receiveChatMessage");
    assert_eq!(own["channel"], format!("chat/rooms/{room}/messages"));
    assert_eq!(own["payload"]["user_id"], "ann", "whom the token proves");
    assert_eq!(own["payload"]["timestamp"], delivered["delivered_at"]);
    let (name, heard) = bob.event();
    assert_eq!(name, "message.created");
    assert_eq!(
        (&heard["id"], &heard["userId"]),
        (&json!(FIRST), &json!("ann"))
    );
    let by_carol = heard_as(&mut carol, "user_message");
    assert_eq!(by_carol["message_id"], FIRST);
    assert_eq!(by_carol["seq"], own["payload"]["seq"]);
    let data = json!({ "channelId": room, "content": "Hello", "parentId": FIRST });
    bob.emit(1, "sendMessage", &data);
    let back = ann.json();
    assert_eq!(back["operation"], "receiveChatMessage");
    assert_eq!(back["payload"]["content"], "Hello");
    assert_eq!(back["payload"]["reply_to"], FIRST);
    let (_, acked) = bob.event();
    let id = acked["data"]["id"].clone();
    bob.emit(
        2,
        "updateMessage",
        &json!({ "messageId": id, "content": "Hello!" }),
    );
    let changed = ann.json();
    assert_eq!(changed["operation"], "receiveChatMessageUpdated");
    assert_eq!(changed["payload"]["content"], "Hello!");
    assert!(changed["payload"]["edited_at"].is_string());
    bob.emit(3, "deleteMessage", &json!({ "messageId": id }));
    let gone = ann.json();
    assert_eq!(gone["operation"], "receiveChatMessageDeleted");
    assert_eq!(
        (&gone["payload"]["message_id"], &gone["payload"]["user_id"]),
        (&id, &json!("bob"))
    );
}

#[test]
fn a_moderator_speaks_as_the_server_and_every_dialect_says_so() {
    let world = unlimited().start();
    let room = room(&world, "ann", &["bob", "carol"]);
    let token = token_of(
        &world,
        "ann",
        &["conversation.read", "chat:send", "chat:moderate"],
    );
    let mut ann = world.dial().path("/chat").token(&token).connect();
    let mut bob = Gate::of(&world, "bob");
    let mut carol = greeted(conversation(&world, "carol", &room).connect());
    let mut word = message(FIRST, &room, "The room closes at six.");
    word["message_type"] = json!("System");
    let answer = ask(&mut ann, "sendChatMessage", "s-1", &word);
    assert_eq!(answer["payload"]["status"], "Delivered", "{answer}");
    assert_eq!(ann.json()["payload"]["message_type"], "System");
    assert_eq!(bob.event().1["messageType"], "System");
    let heard = heard_as(&mut carol, "user_message");
    assert_eq!(
        (&heard["message_type"], &heard["user_id"]),
        (&json!("System"), &json!("ann"))
    );
    let path = format!("/channels/{room}/messages");
    let page = call(&world, "bob", "GET", &path, &Value::Null).json();
    assert_eq!(page[0]["messageType"], "System");
}

fn heard_as(client: &mut Client, kind: &str) -> Value {
    loop {
        let frame = client.json();
        if frame["type"] == kind {
            return frame;
        }
    }
}

#[test]
fn the_same_message_is_stored_once_and_an_id_is_its_first_users() {
    let world = unlimited().start();
    let room = room(&world, "ann", &["bob"]);
    let mut ann = chat(&world, "ann").connect();
    let mut bob = hearing(chat(&world, "bob"));
    let sent = message(FIRST, &room, "once");
    let first = ask(&mut ann, "sendChatMessage", "1", &sent);
    assert_eq!(ann.json()["operation"], "receiveChatMessage");
    let again = ask(&mut ann, "sendChatMessage", "2", &sent);
    assert_eq!(first["payload"], again["payload"]);
    let other = message(FIRST, &room, "twice");
    assert_eq!(refused(&mut ann, "sendChatMessage", &other), "conflict");
    assert_eq!(bob.json()["payload"]["content"], "once");
    assert_eq!(refused(&mut bob, "sendChatMessage", &sent), "conflict");
    // Nothing came of the others.
    ask(
        &mut bob,
        "sendChatMessage",
        "3",
        &message(SECOND, &room, "mine"),
    );
    assert_eq!(bob.json()["payload"]["content"], "mine");
    assert_eq!(ann.json()["payload"]["content"], "mine");
}

#[test]
fn both_spellings_are_read_and_each_is_answered_in_its_own() {
    let world = unlimited().start();
    let room = room(&world, "ann", &["bob"]);
    let mut ann = chat(&world, "ann").connect();
    let mut bob = chat(&world, "bob").query("case=camel").connect();
    let mut snake = chat(&world, "bob").query("case=snake").connect();
    for client in [&mut bob, &mut snake] {
        // A request that changes nothing: now they are known to hear.
        assert_eq!(
            refused(client, "nothing", &json!({ "messageId": 1 })),
            "unknown_operation"
        );
    }
    let sent = json!({
        "messageId": FIRST, "roomId": room, "userId": "x", "username": "x", "content": "Hi",
        "messageType": "text", "timestamp": "2026-01-24T10:25:37Z",
    });
    let answer = ask(&mut ann, "sendChatMessage", "1", &sent);
    assert_eq!(answer["payload"]["messageId"], FIRST, "{answer}");
    assert_eq!(answer["payload"]["status"], "Delivered");
    assert_eq!(
        ann.json()["payload"]["messageId"],
        FIRST,
        "as its last request"
    );
    assert_eq!(bob.json()["payload"]["messageId"], FIRST);
    assert_eq!(snake.json()["payload"]["message_id"], FIRST);
    let answer = ask(
        &mut ann,
        "sendChatMessage",
        "2",
        &message(SECOND, &room, "Hi"),
    );
    assert_eq!(answer["payload"]["message_id"], SECOND);
    assert_eq!(ann.json()["payload"]["message_id"], SECOND);
}

#[test]
fn what_is_not_allowed_is_refused_with_its_correlation_id() {
    let world = unlimited().start();
    let room = room(&world, "ann", &[]);
    let mut bob = chat(&world, "bob").connect();
    let hidden = message(FIRST, &room, "let me in");
    assert_eq!(refused(&mut bob, "sendChatMessage", &hidden), "not_found");
    let none = message(FIRST, "no-such-room", "anybody?");
    assert_eq!(refused(&mut bob, "sendChatMessage", &none), "not_found");
    for operation in ["receiveChatMessage", "dropTables"] {
        assert_eq!(refused(&mut bob, operation, &hidden), "unknown_operation");
    }
    let long = message(FIRST, &room, &"x".repeat(2001));
    assert_eq!(
        refused(&mut bob, "sendChatMessage", &long),
        "invalid_payload"
    );
    let mut system = hidden.clone();
    system["message_type"] = json!("System");
    assert_eq!(refused(&mut bob, "sendChatMessage", &system), "forbidden");
    let mut upright = greeted(conversation(&world, "ann", &room).connect());
    let ask = json!({ "type": "send_message", "content": "I rule", "message_type": "System" });
    upright.send(&ask.to_string());
    assert_eq!(heard_as(&mut upright, "error")["code"], "forbidden");
    let token = token_of(&world, "bob", &["conversation.read"]);
    let mut reader = world.dial().path("/chat").token(&token).connect();
    assert_eq!(
        refused(&mut reader, "sendChatMessage", &hidden),
        "forbidden"
    );
    let update = json!({ "request_id": FIRST, "updates": {}, "timestamp": "2026-01-24T10:25:37Z" });
    assert_eq!(
        refused(&mut reader, "updateUserProfile", &update),
        "forbidden"
    );
    bob.send("{");
    assert_eq!(bob.json()["error"]["code"], "invalid_payload");
    bob.send_raw(&frame(Opcode::Binary, b"bytes"));
    assert_eq!(bob.closed().0, 1003);
}

#[test]
fn handshakes_are_judged_as_everywhere() {
    let plan = Plan::new().users(&[("user123", "user"), ("testuser", "user")]);
    let world = plan
        .set("dialects.service.require", "profile:update")
        .start();
    assert_eq!(world.dial().path("/chat").connect().closed().0, 4001);
    let bad = world.dial().path("/chat").token("e30.e30.e30");
    assert_eq!(bad.connect().closed().0, 4001);
    let poor = token_of(&world, "user123", &["chat:send"]);
    assert_eq!(
        world.dial().path("/chat").token(&poor).connect().closed().0,
        4003
    );
    let mut open = chat(&world, "user123").connect();
    let update = json!({
        "request_id": FIRST, "timestamp": "2026-01-24T10:25:37Z",
        "updates": {
            "display_name": "Ann of the hills", "avatar": "https://example.com/a.png",
            "bio": "I answer after lunch.",
        },
    });
    let answer = ask(&mut open, "updateUserProfile", "1", &update);
    assert_eq!(answer["payload"]["success"], true, "{answer}");
    assert_eq!(
        answer["payload"]["updated_fields"],
        json!(["display_name", "bio", "avatar"])
    );
    let profile = &answer["payload"]["profile"];
    assert_eq!(profile["display_name"], "Ann of the hills");
    assert_eq!(profile["bio"], "I answer after lunch.");
    assert!(profile["joined_at"].is_string(), "{profile}");
    assert_eq!(profile["is_online"], true);
    let token = world.token("user123");
    let me = Request::new(world.address(), "GET", "/users/me").bearer(&token);
    let me = me.send().json();
    assert_eq!(
        (&me["bio"], &me["name"]),
        (&profile["bio"], &profile["display_name"])
    );
    assert!(me["joinedAt"].is_string(), "{me}");
    let mut plain = update.clone();
    plain["updates"] = json!({ "avatar": "http://example.com/a.png" });
    let answer = ask(&mut open, "updateUserProfile", "2", &plain);
    assert_eq!(answer["payload"]["success"], false);
    assert_eq!(answer["payload"]["errors"][0]["field"], "updates.avatar");
    let admin = world.sign(&Token::of("admin").role("admin"));
    let stats = Request::new(world.address(), "GET", "/ws/stats").bearer(&admin);
    let counted = &stats.send().json()["stats"]["websocket_manager"]["connection_types"];
    assert_eq!(counted["service"], 1, "{counted}");
    let output = world.run(&["user", "disable", "user123"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(open.closed_at_last().0, 4001);
}

#[test]
fn a_newer_token_of_the_same_user_takes_the_place_of_the_old_one() {
    let world = unlimited().start();
    let room = room(&world, "ann", &[]);
    let mut ann = chat(&world, "ann").connect();
    let renew = |token: &str| json!({ "token": token });
    let others = renew(&world.token("bob"));
    assert_eq!(refused(&mut ann, "refreshToken", &others), "forbidden");
    assert_eq!(
        refused(&mut ann, "refreshToken", &renew("e30.e30.e30")),
        "unauthenticated"
    );
    let reader = token_of(&world, "ann", &["conversation.read"]);
    let answer = ask(&mut ann, "refreshToken", "1", &renew(&reader));
    assert_eq!(answer["payload"], json!({ "success": true }), "{answer}");
    let sent = message(FIRST, &room, "may I?");
    assert_eq!(refused(&mut ann, "sendChatMessage", &sent), "forbidden");
    ask(&mut ann, "refreshToken", "2", &renew(&world.token("ann")));
    let answer = ask(&mut ann, "sendChatMessage", "3", &sent);
    assert_eq!(answer["payload"]["status"], "Delivered");
}

#[test]
fn a_room_is_heard_from_its_entering_to_its_leaving() {
    let world = unlimited().start();
    let mut bob = chat(&world, "bob").connect();
    assert_eq!(
        refused(&mut bob, "nothing", &json!({})),
        "unknown_operation"
    );
    let room = room(&world, "ann", &["bob"]);
    let mut ann = chat(&world, "ann").connect();
    ask(
        &mut ann,
        "sendChatMessage",
        "1",
        &message(FIRST, &room, "welcome"),
    );
    assert_eq!(bob.json()["payload"]["content"], "welcome");
    let read = json!({ "message_id": FIRST, "status": "Read" });
    let answer = ask(&mut bob, "updateMessageStatus", "2", &read);
    assert_eq!(answer["payload"], json!({ "success": true }));
    assert_eq!(ann.json()["operation"], "receiveChatMessage");
    assert_eq!(refused(&mut ann, "updateMessageStatus", &read), "forbidden");
    let members = format!("/channels/{room}/presence");
    let presence = call(&world, "ann", "GET", &members, &Value::Null).json();
    let online = |user: &str| {
        let all = presence.as_array().expect("a list");
        all.iter()
            .any(|one| one["userId"] == user && one["isOnline"] == true)
    };
    assert!(online("ann") && online("bob"), "{presence}");
    remove(&world, "ann", &room, "bob");
    eventually("bob is no member", || {
        let again = message(SECOND, &room, "still here?");
        (refused(&mut bob, "sendChatMessage", &again) == "not_found").then_some(())
    });
    ask(
        &mut ann,
        "sendChatMessage",
        "3",
        &message(SECOND, &room, "gone"),
    );
    assert_eq!(ann.json()["payload"]["content"], "gone");
    // Bob hears his own answer next, and nothing of the room.
    assert_eq!(
        refused(&mut bob, "nothing", &json!({})),
        "unknown_operation"
    );
}

#[test]
fn a_client_that_is_too_fast_is_told_so_and_then_closed() {
    let plan = Plan::with("limits.messages_per_second", 1).set("limits.messages_burst", 2);
    let world = plan.start();
    let mut ann = chat(&world, "ann").connect();
    for number in 0..110 {
        ann.send(&envelope("nothing", &number.to_string(), &Value::Null));
    }
    let (mut codes, mut closed) = (Vec::new(), None);
    while closed.is_none() {
        match ann.next() {
            Heard::Text(text) => {
                let answer: Value = serde_json::from_str(&text).expect("JSON");
                assert_eq!(answer["correlation_id"], codes.len().to_string());
                codes.push(answer["error"]["code"].clone());
            }
            Heard::Close(code, _) => closed = Some(code),
            other => panic!("heard {other:?}"),
        }
    }
    assert_eq!(closed, Some(1008));
    assert!(codes.contains(&json!("rate_limited")), "{codes:?}");
}

#[test]
fn what_was_asked_before_a_close_is_answered_before_it() {
    let world = unlimited().start();
    let room = room(&world, "ann", &[]);
    let mut ann = chat(&world, "ann").connect();
    ann.send(&envelope(
        "sendChatMessage",
        "1",
        &message(FIRST, &room, "bye"),
    ));
    ann.close(1000);
    assert_eq!(ann.json()["payload"]["status"], "Delivered");
    assert_eq!(ann.json()["operation"], "receiveChatMessage");
    assert_eq!(ann.closed().0, 1000);
}
