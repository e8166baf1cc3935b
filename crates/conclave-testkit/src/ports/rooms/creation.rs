//! Rooms come, change and go.

use conclave_core::{Head, RoomFault, Scope};
use conclave_protocol::{
    Channel, DeleteRoom, EventKind, LeaveRoom, MemberRole, Refusal, RoomId, RoomKind, UpdateRoom,
};

use super::stage::{ORIGIN, Stage, any, moderator, nowhere, plain, refusal, same_refusal, text};
use crate::ports::user;

pub(super) async fn all(stage: &Stage<'_>) {
    a_new_room_has_an_owner_and_first_members(stage).await;
    creating_is_one_event(stage).await;
    ids_are_used_once(stage).await;
    a_pair_has_one_dm(stage).await;
    a_dm_stays_as_it_is(stage).await;
    owners_and_moderators_change_a_room(stage).await;
    a_deleted_room_is_none(stage).await;
    rooms_are_seen_by_who_may(stage).await;
    rooms_are_listed_by_id(stage).await;
    who_is_where(stage).await;
    rooms_of_a_user_are_bounded(stage).await;
}

async fn a_new_room_has_an_owner_and_first_members(stage: &Stage<'_>) {
    let mut new = stage.new_room(RoomKind::Private, &["cr-bob", "cr-ann", "cr-bob"]);
    new.room.description = Some("about".into());
    let stamp = stage.stamp();
    let created = stage
        .store
        .create(&plain("cr-ann"), new.clone(), stamp)
        .await;
    let created = created.unwrap();
    assert!(!created.existing);
    let room = created.room;
    assert_eq!((&room.id, room.kind), (&new.id, RoomKind::Private));
    assert_eq!(Some(room.name.clone()), new.room.name);
    assert_eq!(room.description.as_deref(), Some("about"));
    assert_eq!(room.owner, Some(user("cr-ann")));
    assert_eq!(room.role, Some(MemberRole::Owner));
    assert_eq!(room.created_at, stamp.at);
    assert_eq!((room.last_seq, room.unread), (1, 0));
    assert_eq!((room.members, room.messages), (2, 0));
    let seen = stage.store.room(&plain("cr-bob"), &room.id).await.unwrap();
    assert_eq!(seen.role, Some(MemberRole::Member));
    let members = stage
        .store
        .members(&plain("cr-bob"), &room.id, None, 10)
        .await;
    let members = members.unwrap();
    let shown: Vec<_> = members
        .iter()
        .map(|member| (member.profile.user.as_str(), member.role, member.joined_at))
        .collect();
    let ann = ("cr-ann", MemberRole::Owner, stamp.at);
    assert_eq!(shown, [ann, ("cr-bob", MemberRole::Member, stamp.at)]);
    stage.heard();
}

async fn creating_is_one_event(stage: &Stage<'_>) {
    let new = stage.new_room(RoomKind::Public, &["ce-bob"]);
    let stamp = stage.stamp();
    let created = stage.store.create(&plain("ce-ann"), new, stamp).await;
    let room = created.unwrap().room;
    let heard = stage.heard();
    let [created, ann, bob] = heard.as_slice() else {
        panic!("{heard:?}")
    };
    assert_eq!(created.channel, Channel::Room(room.id.clone()));
    assert_eq!((created.event.seq, created.event.at), (1, stamp.at));
    assert!(created.event.number > 0);
    assert_eq!(created.origin, ORIGIN);
    let EventKind::Created(shown) = &created.event.kind else {
        panic!("{created:?}")
    };
    assert_eq!(
        (shown.members, shown.role),
        (2, None),
        "it is nobody's view"
    );
    for (heard, name) in [(ann, "ce-ann"), (bob, "ce-bob")] {
        assert_eq!(heard.channel, Channel::User(user(name)));
        assert_eq!(heard.event.kind, EventKind::Entered { seq: 1 });
        assert_eq!(heard.event.room, Some(room.id.clone()));
        assert_eq!((heard.event.seq, heard.event.number), (0, 0));
    }
}

async fn ids_are_used_once(stage: &Stage<'_>) {
    let new = stage.new_room(RoomKind::Private, &[]);
    let (ann, bob) = (plain("iu-ann"), plain("iu-bob"));
    let first = stage.store.create(&ann, new.clone(), stage.stamp()).await;
    first.unwrap();
    stage.heard();
    let again = stage.store.create(&bob, new, stage.stamp()).await;
    assert_eq!(refusal(again), Refusal::Conflict);
    assert_eq!(stage.heard(), [], "what is refused is not told");
    assert_eq!(stage.store.rooms_of(&user("iu-bob")).await.unwrap(), []);
}

