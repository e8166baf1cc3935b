//! Rooms and members are read.

use conclave_core::{Actor, Entered, Head, NextRoom, Scope};
use conclave_protocol::{Member, Room, RoomId, RoomKind, UserId};

use super::row::{self, MemberRow, RoomRow, ViewRow};
use super::standing;
use super::{Halt, statement};
use crate::sql::{self, Connection};
use crate::{StoreError, column};

/// A room as `viewer` sees it, whatever that one is there.
pub(super) async fn room(
    connection: &mut Connection,
    room: &RoomId,
    viewer: &UserId,
) -> Result<Room, Halt> {
    let row = sql::query_as(statement::ROOM_VIEW)
        .bind(room.as_str())
        .bind(viewer.as_str());
    let row: Option<ViewRow> = row.fetch_optional(connection).await?;
    Ok(row.ok_or(Halt::no_room())?.room()?)
}

/// A room that an actor may know of.
pub(super) async fn visible(
    connection: &mut Connection,
    viewer: &Actor,
    id: &RoomId,
) -> Result<Room, Halt> {
    let room = room(connection, id, &viewer.user).await?;
    let visible = room.role.is_some() || viewer.any || room.kind == RoomKind::Public;
    visible.then_some(room).ok_or(Halt::no_room())
}

pub(super) async fn by_key(connection: &mut Connection, key: i64) -> Result<RoomRow, Halt> {
    let row = sql::query_as(statement::ROOM_BY_KEY).bind(key);
    Ok(row.fetch_one(connection).await?)
}

pub(super) async fn page(
    connection: &mut Connection,
    viewer: &Actor,
    scope: Scope,
    (after, limit): (Option<&RoomId>, u32),
) -> Result<Vec<Room>, Halt> {
    let statement = match scope {
        Scope::All if !viewer.any => return Ok(Vec::new()),
        Scope::All => statement::ROOMS_ALL,
        Scope::Own => statement::ROOMS_OWN,
        Scope::Public => statement::ROOMS_PUBLIC,
    };
    // No id is empty, so every one comes after the empty text.
    let rows = sql::query_as(statement)
        .bind(after.map_or("", RoomId::as_str))
        .bind(viewer.user.as_str())
        .bind(i64::from(limit));
    let rows: Vec<ViewRow> = rows.fetch_all(connection).await?;
    let rooms = rows.iter().map(ViewRow::room);
    Ok(rooms.collect::<Result<_, _>>()?)
}

/// Where a user goes who has left a room: PUBLIC before PRIVATE before DM, and of those the first
/// by id.
pub(super) async fn next(
    connection: &mut Connection,
    user: &UserId,
) -> Result<Option<NextRoom>, Halt> {
    let row = sql::query_as(statement::ROOM_NEXT).bind(user.as_str());
    let row: Option<(String, Option<i64>)> = row.fetch_optional(connection).await?;
    let Some((id, last_viewed_at)) = row else {
        return Ok(None);
    };
    let room = room(connection, &row::room(&id)?, user).await?;
    Ok(Some(NextRoom {
        kind: room.kind,
        unread: room.unread > 0,
        room: room.id,
        last_viewed_at: last_viewed_at.map(column::timestamp).transpose()?,
    }))
}

pub(super) async fn members(
    connection: &mut Connection,
    viewer: &Actor,
    room: &RoomId,
    (after, limit): (Option<&UserId>, u32),
) -> Result<Vec<Member>, Halt> {
    let standing = standing::of(connection, room, &viewer.user).await?;
    let standing = standing.open_to(viewer)?;
    let rows = sql::query_as(statement::MEMBER_LIST)
        .bind(standing.room.key)
        .bind(after.map_or("", UserId::as_str))
        .bind(i64::from(limit));
    let rows: Vec<MemberRow> = rows.fetch_all(connection).await?;
    let members = rows.into_iter().map(MemberRow::member);
    Ok(members.collect::<Result<_, _>>()?)
}

pub(super) async fn rooms_of(
    connection: &mut Connection,
    user: &UserId,
) -> Result<Vec<RoomId>, Halt> {
    let ids = sql::query_scalar(statement::ROOMS_OF).bind(user.as_str());
    let ids: Vec<String> = ids.fetch_all(connection).await?;
    let ids = ids.iter().map(|id| row::room(id));
    Ok(ids.collect::<Result<_, StoreError>>()?)
}

pub(super) async fn rooms_of_each(
    connection: &mut Connection,
    users: &[UserId],
) -> Result<Vec<(UserId, RoomId)>, Halt> {
    let rows = sql::query_as(statement::ROOMS_OF_EACH).bind(column::users(users));
    let rows: Vec<(String, String)> = rows.fetch_all(connection).await?;
    let pairs = rows
        .iter()
        .map(|(user, id)| Ok((column::user(user)?, row::room(id)?)));
    Ok(pairs.collect::<Result<_, StoreError>>()?)
}

pub(super) async fn entered(
    connection: &mut Connection,
    users: &[UserId],
    after: u64,
) -> Result<Vec<Entered>, Halt> {
    let rows = sql::query_as(statement::MEMBERS_ENTERED)
        .bind(column::users(users))
        .bind(column::integer(after));
    let rows: Vec<(String, String, i64, i64)> = rows.fetch_all(connection).await?;
    let entered = rows.iter().map(|(user, room, seq, at)| {
        Ok(Entered {
            user: column::user(user)?,
            room: row::room(room)?,
            seq: column::count(*seq)?,
            at: column::timestamp(*at)?,
        })
    });
    Ok(entered.collect::<Result<_, StoreError>>()?)
}

/// The user's rooms, each with its last place.
pub(super) async fn heads(connection: &mut Connection, user: &UserId) -> Result<Vec<Head>, Halt> {
    let rows = sql::query_as(statement::ROOM_HEADS).bind(user.as_str());
    let rows: Vec<(String, i64, bool)> = rows.fetch_all(connection).await?;
    let heads = rows.iter().map(|(id, seq, offline)| {
        Ok(Head {
            room: row::room(id)?,
            last_seq: column::count(*seq)?,
            offline: *offline,
        })
    });
    Ok(heads.collect::<Result<_, StoreError>>()?)
}

pub(super) async fn share_room(
    connection: &mut Connection,
    one: &UserId,
    other: &UserId,
) -> Result<bool, Halt> {
    let row = sql::query_scalar(statement::ROOM_SHARED)
        .bind(one.as_str())
        .bind(other.as_str());
    let row: Option<i64> = row.fetch_optional(connection).await?;
    Ok(row.is_some())
}
