//! Servers whose store is in PostgreSQL.

use conclave_testkit::postgres::{Database, Server};
use serde_json::{Value, json};

use crate::rooms_world::{call, conversation, fill, greeted, room, send_message, unlimited};
use crate::world::{World, eventually};

/// The messages of a room, oldest first: place and content.
fn history(world: &World, room: &str) -> Vec<(u64, String)> {
    let path = format!("/channels/{room}/messages?limit=100");
    let answer = call(world, "ann", "GET", &path, &Value::Null);
    assert_eq!(answer.status, 200, "{answer:?}");
    let body = answer.json();
    let messages = body["messages"].as_array().or_else(|| body.as_array());
    let mut messages: Vec<_> = messages
        .expect("messages")
        .iter()
        .map(|message| {
            let content = message["content"].as_str().expect("a text");
            (
                message["seq"].as_u64().expect("a number"),
                content.to_owned(),
            )
        })
        .collect();
    messages.sort_unstable();
    messages
}

#[test]
fn two_servers_on_one_database_give_one_sequence() {
    let database = Database::new();
    let plan = || unlimited().set("store.url", database.url());
    let (one, other) = (plan().start(), plan().start());
    let room = room(&one, "ann", &["bob"]);
    std::thread::scope(|scope| {
        for (world, name) in [(&one, "ann"), (&other, "bob")] {
            let room = &room;
            scope.spawn(move || fill(world, name, room, 40, name));
        }
    });
    let stored = history(&one, &room);
    assert_eq!(history(&other, &room), stored);
    let seqs: Vec<u64> = stored.iter().map(|(seq, _)| *seq).collect();
    // The room's creation is 1.
    assert_eq!(seqs, (2..82).collect::<Vec<_>>());
    for name in ["ann", "bob"] {
        assert_eq!(stored.iter().filter(|(_, by)| by == name).count(), 40);
    }
    drop(one);
    let log = other.log_text();
    assert!(!log.contains("sqlx"), "{log}");
}

#[test]
fn a_send_without_the_database_is_refused_and_the_next_is_stored_when_it_is_back() {
    let server = Server::new("");
    let world = unlimited().set("store.url", server.database()).start();
    let room = room(&world, "ann", &["bob"]);
    let mut ann = greeted(conversation(&world, "ann", &room).connect());
    let mut say = |content: &str| {
        ann.send(&send_message(content));
        loop {
            let frame = ann.json();
            match frame["type"].as_str() {
                Some("message_status") => return Ok(()),
                Some("error") => return Err(frame["code"].clone()),
                _ => {}
            }
        }
    };
    assert_eq!(say("before"), Ok(()));
    server.stop();
    assert_eq!(say("lost"), Err(json!("unavailable")));
    // Topics need no store.
    let mut subscriber = world.subscriber("bob", "T");
    world.connect("bob").send(&crate::client::publish("T", 7));
    assert_eq!(subscriber.json()["payload"], 7);
    server.start();
    eventually("an acknowledged message", || say("after").ok());
    let contents: Vec<String> = history(&world, &room)
        .into_iter()
        .map(|(_, content)| content)
        .collect();
    assert_eq!(contents, ["before", "after"]);
}
