use super::{AcceptOptions, Accepted, HandshakeError, accept};

const KEY: (&str, &str) = ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
const SOUND: [(&str, &str); 5] = [
    ("Host", "localhost:8081"),
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Version", "13"),
    KEY,
];
const OPTIONS: AcceptOptions<'_> = AcceptOptions {
    subprotocols: &["conclave.v1", "conclave.v2"],
    deflate: true,
};

fn answer(lines: &[(&str, &str)]) -> Result<Accepted<'static>, HandshakeError> {
    accept(
        "GET",
        true,
        lines.iter().map(|(name, value)| (*name, value.as_bytes())),
        &OPTIONS,
    )
}

/// The sound request with the lines called `name` replaced by `values`.
fn with(name: &str, values: &[&str]) -> Result<Accepted<'static>, HandshakeError> {
    let kept = SOUND
        .iter()
        .copied()
        .filter(|(candidate, _)| *candidate != name);
    let lines: Vec<_> = kept
        .chain(values.iter().map(|value| (name, *value)))
        .collect();
    answer(&lines)
}

#[test]
fn sound_request_gets_the_proof_of_rfc_6455() {
    let accepted = answer(&SOUND).expect("a sound request");
    assert_eq!(&accepted.accept, b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_eq!((accepted.subprotocol, accepted.deflate), (None, None));
}

#[test]
fn method_and_version_of_http_are_judged_first() {
    let lines = || SOUND.iter().map(|(name, value)| (*name, value.as_bytes()));
    assert_eq!(
        accept("POST", true, lines(), &OPTIONS),
        Err(HandshakeError::Method)
    );
    assert_eq!(
        accept("get", true, lines(), &OPTIONS),
        Err(HandshakeError::Method)
    );
    assert_eq!(
        accept("GET", false, lines(), &OPTIONS),
        Err(HandshakeError::HttpVersion)
    );
}

#[test]
fn lists_may_spread_over_lines_in_any_case() {
    for (name, values) in [
        ("Connection", &["keep-alive, UPGRADE"] as &[_]),
        ("Connection", &["keep-alive", " , upgrade ,"]),
        ("Upgrade", &["WebSocket"]),
        ("Upgrade", &["h2c, websocket"]),
    ] {
        assert!(with(name, values).is_ok(), "{name} {values:?}");
    }
    let lower: Vec<_> = SOUND
        .iter()
        .map(|(name, value)| (name.to_lowercase(), *value))
        .collect();
    let lower: Vec<_> = lower
        .iter()
        .map(|(name, value)| (name.as_str(), *value))
        .collect();
    assert!(answer(&lower).is_ok());
}

#[test]
fn malformed_requests() {
    let long = "x,".repeat(3000);
    let cases: &[(&str, &[&str], HandshakeError)] = &[
        ("Connection", &[], HandshakeError::Connection),
        ("Connection", &["keep-alive"], HandshakeError::Connection),
        ("Connection", &["notupgrade"], HandshakeError::Connection),
        ("Connection", &[&long], HandshakeError::FieldTooLong),
        ("Upgrade", &[], HandshakeError::Upgrade),
        ("Upgrade", &["h2c"], HandshakeError::Upgrade),
        ("Upgrade", &["websockets"], HandshakeError::Upgrade),
        ("Sec-WebSocket-Version", &[], HandshakeError::Version),
        ("Sec-WebSocket-Version", &["8"], HandshakeError::Version),
        ("Sec-WebSocket-Version", &["013"], HandshakeError::Version),
        (
            "Sec-WebSocket-Version",
            &["13", "13"],
            HandshakeError::Version,
        ),
        ("Sec-WebSocket-Version", &["13, 8"], HandshakeError::Version),
        (
            "Sec-WebSocket-Protocol",
            &["a b"],
            HandshakeError::Subprotocol,
        ),
        (
            "Sec-WebSocket-Protocol",
            &["conclave.v1, {}"],
            HandshakeError::Subprotocol,
        ),
        (
            "Sec-WebSocket-Extensions",
            &["a;"],
            HandshakeError::Extensions,
        ),
    ];
    for (name, values, error) in cases {
        assert_eq!(with(name, values), Err(*error), "{name} {values:?}");
    }
}

#[test]
fn keys_are_sixteen_bytes_in_canonical_base64_once() {
    let cases: &[&[&str]] = &[
        &[],
        &[KEY.1, KEY.1],
        &[""],
        &["dGhlIHNhbXBsZSBub25jZQ"],
        &["dGhlIHNhbXBsZSBub25jZR=="],
        &["dGhlIHNhbXBsZSBub25jZQ= "],
        &["dGhlIHNhbXBsZSBub25jZWE="],
        &["dGhlIHNhbXBsZSBub25jZWFh"],
        &["dGhlIHNhbXBsZSBub25j"],
        &["dGhlIHNhbXBsZSBub25jZWFhYWFh"],
        &["dGhlIHNhbXBs-SBub25jZQ=="],
        &["dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ=="],
    ];
    for values in cases {
        assert_eq!(with(KEY.0, values), Err(HandshakeError::Key), "{values:?}");
    }
    assert!(with(KEY.0, &["  dGhlIHNhbXBsZSBub25jZQ==\t"]).is_ok());
}

#[test]
fn first_offered_subprotocol_that_is_known_is_chosen() {
    for (offered, chosen) in [
        (&[] as &[&str], None),
        (&["mqtt"], None),
        (&["conclave.V1"], None),
        (&["mqtt, conclave.v2 , conclave.v1"], Some("conclave.v2")),
        (&["mqtt", "conclave.v1"], Some("conclave.v1")),
    ] {
        let accepted = with("Sec-WebSocket-Protocol", offered).expect("a sound request");
        assert_eq!(accepted.subprotocol, chosen, "{offered:?}");
    }
}

#[test]
fn deflate_is_agreed_only_where_the_server_wants_it() {
    let mut lines = SOUND.to_vec();
    lines.push((
        "Sec-WebSocket-Extensions",
        "permessage-deflate; client_max_window_bits",
    ));
    assert!(answer(&lines).expect("a sound request").deflate.is_some());
    let lines = lines.iter().map(|(name, value)| (*name, value.as_bytes()));
    let plain = AcceptOptions {
        subprotocols: &[],
        deflate: false,
    };
    assert_eq!(
        accept("GET", true, lines, &plain)
            .expect("a sound request")
            .deflate,
        None
    );
}

#[test]
fn errors_have_a_status() {
    for (error, status) in [
        (HandshakeError::Method, 405),
        (HandshakeError::Version, 426),
        (HandshakeError::FieldTooLong, 431),
        (HandshakeError::Key, 400),
    ] {
        assert_eq!(error.status(), status);
    }
}
