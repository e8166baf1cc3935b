//! Messages and events are read, as they are now.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use conclave_core::{Actor, Messages, Page, Replay};
use conclave_protocol::{Event, EventKind, Message, MessageId, Room, RoomId, UserId};

use super::act::{CREATED, EDITED, ERASED, JOINED, LEFT, MESSAGE, ROLE_CHANGED, UPDATED};
use super::receipts::{self, Slowest};
use super::row::{self, MessageRow};
use super::standing;
use super::{Halt, listing, statement};
use crate::sql::{self, Connection};
use crate::{Store, StoreError, column};

pub(super) async fn page(
    connection: &mut Connection,
    viewer: &Actor,
    room: &RoomId,
    page: Page,
) -> Result<Messages, Halt> {
    let standing = standing::of(connection, room, &viewer.user).await?;
    let key = standing.open_to(viewer)?.room.key;
    let before = page.before.map_or(i64::MAX, column::integer);
    let limit = i64::from(page.limit.max(1));
    let mut rows: Vec<MessageRow> = match page.after {
        None => {
            let rows = sql::query_as(statement::MESSAGES_BEFORE).bind(key);
            let rows = rows.bind(before).bind(limit);
            rows.fetch_all(connection).await?
        }
        Some(after) => {
            let rows = sql::query_as(statement::MESSAGES_AFTER)
                .bind(key)
                .bind(column::integer(after))
                .bind(before);
            rows.bind(limit).fetch_all(connection).await?
        }
    };
    if page.after.is_some() {
        rows.reverse();
    }
    let slowest = receipts::slowest(connection, key).await?;
    let mut messages = Vec::with_capacity(rows.len());
    for row in rows {
        messages.extend(shown(row, room, &viewer.user, &slowest)?);
    }
    let (older, newer) = beside(connection, key, page, &messages).await?;
    Ok(Messages {
        messages,
        older,
        newer,
    })
}

/// The last place that a page may have a message of; what [`page`] refuses is refused.
pub(super) async fn needed(
    connection: &mut Connection,
    viewer: &Actor,
    room: &RoomId,
    page: Page,
) -> Result<i64, Halt> {
    let standing = standing::of(connection, room, &viewer.user).await?;
    let last = standing.open_to(viewer)?.room.last_seq;
    let below = page.before.map_or(i64::MAX, column::integer);
    Ok(last.min(below.saturating_sub(1)))
}

/// Whether there are messages before and after a page; of an empty one, beyond what it asked for.
async fn beside(
    connection: &mut Connection,
    key: i64,
    page: Page,
    messages: &[Message],
) -> Result<(bool, bool), Halt> {
    let newest = messages.first().map(|message| message.seq);
    let oldest = messages.last().map(|message| message.seq);
    let below = oldest.unwrap_or_else(|| match (page.after, page.before) {
        (Some(after), _) => after.saturating_add(1),
        (None, Some(before)) => before,
        (None, None) => 0,
    });
    let above = newest.unwrap_or_else(|| match (page.before, page.after) {
        (Some(before), _) => before.saturating_sub(1),
        (None, Some(after)) => after,
        (None, None) => 0,
    });
    let row = sql::query_as(statement::MESSAGES_BESIDE)
        .bind(key)
        .bind(column::integer(below))
        .bind(column::integer(above));
    Ok(row.fetch_one(connection).await?)
}

fn shown(
    row: MessageRow,
    room: &RoomId,
    viewer: &UserId,
    slowest: &Slowest,
) -> Result<Option<Message>, StoreError> {
    let message = row.message(room, viewer)?;
    Ok(message.map(|mut message| {
        message.status = slowest.state(&message);
        message
    }))
}

#[derive(sqlx::FromRow)]
pub(super) struct EventRow {
    pub(super) number: i64,
    pub(super) room: i64,
    room_id: String,
    seq: i64,
    kind: String,
    at: i64,
    user_id: Option<String>,
    role: Option<String>,
    #[sqlx(flatten)]
    message: MessageRow,
}

pub(super) async fn replay(
    connection: &mut Connection,
    viewer: &Actor,
    room: &RoomId,
    (after, limit): (u64, u32),
) -> Result<Replay, Halt> {
    let standing = standing::of(connection, room, &viewer.user).await?;
    let standing = standing.open_to(viewer)?;
    let rows = sql::query_as(statement::EVENT_LIST)
        .bind(standing.room.key)
        .bind(column::integer(after))
        .bind(i64::from(limit));
    let rows: Vec<EventRow> = rows.fetch_all(connection).await?;
    let mut past = Past::default();
    let mut events = Vec::with_capacity(rows.len());
    for row in rows {
        events.push(past.event(connection, row, &viewer.user).await?);
    }
    let last_seq = column::count(standing.room.last_seq)?;
    let shown_to = events.last().map_or(after, |event| event.seq);
    Ok(Replay {
        last_seq,
        more: shown_to < last_seq,
        events,
        by_any: standing.role.is_none(),
    })
}

