//! The public half of a key that signs: its name and its JWK.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::algorithm::{Algorithm, KeyKind};
use crate::der;

/// The public half of an asymmetric key.
pub(crate) struct PublicKey {
    pub(crate) kid: String,
    pub(crate) kind: KeyKind,
    /// What [`Key::public_der`] takes.
    pub(crate) der: Vec<u8>,
    /// Members of its JWK that RFC 7638 hashes, in its order.
    members: Vec<(&'static str, String)>,
}

impl PublicKey {
    pub(crate) fn new(kind: KeyKind, der: Vec<u8>) -> Option<Self> {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let point = |curve: &str, length| {
            let (x, y) = der.get(1..)?.split_at_checked(length)?;
            let crv = curve.to_owned();
            let kty = "EC".to_owned();
            Some(vec![
                ("crv", crv),
                ("kty", kty),
                ("x", encode(x)),
                ("y", encode(y)),
            ])
        };
        let members = match kind {
            KeyKind::Ed25519 => {
                let (crv, kty) = ("Ed25519".to_owned(), "OKP".to_owned());
                vec![("crv", crv), ("kty", kty), ("x", encode(&der))]
            }
            KeyKind::Hmac => return None,
            KeyKind::P256 => point("P-256", 32)?,
            KeyKind::P384 => point("P-384", 48)?,
            KeyKind::Rsa => {
                let (n, e) = der::rsa_public_key(&der)?;
                vec![
                    ("e", encode(e)),
                    ("kty", "RSA".to_owned()),
                    ("n", encode(n)),
                ]
            }
        };
        let hashed: Vec<String> = members
            .iter()
            .map(|(name, value)| format!(r#""{name}":"{value}""#))
            .collect();
        let hashed = format!("{{{}}}", hashed.join(","));
        let kid = encode(digest::digest(&digest::SHA256, hashed.as_bytes()).as_ref());
        Some(Self {
            kid,
            kind,
            der,
            members,
        })
    }

    pub(crate) fn jwk(&self, algorithm: Algorithm) -> serde_json::Value {
        let rest = [
            ("alg", algorithm.name()),
            ("kid", &self.kid),
            ("use", "sig"),
        ];
        let own = self
            .members
            .iter()
            .map(|(name, value)| (*name, value.as_str()));
        let members = own
            .chain(rest)
            .map(|(name, value)| (name.to_owned(), value.into()));
        serde_json::Value::Object(members.collect())
    }
}
