use proptest::prelude::*;

use super::*;
use crate::checks;
use crate::packet::{Limits, Packet};

/// What is written after the engine's mark is a packet again.
fn read_again(frame: &str) {
    let packet = frame.strip_prefix('4').unwrap();
    assert!(
        Packet::decode(packet, &Limits::default()).is_ok(),
        "{frame}"
    );
}

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("40"),
        Just("41"),
        Just("42"),
        Just("43"),
        Just("451-"),
        Just("/a,"),
        Just("7"),
        Just("["),
        Just("]"),
        Just("{"),
        Just("}"),
        Just(","),
        Just(":"),
        Just("null"),
        Just("\"sendMessage\""),
        Just("\"auth:refresh\""),
        Just("\"typing\""),
        Just("\"channelId\""),
        Just("\"content\""),
        Just("\"token\""),
        Just("\"general\""),
        Just("{\"_placeholder\":true,\"num\":0}"),
        Just("\u{0}"),
        Just("\u{1e}"),
        Just("é"),
    ];
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        checks::dialect(&bytes);
    }

    #[test]
    fn any_pieces_are_answered(frames in prop::collection::vec(pieces(), 1..6)) {
        let mut data = vec![0];
        for frame in frames {
            data.push(0);
            data.extend_from_slice(frame.as_bytes());
            data.push(0xff);
        }
        checks::dialect(&data);
        data[0] = 1;
        checks::dialect(&data);
    }

    #[test]
    fn messages_are_written_and_read(
        content in any::<String>(), name in any::<String>(), client_id in any::<String>(),
        times in any::<(u64, u64)>(), number in any::<u64>(), own in any::<bool>(),
    ) {
        let written = Message {
            content: content.clone().into(),
            client_id: Some(client_id.clone().into()),
            author: Profile { user: user("alice"), name: name.into(), avatar: None },
            created_at: Timestamp::from_millis(times.0),
            deleted_at: Some(Timestamp::from_millis(times.1)),
            ..message()
        };
        let event = happened(EventKind::Message(Box::new(written)), 7, number);
        let mut out = Vec::new();
        SOCKETIO.encode_event(&connected(), &event, own, &mut out);
        let frame = String::from_utf8(out).unwrap();
        read_again(&frame);
        let value: serde_json::Value = serde_json::from_str(&frame[2..]).unwrap();
        prop_assert_eq!(value[1]["content"].as_str(), Some(&*content));
        prop_assert_eq!(value[1]["clientId"].as_str(), own.then_some(&*client_id));
        let offset = (number != 0).then(|| number.to_string());
        prop_assert_eq!(value[2].as_str(), offset.as_deref());
    }

    #[test]
    fn what_a_client_sends_arrives(content in any::<String>(), ack in 0_u64..=1 << 53) {
        prop_assume!(ack < 1 << 53);
        let data = serde_json::json!({"channelId": "general", "content": content});
        let frame = format!("42{ack}[\"sendMessage\",{data}]");
        match SOCKETIO.decode(&mut connected(), text(&frame)) {
            Received::Command(Command::Room(tag, RoomCommand::Send(sent))) => {
                prop_assert_eq!(&*sent.content, content.as_str());
                prop_assert_eq!(tag.ack, Some(ack));
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }

    #[test]
    fn refusals_are_written_and_read(text in any::<String>()) {
        for meaning in [CloseMeaning::InvalidToken, CloseMeaning::Forbidden] {
            for frame in SOCKETIO.refuse_connect(&absent(), meaning, &text) {
                let OwnFrame::Text(frame) = frame else { panic!("bytes") };
                read_again(&frame);
            }
        }
    }
}
