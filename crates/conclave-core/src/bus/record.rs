//! What the bus keeps of a channel: its newest publications, in one order for all nodes.

use conclave_protocol::{Body, Position, Timestamp};

/// How much of a channel is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keeping {
    /// Publications at most; 0 gives places, and keeps nothing.
    pub messages: usize,
    /// How long after the last one, in seconds.
    pub seconds: u32,
}

/// A publication with its place among those of all nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its place. An offset of 0 says that it was given none, for want of room.
    pub position: Position,
    /// Whether the place before it was left free for one that was lost on its way out.
    pub after_loss: bool,
    /// When its node took it.
    pub at: Timestamp,
    /// What it says.
    pub body: Body,
}

/// What is kept of a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The newest place that was given; of zeros where there is none.
    pub head: Position,
    /// The newest publications, oldest first. Some may be missing between.
    pub kept: Vec<Recorded>,
}
