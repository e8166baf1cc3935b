//! Rooms whose members read nothing.

use super::scene::{SLACK, Scene};
use crate::client::Client;
use crate::rooms_world::{conversation, fill, greeted, room, send_message};

#[test]
fn who_reads_nothing_of_a_replay_is_closed_within_bounds_and_others_hear_everything() {
    let outbox = OUTBOX_BYTES.to_string();
    let scene = Scene::with(&[
        ("limits.messages_per_second", "0"),
        ("limits.user_messages_per_second", "0"),
        ("limits.room_messages_per_second", "0"),
        ("limits.outbox_bytes", &outbox),
    ]);
    let world = &scene.world;
    let room = room(world, "ann", &["bob", "cid"]);
    let content = "x".repeat(1900);
    fill(world, "ann", &room, 400, &content);
    let mut slow: Vec<Client> = (0..READERS)
        .map(|_| {
            let dial = conversation(world, "bob", &room).query("since=0");
            greeted(dial.receive_buffer(4096).connect())
        })
        .collect();
    let mut reading = greeted(conversation(world, "cid", &room).connect());
    let mut ann = greeted(conversation(world, "ann", &room).connect());
    let mut said = 401;
    let is_slow = |line: &serde_json::Value| {
        line["user"] == "bob" && line["detail"] == "closed with 1013: SlowReader"
    };
    while world.audit().iter().filter(|line| is_slow(line)).count() < READERS {
        for _ in 0..20 {
            ann.send(&send_message(&content));
        }
        for client in [&mut ann, &mut reading] {
            let mut heard = 0;
            while heard < 20 {
                let frame = client.json();
                if frame["type"] == "user_message" {
                    heard += 1;
                    assert_eq!(frame["seq"], said + heard);
                }
            }
        }
        said += 20;
    }
    for client in &mut slow {
        super::scene::wait_for_end(client.wire());
    }
    // What is held is shared by all who hold it; a page of the replay each has of its own.
    scene.end(OUTBOX_BYTES * 2 + READERS * PAGE_BYTES + STORE_BYTES + SLACK);
}

const READERS: usize = 5;
const OUTBOX_BYTES: usize = 256 * 1024;
/// A hundred events, as written and as read.
const PAGE_BYTES: usize = 100 * 2200 * 3;
/// What the store may keep of pages that it wrote.
const STORE_BYTES: usize = 8 << 20;
