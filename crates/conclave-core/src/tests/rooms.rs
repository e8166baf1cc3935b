//! The service of rooms on a store in memory: who is there, what is asked, what is told.

mod across;
mod assistant;
mod attendance;
mod content;
mod fanout;
mod hearing;
mod permits;
mod powers;
mod presence;
mod rates;
mod typing;

use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use conclave_protocol::{
    Body, CreateRoom, Event, EventKind, Follow, Limits, MessageId, MessageKind, Principal,
    Publication, Refusal, RoomId, RoomKind, SendMessage, SessionKind, SetTyping, Timestamp, UserId,
};
use parking_lot::Mutex;

use super::{principal, session};
use crate::{
    Directory, Guarded, Hub, Membership, MemoryRooms, Origin, Outlet, Permit, RoomFault, Rooms,
    Sent, Stamp, Witness, authorise,
};

const USER: [&str; 5] = [
    "chat:send",
    "profile:update",
    "conversation.read",
    "conversation.write",
    "room.create",
];

/// One worker, a store in memory, and who is told of powers.
struct Stage {
    directory: Arc<Directory>,
    rooms: Arc<Rooms>,
    told: Arc<Told>,
    hub: Rc<Hub>,
    next_id: std::cell::Cell<u128>,
}

#[derive(Default)]
struct Told(Mutex<Vec<(String, &'static str, String)>>);

impl Witness for Told {
    fn power_used(&self, user: &UserId, what: &'static str, subject: &str) {
        let told = (user.to_string(), what, subject.to_owned());
        self.0.lock().push(told);
    }
}

impl Stage {
    fn new() -> Self {
        Self::with(Limits::default())
    }

    fn with(limits: Limits) -> Self {
        let directory = Arc::new(Directory::new(1, &limits, 1000));
        let outlet: Arc<dyn Outlet> = Arc::clone(&directory) as Arc<dyn Outlet>;
        let store = Arc::new(MemoryRooms::new(outlet, &limits));
        let told = Arc::new(Told::default());
        let witness: Arc<dyn Witness> = Arc::clone(&told) as Arc<dyn Witness>;
        Self {
            rooms: Arc::new(Rooms::new(store, Arc::clone(&directory), witness, limits)),
            hub: Hub::new(Arc::clone(&directory), 0),
            directory,
            told,
            next_id: std::cell::Cell::new(1),
        }
    }

    /// A room of ann's with these members beside her.
    fn room(&self, id: &str, kind: RoomKind, members: &[&str]) -> RoomId {
        let permit = permit(
            &user("ann"),
            CreateRoom {
                name: (kind != RoomKind::Dm).then(|| id.into()),
                description: None,
                kind,
                members: members.iter().map(|member| id_of(member)).collect(),
            },
        );
        now(self.rooms.create(permit, room_id(id), at(0)))
            .unwrap()
            .room
            .id
    }

    fn send(&self, who: &Principal, ask: SendMessage, stamp: Stamp) -> Result<Sent, RoomFault> {
        let id = MessageId(self.next_id.replace(self.next_id.get() + 1));
        now(self.rooms.send(permit(who, ask), id, stamp))
    }

    fn type_in(&self, who: &Principal, room: &RoomId, typing: bool, stamp: Stamp) {
        let room = room.clone();
        let ask = SetTyping { room, typing };
        self.rooms.set_typing(permit(who, ask), stamp).unwrap();
    }

    /// A connection of somebody who hears a room.
    fn hear(&self, who: &Principal, room: &RoomId, slot: u32) -> Membership {
        let subscribed = self.rooms.hear(&follow(who, room), 0);
        self.hub.join(&subscribed, slot)
    }

    /// What has reached the worker since the last look.
    fn arrived(&self) -> Vec<Arc<Publication>> {
        let mut taken = Vec::new();
        let inbox = self.directory.inbox(0).unwrap();
        inbox.take(&mut taken);
        taken
            .iter()
            .for_each(|publication| inbox.release(publication.weight()));
        taken
    }

    /// The kinds of what has reached the worker since the last look.
    fn news(&self) -> Vec<EventKind> {
        let arrived = self.arrived();
        arrived.iter().map(|p| event(p).kind.clone()).collect()
    }

    /// Who was said to type, or to have stopped, since the last look.
    fn typed(&self) -> Vec<(String, bool)> {
        let typed = self.news().into_iter().filter_map(|kind| match kind {
            EventKind::Typing { user, typing } => Some((user.to_string(), typing)),
            _ => None,
        });
        typed.collect()
    }

    fn told(&self) -> Vec<(String, &'static str, String)> {
        std::mem::take(&mut *self.told.0.lock())
    }
}

fn event(publication: &Publication) -> &Event {
    match &publication.body {
        Body::Event(event) => event,
        Body::Broadcast { .. } | Body::Topic(_) | Body::Wallet(_) => panic!("not an event"),
    }
}

/// Runs a future that has nothing to wait for.
fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}

fn who(name: &str, grants: &[&str]) -> Principal {
    principal(Some(name), session(SessionKind::Default, name), grants)
}

/// Somebody of the role `user`.
fn user(name: &str) -> Principal {
    who(name, &USER)
}

fn id_of(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

fn room_id(id: &str) -> RoomId {
    RoomId::new(id).unwrap()
}

fn permit<C: Guarded>(who: &Principal, command: C) -> Permit<C> {
    authorise(who, command).unwrap()
}

fn follow(who: &Principal, room: &RoomId) -> Permit<Follow> {
    let room = room.clone();
    permit(who, Follow { room, since: None })
}

fn text(room: &RoomId, content: &str) -> SendMessage {
    SendMessage {
        room: room.clone(),
        content: content.into(),
        kind: MessageKind::Text,
        reply_to: None,
        client_id: None,
        id: None,
    }
}

/// So many milliseconds after the beginning, by connection 1.
fn at(millis: u64) -> Stamp {
    by(1, millis)
}

fn by(connection: u64, millis: u64) -> Stamp {
    Stamp {
        at: moment(millis),
        origin: Origin {
            connection,
            worker: 0,
        },
    }
}

fn moment(millis: u64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + millis)
}

#[track_caller]
fn refused<T: std::fmt::Debug>(done: Result<T, RoomFault>) -> Refusal {
    done.unwrap_err().refusal()
}
