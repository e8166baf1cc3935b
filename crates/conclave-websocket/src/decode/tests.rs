use crate::{
    CloseCode, Decoded, Decoder, DecoderLimits, Deflater, Event, Header, Inflater, Opcode, Role,
    Violation, encode, encode_close, encode_deflated, encode_fragments, encode_masked,
};

const LIMITS: DecoderLimits = DecoderLimits {
    message_bytes: 1000,
    fragments: 4,
};

/// A frame as a client sends it with the key 0, which leaves the payload readable.
fn frame(fin: bool, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    marked_frame(fin, false, opcode, payload)
}

fn marked_frame(fin: bool, rsv1: bool, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let payload_bytes = payload.len() as u64;
    Header {
        fin,
        rsv1,
        opcode,
        mask: Some([0; 4]),
        payload_bytes,
    }
    .write(&mut bytes);
    bytes.extend_from_slice(payload);
    bytes
}

/// Reads all of `input`; gives the events as text, and the violation if there was one.
fn read(
    decoder: &mut Decoder,
    limits: &DecoderLimits,
    input: &[u8],
) -> (Vec<String>, Option<Violation>) {
    let mut unread = input.to_vec();
    let mut inflater = Inflater::new();
    let mut events = Vec::new();
    loop {
        match decoder.decode(&mut unread, limits, &mut inflater) {
            Ok(Decoded::Incomplete { .. }) => return (events, None),
            Ok(Decoded::Frame { consumed, event }) => {
                events.extend(event.map(|event| format!("{event:?}")));
                unread.drain(..consumed);
            }
            Err(violation) => return (events, Some(violation)),
        }
    }
}

#[track_caller]
fn check(role: Role, deflate: bool, input: &[u8], expected: &[&str], end: Option<Violation>) {
    let (events, violation) = read(&mut Decoder::new(role, deflate), &LIMITS, input);
    assert_eq!(events, expected);
    assert_eq!(violation, end);
}

#[track_caller]
fn refuses(role: Role, input: &[u8], violation: Violation) {
    check(role, false, input, &[], Some(violation));
}

#[test]
fn decoder_is_small() {
    assert_eq!(size_of::<Decoder>(), 16);
    assert!(size_of::<Violation>() == 1);
}

#[test]
fn rfc_6455_examples() {
    let masked = [
        0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
    ];
    check(Role::Server, false, &masked, &["Text(\"Hello\")"], None);
    let plain = *b"\x81\x05Hello";
    check(Role::Client, false, &plain, &["Text(\"Hello\")"], None);
    let fragmented = *b"\x01\x03Hel\x80\x02lo";
    check(Role::Client, false, &fragmented, &["Text(\"Hello\")"], None);
    check(
        Role::Client,
        false,
        b"\x89\x05Hello",
        &["Ping([72, 101, 108, 108, 111])"],
        None,
    );
}

