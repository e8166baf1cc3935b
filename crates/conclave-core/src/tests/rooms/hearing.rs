use std::rc::Rc;

use conclave_protocol::{
    Channel, DeleteRoom, DeliveryState, EventKind, GiveReceipt, LeaveRoom, ListOffline, NoticeKind,
    Publication, ReadOwn, Refusal, RemoveMember, RoomId, RoomKind, ServerPush,
};

use super::{
    Stage, at, by, event, follow, id_of, moment, now, permit, refused, room_id, text, user, who,
};
use crate::{Batch, Head, HearAll};

/// Gives the hub what has arrived, and everything out: who got which offsets, in order.
fn deliver(stage: &Stage) -> Vec<(u32, Vec<u64>)> {
    for publication in stage.arrived() {
        assert!(stage.hub.offer(publication));
    }
    let mut got: Vec<(u32, Vec<u64>)> = Vec::new();
    while let Some(walk) = stage.hub.turn() {
        while let Some(member) = walk.next_member() {
            let later = walk.batch().publications().iter();
            let later = later.filter(|publication| publication.is_after(member.from));
            let offsets = later.map(|publication| publication.position.offset);
            let known = got.iter_mut().find(|(slot, _)| *slot == member.slot);
            match known {
                Some((_, all)) => all.extend(offsets),
                None => got.push((member.slot, offsets.collect())),
            }
        }
        stage.hub.end_turn(walk).unwrap();
    }
    got.sort_unstable();
    got
}

/// The batches of what has arrived.
fn batches(stage: &Stage) -> Vec<Rc<Batch>> {
    for publication in stage.arrived() {
        assert!(stage.hub.offer(publication));
    }
    let mut batches = Vec::new();
    while let Some(walk) = stage.hub.turn() {
        while walk.next_member().is_some() {}
        batches.extend(stage.hub.end_turn(walk));
    }
    batches
}

fn ends(batch: &Batch) -> Option<&EventKind> {
    batch.ending().map(|publication| &event(publication).kind)
}

#[test]
fn events_reach_who_hears_the_room_with_their_places() {
    let stage = Stage::new();
    let room = stage.room("room", RoomKind::Private, &["bob"]);
    let other = stage.room("other", RoomKind::Private, &["bob"]);
    let (ann, bob) = (user("ann"), user("bob"));
    let _hears = [stage.hear(&ann, &room, 1), stage.hear(&bob, &room, 2)];
    let _elsewhere = stage.hear(&bob, &other, 3);
    stage.send(&ann, text(&room, "one"), at(1)).unwrap();
    stage.send(&ann, text(&other, "far"), at(1)).unwrap();
    stage.send(&bob, text(&room, "two"), at(2)).unwrap();
    assert_eq!(
        deliver(&stage),
        [(1, vec![2, 3]), (2, vec![2, 3]), (3, vec![2])]
    );
}

#[test]
fn what_has_no_place_reaches_every_member() {
    let stage = Stage::new();
    let room = stage.room("room", RoomKind::Private, &["bob"]);
    let ann = user("ann");
    let hears = [
        stage.hear(&ann, &room, 1),
        stage.hear(&user("bob"), &room, 2),
    ];
    stage.send(&ann, text(&room, "one"), at(1)).unwrap();
    stage.type_in(&ann, &room, true, at(2));
    // The second has read the store up to the message.
    hears[1].skip_to(2);
    assert_eq!(deliver(&stage), [(1, vec![2, 0]), (2, vec![0])]);
    stage.type_in(&ann, &room, false, at(3));
    assert_eq!(deliver(&stage), [(1, vec![0]), (2, vec![0])]);
    stage.send(&ann, text(&room, "two"), at(4)).unwrap();
    assert_eq!(deliver(&stage), [(1, vec![3]), (2, vec![3])]);
}

/// Who hears a room subscribes, reads the store, then skips to what was read: nothing is lost
/// and nothing comes twice, whatever happens between.
#[test]
fn history_and_what_arrives_fit_together() {
    let stage = Stage::new();
    let room = stage.room("room", RoomKind::Private, &["bob"]);
    let (ann, bob) = (user("ann"), user("bob"));
    let _other = stage.hear(&ann, &room, 1);
    stage.send(&ann, text(&room, "before"), at(1)).unwrap();
    let hears = stage.hear(&bob, &room, 2);
    stage.send(&ann, text(&room, "between"), at(2)).unwrap();
    let replay = now(stage.rooms.replay(&follow(&bob, &room), 1, 100)).unwrap();
    stage.send(&ann, text(&room, "after"), at(3)).unwrap();
    hears.skip_to(replay.last_seq);
    let history: Vec<u64> = replay.events.iter().map(|event| event.seq).collect();
    assert_eq!((history, replay.last_seq), (vec![2, 3], 3));
    assert!(!replay.more && !replay.by_any);
    assert_eq!(deliver(&stage), [(1, vec![2, 3, 4]), (2, vec![4])]);
    // It never goes back.
    hears.skip_to(1);
    stage.send(&ann, text(&room, "last"), at(4)).unwrap();
    assert_eq!(deliver(&stage)[1], (2, vec![5]));
}

