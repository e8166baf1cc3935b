//! Members come and go, and what they are.

use conclave_core::{Actor, NextRoom, RoomFault};
use conclave_protocol::{
    Channel, DeliveryState, EventKind, LeaveRoom, Member, MemberRole, Refusal, RemoveMember,
    RoomId, RoomKind, SetRole,
};

use super::stage::{Stage, any, moderator, nowhere, plain, refusal, same_refusal, text};
use crate::ports::user;

pub(super) async fn all(stage: &Stage<'_>) {
    whoever_wants_joins_a_public_room(stage).await;
    a_private_room_is_not_joined(stage).await;
    a_room_takes_so_many(stage).await;
    a_member_leaves(stage).await;
    an_owner_who_leaves_hands_over(stage).await;
    the_next_room_is_public_first(stage).await;
    who_may_remove(stage).await;
    a_ban_keeps_out(stage).await;
    who_gives_roles(stage).await;
    members_are_listed_by_user(stage).await;
}

async fn whoever_wants_joins_a_public_room(stage: &Stage<'_>) {
    let room = stage.room(RoomKind::Public, "jo-ann", &[]).await;
    stage.join("jo-bob", &room).await.unwrap();
    let heard = stage.heard();
    let [joined, entered] = heard.as_slice() else {
        panic!("{heard:?}")
    };
    assert_eq!(joined.channel, Channel::Room(room.clone()));
    let bob = EventKind::Joined {
        user: user("jo-bob"),
    };
    assert_eq!((joined.event.seq, &joined.event.kind), (2, &bob));
    assert_eq!(entered.channel, Channel::User(user("jo-bob")));
    assert_eq!(entered.event.kind, EventKind::Entered { seq: 2 });
    assert_eq!(entered.event.room, Some(room.clone()));
    stage.join("jo-bob", &room).await.unwrap();
    assert_eq!(stage.heard(), [], "a member has joined already");
    let shown = stage.store.room(&plain("jo-bob"), &room).await.unwrap();
    assert_eq!((shown.members, shown.role), (2, Some(MemberRole::Member)));
}

async fn a_private_room_is_not_joined(stage: &Stage<'_>) {
    let room = stage.room(RoomKind::Private, "pj-ann", &[]).await;
    let hidden = stage.join("pj-eve", &room).await;
    same_refusal(hidden, stage.join("pj-eve", &nowhere()).await);
    let ask = conclave_protocol::JoinRoom { room };
    let by_any = stage.store.join(&any("pj-eve"), ask, stage.stamp()).await;
    assert_eq!(
        refusal(by_any),
        Refusal::Forbidden,
        "it is seen, not entered"
    );
    let dm = stage.room(RoomKind::Dm, "pj-ann", &["pj-bob"]).await;
    stage.join("pj-bob", &dm).await.unwrap();
    assert_eq!(refusal(stage.join("pj-eve", &dm).await), Refusal::NotFound);
}

async fn a_room_takes_so_many(stage: &Stage<'_>) {
    let names = ["ro-1", "ro-2", "ro-3", "ro-4", "ro-5", "ro-6", "ro-7"];
    let new = stage.new_room(RoomKind::Public, &names[1..]);
    let created = stage
        .store
        .create(&plain(names[0]), new, stage.stamp())
        .await;
    assert_eq!(refusal(created), Refusal::TooLarge);
    let room = stage.room(RoomKind::Public, names[0], &names[1..5]).await;
    stage.join(names[5], &room).await.unwrap();
    assert_eq!(
        refusal(stage.join(names[6], &room).await),
        Refusal::TooLarge
    );
    stage.leave(names[3], &room).await;
    stage.join(names[6], &room).await.unwrap();
    stage.heard();
}

async fn a_member_leaves(stage: &Stage<'_>) {
    let room = stage.room(RoomKind::Private, "le-ann", &["le-bob"]).await;
    stage.leave("le-bob", &room).await;
    let left = EventKind::Left {
        user: user("le-bob"),
    };
    assert_eq!(stage.told(), [(Channel::Room(room.clone()), left)]);
    let bob = plain("le-bob");
    assert_eq!(
        refusal(stage.store.room(&bob, &room).await),
        Refusal::NotFound
    );
    let sent = stage.try_send(&bob, text(&room, "x")).await;
    assert_eq!(refusal(sent), Refusal::NotFound);
    let ask = LeaveRoom {
        room: room.clone(),
        delete: false,
    };
    let again = stage.store.leave(&bob, ask, stage.stamp()).await;
    same_refusal(again, Err::<(), _>(RoomFault::no_room()));
    let shown = stage.store.room(&plain("le-ann"), &room).await.unwrap();
    assert_eq!((shown.members, shown.last_seq), (1, 2));
}

