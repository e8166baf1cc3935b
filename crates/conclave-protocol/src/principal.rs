//! Who a credential proves.

use std::fmt;
use std::sync::Arc;

use crate::{Grants, SessionName, Timestamp, UserId};

/// Index of an issuer in the configuration; 0 is the own one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IssuerId(pub u16);

/// How a session came about. Equal names of different kinds are different sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SessionKind {
    /// Of a connection without a token (only where anonymity is allowed).
    Anonymous,
    /// The one every user has; named after the user, shown as `session-{sub}`.
    Default,
    /// Named by the token's `sid`.
    Named,
}

/// The isolation boundary a token names (identity.md, "Users and sessions").
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SessionId {
    /// How it came about.
    pub kind: SessionKind,
    /// Who issued the token that names it.
    pub issuer: IssuerId,
    /// For [`SessionKind::Default`] the user id, else the name as claimed.
    pub name: SessionName,
}

impl SessionId {
    /// The name that clients use for this session: `session-{sub}` for the default one.
    #[must_use]
    pub fn shown(&self) -> String {
        match self.kind {
            SessionKind::Default => format!("session-{}", self.name),
            SessionKind::Anonymous | SessionKind::Named => self.name.as_str().to_owned(),
        }
    }

    /// Whether `text` is what clients call this session; no allocation.
    #[must_use]
    pub fn is_shown_as(&self, text: &str) -> bool {
        match self.kind {
            SessionKind::Default => text.strip_prefix("session-") == Some(self.name.as_str()),
            SessionKind::Anonymous | SessionKind::Named => text == self.name.as_str(),
        }
    }
}

/// One access token: the first 16 bytes of SHA-256 over issuer and `jti`, or over the whole
/// token where it has no `jti`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenId(pub [u8; 16]);

/// All tokens that descend from one sign-in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FamilyId(pub [u8; 16]);

fn hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl fmt::Debug for FamilyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

/// Who is at the other end of a connection or request. Cheap to share, never changed in place:
/// a renewal replaces it whole.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The user; `None` where anonymous.
    pub user: Option<UserId>,
    /// The isolation boundary.
    pub session: SessionId,
    /// Whether the token itself named the session (`sid`).
    pub session_named_by_token: bool,
    /// The display name the token carries.
    pub name: Option<Arc<str>>,
    /// What the holder may do.
    pub grants: Arc<Grants>,
    /// The token, for revocation; `None` where anonymous.
    pub token: Option<TokenId>,
    /// The sign-in the token descends from, where it is ours.
    pub family: Option<FamilyId>,
    /// When the token was issued, where it says so.
    pub issued_at: Option<Timestamp>,
    /// When the token ends, leeway included; `None` where anonymous.
    pub expires_at: Option<Timestamp>,
}
