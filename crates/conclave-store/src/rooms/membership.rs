//! Members come and go, and what they are.

use conclave_core::{Actor, NextRoom};
use conclave_protocol::{
    Channel, EventKind, JoinRoom, LeaveRoom, Member, MemberRole, Refusal, RemoveMember, RoomId,
    RoomKind, SetRole, UserId,
};

use super::act::Act;
use super::row::{MemberRow, RoomRow};
use super::standing::{self, Standing};
use super::{Halt, creation, listing, statement};
use crate::column;
use crate::sql;

pub(super) async fn join(act: &mut Act<'_>, by: &Actor, ask: &JoinRoom) -> Result<(), Halt> {
    let mut standing = standing::of(act.connection, &ask.room, &by.user).await?;
    if standing.role.is_some() {
        return Ok(());
    }
    if standing.kind != RoomKind::Public && standing.invitation.is_none() {
        standing.open_to(by)?;
        return Err(Halt::forbidden("this room is entered by invitation"));
    }
    if standing.banned {
        return Err(Halt::forbidden("you are banned from this room"));
    }
    enter_within_bounds(act, &mut standing, &by.user).await
}

/// Becomes a member where the bounds allow it; a pending invitation is accepted.
pub(super) async fn enter_within_bounds(
    act: &mut Act<'_>,
    standing: &mut Standing,
    user: &UserId,
) -> Result<(), Halt> {
    may_take(act, standing.room.members, 1)?;
    may_have_one_more(act, user).await?;
    if let Some(invitation) = standing.invitation.take() {
        let row = sql::query(statement::INVITATION_ANSWER)
            .bind(invitation)
            .bind(conclave_protocol::InvitationState::Accepted.name());
        row.execute(act.connection).await?;
    }
    enter(act, &mut standing.room, user).await
}

/// Becomes a member: `Joined` in the room, `Entered` to the user's feed.
pub(super) async fn enter(
    act: &mut Act<'_>,
    room: &mut RoomRow,
    user: &UserId,
) -> Result<(), Halt> {
    let seq = act
        .record(room, EventKind::Joined { user: user.clone() }, None)
        .await?;
    add(act, room, user, (MemberRole::Member, seq)).await?;
    let id = room.id()?;
    tell_entered(act, &id, user, seq);
    Ok(())
}

/// A row for a member of this role from this place on, and no event.
pub(super) async fn add(
    act: &mut Act<'_>,
    room: &mut RoomRow,
    user: &UserId,
    (role, seq): (MemberRole, u64),
) -> Result<(), Halt> {
    let id = room.id()?;
    let row = sql::query(statement::MEMBER_ADD)
        .bind(room.key)
        .bind(user.as_str())
        .bind(id.as_str())
        .bind(role.name())
        .bind(act.at())
        .bind(column::integer(seq))
        .bind(room.sent);
    row.execute(act.connection).await?;
    count(act, room, 1).await
}

pub(super) fn tell_entered(act: &mut Act<'_>, room: &RoomId, user: &UserId, seq: u64) {
    let feed = Channel::User(user.clone());
    act.tell(feed, room, EventKind::Entered { seq });
}

/// Whether a user may be a member of one room more.
pub(super) async fn may_have_one_more(act: &mut Act<'_>, user: &UserId) -> Result<(), Halt> {
    if act.limits.rooms_per_user == 0 {
        return Ok(());
    }
    let rooms = sql::query_scalar(statement::ROOMS_OF_COUNT).bind(user.as_str());
    let rooms: i64 = rooms.fetch_one(act.connection).await?;
    if rooms < i64::from(act.limits.rooms_per_user) {
        return Ok(());
    }
    let message = "the user is a member of too many rooms";
    Err(Halt::refused(Refusal::TooLarge, message))
}

/// Whether a room with `members` may have `more`.
pub(super) fn may_take(act: &Act<'_>, members: i64, more: usize) -> Result<(), Halt> {
    let bound = i64::from(act.limits.members_per_room);
    let members = members.saturating_add(i64::try_from(more).unwrap_or(i64::MAX));
    if bound == 0 || members <= bound {
        return Ok(());
    }
    Err(Halt::refused(
        Refusal::TooLarge,
        "the room has too many members",
    ))
}

pub(super) async fn leave(
    act: &mut Act<'_>,
    by: &Actor,
    ask: &LeaveRoom,
) -> Result<Option<NextRoom>, Halt> {
    let mut standing = standing::of(act.connection, &ask.room, &by.user).await?;
    let room = &mut standing.room;
    match standing.role {
        None => return Err(Halt::no_room()),
        Some(MemberRole::Owner) if ask.delete || room.members <= 1 => {
            creation::destroy(act, room).await?;
        }
        Some(MemberRole::Owner) => {
            take_out(act, room, &by.user).await?;
            hand_over_to_senior(act, room, &by.user).await?;
        }
        Some(MemberRole::Member | MemberRole::Moderator) => take_out(act, room, &by.user).await?,
    }
    listing::next(act.connection, &by.user).await
}

