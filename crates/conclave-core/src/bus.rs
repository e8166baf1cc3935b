//! The port between nodes: publications by channel, and notices to all.
//!
//! A node gets publications of the channels it has asked for, and every notice. What it sends
//! itself never comes back to it. Nothing is promised but order: of what one node sends into
//! one channel, and of its notices, what arrives arrives in the order it was sent in, each thing at
//! most once. What is lost can be
//! seen: a publication of a topic carries its [`Place`], one of a room its sequence number, and
//! after an interruption comes [`Arrival::Missed`].
//!
//! Of a channel with history the bus itself gives publications their places and keeps the newest:
//! those come back to the node that published them too, as [`Arrival::Recorded`].
//!
//! Reading order: this file, `record` (what is kept), then `memory`, the bus of several nodes in
//! one process.

mod memory;
mod record;

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use conclave_protocol::{Body, Channel, Position, Publication, Timestamp, UserId};

use crate::{NodeCounts, RollPart};
pub use memory::{MemoryBus, MemoryFeed, MemoryNode};
pub use record::{Keeping, Record, Recorded};

/// A node, as it names itself from its start to its end: a random number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u128);

/// Where a publication stands among all that one node has published in one channel. Rooms need
/// none, their events have sequence numbers; there it is all zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Grows when the node begins to count anew; 0 where it does not count.
    pub epoch: u64,
    /// 1 for the first of an epoch, then one more each.
    pub seq: u64,
    /// Whether the one before it was lost on its way out.
    pub after_loss: bool,
}

/// What a node gives to the bus.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// With its channel; its position and origin are this node's own affair and stay here.
    pub publication: Arc<Publication>,
    /// Its place among this node's.
    pub place: Place,
}

/// What all other nodes are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The node is there.
    Alive {
        /// Of what it has said of its users.
        version: u64,
        /// What it has.
        counts: NodeCounts,
    },
    /// A question to all others, each of which answers, or something they are to know.
    Ask {
        /// To be repeated in the answer; 0 where none is wanted.
        id: u64,
        /// Of at most [`NOTICE_BYTES_MAX`]; what it says is the affair of who asks and answers.
        question: Box<str>,
    },
    /// An answer.
    Answer {
        /// Who has asked.
        to: NodeId,
        /// Of the question.
        id: u64,
        /// Of at most [`NOTICE_BYTES_MAX`].
        answer: Box<str>,
    },
    /// A node has missed what another said of its users, and wants all of it.
    AskRoll {
        /// Of which node.
        of: NodeId,
    },
    /// Revocations or users changed in the store: read them now.
    Changed,
    /// A backend ends all connections of a user.
    Disconnect {
        /// Whose.
        user: UserId,
        /// Instead of each surface's own code.
        code: Option<u16>,
        /// Instead of each surface's own reason; at most 123 bytes.
        reason: Option<Box<str>>,
    },
    /// Who came and went on the node.
    Roll(RollPart),
    /// What was taken of limits on the node since it last said so.
    Spent(Vec<Spent>),
}

/// What was taken of one limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spent {
    /// Of which limit.
    pub limit: SharedLimit,
    /// Whose: a user's name, an address, a room, as that limit has it.
    pub key: Box<str>,
    /// How often.
    pub count: u32,
}

/// A limit that holds over all nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SharedLimit {
    /// Failed sign-ins: an address, a space, and the name that was tried, or nothing.
    SignIns,
    /// Refused handshakes of an address.
    Handshakes,
    /// Messages of a user.
    UserMessages,
    /// Messages in a room.
    RoomMessages,
    /// HTTP requests of a user.
    Requests,
}

