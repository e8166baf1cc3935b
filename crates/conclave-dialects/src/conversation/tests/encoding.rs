use std::borrow::Cow;

use super::*;

fn check_reply(
    dialect: &Conversation,
    state: &DialectState,
    reply: &Reply<'_>,
    expected: Option<&str>,
) {
    let mut out = Vec::new();
    let kind = dialect.encode_reply(state, reply, AT, &mut out);
    assert_eq!(kind, expected.map(|_| FrameKind::Text), "{reply:?}");
    assert_eq!(
        String::from_utf8(out).unwrap(),
        expected.unwrap_or_default(),
        "{reply:?}"
    );
}

fn check_answer(tag: &Tag, command: &'static str, answer: &RoomReply, expected: Option<&str>) {
    let reply = Reply::Room {
        tag,
        command,
        answer,
    };
    check_reply(&FEED, &feed(), &reply, expected);
    check_reply(&CONVERSATION, &conversation(), &reply, expected);
}

fn check_push(dialect: &Conversation, state: &DialectState, push: &Push<'_>, expected: &str) {
    let mut out = Vec::new();
    let kind = dialect.encode_push(state, push, &mut out);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        expected,
        "{}",
        dialect.name()
    );
    assert_eq!(kind, (!expected.is_empty()).then_some(FrameKind::Text));
}

fn message(client_id: Option<&str>) -> Box<Message> {
    Box::new(Message {
        id: id(M1),
        room: room("R"),
        seq: 3,
        author: Profile {
            user: user("alice"),
            name: "Alice".into(),
            avatar: None,
        },
        kind: MessageKind::Text,
        content: "hi".into(),
        reply_to: None,
        client_id: client_id.map(Into::into),
        created_at: AT,
        updated_at: AT,
        deleted_at: None,
        status: DeliveryState::Read,
        answer: None,
    })
}

fn principal(name: Option<&str>) -> Principal {
    Principal {
        user: Some(user("u-1")),
        session: SessionId {
            kind: SessionKind::Default,
            issuer: IssuerId(0),
            name: SessionName::new("u-1").unwrap(),
        },
        session_named_by_token: false,
        name: name.map(Into::into),
        grants: Arc::new(Grants::new(["conversation.read", "chat:send"])),
        token: None,
        family: None,
        issued_at: None,
        expires_at: None,
    }
}

#[test]
fn connection_is_told_who_it_is() {
    let (named, plain) = (principal(Some("A \"u\"")), principal(None));
    let at = room("R");
    let welcome = |principal, room| {
        Push::Welcome(Welcome {
            principal,
            connection: u64::MAX,
            room,
            sid: 0,
            secret: 0,
            at: AT,
        })
    };
    check_push(
        &FEED,
        &feed(),
        &welcome(&named, None),
        r#"{"type":"connected","user":"A \"u\"","user_id":"u-1","permissions":["chat:send","conversation.read"],"connection_id":"18446744073709551615","message":"Real-time connection established","timestamp":1649123456.789}"#,
    );
    check_push(
        &CONVERSATION,
        &conversation(),
        &welcome(&plain, Some((&at, 17))),
        r#"{"type":"connected","user":"u-1","user_id":"u-1","permissions":["chat:send","conversation.read"],"connection_id":"18446744073709551615","conversation_id":"R","last_seq":17,"message":"Real-time connection established","timestamp":1649123456.789}"#,
    );
}

#[test]
fn pushes_are_written_as_documented() {
    let at = room("R");
    let resync = Push::Resync {
        room: &at,
        from_seq: 7,
    };
    check_push(
        &CONVERSATION,
        &conversation(),
        &resync,
        r#"{"type":"resync","from_seq":7}"#,
    );
    check_push(
        &FEED,
        &feed(),
        &resync,
        r#"{"type":"resync","conversation_id":"R","from_seq":7}"#,
    );
    let unfollowed = Push::Unfollowed { room: &at };
    check_push(
        &FEED,
        &feed(),
        &unfollowed,
        r#"{"type":"unsubscribed","conversation_id":"R","message":"Unsubscribed from conversation R"}"#,
    );
    let error = Push::Error {
        refusal: Refusal::Unavailable,
        message: "try again",
        at: AT,
    };
    check_push(
        &FEED,
        &feed(),
        &error,
        r#"{"type":"error","code":"unavailable","message":"try again","in_reply_to":null,"timestamp":1649123456.789}"#,
    );
    check_push(
        &CONVERSATION,
        &conversation(),
        &error,
        r#"{"type":"error","code":"unavailable","message":"try again","in_reply_to":null,"conversation_id":"R","timestamp":1649123456.789}"#,
    );
    for other in [
        Push::OfflineEnd { remaining: 1 },
        Push::SubscriptionEnded { topic: "T" },
    ] {
        check_push(&FEED, &feed(), &other, "");
    }
}

