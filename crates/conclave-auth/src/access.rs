//! What tokens say their holders may do, shared by all tokens that say the same.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use conclave_protocol::Grants;
use parking_lot::Mutex;

use crate::issuer::Issuer;
use crate::roles::Roles;

/// Roles and scopes that count, and the permissions that follow.
#[derive(Debug)]
pub struct Access {
    /// Roles, as the token or the issuer's defaults name them; those that are not allowed are
    /// left out.
    pub roles: Box<[Box<str>]>,
    /// Scopes, all of them.
    pub scopes: Box<[Box<str>]>,
    /// Permissions.
    pub grants: Arc<Grants>,
}

/// The lists of one token; `None` where it has no such claim.
#[derive(Debug)]
pub(crate) struct Carried<'a> {
    pub(crate) roles: Option<Vec<&'a str>>,
    pub(crate) permissions: Option<Vec<&'a str>>,
    pub(crate) scopes: Vec<&'a str>,
}

impl Carried<'_> {
    fn access(&self, issuer: &Issuer, table: &Roles) -> Access {
        let allowance = &issuer.allowance;
        let (mut roles, mut permissions): (Vec<&str>, Vec<&str>) =
            if self.roles.is_none() && self.permissions.is_none() {
                (
                    issuer.default_roles.iter().map(String::as_str).collect(),
                    issuer
                        .default_permissions
                        .iter()
                        .map(String::as_str)
                        .collect(),
                )
            } else {
                let mut roles = self.roles.clone().unwrap_or_default();
                roles.retain(|role| allowance.allows_role(role));
                let mut permissions = self.permissions.clone().unwrap_or_default();
                permissions.retain(|permission| allowance.allows_permission(permission));
                (roles, permissions)
            };
        if issuer.scopes_as_permissions {
            let scopes = self.scopes.iter().copied();
            permissions.extend(scopes.filter(|scope| allowance.allows_permission(scope)));
        }
        roles.sort_unstable();
        roles.dedup();
        Access {
            grants: Arc::new(table.grants(&roles, &permissions)),
            roles: roles.into_iter().map(Box::from).collect(),
            scopes: self.scopes.iter().copied().map(Box::from).collect(),
        }
    }

    /// The same bytes for the same lists of the same issuer, and for no others.
    fn write_key(&self, issuer: &Issuer) -> Vec<u8> {
        let mut key = Vec::with_capacity(128);
        key.extend(issuer.id.0.to_le_bytes());
        let lists = [
            self.roles.as_deref(),
            self.permissions.as_deref(),
            Some(&*self.scopes),
        ];
        for list in lists {
            let Some(list) = list else {
                key.extend(u32::MAX.to_le_bytes());
                continue;
            };
            // Lengths fit: a token has at most 8 KiB.
            key.extend(u32::try_from(list.len()).unwrap_or_default().to_le_bytes());
            for text in list {
                key.extend(u32::try_from(text.len()).unwrap_or_default().to_le_bytes());
                key.extend(text.as_bytes());
            }
        }
        key
    }
}

struct Recent {
    key: Box<[u8]>,
    access: Arc<Access>,
}

/// Recently seen lists and what follows from them, so that tokens that say the same share one
/// [`Access`]. Holds 512 at most; a newcomer takes the place of whoever had its slot.
pub(crate) struct RecentAccess {
    hasher: RandomState,
    slots: Mutex<Box<[Option<Recent>]>>,
}

impl RecentAccess {
    pub(crate) fn new() -> Self {
        let slots = std::iter::repeat_with(|| None).take(SLOTS).collect();
        Self {
            hasher: RandomState::new(),
            slots: Mutex::new(slots),
        }
    }

    pub(crate) fn of(&self, carried: &Carried<'_>, issuer: &Issuer, roles: &Roles) -> Arc<Access> {
        let key = carried.write_key(issuer);
        let place = self.hasher.hash_one(&key) % SLOTS_U64;
        let place = usize::try_from(place).unwrap_or_default();
        if let Some(Some(recent)) = self.slots.lock().get(place)
            && *recent.key == *key
        {
            return Arc::clone(&recent.access);
        }
        let access = Arc::new(carried.access(issuer, roles));
        if let Some(slot) = self.slots.lock().get_mut(place) {
            *slot = Some(Recent {
                key: key.into(),
                access: Arc::clone(&access),
            });
        }
        access
    }
}

const SLOTS: usize = 512;
const SLOTS_U64: u64 = 512;
