//! Much of everything, from one client.

use conclave_websocket::Opcode;

use super::frames::raw;
use super::scene::{SLACK, Scene, pour};
use crate::client::{Client, Heard, frame, publish, text};

#[test]
fn floods_of_frames_are_cut_off() {
    let scene = Scene::with(&[]);
    let mut fragmented = raw(0x01, b"x");
    fragmented.extend((0..1000).flat_map(|_| raw(0x00, b"x")));
    fragmented.extend(raw(0x80, b"x"));
    for (user, piece, count) in [
        ("pings", frame(Opcode::Ping, b"x"), 10_000),
        ("pongs", frame(Opcode::Pong, b"x"), 10_000),
        ("commands", text("ping"), 10_000),
        ("publications", text(&publish("T", 1)), 10_000),
        ("subscriptions", text("subscribe:T"), 10_000),
        ("fragments", fragmented, 400),
        ("nothing", text(""), 10_000),
    ] {
        let mut client = scene.connect(user);
        pour(client.wire(), &piece, piece.len() * count);
        assert_eq!(
            client.closed_at_last(),
            (1008, "Too many messages".to_owned()),
            "{user}"
        );
        scene.world.wait_for_audit(|line| {
            let is_it = line["user"] == user && line["event"] == "limit_hit";
            (is_it && line["detail"] == "closed with 1008: RateLimited").then_some(())
        });
    }
    scene.end(SLACK);
}

#[test]
fn a_client_with_ten_thousand_topics_has_128() {
    let scene = Scene::with(&[("limits.messages_per_second", "0")]);
    let mut client = scene.dial("user123").query("ack=1").connect();
    let mut kept = 0;
    for batch in 0..20 {
        let commands: Vec<u8> = (0..500)
            .flat_map(|topic| text(&format!("subscribe:{}", long_name(batch * 500 + topic))))
            .collect();
        client.send_raw(&commands);
        for _ in 0..500 {
            let answer = client.json();
            match answer["type"].as_str() {
                Some("ack") => kept += 1,
                _ => assert_eq!(answer["code"], "too_large"),
            }
        }
    }
    assert_eq!(kept, 128);
    // The bystanders have one.
    scene.wait_for_figure("conclave_channels", 129);
    scene.wait_for_lines(1, "limit_hit", "at most 128 subscriptions");
    client.close(1000);
    assert_eq!(client.closed().0, 1000);
    scene.wait_for_figure("conclave_channels", 1);
    scene.end(128 * 1024 + SLACK);
}

#[test]
fn a_hundred_thousand_topics_that_nobody_hears_leave_nothing() {
    let scene = Scene::with(&[("limits.messages_per_second", "0")]);
    let mut client = scene.connect("user123");
    for batch in 0..100 {
        let commands: Vec<u8> = (0..1000)
            .flat_map(|topic| text(&publish(&long_name(batch * 1000 + topic), 1)))
            .collect();
        client.send_raw(&commands);
    }
    client.barrier();
    scene.wait_for_figure("conclave_channels", 1);
    // Neither do those that somebody heard for a moment.
    for batch in 0..20 {
        let commands: Vec<u8> = (0..500)
            .flat_map(|topic| {
                let name = long_name(batch * 500 + topic);
                [
                    text(&format!("subscribe:{name}")),
                    text(&format!("unsubscribe:{name}")),
                ]
                .concat()
            })
            .collect();
        client.send_raw(&commands);
    }
    client.barrier();
    scene.wait_for_figure("conclave_channels", 1);
    scene.end(SLACK);
}

#[test]
fn a_flood_from_ten_connections_of_a_user_stays_theirs() {
    let scene = Scene::with(&[("limits.messages_per_second", "0")]);
    let mut clients: Vec<Client> = (0..10).map(|_| scene.connect("user123")).collect();
    let mut eleventh = scene.connect("user123");
    assert_eq!(eleventh.closed(), (1008, "Too many connections".to_owned()));
    let padding = "x".repeat(1000);
    let piece = text(&publish("T", format!(r#""{padding}""#)));
    for client in &mut clients {
        pour(client.wire(), &piece, 1000 * piece.len());
        client.send_raw(&frame(Opcode::Close, &1000_u16.to_be_bytes()));
    }
    for client in &mut clients {
        assert_eq!(client.next(), Heard::Close(1000, String::new()));
    }
    scene.wait_for_lines(1, "handshake_refused", "TooManyConnections");
    scene.end(SLACK);
}

/// A topic's name of full length.
fn long_name(number: usize) -> String {
    format!("{number:0>255}")
}
