//! Invitations, and their answers.

use conclave_core::RoomFault;
use conclave_protocol::{
    AnswerInvitation, Channel, EventKind, Invitation, InvitationId, InvitationState, Invite,
    MemberRole, Refusal, RemoveMember, RoomId, RoomKind,
};

use super::stage::{Stage, any, plain, refusal, same_refusal};
use crate::ports::user;

pub(super) async fn all(stage: &Stage<'_>) {
    a_member_invites(stage).await;
    who_is_not_invited(stage).await;
    accepting_joins(stage).await;
    answers_are_final(stage).await;
    joining_accepts(stage).await;
    a_ban_rejects(stage).await;
    invitations_go_with_the_room(stage).await;
}

async fn invite(
    stage: &Stage<'_>,
    by: &str,
    room: &RoomId,
    invitee: &str,
) -> Result<Invitation, RoomFault> {
    let ask = Invite {
        room: room.clone(),
        invitee: user(invitee),
    };
    let id = InvitationId(u128::from(stage.number()));
    stage.store.invite(&plain(by), ask, id, stage.stamp()).await
}

async fn answer(
    stage: &Stage<'_>,
    by: &str,
    invitation: InvitationId,
    accept: bool,
) -> Result<Invitation, RoomFault> {
    let ask = AnswerInvitation { invitation, accept };
    stage.store.answer(&plain(by), ask, stage.stamp()).await
}

async fn pending(stage: &Stage<'_>, of: &str) -> Vec<Invitation> {
    stage.store.invitations(&user(of)).await.unwrap()
}

async fn a_member_invites(stage: &Stage<'_>) {
    let room = stage.room(RoomKind::Private, "in-ann", &["in-bob"]).await;
    let first = invite(stage, "in-bob", &room, "in-carol").await.unwrap();
    assert_eq!(first.state, InvitationState::Pending);
    assert_eq!(
        (&first.inviter, &first.invitee),
        (&user("in-bob"), &user("in-carol"))
    );
    let heard = stage.heard();
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert_eq!(heard[0].channel, Channel::User(user("in-carol")));
    assert_eq!(heard[0].event.kind, EventKind::Invited(first.clone()));
    assert_eq!((heard[0].event.seq, heard[0].event.number), (0, 0));
    let again = invite(stage, "in-ann", &room, "in-carol").await.unwrap();
    assert_eq!(again, first, "one that is pending is given back");
    assert_eq!(stage.heard(), []);
    let other = stage.room(RoomKind::Public, "in-ann", &[]).await;
    let second = invite(stage, "in-ann", &other, "in-carol").await.unwrap();
    assert_eq!(
        pending(stage, "in-carol").await,
        [first, second],
        "oldest first"
    );
    assert_eq!(pending(stage, "in-ann").await, []);
    let last = stage.store.room(&plain("in-ann"), &room).await.unwrap();
    assert_eq!(last.last_seq, 1, "an invitation is no event of the room");
    stage.heard();
}

async fn who_is_not_invited(stage: &Stage<'_>) {
    let room = stage.room(RoomKind::Private, "ni-ann", &["ni-bob"]).await;
    let of_member = invite(stage, "ni-ann", &room, "ni-bob").await;
    assert_eq!(refusal(of_member), Refusal::Conflict);
    let hidden = invite(stage, "ni-eve", &room, "ni-carol").await;
    same_refusal(hidden, Err::<(), _>(RoomFault::no_room()));
    let ask = Invite {
        room: room.clone(),
        invitee: user("ni-carol"),
    };
    let id = InvitationId(u128::from(stage.number()));
    let by_any = stage
        .store
        .invite(&any("ni-eve"), ask, id, stage.stamp())
        .await;
    assert_eq!(refusal(by_any), Refusal::Forbidden, "only members invite");
    let dm = stage.room(RoomKind::Dm, "ni-ann", &["ni-bob"]).await;
    let into_dm = invite(stage, "ni-ann", &dm, "ni-carol").await;
    assert_eq!(refusal(into_dm), Refusal::Forbidden);
    assert_eq!(pending(stage, "ni-carol").await, []);
    assert_eq!(stage.heard(), []);
}

