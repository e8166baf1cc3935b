//! Two nodes on one database.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use conclave_auth::{PortError, Users};
use conclave_core::{LogPart, Origin, Outlet, RoomStore, WebhookStore};
use conclave_protocol::{
    Channel, CreateRoom, Event, EventKind, JoinRoom, LeaveRoom, RoomId, RoomKind,
};
use conclave_testkit::postgres::Database;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{deaf_node, node};
use crate::tests::rooms::{new, plain, room, say, stamp};
use crate::tests::{connect, second, stored, user};
use crate::{RoomLimits, Store};

/// Remembers the numbers of events in the order in which they are told.
#[derive(Default)]
struct Numbers(Mutex<Vec<(RoomId, u64, u64)>>);

impl Outlet for Numbers {
    fn publish(&self, _: Channel, event: Arc<Event>, _: Origin) {
        if let (Some(room), true) = (&event.room, event.number > 0) {
            let told = (room.clone(), event.seq, event.number);
            self.0.lock().unwrap().push(told);
        }
    }
}

const EVERYTHING: LogPart = LogPart {
    messages: true,
    membership: true,
};

/// Reads all events by their numbers, as they come, and fails where one comes late.
async fn follow(store: Arc<Store>, mut ended: watch::Receiver<bool>) -> Vec<(RoomId, u64, u64)> {
    let (mut seen, mut after) = (Vec::new(), 0);
    loop {
        let last_look = *ended.borrow_and_update();
        loop {
            let page = store.log(after, EVERYTHING, 100).await.unwrap();
            if page.events.is_empty() {
                break;
            }
            for logged in page.events {
                let event = logged.event;
                assert_eq!(event.number, after + 1, "numbers have no gaps, ever");
                after = event.number;
                seen.push((event.room.clone().unwrap(), event.seq, event.number));
            }
        }
        if last_look {
            return seen;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_sees_every_event_in_the_order_of_the_numbers() {
    let database = Database::new();
    let (one_told, other_told) = (Arc::new(Numbers::default()), Arc::new(Numbers::default()));
    let one = node(database.url(), one_told.clone()).await;
    let other = node(database.url(), other_told.clone()).await;
    let mut rooms = Vec::new();
    for number in 0..5 {
        rooms.push(room(&one, &format!("room-{number}")).await);
    }
    let (end, ended) = watch::channel(false);
    let reader = Arc::new(connect(database.url()).await);
    let mut following = JoinSet::new();
    following.spawn(follow(reader, ended));
    let mut sends = JoinSet::new();
    for number in 0..SENDS {
        let node = if number % 2 == 0 { &one } else { &other };
        let (node, room) = (node.clone(), rooms[number % 5].clone());
        sends.spawn(async move {
            let number = u128::try_from(number).unwrap();
            say(&node, &room, number, &format!("{number}")).await.seq
        });
    }
    sends.join_all().await;
    end.send(true).unwrap();
    let seen = following.join_all().await.remove(0);
    let mut last = HashMap::new();
    for (room, seq, _) in &seen {
        let before = last.insert(room.clone(), *seq).unwrap_or(0);
        assert_eq!(*seq, before + 1, "{room:?}");
    }
    assert_eq!(seen.len(), SENDS + 5);
    // Each node told what it stored, in order, and both together told everything once.
    let told = [one_told, other_told].map(|told| told.0.lock().unwrap().clone());
    for told in &told {
        assert!(told.is_sorted_by_key(|(_, _, number)| *number));
        assert!(told.len() >= SENDS / 2);
    }
    let mut both = told.concat();
    both.sort_unstable_by_key(|(_, _, number)| *number);
    assert_eq!(both, seen);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_agree_on_what_only_one_may_have() {
    let database = Database::new();
    let (one, other) = (
        deaf_node(database.url()).await,
        deaf_node(database.url()).await,
    );
    let mut creations = JoinSet::new();
    let mut adds = JoinSet::new();
    let users = Arc::new(connect(database.url()).await);
    let more_users = Arc::new(connect(database.url()).await);
    for number in 0..40 {
        let node = if number % 2 == 0 { &one } else { &other }.clone();
        let (by, with) = [("ann", "bob"), ("bob", "ann")][number % 2];
        creations.spawn(async move {
            let dm = CreateRoom {
                name: None,
                description: None,
                kind: RoomKind::Dm,
                members: vec![user(with)],
            };
            let id = RoomId::new(&format!("dm-{number}")).unwrap();
            let new = conclave_core::NewRoom { id, room: dm };
            node.create(&plain(by), new, stamp(1)).await.unwrap()
        });
        let users = if number % 2 == 0 { &users } else { &more_users }.clone();
        adds.spawn(async move {
            users
                .add(&stored(&format!("{}", number / 4)), second(0))
                .await
        });
    }
    let created = creations.join_all().await;
    let made = created.iter().filter(|created| !created.existing);
    assert_eq!(made.count(), 1);
    let first = &created[0].room.id;
    assert!(created.iter().all(|created| created.room.id == *first));
    let added = adds.join_all().await;
    assert_eq!(added.iter().filter(|added| added.is_ok()).count(), 10);
    let refused = added.iter().filter_map(|added| added.as_ref().err());
    let mut refused = refused.map(|error| matches!(error, PortError::Conflict));
    assert!(refused.all(|conflict| conflict));
    let revisions = users.changes(0, 100).await.unwrap();
    let revisions: Vec<u64> = revisions.iter().map(|change| change.revision).collect();
    assert_eq!(revisions, (1..=10).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_is_never_fuller_than_it_may_be() {
    let database = Database::new();
    let mut nodes = Vec::new();
    for _ in 0..2 {
        let limits = RoomLimits {
            members_per_room: 7,
            rooms_per_user: 0,
        };
        let store = Arc::new(connect(database.url()).await);
        nodes.push(store.rooms(Arc::new(Numbers::default()), limits));
    }
    let public = CreateRoom {
        name: Some("Room".into()),
        description: None,
        kind: RoomKind::Public,
        members: Vec::new(),
    };
    let id = RoomId::new("public").unwrap();
    let new_room = conclave_core::NewRoom {
        id: id.clone(),
        room: public,
    };
    nodes[0]
        .create(&plain("ann"), new_room, stamp(0))
        .await
        .unwrap();
    let mut moves = JoinSet::new();
    for number in 0..60 {
        let (node, room) = (nodes[number % 2].clone(), id.clone());
        moves.spawn(async move {
            let by = plain(&format!("user-{}", number % 20));
            let ask = JoinRoom { room: room.clone() };
            node.join(&by, ask, stamp(1)).await.ok();
            let id = u128::try_from(number).unwrap() + 1;
            node.send(&by, new(&room, id, "hello"), stamp(2)).await.ok();
            if number % 3 == 0 {
                let ask = LeaveRoom {
                    room,
                    delete: false,
                };
                node.leave(&by, ask, stamp(3)).await.ok();
            }
        });
    }
    moves.join_all().await;
    let store = connect(database.url()).await;
    assert_eq!(store.check().await.unwrap(), []);
    let replay = nodes[1].events(&plain("ann"), &id, 0, 1000).await.unwrap();
    let mut members = 1;
    for event in &replay.events {
        match event.kind {
            EventKind::Joined { .. } => members += 1,
            EventKind::Left { .. } => members -= 1,
            _ => {}
        }
        assert!(members <= 7);
    }
}

const SENDS: usize = 1000;
