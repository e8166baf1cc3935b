//! One-use tickets that stand for a token in a handshake (identity.md, "Where a handshake may
//! carry its token").

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use conclave_protocol::{Principal, Timestamp, UserId};
use parking_lot::Mutex;

use crate::SecretHash;
use crate::random::{Random, bytes};
use crate::secret::hash_secret;

/// Tickets that wait to be redeemed. Bounded over all users and for each user.
#[derive(Debug)]
pub struct Tickets {
    bounds: TicketBounds,
    state: Mutex<State>,
}

/// How many tickets, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TicketBounds {
    /// How long a ticket may wait; default 30 s.
    pub life: Duration,
    /// Tickets over all users; default 100,000.
    pub tickets: usize,
    /// Tickets of one user; one more ends the user's oldest. Default 16.
    pub tickets_per_user: usize,
}

/// There are as many tickets as there may be; the answer is 429.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many tickets wait")]
pub struct TicketsFull;

#[derive(Debug, Default)]
struct State {
    waiting: HashMap<SecretHash, Ticket>,
    /// In the order of issue, hence of expiry; redeemed ones stay for a while.
    order: VecDeque<(Timestamp, SecretHash)>,
    by_user: HashMap<Option<UserId>, VecDeque<SecretHash>>,
}

#[derive(Debug)]
struct Ticket {
    principal: Arc<Principal>,
    origin: Option<Box<str>>,
    expires_at: Timestamp,
}

impl Tickets {
    /// An empty table.
    #[must_use]
    pub fn new(bounds: TicketBounds) -> Self {
        Self {
            bounds,
            state: Mutex::default(),
        }
    }

    /// A ticket for this principal: 43 characters of base64url, kept as its hash. With the
    /// `Origin` header of the request, where it had one, only that one redeems it.
    ///
    /// # Errors
    /// The bound over all users is reached.
    pub fn issue(
        &self,
        principal: Arc<Principal>,
        origin: Option<&str>,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<String, TicketsFull> {
        let shown = URL_SAFE_NO_PAD.encode(bytes::<32>(random));
        let hash = hash_secret(&shown);
        let expires_at = now.plus(self.bounds.life);
        let user = principal.user.clone();

        let mut state = self.state.lock();
        state.expire(now);
        let own = state.by_user.get(&user).map_or(0, VecDeque::len);
        if own >= self.bounds.tickets_per_user {
            state.drop_oldest_of(&user);
        }
        if state.waiting.len() >= self.bounds.tickets {
            return Err(TicketsFull);
        }
        if state.order.len() >= self.bounds.tickets.saturating_mul(2) {
            state.forget_redeemed();
        }
        state.order.push_back((expires_at, hash));
        state.by_user.entry(user).or_default().push_back(hash);
        state.waiting.insert(
            hash,
            Ticket {
                principal,
                origin: origin.map(Box::from),
                expires_at,
            },
        );
        Ok(shown)
    }

    /// Who the ticket stands for, once. It is used up even where the `Origin` is another than it
    /// was made under: it has leaked then. Whether the principal still counts is for
    /// [`crate::Standing`] to say.
    #[must_use]
    pub fn redeem(
        &self,
        ticket: &str,
        origin: Option<&str>,
        now: Timestamp,
    ) -> Option<Arc<Principal>> {
        let found = self.state.lock().take(&hash_secret(ticket))?;
        let is_timely = now < found.expires_at
            && found
                .principal
                .expires_at
                .is_none_or(|expires_at| now < expires_at);
        let is_at_home = found.origin.is_none() || found.origin.as_deref() == origin;
        (is_timely && is_at_home).then_some(found.principal)
    }

    /// How many tickets wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.state.lock().waiting.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Default for Tickets {
    fn default() -> Self {
        Self::new(TicketBounds::default())
    }
}

impl Default for TicketBounds {
    fn default() -> Self {
        Self {
            life: Duration::from_secs(30),
            tickets: 100_000,
            tickets_per_user: 16,
        }
    }
}

impl State {
    fn take(&mut self, hash: &SecretHash) -> Option<Ticket> {
        let ticket = self.waiting.remove(hash)?;
        let user = &ticket.principal.user;
        if let Some(own) = self.by_user.get_mut(user) {
            own.retain(|other| other != hash);
            if own.is_empty() {
                self.by_user.remove(user);
            }
        }
        Some(ticket)
    }

    fn forget_redeemed(&mut self) {
        let waiting = &self.waiting;
        self.order.retain(|(_, hash)| waiting.contains_key(hash));
    }

    fn drop_oldest_of(&mut self, user: &Option<UserId>) {
        let oldest = self.by_user.get(user).and_then(|own| own.front()).copied();
        if let Some(oldest) = oldest {
            self.take(&oldest);
        }
    }

    fn expire(&mut self, now: Timestamp) {
        while let Some((expires_at, hash)) = self.order.front().copied()
            && expires_at <= now
        {
            self.order.pop_front();
            self.take(&hash);
        }
    }
}
