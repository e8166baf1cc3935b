//! Small compressed frames that inflate to much.

use conclave_websocket::Deflater;

use super::frames::raw;
use super::scene::{SLACK, Scene};
use crate::client::{Client, Heard};

#[test]
fn a_frame_that_inflates_to_a_gibibyte_costs_a_message() {
    let limit = MESSAGE_BYTES.to_string();
    let scene = Scene::with(&[("limits.message_bytes", &limit)]);
    // A compressed message may take an eighth more on the wire.
    let (body, inflated) = zeros(MESSAGE_BYTES / 8 * 9);
    assert!(inflated >= 1 << 30, "{inflated}");
    let whole = raw(0xc1, &body);
    let half = body.len() / 2;
    let fragments = [raw(0x41, &body[..half]), raw(0x80, &body[half..])].concat();
    let mut clients: Vec<Client> = (0..8)
        .map(|_| scene.dial("user123").deflate().connect())
        .collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.send_raw(if number % 2 == 0 { &whole } else { &fragments });
    }
    for client in &mut clients {
        assert_eq!(client.closed(), (1009, "message too big".to_owned()));
        assert_eq!(client.next(), Heard::End);
    }
    scene.wait_for_lines(8, "protocol_violation", "message too big");
    // Each has a frame under way, in a buffer that doubles; all share one message inflated.
    scene.end(8 * 2 * body.len() + 2 * MESSAGE_BYTES + SLACK);
}

#[test]
fn bombs_within_the_default_limits_are_refused_too() {
    let scene = Scene::with(&[]);
    let (body, inflated) = zeros(64 * 1024);
    assert!(inflated > 60 << 20, "{inflated}");
    let (small, _) = zeros(2000);
    // Final blocks, each of which costs a restart: two bytes make one.
    let restarts = [0x03, 0x00].repeat(10_000);
    for (name, code, bytes) in [
        ("64 KiB", 1009, raw(0xc1, &body)),
        ("2,000 bytes", 1009, raw(0xc1, &small)),
        ("10,000 final blocks", 1007, raw(0xc1, &restarts)),
    ] {
        let mut client = scene.dial("user123").deflate().connect();
        client.send_raw(&bytes);
        assert_eq!(client.closed().0, code, "{name}");
    }
    scene.wait_for_lines(3, "protocol_violation", "");
    scene.end(SLACK);
}

/// A compressed message of at most `bytes` bytes, and how many zeros it holds.
fn zeros(bytes: usize) -> (Vec<u8>, usize) {
    let mut deflater = Deflater::new();
    // A sync flush ends a piece at a byte's boundary, so pieces can follow each other.
    let mut piece = deflater
        .deflate(&[0; PIECE_BYTES])
        .expect("smaller")
        .to_vec();
    piece.extend(TAIL);
    let count = bytes / piece.len();
    let mut body = piece.repeat(count);
    body.truncate(body.len() - TAIL.len());
    (body, count * PIECE_BYTES)
}

const MESSAGE_BYTES: usize = 1 << 20;
const PIECE_BYTES: usize = 1 << 20;
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
