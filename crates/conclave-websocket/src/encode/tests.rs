use crate::{Opcode, encode, encode_close, encode_fragments, encode_masked};

#[track_caller]
fn check(write: impl FnOnce(&mut Vec<u8>), start: &[u8], length: usize) {
    let mut out = b"before".to_vec();
    write(&mut out);
    let written = out.strip_prefix(b"before").expect("what was there stays");
    assert_eq!(&written[..start.len()], start);
    assert_eq!(written.len(), length);
}

#[test]
fn lengths_take_as_few_bytes_as_hold_them() {
    check(|out| encode(Opcode::Text, b"", out), &[0x81, 0], 2);
    check(
        |out| encode(Opcode::Binary, &[7; 125], out),
        &[0x82, 125, 7],
        127,
    );
    check(
        |out| encode(Opcode::Binary, &[7; 126], out),
        &[0x82, 126, 0, 126, 7],
        130,
    );
    check(
        |out| encode(Opcode::Binary, &[7; 65_535], out),
        &[0x82, 126, 255, 255, 7],
        65_539,
    );
    let start = [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0, 7];
    check(
        |out| encode(Opcode::Binary, &[7; 65_536], out),
        &start,
        65_546,
    );
}

#[test]
fn client_frames_are_masked() {
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    let hello = [
        0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
    ];
    check(
        |out| encode_masked(Opcode::Text, b"Hello", mask, out),
        &hello,
        11,
    );
}

#[test]
fn fragments_share_out_the_payload() {
    let split =
        |bytes| move |out: &mut Vec<u8>| encode_fragments(Opcode::Text, b"Hello", bytes, out);
    check(split(3), b"\x01\x03Hel\x80\x02lo", 9);
    check(split(5), b"\x81\x05Hello", 7);
    check(split(9), b"\x81\x05Hello", 7);
    check(
        split(0),
        b"\x01\x01H\x00\x01e\x00\x01l\x00\x01l\x80\x01o",
        15,
    );
}

#[test]
fn close_reason_is_cut_at_a_character() {
    check(|out| encode_close(1001, "", out), &[0x88, 2, 3, 233], 4);
    check(
        |out| encode_close(1001, &"x".repeat(123), out),
        &[0x88, 125, 3, 233, b'x'],
        127,
    );
    check(
        |out| encode_close(1001, &"x".repeat(999), out),
        &[0x88, 125, 3, 233, b'x'],
        127,
    );
    check(
        |out| encode_close(1001, &"\u{20ac}".repeat(99), out),
        &[0x88, 125],
        127,
    );
    check(
        |out| encode_close(1001, &"\u{fc}".repeat(99), out),
        &[0x88, 124],
        126,
    );
}
