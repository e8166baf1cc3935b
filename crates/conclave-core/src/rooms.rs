//! Rooms: durable, ordered, with members (contracts, "Rules of rooms").
//!
//! Every ask comes in a permit, which says that the user has the permission; whether they are a
//! member, and what they are there, the store says in the transaction that does what was asked.
//! What was stored comes back from the store as events, through [`Outlet`], to the directory.
//!
//! Reading order: `port` (what is asked of the store), this file, `messages`, `membership`,
//! `hearing`, `gaps`, `checks`, `answers` (what was said of those under way) and `overheard` (of other
//! nodes' answers), then `typing`, `attendance`, `rates`; `memory` is a store for tests.

mod answers;
mod attendance;
mod checks;
mod gaps;
mod hearing;
mod membership;
mod memory;
mod messages;
mod overheard;
mod port;
pub(crate) mod rates;
mod survey;
pub(crate) mod typing;

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::Arc;

use conclave_protocol::{Body, Channel, Event, EventKind, Limits, RoomId, Timestamp, UserId};

use answers::Transcripts;
pub use attendance::{Attendance, Change};
pub use checks::suited;
pub use memory::MemoryRooms;
pub use overheard::{AnswerPiece, Elsewhere};
pub use port::{
    Created, Entered, Head, Messages, NewMessage, NewRoom, NextRoom, Outlet, Page, Replay,
    RoomFault, RoomStore, Scope, Sent, Stamp,
};
pub use survey::Surveyed;

use crate::directory::Origin;
use crate::{Actor, ConnectionTable, Directory, SharedLimit, Spent};
use overheard::Overheard;
use rates::Rates;
use typing::Typing;

/// The service of rooms. Shared by all workers and by HTTP.
pub struct Rooms {
    store: Arc<dyn RoomStore>,
    directory: Arc<Directory>,
    witness: Arc<dyn Witness>,
    limits: Limits,
    typing: Typing,
    attendance: Attendance,
    transcripts: Transcripts,
    overheard: Overheard,
    connections: Arc<ConnectionTable>,
    of_user: Rates<UserId>,
    of_room: Rates<RoomId>,
    typed_by: Rates<UserId>,
}

/// Who is told that a power beside membership was used (identity.md: "each use audited").
pub trait Witness: Send + Sync {
    /// The user did `what` by `room.any` or `chat:moderate`, which their membership alone did
    /// not allow.
    fn power_used(&self, user: &UserId, what: &'static str, subject: &str);
}

impl std::fmt::Debug for Rooms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rooms").finish_non_exhaustive()
    }
}

/// Does something with the actor's memberships alone; where those do not allow it and the actor
/// has more power, with that, before a witness.
macro_rules! powered {
    ($rooms:expr, $actor:expr, $what:literal, $subject:expr, |$by:ident| $ask:expr) => {{
        let actor: &$crate::Actor = $actor;
        let plain = actor.plainly();
        let $by = &plain;
        match $ask.await {
            Err(fault) if actor.has_power() && $crate::rooms::is_about_rights(&fault) => {
                let $by = actor;
                let done = $ask.await?;
                $rooms.witness.power_used(&actor.user, $what, &$subject);
                Ok(done)
            }
            done => done,
        }
    }};
}
use powered;

fn is_about_rights(fault: &RoomFault) -> bool {
    use conclave_protocol::Refusal;
    matches!(fault.refusal(), Refusal::NotFound | Refusal::Forbidden)
}

impl Rooms {
    /// The service over a store whose events go to the same directory.
    #[must_use]
    pub fn new(
        store: Arc<dyn RoomStore>,
        directory: Arc<Directory>,
        witness: Arc<dyn Witness>,
        limits: Limits,
    ) -> Self {
        Self {
            of_user: Rates::new(limits.user_messages_per_second),
            of_room: Rates::new(limits.room_messages_per_second),
            typed_by: Rates::new(limits.user_messages_per_second),
            store,
            directory,
            witness,
            limits,
            typing: Typing::default(),
            attendance: Attendance::default(),
            transcripts: Transcripts::default(),
            overheard: Overheard::default(),
            connections: ConnectionTable::new(),
        }
    }

    /// The same, with who has connections at this moment.
    #[must_use]
    pub fn with_connections(self, connections: Arc<ConnectionTable>) -> Self {
        Self {
            connections,
            ..self
        }
    }

    /// The same, and whether there are other nodes that share the limits: then what is taken of
    /// them is to be had by [`Rooms::take_spent`].
    #[must_use]
    pub fn with_shared_limits(self, are_shared: bool) -> Self {
        if are_shared {
            self.of_user.share();
            self.of_room.share();
        }
        self
    }

