//! Who acts in the suite of rooms, and what is heard of it.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use conclave_core::{
    Actor, NewMessage, NewRoom, Origin, Outlet, RoomFault, RoomStore, Sent, Stamp,
};
use conclave_protocol::{
    Channel, CreateRoom, DeliveryState, Event, EventKind, GiveReceipt, JoinRoom, LeaveRoom,
    Message, MessageId, MessageKind, Refusal, RoomId, RoomKind, SendMessage, Timestamp,
};

use crate::ports::{second, user};

/// An outlet that remembers.
#[derive(Debug, Default)]
pub struct Ear(Mutex<Vec<Heard>>);

/// One event, as it came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) channel: Channel,
    pub(super) event: Arc<Event>,
    pub(super) origin: Origin,
}

impl Ear {
    /// The contents of the messages that were heard since the last time.
    #[must_use]
    pub fn messages(&self) -> Vec<String> {
        let heard = self.take().into_iter();
        let contents = heard.filter_map(|heard| match &heard.event.kind {
            EventKind::Message(message) => Some(message.content.to_string()),
            _ => None,
        });
        contents.collect()
    }

    /// What was heard since the last time.
    pub(super) fn take(&self) -> Vec<Heard> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Outlet for Ear {
    fn publish(&self, channel: Channel, event: Arc<Event>, origin: Origin) {
        let heard = Heard {
            channel,
            event,
            origin,
        };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(heard);
    }
}

/// A store, what it says, and fresh names and times.
pub(super) struct Stage<'s> {
    pub(super) store: &'s dyn RoomStore,
    ear: &'s Ear,
    next: AtomicU64,
}

impl<'s> Stage<'s> {
    pub(super) fn new(store: &'s dyn RoomStore, ear: &'s Ear) -> Self {
        Self {
            store,
            ear,
            next: AtomicU64::new(1),
        }
    }

    pub(super) fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::SeqCst)
    }

    /// A moment after all others, and a connection.
    pub(super) fn stamp(&self) -> Stamp {
        Stamp {
            at: second(self.number()),
            origin: ORIGIN,
        }
    }

    pub(super) fn message_id(&self) -> MessageId {
        MessageId(u128::from(self.number()) << 64)
    }

    pub(super) fn heard(&self) -> Vec<Heard> {
        self.ear.take()
    }

    /// The kinds of events since the last time, and on which channels.
    pub(super) fn told(&self) -> Vec<(Channel, EventKind)> {
        let heard = self.heard().into_iter();
        heard
            .map(|heard| (heard.channel, heard.event.kind.clone()))
            .collect()
    }

    /// A new room, with nothing left to hear of it.
    pub(super) async fn room(&self, kind: RoomKind, owner: &str, members: &[&str]) -> RoomId {
        let new = self.new_room(kind, members);
        let id = new.id.clone();
        let created = self.store.create(&plain(owner), new, self.stamp()).await;
        let room = created.unwrap().room;
        self.heard();
        if kind != RoomKind::Dm {
            assert_eq!(room.id, id);
        }
        room.id
    }

    pub(super) fn new_room(&self, kind: RoomKind, members: &[&str]) -> NewRoom {
        let number = self.number();
        NewRoom {
            id: RoomId::new(&format!("room-{number:06}")).unwrap(),
            room: CreateRoom {
                name: (kind != RoomKind::Dm).then(|| format!("Room {number}").into()),
                description: None,
                kind,
                members: members.iter().map(|name| user(name)).collect(),
            },
        }
    }

    pub(super) async fn try_send(
        &self,
        by: &Actor,
        message: SendMessage,
    ) -> Result<Sent, RoomFault> {
        let new = NewMessage {
            answer: None,
            under: None,
            id: self.message_id(),
            message,
        };
        self.store.send(by, new, self.stamp()).await
    }

    /// A message, with nothing left to hear of it.
    pub(super) async fn say(&self, by: &str, room: &RoomId, content: &str) -> Message {
        let sent = self.try_send(&plain(by), text(room, content)).await;
        self.heard();
        sent.unwrap().message
    }

    pub(super) async fn receipt(
        &self,
        by: &str,
        message: &Message,
        status: DeliveryState,
    ) -> Result<(), RoomFault> {
        let ask = GiveReceipt {
            message: message.id,
            room: None,
            status,
        };
        self.store.give_receipt(&plain(by), ask, self.stamp()).await
    }

    pub(super) async fn join(&self, by: &str, room: &RoomId) -> Result<(), RoomFault> {
        let ask = JoinRoom { room: room.clone() };
        self.store.join(&plain(by), ask, self.stamp()).await
    }

    pub(super) async fn leave(&self, by: &str, room: &RoomId) {
        let ask = LeaveRoom {
            room: room.clone(),
            delete: false,
        };
        let left = self.store.leave(&plain(by), ask, self.stamp()).await;
        left.unwrap();
    }
}

pub(super) fn plain(name: &str) -> Actor {
    Actor::plain(user(name))
}

/// Who has `room.any`.
pub(super) fn any(name: &str) -> Actor {
    plain(name).with(true, false)
}

/// Who has `chat:moderate`.
pub(super) fn moderator(name: &str) -> Actor {
    plain(name).with(false, true)
}

pub(super) fn text(room: &RoomId, content: &str) -> SendMessage {
    SendMessage {
        room: room.clone(),
        content: content.into(),
        kind: MessageKind::Text,
        reply_to: None,
        client_id: None,
        id: None,
    }
}

pub(super) fn nowhere() -> RoomId {
    RoomId::new("nowhere").unwrap()
}

/// Why it was refused.
pub(super) fn refusal<T: std::fmt::Debug>(answer: Result<T, RoomFault>) -> Refusal {
    answer.unwrap_err().refusal()
}

/// Two refusals tell nothing that the other does not.
pub(super) fn same_refusal<T: std::fmt::Debug, U: std::fmt::Debug>(
    one: Result<T, RoomFault>,
    other: Result<U, RoomFault>,
) {
    let (one, other) = (one.unwrap_err(), other.unwrap_err());
    assert_eq!(one.refusal(), Refusal::NotFound, "{one}");
    assert_eq!(
        (one.refusal(), one.message()),
        (other.refusal(), other.message())
    );
}

pub(super) fn contents(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| &*message.content).collect()
}

pub(super) fn seqs(messages: &[Message]) -> Vec<u64> {
    messages.iter().map(|message| message.seq).collect()
}

/// One of some futures that differ.
pub(super) type Soon<'f, T> = Pin<Box<dyn Future<Output = T> + 'f>>;

/// Runs futures at the same time.
pub(super) async fn at_once<T>(mut futures: Vec<Soon<'_, T>>) -> Vec<T> {
    let mut outputs: Vec<Option<T>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(move |context| {
        let mut waiting = false;
        for (future, output) in futures.iter_mut().zip(&mut outputs) {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    Poll::Ready(value) => *output = Some(value),
                    Poll::Pending => waiting = true,
                }
            }
        }
        if waiting {
            return Poll::Pending;
        }
        Poll::Ready(outputs.iter_mut().filter_map(Option::take).collect())
    })
    .await
}

/// Long before everything.
pub(super) const EVER: Timestamp = Timestamp::from_millis(0);

pub(super) const ORIGIN: Origin = Origin {
    connection: 7,
    worker: 1,
};
