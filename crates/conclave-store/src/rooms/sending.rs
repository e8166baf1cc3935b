//! Messages are sent, edited and deleted.
//!
//! Sending is what the store does most. What is usual goes in one trip to the database, which
//! does everything or nothing; the rest asks for all that the rules need, then writes. Neither
//! has a savepoint, since nothing is refused after the first write.

use conclave_core::{Actor, Fence, LeaseName, NewMessage, Sent, suited};
use conclave_protocol::{
    DeliveryState, EditMessage, EraseMessage, EventKind, MemberRole, Message, MessageId, Profile,
    Refusal, RoomKind, SendMessage, Timestamp, UserId,
};

use super::act::Act;
use super::answer;
use super::row::{self, MessageRow, RoomRow};
use super::standing::{self, Beyond};
use super::together::{Placed, SendAsk};
use super::{Halt, membership, receipts, statement};
use crate::error::Fault;
use crate::{StoreError, column, leases, sql};

#[derive(sqlx::FromRow)]
struct CheckRow {
    #[sqlx(flatten)]
    room: RoomRow,
    role: Option<String>,
    author_name: Option<String>,
    author_avatar: Option<String>,
    /// The message of an earlier ask with this client id.
    sent_before: Option<Vec<u8>>,
    fingerprint: Option<i64>,
    /// The message that is answered, in this room.
    reply_seq: Option<i64>,
    /// Some message that has this id already.
    taken_seq: Option<i64>,
}

/// `together` is the same ask, where it was done beforehand if that was possible.
pub(super) async fn send(
    act: &mut Act<'_>,
    by: &Actor,
    new: &NewMessage,
    together: Option<&SendAsk>,
) -> Result<Sent, Halt> {
    let (ask, id) = (&new.message, new.message.id.unwrap_or(new.id));
    if let Some((lease, fence)) = new.under {
        allowed(act, lease, fence).await?;
    }
    let at_once = match together {
        None if !is_plain(new) => None,
        None => send_at_once(act, by, ask, id).await?,
        Some(done) => done.placed(),
    };
    if let Some(placed) = at_once {
        let message = usual(act, by, (ask, id), placed)?;
        return Ok(Sent {
            message,
            repeated: false,
        });
    }
    let mut check = check(act, by, ask, id).await?;
    let kind = check.room.kind()?;
    if check.role.is_none() && !by.any {
        return Err(Halt::no_room());
    }
    if let Some(earlier) = check.sent_before {
        return repeated(act, by, ask, (earlier, check.fingerprint)).await;
    }
    if check.taken_seq.is_some() {
        let message = "a message has this id already";
        return Err(Halt::refused(Refusal::Conflict, message));
    }
    if ask.reply_to.is_some() && check.reply_seq.is_none() {
        return Err(Halt::no_message());
    }
    // Nothing is refused from here on.
    if kind == RoomKind::Dm && check.room.members < 2 {
        bring_back(act, &mut check.room, &by.user).await?;
    }
    let author = row::profile(by.user.as_str(), check.author_name, check.author_avatar)?;
    let mut message = unplaced(act, ask, (id, author));
    message.answer.clone_from(&new.answer);
    let message = store(act, &mut check.room, message).await?;
    Ok(Sent {
        message,
        repeated: false,
    })
}

/// Whether it may be stored by the one statement that stores most: it has no columns of its own,
/// and needs no lease.
pub(super) const fn is_plain(new: &NewMessage) -> bool {
    new.answer.is_none() && new.under.is_none()
}

/// Refuses what a lease allowed that was taken again since.
async fn allowed(act: &mut Act<'_>, lease: LeaseName, fence: Fence) -> Result<(), Halt> {
    let taken = "another node has the lease";
    match leases::check(act.connection, lease, fence).await {
        Ok(()) => Ok(()),
        Err(Fault::Store(error)) => Err(error.into()),
        Err(Fault::Conflict | Fault::Full(_) | Fault::NotFound) => {
            Err(Halt::refused(Refusal::Conflict, taken))
        }
    }
}

