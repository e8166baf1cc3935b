//! Rooms: the suite of the port, and what is this store's own.

mod durability;
mod together;
mod upkeep;

use std::sync::Arc;

use conclave_core::{
    Actor, Fence, Hold, LeaseName, Leases as _, MemoryRooms, NewMessage, NewRoom, NodeId, Outlet,
    RoomStore, Sign, Stamp,
};
use conclave_protocol::{
    CreateRoom, Message, MessageId, MessageKind, Refusal, RoomId, RoomKind, SendMessage,
};
use conclave_testkit::ports::{Ear, room_limits, rooms_agree, rooms_conformance};

use super::{Fixture, on_each_database, second, user};
use crate::{RoomLimits, StoredRooms};

on_each_database! {
    keeps_rooms_as_the_port_says,
    stores_nothing_under_a_lost_lease,
}

impl Fixture {
    pub(super) fn rooms(&self, outlet: Arc<dyn Outlet>) -> StoredRooms {
        self.store.rooms(outlet, RoomLimits::of(&room_limits()))
    }
}

pub(super) fn plain(name: &str) -> Actor {
    Actor::plain(user(name))
}

pub(super) fn stamp(seconds: u64) -> Stamp {
    Stamp {
        at: second(seconds),
        ..Stamp::default()
    }
}

/// A PRIVATE room of Ann and Bob.
pub(super) async fn room(rooms: &StoredRooms, id: &str) -> RoomId {
    let room = CreateRoom {
        name: Some("Room".into()),
        description: None,
        kind: RoomKind::Private,
        members: vec![user("bob")],
    };
    let id = RoomId::new(id).unwrap();
    let new = NewRoom {
        id: id.clone(),
        room,
    };
    rooms.create(&plain("ann"), new, stamp(0)).await.unwrap();
    id
}

pub(super) fn new(room: &RoomId, number: u128, content: &str) -> NewMessage {
    NewMessage {
        answer: None,
        under: None,
        id: MessageId(number),
        message: SendMessage {
            room: room.clone(),
            content: content.into(),
            kind: MessageKind::Text,
            reply_to: None,
            client_id: Some(format!("key-{number}").into()),
            id: None,
        },
    }
}

pub(super) async fn say(
    rooms: &StoredRooms,
    room: &RoomId,
    number: u128,
    content: &str,
) -> Message {
    let ann = plain("ann");
    let sent = rooms.send(&ann, new(room, number, content), stamp(1));
    sent.await.unwrap().message
}

async fn keeps_rooms_as_the_port_says(fixture: Fixture) {
    let ear = Arc::new(Ear::default());
    rooms_conformance(&fixture.rooms(ear.clone()), &ear).await;
    assert_eq!(fixture.store.check().await.unwrap(), []);
}

async fn stores_nothing_under_a_lost_lease(fixture: Fixture) {
    let rooms = fixture.rooms(Arc::new(Ear::default()));
    let (ann, room) = (plain("ann"), room(&rooms, "room").await);
    let lease = LeaseName::answers(7);
    let hold = async |node, silent| {
        let hold = fixture.store.hold(lease, NodeId(node), silent);
        hold.await.unwrap()
    };
    let send = async |number, fence| {
        let under = Some((lease, Fence(fence)));
        let content = format!("key {number}");
        let new = NewMessage {
            under,
            ..new(&room, number, &content)
        };
        rooms.send(&ann, new, stamp(1)).await
    };
    assert_eq!(hold(1, None).await, Hold::Own(Fence(1)));
    let first = send(1, 1).await.unwrap().message;
    let silent = Sign {
        fence: Fence(1),
        beat: 0,
    };
    assert_eq!(hold(2, Some(silent)).await, Hold::Own(Fence(2)));
    let late = send(2, 1).await.unwrap_err();
    assert_eq!(late.refusal(), Refusal::Conflict);
    let next = send(3, 2).await.unwrap().message;
    assert_eq!(next.seq, first.seq + 1, "nothing lies between them");
}

/// Whatever chance asks of it.
async fn agrees_with_the_rooms_in_memory(fixture: Fixture, seed: u64) {
    let (ear, plain_ear) = (Arc::new(Ear::default()), Arc::new(Ear::default()));
    let rooms = fixture.rooms(ear.clone());
    let plain = MemoryRooms::new(plain_ear.clone(), &room_limits());
    rooms_agree((&plain, &plain_ear), (&rooms, &ear), seed, 500).await;
    assert_eq!(fixture.store.check().await.unwrap(), [], "seed {seed}");
}

macro_rules! seeds {
    ($($name:ident = $seed:literal;)*) => {$(
        async fn $name(fixture: Fixture) {
            agrees_with_the_rooms_in_memory(fixture, $seed).await;
        }
    )*
        on_each_database! { $($name,)* }
    };
}

seeds! {
    says_what_the_rooms_in_memory_say_1 = 1;
    says_what_the_rooms_in_memory_say_2 = 2;
    says_what_the_rooms_in_memory_say_3 = 3;
    says_what_the_rooms_in_memory_say_4 = 4;
}
