use std::borrow::Cow;
use std::time::Duration;

use conclave_protocol::{Frame, FrameKind};

use super::{Arrival, Offer, Open, Packet, Payload, Phase, Rejection, Request, Transport};
use super::{begin_message, begin_polled_message};
use crate::{Sid, Violation};

const SID: &str = "lv_VI97HAXpY6yYWAAACAA";

fn sid() -> Sid {
    Sid::parse(SID).unwrap()
}

#[track_caller]
fn asked(method: &str, query: &str, upgrade: bool, expected: Result<Request, Rejection>) {
    let arrival = Arrival {
        method,
        query,
        upgrade,
    };
    assert_eq!(
        Request::parse(&arrival, Offer::WebsocketAndPolling),
        expected
    );
}

#[track_caller]
fn read(text: &str, expected: Result<Packet<'_>, Violation>) {
    assert_eq!(Packet::decode(Frame::Text(text)), expected);
}

#[track_caller]
fn body(text: &str, expected: &[Result<Packet<'_>, Violation>]) {
    let payload = Payload::new(Some("text/plain;charset=UTF-8"), text.as_bytes(), 1000).unwrap();
    assert_eq!(payload.collect::<Vec<_>>(), expected);
}

fn bytes(bytes: &[u8]) -> Packet<'_> {
    Packet::Binary(Cow::Borrowed(bytes))
}

#[test]
fn a_session_opens_on_either_transport() {
    let polling = Ok(Request::Open(Transport::Polling));
    asked("GET", "EIO=4&transport=polling", false, polling);
    asked(
        "GET",
        "t=x1&transport=polling&b64=1&EIO=4&sid=",
        false,
        polling,
    );
    let websocket = Ok(Request::Open(Transport::Websocket));
    asked("GET", "EIO=4&transport=websocket", true, websocket);
}

#[test]
fn an_unknown_transport_is_refused_first() {
    for query in [
        "",
        "EIO=4",
        "EIO=4&transport",
        "EIO=4&transport=abc",
        "EIO=4&transport=webtransport",
        "EIO=4&transport=Polling",
        "EIO=4&transport=polling&transport=polling",
        "EIO=4&transport=abc&sid=abc",
    ] {
        for method in ["GET", "POST"] {
            asked(method, query, false, Err(Rejection::TransportUnknown));
        }
    }
}

#[test]
fn polling_is_unknown_where_it_is_not_offered() {
    for query in [
        "EIO=4&transport=polling",
        "EIO=4&transport=polling&sid=lv_VI97HAXpY6yYWAAACAA",
    ] {
        let arrival = Arrival {
            method: "GET",
            query,
            upgrade: false,
        };
        let refused = Request::parse(&arrival, Offer::Websocket);
        assert_eq!(refused, Err(Rejection::TransportUnknown));
    }
}

#[test]
fn another_version_is_refused() {
    for query in [
        "transport=polling",
        "EIO=abc&transport=polling",
        "EIO=3&transport=polling",
        "EIO=04&transport=polling",
        "EIO=4&EIO=4&transport=polling",
    ] {
        asked("GET", query, false, Err(Rejection::VersionUnsupported));
    }
}

#[test]
fn a_session_is_not_opened_by_another_method() {
    for method in ["POST", "PUT", "HEAD", "get"] {
        let query = "EIO=4&transport=polling";
        asked(method, query, false, Err(Rejection::BadHandshakeMethod));
    }
}

#[test]
fn an_upgrade_that_does_not_fit_the_transport_is_refused() {
    asked(
        "GET",
        "EIO=4&transport=websocket",
        false,
        Err(Rejection::BadRequest),
    );
    asked(
        "GET",
        "EIO=4&transport=polling",
        true,
        Err(Rejection::BadRequest),
    );
}

#[test]
fn requests_of_a_session_are_told_apart() {
    let polling = format!("EIO=4&transport=polling&sid={SID}");
    asked("GET", &polling, false, Ok(Request::Poll(sid())));
    asked("POST", &polling, false, Ok(Request::Push(sid())));
    asked("PUT", &polling, false, Err(Rejection::BadRequest));
    asked("GET", &polling, true, Err(Rejection::BadRequest));
    let websocket = format!("EIO=4&transport=websocket&sid={SID}");
    asked("GET", &websocket, true, Ok(Request::Upgrade(sid())));
    asked("GET", &websocket, false, Err(Rejection::BadRequest));
}