async fn a_pair_has_one_dm(stage: &Stage<'_>) {
    let (ann, bob) = (plain("dm-ann"), plain("dm-bob"));
    let new = stage.new_room(RoomKind::Dm, &["dm-bob"]);
    let first = stage.store.create(&ann, new, stage.stamp()).await.unwrap();
    assert!(!first.existing);
    assert_eq!((first.room.owner.clone(), &*first.room.name), (None, ""));
    assert_eq!(first.room.role, Some(MemberRole::Member));
    stage.heard();
    for (by, other) in [(&ann, "dm-bob"), (&bob, "dm-ann")] {
        let new = stage.new_room(RoomKind::Dm, &[other]);
        let again = stage.store.create(by, new, stage.stamp()).await.unwrap();
        assert!(again.existing);
        assert_eq!(again.room, first.room);
    }
    assert_eq!(stage.heard(), [], "nothing happened");
    let other = stage.room(RoomKind::Dm, "dm-ann", &["dm-carol"]).await;
    assert_ne!(other, first.room.id);

    stage.leave("dm-ann", &first.room.id).await;
    stage.heard();
    let new = stage.new_room(RoomKind::Dm, &["dm-bob"]);
    let back = stage.store.create(&ann, new, stage.stamp()).await.unwrap();
    assert!(back.existing, "who has left is back");
    assert_eq!(
        (back.room.id, back.room.members),
        (first.room.id.clone(), 2)
    );
    let told = stage.told();
    let joined = EventKind::Joined {
        user: user("dm-ann"),
    };
    assert_eq!(told[0], (Channel::Room(first.room.id), joined));
    assert!(
        matches!(told[1].1, EventKind::Entered { seq: 3 }),
        "{told:?}"
    );
}

async fn a_dm_stays_as_it_is(stage: &Stage<'_>) {
    let dm = stage.room(RoomKind::Dm, "ds-ann", &["ds-bob"]).await;
    for by in [plain("ds-ann"), moderator("ds-eve")] {
        let ask = DeleteRoom { room: dm.clone() };
        let deleted = stage.store.delete(&by, ask, stage.stamp()).await;
        assert_eq!(refusal(deleted), Refusal::Forbidden);
        let ask = UpdateRoom {
            room: dm.clone(),
            name: Some("name".into()),
            description: None,
            assistant: None,
        };
        let named = stage.store.update(&by, ask, stage.stamp()).await;
        assert_eq!(refusal(named), Refusal::Forbidden);
    }
    stage.leave("ds-ann", &dm).await;
    stage.leave("ds-bob", &dm).await;
    let again = stage.room(RoomKind::Dm, "ds-bob", &["ds-ann"]).await;
    assert_eq!(again, dm, "it outlives both");
}

fn rename(room: &RoomId, name: &str) -> UpdateRoom {
    UpdateRoom {
        room: room.clone(),
        name: Some(name.into()),
        description: Some("d".into()),
        assistant: None,
    }
}

async fn owners_and_moderators_change_a_room(stage: &Stage<'_>) {
    let room = stage.room(RoomKind::Private, "up-ann", &["up-bob"]).await;
    let update = async |by, ask| stage.store.update(&by, ask, stage.stamp()).await;
    let changed = update(plain("up-ann"), rename(&room, "one")).await.unwrap();
    assert_eq!((&*changed.name, changed.last_seq), ("one", 2));
    assert_eq!(changed.role, Some(MemberRole::Owner));
    let told = stage.told();
    let [(Channel::Room(_), EventKind::Updated(shown))] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert_eq!((&*shown.name, shown.last_seq, shown.role), ("one", 2, None));
    let changed = update(moderator("up-eve"), rename(&room, "two")).await;
    assert_eq!((&*changed.unwrap().name), "two", "by moderator power");
    let mut ask = rename(&room, "");
    (ask.name, ask.description) = (None, Some("".into()));
    let changed = update(plain("up-ann"), ask).await.unwrap();
    assert_eq!((&*changed.name, changed.description), ("two", None));
    for by in [plain("up-bob"), any("up-eve")] {
        let refused = update(by, rename(&room, "three")).await;
        assert_eq!(refusal(refused), Refusal::Forbidden);
    }
    let hidden = update(plain("up-eve"), rename(&room, "three")).await;
    same_refusal(
        hidden,
        update(plain("up-eve"), rename(&nowhere(), "x")).await,
    );
    stage.heard();
}