/// Where the message is, where nothing was unusual; else nothing was done.
async fn send_at_once(
    act: &mut Act<'_>,
    by: &Actor,
    ask: &SendMessage,
    id: MessageId,
) -> Result<Option<Placed>, Halt> {
    let row = sql::query_as(statement::SEND_AT_ONCE)
        .bind(ask.room.as_str())
        .bind(by.user.as_str())
        .bind(id.0.to_be_bytes().to_vec())
        .bind(ask.kind.name())
        .bind(ask.content.as_ref())
        .bind(fingerprint(&ask.content))
        .bind(ask.reply_to.map(|id| id.0.to_be_bytes().to_vec()))
        .bind(ask.client_id.as_deref())
        .bind(act.at());
    let row: Option<(i64, i64, Option<String>, Option<String>)> =
        row.fetch_optional(act.connection).await?;
    Ok(row.map(|(number, seq, name, avatar)| Placed {
        number,
        seq,
        name,
        avatar,
    }))
}

/// The message that is stored there, and the word of it.
fn usual(
    act: &mut Act<'_>,
    by: &Actor,
    (ask, id): (&SendMessage, MessageId),
    placed: Placed,
) -> Result<Message, Halt> {
    let author = row::profile(by.user.as_str(), placed.name, placed.avatar)?;
    let mut message = unplaced(act, ask, (id, author));
    message.seq = column::count(placed.seq)?;
    let told = EventKind::Message(Box::new(message.clone()));
    act.tell_stored(&ask.room, (message.seq, placed.number), told)?;
    Ok(message)
}

async fn check(
    act: &mut Act<'_>,
    by: &Actor,
    ask: &SendMessage,
    id: MessageId,
) -> Result<CheckRow, Halt> {
    let row = sql::query_as(statement::SEND_CHECK)
        .bind(ask.room.as_str())
        .bind(by.user.as_str())
        .bind(ask.client_id.as_deref())
        .bind(ask.reply_to.map(|id| id.0.to_be_bytes().to_vec()))
        .bind(id.0.to_be_bytes().to_vec());
    let row: Option<CheckRow> = row.fetch_optional(act.connection).await?;
    row.ok_or(Halt::no_room())
}

/// Writes the message, its event, and the room's counts.
pub(super) async fn store(
    act: &mut Act<'_>,
    room: &mut RoomRow,
    mut message: Message,
) -> Result<Message, Halt> {
    let (seq, ordinal) = (room.last_seq + 1, room.sent + 1);
    message.seq = column::count(seq)?;
    let row = sql::query_scalar(statement::SEND_STORE)
        .bind(room.key)
        .bind(seq)
        .bind(message.id.0.to_be_bytes().to_vec())
        .bind(ordinal)
        .bind(message.author.user.as_str())
        .bind(message.kind.name())
        .bind(message.content.as_ref())
        .bind(fingerprint(&message.content))
        .bind(message.reply_to.map(|id| id.0.to_be_bytes().to_vec()))
        .bind(message.client_id.as_deref())
        .bind(act.at())
        .bind(message.answer.as_deref().map(answer::written));
    let numbers: Vec<i64> = row.fetch_all(act.connection).await?;
    (room.last_seq, room.sent) = (seq, ordinal);
    act.stored(room, numbers, EventKind::Message(Box::new(message.clone())))?;
    Ok(message)
}

/// What was sent, without its place.
pub(super) fn unplaced(
    act: &Act<'_>,
    ask: &SendMessage,
    (id, author): (MessageId, Profile),
) -> Message {
    Message {
        id,
        room: ask.room.clone(),
        seq: 0,
        author,
        kind: ask.kind,
        content: ask.content.clone(),
        reply_to: ask.reply_to,
        client_id: ask.client_id.clone(),
        created_at: act.stamp.at,
        updated_at: act.stamp.at,
        deleted_at: None,
        status: DeliveryState::Sent,
        answer: None,
    }
}

/// Members of a DM who have left it, and do not send this message themselves, are back.
async fn bring_back(act: &mut Act<'_>, room: &mut RoomRow, sender: &UserId) -> Result<(), Halt> {
    let row = sql::query_as(statement::DM_MISSING).bind(room.key);
    let row: (String, String, bool, bool) = row.fetch_one(act.connection).await?;
    let (one, other, one_there, other_there) = row;
    for (user, there) in [(one, one_there), (other, other_there)] {
        if !there && user != sender.as_str() {
            membership::enter(act, room, &column::user(&user)?).await?;
        }
    }
    Ok(())
}

