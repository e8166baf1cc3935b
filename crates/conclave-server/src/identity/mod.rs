//! Who is at the other end: tokens and tickets to principals, and what becomes of them later.
//!
//! Reading order: this file (what handshakes and connections ask), `issuers` (from configuration
//! to keys), `authority` (who signs, verifies and signs in), `key_urls` (keys that are fetched),
//! `passwords` (the pool that computes hashes), `watch` (changes and revocations that other
//! processes stored), `blacklist` (tokens that other services ended).

mod attempts;
mod authority;
mod blacklist;
mod issuers;
mod key_urls;
mod passwords;
mod random;
mod renewal;
mod test_token;
mod watch;

use std::net::IpAddr;
use std::sync::Arc;

use anyhow::Context as _;
use aws_lc_rs::hmac;
use conclave_auth::{
    PortError, Revocation, SignIn, SignInParts, Signer, Stand, Standing, StoredUser, TicketTable,
    Tickets, TokenError, Users, Verified, Verifier,
};
use conclave_protocol::{Clock, IssuerId, Principal, Refusal, SessionId, UserId};

pub(crate) use attempts::Attempts;
pub(crate) use authority::Authority;
pub(crate) use blacklist::Blacklist;
use issuers::{issuers, signer};
use key_urls::KeyUrls;
pub(crate) use passwords::PasswordPool;
pub(crate) use random::SystemRandom;
pub(crate) use renewal::renewal;
pub(crate) use watch::{Sources, catch_up, watch};

use crate::assistant;
use crate::config::{Secret, Setup};
use crate::handshake::{Origin, Origins};
use crate::http::RequestLimiter;
use crate::strikes::Strikes;

/// What became of a principal since its token was checked.
pub(crate) enum Review {
    /// Its user has other permissions now.
    Changed(Arc<Principal>),
    /// Its token no longer counts.
    Revoked,
    /// Nothing.
    Same,
}

/// Why a credential proves nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unproved {
    /// It is not valid, has expired or was revoked.
    Invalid,
    /// There is none.
    Missing,
    /// Its claims make no principal.
    Payload,
    /// It cannot be known now.
    Unavailable,
}

/// Tokens, tickets, sign-ins, revocations, and the limits on failing at them.
pub(crate) struct Identity {
    verifier: Arc<Verifier>,
    standing: Standing,
    signer: Arc<Signer>,
    sign_in: SignIn,
    tickets: Tickets,
    blacklist: Blacklist,
    key_urls: KeyUrls,
    origins: Origins,
    refused_handshakes: Strikes<IpAddr>,
    attempts: Attempts,
    requests: RequestLimiter,
    users: Arc<dyn Users>,
    test_token: Option<Secret>,
    clock: Arc<dyn Clock>,
}

impl Identity {
    /// Over these parts. `refresh_key` makes the successors of refresh tokens, and what seals
    /// tickets; keys are fetched on the current runtime.
    ///
    /// # Errors
    /// The client that fetches keys cannot be made.
    pub(crate) fn new(
        setup: &Setup,
        parts: SignInParts,
        refresh_key: &[u8; 32],
        clock: Arc<dyn Clock>,
        (tickets, blacklist): (Arc<dyn TicketTable>, Blacklist),
    ) -> anyhow::Result<Self> {
        let auth = &setup.config.auth;
        let background = tokio::runtime::Handle::current();
        let ticket_life = std::time::Duration::from_secs(u64::from(auth.ticket_seconds));
        let ticket_key = derived(refresh_key, b"what seals tickets")?;
        Ok(Self {
            verifier: Arc::clone(&parts.verifier),
            standing: parts.standing.clone(),
            signer: Arc::clone(&parts.signer),
            tickets: Tickets::new(tickets, ticket_life, &ticket_key),
            blacklist,
            key_urls: KeyUrls::new(&auth.issuers, Arc::clone(&parts.verifier), background)?,
            origins: Origins::new(&auth.origins, setup.profile.dev),
            refused_handshakes: Strikes::new(setup.config.limits.refused_handshakes_per_minute),
            attempts: Attempts::new(
                setup.config.limits.sign_in_failures_per_minute,
                Arc::clone(&clock),
            ),
            requests: RequestLimiter::new(
                setup.config.limits.requests_per_second,
                Arc::clone(&clock),
            ),
            users: Arc::clone(&parts.users),
            test_token: test_token::test_token(setup, &parts, &*clock)?,
            sign_in: SignIn::new(parts, refresh_key),
            clock,
        })
    }

