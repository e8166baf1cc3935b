//! What must hold for any bytes that a client may send, for property tests and fuzzing.
//!
//! Each takes arbitrary bytes and panics where the runtime broke its word.

use crate::auth::AuthRequest;
use crate::envelope::{Envelope, Head, write_envelope, write_error};
use crate::server::head;
use crate::spec::Scheme;

/// Reads a frame as an envelope. What was read can be written and reads as the same; what was not
/// can be answered, and the answer is an envelope with the correlation id, where there was one.
///
/// # Panics
/// When one of these does not hold.
pub fn decode_envelope(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match Envelope::decode(text) {
        Ok(envelope) => rewrite(&envelope),
        Err(error) => {
            let head = Head {
                id: "id",
                operation: error.operation.as_deref().unwrap_or_default(),
                timestamp: "now",
                correlation_id: error.correlation_id.as_deref(),
                channel: None,
                headers: None,
            };
            let mut out = b"before".to_vec();
            write_error(&head, &error.fault.error(), &mut out);
            let answer: serde_json::Value =
                serde_json::from_slice(out.strip_prefix(b"before").unwrap_or_default())
                    .unwrap_or_default();
            let id = answer.pointer("/error/correlation_id");
            assert_eq!(
                id.and_then(serde_json::Value::as_str),
                error.correlation_id.as_deref(),
                "the answer to `{text}`"
            );
        }
    }
}

fn rewrite(envelope: &Envelope<'_>) {
    let head = Head {
        id: envelope.id.as_deref().unwrap_or_default(),
        operation: &envelope.operation,
        timestamp: envelope.timestamp.as_deref().unwrap_or_default(),
        correlation_id: envelope.correlation_id.as_deref(),
        channel: envelope.channel.as_deref(),
        headers: envelope.headers,
    };
    let mut out = Vec::new();
    let written = write_envelope(&head, &mut out, |out| {
        out.extend_from_slice(envelope.payload.get().as_bytes());
        Ok::<_, ()>(())
    });
    assert!(written.is_ok(), "nothing here can fail");
    let text = String::from_utf8_lossy(&out);
    let again = Envelope::decode(&text);
    assert!(again.is_ok(), "`{text}` is no envelope: {again:?}");
    let Ok(again) = again else {
        return;
    };
    assert_eq!(again.operation, envelope.operation);
    assert_eq!(again.correlation_id, envelope.correlation_id);
    assert_eq!(again.channel, envelope.channel);
    assert_eq!(again.payload.get(), envelope.payload.get());
}

/// Reads the head of a request and every kind of credential in it.
///
/// # Panics
/// When what is behind the head is not what was not read.
pub fn read_request(bytes: &[u8]) {
    let Ok(Some(head)) = head::parse(bytes) else {
        return;
    };
    assert!(bytes.ends_with(&head.early), "bytes were made up");
    let request = AuthRequest::new(&head.target).with_cookies_counted();
    let request = head.lines().fold(request, |request, (name, value)| {
        request.with_header(name, String::from_utf8_lossy(value))
    });
    let schemes = [
        Scheme::ApiKeyCookie("a"),
        Scheme::ApiKeyHeader("a"),
        Scheme::ApiKeyQuery("a"),
        Scheme::HttpBasic,
        Scheme::HttpBearer,
    ];
    for scheme in schemes {
        // Any answer will do.
        drop(request.credential(scheme));
    }
}