/// The answer to an ask with a client id that was used: the message as it is now. An edited one
/// is known by what it said at first; of a deleted one the content is no longer known.
async fn repeated(
    act: &mut Act<'_>,
    by: &Actor,
    ask: &SendMessage,
    (earlier, fingerprint_before): (Vec<u8>, Option<i64>),
) -> Result<Sent, Halt> {
    let row = sql::query_as(statement::MESSAGE_STANDING)
        .bind(earlier)
        .bind(by.user.as_str());
    let target: standing::Target = row.fetch_one(act.connection).await?;
    let message = shown(act, &target.room, target.message, &by.user).await?;
    let same_content = fingerprint_before.is_none_or(|it| it == fingerprint(&ask.content));
    if (message.kind, message.reply_to) != (ask.kind, ask.reply_to) || !same_content {
        let message = "another message was sent with this client id";
        return Err(Halt::refused(Refusal::Conflict, message));
    }
    Ok(Sent {
        message,
        repeated: true,
    })
}

pub(super) async fn edit(
    act: &mut Act<'_>,
    by: &Actor,
    ask: &EditMessage,
    not_before: Timestamp,
) -> Result<Message, Halt> {
    let named = (ask.message, ask.room.as_ref());
    let target = standing::target(act.connection, by, named, Beyond::Any).await?;
    let mut room = target.room;
    let mut message = shown(act, &room, target.message, &by.user).await?;
    if message.author.user != by.user {
        return Err(Halt::forbidden("only its author edits a message"));
    }
    if message.created_at < not_before {
        return Err(Halt::forbidden("the message is too old to be edited"));
    }
    suited(message.kind, &ask.content)?;
    if message.content == ask.content {
        return Ok(message);
    }
    (message.content, message.updated_at) = (ask.content.clone(), act.stamp.at);
    let row = sql::query(statement::MESSAGE_EDIT)
        .bind(room.key)
        .bind(column::integer(message.seq))
        .bind(message.content.as_ref())
        .bind(act.at());
    row.execute(act.connection).await?;
    let edited = EventKind::Edited(Box::new(message.clone()));
    act.record(&mut room, edited, None).await?;
    Ok(message)
}

pub(super) async fn erase(act: &mut Act<'_>, by: &Actor, ask: &EraseMessage) -> Result<(), Halt> {
    let named = (ask.message, ask.room.as_ref());
    let target = standing::target(act.connection, by, named, Beyond::Moderator).await?;
    let role = target.role()?;
    let mut room = target.room;
    let message = shown(act, &room, target.message, &by.user).await?;
    let moderates = matches!(role, Some(MemberRole::Moderator | MemberRole::Owner));
    if message.author.user != by.user && !moderates && !by.moderator {
        let message = "only its author or a moderator deletes a message";
        return Err(Halt::forbidden(message));
    }
    let row = sql::query(statement::MESSAGE_ERASE)
        .bind(room.key)
        .bind(column::integer(message.seq))
        .bind(act.at());
    row.execute(act.connection).await?;
    let erased = EventKind::Erased {
        message: message.id,
        by: by.user.clone(),
    };
    act.record(&mut room, erased, Some(message.seq)).await?;
    Ok(())
}

/// A message with its state.
async fn shown(
    act: &mut Act<'_>,
    room: &RoomRow,
    message: MessageRow,
    viewer: &UserId,
) -> Result<Message, Halt> {
    let message = message.message(&room.id()?, viewer)?;
    let mut message = message.ok_or(StoreError::Value("message"))?;
    let slowest = receipts::slowest(act.connection, room.key).await?;
    message.status = slowest.state(&message);
    Ok(message)
}

/// FNV-1a in 64 bits: it tells a user's own texts apart, nothing rests on it against others.
pub(super) fn fingerprint(content: &str) -> i64 {
    let hash = content
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    i64::from_ne_bytes(hash.to_ne_bytes())
}