    /// Moves with every revocation and change of a user; see `attach`.
    pub(crate) fn epoch(&self) -> u64 {
        self.standing.epoch()
    }

    /// Which pages may use the server.
    pub(crate) const fn origins(&self) -> &Origins {
        &self.origins
    }

    /// Refused handshakes by address.
    pub(crate) const fn refused_handshakes(&self) -> &Strikes<IpAddr> {
        &self.refused_handshakes
    }

    /// Who may try a password now.
    pub(crate) const fn attempts(&self) -> &Attempts {
        &self.attempts
    }

    /// Requests of each user.
    pub(crate) const fn requests(&self) -> &RequestLimiter {
        &self.requests
    }

    /// The token of `/test-token`; dev mode only.
    pub(crate) const fn test_token(&self) -> Option<&Secret> {
        self.test_token.as_ref()
    }

    /// Whether the store can be read now.
    pub(crate) async fn store_answers(&self) -> bool {
        self.users.list(None, 1).await.is_ok()
    }

    /// Own users.
    pub(crate) const fn users(&self) -> &Arc<dyn Users> {
        &self.users
    }

    /// The stored user behind a user id, where there is one.
    ///
    /// # Errors
    /// The store is away.
    pub(crate) async fn account_of(&self, user: &UserId) -> Result<Option<StoredUser>, PortError> {
        let own = self
            .verifier
            .issuers()
            .find(|issuer| issuer.id == IssuerId(0));
        let prefix = own.map_or("", |own| own.user_prefix.as_str());
        match user.as_str().strip_prefix(prefix).map(UserId::new) {
            Some(Ok(name)) => self.users.find(&name).await,
            Some(Err(_)) | None => Ok(None),
        }
    }

    /// The issuers that speak of a user: those with the longest prefix that the id begins with.
    pub(crate) fn issuers_of(&self, user: &str) -> Vec<IssuerId> {
        let issuers = || {
            self.verifier
                .issuers()
                .filter(|issuer| user.starts_with(&issuer.user_prefix))
        };
        let longest = issuers().map(|issuer| issuer.user_prefix.len()).max();
        issuers()
            .filter(|issuer| Some(issuer.user_prefix.len()) == longest)
            .map(|issuer| issuer.id)
            .collect()
    }

    /// Tickets that wait.
    pub(crate) const fn tickets(&self) -> &Tickets {
        &self.tickets
    }

    /// Where other services are told of tokens that ended.
    pub(crate) const fn blacklist(&self) -> &Blacklist {
        &self.blacklist
    }

    /// What is revoked and what became of users.
    pub(crate) const fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Signing in and what follows from it.
    pub(crate) const fn sign_in(&self) -> &SignIn {
        &self.sign_in
    }

    /// Who signs our tokens.
    pub(crate) const fn signer(&self) -> &Arc<Signer> {
        &self.signer
    }

    /// Who verifies tokens.
    pub(crate) const fn verifier(&self) -> &Arc<Verifier> {
        &self.verifier
    }

    /// Has keys that are due fetched, without waiting for them.
    pub(crate) fn refresh_keys(&self) {
        self.key_urls.refresh_due(self.clock.now());
    }

    /// Who a token proves. Waits only where its key is not known and may be fetched, or the
    /// blacklist is read.
    pub(crate) async fn admit(&self, token: &str) -> Result<Arc<Principal>, Unproved> {
        let mut verified = self.verifier.verify(token, self.clock.now());
        if let Err(TokenError::UnknownKey { issuer }) = verified {
            self.key_urls
                .refresh_unknown(issuer, self.clock.now())
                .await;
            verified = self.verifier.verify(token, self.clock.now());
        }
        let admitted = self.admitted(verified)?;
        self.blacklist.check(token, self.clock.monotonic()).await?;
        Ok(admitted)
    }