pub(super) async fn missed(
    connection: &mut Connection,
    user: &UserId,
    after: u64,
    limit: u32,
) -> Result<Vec<Arc<Event>>, Halt> {
    let numbers = sql::query_scalar(statement::EVENTS_MISSED)
        .bind(user.as_str())
        .bind(column::integer(after))
        .bind(i64::from(limit));
    let numbers: Vec<i64> = numbers.fetch_all(connection).await?;
    let mut past = Past::default();
    let mut events = Vec::with_capacity(numbers.len());
    for number in numbers {
        let row = sql::query_as(statement::EVENT_BY_NUMBER).bind(number);
        let row: EventRow = row.fetch_one(connection).await?;
        events.push(past.event(connection, row, user).await?);
    }
    Ok(events)
}

pub(super) async fn newest_number(connection: &mut Connection) -> Result<u64, Halt> {
    Ok(column::count(Store::newest(connection).await?)?)
}

/// What rows of several rooms need beside themselves, read once for each room.
#[derive(Default)]
pub(super) struct Past {
    slowest: HashMap<i64, Slowest>,
}

impl Past {
    async fn slowest(&mut self, connection: &mut Connection, room: i64) -> Result<&Slowest, Halt> {
        match self.slowest.entry(room) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(place) => Ok(place.insert(receipts::slowest(connection, room).await?)),
        }
    }

    pub(super) async fn event(
        &mut self,
        connection: &mut Connection,
        row: EventRow,
        viewer: &UserId,
    ) -> Result<Arc<Event>, Halt> {
        let room = row::room(&row.room_id)?;
        let slowest = self.slowest(connection, row.room).await?;
        let message = shown(row.message, &room, viewer, slowest)?.map(Box::new);
        let user = row.user_id.as_deref().map(column::user).transpose()?;
        let role = row::role(row.role.as_deref())?;
        let kind = match (row.kind.as_str(), message, user, role) {
            (MESSAGE, Some(message), ..) => EventKind::Message(message),
            (EDITED, Some(message), ..) => EventKind::Edited(message),
            (ERASED, Some(message), Some(by), _) => EventKind::Erased {
                message: message.id,
                by,
            },
            (JOINED, _, Some(user), _) => EventKind::Joined { user },
            (LEFT, _, Some(user), _) => EventKind::Left { user },
            (ROLE_CHANGED, _, Some(user), Some(role)) => EventKind::RoleChanged { user, role },
            (CREATED, ..) => EventKind::Created(nobodys(connection, row.room).await?),
            (UPDATED, ..) => EventKind::Updated(nobodys(connection, row.room).await?),
            _ => return Err(StoreError::Value("event").into()),
        };
        Ok(Arc::new(Event {
            room: Some(room),
            seq: column::count(row.seq)?,
            number: column::count(row.number)?,
            at: column::timestamp(row.at)?,
            kind,
        }))
    }
}

/// The room as it is now, and nobody's in particular.
async fn nobodys(connection: &mut Connection, room: i64) -> Result<Box<Room>, Halt> {
    let room = listing::by_key(connection, room).await?;
    Ok(Box::new(room.room(None, 0)?))
}

#[derive(sqlx::FromRow)]
struct OfflineRow {
    room: i64,
    room_id: String,
    #[sqlx(flatten)]
    message: MessageRow,
}

pub(super) async fn offline(
    connection: &mut Connection,
    user: &UserId,
    (after, limit): (Option<MessageId>, u32),
) -> Result<Vec<Message>, Halt> {
    let (room, seq) = match after {
        None => (String::new(), 0),
        Some(message) => place(connection, user, message).await?,
    };
    let rows = sql::query_as(statement::OFFLINE_LIST)
        .bind(user.as_str())
        .bind(room)
        .bind(seq)
        .bind(i64::from(limit));
    let rows: Vec<OfflineRow> = rows.fetch_all(connection).await?;
    let mut past = Past::default();
    let mut messages = Vec::with_capacity(rows.len());
    for row in rows {
        let room = row::room(&row.room_id)?;
        let slowest = past.slowest(connection, row.room).await?;
        messages.extend(shown(row.message, &room, user, slowest)?);
    }
    Ok(messages)
}

/// Whether there is any such message; one statement.
pub(super) async fn any_offline(connection: &mut Connection, user: &UserId) -> Result<bool, Halt> {
    let any = sql::query_scalar(statement::OFFLINE_ANY).bind(user.as_str());
    let any: Option<i64> = any.fetch_optional(connection).await?;
    Ok(any.is_some())
}

/// Where a message is that a user may see, deleted or not.
async fn place(
    connection: &mut Connection,
    user: &UserId,
    message: MessageId,
) -> Result<(String, i64), Halt> {
    let row = sql::query_as(statement::MESSAGE_PLACE)
        .bind(message.0.to_be_bytes().to_vec())
        .bind(user.as_str());
    let row: Option<(String, i64)> = row.fetch_optional(connection).await?;
    row.ok_or(Halt::no_message())
}

pub(super) async fn offline_count(connection: &mut Connection, user: &UserId) -> Result<u64, Halt> {
    let counts = sql::query_scalar(statement::OFFLINE_COUNT).bind(user.as_str());
    let counts: Vec<i64> = counts.fetch_all(connection).await?;
    Ok(column::count(counts.iter().sum())?)
}
