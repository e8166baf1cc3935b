//! Who may issue tokens, and what of their tokens counts.

use std::time::Duration;

use conclave_protocol::IssuerId;

use crate::jwks::KeySet;
use crate::key::Key;

/// One issuer of tokens, as configured.
#[derive(Debug)]
pub struct Issuer {
    /// Its place in the configuration; 0 is the own one.
    pub id: IssuerId,
    /// The `iss` of its tokens, compared exactly; `None` only for the own one, whose tokens then
    /// need none.
    pub iss: Option<String>,
    /// Accepted `aud`, compared exactly, one is enough; empty: not looked at.
    pub aud: Vec<String>,
    /// How far clocks may differ, at most 60 s.
    pub leeway: Duration,
    /// Its keys at the start; [`crate::Verifier::replace_keys`] replaces them.
    pub keys: KeySet,
    /// Whether the keys come from a URL, so that unknown ones are worth a question.
    pub keys_by_url: bool,
    /// What precedes `sub` in user ids.
    pub user_prefix: String,
    /// Whether it speaks of the same users as another issuer with the same prefix, which must
    /// say so too.
    pub shared_users: bool,
    /// Which claims are read.
    pub claims: ClaimNames,
    /// Roles of tokens that carry neither roles nor permissions.
    pub default_roles: Vec<String>,
    /// Permissions of tokens that carry neither roles nor permissions.
    pub default_permissions: Vec<String>,
    /// Which claimed roles and permissions count.
    pub allowance: Allowance,
    /// Accepted `azp`, which tokens then must have, unless an empty text is among them; empty:
    /// not looked at.
    pub azp: Vec<String>,
    /// Whether a token whose `sts` is `pending` is refused.
    pub refuses_pending: bool,
    /// Whether scopes count as permissions.
    pub scopes_as_permissions: bool,
}

/// Which claims are read; of a list, the first that a token has. An empty name is never there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimNames {
    /// The user.
    pub user: String,
    /// The session.
    pub session: String,
    /// The display name.
    pub name: Vec<String>,
    /// Roles: a list, or one role as a text.
    pub roles: Vec<String>,
    /// Permissions: a list.
    pub permissions: Vec<String>,
    /// Scopes: a list, or a text separated by spaces.
    pub scopes: Vec<String>,
}

/// Which of the roles and permissions that a token claims count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowance {
    /// All: for the own issuer.
    Everything,
    /// Only these: for the others. A permission allowed without a pattern allows its patterns.
    Listed {
        /// Roles.
        roles: Vec<String>,
        /// Permissions.
        permissions: Vec<String>,
    },
}

/// Why issuers cannot work together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssuerFault {
    /// Ids are not 0, 1, 2, …
    #[error("issuer {} is out of order", .0.0)]
    Disordered(IssuerId),
    /// More than 60 s.
    #[error("issuer {}: the leeway is over 60 s", .0.0)]
    Leeway(IssuerId),
    /// Two have the same `iss`, or one besides the own has none.
    #[error("issuer {}: `iss` is missing or another's", .0.0)]
    Name(IssuerId),
    /// There is none.
    #[error("there is no issuer")]
    None,
    /// Two have the same `user_prefix` and do not both share their users.
    #[error("issuers {} and {} have the same user prefix", .0.0, .1.0)]
    Prefix(IssuerId, IssuerId),
}

impl Issuer {
    /// The own issuer with these keys: no `iss`, no `aud`, 5 s leeway, and the role `user` for
    /// tokens that carry none.
    #[must_use]
    pub fn own(keys: Vec<Key>) -> Self {
        Self {
            id: IssuerId(0),
            iss: None,
            aud: Vec::new(),
            leeway: Duration::from_secs(5),
            keys: KeySet {
                keys,
                valid_until: None,
            },
            keys_by_url: false,
            user_prefix: String::new(),
            shared_users: false,
            claims: ClaimNames::default(),
            default_roles: vec!["user".to_owned()],
            default_permissions: Vec::new(),
            allowance: Allowance::Everything,
            azp: Vec::new(),
            refuses_pending: false,
            scopes_as_permissions: false,
        }
    }

    /// Another issuer: as the own one, but only the role `user` may be claimed.
    #[must_use]
    pub fn external(id: IssuerId, iss: &str, keys: Vec<Key>) -> Self {
        Self {
            id,
            iss: Some(iss.to_owned()),
            user_prefix: format!("{iss}|"),
            allowance: Allowance::Listed {
                roles: vec!["user".to_owned()],
                permissions: Vec::new(),
            },
            ..Self::own(keys)
        }
    }

    /// Clerk's session tokens, versions 1 and 2: keys come from its JWKS URL and are for RS256
    /// (pass that to [`crate::JwksState::apply`]), `azp` must be in the list, pending sign-ins
    /// are refused. Its `sid` names a sign-in at Clerk, one per browser: it is no session here,
    /// so all of a user's browsers share the user's default session. Organization roles and
    /// permissions (`org_…`, `o`) do not count.
    #[must_use]
    pub fn clerk(id: IssuerId, iss: &str, azp: Vec<String>) -> Self {
        Self {
            azp,
            keys_by_url: true,
            refuses_pending: true,
            claims: ClaimNames {
                session: String::new(),
                ..ClaimNames::default()
            },
            ..Self::external(id, iss, Vec::new())
        }
    }
}

impl Default for ClaimNames {
    fn default() -> Self {
        let named = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Self {
            user: "sub".to_owned(),
            session: "sid".to_owned(),
            name: named(&["name", "username"]),
            roles: named(&["roles", "role"]),
            permissions: named(&["permissions"]),
            scopes: named(&["scopes", "scope"]),
        }
    }
}

impl Allowance {
    pub(crate) fn allows_role(&self, role: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Listed { roles, .. } => roles.iter().any(|allowed| allowed == role),
        }
    }

    pub(crate) fn allows_permission(&self, permission: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Listed { permissions, .. } => permissions.iter().any(|allowed| {
                permission
                    .strip_prefix(allowed.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
            }),
        }
    }
}

/// Checks what must hold between issuers.
pub(crate) fn check(issuers: &[Issuer]) -> Result<(), IssuerFault> {
    if issuers.is_empty() {
        return Err(IssuerFault::None);
    }
    for (index, issuer) in issuers.iter().enumerate() {
        if usize::from(issuer.id.0) != index {
            return Err(IssuerFault::Disordered(issuer.id));
        }
        if issuer.leeway > LEEWAY_MAX {
            return Err(IssuerFault::Leeway(issuer.id));
        }
        if issuer.iss.is_none() && index > 0 {
            return Err(IssuerFault::Name(issuer.id));
        }
        for earlier in issuers.iter().take(index) {
            if issuer.iss == earlier.iss {
                return Err(IssuerFault::Name(issuer.id));
            }
            let share = issuer.shared_users && earlier.shared_users;
            if issuer.user_prefix == earlier.user_prefix && !share {
                return Err(IssuerFault::Prefix(earlier.id, issuer.id));
            }
        }
    }
    Ok(())
}

const LEEWAY_MAX: Duration = Duration::from_secs(60);
