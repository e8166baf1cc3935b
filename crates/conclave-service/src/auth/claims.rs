//! Who a credential proves, and what it allows.

use std::sync::Arc;

use conclave_auth::{Access, Verified};
use conclave_protocol::{Grants, Permission, Principal, Timestamp};

/// What a credential says of its holder. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Claims {
    subject: Arc<str>,
    name: Option<Arc<str>>,
    issued_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
    roles: Arc<[Box<str>]>,
    scopes: Arc<[Box<str>]>,
    grants: Arc<Grants>,
    reading: Reading,
}

/// How permissions are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// Each stands for itself alone.
    Exact,
    /// As Conclave's own dialects read them: `admin` covers everything, `conversation.write` is
    /// another name of `chat:send` (identity.md, "Permissions").
    Conclave,
}

impl Claims {
    /// Claims of a user with nothing granted, that never end.
    #[must_use]
    pub fn new(subject: impl Into<Arc<str>>) -> Self {
        Self {
            subject: subject.into(),
            name: None,
            issued_at: None,
            expires_at: None,
            roles: Arc::default(),
            scopes: Arc::default(),
            grants: Arc::default(),
            reading: Reading::Exact,
        }
    }

    /// Claims of a token that was verified, each permission standing for itself alone.
    pub(crate) fn verified(verified: &Verified) -> Option<Self> {
        let principal = &verified.principal;
        Some(Self {
            name: principal.name.clone(),
            issued_at: principal.issued_at,
            expires_at: principal.expires_at,
            roles: verified.access.roles.as_ref().into(),
            scopes: verified.access.scopes.as_ref().into(),
            grants: Arc::clone(&principal.grants),
            ..Self::new(principal.user.as_ref()?.as_str())
        })
    }

    /// Claims of somebody whom Conclave proved, read as its own dialects read them; `None` for
    /// the anonymous. `access` is what the token carried, where that is known.
    #[must_use]
    pub fn of_principal(principal: &Principal, access: Option<&Access>) -> Option<Self> {
        let names =
            |list: Option<&Box<[Box<str>]>>| list.map_or(Arc::default(), |list| Arc::from(&**list));
        Some(Self {
            name: principal.name.clone(),
            issued_at: principal.issued_at,
            expires_at: principal.expires_at,
            roles: names(access.map(|access| &access.roles)),
            scopes: names(access.map(|access| &access.scopes)),
            grants: Arc::clone(&principal.grants),
            reading: Reading::Conclave,
            ..Self::new(principal.user.as_ref()?.as_str())
        })
    }

    /// The same with these permissions in place of its own.
    #[must_use]
    pub fn with_permissions<T: AsRef<str>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.grants = Arc::new(Grants::new(names));
        self
    }

    /// The same with these roles in place of its own.
    #[must_use]
    pub fn with_roles<T: AsRef<str>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.roles = boxed(names);
        self
    }

    /// The same with these scopes in place of its own.
    #[must_use]
    pub fn with_scopes<T: AsRef<str>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.scopes = boxed(names);
        self
    }

    /// The same with this display name.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The same, ending then.
    #[must_use]
    pub const fn ending(mut self, at: Timestamp) -> Self {
        self.expires_at = Some(at);
        self
    }

    /// The user: the token's `sub`.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The display name.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// When it was issued, where it says so.
    #[must_use]
    pub const fn issued_at(&self) -> Option<Timestamp> {
        self.issued_at
    }

    /// When it ends, leeway included; `None` where it does not.
    #[must_use]
    pub const fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// Whether it has this role.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|own| **own == *role)
    }

    /// Whether it has this scope.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|own| **own == *scope)
    }

    /// Whether it has this permission, itself or by a role that was given permissions. A scope is
    /// no permission.
    #[must_use]
    pub fn has_permission(&self, permission: &str) -> bool {
        match self.reading {
            Reading::Exact => self.grants.iter().any(|own| own == permission),
            Reading::Conclave if permission == Permission::ChatSend.name() => {
                self.grants.allow(Permission::ChatSend, "")
            }
            Reading::Conclave => self.grants.allow_named(permission, ""),
        }
    }

    /// Its roles.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.roles.iter().map(AsRef::as_ref)
    }

    /// Its scopes.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scopes.iter().map(AsRef::as_ref)
    }

    /// Its permissions, sorted.
    pub fn permissions(&self) -> impl Iterator<Item = &str> {
        self.grants.iter()
    }
}

fn boxed<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> Arc<[Box<str>]> {
    names
        .into_iter()
        .map(|name| Box::from(name.as_ref()))
        .collect()
}
