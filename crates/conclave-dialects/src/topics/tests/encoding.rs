use std::borrow::Cow;

use super::*;

#[test]
fn query_switches_acks_and_recovery() {
    let many = format!("{}ack=1", "x=1&".repeat(64));
    for (query, acks, form) in [
        ("", false, Form(0)),
        ("ack=1", true, Form(0)),
        ("token=a.b.c&ack=1&recover=1", true, Form(1)),
        ("ack=1&ack=0", false, Form(0)),
        ("recover=0&recover=1", false, Form(1)),
        ("ack=true&recover&=1&&", false, Form(0)),
        (&many, false, Form(0)),
    ] {
        for authenticated in [false, true] {
            let state = TOPICS.open(query, authenticated);
            let done = Reply::Done {
                command: "subscribe",
                topic: None,
            };
            let kind = TOPICS.encode_reply(&state, &done, Timestamp::default(), &mut Vec::new());
            assert_eq!(kind, acks.then_some(FrameKind::Text), "{query}");
            assert_eq!(TOPICS.form(&state), form, "{query}");
        }
    }
}

#[test]
fn replies_are_written_as_documented() {
    let state = TOPICS.open("ack=1", true);
    let present = |user: Option<&str>, name: Option<&str>| Present {
        user: user.map(|user| UserId::new(user).unwrap()),
        name: name.map(Into::into),
    };
    let refused = |topic: Option<&'static str>| Reply::Refused {
        refusal: Refusal::Forbidden,
        message: "not \"yours\"".into(),
        command: "subscribe",
        topic: topic.map(Cow::Borrowed),
    };
    for (reply, expected) in [
        (Reply::Pong, "pong"),
        (Reply::Renewed, r#"{"type":"auth_success"}"#),
        (
            Reply::Done {
                command: "subscribe",
                topic: Some("T\\"),
            },
            r#"{"type":"ack","command":"subscribe","topic":"T\\"}"#,
        ),
        (
            Reply::Done {
                command: "register-name",
                topic: None,
            },
            r#"{"type":"ack","command":"register-name"}"#,
        ),
        (
            refused(Some("T")),
            r#"{"type":"error","code":"forbidden","message":"not \"yours\"","command":"subscribe","topic":"T"}"#,
        ),
        (
            refused(None),
            r#"{"type":"error","code":"forbidden","message":"not \"yours\"","command":"subscribe"}"#,
        ),
        (
            Reply::Presence {
                topic: "T",
                clients: vec![],
            },
            r#"{"type":"presence","topic":"T","clients":[]}"#,
        ),
        (
            Reply::Presence {
                topic: "T",
                clients: vec![present(Some("alice"), Some("A")), present(None, None)],
            },
            r#"{"type":"presence","topic":"T","clients":[{"user":"alice","publisher_name":"A"},{"user":null,"publisher_name":null}]}"#,
        ),
    ] {
        let mut out = Vec::new();
        assert_eq!(
            TOPICS.encode_reply(&state, &reply, Timestamp::default(), &mut out),
            Some(FrameKind::Text)
        );
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}

#[test]
fn acks_are_only_for_those_who_ask() {
    let mut out = Vec::new();
    let done = Reply::Done {
        command: "subscribe",
        topic: Some("T"),
    };
    assert_eq!(
        TOPICS.encode_reply(&listener(), &done, Timestamp::default(), &mut out),
        None
    );
    assert_eq!(out, b"");
}

#[test]
fn pushes_are_written_as_documented() {
    let position = Position {
        offset: 7,
        epoch: 1,
    };
    for (push, expected) in [
        (
            Push::Gap {
                topic: "T",
                position,
            },
            r#"{"type":"gap","topic":"T"}"#,
        ),
        (
            Push::SubscriptionEnded { topic: "T" },
            r#"{"type":"error","code":"forbidden","message":"the new token does not allow this subscription","command":"subscribe","topic":"T"}"#,
        ),
    ] {
        let mut out = Vec::new();
        assert_eq!(
            TOPICS.encode_push(&listener(), &push, &mut out),
            Some(FrameKind::Text)
        );
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}

#[test]
fn topic_message_is_written_as_documented() {
    let message = TopicMessage {
        publisher_name: Some("Client1".into()),
        payload: r#""Network connected""#.into(),
        timestamp: Some("2024-01-24T10:25:37Z".into()),
        user: Some(UserId::new("user123").unwrap()),
    };
    let channel = in_topic("NetworkConnectedEvent", SessionKind::Default, "user123");
    let publication = publication(channel, Body::Topic(message), 0);
    let plain = r#"{"publisher_name":"Client1","topic":"NetworkConnectedEvent","payload":"Network connected","timestamp":"2024-01-24T10:25:37Z","session_id":"session-user123","user":"user123""#;
    assert_eq!(encoded(Form(0), &publication), format!("{plain}}}"));
    let recovery = r#","offset":7,"epoch":18446744073709551615}"#;
    assert_eq!(encoded(Form(1), &publication), format!("{plain}{recovery}"));
}

#[test]
fn missing_timestamp_is_the_servers() {
    for (at, expected) in [
        (1_706_091_937_123, "2024-01-24T10:25:37.123Z"),
        (1_706_091_937_000, "2024-01-24T10:25:37.000Z"),
        (0, "1970-01-01T00:00:00.000Z"),
        (u64::MAX, "9999-12-30T22:00:00.999Z"),
    ] {
        let channel = in_topic("T", SessionKind::Anonymous, "s");
        let publication = publication(channel, Body::Topic(said("null")), at);
        let expected = format!(
            r#"{{"publisher_name":null,"topic":"T","payload":null,"timestamp":"{expected}","session_id":"s","user":null}}"#
        );
        assert_eq!(encoded(Form(0), &publication), expected);
    }
}

#[test]
fn broadcast_is_enriched() {
    for (members, expected) in [
        ("", r#"{"user":"a\"b","timestamp":1649123456.789,"#),
        (
            r#""type":"test" "#,
            r#"{"type":"test" ,"user":"a\"b","timestamp":1649123456.789,"#,
        ),
    ] {
        let body = Body::Broadcast {
            members: members.into(),
            user: UserId::new("a\"b").unwrap(),
            request: 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef,
        };
        let publication = publication(Channel::Broadcast, body, 1_649_123_456_789);
        for form in [Form(0), Form(1)] {
            let request = r#""requestId":"01234567-89ab-cdef-0123-456789abcdef"}"#;
            assert_eq!(encoded(form, &publication), format!("{expected}{request}"));
        }
    }
}

#[test]
fn broadcast_seconds_keep_their_zeros() {
    let body = Body::Broadcast {
        members: "".into(),
        user: UserId::new("u").unwrap(),
        request: 0,
    };
    let text = encoded(
        Form(0),
        &publication(Channel::Broadcast, body, 1_649_123_456_007),
    );
    assert!(text.contains(r#""timestamp":1649123456.007,"#), "{text}");
}

#[test]
fn closes_with_the_documented_codes() {
    for (meaning, code, reason, may_return) in [
        (
            CloseMeaning::BinaryFrame,
            1003,
            "Binary frames are not supported",
            false,
        ),
        (CloseMeaning::Forbidden, 1008, "Not allowed here", false),
        (CloseMeaning::GoingAway, 1001, "Server is going away", true),
        (
            CloseMeaning::InvalidPayload,
            1008,
            "Invalid token payload",
            false,
        ),
        (
            CloseMeaning::InvalidToken,
            1008,
            "Invalid or expired token",
            false,
        ),
        (
            CloseMeaning::MissingToken,
            1008,
            "Missing authentication token",
            false,
        ),
        (CloseMeaning::RateLimited, 1008, "Too many messages", true),
        (CloseMeaning::Silent, 1001, "No answer to pings", true),
        (CloseMeaning::SlowReader, 1013, "Slow reader", true),
        (
            CloseMeaning::TooManyConnections,
            1008,
            "Too many connections",
            true,
        ),
    ] {
        let disconnect = TOPICS.disconnect(meaning);
        assert_eq!(
            (disconnect.code, disconnect.reason, disconnect.may_return),
            (code, reason, may_return)
        );
    }
}
