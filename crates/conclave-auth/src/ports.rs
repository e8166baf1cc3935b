//! What this crate asks of durable state. `conclave-store` implements these on `SQLite`;
//! `conclave-testkit` holds the conformance suites that every implementation passes.

mod api_keys;
mod blacklist;
mod idempotency;

use async_trait::async_trait;
use conclave_protocol::{FamilyId, SessionId, SessionName, Timestamp, TokenId, UserId};

pub use api_keys::{ApiKey, ApiKeyId, ApiKeyName, ApiKeys};
pub use blacklist::TokenBlacklist;
pub use idempotency::{Begun, CallId, Idempotency, STORED_ANSWER_BYTES_MAX, StoredAnswer};

/// Why durable state did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// It exists already.
    #[error("it exists already")]
    Conflict,
    /// It does not exist.
    #[error("it does not exist")]
    NotFound,
    /// A bound is reached.
    #[error("the bound of {0} is reached")]
    Full(u32),
    /// The store is away or broken.
    #[error("the store is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A user of the own issuer, as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredUser {
    /// The name, which is also the token's `sub`.
    pub name: UserId,
    /// A PHC string (argon2id) or a bcrypt hash.
    pub password_hash: PasswordHash,
    /// Names of roles, sorted.
    pub roles: Vec<String>,
    /// Permissions given directly, sorted.
    pub permissions: Vec<String>,
    /// Whether sign-in and tokens are refused.
    pub disabled: bool,
}

/// A password hash; its Debug shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub String);

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

/// What became of a stored user, in the order of `revision`. A reader that applies all changes
/// after the last revision it saw knows the present state of every changed user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserChange {
    /// Grows with every change in the store.
    pub revision: u64,
    /// When it changed.
    pub at: Timestamp,
    /// The user's name.
    pub name: UserId,
    /// The state after the change.
    pub state: UserState,
}

/// The state of a changed user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserState {
    /// Signs in; has these roles and permissions.
    Active {
        /// Names of roles.
        roles: Vec<String>,
        /// Permissions given directly.
        permissions: Vec<String>,
    },
    /// Deleted.
    Deleted,
    /// Refused.
    Disabled,
}

/// The users of the own issuer.
#[async_trait]
pub trait Users: Send + Sync {
    /// Adds a user. `Conflict` where the name is taken. A name that was deleted may be added
    /// again; tokens from before the deletion stay refused (the change feed says Active with a
    /// later `at`).
    async fn add(&self, user: &StoredUser, at: Timestamp) -> Result<(), PortError>;
    /// The user of that name.
    async fn find(&self, name: &UserId) -> Result<Option<StoredUser>, PortError>;
    /// Users by name, after `after`, at most `limit`.
    async fn list(&self, after: Option<&UserId>, limit: u32) -> Result<Vec<StoredUser>, PortError>;
    /// Replaces the password hash if it still is `expected`; `NotFound` for no such user,
    /// `Conflict` if the hash is another by now. Not a change in the feed.
    async fn set_password_hash(
        &self,
        name: &UserId,
        expected: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<(), PortError>;
    /// Replaces roles and permissions.
    async fn set_grants(
        &self,
        name: &UserId,
        roles: &[String],
        permissions: &[String],
        at: Timestamp,
    ) -> Result<(), PortError>;
    /// Disables or enables.
    async fn set_disabled(
        &self,
        name: &UserId,
        disabled: bool,
        at: Timestamp,
    ) -> Result<(), PortError>;
    /// Deletes; the name stays known as deleted in the change feed.
    async fn remove(&self, name: &UserId, at: Timestamp) -> Result<(), PortError>;
    /// Changes of grants, disabled flag or existence after `revision`, oldest first, at most
    /// `limit`; one entry per user, its latest. A user that was added and never changed since is
    /// in the feed too.
    async fn changes(&self, revision: u64, limit: u32) -> Result<Vec<UserChange>, PortError>;
}

/// One sign-in and the refresh tokens that descend from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshFamily {
    /// Its id.
    pub id: FamilyId,
    /// Whose.
    pub user: UserId,
    /// The named session the sign-in asked for; `None` is the default one.
    pub session: Option<SessionName>,
    /// When its tokens end.
    pub expires_at: Timestamp,
    /// How long the access tokens made from it live, in seconds (`/token` and `/auth/token`
    /// differ).
    pub access_seconds: u32,
}

/// SHA-256 of what is never stored itself: a random secret (refresh token, ticket, API key), or
/// a repeatable call and its body.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretHash(pub [u8; 32]);

impl SecretHash {
    /// Of a secret as it is shown.
    #[must_use]
    pub fn of(shown: &str) -> Self {
        crate::secret::hash_secret(shown)
    }

