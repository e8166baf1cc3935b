use std::borrow::Cow;

use super::*;

/// What `frame` becomes in the conversation `R`.
fn check(frame: &str, client_id: Option<&str>, command: RoomCommand) {
    let tag = Tag {
        ack: None,
        client_id: client_id.map(Into::into),
        room: Some(room("R")),
    };
    let received = CONVERSATION.decode(&mut conversation(), Frame::Text(frame));
    assert_eq!(
        received,
        Received::Command(Command::Room(tag, command)),
        "{frame}"
    );
}

fn check_feed(frame: &str, command: Command<'_>) {
    let received = FEED.decode(&mut feed(), Frame::Text(frame));
    assert_eq!(received, Received::Command(command), "{frame}");
}

/// How `frame` is refused: code, `type`, message, and what else the answer repeats.
fn refused(dialect: &Conversation, frame: &str) -> (Refusal, String, String, Tag) {
    let mut state = if dialect.name() == "general" {
        feed()
    } else {
        conversation()
    };
    match dialect.decode(&mut state, Frame::Text(frame)) {
        Received::Refused(Reply::RoomRefused {
            tag,
            command,
            refusal,
            message,
        }) => (
            refusal,
            command.into_owned(),
            message.into_owned(),
            tag.into_owned(),
        ),
        other => panic!("{frame} became {other:?}"),
    }
}

fn check_refused(dialect: &Conversation, frame: &str, expected: (Refusal, &str, &str)) {
    let (refusal, command, message, _) = refused(dialect, frame);
    assert_eq!(
        (refusal, &*command, &*message),
        expected,
        "{} {frame}",
        dialect.name()
    );
}

fn sent(content: &str) -> SendMessage {
    SendMessage {
        room: room("R"),
        content: content.into(),
        kind: MessageKind::Text,
        reply_to: None,
        client_id: None,
        id: None,
    }
}

