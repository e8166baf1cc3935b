//! Connections that were cut off and may come back, and what they had been sent.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use conclave_protocol::{CloseMeaning, Principal, Recovery, SessionId, Timestamp, UserId};
use parking_lot::Mutex;

use super::{Control, Worker};
use crate::node::Node;

/// Connections that were cut off within the last 2 minutes. Bounded: when there are too many, who
/// is cut off then comes back as a new one.
#[derive(Default)]
pub(crate) struct Lost {
    connections: Mutex<HashMap<u128, Kept>>,
}

pub(super) struct Kept {
    pub(super) user: UserId,
    pub(super) session: SessionId,
    pub(super) sid: u128,
    pub(super) written: Written,
    pub(super) at: Timestamp,
}

impl Lost {
    pub(super) fn keep(&self, secret: u128, kept: Kept) {
        let mut connections = self.connections.lock();
        let now = kept.at;
        if connections.len() >= LOST_MAX {
            connections.retain(|_, kept| now.since(kept.at) < AWAY);
        }
        if connections.len() < LOST_MAX {
            connections.insert(secret, kept);
        }
    }

    pub(super) fn knows(&self, recovery: &Recovery) -> bool {
        self.connections.lock().contains_key(&recovery.secret)
    }

    /// The connection of that secret, once, if it was this principal's.
    pub(super) fn take(
        &self,
        recovery: &Recovery,
        principal: &Principal,
        now: Timestamp,
    ) -> Option<Kept> {
        let mut connections = self.connections.lock();
        let kept = connections.get(&recovery.secret)?;
        let same = principal.user.as_ref() == Some(&kept.user)
            && principal.session == kept.session
            && now.since(kept.at) < AWAY;
        if !same {
            return None;
        }
        connections.remove(&recovery.secret)
    }

    /// Forgets those that were away too long.
    pub(crate) fn expire(&self, now: Timestamp) {
        let mut connections = self.connections.lock();
        connections.retain(|_, kept| now.since(kept.at) < AWAY);
        connections.shrink_to(1024);
    }
}

impl Worker {
    /// Ends a client's connection as if its socket had: the client is back on another.
    pub(super) fn release(&self, secret: u128, user: &UserId) {
        let mut left = None;
        self.each_connection(|connection| {
            if connection.is_client(secret, user) {
                left = Some(Rc::clone(connection));
            }
        });
        if let Some(left) = left {
            left.keep_for_return();
            left.cut(CloseMeaning::Superseded);
        }
    }
}

impl Node {
    /// Ends a client's old connection, of whichever worker; returns when it is in [`Lost`].
    pub(super) async fn release(&self, secret: u128, user: &UserId) {
        let ask = |answer| Control::Release {
            secret,
            user: user.clone(),
            answer,
        };
        self.ask(0..self.controls.len(), ask).await;
    }
}

/// In which order stored events were written: by their numbers, but for some that came late.
#[derive(Clone, Debug, Default)]
pub(super) struct Written {
    highest: u64,
    /// `None` where none ever came late.
    late: Option<Box<Late>>,
}

#[derive(Clone, Debug, Default)]
struct Late {
    /// (event, the highest number written before it).
    events: VecDeque<(u64, u64)>,
    /// Of those that are forgotten the highest number written before one.
    forgotten: u64,
}

impl Written {
    /// Whether nothing that was written has this number or a higher one.
    pub(super) const fn is_news(&self, number: u64) -> bool {
        number > self.highest
    }

    /// An event is written.
    pub(super) fn note(&mut self, number: u64) {
        if number > self.highest {
            self.highest = number;
        } else if number > 0 {
            let Late { events, forgotten } = &mut **self.late.get_or_insert_default();
            // The client has not got what is written to it again.
            events.retain(|(written, _)| *written != number);
            if events.len() >= LATE_MAX {
                *forgotten = events.pop_front().map_or(*forgotten, |(_, before)| before);
            }
            events.push_back((number, self.highest));
        }
    }

    /// Of a client whose last event was `last`: it has all up to the first number, but for the
    /// listed ones. `None` where that is not known any more.
    pub(super) fn missed_after(&self, last: u64) -> Option<(u64, Vec<u64>)> {
        // Who was never sent that much is somebody else's client, or makes it up.
        if last > self.highest {
            return None;
        }
        let Some(Late { events, forgotten }) = self.late.as_deref() else {
            return (last > 0).then(|| (last, Vec::new()));
        };
        let place = events.iter().position(|(number, _)| *number == last);
        // A late event that was the last one to arrive: what was written before it, by number,
        // and of the late ones those behind it are missed.
        let (reached, behind) = match place {
            Some(place) => {
                let reached = events.get(place).map_or(last, |(_, before)| *before);
                (reached, place + 1)
            }
            None if last <= *forgotten => return None,
            None => (last, 0),
        };
        let late = events.iter().skip(behind);
        let missed = late.filter(|(number, before)| *number <= reached && *before >= reached);
        Some((reached, missed.map(|(number, _)| *number).collect()))
    }

    /// For a client that is now sent what it missed, with `reached` as [`Written::missed_after`]
    /// says: all behind that is written again.
    pub(super) fn back_to(mut self, reached: u64) -> Self {
        if let Some(late) = &mut self.late {
            late.events.retain(|(number, _)| *number <= reached);
            for (_, before) in &mut late.events {
                *before = reached.min(*before);
            }
        }
        self.highest = reached;
        self
    }
}

const AWAY: Duration = Duration::from_secs(120);
const LOST_MAX: usize = 20_000;
const LATE_MAX: usize = 32;
