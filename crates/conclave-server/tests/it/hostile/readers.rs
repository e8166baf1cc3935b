//! Clients that do not read what they get.

use super::scene::{SLACK, Scene, pour, wait_for_end};
use crate::client::{Client, Heard, publish, text};

#[test]
fn readers_that_never_read_are_closed_within_bounds_and_others_hear_everything() {
    let outbox = OUTBOX_BYTES.to_string();
    let scene = Scene::with(&[
        ("limits.messages_per_second", "0"),
        ("limits.outbox_bytes", &outbox),
    ]);
    let mut slow: Vec<Client> = (0..READERS).map(|_| slow_reader(&scene)).collect();
    let mut reading = scene.subscriber("user123", "T");
    let mut publisher = scene.connect("user123");
    let padding = "x".repeat(32 * 1024);
    let mut serial = 0;
    while scene
        .world
        .audit()
        .iter()
        .filter(|line| is_slow(line))
        .count()
        < READERS
    {
        assert!(serial < 2000, "nobody is slow");
        publisher.send(&publish("T", format!(r#"[{serial},"{padding}"]"#)));
        assert_eq!(reading.json()["payload"][0], serial);
        serial += 1;
    }
    // Who begins to read now is told why it was closed.
    let mut late = slow.pop().expect("a slow reader");
    assert_eq!(late.closed_at_last(), (1013, "Slow reader".to_owned()));
    // The others' sockets are given up, and with them their counts.
    drop(late);
    scene.wait_for_figure("conclave_slow_readers_total", 5);
    scene.wait_for_figure("conclave_connections", 4);
    publisher.send(&publish("T", r#"["last"]"#));
    assert_eq!(reading.json()["payload"][0], "last");
    for client in &mut slow {
        wait_for_end(client.wire());
    }
    // The frames are shared between readers, but that is not promised.
    let cost = scene.end(READERS * (OUTBOX_BYTES + BATCH_BYTES) + SLACK);
    assert!(cost.sending <= SENDING_MAX, "{cost:?}");
    assert!(cost.kernel <= (READERS + 4) * SENDING_MAX, "{cost:?}");
}

#[test]
fn who_asks_and_does_not_read_the_answers_is_not_read_either() {
    let scene = Scene::with(&[
        ("limits.messages_per_second", "0"),
        ("limits.ping_seconds", "1"),
        ("limits.silence_seconds", "3"),
    ]);
    let mut clients: Vec<Client> = (0..4)
        .map(|number| {
            let user = format!("asker-{number}");
            scene.dial(&user).receive_buffer(4096).connect()
        })
        .collect();
    // The answers are longer than the questions.
    let question = text("presence:T");
    for client in &mut clients {
        let asked = pour(client.wire(), &question, 64 << 20);
        assert!(
            asked * question.len() < 16 << 20,
            "{asked} questions were read"
        );
    }
    for number in 0..4 {
        let user = format!("asker-{number}");
        scene.world.wait_for_audit(|line| {
            (line["user"] == user.as_str() && line["detail"].to_string().contains("Silent"))
                .then_some(())
        });
    }
    for client in &mut clients {
        wait_for_end(client.wire());
    }
    let cost = scene.end(4 * (1 << 20) + SLACK);
    assert!(cost.sending <= SENDING_MAX, "{cost:?}");
    assert!(cost.receiving <= RECEIVING_MAX, "{cost:?}");
}

/// A subscriber whose kernel takes little, and who will read nothing more.
fn slow_reader(scene: &Scene) -> Client {
    let mut client = scene.dial("user123").receive_buffer(4096).connect();
    client.send("subscribe:T");
    client.send("ping");
    assert_eq!(client.next(), Heard::Text("pong".to_owned()));
    client
}

fn is_slow(line: &serde_json::Value) -> bool {
    line["event"] == "limit_hit" && line["detail"] == "closed with 1013: SlowReader"
}

const READERS: usize = 5;
const OUTBOX_BYTES: usize = 1 << 20;
/// What a batch may pass the outbox's limit by, once.
const BATCH_BYTES: usize = 128 * 1024;
/// What the kernel may hold of a socket's output: 32 KiB unsent, a write's last piece, and what
/// the client's window takes.
const SENDING_MAX: usize = 256 * 1024;
/// What it may hold of its input: twice 256 KiB.
const RECEIVING_MAX: usize = 512 * 1024;