    /// Adds what was taken of the limits since the last call.
    pub fn take_spent(&self, into: &mut Vec<Spent>) {
        let spent = |limit, key: &str, count| Spent {
            limit,
            key: key.into(),
            count,
        };
        let users = self.of_user.take_untold().into_iter();
        into.extend(
            users.map(|(user, count)| spent(SharedLimit::UserMessages, user.as_str(), count)),
        );
        let rooms = self.of_room.take_untold().into_iter();
        into.extend(
            rooms.map(|(room, count)| spent(SharedLimit::RoomMessages, room.as_str(), count)),
        );
    }

    /// Takes from a limit what was taken on another node.
    pub fn charge(&self, limit: SharedLimit, key: &str, count: u32, now: Timestamp) {
        match limit {
            SharedLimit::UserMessages => {
                if let Ok(user) = UserId::new(key) {
                    self.of_user.charge(&user, count, now);
                }
            }
            SharedLimit::RoomMessages => {
                if let Ok(room) = RoomId::new(key) {
                    self.of_room.charge(&room, count, now);
                }
            }
            SharedLimit::Handshakes | SharedLimit::Requests | SharedLimit::SignIns => {}
        }
    }

    /// Who is there.
    #[must_use]
    pub const fn attendance(&self) -> &Attendance {
        &self.attendance
    }

    /// The limits it obeys.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Ends typing that has lasted 5 seconds. Called a few times a second.
    pub fn expire_typing(&self, now: Timestamp) {
        for (room, user) in self.typing.expire(now) {
            self.say_typing(room, user, false, now);
        }
    }

    /// Ends what a connection typed. Called when it ends.
    pub fn end_typing_of(&self, connection: u64, now: Timestamp) {
        for (room, user) in self.typing.end_connection(connection) {
            self.say_typing(room, user, false, now);
        }
    }

    /// Tells those who share rooms with these users that they came or went, and keeps when those
    /// who went were last there.
    ///
    /// # Errors
    /// `Unavailable`; then nobody is told, or those who went are not kept.
    pub async fn tell_presence(&self, changes: &[Change], now: Timestamp) -> Result<(), RoomFault> {
        let latest: HashMap<&UserId, bool> = changes
            .iter()
            .map(|change| (&change.user, change.online))
            .collect();
        let users: Vec<UserId> = latest.keys().map(|user| (*user).clone()).collect();
        for (user, room) in self.store.rooms_of_each(&users).await? {
            let online = latest.get(&user).copied().unwrap_or_default();
            let last_seen = (!online).then_some(now);
            let presence = conclave_protocol::Presence {
                user,
                online,
                last_seen,
            };
            self.clear().await;
            let event = fleeting(Some(room.clone()), now, EventKind::Presence(presence));
            // Every node sees who comes and goes on the others, and tells its own clients.
            let channel = Channel::Room(room);
            self.directory
                .publish_here(channel, event, now, Origin::default());
        }
        let gone = latest.into_iter().filter(|(_, online)| !online);
        let gone: Vec<UserId> = gone.map(|(user, _)| user.clone()).collect();
        if gone.is_empty() {
            return Ok(());
        }
        self.store.seen(&gone, now).await
    }

    fn say_typing(&self, room: RoomId, user: UserId, typing: bool, now: Timestamp) {
        self.say(Some(room), now, EventKind::Typing { user, typing });
    }

    /// Publishes what is not stored, on the room's channel or on everybody's.
    fn say(&self, room: Option<RoomId>, at: Timestamp, kind: EventKind) {
        let channel = room.clone().map_or(Channel::System, Channel::Room);
        let event = fleeting(room, at, kind);
        Directory::publish(&self.directory, channel, event, at, Origin::default());
    }

    /// Ready when no worker has too much to deliver.
    async fn clear(&self) {
        poll_fn(|context| self.directory.poll_clear(context)).await;
    }
}

impl Outlet for Directory {
    fn publish(&self, channel: Channel, event: Arc<Event>, origin: Origin) {
        let at = event.at;
        Self::publish(self, channel, Body::Event(event), at, origin);
    }
}

fn fleeting(room: Option<RoomId>, at: Timestamp, kind: EventKind) -> Body {
    Body::Event(Arc::new(Event {
        room,
        seq: 0,
        number: 0,
        at,
        kind,
    }))
}

impl Actor {
    /// The same user without power beside their memberships.
    fn plainly(&self) -> Self {
        Self::plain(self.user.clone())
    }

    const fn has_power(&self) -> bool {
        self.any || self.moderator
    }
}

/// Of a permit that an anonymous principal could not get.
fn no_user() -> RoomFault {
    use conclave_protocol::Refusal;
    RoomFault::refused(Refusal::Forbidden, "Permission denied: a token is required")
}
