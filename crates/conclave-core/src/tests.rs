//! What the tests of this crate share: principals, topics, and wakers that count.

mod across;
mod bucket;
mod connections;
mod delivery;
mod history;
mod hub;
mod inbox;
mod model;
mod permit;
mod roll;
mod rooms;
mod shared;
mod threads;
mod topics;
mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use conclave_protocol::{
    Body, Broadcast, Channel, Grants, IssuerId, Limits, Position, Principal, Publication, Publish,
    SessionId, SessionKind, SessionName, Subscribe, Timestamp, TopicMessage, TopicName, UserId,
};

use crate::{Directory, Publisher, Topics, authorise};

fn session(kind: SessionKind, name: &str) -> SessionId {
    SessionId {
        kind,
        issuer: IssuerId(0),
        name: SessionName::new(name).unwrap(),
    }
}

fn principal(user: Option<&str>, session: SessionId, grants: &[&str]) -> Principal {
    Principal {
        user: user.map(|user| UserId::new(user).unwrap()),
        session,
        session_named_by_token: false,
        name: None,
        grants: Arc::new(Grants::new(grants)),
        token: None,
        family: None,
        issued_at: None,
        expires_at: None,
    }
}

/// A user in its default session who may do everything with topics.
fn member(user: &str) -> Principal {
    let grants = ["topic.publish", "topic.subscribe", "topic.broadcast"];
    principal(Some(user), session(SessionKind::Default, user), &grants)
}

fn topic(name: &str) -> TopicName {
    TopicName::new(name).unwrap()
}

fn subscribe(name: &str, since: Option<Position>) -> Subscribe<'static> {
    Subscribe {
        topic: topic(name),
        session: None,
        since,
    }
}

fn message(payload: &str) -> TopicMessage {
    TopicMessage {
        publisher_name: None,
        payload: payload.into(),
        timestamp: None,
        user: None,
    }
}

fn publish(name: &str, payload: &str) -> Publish<'static> {
    Publish {
        session: None,
        topic: topic(name),
        message: message(payload),
    }
}

fn broadcast(members: &str) -> Broadcast<'_> {
    Broadcast {
        members: members.into(),
    }
}

fn publisher(principal: &Principal) -> Publisher<'_> {
    Publisher {
        connection: 1,
        worker: 0,
        principal,
        name: None,
    }
}

fn topics(workers: usize, limits: &Limits) -> Topics {
    Topics::new(Arc::new(Directory::new(workers, limits, 1000)))
}

/// Publishes as `who` to a topic of its session.
fn say(topics: &Topics, who: &Principal, name: &str, payload: &str) -> crate::Published {
    let permit = authorise(who, publish(name, payload)).unwrap();
    topics.publish(permit, publisher(who), Timestamp::from_millis(0))
}

/// A publication that no directory made, of `bytes` bytes of payload.
fn loose(bytes: usize) -> Arc<Publication> {
    Arc::new(Publication::new(
        Arc::new(Channel::Broadcast),
        Position {
            offset: 1,
            epoch: 1,
        },
        Timestamp::from_millis(0),
        Body::Topic(message(&"x".repeat(bytes))),
        0,
    ))
}

/// Counts how often it is woken.
#[derive(Default)]
struct Alarm(AtomicUsize);

impl Alarm {
    fn new() -> (Arc<Self>, Waker) {
        let alarm = Arc::new(Self::default());
        (Arc::clone(&alarm), Waker::from(alarm))
    }

    fn rings(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