#[test]
fn rfc_7692_examples() {
    let hello = ["Text(\"Hello\")"];
    let cases: [&[u8]; 5] = [
        &[0xc1, 0x07, 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
        &[
            0x41, 0x03, 0xf2, 0x48, 0xcd, 0x80, 0x04, 0xc9, 0xc9, 0x07, 0x00,
        ],
        b"\xc1\x0b\x00\x05\x00\xfa\xffHello\x00",
        &[0xc1, 0x08, 0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
        &[
            0xc1, 0x0d, 0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07,
            0x00,
        ],
    ];
    for input in cases {
        check(Role::Client, true, input, &hello, None);
    }
}

#[test]
fn bits_and_opcodes_that_mean_nothing_are_refused() {
    refuses(Role::Server, b"\x81\x05Hello", Violation::Unmasked);
    refuses(Role::Client, b"\x81\x85\0\0\0\0Hello", Violation::Masked);
    for first in [0x91, 0xa1, 0xb1, 0xf1] {
        refuses(Role::Server, &[first, 0x80], Violation::ReservedBits);
    }
    for first in [0xc1, 0xc2, 0xc9] {
        refuses(
            Role::Server,
            &[first, 0x80, 0, 0, 0, 0],
            Violation::ReservedBits,
        );
    }
    for first in [0x83, 0x87, 0x8b, 0x8f] {
        refuses(Role::Server, &[first, 0x80], Violation::OpcodeReserved);
    }
}

#[test]
fn control_frames_are_whole_and_short() {
    for first in [0x08, 0x09, 0x0a] {
        refuses(Role::Server, &[first, 0x80], Violation::ControlFragmented);
        refuses(
            Role::Server,
            &[first | 0x80, 0xfe],
            Violation::ControlTooLong,
        );
        refuses(
            Role::Server,
            &[first | 0x80, 0xff],
            Violation::ControlTooLong,
        );
    }
}

#[test]
fn lengths_are_judged_before_the_payload_comes() {
    let not_minimal = Violation::LengthNotMinimal;
    refuses(Role::Server, b"\x82\xfe\0\x7d\0\0\0\0", not_minimal);
    refuses(
        Role::Server,
        b"\x82\xff\0\0\0\0\0\0\xff\xff\0\0\0\0",
        not_minimal,
    );
    let overflow = Violation::LengthOverflow;
    refuses(
        Role::Server,
        b"\x82\xff\x80\0\0\0\0\0\0\0\0\0\0\0",
        overflow,
    );
    let huge = b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0";
    refuses(Role::Server, huge, Violation::MessageTooBig);
    refuses(
        Role::Server,
        b"\x82\xfe\x03\xe9\0\0\0\0",
        Violation::MessageTooBig,
    );
    check(Role::Server, false, b"\x82\xfe\x03\xe8\0\0\0\0", &[], None);
}

#[test]
fn continuation_without_start_is_refused() {
    for first in [0x80, 0x00] {
        let input = [first, 0x80, 0, 0, 0, 0];
        refuses(Role::Server, &input, Violation::ContinuationWithoutStart);
    }
}

#[test]
fn payloads_that_are_not_what_they_should_be() {
    refuses(
        Role::Server,
        b"\x88\x81\0\0\0\0\x03",
        Violation::CloseCodeTruncated,
    );
    refuses(
        Role::Server,
        b"\x88\x82\0\0\0\0\x03\xed",
        Violation::CloseCodeIllegal,
    );
    refuses(
        Role::Server,
        b"\x88\x83\0\0\0\0\x03\xe8\xc3",
        Violation::Utf8Invalid,
    );
    refuses(
        Role::Server,
        b"\x81\x81\0\0\0\0\xc3",
        Violation::Utf8Invalid,
    );
    refuses(
        Role::Server,
        b"\x81\x83\0\0\0\0\xed\xa0\x80",
        Violation::Utf8Invalid,
    );
}

#[test]
fn rsv1_is_for_the_first_data_frame_only() {
    let mut input = marked_frame(false, true, Opcode::Text, &[0xf2, 0x48, 0xcd]);
    input.extend(marked_frame(
        true,
        true,
        Opcode::Continuation,
        &[0xc9, 0xc9, 0x07, 0x00],
    ));
    check(
        Role::Server,
        true,
        &input,
        &[],
        Some(Violation::ReservedBits),
    );
    let ping = marked_frame(true, true, Opcode::Ping, b"");
    check(
        Role::Server,
        true,
        &ping,
        &[],
        Some(Violation::ReservedBits),
    );
    let plain = frame(true, Opcode::Text, b"plain");
    check(Role::Server, true, &plain, &["Text(\"plain\")"], None);
}

#[test]
fn new_message_inside_fragments_is_refused() {
    for opcode in [Opcode::Text, Opcode::Binary] {
        let mut input = frame(false, Opcode::Text, b"a");
        input.extend(frame(true, opcode, b"b"));
        refuses(Role::Server, &input, Violation::MessageInterleaved);
    }
}

#[test]
fn control_frames_come_between_fragments() {
    let mut input = frame(false, Opcode::Text, b"gr\xc3");
    input.extend(frame(true, Opcode::Ping, b"1"));
    input.extend(frame(false, Opcode::Continuation, b""));
    input.extend(frame(true, Opcode::Pong, b""));
    input.extend(frame(true, Opcode::Continuation, b"\xbc\xc3\x9f"));
    input.extend(frame(true, Opcode::Close, b"\x03\xe8bye"));
    let events = [
        "Ping([49])",
        "Pong([])",
        "Text(\"gr\u{fc}\u{df}\")",
        "Close(Some(CloseCode(1000)), \"bye\")",
    ];
    check(Role::Server, false, &input, &events, None);
}

#[test]
fn utf8_is_judged_across_fragments() {
    let mut broken = frame(false, Opcode::Text, b"\xe2\x82");
    broken.extend(frame(true, Opcode::Continuation, b"\x41"));
    refuses(Role::Server, &broken, Violation::Utf8Invalid);
    let mut binary = frame(false, Opcode::Binary, b"\xe2\x82");
    binary.extend(frame(true, Opcode::Continuation, b"\x41"));
    check(
        Role::Server,
        false,
        &binary,
        &["Binary([226, 130, 65])"],
        None,
    );
}

#[test]
fn fragments_are_counted_even_empty_ones() {
    let mut input = frame(false, Opcode::Binary, b"");
    for _ in 0..2 {
        input.extend(frame(false, Opcode::Continuation, b""));
    }
    let mut whole = input.clone();
    whole.extend(frame(true, Opcode::Continuation, b""));
    check(Role::Server, false, &whole, &["Binary([])"], None);
    input.extend(frame(false, Opcode::Continuation, b""));
    input.extend(frame(true, Opcode::Continuation, b""));
    refuses(Role::Server, &input, Violation::FragmentsTooMany);
}

#[test]
fn message_size_is_bounded_over_all_fragments() {
    let mut input = frame(false, Opcode::Binary, &[b'x'; 600]);
    input.extend(frame(true, Opcode::Continuation, &[b'x'; 400]));
    let (events, violation) = read(&mut Decoder::new(Role::Server, false), &LIMITS, &input);
    assert_eq!((events.len(), violation), (1, None));

    let mut input = frame(false, Opcode::Binary, &[b'x'; 600]);
    let too_much = frame(true, Opcode::Continuation, &[b'x'; 401]);
    input.extend(&too_much[..8]);
    refuses(Role::Server, &input, Violation::MessageTooBig);
}

#[test]
fn plain_message_of_one_frame_is_not_copied() {
    let mut input = frame(true, Opcode::Binary, b"borrowed");
    let range = input.as_ptr_range();
    let mut inflater = Inflater::new();
    let mut decoder = Decoder::new(Role::Server, true);
    let Ok(Decoded::Frame {
        event: Some(Event::Binary(payload)),
        ..
    }) = decoder.decode(&mut input, &LIMITS, &mut inflater)
    else {
        panic!("no message");
    };
    assert!(range.contains(&payload.as_ptr()));
    assert_eq!((decoder.buffered_bytes(), inflater.buffer_bytes()), (0, 0));
}

#[test]
fn incomplete_frame_is_left_as_it_came() {
    let mut input = Vec::new();
    encode_masked(Opcode::Text, &[b'x'; 300], [1, 2, 3, 4], &mut input);
    let whole = input.clone();
    let mut decoder = Decoder::new(Role::Server, false);
    let mut inflater = Inflater::new();
    for cut in 0..whole.len() {
        let Ok(Decoded::Incomplete { missing }) =
            decoder.decode(&mut input[..cut], &LIMITS, &mut inflater)
        else {
            panic!("a frame cut at {cut} was read");
        };
        assert!(cut + missing <= whole.len());
        assert!(cut < 8 || cut + missing == whole.len());
    }
    assert_eq!(input, whole);
}

#[test]
fn partial_message_is_freed_when_it_ends_or_fails() {
    let mut decoder = Decoder::new(Role::Server, false);
    read(
        &mut decoder,
        &LIMITS,
        &frame(false, Opcode::Binary, &[1; 900]),
    );
    read(
        &mut decoder,
        &LIMITS,
        &frame(false, Opcode::Continuation, &[1; 50]),
    );
    assert!((950..=LIMITS.message_bytes).contains(&decoder.buffered_bytes()));
    read(
        &mut decoder,
        &LIMITS,
        &frame(true, Opcode::Continuation, b""),
    );
    assert_eq!(decoder.buffered_bytes(), 0);

    read(
        &mut decoder,
        &LIMITS,
        &frame(false, Opcode::Binary, &[1; 900]),
    );
    read(&mut decoder, &LIMITS, &frame(true, Opcode::Text, b""));
    assert_eq!(decoder.buffered_bytes(), 0);
}

#[test]
fn deflate_bomb_stops_at_the_limit() {
    let limits = DecoderLimits {
        message_bytes: 64 * 1024,
        fragments: 1024,
    };
    let mut deflater = Deflater::new();
    let mut bomb = Vec::new();
    assert!(encode_deflated(
        Opcode::Binary,
        &vec![0; 32 << 20],
        &mut deflater,
        &mut bomb
    ));
    assert!(bomb.len() < 64 * 1024);
    let mut inflater = Inflater::new();
    let mut decoder = Decoder::new(Role::Client, true);
    let result = decoder.decode(&mut bomb, &limits, &mut inflater);
    assert_eq!(result, Err(Violation::MessageTooBig));
    assert!(inflater.buffer_bytes() <= limits.message_bytes + 1);
}

#[test]
fn compressed_message_of_the_very_limit_passes() {
    for (length, end) in [(1000, None), (1001, Some(Violation::MessageTooBig))] {
        let mut input = Vec::new();
        let payload = vec![b'x'; length];
        assert!(encode_deflated(
            Opcode::Text,
            &payload,
            &mut Deflater::new(),
            &mut input
        ));
        let (events, violation) = read(&mut Decoder::new(Role::Client, true), &LIMITS, &input);
        assert_eq!((events.len(), violation), (usize::from(end.is_none()), end));
    }
}

#[test]
fn broken_compressed_data_is_refused() {
    let input = marked_frame(true, true, Opcode::Binary, &[0xff, 0xff, 0xff]);
    check(
        Role::Server,
        true,
        &input,
        &[],
        Some(Violation::DeflateInvalid),
    );
}

#[test]
fn inflated_text_must_be_utf8() {
    let mut input = Vec::new();
    assert!(encode_deflated(
        Opcode::Text,
        &[0xff; 100],
        &mut Deflater::new(),
        &mut input
    ));
    check(
        Role::Client,
        true,
        &input,
        &[],
        Some(Violation::Utf8Invalid),
    );
}

#[test]
fn unlimited_limits_do_not_overflow() {
    let limits = DecoderLimits {
        message_bytes: usize::MAX,
        fragments: u32::MAX,
    };
    let mut input = marked_frame(false, true, Opcode::Text, &[0xf2, 0x48, 0xcd]);
    input.extend(frame(true, Opcode::Continuation, &[0xc9, 0xc9, 0x07, 0x00]));
    input.extend(b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0");
    let (events, violation) = read(&mut Decoder::new(Role::Server, true), &limits, &input);
    assert_eq!(
        (events, violation),
        (vec!["Text(\"Hello\")".to_owned()], None)
    );
}

#[test]
fn server_frames_reach_a_client() {
    let mut input = Vec::new();
    encode(Opcode::Text, b"one", &mut input);
    encode_fragments(Opcode::Text, b"two", 1, &mut input);
    encode_fragments(Opcode::Binary, b"", 1, &mut input);
    encode_close(4001, "Invalid or expired token", &mut input);
    let close = "Close(Some(CloseCode(4001)), \"Invalid or expired token\")";
    check(
        Role::Client,
        false,
        &input,
        &["Text(\"one\")", "Text(\"two\")", "Binary([])", close],
        None,
    );
    assert_eq!(CloseCode::new(4001).map(CloseCode::number), Some(4001));
}

#[test]
fn violations_close_with_their_code_and_a_short_reason() {
    for (violation, code) in [
        (Violation::Unmasked, 1002),
        (Violation::CloseCodeIllegal, 1002),
        (Violation::DeflateInvalid, 1007),
        (Violation::Utf8Invalid, 1007),
        (Violation::FragmentsTooMany, 1009),
        (Violation::MessageTooBig, 1009),
    ] {
        assert_eq!(violation.close_code(), code);
        assert_eq!(violation.to_string(), violation.reason());
        assert!(violation.reason().len() <= 123);
    }
}
