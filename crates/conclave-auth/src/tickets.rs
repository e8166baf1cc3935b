//! One-use tickets that stand for a token in a handshake (identity.md, "Where a handshake may
//! carry its token").
//!
//! Reading order: this file, `memory` (where tickets of one node wait), `seal` (how a ticket is
//! written where it waits).

mod memory;
pub(crate) mod seal;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use conclave_protocol::{Principal, Timestamp};

use crate::SecretHash;
use crate::random::{Random, bytes};
use crate::secret::hash_secret;

pub use memory::{MemoryTickets, TicketBounds};
use seal::{Ticket, open, seal};

/// Where tickets wait to be redeemed: in one node, or where all nodes find them.
#[async_trait]
pub trait TicketTable: fmt::Debug + Send + Sync {
    /// Keeps a ticket for its life. Where its owner has as many as one may have, the oldest ends.
    async fn put(
        &self,
        hash: SecretHash,
        ticket: WaitingTicket,
        now: Timestamp,
    ) -> Result<(), TicketError>;

    /// What was kept as `sealed`; whoever takes it first gets it, and nobody else.
    async fn take(
        &self,
        hash: SecretHash,
        now: Timestamp,
    ) -> Result<Option<Box<[u8]>>, TicketError>;

    /// The same without waiting; `None`, and nothing has happened, where it would have to.
    fn take_now(&self, hash: SecretHash, now: Timestamp) -> Option<Option<Box<[u8]>>>;

    /// How many wait in this process.
    fn waiting(&self) -> usize;
}

/// A ticket that is to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingTicket {
    /// SHA-256 of the user's id: whose bound it counts for.
    pub owner: SecretHash,
    /// What it says; nobody's business where it waits.
    pub sealed: Box<[u8]>,
    /// How long it may wait.
    pub life: Duration,
}

/// Why a ticket was not given, or cannot be looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TicketError {
    /// There are as many as there may be; the answer is 429.
    #[error("too many tickets wait")]
    Full,
    /// The place where they wait cannot be reached; the answer is 503.
    #[error("tickets cannot be reached")]
    Unavailable,
}

/// Gives tickets and redeems them.
#[derive(Debug)]
pub struct Tickets {
    table: Arc<dyn TicketTable>,
    life: Duration,
    key: hmac::Key,
}

impl Tickets {
    /// Over this table, for this life each. Nodes that share a table share `key`, which nobody
    /// else has: who can write into the table cannot make a ticket.
    #[must_use]
    pub fn new(table: Arc<dyn TicketTable>, life: Duration, key: &[u8; 32]) -> Self {
        Self {
            table,
            life,
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
        }
    }

    /// A ticket for this principal: 43 characters of base64url, kept as its hash. With the
    /// `Origin` header of the request, where it had one, only that one redeems it.
    ///
    /// # Errors
    /// As [`TicketError`] says.
    pub async fn issue(
        &self,
        principal: &Principal,
        origin: Option<&str>,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<String, TicketError> {
        let shown = URL_SAFE_NO_PAD.encode(bytes::<32>(random));
        let hash = hash_secret(&shown);
        let ticket = Ticket {
            principal: principal.clone(),
            origin: origin.map(Box::from),
            expires_at: now.plus(self.life),
        };
        let user = principal.user.as_ref().map_or("", |user| user.as_str());
        let waiting = WaitingTicket {
            owner: hash_secret(user),
            sealed: seal(&ticket, &hash, &self.key),
            life: self.life,
        };
        self.table.put(hash, waiting, now).await?;
        Ok(shown)
    }

    /// Who the ticket stands for, once. It is used up even where the `Origin` is another than it
    /// was made under: it has leaked then. Whether the principal still counts is for
    /// [`crate::Standing`] to say.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn redeem(
        &self,
        ticket: &str,
        origin: Option<&str>,
        now: Timestamp,
    ) -> Result<Option<Arc<Principal>>, TicketError> {
        let Some(hash) = hash_of(ticket) else {
            return Ok(None);
        };
        let taken = self.table.take(hash, now).await?;
        Ok(self.opened(taken, &hash, origin, now))
    }

    /// The same at once; `None`, and nothing has happened, where it would have to wait.
    #[must_use]
    pub fn redeem_now(
        &self,
        ticket: &str,
        origin: Option<&str>,
        now: Timestamp,
    ) -> Option<Option<Arc<Principal>>> {
        let Some(hash) = hash_of(ticket) else {
            return Some(None);
        };
        let taken = self.table.take_now(hash, now)?;
        Some(self.opened(taken, &hash, origin, now))
    }

    /// How many tickets wait in this process.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.table.waiting()
    }

    fn opened(
        &self,
        sealed: Option<Box<[u8]>>,
        hash: &SecretHash,
        origin: Option<&str>,
        now: Timestamp,
    ) -> Option<Arc<Principal>> {
        let found = open(&sealed?, hash, &self.key)?;
        let ends = [Some(found.expires_at), found.principal.expires_at];
        let is_timely = ends.into_iter().flatten().all(|end| now < end);
        let is_at_home = found.origin.is_none() || found.origin.as_deref() == origin;
        (is_timely && is_at_home).then(|| Arc::new(found.principal))
    }
}

/// Nobody is asked for what cannot be a ticket.
fn hash_of(ticket: &str) -> Option<SecretHash> {
    (ticket.len() == TICKET_BYTES).then(|| hash_secret(ticket))
}

const TICKET_BYTES: usize = 43;
