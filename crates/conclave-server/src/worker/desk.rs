//! What backends ask of connections (server.md): which there are, and to end some.

use std::net::IpAddr;
use std::time::Duration;

use conclave_protocol::{Start, Timestamp, UserId};

use super::connection::{Connection, Phase};
use super::{SLOT_SHIFT, SLOTS, WORKER_SHIFT, Worker};

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
    /// The connections that come after this id: by worker, then by slot, which is the order of
    /// ids at any one moment.
    pub(super) fn listed(&self, after: u64, limit: usize) -> Vec<Listed> {
        let first = if worker_of(after) == self.number && after != 0 {
            u32::try_from((after >> SLOT_SHIFT) & SLOTS).map_or(0, |slot| slot.saturating_add(1))
        } else {
            0
        };
        let slots = self.slots.borrow().connections.len();
        (first..u32::try_from(slots).unwrap_or(u32::MAX))
            .filter_map(|slot| self.connection(slot))
            .filter(|connection| connection.is_open())
            .take(limit)
            .map(|connection| connection.listed())
            .collect()
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
        }
    }
}
