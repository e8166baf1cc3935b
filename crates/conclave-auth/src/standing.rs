//! Whether a token that verifies still counts: revocations, and what became of its user.

mod overlay;

use std::sync::Arc;

use conclave_protocol::{Grants, Principal, Timestamp, UserId};

use crate::revocation::RevocationIndex;
use crate::verifier::{TokenError, Verified};

pub use overlay::UserOverlay;

/// Revocations and changed users together.
#[derive(Clone, Debug)]
pub struct Standing {
    /// What is revoked.
    pub revocations: Arc<RevocationIndex>,
    /// What became of stored users.
    pub users: Arc<UserOverlay>,
}

/// How a principal stands.
#[derive(Clone, Debug)]
pub enum Stand {
    /// As its token says.
    Kept,
    /// The store has given its user other roles and permissions since the token was issued.
    Regranted(Arc<Grants>),
}

/// Who a token's holder is and what they may do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The user id.
    pub user: Option<UserId>,
    /// The display name.
    pub name: Option<Arc<str>>,
    /// The session, as clients call it.
    pub session: String,
    /// Roles, sorted.
    pub roles: Vec<String>,
    /// Permissions, those of the roles included, sorted.
    pub permissions: Vec<String>,
    /// When the token ends, leeway included.
    pub expires_at: Option<Timestamp>,
}

impl Standing {
    /// How a principal stands now; costs a few look-ups.
    ///
    /// # Errors
    /// [`TokenError::Revoked`].
    pub fn of(&self, principal: &Principal) -> Result<Stand, TokenError> {
        if self.revocations.is_revoked(principal) {
            return Err(TokenError::Revoked);
        }
        self.users.of(principal)
    }

    /// Lets a principal in, with its user's new grants where the store changed them.
    ///
    /// # Errors
    /// [`TokenError::Revoked`].
    pub fn admit(&self, mut principal: Principal) -> Result<Principal, TokenError> {
        if let Stand::Regranted(grants) = self.of(&principal)? {
            principal.grants = grants;
        }
        Ok(principal)
    }

    /// What `GET /auth/me` tells of a token's holder.
    ///
    /// # Errors
    /// [`TokenError::Revoked`].
    pub fn profile(&self, verified: &Verified) -> Result<Profile, TokenError> {
        let principal = &verified.principal;
        let claimed = || {
            verified
                .access
                .roles
                .iter()
                .map(|role| role.to_string())
                .collect()
        };
        let (roles, grants) = match self.of(principal)? {
            Stand::Kept => (claimed(), Arc::clone(&verified.access.grants)),
            Stand::Regranted(grants) => (
                self.users
                    .roles(principal)
                    .map_or_else(claimed, |roles| roles.to_vec()),
                grants,
            ),
        };
        Ok(Profile {
            user: principal.user.clone(),
            name: principal.name.clone(),
            session: principal.session.shown(),
            roles,
            permissions: grants.iter().map(str::to_owned).collect(),
            expires_at: principal.expires_at,
        })
    }

    /// Moves with each revocation and each change of a user: while it stands, what
    /// [`Standing::of`] said holds. Read it before the token is verified.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.revocations.epoch().wrapping_add(self.users.epoch())
    }
}
