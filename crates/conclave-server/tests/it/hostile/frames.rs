//! Frames that break RFC 6455, and messages without end.

use conclave_websocket::{Opcode, apply_mask};

use super::scene::{SLACK, Scene};
use crate::client::{Client, Heard, frame};

#[test]
fn every_breach_has_its_close_code_and_its_line() {
    let scene = Scene::with(&[]);
    let mut cases = 0;
    for (number, (name, code, bytes)) in breaches().into_iter().enumerate() {
        let user = format!("breaker-{number}");
        let mut client = scene.connect(&user);
        client.send_raw(&bytes);
        assert_eq!(client.closed().0, code, "{name}");
        assert_eq!(client.next(), Heard::End, "{name}");
        cases += 1;
    }
    for number in 0..cases {
        scene.wait_for_line_of(&format!("breaker-{number}"), "protocol_violation");
    }
    scene.end(SLACK);
}

#[test]
fn breaches_of_compression_have_their_close_code_and_their_line() {
    let scene = Scene::with(&[]);
    let mut cases = 0;
    let started = raw(0x41, b"\x4a");
    for (number, (name, code, bytes)) in [
        ("no DEFLATE", 1007, raw(0xc1, &[0xff; 20])),
        ("cut inside a block", 1007, raw(0xc1, b"\x4a\xcb")),
        ("a compressed ping", 1002, raw(0xc9, b"x")),
        (
            "a compressed continuation",
            1002,
            [started, raw(0xc0, b"x")].concat(),
        ),
        (
            "compressed bytes that are no text",
            1007,
            raw(0xc1, b"\xfa\x0f\x00"),
        ),
        ("RSV2 and RSV1", 1002, raw(0xe1, b"x")),
    ]
    .into_iter()
    .enumerate()
    {
        let user = format!("breaker-{number}");
        let mut client = scene.dial(&user).deflate().connect();
        client.send_raw(&bytes);
        assert_eq!(client.closed().0, code, "{name}");
        assert_eq!(client.next(), Heard::End, "{name}");
        cases += 1;
    }
    for number in 0..cases {
        scene.wait_for_line_of(&format!("breaker-{number}"), "protocol_violation");
    }
    scene.end(SLACK);
}

#[test]
fn messages_that_are_never_finished_are_bounded() {
    let scene = Scene::with(&[("limits.connections_per_user", "0")]);
    // Almost a message in one frame, and in fragments, of which the last never comes.
    let mut one_frame = frame(Opcode::Text, &vec![b'x'; MESSAGE_BYTES]);
    one_frame.truncate(MESSAGE_BYTES);
    let mut fragments = raw(0x01, &vec![b'x'; MESSAGE_BYTES - 1000]);
    fragments.extend((0..1000).flat_map(|_| raw(0x00, b"x")));
    let mut clients: Vec<Client> = (0..60).map(|_| scene.connect("user123")).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.send_raw(if number % 2 == 0 {
            &one_frame
        } else {
            &fragments
        });
    }
    // What came before was read.
    for client in clients.iter_mut().skip(1).step_by(2) {
        client.send_raw(&frame(Opcode::Ping, b""));
        assert_eq!(client.next(), Heard::Pong(Vec::new()));
    }
    for client in clients.iter_mut().skip(1).step_by(2) {
        client.send_raw(&raw(0x00, b"xx"));
        assert_eq!(client.closed().0, 1009);
    }
    scene.wait_for_lines(30, "protocol_violation", "message too big");
    // A buffer doubles on its way.
    scene.end(60 * 2 * (MESSAGE_BYTES + 8192) + SLACK);
}

#[test]
fn fragments_without_end_are_counted() {
    let scene = Scene::with(&[]);
    for (user, payload) in [("empty", &b""[..]), ("tiny", b"x")] {
        let mut client = scene.connect(user);
        client.send_raw(&raw(0x01, payload));
        // A ping between fragments is answered.
        client.send_raw(&frame(Opcode::Ping, b"!"));
        assert_eq!(client.next(), Heard::Pong(b"!".to_vec()));
        let rest: Vec<u8> = (0..1024).flat_map(|_| raw(0x00, payload)).collect();
        client.send_raw(&rest);
        assert_eq!(client.closed().0, 1009, "{user}");
        assert!(
            scene
                .wait_for_line_of(user, "protocol_violation")
                .contains("fragments")
        );
    }
    scene.end(SLACK);
}

