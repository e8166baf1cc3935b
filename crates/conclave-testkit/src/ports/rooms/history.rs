//! Messages and events are read.

use conclave_core::{Messages, Page};
use conclave_protocol::{
    EditMessage, EraseMessage, Event, EventKind, Message, MessageId, RoomId, RoomKind, Timestamp,
    UpdateRoom,
};

use super::stage::{EVER, Stage, any, contents, plain, seqs, text};
use crate::ports::user;

pub(super) async fn all(stage: &Stage<'_>) {
    pages_are_exclusive(stage).await;
    a_page_stays_where_it_is(stage).await;
    an_empty_room_has_an_empty_page(stage).await;
    events_are_replayed_as_they_are_now(stage).await;
    a_replay_says_whether_there_is_more(stage).await;
    who_entered_since_is_known(stage).await;
    what_was_missed_comes_by_number(stage).await;
}

async fn page(stage: &Stage<'_>, room: &RoomId, page: Page) -> Messages {
    stage
        .store
        .messages(&any("reader"), room, page)
        .await
        .unwrap()
}

const fn bounds(before: Option<u64>, after: Option<u64>, limit: u32) -> Page {
    Page {
        before,
        after,
        limit,
    }
}

/// Messages at 2, 4, 5, 6 and 8; something else at 1, 3 and 7.
async fn uneven(stage: &Stage<'_>, owner: &str, other: &str) -> RoomId {
    let room = stage.room(RoomKind::Public, owner, &[]).await;
    stage.say(owner, &room, "two").await;
    stage.join(other, &room).await.unwrap();
    for content in ["four", "five", "six"] {
        stage.say(owner, &room, content).await;
    }
    stage.leave(other, &room).await;
    stage.say(owner, &room, "eight").await;
    room
}

async fn pages_are_exclusive(stage: &Stage<'_>) {
    let room = uneven(stage, "pg-ann", "pg-bob").await;
    for (ask, expected, older, newer) in [
        (bounds(None, None, 2), &[8, 6][..], true, false),
        (bounds(None, None, 99), &[8, 6, 5, 4, 2], false, false),
        (bounds(Some(6), None, 2), &[5, 4], true, true),
        (bounds(Some(4), None, 2), &[2], false, true),
        (bounds(Some(2), None, 2), &[], false, true),
        (bounds(None, Some(4), 2), &[6, 5], true, true),
        (bounds(None, Some(5), 2), &[8, 6], true, false),
        (bounds(None, Some(0), 1), &[2], false, true),
        (bounds(None, Some(8), 2), &[], true, false),
        (bounds(Some(8), Some(2), 2), &[5, 4], true, true),
        (bounds(Some(8), Some(2), 9), &[6, 5, 4], true, true),
        (bounds(Some(4), Some(2), 9), &[], true, true),
        (bounds(Some(u64::MAX), Some(u64::MAX), 9), &[], true, false),
    ] {
        let got = page(stage, &room, ask).await;
        assert_eq!(seqs(&got.messages), expected, "{ask:?}");
        assert_eq!((got.older, got.newer), (older, newer), "{ask:?}");
    }
    stage.heard();
}

async fn a_page_stays_where_it_is(stage: &Stage<'_>) {
    let room = uneven(stage, "ps-ann", "ps-bob").await;
    let before = page(stage, &room, bounds(Some(6), None, 2)).await;
    for number in 0..20 {
        stage.say("ps-ann", &room, &number.to_string()).await;
    }
    let after = page(stage, &room, bounds(Some(6), None, 2)).await;
    assert_eq!(before, after);
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let part = page(stage, &room, bounds(cursor, None, 7)).await;
        all.extend(seqs(&part.messages));
        cursor = part.messages.last().map(|message| message.seq);
        if !part.older {
            break;
        }
    }
    assert_eq!(all.len(), 25);
    assert!(all.is_sorted_by(|newer, older| newer > older), "{all:?}");
}

async fn an_empty_room_has_an_empty_page(stage: &Stage<'_>) {
    let room = stage.room(RoomKind::Public, "em-ann", &[]).await;
    for ask in [bounds(None, None, 9), bounds(Some(5), Some(1), 9)] {
        let empty = Messages {
            messages: Vec::new(),
            older: false,
            newer: false,
        };
        assert_eq!(page(stage, &room, ask).await, empty);
    }
}

