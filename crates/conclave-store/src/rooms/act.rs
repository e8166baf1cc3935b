//! One write of rooms: the transaction it is in, and the events that go out after its COMMIT.

use std::sync::Arc;

use conclave_core::Stamp;
use conclave_protocol::{Channel, Event, EventKind, RoomId, UserId};

use super::row::RoomRow;
use super::{Halt, RoomLimits, statement};
use crate::sql::{self, Connection};
use crate::{StoreError, column};

/// An event on its way.
pub(super) type News = Vec<(Channel, Arc<Event>)>;

/// One write.
pub(super) struct Act<'c> {
    pub(super) connection: &'c mut Connection,
    pub(super) stamp: Stamp,
    pub(super) limits: RoomLimits,
    news: News,
}

/// What happened, in the columns of a stored event, and the message it is about by its `seq`.
#[derive(Default)]
struct Columns<'a> {
    kind: &'static str,
    target: Option<u64>,
    user: Option<&'a UserId>,
    role: Option<&'static str>,
}

impl<'c> Act<'c> {
    pub(super) const fn new(
        connection: &'c mut Connection,
        stamp: Stamp,
        limits: RoomLimits,
    ) -> Self {
        Self {
            connection,
            stamp,
            limits,
            news: Vec::new(),
        }
    }

    pub(super) fn into_news(self) -> News {
        self.news
    }

    /// When it is done, as a column.
    pub(super) fn at(&self) -> i64 {
        column::millis(self.stamp.at)
    }

    /// Stores an event at the room's next place, which it returns. `target` is the place of the
    /// message that an erasure is about.
    pub(super) async fn record(
        &mut self,
        room: &mut RoomRow,
        kind: EventKind,
        target: Option<u64>,
    ) -> Result<u64, Halt> {
        let seq = room.last_seq + 1;
        let columns = columns(&kind, target);
        let row = sql::query_scalar(statement::EVENT_ADD)
            .bind(room.key)
            .bind(seq)
            .bind(columns.kind)
            .bind(column::millis(self.stamp.at))
            .bind(columns.target.map(column::integer))
            .bind(columns.user.map(UserId::as_str))
            .bind(columns.role);
        let numbers: Vec<i64> = row.fetch_all(&mut *self.connection).await?;
        room.last_seq = seq;
        self.stored(room, numbers, kind)
    }

    /// An event that is stored at the room's last place goes to the room.
    pub(super) fn stored(
        &mut self,
        room: &RoomRow,
        numbers: Vec<i64>,
        kind: EventKind,
    ) -> Result<u64, Halt> {
        let number = numbers.last().copied();
        let number = number.ok_or(StoreError::Value("number of an event"))?;
        let (id, seq) = (room.id()?, column::count(room.last_seq)?);
        self.tell_stored(&id, (seq, number), kind)?;
        Ok(seq)
    }

    /// An event that is stored at this place of the room, with this number.
    pub(super) fn tell_stored(
        &mut self,
        room: &RoomId,
        (seq, number): (u64, i64),
        kind: EventKind,
    ) -> Result<(), StoreError> {
        let event = Event {
            room: Some(room.clone()),
            seq,
            number: column::count(number)?,
            at: self.stamp.at,
            kind,
        };
        self.news
            .push((Channel::Room(room.clone()), Arc::new(event)));
        Ok(())
    }

    /// An event that is not stored.
    pub(super) fn tell(&mut self, channel: Channel, room: &RoomId, kind: EventKind) {
        self.news.push((channel, self.fleeting(room, kind)));
    }

    /// An event that is not stored, to be told in more than one place.
    pub(super) fn tell_both(&mut self, channels: [Channel; 2], room: &RoomId, kind: EventKind) {
        let event = self.fleeting(room, kind);
        for channel in channels {
            self.news.push((channel, Arc::clone(&event)));
        }
    }

    fn fleeting(&self, room: &RoomId, kind: EventKind) -> Arc<Event> {
        Arc::new(Event {
            room: Some(room.clone()),
            seq: 0,
            number: 0,
            at: self.stamp.at,
            kind,
        })
    }
}

fn columns(kind: &EventKind, target: Option<u64>) -> Columns<'_> {
    let mut columns = Columns {
        target,
        ..Columns::default()
    };
    match kind {
        EventKind::Created(_) => columns.kind = CREATED,
        EventKind::Message(message) => {
            (columns.kind, columns.target) = (MESSAGE, Some(message.seq));
        }
        EventKind::Edited(message) => {
            (columns.kind, columns.target) = (EDITED, Some(message.seq));
        }
        EventKind::Erased { by, .. } => (columns.kind, columns.user) = (ERASED, Some(by)),
        EventKind::Joined { user } => (columns.kind, columns.user) = (JOINED, Some(user)),
        EventKind::Left { user } => (columns.kind, columns.user) = (LEFT, Some(user)),
        EventKind::RoleChanged { user, role } => {
            (columns.kind, columns.user) = (ROLE_CHANGED, Some(user));
            columns.role = Some(role.name());
        }
        EventKind::Updated(_) => columns.kind = UPDATED,
        // Of a deleted room no event stays; the row gives it its number.
        EventKind::Deleted
        | EventKind::Receipt(_)
        | EventKind::Entered { .. }
        | EventKind::Invited(_)
        | EventKind::Answering { .. }
        | EventKind::AnswerPart(_)
        | EventKind::AnswerFailed(_)
        | EventKind::ContextUsed { .. }
        | EventKind::Typing { .. }
        | EventKind::Presence(_)
        | EventKind::Named { .. }
        | EventKind::Notice { .. }
        | EventKind::SystemStatus { .. } => columns.kind = DELETED,
    }
    columns
}

pub(super) const CREATED: &str = "created";
const DELETED: &str = "deleted";
pub(super) const EDITED: &str = "edited";
pub(super) const ERASED: &str = "erased";
pub(super) const JOINED: &str = "joined";
pub(super) const LEFT: &str = "left";
/// Also in the trigger `message_stored`.
pub(super) const MESSAGE: &str = "message";
pub(super) const ROLE_CHANGED: &str = "role";
pub(super) const UPDATED: &str = "updated";