type Case = (&'static str, u16, Vec<u8>);

fn breaches() -> Vec<Case> {
    let mut cases = headers();
    cases.extend(sequences());
    cases.extend(texts());
    cases.extend(
        (3..8)
            .chain(0xb..0x10)
            .map(|op| ("a reserved opcode", 1002, raw(0x80 | op, b"x"))),
    );
    cases.extend([0x10, 0x20, 0x40].map(|bit| ("a reserved bit", 1002, raw(0x81 | bit, b"x"))));
    let illegal = [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535];
    cases.extend(illegal.map(|code: u16| {
        (
            "an illegal close code",
            1002,
            raw(0x88, &code.to_be_bytes()),
        )
    }));
    cases
}

fn headers() -> Vec<Case> {
    let announced = |length: &[u8]| [b"\x81\xff", length, &[1, 2, 3, 4]].concat();
    vec![
        ("unmasked", 1002, b"\x81\x01x".to_vec()),
        ("an unmasked ping", 1002, b"\x89\x00".to_vec()),
        (
            "a length of 2^63",
            1002,
            announced(&(1_u64 << 63).to_be_bytes()),
        ),
        (
            "a length of 2^64-1",
            1002,
            announced(&u64::MAX.to_be_bytes()),
        ),
        (
            "a length of 2^63-1",
            1009,
            announced(&(u64::MAX >> 1).to_be_bytes()),
        ),
        (
            "a length of 2^32",
            1009,
            announced(&(1_u64 << 32).to_be_bytes()),
        ),
        (
            "16 bits for 125",
            1002,
            b"\x81\xfe\x00\x7d\x01\x02\x03\x04".to_vec(),
        ),
        (
            "64 bits for 65535",
            1002,
            announced(&65535_u64.to_be_bytes()),
        ),
        // Only announced: no byte of the payload is waited for.
        (
            "one byte too many",
            1009,
            announced(&65537_u64.to_be_bytes()),
        ),
        ("a fragmented ping", 1002, raw(0x09, b"x")),
        ("a fragmented close", 1002, raw(0x08, b"\x03\xe8")),
        ("a long ping", 1002, raw(0x89, &[0; 126])),
        ("a long close", 1002, raw(0x88, &[3; 126])),
        ("half a close code", 1002, raw(0x88, b"\x03")),
    ]
}

fn sequences() -> Vec<Case> {
    let (start, end) = (raw(0x01, b"x"), raw(0x81, b"x"));
    vec![
        ("a continuation of nothing", 1002, raw(0x80, b"x")),
        (
            "a message inside another",
            1002,
            [start.clone(), end].concat(),
        ),
        (
            "a start inside another",
            1002,
            [start.clone(), start].concat(),
        ),
        ("fragments too long together", 1009, {
            let half = vec![b'x'; MESSAGE_BYTES / 2];
            [raw(0x01, &half), raw(0x00, &half), raw(0x80, b"x")].concat()
        }),
        ("binary", 1003, raw(0x82, b"x")),
        (
            "fragmented binary",
            1003,
            [raw(0x02, b"x"), raw(0x80, b"x")].concat(),
        ),
    ]
}

fn texts() -> Vec<Case> {
    let split = |first: &[u8], second: &[u8]| [raw(0x01, first), raw(0x80, second)].concat();
    vec![
        ("no UTF-8", 1007, raw(0x81, b"\xff")),
        ("a surrogate", 1007, raw(0x81, b"\xed\xa0\x80")),
        ("an overlong slash", 1007, raw(0x81, b"\xc0\xaf")),
        ("beyond Unicode", 1007, raw(0x81, b"\xf4\x90\x80\x80")),
        ("a character cut off", 1007, raw(0x81, b"\xe2\x82")),
        (
            "a character of two fragments, broken",
            1007,
            split(b"\xe2\x82", b"x"),
        ),
        (
            "a character cut off by the last fragment",
            1007,
            split(b"x", b"\xf0\x9f\x92"),
        ),
        (
            "a reason that is no UTF-8",
            1007,
            raw(0x88, b"\x03\xe8\xff"),
        ),
    ]
}

/// A masked frame with this first byte.
pub(super) fn raw(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        short @ 0..126 => bytes.push(0x80 | u8::try_from(short).expect("short")),
        medium @ 126..65536 => {
            bytes.push(0x80 | 126);
            bytes.extend(u16::try_from(medium).expect("medium").to_be_bytes());
        }
        long => {
            bytes.push(0x80 | 127);
            bytes.extend(u64::try_from(long).expect("long").to_be_bytes());
        }
    }
    let mask = [0x11, 0x22, 0x33, 0x44];
    bytes.extend(mask);
    let start = bytes.len();
    bytes.extend_from_slice(payload);
    apply_mask(&mut bytes[start..], mask);
    bytes
}

const MESSAGE_BYTES: usize = 64 * 1024;
