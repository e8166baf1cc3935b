//! A token to a principal.

use std::sync::Arc;

use aws_lc_rs::digest;
use conclave_protocol::{CloseMeaning, IssuerId, Principal, Timestamp, TokenId};
use parking_lot::RwLock;

use crate::access::{Access, RecentAccess};
use crate::claims;
use crate::issuer::{self, Issuer, IssuerFault};
use crate::json::Object;
use crate::jwks::KeySet;
use crate::key::{Key, KeyName};
use crate::roles::Roles;
use crate::token::{Header, Headers, Parts, TokenFault};

/// Verifies access tokens of all configured issuers (identity.md, "Access tokens"; RFC 8725).
pub struct Verifier {
    issuers: Box<[Trusted]>,
    roles: Arc<Roles>,
    recent: RecentAccess,
    headers: Headers,
}

struct Trusted {
    issuer: Issuer,
    keys: RwLock<Arc<KeySet>>,
}

/// A token that is valid, as far as the token itself says; [`crate::Standing`] knows what was
/// revoked.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Who it proves.
    pub principal: Principal,
    /// Who issued it.
    pub issuer: IssuerId,
    /// Roles, scopes and permissions, shared with other tokens that say the same.
    pub access: Arc<Access>,
}

/// Why a token proves nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TokenError {
    /// It has ended, leeway included.
    #[error("the token has expired")]
    Expired,
    /// It is not a token of ours or of a trusted issuer.
    #[error("the token is not valid: {0:?}")]
    Invalid(TokenFault),
    /// The signature is good, but the claims make no principal: `sub`, `sid`, `roles`,
    /// `permissions` or `scopes` are missing, empty or wrongly typed.
    #[error("the token's claims make no principal")]
    Payload,
    /// It was revoked, or its user was disabled or deleted.
    #[error("the token was revoked")]
    Revoked,
    /// Its key is not known, but the issuer's keys come from a URL: worth a question there (see
    /// [`crate::JwksState`]), then another try.
    #[error("the key of issuer {} is not known", .issuer.0)]
    UnknownKey {
        /// Whose keys to fetch.
        issuer: IssuerId,
    },
}

impl TokenError {
    /// What a connection is told.
    #[must_use]
    pub const fn close_meaning(self) -> CloseMeaning {
        match self {
            Self::Payload => CloseMeaning::InvalidPayload,
            Self::Expired | Self::Invalid(_) | Self::Revoked | Self::UnknownKey { .. } => {
                CloseMeaning::InvalidToken
            }
        }
    }
}

impl From<TokenFault> for TokenError {
    fn from(fault: TokenFault) -> Self {
        Self::Invalid(fault)
    }
}

impl Verifier {
    /// A verifier for these issuers, the own one first.
    ///
    /// # Errors
    /// Ids out of order, two equal `iss`, an external issuer without one, a leeway over 60 s, or
    /// equal user prefixes that are not shared by both.
    pub fn new(issuers: Vec<Issuer>, roles: Arc<Roles>) -> Result<Self, IssuerFault> {
        issuer::check(&issuers)?;
        let issuers = issuers
            .into_iter()
            .map(|mut issuer| {
                let keys = RwLock::new(Arc::new(std::mem::take(&mut issuer.keys)));
                Trusted { issuer, keys }
            })
            .collect();
        Ok(Self {
            issuers,
            roles,
            recent: RecentAccess::new(),
            headers: Headers::default(),
        })
    }

    /// The issuers, by id.
    pub fn issuers(&self) -> impl Iterator<Item = &Issuer> {
        self.issuers.iter().map(|trusted| &trusted.issuer)
    }

    /// Replaces an issuer's keys whole; verifications under way end with the old ones. An id
    /// that is not configured changes nothing.
    pub fn replace_keys(&self, issuer: IssuerId, keys: KeySet) {
        if let Some(trusted) = self.issuers.get(usize::from(issuer.0)) {
            *trusted.keys.write() = Arc::new(keys);
        }
    }