#[test]
fn a_session_that_cannot_exist_is_unknown() {
    for sid in [
        "abc",
        "__proto__",
        "lv_VI97HAXpY6yYWAAA%43",
        "constructor&sid=constructor",
    ] {
        let query = format!("EIO=4&transport=polling&sid={sid}");
        asked("GET", &query, false, Err(Rejection::SessionUnknown));
    }
}

#[test]
fn rejections_have_the_numbers_of_the_protocol() {
    let rejections = [
        (
            Rejection::TransportUnknown,
            400,
            r#"{"code":0,"message":"Transport unknown"}"#,
        ),
        (
            Rejection::SessionUnknown,
            400,
            r#"{"code":1,"message":"Session ID unknown"}"#,
        ),
        (
            Rejection::BadHandshakeMethod,
            400,
            r#"{"code":2,"message":"Bad handshake method"}"#,
        ),
        (
            Rejection::BadRequest,
            400,
            r#"{"code":3,"message":"Bad request"}"#,
        ),
        (
            Rejection::Forbidden,
            403,
            r#"{"code":4,"message":"Forbidden"}"#,
        ),
        (
            Rejection::VersionUnsupported,
            400,
            r#"{"code":5,"message":"Unsupported protocol version"}"#,
        ),
    ];
    for (rejection, status, body) in rejections {
        assert_eq!((rejection.status(), &*rejection.body()), (status, body));
    }
}

