//! What a client's connections are doing.

use crate::error::Error;

/// Both connections of a client; each is opened when it is first needed.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Status {
    /// The one that carries all rooms, at `/ws/{user}`.
    pub rooms: Connection,
    /// The one that carries all topics, at `/ws`.
    pub topics: Connection,
}

/// What one connection is doing.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Connection {
    /// It is being opened.
    Connecting,
    /// Nothing needs it yet.
    #[default]
    Idle,
    /// The server has answered on it.
    Open,
    /// It will not be opened again, for this reason.
    Stopped(Error),
    /// It was lost, or could not be opened, for this reason; it is tried again by itself.
    Waiting(Error),
}

impl Connection {
    /// Whether the server has answered on it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }
}
