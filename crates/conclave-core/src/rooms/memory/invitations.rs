//! Invitations.

use conclave_protocol::{
    AnswerInvitation, Channel, EventKind, Invitation, InvitationId, InvitationState, Invite,
    Refusal, RoomId, RoomKind, Timestamp, UserId,
};

use super::super::port::RoomFault;
use super::membership::refused;
use super::state::State;
use crate::permit::Actor;

impl State {
    pub(super) fn invite(
        &mut self,
        by: &Actor,
        ask: Invite,
        id: InvitationId,
        at: Timestamp,
    ) -> Result<Invitation, RoomFault> {
        let row = self.open(by, &ask.room)?;
        if row.kind == RoomKind::Dm || row.role(&by.user).is_none() {
            return Err(refused(
                Refusal::Forbidden,
                "only members invite, into no DM",
            ));
        }
        if row.members.contains_key(&ask.invitee) {
            return Err(refused(Refusal::Conflict, "a member already"));
        }
        if row.banned.contains(&ask.invitee) {
            return Err(refused(Refusal::Forbidden, "banned from this room"));
        }
        if let Some(pending) = self.invitation(&ask.room, &ask.invitee) {
            return Ok(pending.clone());
        }
        let pending = |of: &dyn Fn(&Invitation) -> bool| {
            let all = self.invitations.iter();
            let all = all.filter(|other| other.state == InvitationState::Pending && of(other));
            all.count()
        };
        if pending(&|other| other.room == ask.room) >= PENDING_MAX
            || pending(&|other| other.invitee == ask.invitee) >= PENDING_MAX
        {
            return Err(refused(Refusal::TooLarge, "at most 1000 open invitations"));
        }
        if self.invitations.iter().any(|other| other.id == id) {
            let words = "the invitation's id is used already";
            return Err(refused(Refusal::Conflict, words));
        }
        let invitation = Invitation {
            id,
            room: ask.room,
            inviter: by.user.clone(),
            invitee: ask.invitee,
            state: InvitationState::Pending,
            created_at: at,
        };
        self.invitations.push(invitation.clone());
        self.tell(
            Channel::User(invitation.invitee.clone()),
            &invitation.room,
            at,
            EventKind::Invited(invitation.clone()),
        );
        Ok(invitation)
    }

    pub(super) fn answer(
        &mut self,
        by: &Actor,
        ask: &AnswerInvitation,
        at: Timestamp,
    ) -> Result<Invitation, RoomFault> {
        let state = match ask.accept {
            true => InvitationState::Accepted,
            false => InvitationState::Rejected,
        };
        let mine = self
            .invitations
            .iter()
            .find(|other| other.id == ask.invitation && other.invitee == by.user)
            .ok_or_else(|| refused(Refusal::NotFound, "no such invitation"))?;
        let answered = Invitation {
            state,
            ..mine.clone()
        };
        if mine.state != InvitationState::Pending {
            return match mine.state == state {
                true => Ok(answered),
                false => Err(refused(Refusal::Conflict, "answered otherwise before")),
            };
        }
        if ask.accept {
            let row = self.rooms.get(&answered.room);
            let row = row.ok_or_else(RoomFault::no_room)?;
            self.check_entry(row, &by.user)?;
            self.enter(&answered.room, &by.user, at);
        } else {
            self.answer_pending(&answered.room, &by.user, state);
        }
        Ok(answered)
    }

    pub(super) fn invitations_of(&self, user: &UserId) -> Vec<Invitation> {
        let pending =
            |other: &&Invitation| other.invitee == *user && other.state == InvitationState::Pending;
        let own = self.invitations.iter().filter(pending);
        own.take(PENDING_MAX).cloned().collect()
    }

    pub(super) fn invitation(&self, room: &RoomId, invitee: &UserId) -> Option<&Invitation> {
        self.invitations.iter().find(|other| {
            other.state == InvitationState::Pending
                && other.room == *room
                && other.invitee == *invitee
        })
    }

    pub(super) fn answer_pending(
        &mut self,
        room: &RoomId,
        invitee: &UserId,
        state: InvitationState,
    ) {
        let pending = self.invitations.iter_mut().find(|other| {
            other.state == InvitationState::Pending
                && other.room == *room
                && other.invitee == *invitee
        });
        if let Some(invitation) = pending {
            invitation.state = state;
        }
    }
}

/// Open invitations of one room, and of one invitee.
const PENDING_MAX: usize = 1000;
