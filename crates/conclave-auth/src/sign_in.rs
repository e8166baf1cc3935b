//! Signing in and what follows from it, over the ports. One caller's ask is one call; the
//! password hashes themselves are computed where [`Passwords`] says.

mod accounts;
mod refresh;
mod sessions;
mod sign_out;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use conclave_protocol::{FamilyId, Principal, Refusal, SessionId, Timestamp, UserId};

use crate::password::{Password, PasswordJob, PasswordOutcome};
use crate::random::{Random, bytes};
use crate::secret::hash_secret;
use crate::signer::{AccessClaims, Signer};
use crate::{
    PortError, RefreshFamilies, RefreshFamily, Revocation, Revocations, Sessions, Standing,
    StoredUser, Users, Verifier,
};

pub use sign_out::RevokeTarget;

/// Where password hashes are computed: a bounded pool in the server.
#[async_trait]
pub trait Passwords: Send + Sync {
    /// Does [`PasswordJob::run`] somewhere, or says at once that the queue is full.
    async fn run(&self, job: PasswordJob) -> Result<PasswordOutcome, PasswordsBusy>;
}

/// The pool's queue is full; the answer is 503, or 429.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords wait to be checked")]
pub struct PasswordsBusy;

/// The service behind `/token` and `/auth/*` (identity.md, "HTTP endpoints").
pub struct SignIn {
    parts: SignInParts,
    refresh_key: hmac::Key,
}

/// What [`SignIn`] is made of.
#[derive(Clone)]
pub struct SignInParts {
    /// Own users.
    pub users: Arc<dyn Users>,
    /// Refresh tokens.
    pub families: Arc<dyn RefreshFamilies>,
    /// Named sessions.
    pub sessions: Arc<dyn Sessions>,
    /// Durable revocations.
    pub revocations: Arc<dyn Revocations>,
    /// Where password hashes are computed.
    pub passwords: Arc<dyn Passwords>,
    /// Random bytes.
    pub random: Arc<dyn Random>,
    /// Signs own tokens.
    pub signer: Arc<Signer>,
    /// Verifies all tokens.
    pub verifier: Arc<Verifier>,
    /// What is revoked: learns at once what is revoked here.
    pub standing: Standing,
    /// Bounds and lives.
    pub policy: SignInPolicy,
}

/// Bounds and lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignInPolicy {
    /// How long a sign-in may be refreshed; default 30 days.
    pub refresh_life: Duration,
    /// How long the refresh token just used is accepted again; default 10 s.
    pub refresh_grace: Duration,
    /// Sign-ins of one user that can be refreshed; one more ends the oldest. Default 50.
    pub families_per_user: u32,
    /// Named sessions a user owns; default 100.
    pub sessions_per_user: u32,
    /// Users a session is shared with; default 100.
    pub shares_per_session: u32,
    /// How long tokens that backends sign with the own key live at most: as long a deleted or
    /// unshared session is remembered. Default 30 days.
    pub token_life_max: Duration,
    /// Bytes of a new password, at least; default 8.
    pub password_bytes_min: usize,
}

/// A wish to sign in.
#[derive(Debug)]
pub struct SignInRequest<'a> {
    /// The user's name, as typed.
    pub name: &'a str,
    /// The password; `None` where it is empty or too long, which is as wrong as any.
    pub password: Option<Password>,
    /// The session asked for (`session_id`).
    pub session: Option<&'a str>,
    /// How long the access tokens live, in whole seconds.
    pub access_life: Duration,
}

/// Tokens for a user that signed in or refreshed.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// The access token.
    pub access_token: String,
    /// How long it lives.
    pub access_life: Duration,
    /// The refresh token: a random value, no JWT.
    pub refresh_token: String,
    /// When refreshing ends.
    pub refresh_until: Timestamp,
    /// Whose.
    pub user: UserId,
    /// The session the tokens are for.
    pub session: SessionId,
    /// The sign-in.
    pub family: FamilyId,
}

