//! What a handshake is answered with.

/// Whom there is no place for.
pub(crate) const FULL: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\n\
    Retry-After: 5\r\nContent-Length: 0\r\n\r\n";

/// `101 Switching Protocols`.
pub(crate) fn switching(accept: [u8; 28]) -> Vec<u8> {
    let mut answer = Vec::with_capacity(160);
    answer.extend_from_slice(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
          Sec-WebSocket-Accept: ",
    );
    answer.extend_from_slice(&accept);
    answer.extend_from_slice(b"\r\n\r\n");
    answer
}

/// A refusal (RFC 9457): `{"title":…,"status":…,"detail":…}`.
pub(crate) fn problem(status: u16, detail: &str) -> Vec<u8> {
    let title = match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    };
    let extra = match status {
        401 => "WWW-Authenticate: Bearer\r\n",
        405 => "Allow: GET\r\n",
        426 => "Sec-WebSocket-Version: 13\r\nUpgrade: websocket\r\n",
        429 | 503 => "Retry-After: 5\r\n",
        _ => "",
    };
    let body = serde_json::json!({"title": title, "status": status, "detail": detail}).to_string();
    let length = body.len();
    format!(
        "HTTP/1.1 {status} {title}\r\nContent-Type: application/problem+json\r\n\
         Content-Length: {length}\r\nCache-Control: no-store\r\nConnection: close\r\n{extra}\r\n{body}"
    )
    .into_bytes()
}
