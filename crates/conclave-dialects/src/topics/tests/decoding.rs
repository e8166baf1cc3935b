use std::borrow::Cow;

use super::*;

/// What `frame` becomes, and how the connection then stands.
fn check(mut state: DialectState, frame: &str, expected: &Received<'_>, mode: Mode) {
    let received = TOPICS.decode(&mut state, Frame::Text(frame));
    assert_eq!(&received, expected, "{frame}");
    assert_eq!(TOPICS.mode(&state), mode, "{frame}");
}

/// As [`check`], for commands that decide that the client does pub/sub.
fn check_command(state: DialectState, frame: &str, command: Command<'_>) {
    check(state, frame, &Received::Command(command), Mode::Subscriber);
}

fn check_bad_request(state: DialectState, frame: &str, command: &str, message: &str) {
    check_refused(state, frame, Refusal::BadRequest, (command, message));
}

fn check_refused(
    mut state: DialectState,
    frame: &str,
    expected: Refusal,
    (expected_command, expected_message): (&str, &str),
) {
    let received = TOPICS.decode(&mut state, Frame::Text(frame));
    let Received::Refused(Reply::Refused {
        refusal,
        message,
        command,
        ..
    }) = received
    else {
        panic!("{frame} became {received:?}");
    };
    assert_eq!(
        (refusal, command, &*message),
        (expected, expected_command, expected_message),
        "{frame}"
    );
}

/// Malformed commands are refused alike in every state, and decide that the client does pub/sub.
fn check_malformed(frame: &str, command: &str, message: &str) {
    for mut state in [listener(), subscriber(), anonymous()] {
        check_bad_request(copy(&state), frame, command, message);
        TOPICS.decode(&mut state, Frame::Text(frame));
        assert_eq!(TOPICS.mode(&state), Mode::Subscriber, "{frame}");
    }
}

fn subscribe<'a>(name: &str, session: Option<&'a str>, since: Option<(u64, u64)>) -> Command<'a> {
    let since = since.map(|(offset, epoch)| Position { offset, epoch });
    Command::Subscribe(Subscribe {
        topic: topic(name),
        session,
        since,
    })
}

fn publish(name: &str, message: TopicMessage) -> Command<'static> {
    Command::Publish(Publish {
        session: None,
        topic: topic(name),
        message,
    })
}

fn broadcast(members: &str) -> Received<'_> {
    Received::Command(Command::Broadcast(Broadcast {
        members: Cow::Borrowed(members),
    }))
}

#[test]
fn text_commands_become_commands() {
    check_command(
        listener(),
        "register-name:Client 1",
        Command::RegisterName("Client 1"),
    );
    let session = Command::RegisterSession(RegisterSession {
        session: "user-session-456",
    });
    check_command(listener(), "register-session:user-session-456", session);
    check_command(listener(), "subscribe:T", subscribe("T", None, None));
    check_command(anonymous(), "subscribe:T", subscribe("T", None, None));
    check_command(listener(), "subscribe:T|S", subscribe("T", Some("S"), None));
    check_command(
        listener(),
        "subscribe:T|S|x",
        subscribe("T", Some("S|x"), None),
    );
    check_command(listener(), "subscribe:T|", subscribe("T", Some(""), None));
    check_command(
        listener(),
        "subscribe: a:b ",
        subscribe(" a:b ", None, None),
    );
    let leave = Command::Unsubscribe(Unsubscribe {
        topic: topic("T"),
        session: Some("S"),
    });
    check_command(subscriber(), "unsubscribe:T|S", leave);
    let presence = Command::TopicPresence(TopicPresence { topic: topic("T") });
    check_command(subscriber(), "presence:T", presence);
}