/// Why the service said no.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The input is not what is taken.
    #[error("{0}")]
    BadRequest(&'static str),
    /// Too many passwords wait to be checked.
    #[error(transparent)]
    Busy(#[from] PasswordsBusy),
    /// Somebody else changed it at the same time.
    #[error("it was changed by somebody else")]
    Conflict,
    /// Not theirs, or not the password.
    #[error("not allowed")]
    Forbidden,
    /// A hash or signature could not be computed.
    #[error("the cryptography failed")]
    Internal,
    /// It does not exist, or is not theirs.
    #[error("it does not exist")]
    NotFound,
    /// A refresh token was used twice: its family is revoked, and the revocation is for the
    /// live connections.
    #[error("the refresh token was used before")]
    Reused(Box<Revocation>),
    /// A bound is reached.
    #[error("the bound of {0} is reached")]
    TooMany(u32),
    /// No such user, a wrong password, a disabled user, or a token that counts no more; clients
    /// cannot tell which.
    #[error("not signed in")]
    Unauthenticated,
    /// The store is away.
    #[error("the store is unavailable")]
    Unavailable(#[source] Box<PortError>),
}

impl SignInError {
    /// What goes on the wire.
    #[must_use]
    pub const fn refusal(&self) -> Refusal {
        match self {
            Self::BadRequest(_) => Refusal::BadRequest,
            Self::Busy(_) | Self::Unavailable(_) => Refusal::Unavailable,
            Self::Conflict => Refusal::Conflict,
            Self::Forbidden => Refusal::Forbidden,
            Self::Internal => Refusal::Internal,
            Self::NotFound => Refusal::NotFound,
            Self::Reused(_) | Self::Unauthenticated => Refusal::Unauthenticated,
            Self::TooMany(_) => Refusal::TooLarge,
        }
    }
}

impl From<PortError> for SignInError {
    fn from(error: PortError) -> Self {
        match error {
            PortError::Conflict => Self::Conflict,
            PortError::Full(limit) => Self::TooMany(limit),
            PortError::NotFound => Self::NotFound,
            error @ PortError::Unavailable(_) => Self::Unavailable(Box::new(error)),
        }
    }
}

impl SignIn {
    /// The service over these parts. `refresh_key` makes the successors of refresh tokens; where
    /// it is kept over a restart, a refresh repeated across it still yields the same successor.
    #[must_use]
    pub fn new(parts: SignInParts, refresh_key: &[u8; 32]) -> Self {
        Self {
            parts,
            refresh_key: hmac::Key::new(hmac::HMAC_SHA256, refresh_key),
        }
    }

    /// Signs a user in: `POST /token`, `POST /auth/token`. A name nobody has costs the time of a
    /// wrong password; a bcrypt hash is replaced by argon2id on the way.
    ///
    /// # Errors
    /// `Unauthenticated`; `Forbidden` for a session of another user; `TooMany` named sessions;
    /// `BadRequest` for a session name that is none; `Busy`, `Unavailable`, `Internal`.
    pub async fn sign_in(
        &self,
        request: SignInRequest<'_>,
        now: Timestamp,
    ) -> Result<SignedIn, SignInError> {
        let password = request.password.ok_or(SignInError::Unauthenticated)?;
        let user = self.user_with_password(request.name, password).await?;
        let (session, sid) = self
            .resolve_session(&user.name, request.session, now)
            .await?;
        let id = self.user_id(&user.name)?;
        let at = self.parts.standing.revocations.issue_at(&id, &session, now);
        let family = RefreshFamily {
            id: FamilyId(bytes(&*self.parts.random)),
            user: user.name.clone(),
            session: sid,
            expires_at: at.plus(self.parts.policy.refresh_life),
            access_seconds: u32::try_from(request.access_life.as_secs()).unwrap_or(u32::MAX),
        };
        let refresh_token = refresh::first_token(at, &*self.parts.random);
        let limit = self.parts.policy.families_per_user;
        self.parts
            .families
            .start(&family, hash_secret(&refresh_token), at, limit)
            .await?;
        self.tokens(&user, &family, refresh_token, at)
    }

    /// The user of that name, if it is the password and the user may sign in.
    async fn user_with_password(
        &self,
        name: &str,
        password: Password,
    ) -> Result<StoredUser, SignInError> {
        let user = match UserId::new(name) {
            Ok(name) => self.parts.users.find(&name).await?,
            Err(_) => None,
        };
        let stored = user.as_ref().map(|user| user.password_hash.clone());
        let salt = bytes(&*self.parts.random);
        let job = PasswordJob::Verify {
            password,
            stored: stored.clone(),
            salt,
        };
        let outcome = self.parts.passwords.run(job).await?;
        let (Some(mut user), Some(stored), PasswordOutcome::Right { rehashed }) =
            (user, stored, outcome)
        else {
            return Err(SignInError::Unauthenticated);
        };
        if user.disabled {
            return Err(SignInError::Unauthenticated);
        }
        if let Some(new) = rehashed {
            // Where the password changed at the same time or the store is away, the next sign-in
            // does it.
            let replaced = self
                .parts
                .users
                .set_password_hash(&user.name, &stored, &new)
                .await;
            if replaced.is_ok() {
                user.password_hash = new;
            }
        }
        Ok(user)
    }

    /// The tokens of a sign-in whose refresh token is stored.
    fn tokens(
        &self,
        user: &StoredUser,
        family: &RefreshFamily,
        refresh_token: String,
        at: Timestamp,
    ) -> Result<SignedIn, SignInError> {
        let id = self.user_id(&user.name)?;
        let session = self.session_of(&user.name, family.session.as_ref())?;
        let access_life = Duration::from_secs(u64::from(family.access_seconds));
        let claims = AccessClaims {
            sub: user.name.as_str(),
            sid: family.session.as_ref().map(|name| name.as_str()),
            name: None,
            roles: &user.roles,
            permissions: &user.permissions,
            issued_at: at,
            life: access_life,
            id: bytes(&*self.parts.random),
            family: Some(family.id),
        };
        let access_token = self
            .parts
            .signer
            .sign(&claims)
            .map_err(|_fault| SignInError::Internal)?;
        Ok(SignedIn {
            access_token,
            access_life,
            refresh_token,
            refresh_until: family.expires_at,
            user: id,
            session,
            family: family.id,
        })
    }

    /// The user id of an own user.
    fn user_id(&self, name: &UserId) -> Result<UserId, SignInError> {
        let prefix = self.own_prefix();
        if prefix.is_empty() {
            return Ok(name.clone());
        }
        UserId::new(&[prefix, name.as_str()].concat())
            .map_err(|_long| SignInError::BadRequest("the user id is too long"))
    }

    /// The name under which the user of a principal is or would be stored; `Forbidden` for users
    /// of other issuers.
    fn own_name(&self, principal: &Principal) -> Result<UserId, SignInError> {
        if principal.session.issuer.0 != 0 {
            return Err(SignInError::Forbidden);
        }
        let user = principal.user.as_ref().ok_or(SignInError::Forbidden)?;
        self.stored_name(user).ok_or(SignInError::Forbidden)
    }

    /// The name under which the own user with this id is stored.
    fn stored_name(&self, id: &UserId) -> Option<UserId> {
        let prefix = self.own_prefix();
        if prefix.is_empty() {
            return Some(id.clone());
        }
        UserId::new(id.as_str().strip_prefix(prefix)?).ok()
    }

    fn own_prefix(&self) -> &str {
        self.parts
            .verifier
            .issuers()
            .next()
            .map_or("", |own| &own.user_prefix)
    }
}

impl Default for SignInPolicy {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self {
            refresh_life: DAY * 30,
            refresh_grace: Duration::from_secs(10),
            families_per_user: 50,
            sessions_per_user: 100,
            shares_per_session: 100,
            token_life_max: DAY * 30,
            password_bytes_min: 8,
        }
    }
}

impl std::fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedIn")
            .field("user", &self.user)
            .field("session", &self.session)
            .field("family", &self.family)
            .finish_non_exhaustive()
    }
}

/// A secret as it is shown.
fn shown(secret: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(secret)
}
