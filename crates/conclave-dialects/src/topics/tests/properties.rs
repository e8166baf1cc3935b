use proptest::prelude::*;
use serde_json::{Map, Value};

use super::*;
use crate::checks::decode_topics;

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Names that the server sets are likely, so that they meet others in one object.
fn any_object() -> impl Strategy<Value = Map<String, Value>> {
    let name = prop_oneof![
        3 => any::<String>(),
        1 => prop::sample::select(vec!["user", "timestamp", "requestId", "topic", "payload"])
            .prop_map(ToOwned::to_owned),
    ];
    prop::collection::vec((name, any_json()), 0..8)
        .prop_map(|members| members.into_iter().collect())
}

fn any_name() -> impl Strategy<Value = String> {
    "[^|\\p{Cc}]{1,60}".prop_filter("a name", |name| TopicName::new(name).is_ok())
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        decode_topics(&bytes);
    }

    #[test]
    fn any_argument_is_survived(
        word in prop::sample::select(vec![
            "auth:", "presence:", "publish-json:", "register-name:", "register-session:",
            "subscribe:", "unsubscribe:", "ping", "",
        ]),
        argument in ".*",
    ) {
        decode_topics(format!("{word}{argument}").as_bytes());
    }

    #[test]
    fn any_object_is_survived(object in any_object(), pretty in any::<bool>()) {
        let text = if pretty {
            serde_json::to_string_pretty(&object).unwrap()
        } else {
            serde_json::to_string(&object).unwrap()
        };
        decode_topics(text.as_bytes());
        decode_topics(format!("publish-json:{text}").as_bytes());
    }

    #[test]
    fn payload_is_delivered_as_sent(payload in any_json(), pretty in any::<bool>()) {
        let text = if pretty {
            serde_json::to_string_pretty(&payload).unwrap()
        } else {
            payload.to_string()
        };
        let frame = format!(r#"publish-json:{{"payload": {text} ,"topic":"T"}}"#);
        let mut state = listener();
        let Received::Command(Command::Publish(Publish { message, .. })) =
            TOPICS.decode(&mut state, Frame::Text(&frame))
        else {
            panic!("{frame} is a message");
        };
        prop_assert_eq!(&*message.payload, text.as_str());
        let channel = in_topic("T", SessionKind::Named, "s");
        let written = encoded(Form(0), &publication(channel, Body::Topic(message), 0));
        let delivered = format!(r#""payload":{text},"timestamp""#);
        prop_assert!(written.contains(&delivered));
    }

    #[test]
    fn written_message_reads_back(
        names in (any_name(), any_name(), any::<String>(), any_name()),
        payload in any_json(),
        at in any::<u64>(),
    ) {
        let (topic_name, session, publisher, user) = names;
        let message = TopicMessage {
            publisher_name: Some(publisher.as_str().into()),
            payload: payload.to_string().into(),
            timestamp: None,
            user: UserId::new(&user).ok(),
        };
        let channel = in_topic(&topic_name, SessionKind::Named, &session);
        let publication = publication(channel, Body::Topic(message), at);
        for form in [Form(0), Form(1)] {
            let read: Value = serde_json::from_str(&encoded(form, &publication)).unwrap();
            prop_assert_eq!(read["topic"].as_str(), Some(topic_name.as_str()));
            prop_assert_eq!(read["session_id"].as_str(), Some(session.as_str()));
            prop_assert_eq!(read["publisher_name"].as_str(), Some(publisher.as_str()));
            prop_assert_eq!(read["user"].as_str(), Some(user.as_str()));
            let sent: Value = serde_json::from_str(&payload.to_string()).unwrap();
            prop_assert_eq!(&read["payload"], &sent);
            prop_assert_eq!(read.get("offset").is_some(), form == Form(1));
        }
    }

    #[test]
    fn broadcast_keeps_all_other_members(object in any_object(), pretty in any::<bool>()) {
        let text = if pretty {
            serde_json::to_string_pretty(&object).unwrap()
        } else {
            serde_json::to_string(&object).unwrap()
        };
        let mut state = listener();
        let Received::Command(Command::Broadcast(Broadcast { members })) =
            TOPICS.decode(&mut state, Frame::Text(&text))
        else {
            panic!("{text} is a broadcast");
        };
        let body = Body::Broadcast {
            members: members.into(),
            user: UserId::new("alice").unwrap(),
            request: u128::MAX,
        };
        let written = encoded(Form(0), &publication(Channel::Broadcast, body, 1_649_123_456_789));
        let read: Map<String, Value> = serde_json::from_str(&written).unwrap();
        let mut expected: Map<String, Value> = serde_json::from_str(&text).unwrap();
        expected.insert("user".to_owned(), "alice".into());
        expected.insert("timestamp".to_owned(), 1_649_123_456.789.into());
        expected.insert(
            "requestId".to_owned(),
            "ffffffff-ffff-ffff-ffff-ffffffffffff".into(),
        );
        prop_assert_eq!(read, expected);
    }
}