#[test]
fn ping_and_auth_decide_nothing() {
    for (state, mode) in [
        (listener(), Mode::Listener),
        (anonymous(), Mode::Undecided),
        (subscriber(), Mode::Subscriber),
    ] {
        check(
            copy(&state),
            "ping",
            &Received::Command(Command::Ping),
            mode,
        );
        check(
            copy(&state),
            "auth:a.b.c",
            &Received::Command(Command::Renew("a.b.c".into())),
            mode,
        );
        check_bad_request(state, "auth:", "auth", "token must not be empty");
    }
}

#[test]
fn one_line_end_is_not_part_of_a_command() {
    check(
        listener(),
        "ping\n",
        &Received::Command(Command::Ping),
        Mode::Listener,
    );
    check_command(listener(), "subscribe:T\r\n", subscribe("T", None, None));
    let message = "topic must not contain control characters";
    check_bad_request(listener(), "subscribe:T\n\n", "subscribe", message);
    check_bad_request(listener(), "subscribe:T\r", "subscribe", message);
    let message = "expected a JSON object or a text command";
    check_bad_request(listener(), "ping ", "broadcast", message);
}

#[test]
fn since_is_read_where_recovery_is_on() {
    let whole = "subscribe:T?since=7,9";
    check_command(listener(), whole, subscribe("T?since=7,9", None, None));
    check_command(recovering(), whole, subscribe("T", None, Some((7, 9))));
    check_command(recovering(), "subscribe:T", subscribe("T", None, None));
    check_command(
        recovering(),
        "subscribe:T|S",
        subscribe("T", Some("S"), None),
    );
    let after_session = "subscribe:T|S?since=0,18446744073709551615";
    check_command(
        recovering(),
        after_session,
        subscribe("T", Some("S"), Some((0, u64::MAX))),
    );
    let after_topic = "subscribe:T?since=7,9|S";
    check_command(
        recovering(),
        after_topic,
        subscribe("T", Some("S"), Some((7, 9))),
    );
    let twice = "subscribe:T?since=1,2?since=7,9";
    check_command(
        recovering(),
        twice,
        subscribe("T?since=1,2", None, Some((7, 9))),
    );
    for since in [
        "",
        "7",
        "7,",
        ",9",
        "+7,9",
        "-1,9",
        "7,9,1",
        "7,18446744073709551616",
        "7, 9",
    ] {
        let message = "since must be OFFSET,EPOCH, two whole numbers";
        check_bad_request(
            recovering(),
            &format!("subscribe:T?since={since}"),
            "subscribe",
            message,
        );
    }
    check_bad_request(
        recovering(),
        "subscribe:?since=7,9",
        "subscribe",
        "topic must not be empty",
    );
}

#[test]
fn malformed_commands_name_the_field() {
    let long = "x".repeat(256);
    for (frame, command, message) in [
        ("subscribe:", "subscribe", "topic must not be empty"),
        ("subscribe:|S", "subscribe", "topic must not be empty"),
        (
            &format!("subscribe:{long}"),
            "subscribe",
            "topic must be at most 255 bytes",
        ),
        (
            "unsubscribe:a\tb",
            "unsubscribe",
            "topic must not contain control characters",
        ),
        ("presence:a|b", "presence", "topic must not contain '|'"),
        ("register-name:", "register-name", "name must not be empty"),
        (
            "register-session:a\u{7f}",
            "register-session",
            "session must not contain control characters",
        ),
    ] {
        check_malformed(frame, command, message);
    }
}