async fn an_owner_who_leaves_hands_over(stage: &Stage<'_>) {
    let room = stage.room(RoomKind::Public, "ho-ann", &[]).await;
    stage.join("ho-zoe", &room).await.unwrap();
    stage.join("ho-bob", &room).await.unwrap();
    stage.heard();
    stage.leave("ho-ann", &room).await;
    let left = EventKind::Left {
        user: user("ho-ann"),
    };
    let role = EventKind::RoleChanged {
        user: user("ho-zoe"),
        role: MemberRole::Owner,
    };
    let channel = Channel::Room(room.clone());
    assert_eq!(
        stage.told(),
        [(channel.clone(), left), (channel.clone(), role)]
    );
    let shown = stage.store.room(&plain("ho-bob"), &room).await.unwrap();
    assert_eq!(
        shown.owner,
        Some(user("ho-zoe")),
        "the longest-standing one"
    );
    stage.leave("ho-bob", &room).await;
    stage.heard();
    stage.leave("ho-zoe", &room).await;
    assert_eq!(
        stage.told(),
        [(channel, EventKind::Deleted)],
        "nobody is left"
    );
}

async fn the_next_room_is_public_first(stage: &Stage<'_>) {
    let dm = stage.room(RoomKind::Dm, "nx-ann", &["nx-bob"]).await;
    let private = stage.room(RoomKind::Private, "nx-bob", &["nx-ann"]).await;
    let public = stage.room(RoomKind::Public, "nx-bob", &["nx-ann"]).await;
    let last = stage.room(RoomKind::Public, "nx-bob", &["nx-ann"]).await;
    stage.say("nx-bob", &private, "new").await;
    let seen = stage.say("nx-bob", &public, "seen").await;
    stage
        .receipt("nx-ann", &seen, DeliveryState::Read)
        .await
        .unwrap();
    let viewed = stage.stamp().at.millis() - 1000;
    let leave = async |room: &RoomId| {
        let ask = LeaveRoom {
            room: room.clone(),
            delete: true,
        };
        let left = stage
            .store
            .leave(&plain("nx-ann"), ask, stage.stamp())
            .await;
        left.unwrap()
    };
    let next = leave(&last).await.unwrap();
    assert_eq!(
        (next.room, next.kind, next.unread),
        (public.clone(), RoomKind::Public, false)
    );
    let viewed_at = next.last_viewed_at.unwrap();
    assert_eq!(viewed_at.millis(), viewed, "when it was seen");
    let next = leave(&public).await;
    let expected = NextRoom {
        room: private.clone(),
        kind: RoomKind::Private,
        last_viewed_at: None,
        unread: true,
    };
    assert_eq!(next, Some(expected));
    assert_eq!(leave(&private).await.unwrap().room, dm);
    assert_eq!(leave(&dm).await, None);
    let still = stage.store.room(&plain("nx-bob"), &last).await;
    assert!(still.is_ok(), "only an owner deletes");
    stage.heard();
}

async fn remove(
    stage: &Stage<'_>,
    by: Actor,
    room: &RoomId,
    (name, ban): (&str, bool),
) -> Result<(), RoomFault> {
    let ask = RemoveMember {
        room: room.clone(),
        user: user(name),
        ban,
    };
    stage.store.remove(&by, ask, stage.stamp()).await
}

async fn who_may_remove(stage: &Stage<'_>) {
    let members = ["rm-mod", "rm-too", "rm-bob", "rm-carol", "rm-dave"];
    let room = stage.room(RoomKind::Private, "rm-ann", &members).await;
    for name in ["rm-mod", "rm-too"] {
        role(stage, plain("rm-ann"), &room, (name, MemberRole::Moderator))
            .await
            .unwrap();
    }
    stage.heard();
    let out = |name| (name, false);
    for (by, name, why) in [
        (plain("rm-bob"), "rm-carol", Refusal::Forbidden),
        (any("rm-eve"), "rm-carol", Refusal::Forbidden),
        (plain("rm-eve"), "rm-carol", Refusal::NotFound),
        (plain("rm-mod"), "rm-too", Refusal::Forbidden),
        (plain("rm-mod"), "rm-ann", Refusal::Forbidden),
        (moderator("rm-eve"), "rm-ann", Refusal::Forbidden),
        (plain("rm-ann"), "rm-ann", Refusal::BadRequest),
        (plain("rm-ann"), "rm-eve", Refusal::NotFound),
    ] {
        let by_name = by.user.clone();
        let refused = remove(stage, by, &room, out(name)).await;
        assert_eq!(refusal(refused), why, "{by_name} removes {name}");
    }
    assert_eq!(stage.heard(), []);
    remove(stage, plain("rm-mod"), &room, out("rm-bob"))
        .await
        .unwrap();
    remove(stage, plain("rm-ann"), &room, out("rm-mod"))
        .await
        .unwrap();
    remove(stage, moderator("rm-eve"), &room, out("rm-too"))
        .await
        .unwrap();
    let channel = Channel::Room(room.clone());
    let left = |name| (channel.clone(), EventKind::Left { user: user(name) });
    assert_eq!(
        stage.told(),
        [left("rm-bob"), left("rm-mod"), left("rm-too")]
    );
    let dm = stage.room(RoomKind::Dm, "rm-ann", &["rm-bob"]).await;
    let refused = remove(stage, moderator("rm-eve"), &dm, out("rm-bob")).await;
    assert_eq!(refusal(refused), Refusal::Forbidden, "a DM has two members");
}

