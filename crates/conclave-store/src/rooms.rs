//! Rooms on the store: what `RoomStore` of `conclave-core` says, one file for each part of it.
//!
//! Reading order: this file, `port` (the trait), `act` (a write and its events), `standing` (who
//! is asking), then `creation`, `membership`, `invitations`, `sending`, `receipts`; what reads:
//! `listing`, `history`, `profiles`, `log` (all events, for webhooks). `statement` has every SQL text, `row` the words of the
//! protocol; `remains` deletes what is left of deleted rooms.

mod act;
mod answer;
mod creation;
mod filling;
mod history;
mod invitations;
mod listing;
mod log;
mod membership;
mod port;
mod profiles;
mod receipts;
mod remains;
mod row;
mod sending;
mod standing;
pub(crate) mod statement;
mod together;

use std::sync::Arc;

use conclave_core::{Outlet, RoomFault, Stamp};
use conclave_protocol::{Limits, Refusal};

use crate::error::{Cause, Wrong};
use crate::sql::Connection;
use crate::writer::Guard;
use crate::{Store, StoreError};
use act::Act;
pub(crate) use row::message_id;
pub(crate) use together::{SendAsk, send_together};

/// The bounds of rooms that the store sees to; 0 means none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomLimits {
    /// Rooms one user is a member of; default 1,000.
    pub rooms_per_user: u32,
    /// Members of one room; default 10,000.
    pub members_per_room: u32,
}

impl RoomLimits {
    /// Those of the server.
    #[must_use]
    pub const fn of(limits: &Limits) -> Self {
        Self {
            rooms_per_user: limits.rooms_per_user,
            members_per_room: limits.members_per_room,
        }
    }
}

impl Default for RoomLimits {
    fn default() -> Self {
        Self::of(&Limits::default())
    }
}

/// Durable rooms in a [`Store`]; implements `RoomStore` of `conclave-core`. Cheap to clone.
#[derive(Clone)]
pub struct StoredRooms {
    store: Arc<Store>,
    outlet: Arc<dyn Outlet>,
    limits: RoomLimits,
}

impl Store {
    /// The rooms in this store; their events go to `outlet`, which is called on the store's
    /// writing thread: after the COMMIT, in the order of their numbers, before any caller of
    /// that commit has its answer. One of them for a store, or each hears only its own events.
    #[must_use]
    pub fn rooms(self: &Arc<Self>, outlet: Arc<dyn Outlet>, limits: RoomLimits) -> StoredRooms {
        StoredRooms {
            store: Arc::clone(self),
            outlet,
            limits,
        }
    }
}

impl StoredRooms {
    /// One transaction that may write; its events go out after the COMMIT.
    async fn act<T, F>(&self, guard: Guard, stamp: Stamp, operation: F) -> Result<T, RoomFault>
    where
        T: Send + 'static,
        F: AsyncFn(&mut Act<'_>) -> Result<T, Halt> + Send + 'static,
    {
        let (limits, outlet) = (self.limits, Arc::clone(&self.outlet));
        let done = self.store.writer().write_then(
            guard,
            async move |connection| {
                let mut act = Act::new(connection, stamp, limits);
                let value = operation(&mut act).await?;
                Ok::<_, Halt>((value, act.into_news()))
            },
            move |(_, news)| {
                for (channel, event) in news.drain(..) {
                    outlet.publish(channel, event, stamp.origin);
                }
            },
        );
        Ok(done.await.map(|(value, _)| value)?)
    }

    /// For one statement, which needs no transaction around it.
    async fn glance(&self) -> Result<Connection, Halt> {
        Ok(self.store.glance().await?)
    }

    /// One moment of the store, for reading; it ends when dropped.
    async fn view(&self) -> Result<Connection, Halt> {
        Ok(self.store.view().await?)
    }
}

/// Why an ask ends early.
#[derive(Debug)]
enum Halt {
    Refused(RoomFault),
    Store(StoreError),
}

impl Halt {
    const fn refused(refusal: Refusal, message: &'static str) -> Self {
        Self::Refused(RoomFault::refused(refusal, message))
    }

    const fn no_room() -> Self {
        Self::Refused(RoomFault::no_room())
    }

    const fn no_message() -> Self {
        Self::Refused(RoomFault::no_message())
    }

    const fn forbidden(message: &'static str) -> Self {
        Self::refused(Refusal::Forbidden, message)
    }
}

impl Wrong for Halt {
    fn cause(&self) -> Option<Cause> {
        match self {
            Self::Refused(_) => None,
            Self::Store(error) => Some(error.cause()),
        }
    }
}

impl From<RoomFault> for Halt {
    fn from(fault: RoomFault) -> Self {
        Self::Refused(fault)
    }
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<sqlx::Error> for Halt {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(StoreError::Statement(Box::new(error)))
    }
}

impl From<Halt> for RoomFault {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::Refused(fault) => fault,
            Halt::Store(error) => Self::Unavailable(Box::new(error)),
        }
    }
}
