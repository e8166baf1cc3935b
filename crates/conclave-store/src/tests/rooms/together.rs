//! Messages that wait for the same commit.

use std::sync::Arc;

use conclave_core::{NewMessage, NewRoom, RoomFault, RoomStore, Sent};
use conclave_protocol::{CreateRoom, LeaveRoom, MessageId, RoomId, RoomKind};
use conclave_testkit::ports::Ear;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::{new, plain, room, say, stamp};
use crate::StoredRooms;
use crate::error::Fault;
use crate::tests::{Fixture, on_each_database, user};

on_each_database! {
    what_waits_together_is_as_if_it_came_one_by_one,
    many_in_some_rooms_get_their_places_in_the_order_they_came,
}

/// What becomes of these, which all wait while the writer is held.
async fn together(
    fixture: &Fixture,
    rooms: &StoredRooms,
    asks: Vec<(&'static str, NewMessage)>,
) -> Vec<Result<Sent, RoomFault>> {
    let (begun, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begin, held) = (begun.clone(), release.clone());
    let hold = fixture.store.writer().write(async move |_| {
        begin.notify_one();
        held.notified().await;
        Ok::<(), Fault>(())
    });
    let sends = async {
        begun.notified().await;
        let mut sends = Vec::new();
        for (by, new) in asks {
            let by = plain(by);
            let rooms = rooms.clone();
            sends.push(Box::pin(
                async move { rooms.send(&by, new, stamp(2)).await },
            ));
        }
        // Polled once each, they are queued in this order.
        let mut waiting = Vec::new();
        for mut send in sends {
            let polled = std::future::poll_fn(|context| {
                std::task::Poll::Ready(send.as_mut().poll(context).is_pending())
            });
            assert!(polled.await);
            waiting.push(send);
        }
        release.notify_one();
        let mut answers = Vec::new();
        for send in waiting {
            answers.push(send.await);
        }
        answers
    };
    let (held, answers) = tokio::join!(hold, sends);
    held.unwrap();
    answers
}

/// A DM of Ann's that Bob has left.
async fn left_dm(rooms: &StoredRooms) -> RoomId {
    let dm = CreateRoom {
        name: None,
        description: None,
        kind: RoomKind::Dm,
        members: vec![user("bob")],
    };
    let dm = NewRoom {
        id: RoomId::new("dm").unwrap(),
        room: dm,
    };
    let dm = rooms.create(&plain("ann"), dm, stamp(0)).await.unwrap();
    let ask = LeaveRoom {
        room: dm.room.id.clone(),
        delete: false,
    };
    rooms.leave(&plain("bob"), ask, stamp(1)).await.unwrap();
    dm.room.id
}

fn shown(answer: &Result<Sent, RoomFault>) -> String {
    match answer {
        Ok(sent) if sent.repeated => format!("again {}", sent.message.seq),
        Ok(sent) => sent.message.seq.to_string(),
        Err(fault) => format!("{:?}", fault.refusal()),
    }
}

async fn what_waits_together_is_as_if_it_came_one_by_one(fixture: Fixture) {
    let ear = Arc::new(Ear::default());
    let rooms = fixture.rooms(ear.clone());
    let id = room(&rooms, "room").await;
    let dm = left_dm(&rooms).await;
    let before = say(&rooms, &id, 1, "before").await;
    drop(ear.messages());
    let reply = |number, content, to| {
        let mut reply = new(&id, number, content);
        reply.message.reply_to = Some(MessageId(to));
        reply
    };
    let same_client_id = |number, content| {
        let mut same = new(&id, number, content);
        same.message.client_id = Some("key-2".into());
        same
    };
    let asks = vec![
        ("ann", new(&id, 2, "two")),
        ("bob", new(&id, 3, "three")),
        ("ann", same_client_id(4, "two")),
        ("ann", same_client_id(5, "not two")),
        ("bob", same_client_id(6, "of bob")),
        ("eve", new(&id, 7, "of a stranger")),
        ("ann", reply(8, "eight", 3)),
        ("bob", reply(9, "to nothing", 77)),
        ("bob", reply(10, "ten", before.id.0)),
        ("ann", new(&id, 2, "two again, as another")),
        ("ann", new(&dm, 11, "come back")),
        ("ann", new(&dm, 12, "are you there")),
        ("bob", new(&id, 13, "last")),
    ];
    let answers = together(&fixture, &rooms, asks).await;
    let shown: Vec<String> = answers.iter().map(shown).collect();
    let expected = [
        "3", "4", "again 3", "Conflict", "5", "NotFound", "6", "NotFound", "7", "Conflict", "4",
        "5", "8",
    ];
    assert_eq!(shown, expected);
    let told = ear.messages();
    let expected = [
        "two",
        "three",
        "of bob",
        "eight",
        "ten",
        "come back",
        "are you there",
        "last",
    ];
    assert_eq!(told, expected);
    assert_eq!(fixture.store.check().await.unwrap(), []);
}

async fn many_in_some_rooms_get_their_places_in_the_order_they_came(fixture: Fixture) {
    let rooms = fixture.rooms(Arc::new(Ear::default()));
    let mut ids = Vec::new();
    for number in 0..3 {
        ids.push(room(&rooms, &format!("room-{number}")).await);
    }
    let mut asks = Vec::new();
    for number in 1..=300_usize {
        let id = &ids[number % 7 % 3];
        let by = if number % 2 == 0 { "ann" } else { "bob" };
        asks.push((
            by,
            new(id, u128::try_from(number).unwrap(), &format!("{number}")),
        ));
    }
    let answers = together(&fixture, &rooms, asks).await;
    let mut last = [1, 1, 1];
    for (answer, number) in answers.iter().zip(1_usize..) {
        let place = &mut last[number % 7 % 3];
        *place += 1;
        assert_eq!(answer.as_ref().unwrap().message.seq, *place, "{number}");
    }
    let mut reads = JoinSet::new();
    for id in ids {
        let rooms = rooms.clone();
        reads.spawn(async move {
            let replay = rooms.events(&plain("ann"), &id, 0, 1000).await.unwrap();
            assert!(replay.events.is_sorted_by_key(|event| event.number));
        });
    }
    reads.join_all().await;
    assert_eq!(fixture.store.check().await.unwrap(), []);
}
