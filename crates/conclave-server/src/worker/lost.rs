//! Connections that were cut off and may come back, and what they had been sent.

#[cfg(test)]
mod tests;
mod told;

use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use conclave_protocol::{CloseMeaning, Principal, Recovery, SessionId, Timestamp, UserId};
use parking_lot::Mutex;

use super::{Control, Worker};
use crate::node::Node;
pub(crate) use told::{Owned, Proof, Told};

/// Connections that were cut off within the last 2 minutes, here or on a node that stopped.
/// Bounded: when there are too many, who is cut off then comes back as a new one.
#[derive(Default)]
pub(crate) struct Lost {
    connections: Mutex<HashMap<Proof, Kept>>,
}

pub(super) struct Kept {
    pub(super) user: UserId,
    pub(super) session: SessionId,
    pub(super) sid: u128,
    pub(super) written: Written,
    pub(super) at: Timestamp,
    /// Whether it was another node's.
    pub(super) inherited: bool,
}

impl Lost {
    pub(super) fn keep(&self, client: Proof, kept: Kept, now: Timestamp) {
        let mut connections = self.connections.lock();
        if connections.len() >= LOST_MAX {
            connections.retain(|_, kept| now.since(kept.at) < AWAY);
        }
        if connections.len() < LOST_MAX {
            connections.insert(client, kept);
        }
    }

    /// Whether the client is one of these.
    pub(crate) fn knows(&self, client: &Proof) -> bool {
        self.connections.lock().contains_key(client)
    }

    /// The connection of that client, once, if it was this principal's.
    pub(super) fn take(
        &self,
        recovery: &Recovery,
        principal: &Principal,
        now: Timestamp,
    ) -> Option<Kept> {
        self.take_of(&Owned::new(recovery, principal)?, now)
    }

    fn take_of(&self, owned: &Owned, now: Timestamp) -> Option<Kept> {
        let mut connections = self.connections.lock();
        let kept = connections.get(&owned.client)?;
        if !owned.is_of(kept) || now.since(kept.at) >= AWAY {
            return None;
        }
        connections.remove(&owned.client)
    }

    /// What another node goes on with, once, under the same conditions.
    pub(crate) fn give_up(&self, owned: &Owned, now: Timestamp) -> Option<Told> {
        self.take_of(owned, now).map(|kept| Told::of(&kept))
    }

    /// Keeps what another node told of a client.
    pub(crate) fn inherit(&self, client: Proof, told: &Told, now: Timestamp) {
        let Some(kept) = told.kept().filter(|kept| now.since(kept.at) < AWAY) else {
            return;
        };
        let connections = self.connections.lock();
        let newer = connections.get(&client).is_some_and(|own| own.at > kept.at);
        drop(connections);
        if !newer {
            self.keep(client, kept, now);
        }
    }

    /// The client is somewhere else.
    pub(crate) fn forget(&self, client: &Proof) {
        self.connections.lock().remove(client);
    }

    /// All of them, for others.
    pub(crate) fn all(&self, now: Timestamp) -> Vec<(Proof, Told)> {
        let connections = self.connections.lock();
        let lasting = connections.iter();
        let lasting = lasting.filter(|(_, kept)| now.since(kept.at) < AWAY);
        let told = |(client, kept): (&Proof, &Kept)| (*client, Told::of(kept));
        lasting.map(told).collect()
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
    pub(super) fn release(&self, client: Proof, user: &UserId) {
        let mut left = None;
        self.each_connection(|connection| {
            if connection.is_client(client, user) {
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
    pub(crate) async fn release(&self, client: Proof, user: &UserId) {
        let ask = |answer| Control::Release {
            client,
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
