//! Rooms over two nodes: one order, and nothing lost.

use crate::client::Client;
use crate::nodes::{Pair, counted, degraded, ready};
use crate::rooms_world::{Gate, conversation, greeted, room, send_message, unlimited};
use crate::world::eventually;
use conclave_testkit::{Detour, RedisServer};
use serde_json::json;

/// Texts and sequence numbers of so many messages of a conversation.
fn messages(client: &mut Client, count: usize) -> Vec<(u64, String)> {
    let mut heard = Vec::new();
    while heard.len() < count {
        let frame = client.json();
        if frame["type"] == "user_message" {
            let seq = frame["seq"].as_u64().expect("a number");
            heard.push((seq, frame["content"].as_str().expect("a text").to_owned()));
        }
    }
    heard
}

#[test]
fn a_room_has_one_order_on_both_nodes() {
    let pair = Pair::start();
    let [one, two] = &pair.nodes;
    let id = room(one, "ann", &["bob"]);
    let mut ann = greeted(conversation(one, "ann", &id).connect());
    let mut bob = greeted(conversation(two, "bob", &id).connect());
    for number in 0..SAID {
        ann.send(&send_message(&format!("ann {number}")));
        bob.send(&send_message(&format!("bob {number}")));
    }
    let (on_one, on_two) = (messages(&mut ann, 2 * SAID), messages(&mut bob, 2 * SAID));
    assert_eq!(on_one, on_two);
    let numbers: Vec<u64> = on_one.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(numbers, (2..).take(2 * SAID).collect::<Vec<u64>>());
}

#[test]
fn no_message_of_a_room_is_lost_while_redis_is_killed() {
    let mut pair = Pair::start();
    let id = room(&pair.nodes[0], "ann", &["bob"]);
    let mut ann = greeted(conversation(&pair.nodes[0], "ann", &id).connect());
    let mut bob = greeted(conversation(&pair.nodes[1], "bob", &id).connect());
    let mut sent = 0;
    let mut send = |ann: &mut Client| {
        for _ in 0..SAID {
            ann.send(&send_message(&sent.to_string()));
            sent += 1;
        }
    };
    send(&mut ann);
    pair.redis.kill();
    send(&mut ann);
    pair.nodes.iter().for_each(degraded);
    send(&mut ann);
    // Acked, though the others do not hear of it now.
    let expected: Vec<_> = (0..3 * SAID)
        .map(|number| {
            (
                u64::try_from(number).expect("small") + 2,
                number.to_string(),
            )
        })
        .collect();
    assert_eq!(messages(&mut ann, 3 * SAID), expected);
    pair.restart_redis();
    assert_eq!(messages(&mut bob, 3 * SAID), expected);
}

#[test]
fn what_a_node_stores_while_it_alone_is_cut_off_is_heard_on_the_other() {
    let (detour, pair) = cut_off();
    let [one, two] = &pair.nodes;
    let id = room(two, "ann", &["bob"]);
    let mut bob = greeted(conversation(two, "bob", &id).connect());
    let mut late = Gate::of(two, "bob");
    detour.cut();
    degraded(one);
    let mut ann = greeted(conversation(one, "ann", &id).connect());
    // The other is not away from Redis, and nothing comes that would show the gap.
    ann.send(&send_message("before it is missed"));
    messages(&mut ann, 1);
    assert_eq!(messages(&mut bob, 1)[0].1, "before it is missed");
    ann.send(&send_message("after it was missed"));
    messages(&mut ann, 1);
    let other = room(one, "ann", &["bob"]);
    let mut ann = greeted(conversation(one, "ann", &other).connect());
    ann.send(&send_message("in another room"));
    messages(&mut ann, 1);
    detour.mend();
    assert_eq!(messages(&mut bob, 1)[0].1, "after it was missed");
    while late.event().1["content"] != "in another room" {}
}

#[test]
fn what_a_killed_node_acked_and_told_nobody_is_heard_on_the_other() {
    let (detour, mut pair) = cut_off();
    let id = room(&pair.nodes[1], "ann", &["bob"]);
    let mut ann = greeted(conversation(&pair.nodes[0], "ann", &id).connect());
    let mut bob = greeted(conversation(&pair.nodes[1], "bob", &id).connect());
    detour.cut();
    ann.send(&send_message("hello"));
    messages(&mut ann, 1);
    pair.nodes[0].crash();
    assert_eq!(messages(&mut bob, 1)[0].1, "hello");
}

/// Two nodes that know of each other; the first has a way of its own to Redis.
fn cut_off() -> (Detour, Pair) {
    let redis = RedisServer::start();
    let detour = redis.detour();
    let one = unlimited().set("bus.url", detour.url()).start();
    let two = unlimited().set("bus.url", redis.url());
    let two = two.folder(one.folder()).start();
    let nodes = [one, two];
    nodes.iter().for_each(ready);
    let _client = nodes[0].connect("ann");
    eventually("the second knows the first", || {
        (counted(&nodes[1])[0] == 1).then_some(())
    });
    (detour, Pair { redis, nodes })
}

#[test]
fn who_is_taken_into_a_room_on_one_node_hears_it_on_the_other() {
    let pair = Pair::start();
    let [one, two] = &pair.nodes;
    let mut bob = Gate::of(two, "bob");
    let id = room(one, "ann", &["bob"]);
    let mut ann = greeted(conversation(one, "ann", &id).connect());
    ann.send(&send_message("hello"));
    while bob.event().1["content"] != "hello" {}
}

#[test]
fn who_was_taken_into_a_room_without_redis_hears_it_afterwards() {
    let mut pair = Pair::start();
    let mut bob = Gate::of(&pair.nodes[1], "bob");
    pair.kill_redis();
    let id = room(&pair.nodes[0], "ann", &["bob"]);
    let mut ann = greeted(conversation(&pair.nodes[0], "ann", &id).connect());
    ann.send(&send_message("hello"));
    assert_eq!(messages(&mut ann, 1).len(), 1);
    pair.restart_redis();
    while bob.event().1["content"] != "hello" {}
}

#[test]
fn typing_is_seen_on_the_other_node() {
    let pair = Pair::start();
    let [one, two] = &pair.nodes;
    let id = room(one, "ann", &["bob"]);
    let mut ann = greeted(conversation(one, "ann", &id).connect());
    let mut bob = greeted(conversation(two, "bob", &id).connect());
    ann.send(&json!({ "type": "typing_start" }).to_string());
    loop {
        let frame = bob.json();
        let kind = frame["type"].as_str().unwrap_or_default();
        if kind.contains("typing") {
            assert_eq!(frame["user_id"], "ann", "{frame}");
            break;
        }
    }
}

const SAID: usize = 100;
