//! What is counted of a chain and its feed, since the process began.

use std::sync::atomic::{AtomicU64, Ordering};

/// How the chain's node is used.
#[derive(Debug, Default)]
pub struct UpstreamFigures {
    requests: AtomicU64,
    connects: AtomicU64,
    strangers: AtomicU64,
}

impl UpstreamFigures {
    /// Questions asked, each of a batch counted.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Times that the node was reached and its chain heard.
    #[must_use]
    pub fn connects(&self) -> u64 {
        self.connects.load(Ordering::Relaxed)
    }

    /// Times that the node was of another chain than before, and so was not heard.
    #[must_use]
    pub fn strangers(&self) -> u64 {
        self.strangers.load(Ordering::Relaxed)
    }

    pub(crate) fn asked(&self, questions: usize) {
        add(&self.requests, questions);
    }

    pub(crate) fn met_stranger(&self) {
        add(&self.strangers, 1);
    }

    pub(crate) fn connected(&self) {
        add(&self.connects, 1);
    }
}

/// What was told.
#[derive(Debug, Default)]
pub struct FeedFigures {
    blocks: AtomicU64,
    reorganisations: AtomicU64,
    gaps_filled: AtomicU64,
}

impl FeedFigures {
    /// Blocks that were told.
    #[must_use]
    pub fn blocks(&self) -> u64 {
        self.blocks.load(Ordering::Relaxed)
    }

    /// Times that blocks which had been told were taken back.
    #[must_use]
    pub fn reorganisations(&self) -> u64 {
        self.reorganisations.load(Ordering::Relaxed)
    }

    /// Times that the chain went on without the feed, which read what it had missed.
    #[must_use]
    pub fn gaps_filled(&self) -> u64 {
        self.gaps_filled.load(Ordering::Relaxed)
    }

    pub(crate) fn told_block(&self) {
        add(&self.blocks, 1);
    }

    pub(crate) fn reorganised(&self) {
        add(&self.reorganisations, 1);
    }

    pub(crate) fn filled_gap(&self) {
        add(&self.gaps_filled, 1);
    }
}

/// How many subscriptions there are, by what they are about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WatchFigures {
    /// Of balances.
    pub balance: usize,
    /// Of contracts' events.
    pub contract: usize,
    /// Of transactions.
    pub transactions: usize,
    /// Different watches, whoever shares them.
    pub watches: usize,
    /// Different addresses.
    pub addresses: usize,
}

fn add(count: &AtomicU64, more: usize) {
    let more = u64::try_from(more).unwrap_or(u64::MAX);
    count.fetch_add(more, Ordering::Relaxed);
}
