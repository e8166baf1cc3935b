use super::*;

const MEANINGS: [CloseMeaning; 14] = [
    CloseMeaning::BinaryFrame,
    CloseMeaning::Forbidden,
    CloseMeaning::GoingAway,
    CloseMeaning::InvalidPayload,
    CloseMeaning::InvalidToken,
    CloseMeaning::Kicked,
    CloseMeaning::Left,
    CloseMeaning::Malformed,
    CloseMeaning::MissingToken,
    CloseMeaning::RateLimited,
    CloseMeaning::Silent,
    CloseMeaning::SlowReader,
    CloseMeaning::Superseded,
    CloseMeaning::TooManyConnections,
];

#[test]
fn the_engine_opens() {
    let opened = Push::Opened {
        sid: u128::MAX,
        max_payload: 65_536,
    };
    assert_eq!(
        push(&absent(), &opened).unwrap(),
        r#"0{"sid":"_____________________w","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":65536}"#
    );
    let polling = SOCKETIO.open("EIO=4&transport=polling&t=x", false);
    assert_eq!(
        push(&polling, &opened).unwrap(),
        r#"0{"sid":"_____________________w","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":65536}"#
    );
}

#[test]
fn a_connect_is_answered() {
    for (secret, frame) in [
        (0, r#"40{"sid":"AAAAAAAAAAAAAAAAAAAABQ"}"#),
        (
            6,
            r#"40{"sid":"AAAAAAAAAAAAAAAAAAAABQ","pid":"AAAAAAAAAAAAAAAAAAAABg"}"#,
        ),
    ] {
        let welcome = Push::Welcome(Welcome {
            principal: &welcome(secret),
            connection: 1,
            room: None,
            sid: 5,
            secret,
            at: moment(),
        });
        assert_eq!(push(&connected(), &welcome).unwrap(), frame);
    }
}

#[test]
fn pushes_are_events() {
    let state = connected();
    assert_eq!(
        push(&state, &Push::OfflineEnd { remaining: 3 }).unwrap(),
        r#"42["offline.end",{"remaining":3}]"#
    );
    let room = room();
    let resync = Push::Resync {
        room: &room,
        from_seq: 9,
    };
    assert_eq!(
        push(&state, &resync).unwrap(),
        r#"42["channel.resync",{"channelId":"general","fromSeq":9}]"#
    );
    let error = Push::Error {
        refusal: Refusal::Unavailable,
        message: "the store is away",
        at: moment(),
    };
    assert_eq!(
        push(&state, &error).unwrap(),
        r#"42["error",{"message":"the store is away","code":"unavailable"}]"#
    );
    assert_eq!(push(&absent(), &error), None);
    for none in [
        Push::Unfollowed { room: &room },
        Push::SubscriptionEnded { topic: "t" },
        Push::Gap {
            topic: "t",
            position: Position::default(),
        },
    ] {
        assert_eq!(push(&state, &none), None);
    }
}

#[test]
fn who_must_sign_in_again_is_disconnected() {
    for meaning in MEANINGS {
        let frames = SOCKETIO.farewell(&connected(), meaning);
        let error = |text| {
            let error =
                format!(r#"42["error",{{"message":"authentication failed: {text}","code":4001}}]"#);
            owned(&[&error, "41"])
        };
        let expected = match meaning {
            CloseMeaning::InvalidToken => error("Invalid or expired token"),
            CloseMeaning::InvalidPayload => error("Invalid token payload"),
            CloseMeaning::Kicked => error("Disconnected by the server"),
            CloseMeaning::MissingToken => {
                let error = r#"42["error",{"message":"Missing authentication token","code":4001}]"#;
                owned(&[error, "41"])
            }
            CloseMeaning::Superseded => owned(&["41"]),
            CloseMeaning::BinaryFrame | CloseMeaning::Left | CloseMeaning::Malformed => Vec::new(),
            CloseMeaning::Forbidden
            | CloseMeaning::GoingAway
            | CloseMeaning::RateLimited
            | CloseMeaning::Silent
            | CloseMeaning::SlowReader
            | CloseMeaning::TooManyConnections => owned(&["1"]),
        };
        assert_eq!(frames, expected, "{meaning:?}");
    }
}

#[test]
fn who_is_not_in_finds_the_engine_closed() {
    for meaning in [
        CloseMeaning::MissingToken,
        CloseMeaning::InvalidToken,
        CloseMeaning::GoingAway,
    ] {
        assert_eq!(SOCKETIO.farewell(&absent(), meaning), owned(&["1"]));
    }
}

#[test]
fn ends_have_their_codes() {
    for (meaning, code) in MEANINGS.into_iter().zip([
        1003, 4003, 1001, 4001, 4001, 4001, 1000, 1002, 4001, 1008, 1001, 1013, 1001, 4008,
    ]) {
        let disconnect = SOCKETIO.disconnect(meaning);
        assert_eq!(disconnect.code, code, "{meaning:?}");
        assert!(disconnect.reason.len() <= 123);
    }
}