fn kinds(events: &[std::sync::Arc<Event>]) -> Vec<(u64, &EventKind)> {
    events
        .iter()
        .map(|event| (event.seq, &event.kind))
        .collect()
}

/// Eight events of each kind but one: a message that is edited later, one that is deleted later.
async fn eventful(stage: &Stage<'_>) -> (RoomId, Message, MessageId, Timestamp) {
    let ann = plain("ev-ann");
    let room = stage.room(RoomKind::Public, "ev-ann", &[]).await;
    let mut keyed = text(&room, "first");
    keyed.client_id = Some("k".into());
    let first = stage.try_send(&ann, keyed).await.unwrap().message;
    let second = stage.say("ev-ann", &room, "second").await;
    stage.join("ev-bob", &room).await.unwrap();
    let ask = EditMessage {
        message: first.id,
        room: None,
        content: "edited".into(),
    };
    let edited = stage.store.edit(&ann, ask, EVER, stage.stamp()).await;
    let ask = EraseMessage {
        message: second.id,
        room: None,
    };
    let erased = stage.stamp();
    stage.store.erase(&ann, ask, erased).await.unwrap();
    let ask = UpdateRoom {
        room: room.clone(),
        name: Some("new name".into()),
        description: None,
        assistant: None,
    };
    stage.store.update(&ann, ask, stage.stamp()).await.unwrap();
    stage.leave("ev-bob", &room).await;
    (room, edited.unwrap(), second.id, erased.at)
}

async fn events_are_replayed_as_they_are_now(stage: &Stage<'_>) {
    let (room, edited, second, erased_at) = eventful(stage).await;
    let replay = stage.store.events(&plain("ev-ann"), &room, 0, 99).await;
    let replay = replay.unwrap();
    assert_eq!(
        (replay.last_seq, replay.more, replay.by_any),
        (8, false, false)
    );
    as_told(stage, &room, &replay.events);
    let told = kinds(&replay.events);
    let EventKind::Created(shown) = told[0].1 else {
        panic!("{told:?}")
    };
    assert_eq!(
        (&*shown.name, shown.role, shown.members),
        ("new name", None, 1)
    );
    assert_eq!(told[1], (2, &EventKind::Message(Box::new(edited.clone()))));
    let EventKind::Message(tombstone) = told[2].1 else {
        panic!("{told:?}")
    };
    assert_eq!(
        (&*tombstone.content, tombstone.deleted_at),
        ("", Some(erased_at))
    );
    let bob = user("ev-bob");
    assert_eq!(told[3], (4, &EventKind::Joined { user: bob.clone() }));
    assert_eq!(told[4], (5, &EventKind::Edited(Box::new(edited))));
    let erased = EventKind::Erased {
        message: second,
        by: user("ev-ann"),
    };
    assert_eq!(told[5], (6, &erased));
    assert_eq!(replay.events[5].at, erased_at);
    assert!(matches!(told[6], (7, EventKind::Updated(room)) if &*room.name == "new name"));
    assert_eq!(told[7], (8, &EventKind::Left { user: bob }));
}

/// A replay has the numbers that were told, and all of one room.
fn as_told(stage: &Stage<'_>, room: &RoomId, events: &[std::sync::Arc<Event>]) {
    assert!(events.is_sorted_by(|one, two| one.number < two.number));
    assert!(events.iter().all(|event| event.room.as_ref() == Some(room)));
    let heard = stage.heard();
    let stored = heard.iter().filter(|heard| heard.event.seq > 0);
    let numbers: Vec<_> = stored
        .map(|heard| (heard.event.seq, heard.event.number))
        .collect();
    assert_eq!(numbers.len(), 5, "{heard:?}");
    for (seq, number) in numbers {
        let event = events.iter().find(|event| event.seq == seq).unwrap();
        assert_eq!(event.number, number, "as it was told");
    }
}

