//! What was told of the newest blocks.

use std::collections::VecDeque;

use conclave_core::BlockHead;
use conclave_protocol::{ChainHash, WalletEvent, WatchId};

/// What was told of one block.
pub(super) struct Told {
    pub(super) head: BlockHead,
    pub(super) events: Vec<(WatchId, WalletEvent)>,
}

/// The newest blocks, each on top of the one before.
#[derive(Default)]
pub(super) struct Window {
    blocks: VecDeque<Told>,
    /// Of all blocks together.
    events: usize,
}

/// How a block stands to those that were told.
pub(super) enum Step {
    /// It is the newest of them.
    Known,
    /// It is on top of the newest.
    Next,
    /// Anything else.
    Apart,
}

impl Window {
    pub(super) fn way_to(&self, head: BlockHead) -> Step {
        match self.blocks.back().map(|told| told.head) {
            None => Step::Next,
            Some(newest) if newest.hash == head.hash => Step::Known,
            Some(newest) if newest.hash == head.parent => Step::Next,
            Some(_) => Step::Apart,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    pub(super) fn lowest(&self) -> Option<u64> {
        self.blocks.front().map(|told| told.head.number)
    }

    pub(super) fn contains(&self, block: ChainHash) -> bool {
        self.blocks.iter().any(|told| told.head.hash == block)
    }

    pub(super) fn clear(&mut self) {
        self.blocks.clear();
        self.events = 0;
    }

    /// Takes the newest away, unless it is `kept`.
    pub(super) fn pop_above(&mut self, kept: ChainHash) -> Option<Told> {
        let told = self.blocks.pop_back_if(|told| told.head.hash != kept)?;
        self.events -= told.events.len();
        Some(told)
    }

    pub(super) fn push(&mut self, told: Told) {
        self.events += told.events.len();
        self.blocks.push_back(told);
        while self.blocks.len() > WINDOW || (self.events > EVENTS_MAX && self.blocks.len() > 1) {
            let Some(oldest) = self.blocks.pop_front() else {
                return;
            };
            self.events -= oldest.events.len();
        }
    }

    /// What was told of the block of this number.
    pub(super) fn at(&self, number: u64) -> &[(WatchId, WalletEvent)] {
        let found = self.blocks.iter().find(|told| told.head.number == number);
        found.map_or(&[], |told| &told.events)
    }
}

/// So many blocks can be taken back.
const WINDOW: usize = 256;
/// So many events are kept, whatever blocks they are of.
const EVENTS_MAX: usize = 100_000;
