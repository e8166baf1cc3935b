use super::*;

#[track_caller]
fn answers(answer: &RoomReply, data: &str) {
    let tag = Tag {
        ack: Some(12),
        ..Tag::default()
    };
    let frame = |tag| Reply::Room {
        tag,
        command: "sendMessage",
        answer,
    };
    assert_eq!(
        reply(&connected(), &frame(&tag)).unwrap(),
        format!(r#"4312[{{"success":true,"data":{data}}}]"#)
    );
    assert_eq!(reply(&connected(), &frame(&Tag::default())), None);
}

#[test]
fn answers_are_acknowledgements() {
    answers(&RoomReply::Done, "true");
    answers(&RoomReply::Count(3), r#"{"count":3}"#);
    answers(&RoomReply::Users(Vec::new()), "[]");
    answers(
        &RoomReply::Users(vec![user("alice"), user("b\"b")]),
        r#"["alice","b\"b"]"#,
    );
    let presence = Presence {
        user: user("bob"),
        online: false,
        last_seen: Some(moment()),
    };
    answers(
        &RoomReply::Presence(vec![presence]),
        r#"[{"userId":"bob","isOnline":false,"lastSeenAt":"2024-01-24T10:25:37.123Z"}]"#,
    );
    let receipt = Receipt {
        message: message_id(MESSAGE),
        recipient: user("bob"),
        status: DeliveryState::Sent,
        at: moment(),
    };
    answers(
        &RoomReply::Receipts(vec![receipt]),
        &format!(
            r#"[{{"messageId":"{MESSAGE}","recipientId":"bob","status":"SENT","timestamp":"2024-01-24T10:25:37.123Z"}}]"#
        ),
    );
}

#[test]
fn messages_are_answered_with_their_client_id() {
    let shape = format!(
        r#"{{"id":"{MESSAGE}","content":"hi \"you\"","channelId":"general","userId":"alice","messageType":"Text","seq":7,"createdAt":"2024-01-24T10:25:37.123Z","updatedAt":"2024-01-24T10:25:37.123Z","deliveryStatus":"SENT","clientId":"k1","user":{{"id":"alice","name":"Alice"}}}}"#
    );
    answers(&RoomReply::Message(Box::new(message())), &shape);
    answers(&RoomReply::Messages(vec![message()]), &format!("[{shape}]"));
    answers(&RoomReply::Messages(Vec::new()), "[]");
}

#[test]
fn refusals_have_their_words() {
    for (refusal, code) in [
        (Refusal::BadRequest, "bad_request"),
        (Refusal::Conflict, "conflict"),
        (Refusal::Forbidden, "forbidden"),
        (Refusal::Internal, "internal"),
        (Refusal::NotFound, "not_found"),
        (Refusal::RateLimited, "rate_limited"),
        (Refusal::TooLarge, "too_large"),
        (Refusal::Unauthenticated, "unauthenticated"),
        (Refusal::Unavailable, "unavailable"),
        (Refusal::UnknownCommand, "unknown_event"),
    ] {
        let refused = |ack| Reply::RoomRefused {
            tag: std::borrow::Cow::Owned(Tag {
                ack,
                ..Tag::default()
            }),
            command: "typing".into(),
            refusal,
            message: "no".into(),
        };
        assert_eq!(
            reply(&connected(), &refused(Some(0))).unwrap(),
            format!(r#"430[{{"success":false,"error":"no","code":"{code}"}}]"#)
        );
        assert_eq!(
            reply(&connected(), &refused(None)).unwrap(),
            format!(r#"42["error",{{"message":"no","code":"{code}"}}]"#)
        );
    }
}

#[test]
fn a_message_over_the_rate_is_an_error_event() {
    let refused = Reply::Refused {
        refusal: Refusal::RateLimited,
        message: "at most 50 messages per second".into(),
        command: "message",
        topic: None,
    };
    assert_eq!(
        reply(&connected(), &refused).unwrap(),
        r#"42["error",{"message":"at most 50 messages per second","code":"rate_limited"}]"#
    );
    // Stock clients would keep an event from before CONNECT was answered.
    assert_eq!(reply(&absent(), &refused), None);
}

#[test]
fn answers_of_other_surfaces_are_none() {
    let clients = Vec::new();
    for other in [
        Reply::Pong,
        Reply::Done {
            command: "x",
            topic: None,
        },
        Reply::Presence {
            topic: "t",
            clients,
        },
    ] {
        assert_eq!(reply(&connected(), &other), None);
    }
}