#[test]
fn messages_are_sent() {
    for (frame, expected) in [
        (r#"{"type":"send_message","content":"hi"}"#, sent("hi")),
        (
            r#" {"content":" \u00e9\n ","type":"send\u005fmessage","other":[1]} "#,
            sent(" é\n "),
        ),
        (
            r#"{"type":"send_message","content":"hi","client_id":null,"reply_to_id":null,"message_type":null}"#,
            sent("hi"),
        ),
        (
            r#"{"type":"send_message","content":"hi","client_id":"k 1","reply_to_id":"0190F3C4-7D2E-7000-8000-00000000000A"}"#,
            SendMessage {
                client_id: Some("k 1".into()),
                reply_to: Some(id(M2)),
                ..sent("hi")
            },
        ),
        (
            r#"{"type":"send_message","content":"https://e.org/p","message_type":"Image"}"#,
            SendMessage {
                kind: MessageKind::Image,
                ..sent("https://e.org/p")
            },
        ),
    ] {
        let client_id = expected.client_id.clone();
        check(frame, client_id.as_deref(), RoomCommand::Send(expected));
    }
}

#[test]
fn other_frames_of_a_conversation_are_commands() {
    let here = || Some(room("R"));
    let typing = |typing| {
        RoomCommand::Typing(SetTyping {
            room: room("R"),
            typing,
        })
    };
    let receipt = |status| {
        RoomCommand::Receipt(GiveReceipt {
            message: id(M1),
            room: here(),
            status,
        })
    };
    for (kind, rest, command) in [
        (
            "edit_message",
            format!(r#","message_id":"{M1}","content":"x""#),
            RoomCommand::Edit(EditMessage {
                message: id(M1),
                room: here(),
                content: "x".into(),
            }),
        ),
        (
            "delete_message",
            format!(r#","message_id":"{M1}""#),
            RoomCommand::Erase(EraseMessage {
                message: id(M1),
                room: here(),
            }),
        ),
        ("typing_start", String::new(), typing(true)),
        ("typing_stop", String::new(), typing(false)),
        (
            "message_delivered",
            format!(r#","message_id":"{M1}""#),
            receipt(DeliveryState::Delivered),
        ),
        (
            "message_read",
            format!(r#","message_id":"{M1}""#),
            receipt(DeliveryState::Read),
        ),
        (
            "get_presence",
            String::new(),
            RoomCommand::Presence(ListPresence { room: room("R") }),
        ),
    ] {
        let frame = format!(r#"{{"type":"{kind}"{rest}}}"#);
        check(&frame, None, command.clone());
        let asked = Command::Room(Tag::default(), command);
        assert_eq!(CONVERSATION.word(&asked), kind);
    }
}

#[test]
fn frames_of_the_feed_are_commands() {
    let tagged = || Tag {
        room: Some(room("C")),
        ..Tag::default()
    };
    let follow = |since| {
        let room = room("C");
        Command::Room(tagged(), RoomCommand::Follow(Follow { room, since }))
    };
    for (frame, command) in [
        (
            r#"{"type":"subscribe_conversation","conversation_id":"C"}"#,
            follow(None),
        ),
        (
            r#"{"type":"subscribe_conversation","conversation_id":"C","since":null}"#,
            follow(None),
        ),
        (
            r#"{"type":"subscribe_conversation","conversation_id":"C","since":0}"#,
            follow(Some(0)),
        ),
        (
            r#"{"type":"subscribe_conversation","conversation_id":"C","since": 9007199254740991 }"#,
            follow(Some((1 << 53) - 1)),
        ),
        (
            r#"{"type":"unsubscribe_conversation","conversation_id":"C"}"#,
            Command::Room(
                tagged(),
                RoomCommand::Unfollow(Unfollow { room: room("C") }),
            ),
        ),
        (
            r#"{"type":"request_status"}"#,
            Command::Room(Tag::default(), RoomCommand::Status),
        ),
    ] {
        assert!(frame.contains(&format!("\"{}\"", FEED.word(&command))));
        check_feed(frame, command);
    }
}

#[test]
fn ping_and_renewal_work_on_both_paths() {
    for (frame, command, word) in [
        (r#"{"type":"ping"}"#, Command::Ping, "ping"),
        (
            r#"{"type":"auth","token":"a.b\u002ec"}"#,
            Command::Renew(Cow::Borrowed("a.b.c")),
            "auth",
        ),
    ] {
        assert_eq!(FEED.word(&command), word);
        check_feed(frame, command.clone());
        let received = CONVERSATION.decode(&mut conversation(), Frame::Text(frame));
        assert_eq!(received, Received::Command(command), "{frame}");
    }
}

#[test]
fn frames_without_a_type_are_refused() {
    let bad = |message| (Refusal::BadRequest, "", message);
    for dialect in [&FEED, &CONVERSATION] {
        for (frame, message) in [
            ("", "expected a JSON object"),
            ("ping", "expected a JSON object"),
            ("[]", "expected a JSON object"),
            ("\"ping\"", "expected a JSON object"),
            ("{", "not valid JSON at line 1, column 1"),
            (r#"{"type":"ping",}"#, "not valid JSON at line 1, column 16"),
            (r#"{"type":"ping","type":"ping"}"#, "the same member twice"),
            (
                r#"{"type":"ping","typ\u0065":"ping"}"#,
                "the same member twice",
            ),
            ("{}", "type is missing"),
            (r#"{"type":null}"#, "type is missing"),
            (r#"{"type":7}"#, "type must be a string"),
            (r#"{"Type":"ping"}"#, "type is missing"),
        ] {
            check_refused(dialect, frame, bad(message));
        }
        let deep = format!(
            r#"{{"type":"ping","x":{}{}}}"#,
            "[".repeat(200),
            "]".repeat(200)
        );
        check_refused(dialect, &deep, bad("nested deeper than 128 levels"));
    }
}

#[test]
fn a_feed_asks_which_room_is_meant() {
    for kind in [
        "send_message",
        "edit_message",
        "delete_message",
        "typing_start",
        "typing_stop",
        "message_delivered",
        "message_read",
        "get_presence",
        "cancel_response",
    ] {
        let missing = (Refusal::BadRequest, kind, "conversation_id is missing");
        check_refused(&FEED, &format!(r#"{{"type":"{kind}"}}"#), missing);
    }
}

#[test]
fn unknown_types_are_named() {
    let long = "é".repeat(101);
    let cut = format!("{}…", "é".repeat(100));
    for (dialect, kind, shown) in [
        (&FEED, "subscribe", "subscribe"),
        (&FEED, "Ping", "Ping"),
        (&FEED, "", ""),
        (&FEED, &*long, &*cut),
        (
            &CONVERSATION,
            "subscribe_conversation",
            "subscribe_conversation",
        ),
        (&CONVERSATION, "request_status", "request_status"),
        (&CONVERSATION, "unknown", "unknown"),
    ] {
        let message = format!("Unknown message type: {shown}");
        check_refused(
            dialect,
            &format!(r#"{{"type":"{kind}"}}"#),
            (Refusal::UnknownCommand, shown, &message),
        );
    }
}

fn check_wrong(kind: &str, rest: &str, message: &str) {
    let frame = format!(r#"{{"type":"{kind}"{rest}}}"#);
    check_refused(&CONVERSATION, &frame, (Refusal::BadRequest, kind, message));
}

#[test]
fn wrong_fields_are_named() {
    for (kind, rest, message) in [
        ("send_message", "", "Message content is required"),
        (
            "send_message",
            r#","content":null"#,
            "Message content is required",
        ),
        (
            "send_message",
            r#","content":"""#,
            "Message content is required",
        ),
        (
            "send_message",
            r#","content":" \n""#,
            "Message content is required",
        ),
        (
            "send_message",
            r#","content":7"#,
            "content must be a string",
        ),
        (
            "send_message",
            r#","content":"\ud800""#,
            "content must be a string",
        ),
        (
            "send_message",
            r#","content":"x","client_id":7"#,
            "client_id must be a string",
        ),
        (
            "send_message",
            r#","content":"x","client_id":"""#,
            "client_id must be 1 to 128 bytes",
        ),
        (
            "send_message",
            r#","content":"x","reply_to_id":[]"#,
            "reply_to_id must be a string",
        ),
        (
            "send_message",
            r#","content":"x","message_type":"text""#,
            "message_type must be Text, Image, File or System",
        ),
    ] {
        check_wrong(kind, rest, message);
    }
}

#[test]
fn wrong_fields_of_other_frames_are_named() {
    for (kind, rest, message) in [
        ("edit_message", r#","content":"x""#, "message_id is missing"),
        (
            "edit_message",
            r#","message_id":1"#,
            "message_id must be a string",
        ),
        ("delete_message", "", "message_id is missing"),
        ("message_delivered", "", "message_id is missing"),
        (
            "message_read",
            r#","message_id":null"#,
            "message_id is missing",
        ),
        ("auth", "", "token is missing"),
        ("auth", r#","token":"""#, "token must not be empty"),
        ("auth", r#","token":true"#, "token must be a string"),
    ] {
        check_wrong(kind, rest, message);
    }
    let no_content = format!(r#"{{"type":"edit_message","message_id":"{M1}"}}"#);
    let expected = (
        Refusal::BadRequest,
        "edit_message",
        "Message content is required",
    );
    check_refused(&CONVERSATION, &no_content, expected);
}

#[test]
fn wrong_fields_of_the_feed_are_named() {
    let number = "since must be a whole number from 0 to 9007199254740991";
    let kind = "subscribe_conversation";
    for (rest, message) in [
        ("", "conversation_id is missing"),
        (
            r#","conversation_id":["C"]"#,
            "conversation_id must be a string",
        ),
        (r#","conversation_id":"C","since":-1"#, number),
        (r#","conversation_id":"C","since":1.0"#, number),
        (r#","conversation_id":"C","since":"1""#, number),
        (r#","conversation_id":"C","since":9007199254740992"#, number),
        (
            r#","conversation_id":"C","since":99999999999999999999"#,
            number,
        ),
    ] {
        let frame = format!(r#"{{"type":"{kind}"{rest}}}"#);
        check_refused(&FEED, &frame, (Refusal::BadRequest, kind, message));
    }
}

#[test]
fn ids_that_cannot_exist_are_answered_like_those_that_do_not() {
    let missing = "no such message";
    for kind in ["delete_message", "message_delivered", "message_read"] {
        for id in ["", "1", "0190f3c47d2e70008000000000000001", "é"] {
            let frame = format!(r#"{{"type":"{kind}","message_id":"{id}"}}"#);
            check_refused(&CONVERSATION, &frame, (Refusal::NotFound, kind, missing));
        }
    }
    let reply = r#"{"type":"send_message","content":"x","reply_to_id":"1"}"#;
    check_refused(
        &CONVERSATION,
        reply,
        (Refusal::NotFound, "send_message", missing),
    );
    for kind in ["subscribe_conversation", "unsubscribe_conversation"] {
        for id in ["", "a b", "../x", &"x".repeat(65)] {
            let frame = format!(r#"{{"type":"{kind}","conversation_id":"{id}"}}"#);
            check_refused(&FEED, &frame, (Refusal::NotFound, kind, "no such room"));
        }
    }
}

#[test]
fn refusals_repeat_what_was_readable() {
    let frame = r#"{"type":"send_message","client_id":"k1"}"#;
    let (.., tag) = refused(&CONVERSATION, frame);
    assert_eq!(tag.client_id.as_deref(), Some("k1"));
    assert_eq!(tag.room, Some(room("R")));
    let long = format!(
        r#"{{"type":"send_message","client_id":"{}"}}"#,
        "k".repeat(129)
    );
    let (.., message, tag) = refused(&CONVERSATION, &long);
    assert_eq!(message, "client_id must be 1 to 128 bytes");
    assert_eq!(tag.client_id, None);
    let frame = r#"{"type":"subscribe_conversation","conversation_id":"C","since":"x"}"#;
    let (.., tag) = refused(&FEED, frame);
    assert_eq!(tag.room, Some(room("C")));
}

#[test]
fn an_answer_is_cancelled_in_its_room() {
    let frames = [
        (
            &FEED,
            feed(),
            r#"{"type":"cancel_response","conversation_id":"R"}"#,
        ),
        (
            &CONVERSATION,
            conversation(),
            r#"{"type":"cancel_response"}"#,
        ),
    ];
    for (dialect, mut state, frame) in frames {
        let tag = Tag {
            room: Some(room("R")),
            ..Tag::default()
        };
        let cancel = RoomCommand::CancelAnswer(CancelAnswer { room: room("R") });
        let expected = Received::Command(Command::Room(tag, cancel));
        assert_eq!(dialect.decode(&mut state, Frame::Text(frame)), expected);
    }
}

#[test]
fn binary_frames_are_violations() {
    let violation = Received::Violation(CloseMeaning::BinaryFrame);
    let frame = Frame::Binary(br#"{"type":"ping"}"#);
    assert_eq!(FEED.decode(&mut feed(), frame), violation);
    assert_eq!(CONVERSATION.decode(&mut conversation(), frame), violation);
}

#[test]
fn path_without_a_room_leads_nowhere() {
    let mut state = CONVERSATION.open("", true);
    let received = CONVERSATION.decode(&mut state, Frame::Text(r#"{"type":"ping"}"#));
    assert_eq!(received, Received::Violation(CloseMeaning::Forbidden));
}

#[test]
fn query_says_where_to_resume() {
    let many = format!("{}since=1", "x=1&".repeat(64));
    for (query, since) in [
        ("", None),
        ("since=0", Some(0)),
        ("token=a.b.c&since=17", Some(17)),
        ("since=1&since=2", Some(2)),
        ("since=99999999999999999999999", Some((1 << 53) - 1)),
        ("since=-1", None),
        ("since=+1", None),
        ("since=", None),
        ("since", None),
        ("Since=1&xsince=2", None),
        (&many, None),
    ] {
        let place = CONVERSATION.open(query, true).place.unwrap();
        assert_eq!((place.since, place.room), (since, None), "{query}");
        assert!(FEED.open(query, true).place.is_none(), "{query}");
    }
}

#[test]
fn each_path_begins_in_its_own_way() {
    for (dialect, state, name, start) in [
        (&FEED, feed(), "general", Start::Feed),
        (&CONVERSATION, conversation(), "conversation", Start::Room),
    ] {
        assert_eq!(dialect.name(), name);
        assert_eq!(dialect.start(&state), start);
        assert_eq!(dialect.mode(&state), Mode::Subscriber);
        assert_eq!(dialect.form(&state), Form(2));
    }
}
