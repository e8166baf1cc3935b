use super::{Frame, MASK, close, pong, served, split, text};

#[test]
fn splits_frames_of_every_length_form() {
    for length in [0, 1, 125, 126, 127, 65_535, 65_536] {
        let payload = vec![b'a'; length];
        let mut bytes = Vec::new();
        served(&payload, &mut bytes);
        bytes.push(0x8a);
        let (frame, rest) = split(&bytes).unwrap().unwrap();
        assert_eq!(frame, Frame::Text(&payload));
        assert_eq!(rest, [0x8a]);
    }
}

#[test]
fn waits_for_the_rest_at_every_cut() {
    let mut bytes = Vec::new();
    served(&[b'a'; 300], &mut bytes);
    for cut in 0..bytes.len() {
        assert_eq!(split(&bytes[..cut]).unwrap(), None, "cut at {cut}");
    }
}

#[test]
fn names_control_frames() {
    assert_eq!(
        split(&[0x89, 1, b'x']).unwrap(),
        Some((Frame::Ping(b"x"), &[][..]))
    );
    assert_eq!(split(&[0x8a, 0]).unwrap(), Some((Frame::Pong, &[][..])));
    assert_eq!(
        split(&[0x88, 2, 3, 0xe8]).unwrap(),
        Some((Frame::Close(&[3, 0xe8]), &[][..]))
    );
}

#[test]
fn refuses_what_no_scenario_asks_for() {
    for bytes in [[0x81, 0x80], [0xc1, 0], [0x01, 0], [0x82, 0]] {
        assert!(split(&bytes).is_err(), "{bytes:02x?}");
    }
}

#[test]
fn masks_client_frames() {
    let mut bytes = Vec::new();
    text(b"ping", &mut bytes);
    assert_eq!(bytes[..2], [0x81, 0x84]);
    let unmasked: Vec<u8> = bytes[6..]
        .iter()
        .zip(MASK.iter().cycle())
        .map(|(byte, mask)| byte ^ mask)
        .collect();
    assert_eq!(unmasked, b"ping");

    bytes.clear();
    close(&mut bytes);
    assert_eq!(bytes[..2], [0x88, 0x82]);
    bytes.clear();
    pong(b"", &mut bytes);
    assert_eq!(bytes[..2], [0x8a, 0x80]);
}