async fn hand_over_to_senior(
    act: &mut Act<'_>,
    room: &mut RoomRow,
    leaver: &UserId,
) -> Result<(), Halt> {
    let senior = sql::query_scalar(statement::MEMBER_SENIOR)
        .bind(room.key)
        .bind(leaver.as_str());
    let senior: String = senior.fetch_one(act.connection).await?;
    let senior = column::user(&senior)?;
    give_role(act, room, &senior, MemberRole::Owner).await
}

/// Stops being a member: `Left`.
async fn take_out(act: &mut Act<'_>, room: &mut RoomRow, user: &UserId) -> Result<(), Halt> {
    let row = sql::query(statement::MEMBER_REMOVE)
        .bind(room.key)
        .bind(user.as_str());
    row.execute(act.connection).await?;
    count(act, room, -1).await?;
    act.record(room, EventKind::Left { user: user.clone() }, None)
        .await?;
    Ok(())
}

async fn count(act: &mut Act<'_>, room: &mut RoomRow, more: i64) -> Result<(), Halt> {
    room.members += more;
    let row = sql::query(statement::ROOM_COUNT_MEMBERS)
        .bind(room.key)
        .bind(more);
    row.execute(act.connection).await?;
    Ok(())
}

pub(super) async fn remove(act: &mut Act<'_>, by: &Actor, ask: &RemoveMember) -> Result<(), Halt> {
    let standing = standing::of(act.connection, &ask.room, &by.user).await?;
    let mut standing = standing.ruled_by(by)?;
    if ask.user == by.user {
        let message = "leave the room instead";
        return Err(Halt::refused(Refusal::BadRequest, message));
    }
    let moderates = standing.role == Some(MemberRole::Moderator);
    if !moderates {
        standing = standing.owned_by(by)?;
    }
    let removed = standing::of(act.connection, &ask.room, &ask.user)
        .await?
        .role;
    let only_room_moderator = moderates && !by.moderator;
    match removed {
        Some(MemberRole::Owner) => return Err(Halt::forbidden("the owner cannot be removed")),
        Some(MemberRole::Moderator) if only_room_moderator => {
            let message = "a moderator cannot remove another moderator";
            return Err(Halt::forbidden(message));
        }
        Some(MemberRole::Member | MemberRole::Moderator) => {
            take_out(act, &mut standing.room, &ask.user).await?;
        }
        None if ask.ban => {}
        None => return Err(no_member()),
    }
    if ask.ban {
        let row = sql::query(statement::BAN_ADD)
            .bind(standing.room.key)
            .bind(ask.user.as_str())
            .bind(act.at());
        row.execute(act.connection).await?;
    }
    Ok(())
}

pub(super) async fn set_role(act: &mut Act<'_>, by: &Actor, ask: &SetRole) -> Result<Member, Halt> {
    let standing = standing::of(act.connection, &ask.room, &by.user).await?;
    let mut standing = standing.ruled_by(by)?.owned_by(by)?;
    if standing.role != Some(MemberRole::Owner) && ask.role == MemberRole::Owner {
        return Err(Halt::forbidden("only the owner hands the room over"));
    }
    let before = standing::of(act.connection, &ask.room, &ask.user).await?;
    let before = before.role.ok_or_else(no_member)?;
    if before == MemberRole::Owner && ask.role != MemberRole::Owner {
        let message = "an owner hands the room over to another member";
        return Err(Halt::forbidden(message));
    }
    if before != ask.role {
        give_role(act, &mut standing.room, &ask.user, ask.role).await?;
        if ask.role == MemberRole::Owner {
            give_role(act, &mut standing.room, &by.user, MemberRole::Moderator).await?;
        }
    }
    let row = sql::query_as(statement::MEMBER_FIND)
        .bind(standing.room.key)
        .bind(ask.user.as_str());
    let row: MemberRow = row.fetch_one(act.connection).await?;
    Ok(row.member()?)
}

/// `RoleChanged` of a member; of an owner the room tells too.
async fn give_role(
    act: &mut Act<'_>,
    room: &mut RoomRow,
    user: &UserId,
    role: MemberRole,
) -> Result<(), Halt> {
    let row = sql::query(statement::MEMBER_ROLE)
        .bind(room.key)
        .bind(user.as_str())
        .bind(role.name());
    row.execute(act.connection).await?;
    if role == MemberRole::Owner {
        let row = sql::query(statement::ROOM_GIVE)
            .bind(room.key)
            .bind(user.as_str());
        row.execute(act.connection).await?;
        room.set_owner(user);
    }
    let user = user.clone();
    act.record(room, EventKind::RoleChanged { user, role }, None)
        .await?;
    Ok(())
}

const fn no_member() -> Halt {
    Halt::refused(Refusal::NotFound, "no such member")
}