#[test]
fn a_batch_ends_where_somebodys_hearing_ends() {
    let stage = Stage::new();
    let room = stage.room("room", RoomKind::Private, &["bob", "eve"]);
    let (ann, bob) = (user("ann"), user("bob"));
    let _hears = stage.hear(&ann, &room, 1);
    stage.send(&ann, text(&room, "one"), at(1)).unwrap();
    let leave = LeaveRoom {
        room: room.clone(),
        delete: false,
    };
    now(stage.rooms.leave(permit(&bob, leave), at(2))).unwrap();
    stage.send(&ann, text(&room, "two"), at(3)).unwrap();
    stage.send(&ann, text(&room, "three"), at(3)).unwrap();
    let remove = RemoveMember {
        room: room.clone(),
        user: id_of("eve"),
        ban: true,
    };
    now(stage.rooms.remove(permit(&ann, remove), at(4))).unwrap();
    let delete = DeleteRoom { room: room.clone() };
    now(stage.rooms.delete(permit(&ann, delete), at(5))).unwrap();
    let batches = batches(&stage);
    let offsets = |batch: &Rc<Batch>| -> Vec<u64> {
        let publications = batch.publications().iter();
        publications.map(|p| p.position.offset).collect()
    };
    let offsets: Vec<_> = batches.iter().map(offsets).collect();
    assert_eq!(offsets, [vec![2, 3], vec![4, 5, 6], vec![7]]);
    let left = |name| EventKind::Left { user: id_of(name) };
    assert_eq!(ends(&batches[0]), Some(&left("bob")));
    assert_eq!(ends(&batches[1]), Some(&left("eve")));
    assert_eq!(ends(&batches[2]), Some(&EventKind::Deleted));
}

#[test]
fn a_batch_without_an_end_has_none_and_knows_whose_it_is() {
    let stage = Stage::new();
    let room = stage.room("room", RoomKind::Private, &["bob"]);
    let ann = user("ann");
    let _hears = stage.hear(&ann, &room, 1);
    stage.send(&ann, text(&room, "one"), by(7, 1)).unwrap();
    stage.send(&ann, text(&room, "two"), by(8, 1)).unwrap();
    let batches = batches(&stage);
    assert_eq!(batches.len(), 1);
    assert_eq!(ends(&batches[0]), None);
    let from = [7, 8, 9, 0].map(|connection| batches[0].is_from(connection));
    assert_eq!(from, [true, true, false, false]);
}

#[test]
fn who_may_not_hear_a_room_is_told_nothing_of_it() {
    let stage = Stage::new();
    let room = stage.room("room", RoomKind::Private, &["bob"]);
    let replay = |name: &str, room| {
        let permit = follow(&user(name), room);
        now(stage.rooms.replay(&permit, u64::MAX, 1)).map(|replay| replay.last_seq)
    };
    assert_eq!(replay("ann", &room).unwrap(), 1);
    let nowhere = room_id("none");
    let none = replay("eve", &nowhere).unwrap_err();
    let closed = replay("eve", &room).unwrap_err();
    assert_eq!(
        (none.refusal(), none.message()),
        (closed.refusal(), closed.message())
    );
    // Membership that ended between the subscription and the read is seen by the read.
    let _hears = stage.hear(&user("bob"), &room, 1);
    let leave = LeaveRoom {
        room: room.clone(),
        delete: false,
    };
    now(stage.rooms.leave(permit(&user("bob"), leave), at(1))).unwrap();
    assert_eq!(refused(replay("bob", &room)), Refusal::NotFound);
}

/// The channels of what has arrived.
fn channels(stage: &Stage) -> Vec<(Channel, Vec<EventKind>)> {
    let mut channels: Vec<(Channel, Vec<EventKind>)> = Vec::new();
    for publication in stage.arrived() {
        let kind = event(&publication).kind.clone();
        let channel: &Channel = &publication.channel;
        match channels.iter_mut().find(|(known, _)| known == channel) {
            Some((_, kinds)) => kinds.push(kind),
            None => channels.push((channel.clone(), vec![kind])),
        }
    }
    channels
}

