//! The client's half of the handshake: a request's bytes, and the judgement of its response.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::field::{contains_token, is_token, only, values};
use super::{CONNECTION, EXTENSIONS, PROTOCOL, UPGRADE, accept_value, extension};

/// One handshake from the client's side; keep it until the response has been judged.
#[derive(Clone, Copy, Debug)]
pub struct ClientHandshake<'a> {
    /// Value of `Host`: name, with the port where it is not the default one.
    pub host: &'a str,
    /// Path and query, beginning with `/`, percent-encoded: visible ASCII only.
    pub path: &'a str,
    /// Further lines, e.g. `("Authorization", "Bearer …")`.
    pub headers: &'a [(&'a str, &'a str)],
    /// Subprotocols to offer, the preferred one first; none where empty.
    pub subprotocols: &'a [&'a str],
    /// Random bytes, fresh for each handshake.
    pub nonce: [u8; 16],
    /// Whether permessage-deflate is offered, without context takeover on either side.
    pub deflate: bool,
}

/// What the front of the input holds, read as a response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Response<'a> {
    /// The head is not whole yet.
    Incomplete,
    /// The connection is open; frames begin behind the head.
    Accepted {
        /// Bytes of the head.
        consumed: usize,
        /// The one that the server chose of [`ClientHandshake::subprotocols`].
        subprotocol: Option<&'a str>,
        /// Whether permessage-deflate was agreed on, hence the decoder's flag.
        deflate: bool,
    },
}

/// Why there is no connection, from the client's view.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ClientHandshakeError {
    /// `Sec-WebSocket-Accept` is missing, repeated or does not prove the nonce.
    #[error("the server did not prove that it read the key")]
    Accept,
    /// The server agreed to an extension, or a parameter of one, that was not offered.
    #[error("the server answered with an extension that was not offered")]
    Extensions,
    /// The head is no HTTP/1.1 response.
    #[error("the response is malformed")]
    Malformed,
    /// Host, path or a header of the request holds what would break the request's lines.
    #[error("the request holds characters that a header must not")]
    Request,
    /// Any other status than 101.
    #[error("the server answered with status {0}")]
    Status(u16),
    /// The server chose a subprotocol that was not offered, or several.
    #[error("the server chose a subprotocol that was not offered")]
    Subprotocol,
    /// The head has more than 16 KiB.
    #[error("the response's head is too big")]
    TooBig,
    /// `Upgrade: websocket` or `Connection: Upgrade` is missing.
    #[error("the server switched to no WebSocket")]
    Upgrade,
}

impl<'a> ClientHandshake<'a> {
    /// The whole request. Source: RFC 6455 section 4.1.
    ///
    /// # Errors
    /// [`ClientHandshakeError::Request`] where an argument would smuggle in a line of its own.
    pub fn request(&self) -> Result<Vec<u8>, ClientHandshakeError> {
        let whole_target = self.path.starts_with('/') && is_visible(self.path);
        let whole_headers = self
            .headers
            .iter()
            .all(|(name, value)| is_token(name.as_bytes()) && is_value(value));
        let whole_protocols = self
            .subprotocols
            .iter()
            .all(|name| is_token(name.as_bytes()));
        if !(whole_target && is_visible(self.host) && whole_headers && whole_protocols) {
            return Err(ClientHandshakeError::Request);
        }
        let (path, host, key) = (self.path, self.host, STANDARD.encode(self.nonce));
        let mut head = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
        );
        let mut line = |name: &str, value: &str| {
            for part in [name, ": ", value, "\r\n"] {
                head.push_str(part);
            }
        };
        if !self.subprotocols.is_empty() {
            line("Sec-WebSocket-Protocol", &self.subprotocols.join(", "));
        }
        if self.deflate {
            line("Sec-WebSocket-Extensions", extension::OFFER);
        }
        for (name, value) in self.headers {
            line(name, value);
        }
        head.push_str("\r\n");
        Ok(head.into_bytes())
    }

    /// Judges what has come so far of the response.
    ///
    /// Bounds: a head of at most 16 KiB. Source: RFC 6455 section 4.1, RFC 7692 section 7.1.
    ///
    /// # Errors
    /// Any [`ClientHandshakeError`] but `Request`; the connection is of no use then.
    pub fn response(&self, input: &[u8]) -> Result<Response<'a>, ClientHandshakeError> {
        let searched = input.get(..HEAD_BYTES_MAX).unwrap_or(input);
        let Some(end) = searched.windows(4).position(|window| window == b"\r\n\r\n") else {
            let full = searched.len() == HEAD_BYTES_MAX;
            return if full {
                Err(ClientHandshakeError::TooBig)
            } else {
                Ok(Response::Incomplete)
            };
        };
        let mut lines = searched
            .get(..end)
            .unwrap_or_default()
            .split(|byte| *byte == b'\n');
        let status = lines
            .next()
            .and_then(status)
            .ok_or(ClientHandshakeError::Malformed)?;
        if status != 101 {
            return Err(ClientHandshakeError::Status(status));
        }
        let Some(headers) = lines.map(header_line).collect::<Option<Vec<_>>>() else {
            return Err(ClientHandshakeError::Malformed);
        };
        let headers = headers.iter().copied();
        if !contains_token(values(&headers, UPGRADE), "websocket")
            || !contains_token(values(&headers, CONNECTION), "upgrade")
        {
            return Err(ClientHandshakeError::Upgrade);
        }
        let expected = accept_value(STANDARD.encode(self.nonce).as_bytes());
        if only(values(&headers, ACCEPT)) != Some(&expected) {
            return Err(ClientHandshakeError::Accept);
        }
        match extension::confirm(values(&headers, EXTENSIONS)) {
            Some(deflate) if self.deflate || !deflate => Ok(Response::Accepted {
                consumed: end + 4,
                subprotocol: self.subprotocol(values(&headers, PROTOCOL))?,
                deflate,
            }),
            Some(_) | None => Err(ClientHandshakeError::Extensions),
        }
    }

    fn subprotocol<'h>(
        &self,
        mut lines: impl Iterator<Item = &'h [u8]>,
    ) -> Result<Option<&'a str>, ClientHandshakeError> {
        let Some(chosen) = lines.next() else {
            return Ok(None);
        };
        let offered = self
            .subprotocols
            .iter()
            .find(|offered| offered.as_bytes() == chosen);
        match (offered, lines.next()) {
            (Some(offered), None) => Ok(Some(offered)),
            _ => Err(ClientHandshakeError::Subprotocol),
        }
    }
}

/// The status of `HTTP/1.1 101 Switching Protocols`.
fn status(line: &[u8]) -> Option<u16> {
    let (digits, reason) = line.strip_prefix(b"HTTP/1.1 ")?.split_first_chunk::<3>()?;
    let known_end = reason.trim_ascii_end().is_empty() || reason.starts_with(b" ");
    let status = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (known_end && digits.iter().all(u8::is_ascii_digit)).then_some(status)
}

/// A line `name: value`; `None` where it has no name, e.g. because it is folded.
fn header_line(line: &[u8]) -> Option<(&str, &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = line.split_at_checked(colon)?;
    let name = std::str::from_utf8(name)
        .ok()
        .filter(|name| is_token(name.as_bytes()))?;
    Some((name, value.strip_prefix(b":")?))
}

fn is_visible(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_value(text: &str) -> bool {
    !text.bytes().any(|byte| byte.is_ascii_control())
}

const ACCEPT: &str = "sec-websocket-accept";
const HEAD_BYTES_MAX: usize = 16 * 1024;

#[cfg(test)]
mod tests;
