//! Stored users that changed, against the tokens from before the change.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use conclave_protocol::{Grants, IssuerId, Principal, Timestamp};
use parking_lot::RwLock;

use super::Stand;
use crate::roles::Roles;
use crate::verifier::TokenError;
use crate::{UserChange, UserState};

/// The present state of every stored user, from the change feed of [`crate::Users`]; holds one
/// entry for each user that ever was stored. It speaks of the own issuer's tokens only.
#[derive(Debug)]
pub struct UserOverlay {
    prefix: String,
    roles: Arc<Roles>,
    users: RwLock<HashMap<Box<str>, Known>>,
    epoch: AtomicU64,
    revision: AtomicU64,
}

#[derive(Debug)]
struct Known {
    at: Timestamp,
    state: State,
}

#[derive(Debug)]
enum State {
    Active {
        roles: Arc<[String]>,
        grants: Arc<Grants>,
    },
    Refused,
}

impl UserOverlay {
    /// An overlay that knows nobody yet; `prefix` is the own issuer's `user_prefix`.
    #[must_use]
    pub fn new(prefix: &str, roles: Arc<Roles>) -> Self {
        Self {
            prefix: prefix.to_owned(),
            roles,
            users: RwLock::default(),
            epoch: AtomicU64::new(0),
            revision: AtomicU64::new(0),
        }
    }

    /// Takes a change as the feed tells it, in the feed's order.
    pub fn apply(&self, change: &UserChange) {
        let state = match &change.state {
            UserState::Active { roles, permissions } => State::Active {
                roles: roles.as_slice().into(),
                grants: Arc::new(self.roles.grants(roles, permissions)),
            },
            UserState::Deleted | UserState::Disabled => State::Refused,
        };
        let known = Known {
            at: change.at,
            state,
        };
        self.users
            .write()
            .insert(change.name.as_str().into(), known);
        self.revision.fetch_max(change.revision, Ordering::AcqRel);
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    /// The last revision that was applied: where the next reading of the feed goes on.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision.load(Ordering::Acquire)
    }

    /// Moves with each change.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// How a principal stands as to its user: refused where the user is disabled or deleted;
    /// with the stored grants where they changed when the token was issued or later, or where
    /// it does not say when that was; else as it is. Users that were never stored are let in.
    ///
    /// # Errors
    /// [`TokenError::Revoked`].
    pub fn of(&self, principal: &Principal) -> Result<Stand, TokenError> {
        let users = self.users.read();
        let known = self.name(principal).and_then(|name| users.get(name));
        match known {
            None => Ok(Stand::Kept),
            Some(Known {
                state: State::Refused,
                ..
            }) => Err(TokenError::Revoked),
            Some(Known { at, .. }) if principal.issued_at.is_some_and(|issued| issued > *at) => {
                Ok(Stand::Kept)
            }
            Some(Known {
                state: State::Active { grants, .. },
                ..
            }) => Ok(Stand::Regranted(Arc::clone(grants))),
        }
    }

    /// The stored roles of a principal's user, where it is stored.
    #[must_use]
    pub fn roles(&self, principal: &Principal) -> Option<Arc<[String]>> {
        let users = self.users.read();
        match &users.get(self.name(principal)?)?.state {
            State::Active { roles, .. } => Some(Arc::clone(roles)),
            State::Refused => None,
        }
    }

    /// The name under which a principal's user would be stored.
    fn name<'a>(&self, principal: &'a Principal) -> Option<&'a str> {
        if principal.session.issuer != IssuerId(0) {
            return None;
        }
        principal.user.as_ref()?.as_str().strip_prefix(&self.prefix)
    }
}
