//! Receipts, and the states that follow from them.

use conclave_core::Actor;
use conclave_protocol::{
    Channel, DeliveryState, EventKind, GiveReceipt, Message, MessageId, Receipt, Refusal, RoomId,
    UserId,
};

use super::act::Act;
use super::row;
use super::standing::{self, Beyond};
use super::{Halt, statement};
use crate::sql::{self, Connection};
use crate::{StoreError, column};

/// The members of a room who joined last of all to be counted, or are behind all others. With
/// the second beside the first, the slowest member other than a message's author is known for
/// every author.
#[derive(sqlx::FromRow)]
pub(super) struct Slowest {
    joined_user: Option<String>,
    joined_first: Option<i64>,
    joined_second: Option<i64>,
    delivered_user: Option<String>,
    delivered_first: Option<i64>,
    delivered_second: Option<i64>,
    seen_user: Option<String>,
    seen_first: Option<i64>,
    seen_second: Option<i64>,
}

impl Slowest {
    /// The lowest state over the message's recipients. Who joined after it has positions after
    /// it, so only whether there is any recipient needs the places of joining.
    pub(super) fn state(&self, message: &Message) -> DeliveryState {
        let (author, seq) = (&message.author.user, column::integer(message.seq));
        let lowest = |user: &Option<String>, first, second| {
            let of_author = user.as_deref() == Some(author.as_str());
            if of_author { second } else { first }
        };
        let joined = lowest(&self.joined_user, self.joined_first, self.joined_second);
        let delivered = lowest(
            &self.delivered_user,
            self.delivered_first,
            self.delivered_second,
        );
        let seen = lowest(&self.seen_user, self.seen_first, self.seen_second);
        if joined.is_none_or(|joined| joined >= seq) {
            DeliveryState::Sent
        } else if seen.is_some_and(|seen| seen >= seq) {
            DeliveryState::Read
        } else if delivered.is_some_and(|delivered| delivered >= seq) {
            DeliveryState::Delivered
        } else {
            DeliveryState::Sent
        }
    }
}

pub(super) async fn slowest(connection: &mut Connection, room: i64) -> Result<Slowest, Halt> {
    let row = sql::query_as(statement::MEMBERS_SLOWEST).bind(room);
    Ok(row.fetch_one(connection).await?)
}

pub(super) async fn give(act: &mut Act<'_>, by: &Actor, ask: &GiveReceipt) -> Result<(), Halt> {
    if ask.status == DeliveryState::Sent {
        let message = "a receipt says that a message was delivered or seen";
        return Err(Halt::refused(Refusal::BadRequest, message));
    }
    let named = (ask.message, ask.room.as_ref());
    let target = standing::target(act.connection, by, named, Beyond::Any).await?;
    let (key, ordinal, id) = (target.room.key, target.ordinal, target.room.id()?);
    let message = target.message.message(&id, &by.user)?;
    let message = message.ok_or(StoreError::Value("message"))?;
    let seq = column::integer(message.seq);
    if message.author.user == by.user {
        return Err(Halt::forbidden("an author gives no receipt"));
    }
    let (Some(joined), Some(delivered), Some(seen)) =
        (target.joined_seq, target.delivered_seq, target.seen_seq)
    else {
        return Err(Halt::forbidden("only its recipients give a receipt"));
    };
    if joined >= seq {
        let message = "the message is from before you joined";
        return Err(Halt::forbidden(message));
    }
    let reads = ask.status == DeliveryState::Read;
    let covered_before = if reads { seen } else { delivered };
    for (statement, raises) in [
        (statement::MEMBER_DELIVERED, delivered < seq),
        (statement::MEMBER_SEEN, reads && seen < seq),
    ] {
        if raises {
            let row = sql::query(statement)
                .bind(key)
                .bind(by.user.as_str())
                .bind(seq)
                .bind(ordinal)
                .bind(act.at());
            row.execute(act.connection).await?;
        }
    }
    if reads {
        let row = sql::query(statement::MEMBER_VIEWED)
            .bind(key)
            .bind(by.user.as_str())
            .bind(act.at());
        row.execute(act.connection).await?;
    }
    tell_authors(act, by, (key, &id, (covered_before, seq)), ask.status).await
}

/// The author of each newly covered message hears of it.
async fn tell_authors(
    act: &mut Act<'_>,
    by: &Actor,
    (key, room, (before, upto)): (i64, &RoomId, (i64, i64)),
    status: DeliveryState,
) -> Result<(), Halt> {
    if before >= upto {
        return Ok(());
    }
    for (message, author) in covered(act, key, (before, upto), &by.user).await? {
        let receipt = EventKind::Receipt(Receipt {
            message,
            recipient: by.user.clone(),
            status,
            at: act.stamp.at,
        });
        let own = Channel::Own {
            room: room.clone(),
            user: author.clone(),
        };
        act.tell_both([Channel::User(author), own], room, receipt);
    }
    Ok(())
}

/// The newest messages of others after one place, up to another; oldest first. Each is passed
/// over at most twice for each member, since positions only grow.
async fn covered(
    act: &mut Act<'_>,
    room: i64,
    (after, upto): (i64, i64),
    user: &UserId,
) -> Result<Vec<(MessageId, UserId)>, Halt> {
    let rows = sql::query_as(statement::RECEIPTS_COVERED)
        .bind(room)
        .bind(after)
        .bind(upto)
        .bind(user.as_str())
        .bind(TOLD_MAX);
    let rows: Vec<(Vec<u8>, String)> = rows.fetch_all(act.connection).await?;
    let mut covered = Vec::with_capacity(rows.len());
    for (id, author) in rows.iter().rev() {
        covered.push((row::message_id(id)?, column::user(author)?));
    }
    Ok(covered)
}

#[derive(sqlx::FromRow)]
struct RecipientRow {
    user_id: String,
    delivered_seq: i64,
    seen_seq: i64,
    delivered_at: Option<i64>,
    seen_at: Option<i64>,
}

pub(super) async fn list(
    connection: &mut Connection,
    viewer: &Actor,
    message: MessageId,
) -> Result<Vec<Receipt>, Halt> {
    let target = standing::place(connection, viewer, (message, None), Beyond::Any).await?;
    let room = target.room.id()?;
    let stored = target.message.message(&room, &viewer.user)?;
    let stored = stored.ok_or(StoreError::Value("message"))?;
    let seq = column::integer(stored.seq);
    let rows = sql::query_as(statement::RECEIPT_LIST)
        .bind(target.room.key)
        .bind(seq)
        .bind(stored.author.user.as_str())
        .bind(LISTED_MAX);
    let rows: Vec<RecipientRow> = rows.fetch_all(connection).await?;
    let mut receipts = Vec::with_capacity(rows.len());
    for row in rows {
        let (status, at) = if row.seen_seq >= seq {
            (DeliveryState::Read, row.seen_at)
        } else if row.delivered_seq >= seq {
            (DeliveryState::Delivered, row.delivered_at)
        } else {
            (DeliveryState::Sent, None)
        };
        receipts.push(Receipt {
            message,
            recipient: column::user(&row.user_id)?,
            status,
            at: at.map_or(Ok(stored.created_at), column::timestamp)?,
        });
    }
    Ok(receipts)
}

/// Messages whose authors are told of one receipt.
const TOLD_MAX: i64 = 50;

/// Recipients in a list.
const LISTED_MAX: i64 = 200;