#[test]
fn malformed_messages_name_the_field() {
    let long = format!(r#"{{"topic":"T","publisher_name":"{}"}}"#, "x".repeat(256));
    for (object, message) in [
        ("", "expected a JSON object"),
        ("hello", "expected a JSON object"),
        ("[1]", "expected a JSON object"),
        ("{\"a\"}", "not valid JSON at line 1, column 5"),
        ("{} {}", "not valid JSON at line 1, column 4"),
        ("{}", "topic is missing"),
        (r#"{"topic":null}"#, "topic is missing"),
        (r#"{"topic":1}"#, "topic must be a string"),
        (r#"{"topic":""}"#, "topic must not be empty"),
        (r#"{"topic":"a\u007cb"}"#, "topic must not contain '|'"),
        (r#"{"topic":"\ud800"}"#, "topic must be a string"),
        (
            r#"{"topic":"T","session_id":["S"]}"#,
            "session_id must be a string",
        ),
        (&long, "publisher_name must be at most 255 bytes"),
        (
            r#"{"topic":"T","timestamp":1706091937}"#,
            "timestamp must be a string",
        ),
        (
            r#"{"topic":"T","timestamp":"a\nb"}"#,
            "timestamp must be at most 64 bytes, no control characters",
        ),
    ] {
        check_malformed(&format!("publish-json:{object}"), "publish-json", message);
    }
}

#[test]
fn refused_publish_names_its_valid_topic() {
    let frame = Frame::Text(r#"publish-json:{"topic":"T","timestamp":0}"#);
    let received = TOPICS.decode(&mut listener(), frame);
    let Received::Refused(Reply::Refused { topic, .. }) = received else {
        panic!("{received:?}");
    };
    assert_eq!(topic.as_deref(), Some("T"));
}

#[test]
fn published_message_keeps_what_was_sent() {
    let frame = r#"publish-json: {"publisher_name":"Client1","topic":"NetworkConnectedEvent",
        "payload":{ "b" : 1.50, "a":[1e400, "\u0041"]},"timestamp":"2024-01-24T10:25:37Z",
        "session_id":"session-\u0075ser123","user":"mallory","other":{"topic":"x"}}"#;
    let expected = Command::Publish(Publish {
        session: Some(Cow::Borrowed("session-user123")),
        topic: topic("NetworkConnectedEvent"),
        message: TopicMessage {
            publisher_name: Some("Client1".into()),
            payload: r#"{ "b" : 1.50, "a":[1e400, "\u0041"]}"#.into(),
            timestamp: Some("2024-01-24T10:25:37Z".into()),
            user: None,
        },
    });
    check_command(listener(), frame, expected);
    check_command(
        anonymous(),
        r#"publish-json:{"topic":"T"}"#,
        publish("T", said("null")),
    );
    let nulls = r#"publish-json:{"topic":"T","payload":null,"publisher_name":null,
        "timestamp":null,"session_id":null}"#;
    check_command(listener(), nulls, publish("T", said("null")));
}

#[test]
fn duplicate_members_are_refused() {
    for object in [
        r#"{"topic":"T","session_id":"a","session_id":"b"}"#,
        r#"{"topic":"T","session_id":"a","session\u005fid":"b"}"#,
        r#"{"topic":"T","topic":"T"}"#,
        r#"{"x":1,"topic":"T","x":1}"#,
        r#"{"topic":"T","payload":1,"\u0070ayload":2}"#,
    ] {
        let frame = format!("publish-json:{object}");
        check_bad_request(listener(), &frame, "publish-json", "the same member twice");
        check_bad_request(listener(), object, "broadcast", "the same member twice");
    }
}

#[test]
fn deep_nesting_is_refused() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let publish_nested = |levels| {
        format!(
            r#"publish-json:{{"topic":"T","payload":{}}}"#,
            nested(levels)
        )
    };
    check_command(
        listener(),
        &publish_nested(127),
        publish("T", said(&nested(127))),
    );
    for levels in [128, 30_000] {
        let message = "nested deeper than 128 levels";
        check_bad_request(listener(), &publish_nested(levels), "publish-json", message);
        let object = format!(r#"{{"a":{}}}"#, nested(levels));
        check_bad_request(listener(), &object, "broadcast", message);
    }
    // Brackets inside strings do not nest.
    let text = format!(r#""\"{}""#, "[".repeat(200));
    let frame = format!(r#"publish-json:{{"topic":"T","payload":{text}}}"#);
    check_command(listener(), &frame, publish("T", said(&text)));
}

#[test]
fn json_objects_of_listeners_are_broadcast() {
    for (frame, members) in [
        ("{}", ""),
        (" \t{ \r\n} \n", ""),
        (
            r#"{"type":"test","payload":{"message":"Hello"}}"#,
            r#""type":"test","payload":{"message":"Hello"}"#,
        ),
        (
            r#"{ "a" : 1.0 , "\u0062":[ ] }"#,
            r#""a" : 1.0 , "\u0062":[ ]"#,
        ),
        (r#"{"user":"mallory"}"#, ""),
        (r#"{"user":"mallory","a":1}"#, r#""a":1"#),
        (
            r#"{"a" : 1 , "timestamp":"x", "b": {"user":"kept"} }"#,
            r#""a" : 1,"b": {"user":"kept"}"#,
        ),
        (
            r#"{"\u0075ser":"m","\u0061":",\"","requestId":0}"#,
            r#""\u0061":",\"""#,
        ),
        (r#"{"User":1,"request_id":2}"#, r#""User":1,"request_id":2"#),
    ] {
        check(listener(), frame, &broadcast(members), Mode::Listener);
    }
}

#[test]
fn broadcast_without_server_fields_borrows() {
    let received = TOPICS.decode(&mut listener(), Frame::Text(r#"{"type":"test"}"#));
    let Received::Command(Command::Broadcast(Broadcast { members })) = received else {
        panic!("{received:?}");
    };
    assert!(matches!(members, Cow::Borrowed(_)));
}

#[test]
fn other_texts_of_listeners_are_bad_requests() {
    for frame in [
        "[1]",
        "1",
        "null",
        "\"subscribe:T\"",
        " true ",
        "",
        "hello",
        "PING",
        "Subscribe:T",
        " subscribe:T",
        "subscribe",
        "\u{feff}{}",
    ] {
        let message = "expected a JSON object or a text command";
        check_bad_request(listener(), frame, "broadcast", message);
    }
    check_bad_request(
        listener(),
        "{\"a\":}",
        "broadcast",
        "not valid JSON at line 1, column 6",
    );
}

#[test]
fn subscribers_cannot_broadcast() {
    for frame in ["{}", " {\"type\":\"test\"}", "{"] {
        let message = "this connection sent a text command, so it cannot broadcast";
        check_refused(
            subscriber(),
            frame,
            Refusal::UnknownCommand,
            ("broadcast", message),
        );
    }
    for frame in ["", "hello", "[1]", "publish:T", "subscribe"] {
        let message = "expected one of the text commands";
        check_refused(
            subscriber(),
            frame,
            Refusal::UnknownCommand,
            ("unknown", message),
        );
    }
}

#[test]
fn anonymous_must_begin_with_a_text_command() {
    let violation = Received::Violation(CloseMeaning::MissingToken);
    for frame in ["{}", "", "hello", "[1]", "subscribe"] {
        check(anonymous(), frame, &violation, Mode::Undecided);
    }
}

#[test]
fn binary_frames_are_violations() {
    for mut state in [listener(), subscriber(), anonymous()] {
        let received = TOPICS.decode(&mut state, Frame::Binary(b"ping"));
        assert_eq!(received, Received::Violation(CloseMeaning::BinaryFrame));
    }
}

#[test]
fn words_are_the_prefixes() {
    for frame in [
        "auth:x",
        "ping",
        "presence:T",
        "publish-json:{\"topic\":\"T\"}",
        "register-name:N",
        "register-session:S",
        "subscribe:T",
        "unsubscribe:T",
    ] {
        let mut state = listener();
        let received = TOPICS.decode(&mut state, Frame::Text(frame));
        let Received::Command(command) = received else {
            panic!("{received:?}")
        };
        assert_eq!(Some(TOPICS.word(&command)), frame.split(':').next());
    }
}

/// A state that decoding one case cannot change for the next.
fn copy(state: &DialectState) -> DialectState {
    DialectState {
        flags: state.flags,
        name: state.name.clone(),
        place: None,
    }
}
