//! Rooms: messages that are stored, in one order, for their members.

pub(crate) mod engine;
mod wire;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::SystemTime;

use conclave_websocket::handshake::ClientHandshakeError;
use futures_util::Stream;
use reqwest::Method;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};

use crate::address::Address;
use crate::answer::Answer;
use crate::delivery::{Delivered, Outlet, queue};
use crate::error::{Error, Result};
use crate::http::segment;
use crate::link::{Asked, Surface};
use crate::pace::Rate;
use crate::shared::Shared;
use crate::status::{Connection, Status};
use crate::tokens::Token;
use engine::{Order, Receipt};

type Orders = mpsc::UnboundedSender<Asked<Order>>;

/// One room.
#[derive(Clone)]
pub struct Room {
    id: Arc<str>,
    shared: Arc<Shared>,
    orders: Orders,
}

/// A stored message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// Its id, a uuid.
    pub id: Box<str>,
    /// Its room.
    pub room: Box<str>,
    /// Its place in the room, from 1.
    pub seq: u64,
    /// Its author.
    pub user: Box<str>,
    /// Its text, or the URL of an image or a file; empty where it was deleted.
    pub content: String,
    /// What the content is.
    pub kind: Kind,
    /// The id of the message that it answers.
    pub reply_to: Option<Box<str>>,
    /// The key it was sent under; its author alone gets it.
    pub client_id: Option<Box<str>>,
    /// Whether it was deleted.
    pub deleted: bool,
    /// When it was stored, to the millisecond.
    pub sent_at: SystemTime,
}

/// What a message's content is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// An https URL of a file.
    File,
    /// An https URL of an image.
    Image,
    /// Text.
    #[default]
    Text,
}

/// How far a message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reached {
    /// A recipient's device.
    Delivered,
    /// A recipient's eyes.
    Read,
}

/// What happens in a room.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RoomEvent {
    /// A message was deleted; its text is gone from the store too.
    Deleted {
        /// The message.
        message: Box<str>,
        /// The event's place in the room.
        seq: u64,
    },
    /// The stream is over: the user is no member any more, or the client was closed.
    Ended(Error),
    /// A user became a member.
    Joined(Box<str>),
    /// So many events found no room in this stream's queue, since it was not read. What was
    /// missed is in [`Room::history`].
    Lagged(u64),
    /// A user is no member any more.
    Left(Box<str>),
    /// A message, in the order of the room, each once.
    Message(Message),
    /// A user who shares a room came or went.
    Presence {
        /// Who.
        user: Box<str>,
        /// Whether any connection of theirs is open.
        is_online: bool,
        /// Since when not; `None` while online, or where never seen.
        last_seen: Option<SystemTime>,
    },
    /// A backend's own event.
    Pushed {
        /// Its name.
        name: Box<str>,
        /// JSON.
        content: Arc<RawValue>,
    },
    /// More was missed than the server replays. The messages of it were read from the store and
    /// came as [`RoomEvent::Message`]; edits and deletions of older ones, and who came and went,
    /// are to be read anew.
    Resynced {
        /// Everything up to this place was heard as it happened.
        from_seq: u64,
        /// From here on everything is heard again as it happens.
        to_seq: u64,
    },
    /// An own message has reached somebody. It stands for all earlier ones too.
    Status {
        /// The message.
        message: Box<str>,
        /// Whom.
        user: Box<str>,
        /// How far.
        reached: Reached,
    },
    /// Somebody begins to type, or ends.
    Typing {
        /// Who.
        user: Box<str>,
        /// Whether they do.
        typing: bool,
    },
    /// A message was edited.
    Updated {
        /// The message.
        message: Box<str>,
        /// Its text now.
        content: String,
        /// The event's place in the room.
        seq: u64,
    },
}

/// A message to send.
#[derive(Clone, Debug)]
pub struct Outgoing {
    pub(crate) content: String,
    pub(crate) kind: Kind,
    pub(crate) reply_to: Option<Box<str>>,
    pub(crate) client_id: Option<Box<str>>,
}

/// A message that the server has stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sent {
    /// Its id.
    pub id: Box<str>,
    /// Its place in the room.
    pub seq: u64,
}

