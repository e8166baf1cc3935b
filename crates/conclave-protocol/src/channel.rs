//! Named streams of publications.

use crate::{RoomId, SessionId, TopicName, UserId, WatchId};

/// A named stream of publications.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// The server's one broadcast stream (topics.md, "Broadcast").
    Broadcast,
    /// What is meant for one user in one room: who received and saw their messages there. Not
    /// stored.
    Own {
        /// The room.
        room: RoomId,
        /// The user.
        user: UserId,
    },
    /// A durable, ordered stream with members.
    Room(RoomId),
    /// What concerns every connection that hears a feed. Not stored.
    System,
    /// An ephemeral stream inside a session.
    Topic {
        /// The isolation boundary the topic lives in.
        session: SessionId,
        /// Its name there.
        name: TopicName,
    },
    /// A user's feed. Not stored.
    User(UserId),
    /// What is told of something on a chain that is watched. This node's alone, and not stored.
    Watch(WatchId),
}

/// Where a publication stands in its channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// In a topic 1 for the first publication of an epoch, then one more each; in a room the
    /// event's sequence number, 0 for what is not stored, which goes to whoever hears the room.
    pub offset: u64,
    /// Changes when the channel's history was lost.
    pub epoch: u64,
}
