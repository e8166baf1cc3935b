//! The topics service: publish, subscribe, broadcast, each behind a permit.

use std::future::poll_fn;
use std::sync::Arc;

use conclave_protocol::{
    Body, Broadcast, Principal, Publish, PublishAs, Subscribe, Timestamp, TopicMessage,
};

use crate::directory::Origin;
use crate::{Directory, Listen, Permit, Published, Reaching, Subscribed};

/// Session-scoped topics and the server's broadcast stream (topics.md).
#[derive(Clone, Debug)]
pub struct Topics {
    directory: Arc<Directory>,
}

/// The connection that publishes.
#[derive(Clone, Copy, Debug)]
pub struct Publisher<'a> {
    /// As the server numbers connections; 0 for none.
    pub connection: u64,
    /// Its worker.
    pub worker: usize,
    /// Who it is.
    pub principal: &'a Principal,
    /// The name it registered.
    pub name: Option<&'a str>,
}

impl Topics {
    /// Over this directory.
    #[must_use]
    pub const fn new(directory: Arc<Directory>) -> Self {
        Self { directory }
    }

    /// Sends a message to the topic's subscribers, with the user the token proves.
    pub fn publish(
        &self,
        permit: Permit<Publish<'_>>,
        publisher: Publisher<'_>,
        at: Timestamp,
    ) -> Published {
        let (command, channel, user) = permit.into_parts();
        let mut message = command.message;
        message.user = user;
        if message.publisher_name.is_none() {
            message.publisher_name = publisher.shown_name().map(Box::from);
        }
        self.directory
            .publish(channel, Body::Topic(message), at, publisher.origin())
    }

    /// Sends a backend's message to a topic's subscribers, once no worker has too much to
    /// deliver.
    pub async fn publish_as(&self, permit: Permit<PublishAs>, at: Timestamp) -> Published {
        let (command, channel, user) = permit.into_parts();
        let message = TopicMessage {
            user,
            ..command.message
        };
        poll_fn(|context| self.directory.poll_clear(context)).await;
        self.directory
            .publish(channel, Body::Topic(message), at, Origin::default())
    }

    /// Sends an object to every broadcast connection. `request` is a fresh UUID. A permit for
    /// an anonymous principal cannot exist, so the user is there.
    pub fn broadcast(
        &self,
        permit: Permit<Broadcast<'_>>,
        publisher: Publisher<'_>,
        at: Timestamp,
        request: u128,
    ) -> Published {
        let (command, channel, user) = permit.into_parts();
        let Some(user) = user else {
            return Published {
                here: false,
                workers: 0,
            };
        };
        let body = Body::Broadcast {
            members: command.members.into(),
            user,
            request,
        };
        self.directory
            .publish(channel, body, at, publisher.origin())
    }

    /// Counts the subscription and says where it starts. The worker's hub takes it back when
    /// the membership ends; a connection that already hears the channel must not ask again.
    #[must_use]
    pub fn subscribe(&self, permit: Permit<Subscribe<'_>>, worker: usize) -> Subscribed {
        let (command, channel, _) = permit.into_parts();
        self.directory.subscribe(channel, worker, command.since)
    }

    /// Asks for a topic of which the bus keeps history that is not known here yet: subscribe once
    /// that is ready, and drop it then. `None` where a subscription can be answered at once.
    #[must_use]
    pub fn reach(&self, permit: &Permit<Subscribe<'_>>, worker: usize) -> Option<Reaching> {
        let channel = permit.channel();
        let reach = || Reaching::begin(&self.directory, channel.clone(), worker);
        (!self.directory.is_followed(channel)).then(reach)
    }

    /// Counts a listener of the broadcast stream.
    #[must_use]
    pub fn listen(&self, permit: Permit<Listen>, worker: usize) -> Subscribed {
        let (_, channel, _) = permit.into_parts();
        self.directory.subscribe(channel, worker, None)
    }

    /// What workers share.
    #[must_use]
    pub const fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }
}

impl<'a> Publisher<'a> {
    /// The token's name where it has one, else the registered one, else the user.
    #[must_use]
    pub fn shown_name(&self) -> Option<&'a str> {
        let token = self.principal.name.as_deref();
        token
            .or(self.name)
            .or_else(|| self.principal.user.as_ref().map(|user| user.as_str()))
    }

    const fn origin(&self) -> Origin {
        Origin {
            connection: self.connection,
            worker: self.worker,
        }
    }
}
