//! Messages that were sent at the same time, stored in one trip to PostgreSQL. It does for each
//! what is usual, or nothing: what is unusual is done after it, one by one.

use std::sync::{Mutex, PoisonError};

use conclave_protocol::{MessageId, SendMessage, UserId};

use super::sending::fingerprint;
use crate::sql::{self, Connection, Statement};

/// A message to be stored with others, and where it was.
#[derive(Debug)]
pub(crate) struct SendAsk {
    room: Box<str>,
    author: Box<str>,
    id: MessageId,
    kind: &'static str,
    content: Box<str>,
    reply_to: Option<MessageId>,
    client_id: Option<Box<str>>,
    at: i64,
    placed: Mutex<Option<Placed>>,
}

/// Where a message was stored, and what its author shows.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) number: i64,
    pub(super) seq: i64,
    pub(super) name: Option<String>,
    pub(super) avatar: Option<String>,
}

impl SendAsk {
    pub(super) fn new(by: &UserId, ask: &SendMessage, id: MessageId, at: i64) -> Self {
        Self {
            room: ask.room.as_str().into(),
            author: by.as_str().into(),
            id,
            kind: ask.kind.name(),
            content: ask.content.as_ref().into(),
            reply_to: ask.reply_to,
            client_id: ask.client_id.as_deref().map(Box::from),
            at,
            placed: Mutex::new(None),
        }
    }

    /// Where it was stored, if it was.
    pub(super) fn placed(&self) -> Option<Placed> {
        let mut placed = self.placed.lock().unwrap_or_else(PoisonError::into_inner);
        placed.take()
    }

    /// Whether it may be stored in one statement with these, none of which it can see: it is none
    /// of them again, and answers none of them.
    pub(crate) fn goes_with(&self, others: &[&Self]) -> bool {
        let same_client_id = |other: &&Self| {
            self.client_id.is_some()
                && (&self.room, &self.author, &self.client_id)
                    == (&other.room, &other.author, &other.client_id)
        };
        !others.iter().any(|other| {
            other.id == self.id || Some(other.id) == self.reply_to || same_client_id(other)
        })
    }

    fn set(&self, place: Option<Placed>) {
        *self.placed.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }
}

#[derive(sqlx::FromRow)]
struct PlacedRow {
    place: i64,
    number: i64,
    seq: i64,
    author_name: Option<String>,
    author_avatar: Option<String>,
}

/// Stores what can be stored at once, in the order given.
pub(crate) async fn send_together(
    connection: &mut Connection,
    asks: &[&SendAsk],
) -> Result<(), sqlx::Error> {
    let texts = |value: fn(&SendAsk) -> Option<&str>| -> Vec<Option<String>> {
        let values = asks.iter().map(|ask| value(ask).map(str::to_owned));
        values.collect()
    };
    let blobs = |value: fn(&SendAsk) -> Option<MessageId>| -> Vec<Option<Vec<u8>>> {
        let values = asks
            .iter()
            .map(|ask| Some(value(ask)?.0.to_be_bytes().to_vec()));
        values.collect()
    };
    let numbers = |value: fn(&SendAsk) -> i64| -> Vec<Option<i64>> {
        asks.iter().map(|ask| Some(value(ask))).collect()
    };
    let rows = sql::query_as(SEND_TOGETHER)
        .bind(texts(|ask| Some(&ask.room)))
        .bind(texts(|ask| Some(&ask.author)))
        .bind(blobs(|ask| Some(ask.id)))
        .bind(texts(|ask| Some(ask.kind)))
        .bind(texts(|ask| Some(&ask.content)))
        .bind(numbers(|ask| fingerprint(&ask.content)))
        .bind(blobs(|ask| ask.reply_to))
        .bind(texts(|ask| ask.client_id.as_deref()))
        .bind(numbers(|ask| ask.at));
    let rows: Vec<PlacedRow> = rows.fetch_all(connection).await?;
    asks.iter().for_each(|ask| ask.set(None));
    for row in rows {
        // The first is 1.
        let place = usize::try_from(row.place - 1).unwrap_or(usize::MAX);
        let ask = asks.get(place).ok_or(sqlx::Error::RowNotFound)?;
        ask.set(Some(Placed {
            number: row.number,
            seq: row.seq,
            name: row.author_name,
            avatar: row.author_avatar,
        }));
    }
    Ok(())
}

/// Each row is looked up by a whole key that comes from one side, so that no plan can read all
/// members or messages of a room instead, whatever the planner knows of the tables' sizes.
///
/// What is usual: by a member, to a room that has all its members, of nothing that was sent
/// before. Sequence numbers are given by room, and numbers of events over all, in the order of
/// the asks.
const SEND_TOGETHER: Statement = Statement::new(
    "",
    &[
        "WITH usual AS (SELECT a.*, r.key, r.last_seq, r.sent FROM UNNEST($1, $2, $3, $4, $5, $6, \
       $7, $8, $9) WITH ORDINALITY AS a (room_id, author, id, kind, content, fingerprint, \
       reply_to, client_id, at, place) \
       JOIN members m ON m.user_id = a.author AND m.room_id = a.room_id \
       JOIN rooms r ON r.key = m.room \
       WHERE (r.kind <> 'DM' OR r.members = 2) \
       AND NOT EXISTS (SELECT 1 FROM messages x WHERE x.id = a.id) \
       AND (a.client_id IS NULL OR NOT EXISTS (SELECT 1 FROM messages s \
        WHERE s.room = r.key AND s.author = a.author AND s.client_id = a.client_id)) \
       AND (a.reply_to IS NULL OR r.key = \
        (SELECT t.room FROM messages t WHERE t.id = a.reply_to))), \
       counted AS (UPDATE counters SET value = value + (SELECT COUNT(*) FROM usual) \
        WHERE name = 'event' RETURNING value - (SELECT COUNT(*) FROM usual) AS before), \
       placed AS (SELECT u.*, c.before + ROW_NUMBER() OVER (ORDER BY u.place) AS number, \
        ROW_NUMBER() OVER (PARTITION BY u.key ORDER BY u.place) AS step \
        FROM usual u CROSS JOIN counted c), \
       grown AS (UPDATE rooms r SET last_seq = r.last_seq + n.more, sent = r.sent + n.more, \
        messages = r.messages + n.more FROM (SELECT key, COUNT(*) AS more FROM placed GROUP BY key) \
        n WHERE r.key = n.key), \
       logged AS (INSERT INTO events (number, room, seq, kind, at, target) \
        SELECT number, key, last_seq + step, 'message', at, last_seq + step FROM placed), \
       stored AS (INSERT INTO messages (key, id, room, seq, ordinal, author, kind, content, \
        fingerprint, reply_to, client_id, created_at, updated_at) \
        SELECT number, id, key, last_seq + step, sent + step, author, kind, content, \
        fingerprint, reply_to, client_id, at, at FROM placed) \
       SELECT d.place, d.number, d.last_seq + d.step AS seq, \
        COALESCE(p.name, p.token_name) AS author_name, p.avatar AS author_avatar \
       FROM placed d LEFT JOIN profiles p ON p.user_id = d.author",
    ],
);
