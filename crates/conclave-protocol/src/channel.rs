//! Named streams of publications.

use crate::{SessionId, TopicName};

/// A named stream of publications.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// The server's one broadcast stream (topics.md, "Broadcast").
    Broadcast,
    /// An ephemeral stream inside a session.
    Topic {
        /// The isolation boundary the topic lives in.
        session: SessionId,
        /// Its name there.
        name: TopicName,
    },
}

/// Where a publication stands in its channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// 1 for the first publication of an epoch, then one more each.
    pub offset: u64,
    /// Changes when the channel's history was lost.
    pub epoch: u64,
}
