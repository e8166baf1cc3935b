//! What answers have taken, by room and by user: kept, for the sums that are shown and the budgets.

use std::collections::HashMap;

use async_trait::async_trait;
use conclave_protocol::{Refusal, RoomId, Usage, UserId};
use parking_lot::Mutex;

use crate::RoomFault;

/// What a number of answers took together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AnswerTotals {
    /// Answers that became whole.
    pub answers: u64,
    /// What they took, and what those took that failed.
    pub usage: Usage,
}

/// What a user's questions have taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spending {
    /// Ever.
    pub totals: AnswerTotals,
    /// Tokens, in the window that was asked for.
    pub in_window: u64,
}

/// Sums in durable state. Windows are numbered; one that was entered ends those before it.
#[async_trait]
pub trait AnswerLedger: Send + Sync {
    /// Adds what a question took, in one transaction. A room that is gone has no sum.
    async fn enter(
        &self,
        room: &RoomId,
        user: &UserId,
        taken: AnswerTotals,
        window: u64,
    ) -> Result<(), RoomFault>;
    /// What a room's questions took; nothing where it is gone.
    async fn of_room(&self, room: &RoomId) -> Result<AnswerTotals, RoomFault>;
    /// What a user's questions took.
    async fn of_user(&self, user: &UserId, window: u64) -> Result<Spending, RoomFault>;
}

/// Sums in memory, for tests; it does not know which rooms are gone.
#[derive(Debug, Default)]
pub struct MemoryLedger(Mutex<Sums>);

#[derive(Debug, Default)]
struct Sums {
    rooms: HashMap<RoomId, AnswerTotals>,
    /// With the number of the window.
    users: HashMap<UserId, (Spending, u64)>,
    is_closed: bool,
}

impl MemoryLedger {
    /// Takes nothing more.
    pub fn close(&self) {
        self.0.lock().is_closed = true;
    }
}

impl AnswerTotals {
    /// These and others.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            answers: self.answers.saturating_add(other.answers),
            usage: self.usage.plus(other.usage),
        }
    }
}

#[async_trait]
impl AnswerLedger for MemoryLedger {
    async fn enter(
        &self,
        room: &RoomId,
        user: &UserId,
        taken: AnswerTotals,
        window: u64,
    ) -> Result<(), RoomFault> {
        let mut sums = self.0.lock();
        if sums.is_closed {
            let message = "the ledger is closed";
            return Err(RoomFault::refused(Refusal::Unavailable, message));
        }
        let of_room = sums.rooms.entry(room.clone()).or_default();
        *of_room = of_room.plus(taken);
        let (spent, known) = sums.users.entry(user.clone()).or_default();
        spent.totals = spent.totals.plus(taken);
        if *known != window {
            (*known, spent.in_window) = (window, 0);
        }
        spent.in_window = spent.in_window.saturating_add(taken.usage.total());
        Ok(())
    }

    async fn of_room(&self, room: &RoomId) -> Result<AnswerTotals, RoomFault> {
        let sums = self.0.lock();
        Ok(sums.rooms.get(room).copied().unwrap_or_default())
    }

    async fn of_user(&self, user: &UserId, window: u64) -> Result<Spending, RoomFault> {
        let sums = self.0.lock();
        let (mut spent, known) = sums.users.get(user).copied().unwrap_or_default();
        if known != window {
            spent.in_window = 0;
        }
        Ok(spent)
    }
}
