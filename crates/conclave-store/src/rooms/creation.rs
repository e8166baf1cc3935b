//! Rooms come, change and go.

use conclave_core::{Actor, Created, NewRoom};
use conclave_protocol::{
    CreateRoom, DeleteRoom, EventKind, MemberRole, Refusal, Room, RoomId, RoomKind, UpdateRoom,
    UserId,
};

use super::act::Act;
use super::row::RoomRow;
use super::standing::{self, Standing};
use super::{Halt, listing, membership, statement};
use crate::sql;

pub(super) async fn create(act: &mut Act<'_>, by: &Actor, new: &NewRoom) -> Result<Created, Halt> {
    let others = others(&by.user, &new.room);
    if new.room.kind == RoomKind::Dm {
        let [other] = others.as_slice() else {
            let message = "a DM has exactly one other member";
            return Err(Halt::refused(Refusal::BadRequest, message));
        };
        if let Some(room) = find_dm(act, &by.user, other).await? {
            return existing(act, by, &room).await;
        }
    }
    let mut room = add(act, by, new).await?;
    membership::may_take(act, 0, others.len() + 1)?;
    for user in others.iter().chain([&by.user]) {
        membership::may_have_one_more(act, user).await?;
    }
    let first = match new.room.kind {
        RoomKind::Dm => MemberRole::Member,
        RoomKind::Private | RoomKind::Public => MemberRole::Owner,
    };
    membership::add(act, &mut room, &by.user, (first, 1)).await?;
    for user in &others {
        membership::add(act, &mut room, user, (MemberRole::Member, 1)).await?;
    }
    if let (RoomKind::Dm, [other]) = (new.room.kind, others.as_slice()) {
        let (one, other) = pair(&by.user, other);
        let row = sql::query(statement::DM_ADD).bind(one).bind(other);
        row.bind(room.key).execute(act.connection).await?;
    }
    // In the event the room is as it is after it, and nobody's in particular.
    let mut shown = room.room(None, 0)?;
    shown.last_seq = 1;
    let created = EventKind::Created(Box::new(shown.clone()));
    let seq = act.record(&mut room, created, None).await?;
    let mut members: Vec<&UserId> = std::iter::once(&by.user).chain(&others).collect();
    members.sort_unstable();
    for user in members {
        membership::tell_entered(act, &shown.id, user, seq);
    }
    Ok(Created {
        room: Room {
            role: Some(first),
            ..shown
        },
        existing: false,
    })
}

/// The first members beside the creator, each once.
fn others(creator: &UserId, room: &CreateRoom) -> Vec<UserId> {
    let mut others: Vec<UserId> = Vec::new();
    for user in &room.members {
        if user != creator && !others.contains(user) {
            others.push(user.clone());
        }
    }
    others
}

fn pair<'a>(one: &'a UserId, other: &'a UserId) -> (&'a str, &'a str) {
    let (one, other) = (one.as_str(), other.as_str());
    (one.min(other), one.max(other))
}

async fn find_dm(act: &mut Act<'_>, one: &UserId, other: &UserId) -> Result<Option<RoomId>, Halt> {
    let (one, other) = pair(one, other);
    let row = sql::query_scalar(statement::DM_FIND).bind(one).bind(other);
    let id: Option<String> = row.fetch_optional(act.connection).await?;
    Ok(id.as_deref().map(super::row::room).transpose()?)
}

/// A DM that was there; its creator is in it again.
async fn existing(act: &mut Act<'_>, by: &Actor, room: &RoomId) -> Result<Created, Halt> {
    let mut standing = standing::of(act.connection, room, &by.user).await?;
    if standing.role.is_none() {
        membership::may_have_one_more(act, &by.user).await?;
        membership::enter(act, &mut standing.room, &by.user).await?;
    }
    Ok(Created {
        room: listing::room(act.connection, room, &by.user).await?,
        existing: true,
    })
}

async fn add(act: &mut Act<'_>, by: &Actor, new: &NewRoom) -> Result<RoomRow, Halt> {
    let owner = match new.room.kind {
        RoomKind::Dm => None,
        RoomKind::Private | RoomKind::Public => Some(by.user.as_str()),
    };
    let description = new.room.description.as_deref();
    let row = sql::query_scalar(statement::ROOM_ADD)
        .bind(new.id.as_str())
        .bind(new.room.kind.name())
        .bind(new.room.name.as_deref().unwrap_or_default())
        .bind(description.filter(|text| !text.is_empty()))
        .bind(owner)
        .bind(act.at());
    let key: Option<i64> = row.fetch_optional(act.connection).await?;
    let taken = Halt::refused(Refusal::Conflict, "there is a room with this id");
    listing::by_key(act.connection, key.ok_or(taken)?).await
}

pub(super) async fn update(act: &mut Act<'_>, by: &Actor, ask: &UpdateRoom) -> Result<Room, Halt> {
    let standing = standing::of(act.connection, &ask.room, &by.user).await?;
    let Standing { mut room, .. } = standing.ruled_by(by)?.owned_by(by)?;
    if let Some(name) = &ask.name {
        room.name = name.as_ref().to_owned();
    }
    if let Some(description) = &ask.description {
        room.description = (!description.is_empty()).then(|| description.as_ref().to_owned());
    }
    room.assistant = ask.assistant.unwrap_or(room.assistant);
    let row = sql::query(statement::ROOM_DESCRIBE)
        .bind(room.key)
        .bind(&room.name)
        .bind(&room.description)
        .bind(room.assistant);
    row.execute(act.connection).await?;
    let mut shown = room.room(None, 0)?;
    shown.last_seq += 1;
    act.record(&mut room, EventKind::Updated(Box::new(shown)), None)
        .await?;
    listing::room(act.connection, &ask.room, &by.user).await
}

pub(super) async fn delete(act: &mut Act<'_>, by: &Actor, ask: &DeleteRoom) -> Result<(), Halt> {
    let standing = standing::of(act.connection, &ask.room, &by.user).await?;
    let mut standing = standing.ruled_by(by)?.owned_by(by)?;
    destroy(act, &mut standing.room).await
}

/// The room is gone for everybody; what may be much of it goes later, some rows at a time.
pub(super) async fn destroy(act: &mut Act<'_>, room: &mut RoomRow) -> Result<(), Halt> {
    act.record(room, EventKind::Deleted, None).await?;
    for statement in [statement::REMAINS_ADD, statement::ROOM_DELETE] {
        let row = sql::query(statement).bind(room.key);
        row.execute(act.connection).await?;
    }
    Ok(())
}