    /// The same at once; `None` where it would have to wait.
    pub(crate) fn admit_now(&self, token: &str) -> Option<Result<Arc<Principal>, Unproved>> {
        match self.verifier.verify(token, self.clock.now()) {
            Err(TokenError::UnknownKey { .. }) => None,
            Ok(_) if self.blacklist.is_read() => None,
            verified => Some(self.admitted(verified)),
        }
    }

    fn admitted(&self, verified: Result<Verified, TokenError>) -> Result<Arc<Principal>, Unproved> {
        let admitted = verified.and_then(|verified| {
            let user = verified.principal.user.as_ref();
            if user.is_some_and(|user| user.as_str() == assistant::USER) {
                return Err(TokenError::Payload);
            }
            self.standing.admit(verified.principal)
        });
        admitted.map(Arc::new).map_err(|error| match error {
            TokenError::Payload => Unproved::Payload,
            TokenError::Expired
            | TokenError::Invalid(_)
            | TokenError::Revoked
            | TokenError::UnknownKey { .. } => Unproved::Invalid,
        })
    }

    /// Who a ticket stands for, once. Waits only where tickets wait on a bus.
    pub(crate) async fn redeem(
        &self,
        ticket: &str,
        origin: &Origin,
    ) -> Result<Arc<Principal>, Unproved> {
        let now = self.clock.now();
        let found = self.tickets.redeem(ticket, named(origin), now).await;
        self.redeemed(found.map_err(|_away| Unproved::Unavailable)?)
    }

    /// The same at once; `None`, and it is not used up, where it would have to wait.
    pub(crate) fn redeem_now(
        &self,
        ticket: &str,
        origin: &Origin,
    ) -> Option<Result<Arc<Principal>, Unproved>> {
        let now = self.clock.now();
        let found = self.tickets.redeem_now(ticket, named(origin), now)?;
        Some(self.redeemed(found))
    }

    fn redeemed(&self, found: Option<Arc<Principal>>) -> Result<Arc<Principal>, Unproved> {
        let principal = found.ok_or(Unproved::Invalid)?;
        match self.review(&principal) {
            Review::Changed(changed) => Ok(changed),
            Review::Revoked => Err(Unproved::Invalid),
            Review::Same => Ok(principal),
        }
    }

    /// Who the token of an in-band renewal proves.
    pub(crate) async fn renew(&self, token: &str) -> Result<Arc<Principal>, Refusal> {
        self.admit(token).await.map_err(|unproved| match unproved {
            Unproved::Invalid | Unproved::Missing | Unproved::Payload => Refusal::Unauthenticated,
            Unproved::Unavailable => Refusal::Unavailable,
        })
    }

    /// How a principal stands now.
    pub(crate) fn review(&self, principal: &Principal) -> Review {
        match self.standing.of(principal) {
            Err(_) => Review::Revoked,
            Ok(Stand::Kept) => Review::Same,
            Ok(Stand::Regranted(grants)) if grants == principal.grants => Review::Same,
            Ok(Stand::Regranted(grants)) => Review::Changed(Arc::new(Principal {
                grants,
                ..principal.clone()
            })),
        }
    }

    /// The session of that name, where `/auth/token` would grant it to this user.
    pub(crate) async fn may_enter(
        &self,
        principal: &Principal,
        name: &str,
    ) -> Result<SessionId, Refusal> {
        let entered = self
            .sign_in
            .may_enter(principal, name, self.clock.now())
            .await;
        entered.map_err(|error| error.refusal())
    }

    /// Makes revocations that were just stored count at once. The caller then has every worker
    /// look at its connections again.
    pub(crate) fn apply(&self, revocations: &[Revocation]) {
        for revocation in revocations {
            self.standing.revocations.apply_early(revocation);
        }
    }
}

/// The page that shows a ticket.
const fn named(origin: &Origin) -> Option<&str> {
    match origin {
        Origin::Allowed(origin) => Some(origin.as_str()),
        Origin::Absent | Origin::Refused => None,
    }
}

/// A key of its own for each purpose.
fn derived(key: &[u8; 32], purpose: &[u8]) -> anyhow::Result<[u8; 32]> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let tag = hmac::sign(&key, purpose);
    tag.as_ref().try_into().context("a SHA-256 has 32 bytes")
}
