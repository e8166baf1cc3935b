//! `[[auth.issuers]]`: issuers besides the own one.

use std::path::PathBuf;

use conclave_auth::Algorithm;

use super::section::{choice, section};

section! {
    /// One of `[[auth.issuers]]`.
    pub struct Issuer {
        /// What logs and the audit call it; required, and no two alike.
        pub name: String = String::new(),
        /// Its `iss`, compared exactly; required.
        pub iss: String = String::new(),
        /// Accepted `aud`, compared exactly, one of them is enough; required, except by the
        /// preset `clerk`, whose tokens have none.
        pub aud: Vec<String> = Vec::new(),
        /// `clerk`: session tokens of Clerk, versions 1 and 2. RS256 by JWKS, `azp` against the
        /// list below, pending `sts` refused, `sid` (a sign-in at Clerk) no session here.
        pub preset: Option<Preset> = None,
        /// What its keys may be used with; required, except by a preset.
        pub algorithms: Vec<Algorithm> = Vec::new(),
        /// A file that holds a shared secret of at least 32 bytes, for HS….
        pub secret_file: Option<PathBuf> = None,
        /// Public keys, PEM.
        pub pem_files: Vec<PathBuf> = Vec::new(),
        /// Public keys, a JWKS file.
        pub jwks_file: Option<PathBuf> = None,
        /// Public keys, a JWKS by https (http from loopback only); redirects are not followed.
        /// The preset `clerk` without any key takes `/.well-known/jwks.json` below `iss`.
        pub jwks_url: Option<String> = None,
        /// What precedes its `sub` in user ids; no two issuers alike, the own one included,
        /// unless both say `shared_users`.
        pub user_prefix: String = String::new(),
        /// Whether it speaks of the same users as the issuer with the same `user_prefix`, which
        /// must say so too.
        pub shared_users: bool = false,
        /// Seconds that clocks may differ; at most 60.
        pub leeway_seconds: u32 = 5,
        /// Roles of tokens that carry none of permissions and roles.
        pub default_roles: Vec<String> = vec!["user".to_owned()],
        /// Permissions of tokens that carry none of permissions and roles.
        pub default_permissions: Vec<String> = Vec::new(),
        /// Roles it may claim; others are ignored.
        pub allow_roles: Vec<String> = vec!["user".to_owned()],
        /// Permissions it may claim; others are ignored.
        pub allow_permissions: Vec<String> = Vec::new(),
        /// Accepted `azp` (origins of the pages that signed in), compared exactly; empty: not
        /// looked at, which the preset `clerk` refuses. Tokens without `azp`, as native apps have
        /// them, are refused, unless an empty text is in the list.
        pub azp: Vec<String> = Vec::new(),
        /// Whether its scopes count as permissions (those in `allow_permissions`).
        pub scopes_as_permissions: bool = false,
        /// Names of the claims that are read; of a list, the first one that a token has.
        pub claims: Claims = Claims::default(),
    }
}

section! {
    /// `[auth.issuers.claims]`.
    pub struct Claims {
        /// The user.
        pub user: String = "sub".to_owned(),
        /// The session; unset: `sid`, and with the preset `clerk` none. An empty text: none.
        pub session: Option<String> = None,
        /// The display name.
        pub name: Vec<String> = named(&["name", "username"]),
        /// Roles: a list, or one role.
        pub roles: Vec<String> = named(&["roles", "role"]),
        /// Permissions: a list.
        pub permissions: Vec<String> = named(&["permissions"]),
        /// Scopes: a list, or text separated by spaces.
        pub scopes: Vec<String> = named(&["scopes", "scope"]),
    }
}

choice! {
    /// Settings of a known issuer.
    pub enum Preset {
        /// Clerk's session tokens.
        Clerk = "clerk",
    }
}

impl Issuer {
    /// Where its keys are fetched from: as configured, else by the preset where no file has them.
    #[must_use]
    pub fn keys_url(&self) -> Option<String> {
        let has_files = self.jwks_file.is_some() || !self.pem_files.is_empty();
        match (&self.jwks_url, self.preset) {
            (Some(url), _) => Some(url.clone()),
            (None, Some(Preset::Clerk)) if !has_files => {
                let iss = self.iss.trim_end_matches('/');
                Some(format!("{iss}/.well-known/jwks.json"))
            }
            (None, Some(Preset::Clerk) | None) => None,
        }
    }

    /// What its keys may be used with: as configured, else by the preset.
    #[must_use]
    pub fn accepted_algorithms(&self) -> Vec<Algorithm> {
        match self.preset {
            Some(Preset::Clerk) if self.algorithms.is_empty() => vec![Algorithm::Rs256],
            Some(Preset::Clerk) | None => self.algorithms.clone(),
        }
    }
}

fn named(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}