    /// 64 digits.
    #[must_use]
    pub fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl std::fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

/// What became of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// The token was current: its successor is now.
    Rotated(RefreshFamily),
    /// The token was used less than the grace time ago, and its successor is still current or
    /// was itself never used: the same successor stands.
    Repeated(RefreshFamily),
    /// The token was used before: the family is now revoked (a stolen token).
    Reused(RefreshFamily),
    /// No such token, or its family is expired or revoked.
    Unknown,
}

/// Refresh tokens by hash.
#[async_trait]
pub trait RefreshFamilies: Send + Sync {
    /// Starts a family with its first token. A user has at most `limit` live families: the
    /// oldest beyond that are revoked in the same transaction.
    async fn start(
        &self,
        family: &RefreshFamily,
        token: SecretHash,
        at: Timestamp,
        limit: u32,
    ) -> Result<(), PortError>;
    /// Replaces `token` by `successor` in one transaction. `grace` is how long the replaced
    /// token may be shown again.
    async fn rotate(
        &self,
        token: SecretHash,
        successor: SecretHash,
        at: Timestamp,
        grace: std::time::Duration,
    ) -> Result<Rotation, PortError>;
    /// Revokes one family; unknown ones are no error.
    async fn revoke_family(&self, family: FamilyId) -> Result<(), PortError>;
    /// Revokes all families of a user.
    async fn revoke_user(&self, user: &UserId) -> Result<(), PortError>;
    /// Revokes a user's families for one named session.
    async fn revoke_session(&self, user: &UserId, session: &SessionName) -> Result<(), PortError>;
    /// Forgets families that ended before `at`.
    async fn purge(&self, at: Timestamp) -> Result<(), PortError>;
}

/// What is revoked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Revoked {
    /// All access tokens of one sign-in.
    Family(FamilyId),
    /// Every token for a session issued at or before `at`, or without `iat`.
    Session {
        /// The session.
        session: SessionId,
        /// Only of this user, where given (unsharing).
        user: Option<UserId>,
        /// The moment.
        at: Timestamp,
    },
    /// One token.
    Token(TokenId),
    /// Every token of a user issued at or before `at`, or without `iat`.
    User {
        /// The user.
        user: UserId,
        /// The moment.
        at: Timestamp,
    },
}

/// A stored revocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// What.
    pub revoked: Revoked,
    /// When it may be forgotten, because no token it covers can be valid any more; `None` never.
    pub until: Option<Timestamp>,
}

/// Revocations, durable and in order.
#[async_trait]
pub trait Revocations: Send + Sync {
    /// Stores a revocation; returns its sequence number. Storing the same twice is no error (a
    /// later moment for the same user or session replaces the earlier and takes a new number).
    async fn revoke(&self, revocation: &Revocation) -> Result<u64, PortError>;
    /// Revocations after `sequence`, oldest first, at most `limit`.
    async fn after(&self, sequence: u64, limit: u32) -> Result<Vec<(u64, Revocation)>, PortError>;
    /// Forgets those whose `until` is before `at`.
    async fn purge(&self, at: Timestamp) -> Result<(), PortError>;
}

/// How a user stands to a named session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionStanding {
    /// Theirs.
    Owner,
    /// Shared with them by its owner.
    Shared,
    /// Somebody else's.
    Stranger,
}

/// A named session, as its owner lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnedSession {
    /// Its name.
    pub name: SessionName,
    /// When it was claimed.
    pub created_at: Timestamp,
    /// Users it is shared with, sorted.
    pub shared_with: Vec<UserId>,
}

/// Named sessions of the own issuer (identity.md, "Users and sessions").
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Claims a name for a user if it is free (`Full(limit)` where the user already owns
    /// `limit`), and says how the user stands to it afterwards.
    async fn claim(
        &self,
        name: &SessionName,
        user: &UserId,
        at: Timestamp,
        limit: u32,
    ) -> Result<SessionStanding, PortError>;
    /// Sessions the user owns, by name.
    async fn owned(&self, user: &UserId) -> Result<Vec<OwnedSession>, PortError>;
    /// Deletes a session of this owner and its shares; `NotFound` where it is not theirs.
    async fn delete(&self, name: &SessionName, owner: &UserId) -> Result<(), PortError>;
    /// Shares with a user, at most `limit` of them; `NotFound` where it is not theirs.
    async fn share(
        &self,
        name: &SessionName,
        owner: &UserId,
        with: &UserId,
        limit: u32,
    ) -> Result<(), PortError>;
    /// Takes a share back; `NotFound` where there is none or the session is not theirs.
    async fn unshare(
        &self,
        name: &SessionName,
        owner: &UserId,
        with: &UserId,
    ) -> Result<(), PortError>;
}
