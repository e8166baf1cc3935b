//! Data in a channel.

use std::sync::{Arc, OnceLock};

use crate::{Channel, Event, Form, Position, Timestamp, TopicMessage, UserId, WalletEvent};

/// What a publication says, before any dialect has written it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A broadcast object and what the server adds to it.
    Broadcast {
        /// The client's members, as in [`crate::Broadcast`].
        members: Box<str>,
        /// Who sent it.
        user: UserId,
        /// A fresh UUID.
        request: u128,
    },
    /// What happened in a room, to a user, or to everybody.
    Event(Arc<Event>),
    /// A topic's message.
    Topic(TopicMessage),
    /// What happened on a chain.
    Wallet(Arc<WalletEvent>),
}

/// Data in a channel with its position. Shared by all workers; each wire form of it is made at
/// most once, by the first that needs it.
#[derive(Debug)]
pub struct Publication {
    /// Where it was published.
    pub channel: Arc<Channel>,
    /// Its place among those that this node has delivered there.
    pub position: Position,
    /// The place that clients see: the same, or the one that all nodes have agreed on. An offset
    /// of 0 says that it has none.
    pub shown: Position,
    /// When the server took it.
    pub at: Timestamp,
    /// What it says.
    pub body: Body,
    /// The connection it came from, as the server numbers them; 0 for none.
    pub origin: u64,
    frames: [OnceLock<Box<[u8]>>; FORMS * 2],
}

impl Publication {
    /// A publication that no dialect has written yet.
    #[must_use]
    pub fn new(
        channel: Arc<Channel>,
        position: Position,
        at: Timestamp,
        body: Body,
        origin: u64,
    ) -> Self {
        Self {
            channel,
            position,
            shown: position,
            at,
            body,
            origin,
            frames: Default::default(),
        }
    }

    /// The same, with another place for clients to see.
    #[must_use]
    pub fn shown_at(self, shown: Position) -> Self {
        Self { shown, ..self }
    }

    /// Whether a member who has everything up to `offset` still needs it. What is not stored
    /// has the offset 0 and is always needed.
    #[must_use]
    pub const fn is_after(&self, offset: u64) -> bool {
        self.position.offset == 0 || self.position.offset > offset
    }

    /// Whether somebody's right to hear the channel ends with it.
    #[must_use]
    pub fn ends_hearing(&self) -> bool {
        match &self.body {
            Body::Event(event) => event.kind.ends_hearing(),
            Body::Broadcast { .. } | Body::Topic(_) | Body::Wallet(_) => false,
        }
    }

    /// The whole frame in this form, made by `make` if this is the first call for it.
    pub fn frame(&self, form: Form, deflated: bool, make: impl FnOnce() -> Vec<u8>) -> &[u8] {
        let index = usize::from(form.0) * 2 + usize::from(deflated);
        self.frames
            .get(index)
            .map_or(&[], |frame| frame.get_or_init(|| make().into_boxed_slice()))
    }

    /// About how many bytes it holds, wire forms left out: what queues count.
    #[must_use]
    pub fn weight(&self) -> usize {
        size_of::<Self>()
            + match &self.body {
                Body::Broadcast { members, user, .. } => members.len() + user.as_str().len(),
                Body::Event(event) => event.weight(),
                Body::Topic(message) => {
                    message.payload.len() + message.publisher_name.as_ref().map_or(0, |n| n.len())
                }
                Body::Wallet(event) => event.weight(),
            }
    }
}

/// How many forms the dialects have together.
pub const FORMS: usize = 9;