#[test]
fn answers_are_written_as_documented() {
    let tag = Tag::default();
    let followed = RoomReply::Followed {
        room: room("R"),
        last_seq: 9,
    };
    check_answer(
        &tag,
        "subscribe_conversation",
        &followed,
        Some(
            r#"{"type":"subscribed","conversation_id":"R","last_seq":9,"message":"Subscribed to conversation R"}"#,
        ),
    );
    check_answer(
        &tag,
        "unsubscribe_conversation",
        &RoomReply::Unfollowed { room: room("R") },
        Some(
            r#"{"type":"unsubscribed","conversation_id":"R","message":"Unsubscribed from conversation R"}"#,
        ),
    );
    let count = ConnectionCount {
        connections: 3,
        users: 2,
        rooms: 1,
    };
    check_answer(
        &tag,
        "request_status",
        &RoomReply::Status {
            user: user("alice"),
            count,
        },
        Some(
            r#"{"type":"status_update","user_id":"alice","connection_stats":{"total_connections":3,"unique_users":2,"conversation_subscriptions":1},"timestamp":1649123456.789}"#,
        ),
    );
}

#[test]
fn presence_is_written_as_documented() {
    let tag = Tag::default();
    let present = |name, online, last_seen| Presence {
        user: user(name),
        online,
        last_seen,
    };
    check_answer(
        &tag,
        "get_presence",
        &RoomReply::Presence(vec![
            present("alice", true, None),
            present(
                "bob",
                false,
                Some(Timestamp::from_millis(1_649_123_456_070)),
            ),
        ]),
        Some(
            r#"{"type":"presence","users":[{"user_id":"alice","is_online":true,"last_seen":null},{"user_id":"bob","is_online":false,"last_seen":1649123456.070}]}"#,
        ),
    );
    check_answer(
        &tag,
        "get_presence",
        &RoomReply::Presence(vec![]),
        Some(r#"{"type":"presence","users":[]}"#),
    );
}

#[test]
fn stored_message_is_acknowledged() {
    let tag = Tag::default();
    let known = Tag {
        client_id: Some("k1".into()),
        ..Tag::default()
    };
    for (tag, client_id, shown) in [
        (&known, None, r#""k1""#),
        (&tag, Some("k2"), r#""k2""#),
        (&tag, None, "null"),
    ] {
        let expected = format!(
            r#"{{"type":"message_status","message_id":"{M1}","client_id":{shown},"seq":3,"status":"sent","timestamp":1649123456.789}}"#
        );
        let answer = RoomReply::Message(message(client_id));
        check_answer(tag, "send_message", &answer, Some(&expected));
    }
}

#[test]
fn what_everybody_hears_is_not_answered_too() {
    let tag = Tag::default();
    for command in [
        "delete_message",
        "typing_start",
        "typing_stop",
        "message_delivered",
        "message_read",
    ] {
        check_answer(&tag, command, &RoomReply::Done, None);
    }
    let edited = RoomReply::Message(message(None));
    check_answer(&tag, "edit_message", &edited, None);
}

#[test]
fn short_replies_are_written_as_documented() {
    for (dialect, state) in [(&FEED, feed()), (&CONVERSATION, conversation())] {
        for (reply, expected) in [
            (
                Reply::Pong,
                Some(r#"{"type":"pong","timestamp":1649123456.789}"#),
            ),
            (Reply::Renewed, Some(r#"{"type":"auth_success"}"#)),
            (
                Reply::Done {
                    command: "ping",
                    topic: None,
                },
                None,
            ),
        ] {
            check_reply(dialect, &state, &reply, expected);
        }
    }
}

fn refusal<'a>(refusal: Refusal, command: &'a str, tag: Tag, message: &'a str) -> Reply<'a> {
    Reply::RoomRefused {
        tag: Cow::Owned(tag),
        command: Cow::Borrowed(command),
        refusal,
        message: Cow::Borrowed(message),
    }
}

#[test]
fn errors_are_written_as_documented() {
    let bad = Refusal::BadRequest;
    let tag = Tag {
        ack: None,
        client_id: Some("k1".into()),
        room: Some(room("R")),
    };
    check_reply(
        &CONVERSATION,
        &conversation(),
        &refusal(bad, "send_message", tag, "not \"so\""),
        Some(
            r#"{"type":"error","code":"bad_request","message":"not \"so\"","in_reply_to":"send_message","client_id":"k1","conversation_id":"R","timestamp":1649123456.789}"#,
        ),
    );
    check_reply(
        &FEED,
        &feed(),
        &refusal(bad, "", Tag::default(), "type is missing"),
        Some(
            r#"{"type":"error","code":"bad_request","message":"type is missing","in_reply_to":null,"timestamp":1649123456.789}"#,
        ),
    );
    let over = Reply::Refused {
        refusal: Refusal::RateLimited,
        message: "at most 50 messages per second".into(),
        command: "message",
        topic: None,
    };
    check_reply(
        &CONVERSATION,
        &conversation(),
        &over,
        Some(
            r#"{"type":"error","code":"rate_limited","message":"at most 50 messages per second","in_reply_to":"message","conversation_id":"R","timestamp":1649123456.789}"#,
        ),
    );
    check_reply(
        &FEED,
        &feed(),
        &over,
        Some(
            r#"{"type":"error","code":"rate_limited","message":"at most 50 messages per second","in_reply_to":"message","timestamp":1649123456.789}"#,
        ),
    );
}

#[test]
fn unknown_type_is_repeated() {
    let mut state = feed();
    let Received::Refused(reply) = FEED.decode(&mut state, Frame::Text(r#"{"type":"x\"y"}"#))
    else {
        panic!("an unknown type");
    };
    check_reply(
        &FEED,
        &state,
        &reply,
        Some(
            r#"{"type":"error","code":"unknown_command","message":"Unknown message type: x\"y","in_reply_to":"x\"y","timestamp":1649123456.789}"#,
        ),
    );
}

#[test]
fn refused_subscription_does_not_say_whether_the_room_exists() {
    let tag = || Tag {
        room: Some(room("C")),
        ..Tag::default()
    };
    for (refusal_code, message) in [
        (Refusal::NotFound, "no such room"),
        (
            Refusal::Forbidden,
            "Permission denied: conversation.read required",
        ),
        (Refusal::Forbidden, "banned"),
    ] {
        check_reply(
            &FEED,
            &feed(),
            &refusal(refusal_code, "subscribe_conversation", tag(), message),
            Some(
                r#"{"type":"error","code":"forbidden","message":"Permission denied: conversation.read required","in_reply_to":"subscribe_conversation","conversation_id":"C","timestamp":1649123456.789}"#,
            ),
        );
    }
    let busy = refusal(
        Refusal::TooLarge,
        "subscribe_conversation",
        tag(),
        "at most 128",
    );
    check_reply(
        &FEED,
        &feed(),
        &busy,
        Some(
            r#"{"type":"error","code":"too_large","message":"at most 128","in_reply_to":"subscribe_conversation","conversation_id":"C","timestamp":1649123456.789}"#,
        ),
    );
}

#[test]
fn every_refusal_has_its_code() {
    for (refused, code) in [
        (Refusal::BadRequest, "bad_request"),
        (Refusal::Conflict, "conflict"),
        (Refusal::Forbidden, "forbidden"),
        (Refusal::Internal, "internal"),
        (Refusal::NotFound, "not_found"),
        (Refusal::RateLimited, "rate_limited"),
        (Refusal::TooLarge, "too_large"),
        (Refusal::Unauthenticated, "unauthenticated"),
        (Refusal::Unavailable, "unavailable"),
        (Refusal::UnknownCommand, "unknown_command"),
    ] {
        let expected = format!(
            r#"{{"type":"error","code":"{code}","message":"m","in_reply_to":"edit_message","conversation_id":"R","timestamp":1649123456.789}}"#
        );
        let reply = refusal(refused, "edit_message", Tag::default(), "m");
        check_reply(&CONVERSATION, &conversation(), &reply, Some(&expected));
    }
}

#[test]
fn timestamps_keep_three_decimals() {
    for (millis, shown) in [
        (0, "0.000"),
        (1_649_123_456_700, "1649123456.700"),
        (1_649_123_456_007, "1649123456.007"),
        (u64::MAX, "18446744073709551.615"),
    ] {
        let mut out = Vec::new();
        let at = Timestamp::from_millis(millis);
        FEED.encode_reply(&feed(), &Reply::Pong, at, &mut out);
        let expected = format!(r#"{{"type":"pong","timestamp":{shown}}}"#);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
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
        (CloseMeaning::Forbidden, 4003, "Access denied", false),
        (CloseMeaning::GoingAway, 1001, "Server is going away", true),
        (
            CloseMeaning::InvalidPayload,
            4001,
            "Invalid token payload",
            false,
        ),
        (
            CloseMeaning::InvalidToken,
            4001,
            "Invalid or expired token",
            false,
        ),
        (
            CloseMeaning::Kicked,
            4001,
            "Disconnected by the server",
            false,
        ),
        (CloseMeaning::Malformed, 1002, "Malformed message", false),
        (
            CloseMeaning::MissingToken,
            4001,
            "Missing authentication token",
            false,
        ),
        (CloseMeaning::RateLimited, 1008, "Too many messages", true),
        (CloseMeaning::Silent, 1001, "No answer to pings", true),
        (CloseMeaning::SlowReader, 1013, "Slow reader", true),
        (
            CloseMeaning::TooManyConnections,
            4008,
            "Too many connections",
            true,
        ),
    ] {
        for dialect in [&FEED, &CONVERSATION] {
            let disconnect = dialect.disconnect(meaning);
            assert_eq!(
                (disconnect.code, disconnect.reason, disconnect.may_return),
                (code, reason, may_return)
            );
        }
    }
}
