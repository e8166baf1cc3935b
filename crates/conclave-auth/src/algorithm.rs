//! Signature algorithms of tokens.

use std::fmt;

use aws_lc_rs::hmac;
use aws_lc_rs::signature as aws;

/// A signature algorithm of tokens (RFC 7518, section 3; RFC 8037). There is no `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// Ed25519.
    EdDsa,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
    /// RSA PSS with SHA-256.
    Ps256,
    /// RSA PSS with SHA-384.
    Ps384,
    /// RSA PSS with SHA-512.
    Ps512,
    /// RSA PKCS#1 1.5 with SHA-256.
    Rs256,
    /// RSA PKCS#1 1.5 with SHA-384.
    Rs384,
    /// RSA PKCS#1 1.5 with SHA-512.
    Rs512,
}

/// What kind of key an algorithm takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyKind {
    Ed25519,
    Hmac,
    P256,
    P384,
    Rsa,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 12] = [
        Self::EdDsa,
        Self::Es256,
        Self::Es384,
        Self::Hs256,
        Self::Hs384,
        Self::Hs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
    ];

    /// The name in a token's `alg`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
        }
    }

    /// The algorithm of that name, compared exactly.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
    }

    /// Whether it takes a shared secret.
    #[must_use]
    pub const fn is_symmetric(self) -> bool {
        matches!(self.key_kind(), KeyKind::Hmac)
    }

    pub(crate) const fn key_kind(self) -> KeyKind {
        match self {
            Self::EdDsa => KeyKind::Ed25519,
            Self::Es256 => KeyKind::P256,
            Self::Es384 => KeyKind::P384,
            Self::Hs256 | Self::Hs384 | Self::Hs512 => KeyKind::Hmac,
            Self::Ps256 | Self::Ps384 | Self::Ps512 | Self::Rs256 | Self::Rs384 | Self::Rs512 => {
                KeyKind::Rsa
            }
        }
    }

    pub(crate) fn method(self) -> Method {
        match self {
            Self::EdDsa => Method::Public(&aws::ED25519),
            Self::Es256 => Method::Public(&aws::ECDSA_P256_SHA256_FIXED),
            Self::Es384 => Method::Public(&aws::ECDSA_P384_SHA384_FIXED),
            Self::Hs256 => Method::Hmac(hmac::HMAC_SHA256),
            Self::Hs384 => Method::Hmac(hmac::HMAC_SHA384),
            Self::Hs512 => Method::Hmac(hmac::HMAC_SHA512),
            Self::Ps256 => Method::Rsa(&aws::RSA_PSS_2048_8192_SHA256),
            Self::Ps384 => Method::Rsa(&aws::RSA_PSS_2048_8192_SHA384),
            Self::Ps512 => Method::Rsa(&aws::RSA_PSS_2048_8192_SHA512),
            Self::Rs256 => Method::Rsa(&aws::RSA_PKCS1_2048_8192_SHA256),
            Self::Rs384 => Method::Rsa(&aws::RSA_PKCS1_2048_8192_SHA384),
            Self::Rs512 => Method::Rsa(&aws::RSA_PKCS1_2048_8192_SHA512),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How signatures are checked.
pub(crate) enum Method {
    Hmac(hmac::Algorithm),
    Public(&'static dyn aws::VerificationAlgorithm),
    Rsa(&'static aws::RsaParameters),
}