async fn a_deleted_room_is_none(stage: &Stage<'_>) {
    let room = stage.room(RoomKind::Public, "de-ann", &["de-bob"]).await;
    let message = stage.say("de-bob", &room, "soon gone").await;
    let delete = async |by| {
        let ask = DeleteRoom { room: room.clone() };
        stage.store.delete(&by, ask, stage.stamp()).await
    };
    assert_eq!(refusal(delete(any("de-bob")).await), Refusal::Forbidden);
    delete(plain("de-ann")).await.unwrap();
    let heard = stage.heard();
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert_eq!(heard[0].channel, Channel::Room(room.clone()));
    assert_eq!(
        (heard[0].event.seq, &heard[0].event.kind),
        (3, &EventKind::Deleted)
    );
    let number = heard[0].event.number;
    same_refusal(
        stage.store.room(&any("de-bob"), &room).await,
        stage.store.room(&any("de-bob"), &nowhere()).await,
    );
    let receipts = stage.store.receipts(&any("de-bob"), message.id).await;
    let none = stage
        .store
        .receipts(&any("de-bob"), stage.message_id())
        .await;
    same_refusal(receipts, none);
    assert_eq!(stage.store.rooms_of(&user("de-bob")).await.unwrap(), []);
    same_refusal(
        delete(plain("de-ann")).await,
        Err::<(), _>(RoomFault::no_room()),
    );
    // Its numbers are not used again.
    let (ann, new) = (plain("de-ann"), stage.new_room(RoomKind::Public, &[]));
    let other = stage.store.create(&ann, new, stage.stamp());
    let other = other.await.unwrap().room.id;
    assert!(stage.heard()[0].event.number > number);

    let ask = LeaveRoom {
        room: other.clone(),
        delete: true,
    };
    let left = stage
        .store
        .leave(&plain("de-ann"), ask, stage.stamp())
        .await;
    assert_eq!(left.unwrap(), None);
    let told = stage.told();
    assert_eq!(told, [(Channel::Room(other), EventKind::Deleted)]);
}

async fn rooms_are_seen_by_who_may(stage: &Stage<'_>) {
    let private = stage.room(RoomKind::Private, "se-ann", &[]).await;
    let public = stage.room(RoomKind::Public, "se-ann", &[]).await;
    let store = stage.store;
    let (eve, ghost) = (plain("se-eve"), any("se-ghost"));
    let hidden = store.room(&eve, &private).await;
    same_refusal(hidden, store.room(&eve, &nowhere()).await);
    let shown = store.room(&eve, &public).await.unwrap();
    assert_eq!((shown.role, shown.unread), (None, 0));
    for room in [&private, &public] {
        assert!(store.room(&ghost, room).await.is_ok());
        assert!(store.members(&ghost, room, None, 9).await.is_ok());
        let page = conclave_core::Page {
            limit: 9,
            ..Default::default()
        };
        assert!(store.messages(&ghost, room, page).await.is_ok());
        assert!(store.events(&ghost, room, 0, 9).await.unwrap().by_any);
        assert_eq!(
            refusal(store.members(&eve, room, None, 9).await),
            Refusal::NotFound
        );
        assert_eq!(
            refusal(store.messages(&eve, room, page).await),
            Refusal::NotFound
        );
        assert_eq!(
            refusal(store.events(&eve, room, 0, 9).await),
            Refusal::NotFound
        );
        let sent = stage.try_send(&eve, text(room, "x")).await;
        assert_eq!(refusal(sent), Refusal::NotFound);
    }
    assert!(
        !store
            .events(&plain("se-ann"), &public, 0, 9)
            .await
            .unwrap()
            .by_any
    );
    let ask = DeleteRoom { room: private };
    let deleted = store.delete(&moderator("se-eve"), ask, stage.stamp()).await;
    deleted.unwrap();
    stage.heard();
}

