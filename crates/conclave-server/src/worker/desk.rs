//! What backends ask of connections (server.md): which there are, and to end some.

use std::net::IpAddr;
use std::time::Duration;

use conclave_core::Search;
use conclave_protocol::{Channel, Start, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::connection::{Connection, Phase};
use super::{SERIALS, SLOT_SHIFT, SLOTS, WORKER_SHIFT, Worker};

/// An open connection.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    /// As the server numbers it.
    pub(crate) id: u64,
    /// `None` where anonymous.
    pub(crate) user: Option<UserId>,
    /// As clients call it.
    pub(crate) session: String,
    /// The surface's name.
    pub(crate) surface: &'static str,
    /// The client's.
    pub(crate) address: IpAddr,
    /// When it was opened.
    pub(crate) since: Timestamp,
    /// What it has done and holds.
    pub(crate) load: Load,
}

/// What a connection has done and holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Load {
    /// Messages that came from it.
    pub(crate) received: u64,
    /// Bytes that its socket did not take yet.
    pub(crate) outbox_bytes: usize,
    /// Channels that it hears.
    pub(crate) subscriptions: usize,
}

/// Which connections are listed.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    /// Those that come after this id; 0 for all.
    pub(crate) after: u64,
    /// At most so many.
    pub(crate) limit: usize,
    /// Those with this in their user, session, address or surface.
    pub(crate) search: Option<Search>,
}

/// What was found on a worker.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    /// At most as many as were asked for.
    pub(crate) connections: Vec<Listed>,
    /// The last one that was looked at, where there may be more.
    pub(crate) next: Option<u64>,
}

/// Which connections are to end, and how.
#[derive(Clone, Debug)]
pub(crate) struct Kick {
    /// Which.
    pub(crate) target: Target,
    /// Instead of the surface's own code.
    pub(crate) code: Option<u16>,
    /// Instead of the surface's own reason; at most 123 bytes.
    pub(crate) reason: Option<Box<str>>,
}

/// Which connections.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// This one.
    Connection(u64),
    /// Those of a user.
    User(UserId),
}

/// The worker of a connection.
pub(crate) fn worker_of(connection: u64) -> usize {
    usize::try_from(connection >> WORKER_SHIFT).unwrap_or(usize::MAX)
}

impl Worker {
    /// The connections that come after an id: by worker, then by slot, which is the order of
    /// ids at any one moment. Looks at a bounded number of slots, since others wait meanwhile.
    pub(super) fn listed(&self, listing: &Listing) -> Found {
        let after = listing.after;
        let first = if worker_of(after) == self.number && after != 0 {
            u32::try_from((after >> SLOT_SHIFT) & SLOTS).map_or(0, |slot| slot.saturating_add(1))
        } else {
            0
        };
        let slots = self.slots.borrow().connections.len();
        let slots = u32::try_from(slots).unwrap_or(u32::MAX);
        let end = slots.min(first.saturating_add(LOOKED_AT_MAX));
        let mut found = Found::default();
        for slot in first..end {
            let Some(connection) = self.connection(slot).filter(|open| open.is_open()) else {
                continue;
            };
            if listing
                .search
                .as_ref()
                .is_none_or(|search| connection.has(search))
            {
                found.connections.push(connection.listed());
            }
            if found.connections.len() >= listing.limit {
                found.next = Some(connection.id);
                return found;
            }
        }
        found.next = (end < slots).then(|| self.id_of(end.saturating_sub(1)));
        found
    }

    /// Those that hear a channel.
    pub(super) fn hearing(&self, channel: &Channel, limit: usize) -> Vec<Listed> {
        let slots = self
            .hub
            .audience(channel)
            .map_or_else(Vec::new, |audience| audience.slots(limit));
        slots
            .into_iter()
            .filter_map(|slot| self.connection(slot))
            .map(|connection| connection.listed())
            .collect()
    }

    /// An id of whoever is or was in a slot.
    fn id_of(&self, slot: u32) -> u64 {
        let worker = u64::try_from(self.number).unwrap_or(0);
        worker << WORKER_SHIFT | u64::from(slot) << SLOT_SHIFT | SERIALS
    }

    /// Ends connections; how many.
    pub(super) fn kick(&self, kick: &Kick) -> usize {
        let mut gone = Vec::new();
        match &kick.target {
            Target::Connection(id) => gone.extend(self.by_id(*id)),
            Target::User(user) => self.each_connection(|connection| {
                if connection.principal.borrow().user.as_ref() == Some(user) {
                    gone.push(std::rc::Rc::clone(connection));
                }
            }),
        }
        gone.retain(|connection| connection.is_open());
        for connection in &gone {
            connection.kick(kick.code, kick.reason.as_deref());
        }
        gone.len()
    }
}

impl Connection {
    fn is_open(&self) -> bool {
        matches!(self.phase.get(), Phase::Open | Phase::Answering(_))
    }

    /// Whether it is known who it is, or that nobody will say so.
    pub(super) fn is_known(&self) -> bool {
        self.start_kind != Start::Connect || self.principal.borrow().user.is_some()
    }

    fn has(&self, search: &Search) -> bool {
        let principal = self.principal.borrow();
        let user = principal.user.as_ref();
        user.is_some_and(|user| search.is_in(user.as_str()))
            || search.is_in(self.surface_name())
            || search.is_in(&principal.session.shown())
            || search.is_in(&self.address.to_canonical().to_string())
    }

    pub(super) fn listed(&self) -> Listed {
        let principal = self.principal.borrow();
        let age = self.worker.seconds().saturating_sub(self.opened_at);
        let age = Duration::from_secs(u64::from(age)).as_millis();
        let now = self.worker.node.clock.now().millis();
        Listed {
            id: self.id,
            user: principal.user.clone(),
            session: principal.session.shown(),
            surface: self.surface_name(),
            address: self.address,
            since: Timestamp::from_millis(
                now.saturating_sub(u64::try_from(age).unwrap_or(u64::MAX)),
            ),
            load: Load {
                received: self.received.get(),
                outbox_bytes: self.outbox_bytes(),
                subscriptions: self.memberships.borrow().len(),
            },
        }
    }
}

/// Slots that one question looks at.
const LOOKED_AT_MAX: u32 = 4096;