#[test]
fn a_feed_hears_of_new_rooms_receipts_and_pushes() {
    let stage = Stage::new();
    let ann = user("ann");
    let feeds = stage.rooms.hear_feed(&permit(&ann, HearAll), 0);
    let _feeds = feeds.map(|feed| stage.hub.join(&feed, 1));
    let room = stage.room("room", RoomKind::Private, &["bob"]);
    let own = stage.rooms.hear_own(&follow(&ann, &room), 0).unwrap();
    let _own = stage.hub.join(&own, 2);
    let feed = Channel::User(id_of("ann"));
    let entered = (feed.clone(), vec![EventKind::Entered { seq: 1 }]);
    assert_eq!(channels(&stage), [entered]);

    let message = stage
        .send(&ann, text(&room, "hi"), at(1))
        .unwrap()
        .message
        .id;
    let status = DeliveryState::Read;
    let (place, backend) = (Some(room.clone()), who("backend", &["server.publish"]));
    let ask = GiveReceipt {
        message,
        room: place,
        status,
    };
    now(stage
        .rooms
        .give_receipt(permit(&user("bob"), ask.clone()), at(2)))
    .unwrap();
    let told = channels(&stage);
    let user = id_of("ann");
    assert_eq!(
        [&told[0].0, &told[1].0],
        [&feed, &Channel::Own { room, user }]
    );
    assert!(matches!(&told[0].1[..], [EventKind::Receipt(receipt)] if receipt.status == status));
    assert_eq!(told[0].1, told[1].1);
    let sent = GiveReceipt {
        status: DeliveryState::Sent,
        ..ask
    };
    let given = now(stage
        .rooms
        .give_receipt(permit(&super::user("bob"), sent), at(3)));
    assert_eq!(refused(given), Refusal::BadRequest);

    let (user, kind) = (id_of("ann"), NoticeKind::LiveUpdate);
    let data: Box<str> = "{}".into();
    let push = ServerPush::User { user, kind, data };
    now(stage.rooms.push(permit(&backend, push), moment(3))).unwrap();
    let (status, message): (Box<str>, Box<str>) = ("up".into(), "all is well".into());
    let push = ServerPush::System { status, message };
    now(stage.rooms.push(permit(&backend, push), moment(3))).unwrap();
    let told: Vec<Channel> = channels(&stage)
        .into_iter()
        .map(|(channel, _)| channel)
        .collect();
    assert_eq!(told, [feed, Channel::System]);
}

#[test]
fn who_was_away_gets_what_was_missed() {
    let stage = Stage::new();
    let one = stage.room("one", RoomKind::Private, &["bob"]);
    let two = stage.room("two", RoomKind::Private, &["bob"]);
    stage.room("three", RoomKind::Private, &[]);
    let (ann, bob) = (user("ann"), user("bob"));
    let own = permit(&bob, ReadOwn);
    let rooms = now(stage.rooms.rooms_of(&own)).unwrap();
    assert_eq!(rooms, [one.clone(), two.clone()]);
    for room in [&two, &one, &two] {
        stage.send(&ann, text(room, "hi"), at(1)).unwrap();
    }
    let head = |room: &RoomId, last_seq| Head {
        room: room.clone(),
        last_seq,
        offline: true,
    };
    assert_eq!(
        now(stage.rooms.heads(&own)).unwrap(),
        [head(&one, 2), head(&two, 3)]
    );
    let missed = now(stage.rooms.missed(&own, 3, 10)).unwrap();
    let missed: Vec<_> = missed
        .iter()
        .map(|e| (e.number, e.room.clone().unwrap()))
        .collect();
    assert_eq!(
        missed,
        [(4, two.clone()), (5, one.clone()), (6, two.clone())]
    );
    let list = ListOffline {
        limit: 2,
        after: None,
    };
    let (first, count) = now(stage.rooms.unreceived(&permit(&bob, list))).unwrap();
    let places: Vec<_> = first.iter().map(|m| (m.room.clone(), m.seq)).collect();
    assert_eq!((places, count), (vec![(one, 2), (two, 2)], 3));
}

#[test]
fn an_event_counts_by_its_weight() {
    let stage = Stage::new();
    let room = stage.room("room", RoomKind::Private, &["bob"]);
    let ann = user("ann");
    let _hears = stage.hear(&ann, &room, 1);
    // So long that a batch does not hold all.
    for _ in 0..40 {
        stage
            .send(&ann, text(&room, &"é".repeat(2000)), at(1))
            .unwrap();
    }
    let weight: fn(&Publication) -> usize = Publication::weight;
    let batches = batches(&stage);
    assert!(batches.len() > 1);
    for batch in batches {
        let sum: usize = batch.publications().iter().map(|p| weight(p)).sum();
        assert_eq!(batch.weight(), sum);
        assert!(sum <= 64 * 1024);
    }
}
