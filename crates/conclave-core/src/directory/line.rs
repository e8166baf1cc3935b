//! The events of one room in the order of their sequence numbers, whichever node stored them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use conclave_protocol::Event;

use super::Origin;

/// What this node has let through of a room's events, and what came too early.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// The last that was let through; `None` until the store has said where the line begins.
    heard: Option<u64>,
    held: BTreeMap<u64, (Arc<Event>, Origin)>,
    /// Whether something may be missing that nothing here points at.
    doubtful: bool,
}

/// How a room's line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is not known where it begins.
    Unopened,
    /// All is through up to this number, and nothing is missing.
    Whole(u64),
    /// What comes after this number has to be read from the store.
    Missing(u64),
}

impl Line {
    pub(super) fn standing(&self) -> Standing {
        match self.heard {
            None => Standing::Unopened,
            Some(heard) if self.doubtful || !self.held.is_empty() => Standing::Missing(heard),
            Some(heard) => Standing::Whole(heard),
        }
    }

    /// Says where the line begins, unless that is known: what is up to `head` was read by all
    /// who hear the room. What can be let through now.
    pub(super) fn open(&mut self, head: u64) -> Vec<(Arc<Event>, Origin)> {
        if self.heard.is_some() {
            return Vec::new();
        }
        self.heard = Some(head);
        self.held = self.held.split_off(&head.saturating_add(1));
        self.ready()
    }

    /// Takes an event. What can be let through now; nothing where it was let through before.
    pub(super) fn take(&mut self, event: Arc<Event>, origin: Origin) -> Vec<(Arc<Event>, Origin)> {
        if self.heard.is_some_and(|heard| event.seq <= heard) {
            return Vec::new();
        }
        match self.held.entry(event.seq) {
            // The store's copy may have come first: who caused it is still to be told apart.
            Entry::Occupied(mut held) if origin.connection != 0 => {
                held.get_mut().1 = origin;
            }
            Entry::Occupied(_) => {}
            Entry::Vacant(place) => {
                place.insert((event, origin));
            }
        }
        let ready = self.ready();
        if self.held.len() > HELD_MAX {
            // It is in the store, and is read from there with what is before it.
            self.held.pop_last();
            self.doubtful = true;
        }
        ready
    }

    /// Takes an event that was read from the store, with all that is stored before it: what lies
    /// between the last that was let through and this one does not exist.
    pub(super) fn fill(&mut self, event: Arc<Event>) -> Vec<(Arc<Event>, Origin)> {
        let Some(heard) = &mut self.heard else {
            return Vec::new();
        };
        *heard = (*heard).max(event.seq.saturating_sub(1));
        let beyond = self.held.split_off(&event.seq);
        self.held = beyond;
        self.take(event, Origin::default())
    }

    /// From now on something may be missing.
    pub(super) const fn doubt(&mut self) {
        self.doubtful = true;
    }

    /// What is missing is about to be read.
    pub(super) const fn trust(&mut self) {
        self.doubtful = false;
    }

    /// The store knows nothing of the room any more, so that nothing between can be read: all
    /// that waits.
    pub(super) fn end(&mut self) -> Vec<(Arc<Event>, Origin)> {
        self.doubtful = false;
        let held = std::mem::take(&mut self.held);
        let last = held.last_key_value().map(|(seq, _)| *seq);
        self.heard = last.or(self.heard);
        held.into_values().collect()
    }

    fn ready(&mut self) -> Vec<(Arc<Event>, Origin)> {
        let mut ready = Vec::new();
        let Some(heard) = &mut self.heard else {
            return ready;
        };
        while let Some(next) = self.held.remove(&heard.saturating_add(1)) {
            *heard = heard.saturating_add(1);
            ready.push(next);
        }
        ready
    }
}

/// Events of one room that may wait for one before them.
const HELD_MAX: usize = 1000;