    /// Who a token proves at `now`. At most 8 KiB; nothing in it causes I/O. The issuer is
    /// picked by `iss`, which only the signature by one of its keys makes true.
    ///
    /// # Errors
    /// See [`TokenError`]; which fault a client is told is the dialect's business.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Verified, TokenError> {
        let parts = Parts::split(token)?;
        let header = self.headers.read(parts.header)?;
        let claims = Object::parse(&parts.claims).ok_or(TokenFault::Json)?;
        let trusted = self.issuer_of(&claims).ok_or(TokenFault::Issuer)?;
        trusted.check_signature(&header, &parts, now)?;
        self.headers.keep(parts.header, &header);

        let issuer = &trusted.issuer;
        let times = claims::check(&claims, issuer, now)?;
        let id = token_id(issuer, &claims, token);
        let mut principal = claims::principal(&claims, issuer, id, times)?;
        if self.spells_anothers_user(&principal, issuer) {
            return Err(TokenError::Payload);
        }
        let carried = claims::carried(&claims, issuer)?;
        let access = self.recent.of(&carried, issuer, &self.roles);
        principal.grants = Arc::clone(&access.grants);
        Ok(Verified {
            principal,
            issuer: issuer.id,
            access,
        })
    }

    /// Whether a `sub` begins so that the user id would be in the space of another issuer's
    /// longer prefix: with the own prefix empty, `clerk|ann` must come from Clerk.
    fn spells_anothers_user(&self, principal: &Principal, issuer: &Issuer) -> bool {
        let Some(user) = &principal.user else {
            return false;
        };
        let prefixes = self
            .issuers
            .iter()
            .map(|trusted| trusted.issuer.user_prefix.as_str());
        prefixes
            .filter(|prefix| prefix.len() > issuer.user_prefix.len())
            .any(|prefix| user.as_str().starts_with(prefix))
    }

    /// The issuer whose `iss` it is; the own one, while it has none, for all other tokens.
    fn issuer_of(&self, claims: &Object<'_>) -> Option<&Trusted> {
        let iss = match claims.member("iss") {
            None => None,
            Some(_) => Some(claims.text("iss")?),
        };
        let named = iss.and_then(|iss| {
            self.issuers
                .iter()
                .find(|trusted| trusted.issuer.iss.as_deref() == Some(iss))
        });
        named.or_else(|| self.issuers.first().filter(|own| own.issuer.iss.is_none()))
    }
}

impl Trusted {
    fn check_signature(
        &self,
        header: &Header,
        parts: &Parts<'_>,
        now: Timestamp,
    ) -> Result<(), TokenError> {
        let set = Arc::clone(&self.keys.read());
        let is_over = set.valid_until.is_some_and(|until| until <= now);
        let known: &[Key] = if is_over { &[] } else { &set.keys };
        let kid = header.kid.as_deref();
        let fits = known.iter().filter(|key| key.is_for(kid, header.algorithm));
        let mut tried = 0;
        for key in fits.take(TRIES_MAX) {
            tried += 1;
            if key.verifies(header.algorithm, parts.signed, &parts.signature) {
                return Ok(());
            }
        }
        if tried > 0 {
            return Err(TokenFault::Signature.into());
        }
        let is_named = |key: &Key| matches!((key.name(), kid), (KeyName::Named(own), Some(kid)) if **own == *kid);
        if self.issuer.keys_by_url && !known.iter().any(is_named) {
            return Err(TokenError::UnknownKey {
                issuer: self.issuer.id,
            });
        }
        Err(TokenFault::Key.into())
    }
}

/// The first 16 bytes of SHA-256 over `iss`, a zero byte and `jti`; over the whole token where
/// it has no `jti` (a token holds no zero byte).
fn token_id(issuer: &Issuer, claims: &Object<'_>, token: &str) -> TokenId {
    let mut hash = digest::Context::new(&digest::SHA256);
    match claims.text("jti") {
        Some(jti) => {
            hash.update(issuer.iss.as_deref().unwrap_or_default().as_bytes());
            hash.update(&[0]);
            hash.update(jti.as_bytes());
        }
        None => hash.update(token.as_bytes()),
    }
    let mut id = TokenId([0; 16]);
    for (to, from) in id.0.iter_mut().zip(hash.finish().as_ref()) {
        *to = *from;
    }
    id
}

/// How many keys a token without `kid`, or with one that several keys have, is tried with.
const TRIES_MAX: usize = 4;
