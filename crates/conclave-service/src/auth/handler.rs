//! Authenticators: one credential to claims.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use conclave_auth::{Password, PasswordHash, PasswordJob, PasswordOutcome};
use tokio::sync::Semaphore;

use super::{AuthError, AuthRequest, Claims, Credential, JwtValidator};
use crate::Scheme;

/// Checks the credentials of one security scheme.
#[async_trait]
pub trait Authenticator: Send + Sync {
    /// Whom this credential proves.
    ///
    /// # Errors
    /// Nobody: see [`AuthError`].
    async fn authenticate(&self, credential: &Credential) -> Result<Claims, AuthError>;
}

#[async_trait]
impl<T: Authenticator + ?Sized> Authenticator for Arc<T> {
    async fn authenticate(&self, credential: &Credential) -> Result<Claims, AuthError> {
        (**self).authenticate(credential).await
    }
}

/// Who a handshake proves.
#[derive(Clone, Debug)]
pub struct AuthResult {
    /// What the credential says.
    pub claims: Claims,
}

/// Access tokens in handshakes: schemes `http` bearer, `oauth2`, `openIdConnect`.
#[derive(Clone, Debug)]
pub struct JwtServerAuthHandler {
    validator: Arc<JwtValidator>,
}

impl JwtServerAuthHandler {
    /// With this validator, or a shared one.
    #[must_use]
    pub fn new(validator: impl Into<Arc<JwtValidator>>) -> Self {
        Self {
            validator: validator.into(),
        }
    }

    /// Whom the token of this request proves: `Authorization: Bearer T`, or `?token=T`.
    ///
    /// # Errors
    /// There is none, there are two that differ, or it is not valid now.
    pub async fn authenticate_connection(
        &self,
        request: &AuthRequest,
    ) -> Result<AuthResult, AuthError> {
        let credential = request
            .credential(Scheme::HttpBearer)?
            .ok_or(AuthError::Missing)?;
        let claims = self.authenticate(&credential).await?;
        Ok(AuthResult { claims })
    }
}

#[async_trait]
impl Authenticator for JwtServerAuthHandler {
    async fn authenticate(&self, credential: &Credential) -> Result<Claims, AuthError> {
        match credential {
            Credential::Token(token) => self.validator.validate_token(token),
            Credential::Key(_) | Credential::Password { .. } => Err(unfit()),
        }
    }
}

/// Names and passwords, by argon2id or bcrypt hashes: schemes `http` basic and `userPassword`.
/// An unknown name takes as long as a wrong password; two are computed at a time.
#[derive(Clone)]
pub struct BasicAuthHandler {
    users: Arc<HashMap<String, (PasswordHash, Claims)>>,
    places: Arc<Semaphore>,
}

impl BasicAuthHandler {
    /// With these users: claims, whose subject is the name, and the password's hash
    /// (`$argon2id$…`, `$2b$…`).
    #[must_use]
    pub fn new(users: impl IntoIterator<Item = (Claims, String)>) -> Self {
        let users = users
            .into_iter()
            .map(|(claims, hash)| (claims.subject().to_owned(), (PasswordHash(hash), claims)))
            .collect();
        Self {
            users: Arc::new(users),
            places: Arc::new(Semaphore::new(HASHES_AT_A_TIME)),
        }
    }
}

impl fmt::Debug for BasicAuthHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BasicAuthHandler")
    }
}

#[async_trait]
impl Authenticator for BasicAuthHandler {
    async fn authenticate(&self, credential: &Credential) -> Result<Claims, AuthError> {
        let Credential::Password { user, password } = credential else {
            return Err(unfit());
        };
        let wrong = || AuthError::Invalid("unknown name or wrong password".to_owned());
        let password = Password::new(password.clone()).ok_or_else(wrong)?;
        let known = self.users.get(user);
        let place = Arc::clone(&self.places).acquire_owned().await;
        let Ok(place) = place else {
            return Err(AuthError::Unavailable);
        };
        let job = PasswordJob::Verify {
            password,
            stored: known.map(|(hash, _)| hash.clone()),
            // Of use only for a new hash, which is not kept.
            salt: [0; 16],
        };
        let outcome = tokio::task::spawn_blocking(move || {
            let outcome = job.run();
            drop(place);
            outcome
        });
        match (outcome.await, known) {
            (Ok(PasswordOutcome::Right { .. }), Some((_, claims))) => Ok(claims.clone()),
            (Ok(PasswordOutcome::Failed) | Err(_), _) => Err(AuthError::Unavailable),
            (Ok(_), _) => Err(wrong()),
        }
    }
}

/// API keys: scheme `httpApiKey`. Keeps hashes of them only.
#[derive(Clone)]
pub struct ApiKeyAuthHandler {
    keys: Arc<HashMap<Vec<u8>, Claims>>,
}

impl ApiKeyAuthHandler {
    /// With these keys and what each stands for. Keys must be random: whoever guesses one has it.
    #[must_use]
    pub fn new<K: AsRef<str>>(keys: impl IntoIterator<Item = (K, Claims)>) -> Self {
        let keys = keys
            .into_iter()
            .map(|(key, claims)| (hash(key.as_ref()), claims))
            .collect();
        Self {
            keys: Arc::new(keys),
        }
    }
}

impl fmt::Debug for ApiKeyAuthHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeyAuthHandler")
    }
}

#[async_trait]
impl Authenticator for ApiKeyAuthHandler {
    async fn authenticate(&self, credential: &Credential) -> Result<Claims, AuthError> {
        let Credential::Key(key) = credential else {
            return Err(unfit());
        };
        self.keys
            .get(&hash(key))
            .cloned()
            .ok_or_else(|| AuthError::Invalid("unknown API key".to_owned()))
    }
}

fn hash(key: &str) -> Vec<u8> {
    digest(&SHA256, key.as_bytes()).as_ref().to_vec()
}

fn unfit() -> AuthError {
    AuthError::Invalid("a credential of another kind than the scheme's".to_owned())
}

const HASHES_AT_A_TIME: usize = 2;
