use std::fs;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{extension_header, frames, handshake_request, inflate};
use crate::{
    Decoded, Decoder, DecoderLimits, Deflater, Event, Header, Inflater, Opcode, Role, apply_mask,
    encode_masked,
};

#[derive(Clone, Debug, PartialEq)]
enum Message {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
}

impl Message {
    fn of(event: &Event<'_>) -> Self {
        match event {
            Event::Text(text) => Self::Text((*text).to_owned()),
            Event::Binary(payload) => Self::Binary(payload.to_vec()),
            Event::Ping(payload) => Self::Ping(payload.to_vec()),
            Event::Pong(payload) => Self::Pong(payload.to_vec()),
            Event::Close(..) => panic!("no Close was sent"),
        }
    }

    fn parts(&self) -> (Opcode, &[u8]) {
        match self {
            Self::Text(text) => (Opcode::Text, text.as_bytes()),
            Self::Binary(payload) => (Opcode::Binary, payload),
            Self::Ping(payload) => (Opcode::Ping, payload),
            Self::Pong(payload) => (Opcode::Pong, payload),
        }
    }
}

fn message() -> impl Strategy<Value = Message> {
    let repetitive = (vec(any::<u8>(), 1..9), 1..9000_usize)
        .prop_map(|(unit, length)| unit.into_iter().cycle().take(length).collect());
    prop_oneof![
        any::<String>().prop_map(Message::Text),
        ("[a-c]{0,3}", 1..900_usize).prop_map(|(unit, times)| Message::Text(unit.repeat(times))),
        vec(any::<u8>(), 0..300).prop_map(Message::Binary),
        repetitive.prop_map(Message::Binary),
        vec(any::<u8>(), 0..126).prop_map(Message::Ping),
        vec(any::<u8>(), 0..126).prop_map(Message::Pong),
    ]
}

/// How one message is put on the wire.
#[derive(Clone, Debug)]
struct Form {
    deflated: bool,
    fragment_bytes: usize,
    mask: [u8; 4],
}

fn form() -> impl Strategy<Value = Form> {
    (
        any::<bool>(),
        prop_oneof![Just(usize::MAX), 1..4000_usize],
        any::<[u8; 4]>(),
    )
        .prop_map(|(deflated, fragment_bytes, mask)| Form {
            deflated,
            fragment_bytes,
            mask,
        })
}

/// Writes `message` in its form; between fragments stands a pong that belongs to nobody.
fn write(message: &Message, form: &Form, role: Role, out: &mut Vec<u8>) -> Vec<Message> {
    let (opcode, payload) = message.parts();
    let mut deflater = Deflater::new();
    let deflated = match opcode.is_control() || !form.deflated {
        true => None,
        false => deflater.deflate(payload),
    };
    let payload_or_deflated = deflated.unwrap_or(payload);
    let fragment_bytes = if opcode.is_control() {
        125
    } else {
        form.fragment_bytes
    };
    let mut fragments: Vec<&[u8]> = payload_or_deflated.chunks(fragment_bytes).collect();
    if fragments.is_empty() {
        fragments.push(b"");
    }
    let mask = (role == Role::Server).then_some(form.mask);
    let mut sent = Vec::new();
    for (at, fragment) in fragments.iter().enumerate() {
        let header = Header {
            fin: at + 1 == fragments.len(),
            rsv1: at == 0 && deflated.is_some(),
            opcode: if at == 0 {
                opcode
            } else {
                Opcode::Continuation
            },
            mask,
            payload_bytes: fragment.len() as u64,
        };
        header.write(out);
        let start = out.len();
        out.extend_from_slice(fragment);
        apply_mask(&mut out[start..], mask.unwrap_or_default());
        if !header.fin && at % 3 == 0 {
            let pong = Header {
                fin: true,
                rsv1: false,
                opcode: Opcode::Pong,
                payload_bytes: 0,
                mask,
            };
            pong.write(out);
            sent.push(Message::Pong(Vec::new()));
        }
    }
    sent.push(message.clone());
    sent
}

/// Reads `stream` in pieces of the given sizes, over and over.
fn read(role: Role, stream: &[u8], pieces: &[usize]) -> Vec<Message> {
    let limits = DecoderLimits {
        message_bytes: 1 << 20,
        fragments: 1 << 20,
    };
    let mut decoder = Decoder::new(role, true);
    let mut inflater = Inflater::new();
    let (mut unread, mut messages, mut sent) = (Vec::new(), Vec::new(), 0);
    for piece in pieces.iter().cycle() {
        let end = (sent + piece).min(stream.len());
        unread.extend_from_slice(&stream[sent..end]);
        sent = end;
        while let Decoded::Frame { consumed, event } = decoder
            .decode(&mut unread, &limits, &mut inflater)
            .expect("nothing illegal was sent")
        {
            messages.extend(event.map(|event| Message::of(&event)));
            unread.drain(..consumed);
        }
        if sent == stream.len() {
            break;
        }
    }
    assert!(unread.is_empty(), "a whole frame was not read");
    assert_eq!(decoder.buffered_bytes(), 0);
    messages
}

