//! How many connections each surface has.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};

/// One counter for each surface; each worker adds to them as connections come and go.
#[derive(Debug)]
pub(crate) struct Surfaces([(&'static str, AtomicI64); 6]);

impl Default for Surfaces {
    fn default() -> Self {
        Self(NAMES.map(|name| (name, AtomicI64::new(0))))
    }
}

impl Surfaces {
    /// A connection of this surface came (1) or went (-1).
    pub(crate) fn add(&self, name: &str, change: i64) {
        if let Some((_, count)) = self.0.iter().find(|(known, _)| *known == name) {
            count.fetch_add(change, Ordering::Relaxed);
        }
    }

    /// The surface of that name.
    pub(crate) fn name(&self, name: &str) -> Option<&'static str> {
        let mut known = self.0.iter().map(|(known, _)| *known).chain(["echo"]);
        known.find(|known| *known == name)
    }

    /// The surfaces that `/ws/stats` always names, and those that have connections.
    pub(crate) fn counts(&self) -> BTreeMap<&'static str, u32> {
        let count = |count: &AtomicI64| u32::try_from(count.load(Ordering::Relaxed)).unwrap_or(0);
        let all = self.0.iter().map(|(name, value)| (*name, count(value)));
        all.filter(|(name, count)| *count > 0 || ALWAYS.contains(name))
            .collect()
    }
}

/// As the dialects name themselves.
const NAMES: [&str; 6] = [
    "conversation",
    "general",
    "service",
    "socketio",
    "topics",
    "web3",
];
const ALWAYS: [&str; 3] = ["conversation", "general", "web3"];
