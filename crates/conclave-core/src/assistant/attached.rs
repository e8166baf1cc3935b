//! Where the assistant is attached, remembered for a moment: every message that is sent asks.

use std::collections::HashMap;
use std::time::Duration;

use conclave_protocol::{RoomId, RoomKind};
use parking_lot::Mutex;

/// Rooms in which the assistant may be attached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnsweredRooms(Vec<Box<str>>);

impl AnsweredRooms {
    /// By `*` for all, the names of kinds, and ids.
    #[must_use]
    pub fn new(names: impl IntoIterator<Item = Box<str>>) -> Self {
        Self(names.into_iter().collect())
    }

    /// Whether a room is one of them.
    #[must_use]
    pub fn have(&self, room: &RoomId, kind: RoomKind) -> bool {
        let is_it = |name: &str| name == "*" || name == kind.name() || name == room.as_str();
        self.0.iter().any(|name| is_it(name))
    }
}

/// Of the rooms that were asked about last: whether it is attached, and since when that is known.
#[derive(Debug, Default)]
pub(super) struct Attached(Mutex<HashMap<RoomId, (bool, Duration)>>);

impl Attached {
    /// What is known and not too old.
    pub(super) fn known(&self, room: &RoomId, now: Duration) -> Option<bool> {
        let rooms = self.0.lock();
        let (attached, since) = rooms.get(room).copied()?;
        (now.saturating_sub(since) < FRESH).then_some(attached)
    }

    /// The store says so.
    pub(super) fn learn(&self, room: &RoomId, attached: bool, now: Duration) {
        let mut rooms = self.0.lock();
        if rooms.len() >= ROOMS_MAX && !rooms.contains_key(room) {
            rooms.clear();
        }
        rooms.insert(room.clone(), (attached, now));
    }

    /// It may have changed.
    pub(super) fn forget(&self, room: &RoomId) {
        self.0.lock().remove(room);
    }
}

/// For so long another node's change may not be seen.
const FRESH: Duration = Duration::from_secs(1);
const ROOMS_MAX: usize = 10_000;