/// Frames as a careless or hostile peer might send them: mostly legal, in no sensible order.
fn careless_stream() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        4 => prop_oneof![Just(0x81_u8), Just(0x82), Just(0x01), Just(0x00), Just(0x80), Just(0xc1)],
        2 => prop_oneof![Just(0x88_u8), Just(0x89), Just(0x8a), Just(0x41), Just(0xc2), Just(0x42)],
        1 => any::<u8>(),
    ];
    let payload = prop_oneof![vec(any::<u8>(), 0..40), vec(0x20..0x7f_u8, 0..600)];
    let frame = (first, payload, any::<[u8; 4]>()).prop_map(|(first, payload, mask)| {
        let mut bytes = Vec::new();
        encode_masked(Opcode::Text, &payload, mask, &mut bytes);
        bytes[0] = first;
        bytes
    });
    (any::<[u8; 2]>(), vec(frame, 0..12), vec(any::<u8>(), 0..20)).prop_map(
        |(choice, frames, rest)| {
            let [choice, piece] = choice;
            let server_choice = choice & !1;
            [vec![server_choice, piece], frames.concat(), rest].concat()
        },
    )
}

fn extension_line() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("permessage-deflate".to_owned()),
        Just("server_max_window_bits".to_owned()),
        Just("client_max_window_bits".to_owned()),
        Just("server_no_context_takeover".to_owned()),
        Just("client_no_context_takeover".to_owned()),
        "[0-9]{1,3}",
        "[ -~]{0,4}",
    ];
    let delimiter = prop_oneof![
        Just(";"),
        Just("; "),
        Just("="),
        Just(","),
        Just("=\""),
        Just("\"")
    ];
    vec((word, delimiter), 0..12).prop_map(|parts| {
        parts
            .into_iter()
            .map(|(word, delimiter)| word + delimiter)
            .collect()
    })
}

proptest! {
    #[test]
    fn messages_arrive_as_sent(
        messages in vec((message(), form()), 0..6),
        pieces in vec(1..5000_usize, 1..8),
        to_server in any::<bool>(),
    ) {
        let role = if to_server { Role::Server } else { Role::Client };
        let mut stream = Vec::new();
        let mut sent = Vec::new();
        for (message, form) in &messages {
            sent.extend(write(message, form, role, &mut stream));
        }
        prop_assert_eq!(read(role, &stream, &pieces), sent);
    }

    #[test]
    fn any_bytes_are_read_alike_however_they_are_cut(data in vec(any::<u8>(), 0..300)) {
        frames(&data);
    }

    #[test]
    fn careless_frames_stay_within_the_limits(data in careless_stream()) {
        frames(&data);
    }

    #[test]
    fn any_request_is_answered(lines in vec("[ -~\\t]{0,60}", 0..9)) {
        handshake_request(lines.join("\n").as_bytes());
    }

    #[test]
    fn any_extensions_get_a_sound_answer(line in extension_line(), data in vec(any::<u8>(), 0..60)) {
        extension_header(line.as_bytes());
        extension_header(&data);
    }

    #[test]
    fn any_compressed_data_stays_within_its_limit(data in vec(any::<u8>(), 0..400)) {
        inflate(&data);
    }

    #[test]
    fn broken_streams_stay_within_their_limit(
        text in "[a-d]{0,900}",
        choice in any::<u8>(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut data = vec![choice];
        data.extend_from_slice(Deflater::new().deflate(text.as_bytes()).unwrap_or_default());
        let at = at.index(data.len());
        data[at] = byte;
        inflate(&data);
    }
}

#[test]
fn seeds_of_the_fuzz_targets_pass() {
    replay("frames", frames);
    replay("handshake_request", handshake_request);
    replay("extension_header", extension_header);
    replay("inflate", inflate);
}

fn replay(target: &str, check: fn(&[u8])) {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/seeds")
        .join(target);
    let files: Vec<_> = fs::read_dir(seeds).expect(target).collect();
    assert!(files.len() > 2, "too few seeds for {target}");
    for file in files {
        check(&fs::read(file.expect(target).path()).expect(target));
    }
}
