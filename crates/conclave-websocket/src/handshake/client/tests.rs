use super::{ClientHandshake, ClientHandshakeError, Response};
use crate::handshake::{AcceptOptions, accept};

const HANDSHAKE: ClientHandshake<'_> = ClientHandshake {
    host: "localhost:8081",
    path: "/ws?token=t",
    headers: &[("Authorization", "Bearer t")],
    subprotocols: &["conclave.v1", "other"],
    nonce: *b"the sample nonce",
    deflate: true,
};
const STATUS: &str = "HTTP/1.1 101 Switching Protocols\r\n";
const SOUND: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
const PROOF: &str = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

#[track_caller]
fn check(lines: &[&str], expected: Result<(Option<&str>, bool), ClientHandshakeError>) {
    let head = lines.concat() + "\r\n";
    let consumed = head.len();
    let answer = HANDSHAKE.response(format!("{head}\u{81}frame").as_bytes());
    let expected = expected.map(|(subprotocol, deflate)| Response::Accepted {
        consumed,
        subprotocol,
        deflate,
    });
    assert_eq!(answer, expected, "{head}");
}

#[test]
fn request_is_one_that_the_server_accepts() {
    let request = HANDSHAKE.request().expect("no illegal characters");
    let text = std::str::from_utf8(&request).expect("ASCII");
    let head = text
        .strip_suffix("\r\n\r\n")
        .expect("an empty line ends it");
    let mut lines = head.split("\r\n");
    assert_eq!(lines.next(), Some("GET /ws?token=t HTTP/1.1"));
    let headers: Vec<_> = lines
        .map(|line| line.split_once(": ").expect("a header"))
        .collect();
    assert!(headers.contains(&("Authorization", "Bearer t")));
    assert!(headers.contains(&("Host", "localhost:8081")));
    let options = AcceptOptions {
        subprotocols: &["other"],
        deflate: true,
    };
    let headers = headers
        .iter()
        .map(|(name, value)| (*name, value.as_bytes()));
    let accepted = accept("GET", true, headers, &options).expect("a sound request");
    assert_eq!(accepted.subprotocol, Some("other"));
    let extension = accepted.deflate.expect("agreed").header_value();
    let extension = format!("Sec-WebSocket-Extensions: {extension}\r\n");
    let proof = std::str::from_utf8(&accepted.accept).expect("ASCII");
    let proof = format!("sec-websocket-accept: {proof}\r\n");
    let protocol = "sec-websocket-protocol: other\r\n";
    check(
        &[STATUS, SOUND, &proof, &extension, protocol],
        Ok((Some("other"), true)),
    );
}

#[test]
fn request_lets_no_line_be_smuggled_in() {
    let smuggled = [("X-A", "a\r\nX-B: b")];
    let unnamed = [("X A", "a")];
    for handshake in [
        ClientHandshake {
            host: "a\r\nX-B: b",
            ..HANDSHAKE
        },
        ClientHandshake {
            host: "",
            ..HANDSHAKE
        },
        ClientHandshake {
            path: "ws",
            ..HANDSHAKE
        },
        ClientHandshake {
            path: "/a b",
            ..HANDSHAKE
        },
        ClientHandshake {
            headers: &smuggled,
            ..HANDSHAKE
        },
        ClientHandshake {
            headers: &unnamed,
            ..HANDSHAKE
        },
        ClientHandshake {
            subprotocols: &["a, b"],
            ..HANDSHAKE
        },
    ] {
        assert_eq!(
            handshake.request(),
            Err(ClientHandshakeError::Request),
            "{handshake:?}"
        );
    }
}

#[test]
fn responses_that_open_no_connection() {
    use ClientHandshakeError as Error;
    check(&["HTTP/1.1 403 Forbidden\r\n"], Err(Error::Status(403)));
    check(&["HTTP/1.1 429\r\n", SOUND], Err(Error::Status(429)));
    check(
        &["HTTP/1.0 101 Switching Protocols\r\n", SOUND, PROOF],
        Err(Error::Malformed),
    );
    check(
        &["HTTP/1.1 1010 No\r\n", SOUND, PROOF],
        Err(Error::Malformed),
    );
    check(
        &["HTTP/1.1 +10 No\r\n", SOUND, PROOF],
        Err(Error::Malformed),
    );
    check(&["SSH-2.0\r\n"], Err(Error::Malformed));
    check(
        &[STATUS, SOUND, PROOF, " folded\r\n"],
        Err(Error::Malformed),
    );
    check(
        &[STATUS, SOUND, PROOF, "no colon\r\n"],
        Err(Error::Malformed),
    );
    check(
        &[STATUS, PROOF, "Connection: Upgrade\r\n"],
        Err(Error::Upgrade),
    );
    check(
        &[STATUS, PROOF, "Upgrade: websocket\r\n"],
        Err(Error::Upgrade),
    );
    check(&[STATUS, SOUND], Err(Error::Accept));
    check(&[STATUS, SOUND, PROOF, PROOF], Err(Error::Accept));
    check(
        &[STATUS, SOUND, "Sec-WebSocket-Accept: x\r\n"],
        Err(Error::Accept),
    );
    let extension = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    check(&[STATUS, SOUND, PROOF, extension], Err(Error::Extensions));
    let protocol = "Sec-WebSocket-Protocol: mqtt\r\n";
    check(&[STATUS, SOUND, PROOF, protocol], Err(Error::Subprotocol));
    let protocol = "Sec-WebSocket-Protocol: other\r\n";
    check(
        &[STATUS, SOUND, PROOF, protocol, protocol],
        Err(Error::Subprotocol),
    );
}

#[test]
fn deflate_that_was_not_offered_is_refused() {
    let plain = ClientHandshake {
        deflate: false,
        ..HANDSHAKE
    };
    let request = plain.request().expect("no illegal characters");
    assert!(!String::from_utf8_lossy(&request).contains("deflate"));
    let head = format!(
        "{STATUS}{SOUND}{PROOF}Sec-WebSocket-Extensions: permessage-deflate; \
         server_no_context_takeover\r\n\r\n"
    );
    assert_eq!(
        plain.response(head.as_bytes()),
        Err(ClientHandshakeError::Extensions)
    );
    assert!(HANDSHAKE.response(head.as_bytes()).is_ok());
}

#[test]
fn head_is_waited_for_up_to_its_bound() {
    let head = format!("{STATUS}{SOUND}{PROOF}\r\n");
    for cut in 0..head.len() {
        assert_eq!(
            HANDSHAKE.response(&head.as_bytes()[..cut]),
            Ok(Response::Incomplete)
        );
    }
    let endless = format!("{STATUS}X: {}", "x".repeat(1 << 14));
    assert_eq!(
        HANDSHAKE.response(endless.as_bytes()),
        Err(ClientHandshakeError::TooBig)
    );
}
