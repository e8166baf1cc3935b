//! Own access tokens.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
    RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use conclave_protocol::{FamilyId, Timestamp};
use serde::Serialize;

use crate::algorithm::{Algorithm, KeyKind};
use crate::key::{Key, KeyFault, KeyName};
use crate::pem;
use crate::public_key::PublicKey;

/// Signs own access tokens with one key and one algorithm. Its Debug shows no secret. ECDSA and
/// PSS draw their randomness inside the signature library.
pub struct Signer {
    algorithm: Algorithm,
    material: Material,
    public: Option<PublicKey>,
    header: String,
    iss: Option<String>,
    aud: Option<String>,
}

enum Material {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Hmac {
        key: Box<hmac::Key>,
        secret: zeroize::Zeroizing<Vec<u8>>,
    },
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
}

/// What an access token of ours says.
#[derive(Clone, Copy, Debug)]
pub struct AccessClaims<'a> {
    /// The user, without the issuer's prefix.
    pub sub: &'a str,
    /// The named session.
    pub sid: Option<&'a str>,
    /// The display name.
    pub name: Option<&'a str>,
    /// Roles.
    pub roles: &'a [String],
    /// Permissions besides those of the roles.
    pub permissions: &'a [String],
    /// When it is issued: whole seconds in `iat`, as every library expects, and the milliseconds
    /// beyond them in `ims`, so that a revocation and a sign-in in one second are told apart.
    pub issued_at: Timestamp,
    /// How long it lives, from the second it is issued in.
    pub life: Duration,
    /// 16 random bytes for `jti`.
    pub id: [u8; 16],
    /// The sign-in it descends from (`fid`).
    pub family: Option<FamilyId>,
}

#[derive(Serialize)]
struct Payload<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
    sub: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    roles: &'a [String],
    permissions: &'a [String],
    iat: u64,
    #[serde(skip_serializing_if = "is_zero")]
    ims: u64,
    exp: u64,
    jti: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fid: Option<String>,
}

/// The signature library could not sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token could not be signed")]
pub struct SignFault;

impl Signer {
    /// Signs with a shared secret: HS256, HS384 or HS512.
    ///
    /// # Errors
    /// As [`Key::secret`].
    pub fn secret(secret: &[u8], algorithm: Algorithm) -> Result<Self, KeyFault> {
        Key::secret(secret, &[algorithm])?;
        let hash = match algorithm {
            Algorithm::Hs384 => hmac::HMAC_SHA384,
            Algorithm::Hs512 => hmac::HMAC_SHA512,
            _ => hmac::HMAC_SHA256,
        };
        let key = Box::new(hmac::Key::new(hash, secret));
        let secret = zeroize::Zeroizing::new(secret.to_vec());
        Ok(Self::new(algorithm, Material::Hmac { key, secret }, None))
    }

    /// Signs with a private key: PEM, PKCS#8 (`PRIVATE KEY`), not encrypted; RSA from 2048 bits,
    /// P-256, P-384 or Ed25519, as the algorithm wants. Tokens carry the key's thumbprint
    /// (RFC 7638, SHA-256) as `kid`.
    ///
    /// # Errors
    /// It is no such key, or the algorithm takes another kind.
    pub fn private_pem(text: &[u8], algorithm: Algorithm) -> Result<Self, KeyFault> {
        let (label, der) = pem::first_block(text).ok_or(KeyFault::Malformed("not PEM"))?;
        if label != "PRIVATE KEY" {
            return Err(KeyFault::Malformed("not an unencrypted PKCS#8 private key"));
        }
        let unfit = |_rejected| KeyFault::AlgorithmUnfit(algorithm);
        let kind = algorithm.key_kind();
        let (material, public) = match kind {
            KeyKind::Ed25519 => {
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map_err(unfit)?;
                let public = pair.public_key().as_ref().to_vec();
                (Material::Ed25519(pair), public)
            }
            KeyKind::Hmac => return Err(KeyFault::AlgorithmUnfit(algorithm)),
            KeyKind::P256 | KeyKind::P384 => {
                let method = match kind {
                    KeyKind::P384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
                    _ => &ECDSA_P256_SHA256_FIXED_SIGNING,
                };
                let pair = EcdsaKeyPair::from_pkcs8(method, &der).map_err(unfit)?;
                let public = pair.public_key().as_ref().to_vec();
                (Material::Ecdsa(pair), public)
            }
            KeyKind::Rsa => {
                let pair = RsaKeyPair::from_pkcs8(&der).map_err(unfit)?;
                let public = pair.public_key().as_ref().to_vec();
                (Material::Rsa(pair, rsa_encoding(algorithm)), public)
            }
        };
        let public = PublicKey::new(kind, public)
            .ok_or(KeyFault::Malformed("the public half cannot be read"))?;
        Ok(Self::new(algorithm, material, Some(public)))
    }

