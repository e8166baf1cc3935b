//! PEM blocks (RFC 7468): one label, one base64 body, no headers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// The first block of a text: its label and its DER bytes. `None` where there is no whole block,
/// or where it holds something that is not base64 (an encrypted key has header lines).
pub(crate) fn first_block(text: &[u8]) -> Option<(&str, Zeroizing<Vec<u8>>)> {
    let text = std::str::from_utf8(text).ok()?;
    let (_, after_begin) = text.split_once("-----BEGIN ")?;
    let (label, after_label) = after_begin.split_once("-----")?;
    let (body, after_body) = after_label.split_once("-----END ")?;
    after_body.strip_prefix(label)?.strip_prefix("-----")?;
    let base64 = Zeroizing::new(body.split_ascii_whitespace().collect::<String>());
    let der = STANDARD.decode(base64.as_bytes()).ok()?;
    Some((label, Zeroizing::new(der)))
}

/// Whether bytes that should be a shared secret are a PEM text, i.e. a mistake.
pub(crate) fn looks_like_pem(bytes: &[u8]) -> bool {
    let start = bytes.trim_ascii_start();
    start.starts_with(b"-----BEGIN ") || start.starts_with(b"ssh-") || start.starts_with(b"ecdsa-")
}
