//! Bytes that are no request, and requests without end.

use std::io::Write as _;

use super::scene::{SLACK, Scene, answer, pour};

#[test]
fn what_is_no_http_is_told_so_and_written_down() {
    let scene = Scene::with(&[]);
    let mut expected = 0;
    for (bytes, statuses) in [
        (
            &b"\x00\x01\x02\x03 garbage \xff\xfe\r\n\r\n"[..],
            &[400][..],
        ),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", &[400]),
        (b"GET\r\n\r\n", &[400]),
        (b"GET /ws HTTP/9.9\r\n\r\n", &[400]),
        (b"GET /ws HTTP/1.1\r\nno colon\r\n\r\n", &[400]),
        (b"GET /ws HTTP/1.1\r\nname : value\r\n\r\n", &[400]),
        (b"GET /ws HTTP/1.1\r\na: \x00\r\n\r\n", &[400]),
        (b"GET /ws HTTP/1.1\r\na: b\r\n folded\r\n\r\n", &[400]),
        (
            b"POST /token HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
            &[400],
        ),
        (
            b"POST /token HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
            &[400],
        ),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &[505]),
    ] {
        let mut wire = scene.wire();
        wire.write_all(bytes).expect("taken");
        let (status, text) = answer(&mut wire);
        assert!(
            statuses.contains(&status),
            "{:?}: {text}",
            String::from_utf8_lossy(bytes)
        );
        expected += 1;
    }
    scene.wait_for_lines(expected, "protocol_violation", "no request: ");
    scene.end(SLACK);
}

#[test]
fn heads_without_end_are_cut_at_their_limits() {
    let scene = Scene::with(&[]);
    let begin = b"GET /ws HTTP/1.1\r\nhost: localhost\r\n";
    for (number, (piece, bytes, status)) in [
        // 2,000 headers.
        (&b"name: value\r\n"[..], 2000 * 13, 431),
        // Lines without end, a name without end, a value without end.
        (b"a: b\r\n", ENDLESS, 431),
        (b"b", ENDLESS, 431),
        (b"b: ", ENDLESS, 431),
    ]
    .into_iter()
    .enumerate()
    {
        let mut wire = scene.wire();
        wire.write_all(begin).expect("taken");
        pour(&mut wire, piece, bytes);
        assert_eq!(answer(&mut wire).0, status, "case {number}");
    }
    for target in [&b"GET /"[..], b"GET /ws?token="] {
        let mut wire = scene.wire();
        wire.write_all(target).expect("taken");
        pour(&mut wire, b"x", ENDLESS);
        let (status, text) = answer(&mut wire);
        assert!(matches!(status, 414 | 431), "{text}");
    }
    scene.wait_for_lines(6, "protocol_violation", "no request: ");
    scene.end(SLACK);
}

#[test]
fn a_hundred_heads_of_full_size_at_once_stay_within_their_bound() {
    let scene = Scene::with(&[("limits.head_bytes", "16384")]);
    let mut head = b"GET /ws HTTP/1.1\r\nhost: localhost\r\na: ".to_vec();
    head.resize(HEAD_BYTES - 1, b'x');
    let mut wires: Vec<_> = (0..100).map(|_| scene.wire()).collect();
    wires
        .iter_mut()
        .for_each(|wire| wire.write_all(&head).expect("taken"));
    // One byte more and each is answered.
    wires
        .iter_mut()
        .for_each(|wire| wire.write_all(b"xx").expect("taken"));
    wires
        .iter_mut()
        .for_each(|wire| assert_eq!(answer(wire).0, 431));
    scene.end(100 * 2 * HEAD_BYTES + SLACK);
}

const ENDLESS: usize = 64 << 20;
const HEAD_BYTES: usize = 16 * 1024;
