//! Who is asking, and what they are in the room they ask about.

use conclave_core::Actor;
use conclave_protocol::{MemberRole, MessageId, RoomId, RoomKind, UserId};

use super::row::{self, MessageRow, RoomRow};
use super::{Halt, statement};
use crate::StoreError;
use crate::sql::{self, Connection};

/// A room and what somebody is there.
pub(super) struct Standing {
    pub(super) room: RoomRow,
    pub(super) kind: RoomKind,
    pub(super) role: Option<MemberRole>,
    /// A pending invitation.
    pub(super) invitation: Option<Vec<u8>>,
    pub(super) banned: bool,
}

#[derive(sqlx::FromRow)]
struct StandingRow {
    #[sqlx(flatten)]
    room: RoomRow,
    role: Option<String>,
    invitation: Option<Vec<u8>>,
    banned: bool,
}

/// What `user` is in a room; [`Halt::no_room`] where it does not exist.
pub(super) async fn of(
    connection: &mut Connection,
    room: &RoomId,
    user: &UserId,
) -> Result<Standing, Halt> {
    let row = sql::query_as(statement::ROOM_STANDING)
        .bind(room.as_str())
        .bind(user.as_str());
    let row: Option<StandingRow> = row.fetch_optional(connection).await?;
    let row = row.ok_or(Halt::no_room())?;
    Ok(Standing {
        kind: row.room.kind()?,
        role: row::role(row.role.as_deref())?,
        room: row.room,
        invitation: row.invitation,
        banned: row.banned,
    })
}

impl Standing {
    /// The room as one whose members and messages the actor may read or write. A PUBLIC room of
    /// which one is no member is none here.
    pub(super) fn open_to(self, actor: &Actor) -> Result<Self, Halt> {
        let open = self.role.is_some() || actor.any;
        open.then_some(self).ok_or(Halt::no_room())
    }

    /// As [`Standing::open_to`], for what a moderator of the server may do anywhere but in a DM,
    /// which stays as it is.
    pub(super) fn ruled_by(self, actor: &Actor) -> Result<Self, Halt> {
        let standing = if actor.moderator {
            self
        } else {
            self.open_to(actor)?
        };
        standing.not_dm("a DM stays as it is")
    }

    /// Owner, or moderator of the server.
    pub(super) fn owned_by(self, actor: &Actor) -> Result<Self, Halt> {
        if self.role == Some(MemberRole::Owner) || actor.moderator {
            return Ok(self);
        }
        Err(Halt::forbidden("only the room's owner may do this"))
    }

    /// Any room but a DM.
    pub(super) fn not_dm(self, message: &'static str) -> Result<Self, Halt> {
        if self.kind == RoomKind::Dm {
            return Err(Halt::forbidden(message));
        }
        Ok(self)
    }
}

/// A message that is not deleted, its room, and what somebody is there.
#[derive(sqlx::FromRow)]
pub(super) struct Target {
    #[sqlx(flatten)]
    pub(super) room: RoomRow,
    #[sqlx(flatten)]
    pub(super) message: MessageRow,
    pub(super) ordinal: i64,
    role: Option<String>,
    pub(super) joined_seq: Option<i64>,
    pub(super) delivered_seq: Option<i64>,
    pub(super) seen_seq: Option<i64>,
}

impl Target {
    pub(super) fn role(&self) -> Result<Option<MemberRole>, StoreError> {
        row::role(self.role.as_deref())
    }
}

/// Whether somebody who is no member of the message's room sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beyond {
    /// By `room.any`.
    Any,
    /// By that, or as moderator of the server.
    Moderator,
}

/// The message as one that the actor may know of; it is in `room`, where that is said, and not
/// deleted. [`Halt::no_message`] otherwise.
pub(super) async fn target(
    connection: &mut Connection,
    actor: &Actor,
    named: (MessageId, Option<&RoomId>),
    beyond: Beyond,
) -> Result<Target, Halt> {
    let target = place(connection, actor, named, beyond).await?;
    if target.message.is_deleted() {
        return Err(Halt::no_message());
    }
    Ok(target)
}

/// As [`target`], deleted or not.
pub(super) async fn place(
    connection: &mut Connection,
    actor: &Actor,
    (message, room): (MessageId, Option<&RoomId>),
    beyond: Beyond,
) -> Result<Target, Halt> {
    let row = sql::query_as(statement::MESSAGE_STANDING)
        .bind(message.0.to_be_bytes().to_vec())
        .bind(actor.user.as_str());
    let row: Option<Target> = row.fetch_optional(connection).await?;
    let target = row.ok_or(Halt::no_message())?;
    let opened = match beyond {
        Beyond::Any => actor.any,
        Beyond::Moderator => actor.any || actor.moderator,
    };
    let visible = target.role.is_some() || opened;
    let elsewhere = match room {
        Some(room) => *room != target.room.id()?,
        None => false,
    };
    if !visible || elsewhere {
        return Err(Halt::no_message());
    }
    Ok(target)
}