/// Which part of a room's history.
#[derive(Clone, Copy, Debug, Default)]
pub struct Page {
    /// Messages after this place, the oldest of them.
    pub after: Option<u64>,
    /// Messages before this place, the newest of them.
    pub before: Option<u64>,
    /// At most so many; the server has its own limit.
    pub limit: Option<u32>,
}

/// A stream of what happens in a room, until it is dropped.
pub struct RoomEvents {
    room: Arc<str>,
    outlet: Outlet<RoomEvent>,
    orders: Orders,
    last_seq: u64,
}

/// The connection at `/ws/{user}`.
#[derive(Clone, Copy)]
pub(crate) struct RoomsSurface;

impl Room {
    pub(crate) fn new(id: &str, shared: Arc<Shared>, orders: Orders) -> Self {
        Self {
            id: id.into(),
            shared,
            orders,
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Hears what happens from now on. The answer comes when the server has confirmed it.
    ///
    /// # Errors
    /// [`Error::Refused`] with `forbidden` where the user is no member, or why there is no
    /// connection and will be none.
    pub async fn subscribe(&self) -> Result<RoomEvents> {
        self.hear(None).await
    }

    /// Hears everything after a place in the room first: `0` is the whole history.
    ///
    /// # Errors
    /// As [`Room::subscribe`].
    pub async fn subscribe_since(&self, seq: u64) -> Result<RoomEvents> {
        self.hear(Some(seq)).await
    }

    async fn hear(&self, since: Option<u64>) -> Result<RoomEvents> {
        let (inlet, outlet) = queue(self.shared.inbox);
        let (done, told) = oneshot::channel();
        let order = Order::Subscribe {
            room: Arc::clone(&self.id),
            since,
            inlet,
            done,
            place: self.shared.place()?,
        };
        let mut events = RoomEvents {
            room: Arc::clone(&self.id),
            outlet,
            orders: self.orders.clone(),
            last_seq: 0,
        };
        ask(&self.orders, order)?;
        events.last_seq = told.await.unwrap_or(Err(Error::Closed))?;
        Ok(events)
    }

    /// Sends a text. See [`Room::send_message`].
    pub fn send(&self, content: impl Into<String>) -> Answer<Sent> {
        self.send_message(Outgoing::text(content))
    }

    /// Sends a message; the answer comes when it is on the server's disk. It is queued in the
    /// order of these calls, survives lost connections, and is stored once however often it has
    /// to be sent. One at a time is on its way in each room, so that they keep their order.
    ///
    /// It ends as [`Error::Full`] where the outbox is full, as [`Error::Refused`] where the
    /// server does not take it, and otherwise only with the client.
    pub fn send_message(&self, message: Outgoing) -> Answer<Sent> {
        let queued = self.shared.place().and_then(|place| {
            let (done, told) = oneshot::channel();
            let uuid = || self.shared.surroundings.uuid();
            let order = Order::Send {
                room: Arc::clone(&self.id),
                client_id: message.client_id.clone().unwrap_or_else(uuid),
                message,
                done,
                place,
            };
            ask(&self.orders, order)?;
            Ok(Answer::waits(told, self.orders.clone()))
        });
        queued.unwrap_or_else(Answer::refused)
    }

    /// Tells the authors of this message and all before it that they have arrived. Told again
    /// after a lost connection; nobody answers.
    pub fn delivered(&self, message: &str) {
        self.receipt(Receipt::Delivered, message);
    }

    /// Tells the authors of this message and all before it that they were read. Told again after
    /// a lost connection; nobody answers.
    pub fn read(&self, message: &str) {
        self.receipt(Receipt::Read, message);
    }

    fn receipt(&self, receipt: Receipt, message: &str) {
        let order = Order::Receipt {
            room: Arc::clone(&self.id),
            receipt,
            message: message.into(),
        };
        // Where the client is closed nobody is told any more.
        ask(&self.orders, order).ok();
    }

    /// Shows the others that the user types, or does no longer. It ends by itself after 5 s and
    /// with each message; while the server is away it is dropped.
    pub fn typing(&self, typing: bool) {
        let room = Arc::clone(&self.id);
        ask(&self.orders, Order::Typing { room, typing }).ok();
    }

    /// Changes an own message.
    ///
    /// # Errors
    /// The server's refusal, or no answer from it.
    pub async fn edit(&self, message: &str, content: &str) -> Result<Message> {
        let body = json!({ "content": content });
        let path = format!("messages/{}", segment(message));
        let edited = self.shared.call(Method::PUT, &path, Some(&body)).await?;
        wire::one(edited).map_err(|error| Error::Malformed(error.to_string().into()))
    }

    /// Deletes a message; its text is erased from the store.
    ///
    /// # Errors
    /// The server's refusal, or no answer from it.
    pub async fn delete(&self, message: &str) -> Result<()> {
        let path = format!("messages/{}", segment(message));
        self.shared.call(Method::DELETE, &path, None).await?;
        Ok(())
    }

    /// Reads stored messages, oldest first; the newest of all where the page says nothing.
    ///
    /// # Errors
    /// The server's refusal, or no answer from it.
    pub async fn history(&self, page: Page) -> Result<Vec<Message>> {
        let after = page.after.map(|seq| format!("after={seq}"));
        let before = page.before.map(|seq| format!("before={seq}"));
        let limit = page.limit.map(|limit| format!("limit={limit}"));
        let query: Vec<_> = [after, before, limit].into_iter().flatten().collect();
        let (room, query) = (segment(&self.id), query.join("&"));
        let path = format!("channels/{room}/messages?{query}");
        let found = self.shared.call(Method::GET, &path, None).await?;
        wire::page(found).map_err(|error| Error::Malformed(error.to_string().into()))
    }
}

fn ask(orders: &Orders, order: Order) -> Result<()> {
    let sent = orders.send(Asked::Order(order));
    sent.map_err(|_gone| Error::Closed)
}

impl Outgoing {
    /// A text of 1 to 2,000 characters.
    pub fn text(content: impl Into<String>) -> Self {
        Self {
            content: content.into(),
            kind: Kind::Text,
            reply_to: None,
            client_id: None,
        }
    }

    /// Says that the content is the https URL of something.
    #[must_use]
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// Answers a message.
    #[must_use]
    pub fn reply_to(mut self, message: &str) -> Self {
        self.reply_to = Some(message.into());
        self
    }

    /// The key under which it is stored once, 1 to 128 bytes; a fresh uuid where none is given.
    /// A program that keeps it beside what it sends may send it again after a restart.
    #[must_use]
    pub fn client_id(mut self, key: &str) -> Self {
        self.client_id = Some(key.into());
        self
    }
}

impl Kind {
    fn of(name: &str) -> Self {
        match name {
            "File" => Self::File,
            "Image" => Self::Image,
            _ => Self::Text,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::File => "File",
            Self::Image => "Image",
            Self::Text => "Text",
        }
    }
}

impl RoomEvents {
    /// The room's last place when the server confirmed the subscription.
    #[must_use]
    pub fn last_seq(&self) -> u64 {
        self.last_seq
    }
}

impl Stream for RoomEvents {
    type Item = RoomEvent;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<RoomEvent>> {
        let delivered = ready!(self.outlet.poll(context));
        Poll::Ready(delivered.map(|delivered| match delivered {
            Delivered::Missed(missed) => RoomEvent::Lagged(missed),
            Delivered::Item(event) => event,
        }))
    }
}

impl Drop for RoomEvents {
    fn drop(&mut self) {
        self.outlet.leave();
        let room = Arc::clone(&self.room);
        ask(&self.orders, Order::Leave { room }).ok();
    }
}

impl fmt::Debug for RoomEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RoomEvents({})", self.room)
    }
}

impl Surface for RoomsSurface {
    const RATE: Rate = Rate::ROOMS;

    async fn address(self, shared: &Shared, token: Option<&Token>) -> Result<Address> {
        let user = shared.user(token).await.map_err(|error| match error {
            // It is the token that is refused, not who would give another.
            Error::Unauthenticated(_) => Error::Handshake(ClientHandshakeError::Status(401)),
            error => error,
        })?;
        shared.address(&format!("ws/{}", segment(user)), &[])
    }

    fn part(self, status: &mut Status) -> &mut Connection {
        &mut status.rooms
    }
}