    fn new(algorithm: Algorithm, material: Material, public: Option<PublicKey>) -> Self {
        let header = match &public {
            None => format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#),
            Some(key) => format!(r#"{{"alg":"{algorithm}","typ":"JWT","kid":"{}"}}"#, key.kid),
        };
        let header = URL_SAFE_NO_PAD.encode(header);
        Self {
            algorithm,
            material,
            public,
            header,
            iss: None,
            aud: None,
        }
    }

    /// Puts `iss` and `aud` into every token.
    #[must_use]
    pub fn naming(mut self, iss: Option<String>, aud: Option<String>) -> Self {
        (self.iss, self.aud) = (iss, aud);
        self
    }

    /// The key that verifies these tokens: for the own issuer's keys.
    ///
    /// # Errors
    /// The signature library refuses the public half of the key that signs.
    pub fn verification_key(&self) -> Result<Key, KeyFault> {
        match (&self.public, &self.material) {
            (Some(public), _) => Key::public_der(public.kind, &public.der, &[self.algorithm])
                .map(|key| key.named(KeyName::Named(public.kid.as_str().into()))),
            (None, Material::Hmac { secret, .. }) => Key::secret(secret, &[self.algorithm]),
            (None, _) => Err(KeyFault::Malformed("no public half")),
        }
    }

    /// The public key set of our issuer (RFC 7517): one key, or none where the key is a shared
    /// secret. Shape: `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"…","kid":"…","alg":"EdDSA",
    /// "use":"sig"}]}`.
    #[must_use]
    pub fn jwks(&self) -> String {
        let keys: Vec<_> = self
            .public
            .iter()
            .map(|key| key.jwk(self.algorithm))
            .collect();
        serde_json::json!({ "keys": keys }).to_string()
    }

    /// A token that says this.
    ///
    /// # Errors
    /// The signature library failed.
    pub fn sign(&self, claims: &AccessClaims<'_>) -> Result<String, SignFault> {
        let payload = Payload {
            iss: self.iss.as_deref(),
            aud: self.aud.as_deref(),
            sub: claims.sub,
            sid: claims.sid,
            name: claims.name,
            roles: claims.roles,
            permissions: claims.permissions,
            iat: claims.issued_at.seconds(),
            ims: claims.issued_at.millis() % 1000,
            exp: claims
                .issued_at
                .seconds()
                .saturating_add(claims.life.as_secs()),
            jti: hex(claims.id),
            fid: claims.family.map(|family| hex(family.0)),
        };
        self.sign_payload(&serde_json::to_vec(&payload).map_err(|_unwritable| SignFault)?)
    }

    /// A token with these bytes as its claims.
    pub(crate) fn sign_payload(&self, payload: &[u8]) -> Result<String, SignFault> {
        let mut token = String::with_capacity(self.header.len() + payload.len() * 4 / 3 + 400);
        token.push_str(&self.header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(payload, &mut token);
        let signature = self.material.sign(token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

impl Material {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignFault> {
        match self {
            Self::Ecdsa(pair) => pair
                .sign(&SystemRandom::new(), message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_unspecified| SignFault),
            Self::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Self::Hmac { key, .. } => Ok(hmac::sign(key, message).as_ref().to_vec()),
            Self::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &SystemRandom::new(), message, &mut signature)
                    .map(|()| signature)
                    .map_err(|_unspecified| SignFault)
            }
        }
    }
}

fn rsa_encoding(algorithm: Algorithm) -> &'static dyn RsaEncoding {
    match algorithm {
        Algorithm::Ps256 => &RSA_PSS_SHA256,
        Algorithm::Ps384 => &RSA_PSS_SHA384,
        Algorithm::Ps512 => &RSA_PSS_SHA512,
        Algorithm::Rs384 => &RSA_PKCS1_SHA384,
        Algorithm::Rs512 => &RSA_PKCS1_SHA512,
        _ => &RSA_PKCS1_SHA256,
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn hex(bytes: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(bytes))
}