async fn a_replay_says_whether_there_is_more(stage: &Stage<'_>) {
    let room = uneven(stage, "rp-ann", "rp-bob").await;
    for (after, limit, first, count, more) in [
        (0, 99, 1, 8, false),
        (0, 3, 1, 3, true),
        (5, 3, 6, 3, false),
        (8, 9, 0, 0, false),
        (u64::MAX, 9, 0, 0, false),
    ] {
        let replay = stage
            .store
            .events(&any("reader"), &room, after, limit)
            .await
            .unwrap();
        assert!(replay.by_any);
        assert_eq!(
            (replay.events.len(), replay.more, replay.last_seq),
            (count, more, 8)
        );
        let found = replay.events.first().map_or(0, |event| event.seq);
        assert_eq!(found, first);
    }
}

async fn who_entered_since_is_known(stage: &Stage<'_>) {
    let rooms = [
        stage.room(RoomKind::Public, "en-ann", &["en-bob"]).await,
        stage.room(RoomKind::Public, "en-ann", &[]).await,
    ];
    stage.say("en-ann", &rooms[1], "before").await;
    let before = stage.store.newest_number().await.unwrap();
    stage.join("en-bob", &rooms[1]).await.unwrap();
    stage.say("en-ann", &rooms[0], "after").await;
    let users = [user("en-bob"), user("en-nobody")];
    let entered = async |after| {
        let entered = stage.store.entered(&users, after).await.unwrap();
        let mut found: Vec<_> = entered
            .into_iter()
            .map(|entered| {
                assert_eq!(entered.user, users[0]);
                let number = rooms.iter().position(|room| *room == entered.room);
                (number.unwrap(), entered.seq)
            })
            .collect();
        found.sort_unstable();
        found
    };
    assert_eq!(entered(0).await, [(0, 1), (1, 3)]);
    assert_eq!(entered(before).await, [(1, 3)]);
    let newest = stage.store.newest_number().await.unwrap();
    assert_eq!(entered(newest).await, []);
    assert_eq!(stage.store.entered(&[], 0).await.unwrap(), []);
    stage.leave("en-bob", &rooms[1]).await;
    assert_eq!(entered(0).await, [(0, 1)], "who has left is no member");
    stage.heard();
}

async fn what_was_missed_comes_by_number(stage: &Stage<'_>) {
    let rooms = [
        stage.room(RoomKind::Public, "ms-ann", &["ms-bob"]).await,
        stage.room(RoomKind::Private, "ms-ann", &["ms-bob"]).await,
    ];
    let foreign = stage.room(RoomKind::Public, "ms-ann", &[]).await;
    let sent = stage
        .try_send(&plain("ms-ann"), text(&rooms[0], "had"))
        .await;
    sent.unwrap();
    let had = stage.heard()[0].event.number;
    for (room, content) in [
        (&rooms[1], "1"),
        (&foreign, "not mine"),
        (&rooms[0], "2"),
        (&rooms[1], "3"),
        (&rooms[0], "4"),
    ] {
        stage.say("ms-ann", room, content).await;
    }
    let missed = async |after, limit| {
        let events = stage
            .store
            .missed(&user("ms-bob"), after, limit)
            .await
            .unwrap();
        assert!(events.is_sorted_by(|one, two| one.number < two.number));
        let last = events.last().map_or(after, |event| event.number);
        let messages: Vec<_> = events
            .iter()
            .filter_map(|event| match &event.kind {
                EventKind::Message(message) => Some((**message).clone()),
                _ => None,
            })
            .collect();
        (messages, last)
    };
    let (all, last) = missed(had, 99).await;
    assert_eq!(contents(&all), ["1", "2", "3", "4"]);
    let (part, next) = missed(had, 3).await;
    assert_eq!(contents(&part), ["1", "2", "3"]);
    assert_eq!(contents(&missed(next, 3).await.0), ["4"]);
    assert_eq!(missed(last, 9).await, (vec![], last));
    // What other stories tell meanwhile counts, too.
    let newest = stage.store.newest_number().await.unwrap();
    assert!(newest >= last, "{newest} is not before {last}");
    assert_eq!(missed(newest, 9).await.0, []);
    stage.leave("ms-bob", &rooms[0]).await;
    assert_eq!(
        contents(&missed(had, 99).await.0),
        ["1", "3"],
        "of one's rooms"
    );
    stage.heard();
}
