use super::*;
use crate::{CONFORMANCE, Conformance, ENGINE_ECHO};

#[track_caller]
fn answers(state: &mut DialectState, frame: &str, expected: &[&str]) {
    assert_eq!(
        CONFORMANCE.decode(state, text(frame)),
        Received::Answered(owned(expected)),
        "{frame}"
    );
}

fn opened(dialect: Conformance) -> DialectState {
    let state = dialect.open("EIO=4&transport=websocket", false);
    let push = Push::Opened {
        sid: 4,
        max_payload: 7,
    };
    let mut out = Vec::new();
    assert_eq!(
        dialect.encode_push(&state, &push, &mut out),
        Some(FrameKind::Text)
    );
    assert_eq!(
        String::from_utf8(out).unwrap(),
        r#"0{"sid":"AAAAAAAAAAAAAAAAAAAABA","upgrades":[],"pingInterval":300,"pingTimeout":200,"maxPayload":1000000}"#
    );
    assert_eq!(dialect.start(&state), Start::Opened);
    assert_eq!(dialect.heartbeat().map(|beat| beat.every), Some(300));
    state
}

#[test]
fn the_engine_echoes() {
    let mut state = opened(ENGINE_ECHO);
    let echo = |state: &mut DialectState, frame| ENGINE_ECHO.decode(state, frame);
    assert_eq!(
        echo(&mut state, text("4hello")),
        Received::Answered(owned(&["4hello"]))
    );
    let bytes = || Received::Answered(vec![OwnFrame::Binary(vec![1, 2, 3, 4])]);
    assert_eq!(echo(&mut state, Frame::Binary(&[1, 2, 3, 4])), bytes());
    assert_eq!(echo(&mut state, text("bAQIDBA==")), bytes());
    assert_eq!(echo(&mut state, text("3")), Received::Answered(Vec::new()));
    for (frame, meaning) in [
        ("abc", CloseMeaning::Malformed),
        ("2", CloseMeaning::Malformed),
        ("1", CloseMeaning::Left),
    ] {
        assert_eq!(echo(&mut state, text(frame)), Received::Violation(meaning));
    }
}

#[test]
fn namespaces_greet() {
    let mut state = opened(CONFORMANCE);
    answers(
        &mut state,
        "40",
        &[r#"40{"sid":"AAAAAAAAAAAAAAAAAAAABQ"}"#, r#"42["auth",{}]"#],
    );
    answers(
        &mut state,
        r#"40/custom,{"token":"abc"}"#,
        &[
            r#"40/custom,{"sid":"AAAAAAAAAAAAAAAAAAAABg"}"#,
            r#"42/custom,["auth",{"token":"abc"}]"#,
        ],
    );
    answers(
        &mut state,
        "40/random",
        &[r#"44/random,{"message":"Invalid namespace"}"#],
    );
    answers(&mut state, "41/custom", &[]);
    answers(
        &mut state,
        r#"42["message","message to main namespace"]"#,
        &[r#"42["message-back","message to main namespace"]"#],
    );
    answers(&mut state, "41", &[]);
    let gone = CONFORMANCE.decode(&mut state, text(r#"42["message"]"#));
    assert_eq!(gone, Received::Violation(CloseMeaning::Malformed));
}

#[test]
fn messages_come_back() {
    let mut state = opened(CONFORMANCE);
    CONFORMANCE.decode(&mut state, text("40"));
    answers(
        &mut state,
        r#"42["message",1,"2",{"3":[true]}]"#,
        &[r#"42["message-back",1,"2",{"3":[true]}]"#],
    );
    answers(
        &mut state,
        r#"42456["message-with-ack",1,"2",{"3":[false]}]"#,
        &[r#"43456[1,"2",{"3":[false]}]"#],
    );
    for (sent, back) in [
        (
            r#"452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#,
            r#"452-["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#,
        ),
        (
            r#"452-789["message-with-ack",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#,
            r#"462-789[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#,
        ),
    ] {
        answers(&mut state, sent, &[]);
        let first = CONFORMANCE.decode(&mut state, Frame::Binary(&[1, 2, 3]));
        assert_eq!(first, Received::Answered(Vec::new()));
        let Received::Answered(frames) = CONFORMANCE.decode(&mut state, Frame::Binary(&[4, 5, 6]))
        else {
            panic!("no answer");
        };
        assert_eq!(
            frames,
            [
                OwnFrame::Text(back.to_owned()),
                OwnFrame::Binary(vec![1, 2, 3]),
                OwnFrame::Binary(vec![4, 5, 6]),
            ]
        );
    }
}

#[test]
fn broken_packets_end_the_connection() {
    for frame in [
        "4abc",
        "42{}",
        r#"42abc["message-with-ack",1]"#,
        "40",
        "abc",
    ] {
        let mut state = opened(CONFORMANCE);
        CONFORMANCE.decode(&mut state, text("40"));
        let received = CONFORMANCE.decode(&mut state, text(frame));
        assert_eq!(received, Received::Violation(CloseMeaning::Malformed));
    }
}
