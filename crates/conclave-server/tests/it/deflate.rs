//! permessage-deflate (RFC 7692) from a client's view.

use std::io::Write as _;

use conclave_websocket::{Deflater, Header, Opcode, apply_mask};

use crate::client::{Client, header, publish};
use crate::world::{Plan, World};

#[test]
fn deflate_is_agreed_on_where_it_is_offered() {
    let world = World::start();
    let dial = world.dial().token(&world.token("user123"));
    let offered = dial.clone().deflate().connect();
    let agreed = header(&offered.head, "sec-websocket-extensions").expect("an agreement");
    assert!(agreed.starts_with("permessage-deflate"), "{agreed}");
    assert!(agreed.contains("server_no_context_takeover"), "{agreed}");
    assert!(agreed.contains("client_no_context_takeover"), "{agreed}");
    let plain = dial.connect();
    assert_eq!(header(&plain.head, "sec-websocket-extensions"), None);
    for declined in [
        "permessage-deflate; server_max_window_bits=8",
        "x-webkit-deflate-frame",
    ] {
        let client = with_extensions(&world, declined);
        assert_eq!(
            header(&client.head, "sec-websocket-extensions"),
            None,
            "{declined}"
        );
    }
}

#[test]
fn plain_and_deflated_subscribers_hear_the_same() {
    let world = unlimited();
    let token = world.token("user123");
    let mut plain = world.dial().token(&token).connect();
    let mut deflated = world.dial().token(&token).deflate().connect();
    let mut publisher = world.dial().token(&token).deflate().connect();
    for client in [&mut plain, &mut deflated] {
        client.send("subscribe:T");
        client.barrier();
    }
    let mut compressed = 0;
    for bytes in [0, 1, 50, 200, 255, 256, 300, 1000, 5000, 30_000, 60_000] {
        for payload in [repetitive(bytes), noise(bytes)] {
            publisher.send(&publish("T", format!(r#""{payload}""#)));
            let (first, second) = (plain.json(), deflated.json());
            assert_eq!(first, second);
            assert_eq!(first["payload"], payload);
            compressed += u32::from(deflated.was_compressed);
            assert!(!plain.was_compressed);
        }
    }
    assert!(compressed >= 6, "{compressed}");
    publisher.barrier();
}

#[test]
fn compressed_messages_of_clients_are_read() {
    let world = unlimited();
    let token = world.token("user123");
    let mut client = world.dial().token(&token).deflate().connect();
    client.send_raw(&deflated(b"subscribe:T"));
    for bytes in [100, 1000, 60_000] {
        let payload = repetitive(bytes);
        client.send_raw(&deflated(
            publish("T", format!(r#""{payload}""#)).as_bytes(),
        ));
        assert_eq!(client.json()["payload"], payload);
    }
}

#[test]
fn a_client_with_a_small_window_gets_only_what_it_can_read() {
    let world = unlimited();
    for bits in 9..=15_u32 {
        let mut client = with_extensions(
            &world,
            &format!("permessage-deflate; server_max_window_bits={bits}"),
        );
        let agreed = header(&client.head, "sec-websocket-extensions").expect("an agreement");
        assert!(
            agreed.contains(&format!("server_max_window_bits={bits}")),
            "{agreed}"
        );
        client.send("subscribe:T");
        let mut compressed = 0;
        for bytes in [100, 200, 300, 340, 400, 1000, 3000, 10_000, 40_000] {
            let payload = repetitive(bytes);
            client.send(&publish("T", format!(r#""{payload}""#)));
            let text = client.text();
            assert!(text.contains(&payload));
            // No distance is longer than the message; 2^15 is the longest there is.
            let readable = bits == 15 || text.len() <= 1 << bits;
            assert!(!client.was_compressed || readable, "{bits}: {}", text.len());
            compressed += u32::from(client.was_compressed);
        }
        assert!(compressed >= 1, "{bits}");
        // Frames of replies, which nobody else shares, too.
        let long = "x".repeat(200);
        client.send(&format!("unsubscribe:{long}|other"));
        let text = client.text();
        assert!(
            !client.was_compressed || text.len() <= 1 << bits,
            "{bits}: {text}"
        );
    }
}

#[test]
fn a_bomb_is_refused() {
    let world = World::start();
    let token = world.token("user123");
    let mut other = world.subscriber("user123", "T");
    let bomb = deflated(&vec![b'x'; 20 << 20]);
    assert!(bomb.len() < 64 * 1024);
    let mut client = world.dial().token(&token).deflate().connect();
    client.send_raw(&bomb);
    assert_eq!(client.closed().0, 1009);
    other.send(&publish("T", 1));
    assert_eq!(other.json()["payload"], 1);
}

/// A connection whose client offers exactly this.
fn with_extensions(world: &World, offer: &str) -> Client {
    let token = world.token("user123");
    let dial = world
        .dial()
        .token(&token)
        .header("Sec-WebSocket-Extensions", offer);
    let mut wire = dial.wire().expect("a listening server");
    wire.write_all(&dial.request().0)
        .expect("an open connection");
    let mut input = Vec::new();
    let end = loop {
        if let Some(end) = input.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        assert!(
            wire.read_some(&mut input).expect("an answer") > 0,
            "no answer"
        );
    };
    let head = String::from_utf8_lossy(&input[..end]).into_owned();
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    input.drain(..end);
    let agreed = header(&head, "sec-websocket-extensions").is_some();
    Client::new(wire, input, agreed, head)
}

/// A masked, compressed text message.
fn deflated(payload: &[u8]) -> Vec<u8> {
    let mut deflater = Deflater::new();
    let Some(body) = deflater.deflate(payload) else {
        return crate::client::frame(Opcode::Text, payload);
    };
    let mask = [9, 8, 7, 6];
    let header = Header {
        fin: true,
        rsv1: true,
        opcode: Opcode::Text,
        mask: Some(mask),
        payload_bytes: body.len().try_into().expect("a length"),
    };
    let mut out = Vec::new();
    header.write(&mut out);
    let start = out.len();
    out.extend_from_slice(body);
    apply_mask(&mut out[start..], mask);
    out
}

fn unlimited() -> World {
    Plan::with("limits.messages_per_second", 0).start()
}

fn repetitive(bytes: usize) -> String {
    "a line that comes again and again; "
        .chars()
        .cycle()
        .take(bytes)
        .collect()
}

/// Letters without a pattern.
fn noise(bytes: usize) -> String {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b'0' + u8::try_from(state >> 26).expect("six bits"))
    };
    std::iter::repeat_with(next)
        .map(|c| if c == '\\' { '~' } else { c })
        .take(bytes)
        .collect()
}
