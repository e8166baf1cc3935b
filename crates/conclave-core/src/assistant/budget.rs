//! What each user's questions may take in a window of time.

use std::collections::HashMap;

use conclave_protocol::{Timestamp, UserId};
use parking_lot::Mutex;

/// Budgets over what the ledger has. What is under way is reserved in memory, so that questions of
/// many rooms at once do not all find the same tokens left.
#[derive(Debug)]
pub(super) struct Budgets {
    tokens: u64,
    seconds: u64,
    /// By user, of what is under way; bounded by the questions that are.
    reserved: Mutex<HashMap<UserId, u64>>,
}

/// Tokens that a question may take. They are free again when it is dropped.
#[derive(Debug)]
pub(super) struct Reserved<'a> {
    budgets: &'a Budgets,
    user: UserId,
    tokens: u64,
}

impl Budgets {
    /// So many tokens in so many seconds, at least 1; 0 tokens means no bound.
    pub(super) fn new(tokens: u64, seconds: u64) -> Self {
        Self {
            tokens,
            seconds: seconds.max(1),
            reserved: Mutex::default(),
        }
    }

    /// The window of a moment: they begin at multiples of their length.
    pub(super) const fn window(&self, now: Timestamp) -> u64 {
        // It is at least 1.
        match now.seconds().checked_div(self.seconds) {
            Some(window) => window,
            None => 0,
        }
    }

    /// Seconds until the next window begins.
    pub(super) fn renews_in(&self, now: Timestamp) -> u64 {
        let next = self.window(now).saturating_add(1);
        next.saturating_mul(self.seconds)
            .saturating_sub(now.seconds())
    }

    /// Tokens in a window; `None` means no bound.
    pub(super) fn bound(&self) -> Option<u64> {
        Some(self.tokens).filter(|tokens| *tokens > 0)
    }

    /// Reserves tokens for a question, where the user has any left: the question that takes the
    /// last of them may take more than that.
    pub(super) fn reserve(&self, user: &UserId, used: u64, tokens: u64) -> Option<Reserved<'_>> {
        let mut reserved = self.reserved.lock();
        let of_user = reserved.get(user).copied().unwrap_or(0);
        if self.tokens > 0 && used.saturating_add(of_user) >= self.tokens {
            return None;
        }
        reserved.insert(user.clone(), of_user.saturating_add(tokens));
        Some(Reserved {
            budgets: self,
            user: user.clone(),
            tokens,
        })
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        let mut reserved = self.budgets.reserved.lock();
        if let Some(of_user) = reserved.get_mut(&self.user) {
            *of_user = of_user.saturating_sub(self.tokens);
            if *of_user == 0 {
                reserved.remove(&self.user);
            }
        }
    }
}
