//! Keys that verify tokens. Each is prepared once, for each algorithm it may be used with.

use std::fmt;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ParsedPublicKey, RsaPublicKeyComponents};

use crate::algorithm::{Algorithm, KeyKind, Method};
use crate::pem;

/// A key that verifies tokens, and the algorithms it may be used with. Its Debug shows no
/// secret.
pub struct Key {
    name: KeyName,
    prepared: Box<[(Algorithm, Prepared)]>,
}

/// Which tokens a key is for, by their `kid`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyName {
    /// Any `kid`, or none: a configured public key that nobody gave a name.
    Any,
    /// This `kid`, or none.
    Named(Box<str>),
    /// No `kid`.
    Unnamed,
}

/// Why bytes are not a key for these algorithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// No algorithm is listed that it may be used with.
    #[error("no algorithm is listed for the key")]
    AlgorithmMissing,
    /// A listed algorithm takes another kind of key.
    #[error("the key does not fit {0}")]
    AlgorithmUnfit(Algorithm),
    /// It is not a key of a kind that is known here.
    #[error("not a usable key: {0}")]
    Malformed(&'static str),
}

enum Prepared {
    Hmac(Box<hmac::Key>),
    Public(ParsedPublicKey),
}

impl Key {
    /// A shared secret for HS256, HS384 or HS512; for tokens without `kid`. How long it must be
    /// is the server's policy (identity.md: 32 bytes outside dev mode).
    ///
    /// # Errors
    /// It is empty, it is a public key's text (RFC 8725, section 2.1), or an algorithm is not
    /// HMAC.
    pub fn secret(secret: &[u8], algorithms: &[Algorithm]) -> Result<Self, KeyFault> {
        if secret.is_empty() {
            return Err(KeyFault::Malformed("the secret is empty"));
        }
        if pem::looks_like_pem(secret) {
            return Err(KeyFault::Malformed("a key file is no shared secret"));
        }
        Self::prepare(KeyName::Unnamed, algorithms, |method| match method {
            Method::Hmac(hash) => Some(Prepared::Hmac(Box::new(hmac::Key::new(hash, secret)))),
            Method::Public(_) | Method::Rsa(_) => None,
        })
    }

    /// A public key in PEM: `PUBLIC KEY` (RSA, P-256, P-384, Ed25519) or `RSA PUBLIC KEY`; for
    /// any `kid` until [`Key::named`] says otherwise.
    ///
    /// # Errors
    /// It is no such key (a private key is none), or an algorithm takes another kind.
    pub fn public_pem(text: &[u8], algorithms: &[Algorithm]) -> Result<Self, KeyFault> {
        let (label, der) = pem::first_block(text).ok_or(KeyFault::Malformed("not PEM"))?;
        let kind = match label {
            "PUBLIC KEY" => spki_kind(&der).ok_or(KeyFault::Malformed("unknown kind of key"))?,
            "RSA PUBLIC KEY" => KeyKind::Rsa,
            _ => return Err(KeyFault::Malformed("not a public key")),
        };
        Self::public_der(kind, &der, algorithms)
    }

    /// A public key as `SubjectPublicKeyInfo`, `RSAPublicKey`, curve point or Ed25519 point.
    pub(crate) fn public_der(
        kind: KeyKind,
        der: &[u8],
        algorithms: &[Algorithm],
    ) -> Result<Self, KeyFault> {
        fits(kind, algorithms)?;
        Self::prepare(KeyName::Any, algorithms, |method| {
            let key = match method {
                Method::Hmac(_) => return None,
                Method::Public(method) => ParsedPublicKey::new(method, der),
                Method::Rsa(method) => ParsedPublicKey::new(method, der),
            };
            key.ok().map(Prepared::Public)
        })
    }

