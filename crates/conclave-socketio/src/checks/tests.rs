use std::fs;
use std::path::Path;

use conclave_protocol::{Frame, FrameKind};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use super::{engine, packets};
use crate::engine::{Packet as EnginePacket, Payload};
use crate::packet::{AckId, Address, Decoded, Decoder, Limits, Outgoing, Packet};

fn namespace() -> impl Strategy<Value = String> {
    prop_oneof![Just("/".to_owned()), "/[^,]{0,20}"]
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 20, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((any::<String>(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    any::<String>().prop_filter("reserved", |name| {
        !["connect", "connect_error", "disconnect", "disconnecting"].contains(&&**name)
            && !["newListener", "removeListener"].contains(&&**name)
    })
}

fn ack() -> impl Strategy<Value = Option<AckId>> {
    prop::option::of(0..=AckId::MAX.get()).prop_map(|id| id.and_then(AckId::new))
}

/// Texts near the grammar: what random bytes never reach.
fn nearly_a_packet() -> impl Strategy<Value = String> {
    vec(
        prop_oneof![
            "[0-7]".boxed(),
            "[0-9]{1,3}-".boxed(),
            "/[a-z]{0,3},?".boxed(),
            Just(r#"["a","#.to_owned()).boxed(),
            Just(r#"{"_placeholder":true,"num":0}"#.to_owned()).boxed(),
            Just(r#"{"_placeholder":true,"num":1}"#.to_owned()).boxed(),
            r#"[\[\]{},:"\\]"#.boxed(),
            "(null|true|\"x\"|1e9|\"disconnect\")".boxed(),
        ],
        0..8,
    )
    .prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn engine_reads_any_bytes(data in vec(any::<u8>(), 0..200)) {
        engine(&data);
    }

    #[test]
    fn engine_reads_any_text(choice in any::<u8>(), text in "([0-6b]?[ -~\u{1e}é]{0,9}\u{1e}?){0,6}") {
        let mut data = vec![choice];
        data.extend_from_slice(text.as_bytes());
        engine(&data);
    }

    #[test]
    fn engine_reads_any_query(
        query in "((EIO|transport|sid|t)=(4|3|polling|websocket|[A-Za-z0-9_-]{20})?&?){0,5}",
    ) {
        engine(format!("x{query}").as_bytes());
    }

    #[test]
    fn packets_read_any_bytes(data in vec(any::<u8>(), 0..200)) {
        packets(&data);
    }

    #[test]
    fn packets_read_almost_packets(
        choice in any::<u8>(),
        messages in vec((any::<bool>(), nearly_a_packet()), 0..6),
    ) {
        let mut data = vec![choice];
        for (binary, text) in &messages {
            data.push(u8::from(*binary));
            data.extend_from_slice(text.as_bytes());
            data.push(0xff);
        }
        packets(&data);
    }

    #[test]
    fn engine_packets_survive_either_transport(
        contents in vec(prop_oneof![
            "[^\u{1e}]{0,40}".prop_map(Ok),
            vec(any::<u8>(), 0..40).prop_map(Err),
        ], 1..6),
    ) {
        let sent: Vec<_> = contents
            .iter()
            .map(|content| match content {
                Ok(text) => EnginePacket::Text(text),
                Err(bytes) => EnginePacket::Binary(bytes.into()),
            })
            .collect();
        let mut body = Vec::new();
        for packet in &sent {
            packet.encode_polled(&mut body);
            let mut message = Vec::new();
            let frame = match packet.encode(&mut message) {
                FrameKind::Text => Frame::Text(std::str::from_utf8(&message).unwrap()),
                FrameKind::Binary => Frame::Binary(&message),
            };
            let received = EnginePacket::decode(frame);
            prop_assert_eq!(received.as_ref(), Ok(packet));
        }
        let received: Result<Vec<_>, _> = Payload::new(None, &body, body.len()).unwrap().collect();
        prop_assert_eq!(received, Ok(sent));
    }

    #[test]
    fn an_event_arrives_as_it_was_sent(
        namespace in namespace(),
        ack in ack(),
        name in name(),
        sent in vec(json(), 0..5),
    ) {
        let address = Address { namespace: &namespace, ack, attachments: 0 };
        let mut text = Vec::new();
        let outgoing = Outgoing::event(&mut text, &address, &name);
        sent.iter().fold(outgoing, Outgoing::json).finish().unwrap();
        let text = String::from_utf8(text).unwrap();
        let limits = Limits::default();
        let Ok(Packet::Event { namespace: to, ack: answer, name: called, arguments, attachments }) =
            Packet::decode(&text, &limits)
        else {
            return Err(TestCaseError::fail(text));
        };
        prop_assert_eq!((to, answer, called.as_str(), attachments), (&*namespace, ack, &*name, 0));
        let received: Vec<Value> =
            arguments.iter().map(|json| serde_json::from_str(json.get()).unwrap()).collect();
        prop_assert_eq!(received, sent);
    }

    #[test]
    fn attachments_arrive_as_they_were_sent(
        namespace in namespace(),
        id in 0..=AckId::MAX.get(),
        sent in vec(vec(any::<u8>(), 0..50), 1..10),
    ) {
        let id = AckId::new(id).unwrap();
        let mut text = Vec::new();
        let outgoing = Outgoing::ack(&mut text, &namespace, id, sent.len());
        (0..sent.len())
            .fold(outgoing, |outgoing, number| {
                outgoing.json(&serde_json::json!([{"_placeholder": true, "num": number}]))
            })
            .finish()
            .unwrap();
        let text = String::from_utf8(text).unwrap();
        let (limits, mut decoder) = (Limits::default(), Decoder::new());
        let begun = decoder.decode(Frame::Text(&text), &limits);
        prop_assert!(matches!(begun, Ok(Decoded::Incomplete)), "{:?}", begun);
        let mut assembled = None;
        for bytes in &sent {
            prop_assert!(assembled.is_none());
            if let Decoded::Assembled(whole) = decoder.decode(Frame::Binary(bytes), &limits).unwrap() {
                assembled = Some(whole);
            }
        }
        let assembled = assembled.expect("the last attachment completes it");
        let received: Vec<Vec<u8>> = assembled.attachments().iter().map(|b| b.to_vec()).collect();
        prop_assert_eq!(received, sent);
        let mut again = Vec::new();
        assembled.packet().encode(&mut again);
        prop_assert_eq!(String::from_utf8(again).unwrap(), text);
    }
}

#[test]
fn seeds_of_the_fuzz_targets_pass() {
    replay("engineio", engine);
    replay("socketio", packets);
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
