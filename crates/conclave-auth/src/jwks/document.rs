//! A key set's document to keys.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::algorithm::{Algorithm, KeyKind};
use crate::json::{Object, Value};
use crate::key::{Key, KeyName};

/// Why a document gives no keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwksFault {
    /// It is not a JSON object with a list `keys`, or a name occurs twice in an object.
    #[error("not a JWKS document")]
    Malformed,
    /// It is larger than 256 KiB or lists more than 100 keys.
    #[error("the JWKS document is too large")]
    TooLarge,
    /// None of its keys may be used with the accepted algorithms.
    #[error("the JWKS document holds no usable key")]
    Unusable,
}

/// The usable keys of a document, at most 100, for the algorithms in `accepted` that each of
/// them fits. Skipped are: shared secrets (`oct`), keys with private parts, keys for encryption
/// (`use`, `key_ops`), kinds and curves that are not known here, and those whose `alg` is not
/// accepted. Shape: `{"keys":[{"kty":"RSA","kid":"…","n":"…","e":"AQAB"}]}` (RFC 7517).
///
/// # Errors
/// The document is too large, no such object, or without any usable key.
pub fn parse_jwks(document: &[u8], accepted: &[Algorithm]) -> Result<Vec<Key>, JwksFault> {
    if document.len() > DOCUMENT_BYTES_MAX {
        return Err(JwksFault::TooLarge);
    }
    let object = Object::parse(document).ok_or(JwksFault::Malformed)?;
    let Some(Value::List(entries)) = object.member("keys") else {
        return Err(JwksFault::Malformed);
    };
    if entries.len() > KEYS_MAX {
        return Err(JwksFault::TooLarge);
    }
    let keys: Vec<Key> = entries
        .iter()
        .filter_map(|entry| match entry {
            Value::Object(entry) => key(entry, accepted),
            _ => None,
        })
        .collect();
    if keys.is_empty() {
        Err(JwksFault::Unusable)
    } else {
        Ok(keys)
    }
}

/// `None` skips the entry.
fn key(entry: &Object<'_>, accepted: &[Algorithm]) -> Option<Key> {
    if PRIVATE.iter().any(|name| entry.member(name).is_some()) || !is_for_signatures(entry)? {
        return None;
    }
    let kind = match (entry.text("kty")?, entry.text("crv")) {
        ("EC", Some("P-256")) => KeyKind::P256,
        ("EC", Some("P-384")) => KeyKind::P384,
        ("OKP", Some("Ed25519")) => KeyKind::Ed25519,
        ("RSA", _) => KeyKind::Rsa,
        _ => return None,
    };
    let only = match entry.member("alg") {
        None => None,
        Some(Value::Text(name)) => Some(Algorithm::named(name)?),
        Some(_) => return None,
    };
    let algorithms: Vec<Algorithm> = accepted
        .iter()
        .copied()
        .filter(|algorithm| algorithm.key_kind() == kind)
        .filter(|algorithm| only.is_none_or(|only| only == *algorithm))
        .collect();
    let name = match entry.member("kid") {
        None => KeyName::Unnamed,
        Some(Value::Text(kid)) => KeyName::Named(Box::from(&**kid)),
        Some(_) => return None,
    };
    material(entry, kind, &algorithms).map(|key| key.named(name))
}

fn material(entry: &Object<'_>, kind: KeyKind, algorithms: &[Algorithm]) -> Option<Key> {
    let bytes = |name| URL_SAFE_NO_PAD.decode(entry.text(name)?).ok();
    let coordinate = |name, length| bytes(name).filter(|bytes| bytes.len() == length);
    let point = |length| {
        let (x, y) = (coordinate("x", length)?, coordinate("y", length)?);
        Key::public_der(kind, &[&[UNCOMPRESSED], &*x, &*y].concat(), algorithms).ok()
    };
    match kind {
        KeyKind::Ed25519 => Key::public_der(kind, &coordinate("x", 32)?, algorithms).ok(),
        KeyKind::Hmac => None,
        KeyKind::P256 => point(32),
        KeyKind::P384 => point(48),
        KeyKind::Rsa => Key::rsa(&bytes("n")?, &bytes("e")?, algorithms).ok(),
    }
}

/// What `use` and `key_ops` say; `None` where they are not what RFC 7517 says they are.
fn is_for_signatures(entry: &Object<'_>) -> Option<bool> {
    let by_use = match entry.member("use") {
        None => true,
        Some(Value::Text(purpose)) => purpose == "sig",
        Some(_) => return None,
    };
    let by_operations = match entry.member("key_ops") {
        None => true,
        Some(operations) => operations.texts()?.contains(&"verify"),
    };
    Some(by_use && by_operations)
}

const DOCUMENT_BYTES_MAX: usize = 256 * 1024;
const KEYS_MAX: usize = 100;
/// Members of private and shared keys (RFC 7518, section 6).
const PRIVATE: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "k"];
/// First byte of an uncompressed curve point (SEC 1, section 2.3.3).
const UNCOMPRESSED: u8 = 4;