    /// An RSA public key by modulus and exponent, big-endian without leading zeros.
    pub(crate) fn rsa(n: &[u8], e: &[u8], algorithms: &[Algorithm]) -> Result<Self, KeyFault> {
        fits(KeyKind::Rsa, algorithms)?;
        Self::prepare(KeyName::Any, algorithms, |method| match method {
            Method::Hmac(_) | Method::Public(_) => None,
            Method::Rsa(method) => {
                RsaPublicKeyComponents { n, e }
                    .to_parsed_public_key(method)
                    .ok()
            }
            .map(Prepared::Public),
        })
    }

    /// The same key under another name.
    #[must_use]
    pub fn named(mut self, name: KeyName) -> Self {
        self.name = name;
        self
    }

    fn prepare(
        name: KeyName,
        algorithms: &[Algorithm],
        prepare: impl Fn(Method) -> Option<Prepared>,
    ) -> Result<Self, KeyFault> {
        if algorithms.is_empty() {
            return Err(KeyFault::AlgorithmMissing);
        }
        let prepared = algorithms
            .iter()
            .map(|&algorithm| {
                prepare(algorithm.method())
                    .map(|key| (algorithm, key))
                    .ok_or(KeyFault::AlgorithmUnfit(algorithm))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { name, prepared })
    }

    pub(crate) fn name(&self) -> &KeyName {
        &self.name
    }

    /// The algorithms it may be used with.
    pub(crate) fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        self.prepared.iter().map(|(algorithm, _)| *algorithm)
    }

    /// Whether a token with this `kid` and algorithm may be tried with it.
    pub(crate) fn is_for(&self, kid: Option<&str>, algorithm: Algorithm) -> bool {
        let named = match (&self.name, kid) {
            (_, None) | (KeyName::Any, Some(_)) => true,
            (KeyName::Named(name), Some(kid)) => **name == *kid,
            (KeyName::Unnamed, Some(_)) => false,
        };
        named && self.algorithms().any(|own| own == algorithm)
    }

    /// Whether `signature` is this key's over `message`; an algorithm that is not listed for
    /// the key verifies nothing.
    pub(crate) fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let prepared = self.prepared.iter().find(|(own, _)| *own == algorithm);
        match prepared {
            None => false,
            Some((_, Prepared::Hmac(key))) => hmac::verify(key, message, signature).is_ok(),
            Some((_, Prepared::Public(key))) => key.verify_sig(message, signature).is_ok(),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let algorithms: Vec<_> = self.algorithms().collect();
        f.debug_struct("Key")
            .field("name", &self.name)
            .field("algorithms", &algorithms)
            .finish_non_exhaustive()
    }
}

fn fits(kind: KeyKind, algorithms: &[Algorithm]) -> Result<(), KeyFault> {
    let unfit = algorithms
        .iter()
        .find(|algorithm| algorithm.key_kind() != kind);
    unfit.map_or(Ok(()), |&algorithm| {
        Err(KeyFault::AlgorithmUnfit(algorithm))
    })
}

/// The kind of a `SubjectPublicKeyInfo`, by its `AlgorithmIdentifier` (RFC 3279, 5480, 8410).
fn spki_kind(der: &[u8]) -> Option<KeyKind> {
    let (header, rest) = der.split_at_checked(2)?;
    let content = match header {
        [0x30, length] if *length < 0x80 => rest,
        [0x30, 0x81] => rest.get(1..)?,
        [0x30, 0x82] => rest.get(2..)?,
        _ => return None,
    };
    IDENTIFIERS
        .iter()
        .find(|(identifier, _)| content.starts_with(identifier))
        .map(|(_, kind)| *kind)
}

const IDENTIFIERS: [(&[u8], KeyKind); 4] = [
    (b"\x30\x05\x06\x03\x2b\x65\x70", KeyKind::Ed25519),
    (
        b"\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07",
        KeyKind::P256,
    ),
    (
        b"\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22",
        KeyKind::P384,
    ),
    (
        b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00",
        KeyKind::Rsa,
    ),
];
