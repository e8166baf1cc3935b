use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::checks::decode_conversation;

const KINDS: [&str; 15] = [
    "auth",
    "cancel_response",
    "delete_message",
    "edit_message",
    "get_presence",
    "message_delivered",
    "message_read",
    "ping",
    "request_status",
    "send_message",
    "subscribe_conversation",
    "typing_start",
    "typing_stop",
    "unsubscribe_conversation",
    "other",
];

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(Value::from(M1)),
        Just(Value::from("Image")),
        Just(json!([{}, 1])),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ]
}

fn any_member() -> impl Strategy<Value = (String, Value)> {
    let names = vec![
        "client_id",
        "content",
        "conversation_id",
        "message_id",
        "message_type",
        "reply_to_id",
        "since",
        "token",
    ];
    let name = prop::sample::select(names).prop_map(ToOwned::to_owned);
    (name, any_value())
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        decode_conversation(&bytes);
    }

    #[test]
    fn any_members_are_survived(
        kind in prop::sample::select(KINDS.to_vec()),
        members in prop::collection::vec(any_member(), 0..6),
        pretty in any::<bool>(),
    ) {
        let mut frame = json!({ "type": kind });
        for (name, value) in members {
            frame[name] = value;
        }
        let text = if pretty {
            serde_json::to_string_pretty(&frame).unwrap()
        } else {
            frame.to_string()
        };
        decode_conversation(text.as_bytes());
    }

    #[test]
    fn any_type_is_repeated(kind in ".{0,100}") {
        prop_assume!(!KINDS.contains(&&*kind));
        let frame = json!({ "type": kind }).to_string();
        let mut state = feed();
        let Received::Refused(reply) = FEED.decode(&mut state, Frame::Text(&frame)) else {
            panic!("{frame} is no frame of the feed");
        };
        let mut out = Vec::new();
        FEED.encode_reply(&state, &reply, AT, &mut out);
        let error: Value = serde_json::from_slice(&out).unwrap();
        let repeated = if kind.is_empty() { Value::Null } else { Value::from(&*kind) };
        prop_assert_eq!(&error["in_reply_to"], &repeated);
        prop_assert_eq!(&error["message"], &Value::from(format!("Unknown message type: {kind}")));
    }

    #[test]
    fn content_arrives_as_sent(
        content in ".{1,200}".prop_filter("not blank", |text| !text.trim().is_empty()),
        client_id in prop::option::of(".{1,30}"),
    ) {
        let frame = json!({
            "type": "send_message", "content": content, "client_id": client_id,
        }).to_string();
        let received = CONVERSATION.decode(&mut conversation(), Frame::Text(&frame));
        let Received::Command(Command::Room(tag, RoomCommand::Send(sent))) = received else {
            panic!("{frame} sends a message");
        };
        prop_assert_eq!(&*sent.content, &*content);
        prop_assert_eq!(sent.client_id.as_deref(), client_id.as_deref());
        prop_assert_eq!(tag.client_id, sent.client_id);
    }
}

#[test]
fn seeds_of_the_fuzz_target_pass() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/seeds/conversation");
    let seeds: Vec<_> = std::fs::read_dir(folder).unwrap().collect();
    assert!(seeds.len() > 2, "too few seeds");
    for seed in seeds {
        decode_conversation(&std::fs::read(seed.unwrap().path()).unwrap());
    }
}
