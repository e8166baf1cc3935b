//! Invitations, and their answers.

use conclave_core::Actor;
use conclave_protocol::{
    AnswerInvitation, Channel, EventKind, Invitation, InvitationId, InvitationState, Invite,
    Refusal, UserId,
};

use super::act::Act;
use super::row::InvitationRow;
use super::{Halt, membership, standing, statement};
use crate::sql::{self, Connection};

pub(super) async fn invite(
    act: &mut Act<'_>,
    by: &Actor,
    ask: &Invite,
    id: InvitationId,
) -> Result<Invitation, Halt> {
    let standing = standing::of(act.connection, &ask.room, &by.user).await?;
    let standing = standing.open_to(by)?.not_dm("nobody is invited to a DM")?;
    if standing.role.is_none() {
        return Err(Halt::forbidden("only members of the room invite"));
    }
    let invitee = standing::of(act.connection, &ask.room, &ask.invitee).await?;
    if invitee.role.is_some() {
        let message = "the user is a member already";
        return Err(Halt::refused(Refusal::Conflict, message));
    }
    if invitee.banned {
        return Err(Halt::forbidden("the user is banned from this room"));
    }
    if let Some(pending) = invitee.invitation {
        return find(act.connection, pending).await;
    }
    may_be_one_more(act, standing.room.key, &ask.invitee).await?;
    let row = sql::query(statement::INVITATION_ADD)
        .bind(id.0.to_be_bytes().to_vec())
        .bind(standing.room.key)
        .bind(by.user.as_str())
        .bind(ask.invitee.as_str())
        .bind(act.at());
    if row.execute(act.connection).await? == 0 {
        let message = "there is an invitation with this id";
        return Err(Halt::refused(Refusal::Conflict, message));
    }
    let invitation = Invitation {
        id,
        room: ask.room.clone(),
        inviter: by.user.clone(),
        invitee: ask.invitee.clone(),
        state: InvitationState::Pending,
        created_at: act.stamp.at,
    };
    let feed = Channel::User(ask.invitee.clone());
    act.tell(feed, &ask.room, EventKind::Invited(invitation.clone()));
    Ok(invitation)
}

async fn may_be_one_more(act: &mut Act<'_>, room: i64, invitee: &UserId) -> Result<(), Halt> {
    let of_room = sql::query_scalar(statement::INVITATION_COUNT_OF_ROOM).bind(room);
    let of_room: i64 = of_room.fetch_one(act.connection).await?;
    let of_user = sql::query_scalar(statement::INVITATION_COUNT_OF_USER).bind(invitee.as_str());
    let of_user: i64 = of_user.fetch_one(act.connection).await?;
    if of_room < PENDING_MAX && of_user < PENDING_MAX {
        return Ok(());
    }
    let message = "there are too many pending invitations";
    Err(Halt::refused(Refusal::TooLarge, message))
}

pub(super) async fn answer(
    act: &mut Act<'_>,
    by: &Actor,
    ask: &AnswerInvitation,
) -> Result<Invitation, Halt> {
    let id = ask.invitation.0.to_be_bytes().to_vec();
    let mut invitation = find(act.connection, id.clone()).await?;
    if invitation.invitee != by.user {
        return Err(no_invitation());
    }
    let wanted = if ask.accept {
        InvitationState::Accepted
    } else {
        InvitationState::Rejected
    };
    if invitation.state == wanted {
        return Ok(invitation);
    }
    if invitation.state != InvitationState::Pending {
        let message = "the invitation was answered otherwise";
        return Err(Halt::refused(Refusal::Conflict, message));
    }
    if ask.accept {
        // One that is pending is of who is no member and not banned.
        let mut standing = standing::of(act.connection, &invitation.room, &by.user).await?;
        membership::enter_within_bounds(act, &mut standing, &by.user).await?;
    } else {
        let row = sql::query(statement::INVITATION_ANSWER)
            .bind(id)
            .bind(wanted.name());
        row.execute(act.connection).await?;
    }
    invitation.state = wanted;
    Ok(invitation)
}

async fn find(connection: &mut Connection, id: Vec<u8>) -> Result<Invitation, Halt> {
    let row = sql::query_as(statement::INVITATION_FIND).bind(id);
    let row: Option<InvitationRow> = row.fetch_optional(connection).await?;
    Ok(row.ok_or_else(no_invitation)?.invitation()?)
}

pub(super) async fn pending(
    connection: &mut Connection,
    user: &UserId,
) -> Result<Vec<Invitation>, Halt> {
    let rows = sql::query_as(statement::INVITATION_LIST)
        .bind(user.as_str())
        .bind(PENDING_MAX);
    let rows: Vec<InvitationRow> = rows.fetch_all(connection).await?;
    let invitations = rows.iter().map(InvitationRow::invitation);
    Ok(invitations.collect::<Result<_, _>>()?)
}

const fn no_invitation() -> Halt {
    Halt::refused(Refusal::NotFound, "no such invitation")
}

/// Pending invitations of one room, and of one invitee.
const PENDING_MAX: i64 = 1000;