#[test]
fn the_open_packet_holds_what_clients_need() {
    let open = Open {
        sid: sid(),
        upgrade: None,
        ping_interval: Duration::from_millis(300),
        ping_timeout: Duration::from_millis(200),
        max_payload: 1_000_000,
    };
    let rest = r#""pingInterval":300,"pingTimeout":200,"maxPayload":1000000}"#;
    let websocket = Some(Transport::Websocket);
    for (upgrade, list) in [(None, "[]"), (websocket, r#"["websocket"]"#)] {
        let open = Open { upgrade, ..open };
        let mut out = Vec::new();
        open.encode(&mut out);
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            format!(r#"0{{"sid":"{SID}","upgrades":{list},{rest}"#)
        );
        let Ok(Packet::Open(content)) = Packet::decode(Frame::Text(&text)) else {
            panic!("{text}");
        };
        assert_eq!(Open::decode(content), Ok(open));
    }
}

#[test]
fn an_open_packet_of_another_kind_is_refused() {
    for content in [
        "",
        "{}",
        "[]",
        r#"{"sid":"x","upgrades":[],"pingInterval":1,"pingTimeout":1,"maxPayload":1}"#,
    ] {
        assert_eq!(
            Open::decode(content),
            Err(Violation::OpenInvalid),
            "{content}"
        );
    }
}

#[test]
fn packets_are_told_by_their_first_character() {
    read("0{}", Ok(Packet::Open("{}")));
    read("1", Ok(Packet::Close));
    read("2", Ok(Packet::Ping("")));
    read("2probe", Ok(Packet::Ping("probe")));
    read("3", Ok(Packet::Pong("")));
    read("3probe", Ok(Packet::Pong("probe")));
    read("4", Ok(Packet::Text("")));
    read("4hello", Ok(Packet::Text("hello")));
    read("5", Ok(Packet::Upgrade));
    read("6", Ok(Packet::Noop));
    assert_eq!(Packet::decode(Frame::Binary(&[1, 2])), Ok(bytes(&[1, 2])));
    assert_eq!(Packet::decode(Frame::Binary(&[])), Ok(bytes(&[])));
}

#[test]
fn a_packet_of_no_known_type_is_refused() {
    read("", Err(Violation::EnginePacketEmpty));
    for text in ["abc", "7", "9", " 4", "-", "é", "\u{1e}", "B", "\0"] {
        read(text, Err(Violation::EngineTypeUnknown));
    }
    for text in ["1x", "5x", "6 "] {
        read(text, Err(Violation::EngineContentUnexpected));
    }
}

#[test]
fn base64_is_read_with_or_without_padding() {
    read("bAQIDBA==", Ok(bytes(&[1, 2, 3, 4])));
    read("bAQIDBA", Ok(bytes(&[1, 2, 3, 4])));
    read("b", Ok(bytes(&[])));
    for text in ["b*", "bA", "bAQ_-", "bAQ ==", "bAQ===="] {
        read(text, Err(Violation::Base64Invalid));
    }
}

#[test]
fn packets_are_written_for_either_transport() {
    let packets = [
        (Packet::Open("{}"), "0{}"),
        (Packet::Close, "1"),
        (Packet::Ping(""), "2"),
        (Packet::Pong("probe"), "3probe"),
        (Packet::Text("hello"), "4hello"),
        (Packet::Upgrade, "5"),
        (Packet::Noop, "6"),
    ];
    for (packet, text) in packets {
        let (mut message, mut body) = (Vec::new(), Vec::new());
        assert_eq!(packet.encode(&mut message), FrameKind::Text);
        packet.encode_polled(&mut body);
        assert_eq!((&*message, &*body), (text.as_bytes(), text.as_bytes()));
    }
    let (mut message, mut body) = (Vec::new(), b"4hello".to_vec());
    assert_eq!(bytes(&[1, 2, 3, 4]).encode(&mut message), FrameKind::Binary);
    bytes(&[1, 2, 3, 4]).encode_polled(&mut body);
    assert_eq!(
        (&*message, &*body),
        (&[1, 2, 3, 4][..], &b"4hello\x1ebAQIDBA=="[..])
    );
}

#[test]
fn a_message_is_begun_in_place() {
    let (mut message, mut body) = (Vec::new(), Vec::new());
    begin_message(&mut message);
    message.extend_from_slice(b"0{}");
    for content in [b"0{}", b"1/a"] {
        begin_polled_message(&mut body);
        body.extend_from_slice(content);
    }
    assert_eq!((&*message, &*body), (&b"40{}"[..], &b"40{}\x1e41/a"[..]));
}

#[test]
fn a_body_holds_several_packets() {
    let hello = Ok(Packet::Text("hello"));
    body("4hello", std::slice::from_ref(&hello));
    body(
        "4hello\u{1e}bAQIDBA==\u{1e}3",
        &[hello, Ok(bytes(&[1, 2, 3, 4])), Ok(Packet::Pong(""))],
    );
}

#[test]
fn nothing_counts_after_a_bad_packet() {
    let hello = Ok(Packet::Text("hello"));
    body("abc", &[Err(Violation::EngineTypeUnknown)]);
    body("", &[Err(Violation::EnginePacketEmpty)]);
    body(
        "4hello\u{1e}",
        &[hello.clone(), Err(Violation::EnginePacketEmpty)],
    );
    body(
        "4hello\u{1e}abc\u{1e}4hello",
        &[hello, Err(Violation::EngineTypeUnknown)],
    );
}

#[test]
fn a_body_that_is_binary_or_too_big_is_refused() {
    let refused = |content_type, body, bytes_max| {
        let violation = Payload::new(content_type, body, bytes_max).err();
        violation.map(|violation| (violation, violation.status()))
    };
    for content_type in ["application/octet-stream", "Application/Octet-Stream ; a=b"] {
        let violation = Some((Violation::BodyBinary, 400));
        assert_eq!(refused(Some(content_type), b"4hello", 100), violation);
    }
    assert_eq!(
        refused(None, b"4hello", 5),
        Some((Violation::BodyTooBig, 413))
    );
    assert_eq!(refused(None, b"4hello", 6), None);
    assert_eq!(
        refused(None, b"4\xff", 6),
        Some((Violation::BodyUtf8Invalid, 400))
    );
}

#[test]
fn a_client_sends_no_ping_but_a_probe() {
    let unexpected = Err(Violation::EnginePacketUnexpected);
    assert_eq!(Packet::Ping("").admit(Phase::Open), unexpected);
    assert_eq!(Packet::Ping("probe").admit(Phase::Open), unexpected);
    assert_eq!(Packet::Open("{}").admit(Phase::Open), unexpected);
    assert_eq!(Packet::Pong("").admit(Phase::Open), Ok(Packet::Pong("")));
    assert_eq!(Packet::Noop.admit(Phase::Open), Ok(Packet::Noop));
    assert_eq!(
        Packet::Ping("probe").admit(Phase::Probing),
        Ok(Packet::Ping("probe"))
    );
    assert_eq!(Packet::Upgrade.admit(Phase::Probing), Ok(Packet::Upgrade));
    for packet in [
        Packet::Ping(""),
        Packet::Text("0"),
        Packet::Close,
        bytes(&[1]),
    ] {
        assert_eq!(packet.admit(Phase::Probing), unexpected);
    }
}
