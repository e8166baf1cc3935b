//! Access tokens to claims, by the verifier of `conclave-auth`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use conclave_auth::{
    Algorithm, Issuer, IssuerFault, JwksFault, Key, KeyFault, KeySet, Roles, TokenError, Verifier,
    parse_jwks,
};
use conclave_protocol::{Clock, IssuerId};

use super::{AuthError, Claims};
use crate::machine::SystemClock;

/// Verifies access tokens: HMAC, RSA (PKCS#1 1.5 and PSS), ECDSA and Ed25519, with configured keys
/// or a key set. Each key has its list of algorithms, and a token's own `alg` only picks among
/// them; `none` is none of them. Nothing in a token causes I/O. Source: RFC 8725.
pub struct JwtValidator {
    verifier: Verifier,
    clock: Arc<dyn Clock>,
    accepted: Vec<Algorithm>,
}

/// What a [`JwtValidator`] is made from.
#[derive(Debug)]
pub struct JwtBuilder {
    keys: Vec<Key>,
    accepted: Vec<Algorithm>,
    issuer: Option<String>,
    audience: Vec<String>,
    leeway: Duration,
    roles: BTreeMap<String, Vec<String>>,
    clock: Option<DebugClock>,
}

struct DebugClock(Arc<dyn Clock>);

impl fmt::Debug for DebugClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// Why tokens cannot be verified as configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwtConfigError {
    /// The leeway is over 60 s.
    #[error("{0}")]
    Issuer(#[from] IssuerFault),
    /// The key set has no usable key.
    #[error("{0}")]
    Jwks(#[from] JwksFault),
    /// The key is no key for these algorithms.
    #[error("{0}")]
    Key(#[from] KeyFault),
    /// A shared secret of fewer than 32 bytes can be guessed from one token.
    #[error("the shared secret has fewer than 32 bytes")]
    SecretShort,
}

impl JwtValidator {
    /// Tokens signed with a shared secret of 32 bytes or more, by HS256.
    ///
    /// # Errors
    /// The secret is too short, or is the text of a key file.
    pub fn hmac(secret: &[u8]) -> Result<JwtBuilder, JwtConfigError> {
        JwtBuilder::default().with_hmac(secret, &[Algorithm::Hs256])
    }

    /// Tokens signed by whom this public key belongs to: PEM, RSA from 2048 bits, P-256, P-384 or
    /// Ed25519.
    ///
    /// # Errors
    /// It is no such key (a private key is none), or an algorithm takes another kind.
    pub fn public_key_pem(
        pem: &[u8],
        algorithms: &[Algorithm],
    ) -> Result<JwtBuilder, JwtConfigError> {
        JwtBuilder::default().with_public_key_pem(pem, algorithms)
    }

    /// Tokens signed by a key of this set (RFC 7517): at most 256 KiB and 100 keys.
    ///
    /// # Errors
    /// The set holds no usable key for these algorithms.
    pub fn jwks(document: &[u8], algorithms: &[Algorithm]) -> Result<JwtBuilder, JwtConfigError> {
        JwtBuilder::default().with_jwks(document, algorithms)
    }

    /// What a token says, where it is valid now.
    ///
    /// # Errors
    /// [`AuthError::Expired`], or [`AuthError::Invalid`] with the fault for the audit.
    pub fn validate_token(&self, token: &str) -> Result<Claims, AuthError> {
        let verified = self
            .verifier
            .verify(token, self.clock.now())
            .map_err(refusal)?;
        Claims::verified(&verified).ok_or_else(|| AuthError::Invalid("no user".to_owned()))
    }

    /// Puts the keys of a fetched set in place of all keys: when, and from where, is the caller's
    /// business. Tokens under way end with the old ones.
    ///
    /// # Errors
    /// The set holds no usable key; the old ones stay.
    pub fn replace_jwks(&self, document: &[u8]) -> Result<(), JwtConfigError> {
        let keys = parse_jwks(document, &self.accepted)?;
        let set = KeySet {
            keys,
            valid_until: None,
        };
        self.verifier.replace_keys(IssuerId(0), set);
        Ok(())
    }
}

impl fmt::Debug for JwtValidator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtValidator")
            .field("accepted", &self.accepted)
            .finish_non_exhaustive()
    }
}

impl Default for JwtBuilder {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            accepted: Vec::new(),
            issuer: None,
            audience: Vec::new(),
            leeway: Duration::from_secs(5),
            roles: BTreeMap::new(),
            clock: None,
        }
    }
}

impl JwtBuilder {
    /// Adds a shared secret of 32 bytes or more.
    ///
    /// # Errors
    /// As [`JwtValidator::hmac`]; an algorithm that is not HMAC.
    pub fn with_hmac(
        mut self,
        secret: &[u8],
        algorithms: &[Algorithm],
    ) -> Result<Self, JwtConfigError> {
        let key = Key::secret(secret, algorithms)?;
        if secret.len() < SECRET_BYTES_MIN {
            return Err(JwtConfigError::SecretShort);
        }
        self.keys.push(key);
        self.accepted.extend(algorithms);
        Ok(self)
    }

    /// Adds a public key.
    ///
    /// # Errors
    /// As [`JwtValidator::public_key_pem`].
    pub fn with_public_key_pem(
        mut self,
        pem: &[u8],
        algorithms: &[Algorithm],
    ) -> Result<Self, JwtConfigError> {
        self.keys.push(Key::public_pem(pem, algorithms)?);
        self.accepted.extend(algorithms);
        Ok(self)
    }

    /// Adds the keys of a set.
    ///
    /// # Errors
    /// As [`JwtValidator::jwks`].
    pub fn with_jwks(
        mut self,
        document: &[u8],
        algorithms: &[Algorithm],
    ) -> Result<Self, JwtConfigError> {
        self.keys.extend(parse_jwks(document, algorithms)?);
        self.accepted.extend(algorithms);
        Ok(self)
    }

    /// The `iss` that tokens must have; without it none is looked at.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// One more `aud`, of which tokens must have one; without any none is looked at.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience.push(audience.into());
        self
    }

    /// How far clocks may differ: 5 s where nothing is said, at most 60 s.
    #[must_use]
    pub const fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Permissions that a role stands for; without it roles are names and no more.
    #[must_use]
    pub fn role(mut self, role: impl Into<String>, permissions: &[&str]) -> Self {
        let permissions = permissions.iter().map(|&name| name.to_owned()).collect();
        self.roles.insert(role.into(), permissions);
        self
    }

    /// Where time comes from, in place of the machine's clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(DebugClock(clock));
        self
    }

    /// The validator.
    ///
    /// # Errors
    /// The leeway is over 60 s.
    pub fn build(self) -> Result<JwtValidator, JwtConfigError> {
        let issuer = Issuer {
            iss: self.issuer,
            aud: self.audience,
            leeway: self.leeway,
            default_roles: Vec::new(),
            ..Issuer::own(self.keys)
        };
        let roles = Arc::new(Roles::new(self.roles));
        let clock = self.clock.map_or_else(
            || Arc::new(SystemClock::new()) as Arc<dyn Clock>,
            |clock| clock.0,
        );
        Ok(JwtValidator {
            verifier: Verifier::new(vec![issuer], roles)?,
            clock,
            accepted: self.accepted,
        })
    }
}

fn refusal(error: TokenError) -> AuthError {
    match error {
        TokenError::Expired => AuthError::Expired,
        TokenError::Invalid(_)
        | TokenError::Payload
        | TokenError::Revoked
        | TokenError::UnknownKey { .. } => AuthError::Invalid(error.to_string()),
    }
}

const SECRET_BYTES_MIN: usize = 32;
