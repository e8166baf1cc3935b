//! Tickets that wait in this process.

use std::collections::{HashMap, VecDeque};

use async_trait::async_trait;
use conclave_protocol::Timestamp;
use parking_lot::Mutex;

use super::{TicketError, TicketTable, WaitingTicket};
use crate::SecretHash;

/// The tickets of one node. Bounded over all users and for each user.
#[derive(Debug, Default)]
pub struct MemoryTickets {
    bounds: TicketBounds,
    state: Mutex<State>,
}

/// How many tickets may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TicketBounds {
    /// Over all users, where they wait in this process; default 100,000.
    pub tickets: usize,
    /// Of one user; one more ends the user's oldest. Default 16.
    pub tickets_per_user: usize,
}

#[derive(Debug, Default)]
struct State {
    waiting: HashMap<SecretHash, Kept>,
    /// In the order of issue, hence of expiry; redeemed ones stay for a while.
    order: VecDeque<(Timestamp, SecretHash)>,
    by_owner: HashMap<SecretHash, VecDeque<SecretHash>>,
}

#[derive(Debug)]
struct Kept {
    owner: SecretHash,
    sealed: Box<[u8]>,
}

impl MemoryTickets {
    /// An empty table.
    #[must_use]
    pub fn new(bounds: TicketBounds) -> Self {
        Self {
            bounds,
            state: Mutex::default(),
        }
    }
}

#[async_trait]
impl TicketTable for MemoryTickets {
    async fn put(
        &self,
        hash: SecretHash,
        ticket: WaitingTicket,
        now: Timestamp,
    ) -> Result<(), TicketError> {
        let WaitingTicket {
            owner,
            sealed,
            life,
        } = ticket;
        let mut state = self.state.lock();
        state.expire(now);
        let own = state.by_owner.get(&owner).map_or(0, VecDeque::len);
        if own >= self.bounds.tickets_per_user {
            state.drop_oldest_of(&owner);
        }
        if state.waiting.len() >= self.bounds.tickets {
            return Err(TicketError::Full);
        }
        if state.order.len() >= self.bounds.tickets.saturating_mul(2) {
            state.forget_redeemed();
        }
        state.order.push_back((now.plus(life), hash));
        state.by_owner.entry(owner).or_default().push_back(hash);
        state.waiting.insert(hash, Kept { owner, sealed });
        Ok(())
    }

    async fn take(
        &self,
        hash: SecretHash,
        now: Timestamp,
    ) -> Result<Option<Box<[u8]>>, TicketError> {
        Ok(self.take_now(hash, now).flatten())
    }

    fn take_now(&self, hash: SecretHash, now: Timestamp) -> Option<Option<Box<[u8]>>> {
        let mut state = self.state.lock();
        state.expire(now);
        Some(state.take(&hash).map(|kept| kept.sealed))
    }

    fn waiting(&self) -> usize {
        self.state.lock().waiting.len()
    }
}

impl Default for TicketBounds {
    fn default() -> Self {
        Self {
            tickets: 100_000,
            tickets_per_user: 16,
        }
    }
}

impl State {
    fn take(&mut self, hash: &SecretHash) -> Option<Kept> {
        let kept = self.waiting.remove(hash)?;
        if let Some(own) = self.by_owner.get_mut(&kept.owner) {
            own.retain(|other| other != hash);
            if own.is_empty() {
                self.by_owner.remove(&kept.owner);
            }
        }
        Some(kept)
    }

    fn forget_redeemed(&mut self) {
        let waiting = &self.waiting;
        self.order.retain(|(_, hash)| waiting.contains_key(hash));
    }

    fn drop_oldest_of(&mut self, owner: &SecretHash) {
        let own = self.by_owner.get(owner);
        if let Some(oldest) = own.and_then(|own| own.front()).copied() {
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
