use super::*;
use crate::SOCKETIO_EVENT_FAILURE;

#[track_caller]
fn shows(query: &str, frame: &str) -> Connect<'static> {
    let mut state = SOCKETIO.open(query, false);
    match SOCKETIO.decode(&mut state, text(Box::leak(frame.into()))) {
        Received::Command(Command::Connect(connect)) => connect,
        other => panic!("{frame}: {other:?}"),
    }
}

#[track_caller]
fn shows_nothing(query: &str, frame: &str, part: &str) {
    let Shown::Nothing(hint) = shows(query, frame).credential else {
        panic!("{frame} shows something");
    };
    assert!(hint.contains("authentication"), "{hint}");
    assert!(hint.contains(part), "{frame}: {hint}");
}

#[test]
fn credentials_are_shown_in_auth() {
    let shown = |frame| shows("", frame).credential;
    assert_eq!(
        shown(r#"40{"token":"a.b.c"}"#),
        Shown::Token("a.b.c".into())
    );
    assert_eq!(
        shown(r#"40/,{"other":1,"token":"a\u002eb"}"#),
        Shown::Token("a.b".into())
    );
    assert_eq!(shown(r#"40{"ticket":"K"}"#), Shown::Ticket("K".into()));
    assert_eq!(
        shown(r#"40{"ticket":"K","token":null}"#),
        Shown::Ticket("K".into())
    );
}

#[test]
fn who_shows_nothing_hears_what_to_do() {
    for (frame, part) in [
        ("40", "is missing"),
        ("40{}", "is missing"),
        (r#"40{"token":null}"#, "was null"),
        (r#"40{"token":""}"#, "not empty"),
        (r#"40{"ticket":" "}"#, "not empty"),
        (r#"40{"token":{"a":1}}"#, "a string"),
        (r#"40{"token":"\ud800"}"#, "a string"),
        (r#"40{"token":"Bearer a.b.c"}"#, "prefix \"Bearer \""),
        (r#"40{"token":" bearer a.b.c"}"#, "prefix \"Bearer \""),
        (r#"40{"token":"T","ticket":"K"}"#, "not both"),
        (r#"40{"token":"T","token":"U"}"#, "twice"),
        (r#"40{"accessToken":"T"}"#, "other fields"),
        (r#"40{"Authorization":"Bearer T"}"#, "other fields"),
        (r#"40{"access_token":"T"}"#, "other fields"),
    ] {
        shows_nothing("EIO=4&transport=websocket", frame, part);
    }
    for query in ["EIO=4&token=T", "access_token=T&EIO=4", "ticket=K"] {
        shows_nothing(query, "40", "not from the query");
        shows_nothing(query, "40{}", "not from the query");
    }
    // As where the request had a header.
    let mut state = SOCKETIO.open("EIO=4", true);
    let Received::Command(Command::Connect(connect)) = SOCKETIO.decode(&mut state, text("40"))
    else {
        panic!("no CONNECT");
    };
    let Shown::Nothing(hint) = connect.credential else {
        panic!("something was shown");
    };
    assert!(hint.contains("headers"));
}

#[test]
fn a_client_comes_back_by_pid_and_offset() {
    let secret = 0x0123_4567_89ab_cdef_u128 << 64 | 5;
    let pid = Sid::new(secret);
    let recovery = |rest: &str| {
        let frame = format!(r#"40{{"pid":"{}",{rest}"token":"T"}}"#, pid.as_str());
        shows("", &frame).recovery
    };
    let number = 42;
    assert_eq!(
        recovery(r#""offset":"42","#),
        Some(Recovery { secret, number })
    );
    for rest in [
        "",
        r#""offset":42,"#,
        r#""offset":"","#,
        r#""offset":"+1","#,
        r#""offset":"99999999999999999999999","#,
        r#""offset":"hello","#,
    ] {
        assert_eq!(recovery(rest), None, "{rest}");
    }
    let foreign = r#"40{"pid":"constructor","offset":"1","token":"T"}"#;
    assert_eq!(shows("", foreign).recovery, None);
}

#[test]
fn other_namespaces_do_not_exist() {
    for mut state in [absent(), connected()] {
        for (frame, answer) in [
            ("40/random", r#"44/random,{"message":"Invalid namespace"}"#),
            (
                r#"40/custom,{"token":"T"}"#,
                r#"44/custom,{"message":"Invalid namespace"}"#,
            ),
        ] {
            let received = SOCKETIO.decode(&mut state, text(frame));
            assert_eq!(received, Received::Answered(owned(&[answer])));
        }
    }
}

#[test]
fn nothing_comes_before_connect() {
    let malformed = Received::Violation(CloseMeaning::Malformed);
    for frame in [
        "41",
        r#"42["typing",{"channelId":"general"}]"#,
        "431[]",
        r#"451-["x",{"_placeholder":true,"num":0}]"#,
        r#"44{"message":"x"}"#,
    ] {
        let mut state = absent();
        assert_eq!(SOCKETIO.decode(&mut state, text(frame)), malformed);
        let mut state = absent();
        SOCKETIO.decode(&mut state, text(r#"40{"token":"T"}"#));
        assert_eq!(SOCKETIO.decode(&mut state, text(frame)), malformed);
    }
    let mut state = absent();
    assert_eq!(SOCKETIO.decode(&mut state, Frame::Binary(b"x")), malformed);
}

#[test]
fn connect_comes_once() {
    let malformed = Received::Violation(CloseMeaning::Malformed);
    let connect = r#"40{"token":"T"}"#;
    let mut state = absent();
    assert_eq!(SOCKETIO.mode(&state), Mode::Undecided);
    SOCKETIO.decode(&mut state, text(connect));
    assert_eq!(SOCKETIO.decode(&mut state, text(connect)), malformed);
    assert_eq!(SOCKETIO.decode(&mut connected(), text(connect)), malformed);
    assert_eq!(SOCKETIO.mode(&connected()), Mode::Subscriber);
}

#[test]
fn who_was_refused_tries_again() {
    let mut state = absent();
    SOCKETIO.decode(&mut state, text("40"));
    let refused = SOCKETIO.refuse_connect(
        &state,
        CloseMeaning::InvalidToken,
        "Invalid or expired token",
    );
    assert_eq!(
        refused,
        owned(&[
            r#"44{"message":"authentication failed: Invalid or expired token","data":{"code":4001}}"#
        ])
    );
    let again = SOCKETIO.decode(&mut state, text(r#"40{"token":"T"}"#));
    assert!(matches!(again, Received::Command(Command::Connect(_))));
}

#[test]
fn refusals_have_their_codes() {
    for (meaning, message, frame) in [
        (
            CloseMeaning::MissingToken,
            "authentication is missing: connect",
            r#"44{"message":"authentication is missing: connect","data":{"code":4001}}"#,
        ),
        (
            CloseMeaning::Forbidden,
            "not here",
            r#"44{"message":"not here","data":{"code":4003}}"#,
        ),
        (
            CloseMeaning::TooManyConnections,
            "too many",
            r#"44{"message":"too many","data":{"code":4008}}"#,
        ),
    ] {
        let frames = SOCKETIO.refuse_connect(&absent(), meaning, message);
        assert_eq!(frames, owned(&[frame]));
    }
}

#[test]
fn a_refusal_can_be_an_event() {
    let dialect = SOCKETIO_EVENT_FAILURE;
    let mut state = absent();
    let opened = Push::Opened {
        sid: 5,
        max_payload: 65_536,
    };
    push(&state, &opened);
    dialect.decode(&mut state, text(r#"40{"token":"T"}"#));
    let frames = dialect.refuse_connect(&state, CloseMeaning::InvalidToken, "expired");
    assert_eq!(
        frames,
        owned(&[
            r#"40{"sid":"AAAAAAAAAAAAAAAAAAAABQ"}"#,
            r#"42["error",{"message":"authentication failed: expired","code":4001}]"#,
            "41",
        ])
    );
    // What the client sent before it knew is lost without harm.
    for frame in [r#"42["typing",{"channelId":"general"}]"#, "41", "431[]"] {
        let received = dialect.decode(&mut state, text(frame));
        assert_eq!(received, Received::Answered(Vec::new()));
    }
    let again = dialect.decode(&mut state, text(r#"40{"token":"T"}"#));
    assert!(matches!(again, Received::Command(Command::Connect(_))));
}

#[test]
fn a_client_leaves_and_connects_again() {
    let mut state = connected();
    let left = SOCKETIO.decode(&mut state, text("41"));
    assert_eq!(left, Received::Command(Command::Disconnect));
    state.place.as_mut().unwrap().connected = false;
    let again = SOCKETIO.decode(&mut state, text(r#"40{"token":"T"}"#));
    assert!(matches!(again, Received::Command(Command::Connect(_))));
}