async fn a_ban_keeps_out(stage: &Stage<'_>) {
    let room = stage.room(RoomKind::Public, "ba-ann", &["ba-bob"]).await;
    remove(stage, plain("ba-ann"), &room, ("ba-bob", true))
        .await
        .unwrap();
    assert_eq!(
        refusal(stage.join("ba-bob", &room).await),
        Refusal::Forbidden
    );
    stage.heard();
    remove(stage, plain("ba-ann"), &room, ("ba-eve", true))
        .await
        .unwrap();
    assert_eq!(stage.heard(), [], "who is no member does not leave");
    assert_eq!(
        refusal(stage.join("ba-eve", &room).await),
        Refusal::Forbidden
    );
    remove(stage, plain("ba-ann"), &room, ("ba-eve", true))
        .await
        .unwrap();
}

async fn role(
    stage: &Stage<'_>,
    by: Actor,
    room: &RoomId,
    (name, role): (&str, MemberRole),
) -> Result<Member, RoomFault> {
    let ask = SetRole {
        room: room.clone(),
        user: user(name),
        role,
    };
    stage.store.set_role(&by, ask, stage.stamp()).await
}

async fn who_gives_roles(stage: &Stage<'_>) {
    use MemberRole::{Member, Moderator, Owner};
    let room = stage
        .room(RoomKind::Private, "sr-ann", &["sr-bob", "sr-carol"])
        .await;
    let bob = role(stage, plain("sr-ann"), &room, ("sr-bob", Moderator))
        .await
        .unwrap();
    assert_eq!((bob.profile.user, bob.role), (user("sr-bob"), Moderator));
    let changed = |name, role| {
        let user = user(name);
        (
            Channel::Room(room.clone()),
            EventKind::RoleChanged { user, role },
        )
    };
    assert_eq!(stage.told(), [changed("sr-bob", Moderator)]);
    role(stage, plain("sr-ann"), &room, ("sr-bob", Moderator))
        .await
        .unwrap();
    assert_eq!(stage.heard(), [], "the same role is none given");
    for (by, name, given, why) in [
        (plain("sr-bob"), "sr-carol", Moderator, Refusal::Forbidden),
        (any("sr-eve"), "sr-carol", Moderator, Refusal::Forbidden),
        (plain("sr-eve"), "sr-carol", Moderator, Refusal::NotFound),
        (moderator("sr-eve"), "sr-carol", Owner, Refusal::Forbidden),
        (moderator("sr-eve"), "sr-ann", Member, Refusal::Forbidden),
        (plain("sr-ann"), "sr-ann", Member, Refusal::Forbidden),
        (plain("sr-ann"), "sr-eve", Moderator, Refusal::NotFound),
    ] {
        let by_name = by.user.clone();
        let refused = role(stage, by, &room, (name, given)).await;
        assert_eq!(refusal(refused), why, "{by_name} makes {name} {given:?}");
    }
    role(stage, moderator("sr-eve"), &room, ("sr-carol", Moderator))
        .await
        .unwrap();
    stage.heard();
    role(stage, plain("sr-ann"), &room, ("sr-carol", Owner))
        .await
        .unwrap();
    let expected = [changed("sr-carol", Owner), changed("sr-ann", Moderator)];
    assert_eq!(stage.told(), expected);
    let shown = stage.store.room(&plain("sr-ann"), &room).await.unwrap();
    assert_eq!(
        (shown.owner, shown.role),
        (Some(user("sr-carol")), Some(Moderator))
    );
    let dm = stage.room(RoomKind::Dm, "sr-ann", &["sr-bob"]).await;
    let refused = role(stage, plain("sr-ann"), &dm, ("sr-bob", Moderator)).await;
    assert_eq!(refusal(refused), Refusal::Forbidden);
}

async fn members_are_listed_by_user(stage: &Stage<'_>) {
    let room = stage
        .room(RoomKind::Private, "ml-c", &["ml-d", "ml-a", "ml-b"])
        .await;
    let list = async |after: Option<&str>, limit| {
        let after = after.map(user);
        let members = stage
            .store
            .members(&plain("ml-a"), &room, after.as_ref(), limit)
            .await;
        let names = members
            .unwrap()
            .into_iter()
            .map(|member| member.profile.user);
        names.collect::<Vec<_>>()
    };
    assert_eq!(list(None, 2).await, [user("ml-a"), user("ml-b")]);
    assert_eq!(list(Some("ml-b"), 9).await, [user("ml-c"), user("ml-d")]);
    assert_eq!(list(Some("ml-d"), 9).await, []);
}
