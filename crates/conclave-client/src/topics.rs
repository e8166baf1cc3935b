//! Topics: what is published inside a session, to whoever listens right then.

pub(crate) mod engine;
mod wire;

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};

use crate::answer::Answer;
use crate::delivery::{Delivered, Outlet, queue};
use crate::error::{Error, Result};
use crate::link::{Asked, Surface};
use crate::pace::Rate;
use crate::shared::Shared;
use crate::status::{Connection, Status};
use crate::tokens::Token;
use engine::{Heard, Order};

/// One topic, in the client's session.
#[derive(Clone)]
pub struct Topic {
    name: Arc<str>,
    shared: Arc<Shared>,
    orders: mpsc::UnboundedSender<Asked<Order>>,
}

/// What was published to a topic.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Message<T = Value> {
    /// What the publisher calls itself; anybody may say anything here.
    pub publisher_name: Option<String>,
    /// The user that the publisher's token proved; `None` where it had none.
    pub user: Option<String>,
    /// The topic.
    pub topic: Arc<str>,
    /// What was published.
    pub payload: T,
    /// As the publisher said it, else the server's, in RFC 3339.
    pub timestamp: String,
    /// The session.
    pub session: Option<String>,
}

/// What a subscription hears.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TopicEvent<T = Value> {
    /// The subscription is over; nothing comes after.
    Ended(Error),
    /// Publications may be missing here: the connection was lost, and the server does not keep,
    /// or does no longer have, all that was published meanwhile.
    Gap,
    /// So many events found no room in this subscription's queue, since it was not read.
    Lagged(u64),
    /// A publication whose payload is no `T`.
    Malformed(Error),
    /// A publication.
    Message(Message<T>),
}

/// A stream of what is published to a topic, until it is dropped.
pub struct Subscription<T = Value> {
    name: Arc<str>,
    outlet: Outlet<Heard>,
    orders: mpsc::UnboundedSender<Asked<Order>>,
    payload: PhantomData<fn() -> T>,
}

/// The connection at `/ws`.
#[derive(Clone, Copy)]
pub(crate) struct TopicsSurface;

impl Topic {
    pub(crate) fn new(
        name: &str,
        shared: Arc<Shared>,
        orders: mpsc::UnboundedSender<Asked<Order>>,
    ) -> Self {
        Self {
            name: name.into(),
            shared,
            orders,
        }
    }

    /// Listens. The answer comes when the server has confirmed it: whatever is published after
    /// that is heard. `T` is what payloads are read as; [`serde_json::Value`] takes any.
    ///
    /// # Errors
    /// [`Error::Refused`], or why there is no connection and will be none.
    pub async fn subscribe<T: DeserializeOwned>(&self) -> Result<Subscription<T>> {
        let (inlet, outlet) = queue(self.shared.inbox);
        let (done, told) = oneshot::channel();
        let place = self.shared.place()?;
        let order = Order::Subscribe {
            topic: Arc::clone(&self.name),
            inlet,
            done,
            place,
        };
        let subscription = Subscription {
            name: Arc::clone(&self.name),
            outlet,
            orders: self.orders.clone(),
            payload: PhantomData,
        };
        ask(&self.orders, order)?;
        told.await.unwrap_or(Err(Error::Closed))?;
        Ok(subscription)
    }

    /// Publishes; the answer comes when the server has accepted it. Publications of one client
    /// leave in the order of these calls, each after the one before was answered. While the
    /// server is away they wait in the outbox; one that was sent and not answered when the
    /// connection was lost ends as [`Error::Uncertain`] and is not sent twice.
    pub fn publish<T: Serialize + ?Sized>(&self, payload: &T) -> Answer<()> {
        self.queue(self.shared.name.as_deref(), payload, None)
    }

    /// As [`Topic::publish`], with a publisher's name and a time of one's own.
    pub fn publish_as<T: Serialize + ?Sized>(
        &self,
        name: &str,
        payload: &T,
        timestamp: Option<&str>,
    ) -> Answer<()> {
        self.queue(Some(name), payload, timestamp)
    }

    fn queue<T: Serialize + ?Sized>(
        &self,
        name: Option<&str>,
        payload: &T,
        timestamp: Option<&str>,
    ) -> Answer<()> {
        let queued = wire::publication(&self.name, name, payload, timestamp).and_then(|frame| {
            let (done, told) = oneshot::channel();
            let place = self.shared.place()?;
            ask(&self.orders, Order::Publish { frame, done, place })?;
            Ok(Answer::waits(told, self.orders.clone()))
        });
        queued.unwrap_or_else(Answer::refused)
    }
}

fn ask(orders: &mpsc::UnboundedSender<Asked<Order>>, order: Order) -> Result<()> {
    let sent = orders.send(Asked::Order(order));
    sent.map_err(|_gone| Error::Closed)
}

impl<T: DeserializeOwned> Stream for Subscription<T> {
    type Item = TopicEvent<T>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<TopicEvent<T>>> {
        let delivered = ready!(self.outlet.poll(context));
        Poll::Ready(delivered.map(|delivered| match delivered {
            Delivered::Missed(missed) => TopicEvent::Lagged(missed),
            Delivered::Item(Heard::Ended(error)) => TopicEvent::Ended(error),
            Delivered::Item(Heard::Gap) => TopicEvent::Gap,
            Delivered::Item(Heard::Message(raw)) => match raw.typed() {
                Ok(message) => TopicEvent::Message(message),
                Err(error) => TopicEvent::Malformed(error),
            },
        }))
    }
}

impl<T> Unpin for Subscription<T> {}

impl<T> Drop for Subscription<T> {
    fn drop(&mut self) {
        self.outlet.leave();
        let left = Order::Leave {
            topic: Arc::clone(&self.name),
        };
        ask(&self.orders, left).ok();
    }
}

impl Message<Box<RawValue>> {
    fn typed<T: DeserializeOwned>(&self) -> Result<Message<T>> {
        let payload = serde_json::from_str(self.payload.get())
            .map_err(|error| Error::Malformed(error.to_string().into()))?;
        Ok(Message {
            publisher_name: self.publisher_name.clone(),
            user: self.user.clone(),
            topic: Arc::clone(&self.topic),
            payload,
            timestamp: self.timestamp.clone(),
            session: self.session.clone(),
        })
    }
}

impl<T> fmt::Debug for Subscription<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subscription({})", self.name)
    }
}

impl Surface for TopicsSurface {
    const RATE: Rate = Rate::TOPICS;

    async fn address(
        self,
        shared: &Shared,
        _token: Option<&Token>,
    ) -> Result<crate::address::Address> {
        shared.address("ws", &[("ack", "1"), ("recover", "1")])
    }

    fn part(self, status: &mut Status) -> &mut Connection {
        &mut status.topics
    }
}
