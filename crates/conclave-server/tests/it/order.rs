//! Who hears what, in which order, how often.

use std::collections::HashMap;

use conclave_websocket::Opcode;

use crate::client::{Client, Heard, frame, publish, text};
use crate::world::{Plan, World};

#[test]
fn publishers_are_heard_in_their_order_and_once_across_workers() {
    let world = unlimited();
    let mut subscribers: Vec<_> = (0..12).map(|_| world.subscriber("user123", "T")).collect();
    let mut publishers: Vec<_> = (0..PUBLISHERS).map(|_| world.connect("user123")).collect();
    for round in 0..ROUNDS {
        for (number, publisher) in publishers.iter_mut().enumerate() {
            let from = round * BATCH;
            let batch: Vec<u8> = (from..from + BATCH)
                .flat_map(|serial| text(&publish("T", format!("[{number},{serial}]"))))
                .collect();
            publisher.send_raw(&batch);
        }
    }
    for subscriber in &mut subscribers {
        let mut next: HashMap<u64, u64> = HashMap::new();
        for _ in 0..PUBLISHERS * ROUNDS * BATCH {
            let message = subscriber.json();
            let number = message["payload"][0].as_u64().expect("a number");
            let serial = message["payload"][1].as_u64().expect("a number");
            let due = next.entry(number).or_insert(0);
            assert_eq!(serial, *due, "publisher {number}");
            *due += 1;
        }
        subscriber.barrier();
    }
}

#[test]
fn broadcasts_come_in_one_order_to_everybody_who_listens() {
    let world = unlimited();
    let mut listeners: Vec<_> = (0..6).map(|_| world.connect("testuser")).collect();
    let mut senders: Vec<_> = (0..PUBLISHERS).map(|_| world.connect("user123")).collect();
    listeners
        .iter_mut()
        .chain(&mut senders)
        .for_each(Client::barrier);
    for (number, sender) in senders.iter_mut().enumerate() {
        let batch: Vec<u8> = (0..BATCH)
            .flat_map(|serial| text(&format!(r#"{{"from":[{number},{serial}]}}"#)))
            .collect();
        sender.send_raw(&batch);
    }
    let hear = |client: &mut Client| -> Vec<String> {
        (0..PUBLISHERS * BATCH)
            .map(|_| client.json()["requestId"].to_string())
            .collect()
    };
    let first = hear(&mut listeners[0]);
    for client in listeners[1..].iter_mut().chain(&mut senders) {
        assert_eq!(hear(client), first);
        client.barrier();
    }
}

#[test]
fn own_publications_come_back_before_close_is_answered() {
    let world = unlimited();
    let token = world.token("user123");
    let mut packet = text("subscribe:T");
    for serial in 0..50 {
        packet.extend(text(&publish("T", serial)));
    }
    packet.extend(frame(Opcode::Close, &1000_u16.to_be_bytes()));
    for run in 0..200 {
        let mut client = world.dial().token(&token).connect();
        client.send_raw(&packet);
        for serial in 0..50 {
            assert_eq!(client.json()["payload"], serial, "run {run}");
        }
        assert_eq!(client.closed(), (1000, String::new()), "run {run}");
        assert_eq!(client.next(), Heard::End);
    }
}

#[test]
fn a_frame_and_close_in_one_packet_print_the_object_every_time() {
    let world = World::start();
    let token = world.token("testuser");
    let mut packet = text(r#"{"type":"test","payload":{"message":"Hello"}}"#);
    packet.extend(frame(Opcode::Close, &1000_u16.to_be_bytes()));
    for run in 0..200 {
        // Every other time in the packet of the handshake itself.
        let early: &[u8] = if run % 2 == 0 { &packet } else { &[] };
        let mut client = world
            .dial()
            .token(&token)
            .connect_sending(early)
            .expect("accepted");
        if early.is_empty() {
            client.send_raw(&packet);
        }
        let object = client.json();
        assert_eq!(object["payload"]["message"], "Hello", "run {run}");
        assert_eq!(object["user"], "testuser");
        assert_eq!(client.closed(), (1000, String::new()), "run {run}");
        assert_eq!(client.next(), Heard::End);
    }
}

#[test]
fn what_is_published_after_a_subscription_was_answered_arrives() {
    let world = unlimited();
    let token = world.token("user123");
    let mut publishers: Vec<_> = (0..4).map(|_| world.connect("user123")).collect();
    for run in 0..100 {
        let mut subscriber = world.dial().token(&token).query("ack=1").connect();
        subscriber.send("subscribe:T");
        assert_eq!(subscriber.json()["type"], "ack");
        publishers[run % 4].send(&publish("T", run));
        assert_eq!(subscriber.json()["payload"], run);
    }
}

#[test]
fn nothing_comes_after_an_unsubscription_was_answered() {
    let world = unlimited();
    let mut publisher = world.connect("user123");
    let mut subscriber = world.subscriber("user123", "T");
    for run in 0..50 {
        publisher.send(&publish("T", run));
        subscriber.send("unsubscribe:T");
        subscriber.send("ping");
        // What was published before may still come, but not behind the answer.
        while subscriber.text() != "pong" {}
        publisher.send(&publish("T", run));
        publisher.barrier();
        subscriber.barrier();
        subscriber.send("subscribe:T");
        subscriber.barrier();
    }
}

/// Two workers, no limits on messages and connections.
fn unlimited() -> World {
    Plan::with("limits.messages_per_second", 0)
        .set("limits.connections_per_user", 0)
        .argument("--workers")
        .argument("2")
        .start()
}

const PUBLISHERS: u64 = 3;
const ROUNDS: u64 = 10;
const BATCH: u64 = 30;