async fn accepting_joins(stage: &Stage<'_>) {
    let room = stage.room(RoomKind::Private, "ac-ann", &[]).await;
    let invitation = invite(stage, "ac-ann", &room, "ac-bob").await.unwrap();
    stage.heard();
    let others = answer(stage, "ac-eve", invitation.id, true).await;
    let none = answer(stage, "ac-eve", InvitationId(u128::MAX), true).await;
    same_refusal(others, none);
    let accepted = answer(stage, "ac-bob", invitation.id, true).await.unwrap();
    assert_eq!(accepted.state, InvitationState::Accepted);
    let told = stage.told();
    let joined = EventKind::Joined {
        user: user("ac-bob"),
    };
    assert_eq!(told[0], (Channel::Room(room.clone()), joined));
    let entered = EventKind::Entered { seq: 2 };
    assert_eq!(told[1], (Channel::User(user("ac-bob")), entered));
    assert_eq!(pending(stage, "ac-bob").await, []);
    let shown = stage.store.room(&plain("ac-bob"), &room).await.unwrap();
    assert_eq!(shown.role, Some(MemberRole::Member));
}

async fn answers_are_final(stage: &Stage<'_>) {
    let room = stage.room(RoomKind::Private, "fi-ann", &[]).await;
    let invitation = invite(stage, "fi-ann", &room, "fi-bob").await.unwrap();
    stage.heard();
    for _ in 0..2 {
        let rejected = answer(stage, "fi-bob", invitation.id, false).await.unwrap();
        assert_eq!(rejected.state, InvitationState::Rejected);
    }
    assert_eq!(stage.heard(), []);
    let accepted = answer(stage, "fi-bob", invitation.id, true).await;
    assert_eq!(refusal(accepted), Refusal::Conflict);
    assert_eq!(
        refusal(stage.join("fi-bob", &room).await),
        Refusal::NotFound
    );
    let anew = invite(stage, "fi-ann", &room, "fi-bob").await.unwrap();
    assert_ne!(anew.id, invitation.id, "one may be invited again");
    answer(stage, "fi-bob", anew.id, true).await.unwrap();
    stage.heard();
    answer(stage, "fi-bob", anew.id, true).await.unwrap();
    assert_eq!(stage.heard(), []);
    let rejected = answer(stage, "fi-bob", anew.id, false).await;
    assert_eq!(refusal(rejected), Refusal::Conflict);
}

async fn joining_accepts(stage: &Stage<'_>) {
    let room = stage.room(RoomKind::Private, "ja-ann", &[]).await;
    let invitation = invite(stage, "ja-ann", &room, "ja-bob").await.unwrap();
    stage.join("ja-bob", &room).await.unwrap();
    assert_eq!(pending(stage, "ja-bob").await, []);
    let answered = answer(stage, "ja-bob", invitation.id, true).await.unwrap();
    assert_eq!(answered.state, InvitationState::Accepted);
    stage.heard();
}

async fn a_ban_rejects(stage: &Stage<'_>) {
    let room = stage.room(RoomKind::Public, "br-ann", &[]).await;
    let invitation = invite(stage, "br-ann", &room, "br-bob").await.unwrap();
    let ask = RemoveMember {
        room: room.clone(),
        user: user("br-bob"),
        ban: true,
    };
    let banned = stage
        .store
        .remove(&plain("br-ann"), ask, stage.stamp())
        .await;
    banned.unwrap();
    assert_eq!(pending(stage, "br-bob").await, []);
    let accepted = answer(stage, "br-bob", invitation.id, true).await;
    assert_eq!(refusal(accepted), Refusal::Conflict);
    let again = invite(stage, "br-ann", &room, "br-bob").await;
    assert_eq!(refusal(again), Refusal::Forbidden);
    stage.heard();
}

async fn invitations_go_with_the_room(stage: &Stage<'_>) {
    let room = stage.room(RoomKind::Private, "ig-ann", &[]).await;
    let invitation = invite(stage, "ig-ann", &room, "ig-bob").await.unwrap();
    stage.leave("ig-ann", &room).await;
    assert_eq!(pending(stage, "ig-bob").await, []);
    let accepted = answer(stage, "ig-bob", invitation.id, true).await;
    assert_eq!(refusal(accepted), Refusal::NotFound);
    stage.heard();
}
