//! How a refused handshake is told.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use conclave_websocket::encode_close;
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};

use crate::worker::Stream;

/// Completes a refused handshake: Close with the surface's code, then the end, within a second.
pub(super) async fn close(mut stream: Stream, code: u16, reason: &'static str) {
    let mut frame = Vec::new();
    encode_close(code, reason, &mut frame);
    // A fresh socket takes a frame of this size whole.
    if stream.try_write(&frame).is_err() || stream.shut().is_err() {
        return;
    }
    let mut cipher = vec![0; SCRATCH_BYTES];
    let mut plain = vec![0; SCRATCH_BYTES];
    let ended = poll_fn(|context| {
        loop {
            match std::task::ready!(stream.poll_read(context, &mut cipher, &mut plain)) {
                Ok(0) | Err(_) => return Poll::Ready(()),
                Ok(_) => {}
            }
        }
    });
    if tokio::time::timeout(LINGER, ended).await.is_err() {
        stream.reset_on_drop();
    }
}

/// An HTTP error as `application/problem+json` (identity.md, "Error codes").
pub(super) fn problem(status: StatusCode, code: &str, detail: &str) -> Response<Body> {
    let title = status.canonical_reason().unwrap_or_default();
    let body = serde_json::json!({
        "type": "about:blank",
        "title": title,
        "status": status.as_u16(),
        "code": code,
        "detail": detail,
    });
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if status == StatusCode::UPGRADE_REQUIRED {
        headers.insert("sec-websocket-version", HeaderValue::from_static("13"));
        headers.insert("upgrade", HeaderValue::from_static("websocket"));
    }
    if status == StatusCode::TOO_MANY_REQUESTS {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("60"));
    }
    response
}

const LINGER: Duration = Duration::from_secs(1);
const SCRATCH_BYTES: usize = 4096;