/// What comes from the bus.
#[derive(Clone, Debug)]
pub enum Arrival {
    /// Something may have been missed, of any channel and of the notices: the node was cut off,
    /// or could not take all that came. Also said when the node first reaches the bus.
    Missed,
    /// A notice.
    Notice {
        /// Who says it.
        from: NodeId,
        /// What.
        notice: Notice,
    },
    /// A publication of a channel that was asked for.
    Publication {
        /// Who published it.
        from: NodeId,
        /// Where.
        channel: Arc<Channel>,
        /// Its place among that node's.
        place: Place,
        /// When that node took it.
        at: Timestamp,
        /// What it says.
        body: Body,
    },
    /// A publication of a channel that was asked for and has a record, of whichever node.
    Recorded {
        /// Where.
        channel: Arc<Channel>,
        /// What, and its place.
        recorded: Recorded,
    },
    /// The answer to [`Bus::read_record`].
    Record {
        /// Of which channel.
        channel: Arc<Channel>,
        /// What is kept; `None` where it cannot be read now.
        record: Option<Record>,
    },
    /// Of what this node gave to a channel's record and the bus took, something was not kept, or
    /// perhaps not.
    Unrecorded {
        /// Which channel.
        channel: Arc<Channel>,
    },
}

/// A node's way to all others. None of its methods waits.
pub trait Bus: fmt::Debug + Send + Sync {
    /// Sends a publication to the nodes that hear its channel. `false` where it is lost at once,
    /// because too much waits to be sent or there is no connection.
    fn publish(&self, parcel: Parcel) -> bool;

    /// Gives a publication of a topic the next place in its channel's record, or, where its place says that
    /// one before it was lost, the one after the next; keeps it; and sends it to all nodes that
    /// hear the channel, this one too. `false` where it is lost at once.
    fn record(&self, parcel: Parcel, keeping: Keeping) -> bool;

    /// Asks for what a channel's record has after `since`, or for all of it where that is of
    /// another epoch. The answer is [`Arrival::Record`]; it comes when what is published from then
    /// on arrives, and also where the bus is away, unless [`Arrival::Missed`] comes first.
    fn read_record(&self, channel: &Arc<Channel>, since: Option<Position>);

    /// Sends a notice to all other nodes. `false` where it is lost at once.
    fn tell(&self, notice: Notice) -> bool;

    /// Asks for a channel's publications from now on.
    fn subscribe(&self, channel: &Arc<Channel>);

    /// Asks for them no more.
    fn unsubscribe(&self, channel: &Arc<Channel>);

    /// Ready when what is published from now on in a channel that was asked for arrives, or when
    /// there is no connection that could bring it. Ready for a channel that was not asked for.
    fn poll_reached(&self, channel: &Channel, context: &Context<'_>) -> Poll<()>;

    /// Whether there is a connection now.
    fn is_there(&self) -> bool;

    /// What has gone through it since the start.
    fn figures(&self) -> BusFigures;
}

/// What has gone through a bus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BusFigures {
    /// Publications and notices sent.
    pub sent: u64,
    /// Those that were lost before they were sent, or perhaps while.
    pub lost: u64,
    /// Publications and notices that came from other nodes.
    pub received: u64,
    /// Those of them that found no room here.
    pub missed: u64,
    /// Messages that could not be read.
    pub refused: u64,
    /// Times that a connection was made.
    pub connects: u64,
    /// Bytes that wait to be sent.
    pub waiting: usize,
    /// Channels that are asked for.
    pub channels: usize,
}

/// A node's end of the bus.
#[async_trait]
pub trait Feed: Send {
    /// Appends what has come, in order, at least one thing; waits for it. `false` where nothing
    /// will come any more.
    async fn next(&mut self, into: &mut Vec<Arrival>) -> bool;
}

impl SharedLimit {
    /// All there are.
    pub const ALL: [Self; 5] = [
        Self::SignIns,
        Self::Handshakes,
        Self::UserMessages,
        Self::RoomMessages,
        Self::Requests,
    ];
}

/// Bytes of a question or an answer.
pub const NOTICE_BYTES_MAX: usize = 1 << 20;

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl Place {
    /// Of what needs none.
    pub const NONE: Self = Self {
        epoch: 0,
        seq: 0,
        after_loss: false,
    };
}

impl Parcel {
    /// Of a publication that needs no place.
    #[must_use]
    pub fn new(publication: Publication) -> Self {
        Self {
            publication: Arc::new(publication),
            place: Place::NONE,
        }
    }
}