async fn rooms_are_listed_by_id(stage: &Stage<'_>) {
    let mut own = Vec::new();
    for kind in [RoomKind::Private, RoomKind::Public, RoomKind::Private] {
        own.push(stage.room(kind, "li-ann", &["li-bob"]).await);
    }
    stage.say("li-bob", &own[1], "unread").await;
    let list = async |by, scope, after: Option<&RoomId>, limit| {
        let rooms = stage.store.rooms(&by, scope, after, limit).await.unwrap();
        rooms
            .into_iter()
            .map(|room| (room.id, room.unread))
            .collect::<Vec<_>>()
    };
    let all = [
        (own[0].clone(), 0),
        (own[1].clone(), 1),
        (own[2].clone(), 0),
    ];
    assert_eq!(list(plain("li-ann"), Scope::Own, None, 9).await, all);
    assert_eq!(
        list(plain("li-ann"), Scope::Own, Some(&own[0]), 1).await,
        all[1..2]
    );
    assert_eq!(
        list(plain("li-ann"), Scope::Own, Some(&own[2]), 9).await,
        []
    );
    assert_eq!(list(any("li-eve"), Scope::Own, None, 9).await, []);
    let every = list(any("li-eve"), Scope::All, None, 10_000).await;
    assert!(
        own.iter().all(|id| every.contains(&(id.clone(), 0))),
        "{every:?}"
    );
    assert!(every.is_sorted());
    let behind = list(any("li-eve"), Scope::All, Some(&own[0]), 10_000).await;
    assert!(!behind.contains(&(own[0].clone(), 0)));
    assert!(behind.contains(&(own[1].clone(), 0)));
    assert_eq!(list(any("li-eve"), Scope::All, None, 2).await, every[..2]);
    assert_eq!(list(plain("li-eve"), Scope::All, None, 9).await, []);
    let public = list(plain("li-eve"), Scope::Public, None, 1000).await;
    assert!(public.contains(&(own[1].clone(), 0)), "{public:?}");
    assert!(!public.contains(&all[0]));
    assert!(public.is_sorted());
}

async fn who_is_where(stage: &Stage<'_>) {
    let mut own = Vec::new();
    for _ in 0..3 {
        own.push(stage.room(RoomKind::Private, "wh-ann", &["wh-bob"]).await);
    }
    stage.say("wh-bob", &own[1], "a place more").await;
    let heads = stage.store.heads(&user("wh-ann")).await.unwrap();
    let head = |place: usize, last_seq, offline| Head {
        room: own[place].clone(),
        last_seq,
        offline,
    };
    let expected = [head(0, 1, false), head(1, 2, true), head(2, 1, false)];
    assert_eq!(heads, expected);
    // What one said oneself was received.
    let of_bob = stage.store.heads(&user("wh-bob")).await.unwrap();
    assert_eq!(of_bob[1], head(1, 2, false));
    let users = [user("wh-eve"), user("wh-bob")];
    let of_each = stage.store.rooms_of_each(&users);
    let of_bob: Vec<_> = own
        .iter()
        .map(|room| (user("wh-bob"), room.clone()))
        .collect();
    let mut of_each = of_each.await.unwrap();
    of_each.sort_unstable();
    assert_eq!(of_each, of_bob);
    assert!(
        stage
            .store
            .share_room(&user("wh-ann"), &user("wh-bob"))
            .await
            .unwrap()
    );
    assert!(
        !stage
            .store
            .share_room(&user("wh-ann"), &user("wh-eve"))
            .await
            .unwrap()
    );
}

async fn rooms_of_a_user_are_bounded(stage: &Stage<'_>) {
    let bound = super::room_limits().rooms_per_user;
    let mut last = None;
    for _ in 0..bound {
        last = Some(stage.room(RoomKind::Public, "bo-ann", &["bo-bob"]).await);
    }
    let new = stage.new_room(RoomKind::Private, &["bo-ann"]);
    let one_more = stage
        .store
        .create(&plain("bo-carol"), new, stage.stamp())
        .await;
    assert_eq!(refusal(one_more), Refusal::TooLarge);
    assert_eq!(stage.store.rooms_of(&user("bo-carol")).await.unwrap(), []);
    let open = stage.room(RoomKind::Public, "bo-carol", &[]).await;
    assert_eq!(
        refusal(stage.join("bo-ann", &open).await),
        Refusal::TooLarge
    );
    stage.leave("bo-ann", &last.unwrap()).await;
    stage.join("bo-ann", &open).await.unwrap();
    stage.heard();
}
