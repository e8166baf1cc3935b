//! The opening handshake, RFC 6455 section 4: [`accept`] for servers, [`ClientHandshake`] for
//! clients.

mod client;
mod extension;
mod field;

pub use client::{ClientHandshake, ClientHandshakeError, Response};
pub use extension::DeflateParams;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use field::{contains_token, elements, is_token, only, values};

/// What a server is ready to agree to.
#[derive(Clone, Copy, Debug, Default)]
pub struct AcceptOptions<'a> {
    /// Subprotocols that the server speaks, compared byte by byte.
    pub subprotocols: &'a [&'a str],
    /// Whether an offered permessage-deflate is accepted.
    pub deflate: bool,
}

/// What a server answers with 101, beside `Upgrade: websocket` and `Connection: Upgrade`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Accepted<'a> {
    /// Value of `Sec-WebSocket-Accept`: base64, ASCII.
    pub accept: [u8; 28],
    /// Value of `Sec-WebSocket-Protocol`, out of [`AcceptOptions::subprotocols`]; without it no
    /// such line is sent.
    pub subprotocol: Option<&'a str>,
    /// What [`DeflateParams::header_value`] turns into `Sec-WebSocket-Extensions`; without it no
    /// such line is sent.
    pub deflate: Option<DeflateParams>,
}

/// Why a request is no WebSocket handshake of version 13.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum HandshakeError {
    /// No `Connection` line names `upgrade`.
    #[error("Connection must contain upgrade")]
    Connection,
    /// `Sec-WebSocket-Extensions` breaks its grammar or its bounds.
    #[error("Sec-WebSocket-Extensions is malformed")]
    Extensions,
    /// A line that belongs to the handshake has a value over 4 KiB.
    #[error("a handshake header is too long")]
    FieldTooLong,
    /// Not HTTP/1.1.
    #[error("a handshake needs HTTP/1.1")]
    HttpVersion,
    /// `Sec-WebSocket-Key` is missing, repeated, or not the base64 form of exactly 16 bytes.
    #[error("Sec-WebSocket-Key must be there once and be 16 bytes in base64")]
    Key,
    /// Not GET.
    #[error("a handshake needs GET")]
    Method,
    /// `Sec-WebSocket-Protocol` holds something that is no token.
    #[error("Sec-WebSocket-Protocol is malformed")]
    Subprotocol,
    /// No `Upgrade` line names `websocket`.
    #[error("Upgrade must be websocket")]
    Upgrade,
    /// `Sec-WebSocket-Version` is missing, repeated or not 13: answer with
    /// `Sec-WebSocket-Version: 13`.
    #[error("Sec-WebSocket-Version must be 13")]
    Version,
}

impl HandshakeError {
    /// The HTTP status to answer: 405, 426, 431, or 400.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Connection
            | Self::Extensions
            | Self::HttpVersion
            | Self::Key
            | Self::Subprotocol
            | Self::Upgrade => 400,
            Self::FieldTooLong => 431,
            Self::Method => 405,
            Self::Version => 426,
        }
    }
}

/// Judges a client's request as strictly as RFC 6455 section 4.2 words it.
///
/// `headers` gives every line, repeated names repeatedly; names in any case. `Host`, `Origin`,
/// path and credentials are the caller's to judge. The subprotocol is the first one offered that
/// the server knows; of the extensions the first acceptable offer of permessage-deflate is taken.
/// Source: RFC 6455 sections 4.2.1, 4.2.2 and 9.1, RFC 7692 section 7.1.
///
/// # Errors
/// The first [`HandshakeError`] that applies, whose `status` is to be answered.
pub fn accept<'h, 'o>(
    method: &str,
    http_version_is_1_1: bool,
    headers: impl Iterator<Item = (&'h str, &'h [u8])> + Clone,
    options: &AcceptOptions<'o>,
) -> Result<Accepted<'o>, HandshakeError> {
    if method != "GET" {
        return Err(HandshakeError::Method);
    }
    if !http_version_is_1_1 {
        return Err(HandshakeError::HttpVersion);
    }
    if headers
        .clone()
        .any(|(name, value)| value.len() > FIELD_BYTES_MAX && is_read_here(name))
    {
        return Err(HandshakeError::FieldTooLong);
    }
    if !contains_token(values(&headers, UPGRADE), "websocket") {
        return Err(HandshakeError::Upgrade);
    }
    if !contains_token(values(&headers, CONNECTION), "upgrade") {
        return Err(HandshakeError::Connection);
    }
    if only(values(&headers, VERSION)) != Some(b"13") {
        return Err(HandshakeError::Version);
    }
    let Some(key) = only(values(&headers, KEY)).filter(|key| is_key(key)) else {
        return Err(HandshakeError::Key);
    };
    let Some(deflate) = extension::negotiate(values(&headers, EXTENSIONS)) else {
        return Err(HandshakeError::Extensions);
    };
    Ok(Accepted {
        accept: accept_value(key),
        subprotocol: subprotocol(values(&headers, PROTOCOL), options.subprotocols)?,
        deflate: deflate.filter(|_| options.deflate),
    })
}

/// Whether `key` is the one canonical base64 form of 16 bytes.
fn is_key(key: &[u8]) -> bool {
    let mut nonce = [0; 18];
    key.len() == 24 && STANDARD.decode_slice(key, &mut nonce) == Ok(16)
}

/// The proof that a server understood `key`. Source: RFC 6455 section 4.2.2, item 5.4.
fn accept_value(key: &[u8]) -> [u8; 28] {
    let proof = Sha1::new()
        .chain_update(key)
        .chain_update(KEY_SUFFIX)
        .finalize();
    let mut value = [0; 28];
    let written = STANDARD.encode_slice(proof, &mut value);
    debug_assert_eq!(written, Ok(28), "20 bytes are 28 characters");
    value
}

/// The first offered subprotocol that is `known`.
fn subprotocol<'h, 'o>(
    lines: impl Iterator<Item = &'h [u8]>,
    known: &[&'o str],
) -> Result<Option<&'o str>, HandshakeError> {
    let mut chosen = None;
    for offered in lines.flat_map(elements) {
        if !is_token(offered) {
            return Err(HandshakeError::Subprotocol);
        }
        chosen = chosen.or_else(|| {
            known
                .iter()
                .find(|known| known.as_bytes() == offered)
                .copied()
        });
    }
    Ok(chosen)
}

fn is_read_here(name: &str) -> bool {
    [UPGRADE, CONNECTION, VERSION, KEY, EXTENSIONS, PROTOCOL]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}

const UPGRADE: &str = "upgrade";
const CONNECTION: &str = "connection";
const VERSION: &str = "sec-websocket-version";
const KEY: &str = "sec-websocket-key";
const EXTENSIONS: &str = "sec-websocket-extensions";
const PROTOCOL: &str = "sec-websocket-protocol";
const FIELD_BYTES_MAX: usize = 4096;
/// Source: RFC 6455 section 1.3.
const KEY_SUFFIX: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

#[cfg(test)]
mod tests;
