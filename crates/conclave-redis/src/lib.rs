//! The bus between nodes on Redis or Valkey.
//!
//! Publications go through pub/sub, one channel of Redis for each of ours that a node hears, and
//! one for notices; on a cluster through sharded pub/sub, where each name has its shard. Redis
//! keeps nothing of them: what it loses is seen by the places that publications carry, and by
//! `Arrival::Missed` after every interruption, also one of the node that sent it. Only
//! of topics with history it keeps something, for a time, and gives them their order (`records`).
//!
//! Reading order: this file, `address`, `link` (one session after another), `lanes` (the
//! connections of one, which `sentinel` and `slots` find), `ears` (what they bring), `outbox`
//! (what waits to be sent), `records`, `interests` (what is asked for), `intake` (what has
//! come), `wire`; then `keys` (what is kept in Redis for all nodes), with `tickets` and
//! `blacklist`.

mod address;
mod blacklist;
mod dial;
mod ears;
mod intake;
mod interests;
mod keys;
mod lanes;
mod link;
mod outbox;
mod pause;
mod records;
mod sentinel;
mod slots;
#[cfg(test)]
mod tests;
mod tickets;
mod wire;
mod yardstick;

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use address::Address;
pub use address::AddressError;
use async_trait::async_trait;
pub use blacklist::RedisBlacklist;
use conclave_core::{Arrival, Bus, BusFigures, Feed, Keeping, NodeId, Notice, Parcel};
use conclave_protocol::{Channel, Position};
use intake::Intake;
use interests::{Interests, Reading};
pub use keys::{KeysAway, RedisKeys};
use outbox::{Outbox, Outgoing};
pub use tickets::RedisTickets;
#[doc(hidden)]
pub use yardstick::Yardstick;

/// Where Redis is, and how much of it a node takes.
#[derive(Clone)]
pub struct RedisOptions {
    prefix: String,
    /// Bytes that may wait to be sent; what comes then is lost.
    outbox_bytes: usize,
    /// Bytes that may have come and wait to be taken; what comes then is lost.
    intake_bytes: usize,
    address: Address,
}

impl RedisOptions {
    /// For `redis://`, `rediss://`, `redis+unix://` and `unix://` addresses, with user, password
    /// and number of the database where they are in it; for `redis+sentinel://` (hosts and ports
    /// of sentinels, and the name of the master) and `redis+cluster://` (some of its nodes), and
    /// both with `rediss`.
    ///
    /// # Errors
    /// The address is none.
    pub fn new(address: &str) -> Result<Self, AddressError> {
        Ok(Self {
            prefix: "conclave".to_owned(),
            outbox_bytes: 64 << 20,
            intake_bytes: 64 << 20,
            address: Address::read(address)?,
        })
    }

    /// With names in Redis that begin with this; `conclave` where nothing is said.
    #[must_use]
    pub fn with_prefix(self, prefix: &str) -> Self {
        let prefix = prefix.to_owned();
        Self { prefix, ..self }
    }

    /// Hosts and ports, or the path of the socket.
    #[must_use]
    pub fn shown(&self) -> String {
        self.address.shown()
    }
}

impl fmt::Debug for RedisOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisOptions({})", self.shown())
    }
}

/// This node's way to the others.
pub struct RedisBus {
    shared: Arc<Shared>,
}

/// What comes from the others.
pub struct RedisFeed {
    shared: Arc<Shared>,
}

/// The connections, which have to be run.
pub struct RedisLink {
    shared: Arc<Shared>,
}

/// What the bus, the feed and the connections share.
struct Shared {
    node: NodeId,
    options: RedisOptions,
    outbox: Outbox,
    interests: Interests,
    intake: Intake,
    there: AtomicBool,
    /// How often a cluster was asked for its shards.
    turns: AtomicUsize,
    /// Whether publications were lost and no other node was told so.
    has_lost: AtomicBool,
    sent: AtomicU64,
    lost: AtomicU64,
    connects: AtomicU64,
}

impl RedisBus {
    /// Nothing is connected before the link runs.
    #[must_use]
    pub fn new(options: RedisOptions, node: NodeId) -> (Arc<Self>, RedisFeed, RedisLink) {
        let shared = Arc::new(Shared {
            node,
            outbox: Outbox::new(options.outbox_bytes),
            interests: Interests::new(&options.prefix),
            intake: Intake::new(options.intake_bytes),
            there: AtomicBool::new(false),
            turns: AtomicUsize::new(0),
            has_lost: AtomicBool::new(false),
            sent: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            connects: AtomicU64::new(0),
            options,
        });
        let feed = RedisFeed {
            shared: Arc::clone(&shared),
        };
        let link = RedisLink {
            shared: Arc::clone(&shared),
        };
        (Arc::new(Self { shared }), feed, link)
    }

    /// The way to what is kept in the same Redis, while the bus is there. Its connections live on
    /// the current runtime, whoever asks.
    #[must_use]
    pub fn keys(&self) -> Arc<RedisKeys> {
        Arc::new(RedisKeys::new(Arc::clone(&self.shared)))
    }

    fn send(&self, outgoing: Outgoing) -> bool {
        let is_publication = outgoing.is_publication();
        let taken = self.is_there() && self.shared.outbox.push(outgoing);
        if !taken {
            self.shared.lose(1, is_publication);
        }
        taken
    }
}

impl Bus for RedisBus {
    fn publish(&self, parcel: Parcel) -> bool {
        self.send(Outgoing::Publication(parcel))
    }

    fn record(&self, parcel: Parcel, keeping: Keeping) -> bool {
        self.send(Outgoing::Record(parcel, keeping))
    }

    fn read_record(&self, channel: &Arc<Channel>, since: Option<Position>) {
        let there = || self.is_there();
        match self.shared.interests.read(channel, since, there) {
            Reading::Now => self.shared.read_record(Arc::clone(channel), since),
            Reading::Later => {}
            Reading::Never => self.shared.answer_unread(Arc::clone(channel)),
        }
    }

    fn tell(&self, notice: Notice) -> bool {
        self.send(Outgoing::Notice(notice))
    }

    fn subscribe(&self, channel: &Arc<Channel>) {
        self.shared.interests.ask(channel);
    }

    fn unsubscribe(&self, channel: &Arc<Channel>) {
        self.shared.interests.withdraw(channel);
    }

    fn poll_reached(&self, channel: &Channel, context: &Context<'_>) -> Poll<()> {
        let there = || self.is_there();
        self.shared.interests.poll_there(channel, there, context)
    }

    fn is_there(&self) -> bool {
        self.shared.there.load(Ordering::Acquire)
    }

    fn figures(&self) -> BusFigures {
        let value = |count: &AtomicU64| count.load(Ordering::Relaxed);
        BusFigures {
            sent: value(&self.shared.sent),
            lost: value(&self.shared.lost),
            received: self.shared.intake.received(),
            missed: self.shared.intake.missed(),
            refused: self.shared.intake.refused(),
            connects: value(&self.shared.connects),
            waiting: self.shared.outbox.bytes(),
            channels: self.shared.interests.len(),
        }
    }
}

#[async_trait]
impl Feed for RedisFeed {
    async fn next(&mut self, into: &mut Vec<Arrival>) -> bool {
        self.shared.intake.take(into).await;
        true
    }
}

impl Shared {
    /// There is a connection, and what was asked for is subscribed to.
    fn arrive(&self) {
        self.connects.fetch_add(1, Ordering::Relaxed);
        self.there.store(true, Ordering::Release);
        self.intake.push_missed();
    }

    /// There is none any more: what waits is lost.
    fn depart(&self) {
        self.there.store(false, Ordering::Release);
        let left = self.outbox.clear();
        let count = left.iter().filter(|left| left.is_sent()).count();
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.lose(count, left.iter().any(Outgoing::is_publication));
        for left in left {
            match left {
                Outgoing::Read(channel, _) => self.answer_unread(channel),
                Outgoing::Record(Parcel { publication, .. }, _) => {
                    self.answer_unrecorded(Arc::clone(&publication.channel));
                }
                Outgoing::Notice(_) | Outgoing::Publication(_) => {}
            }
        }
        for channel in self.interests.depart() {
            self.answer_unread(channel);
        }
    }

    /// Reads a record, once what is published from now on arrives.
    fn read_record(&self, channel: Arc<Channel>, since: Option<Position>) {
        let taken = self
            .outbox
            .push(Outgoing::Read(Arc::clone(&channel), since));
        // Who departs empties the outbox after it has said so.
        if !taken || !self.there.load(Ordering::Acquire) {
            self.answer_unread(channel);
        }
    }

    /// Says that a publication was perhaps not kept.
    fn answer_unrecorded(&self, channel: Arc<Channel>) {
        self.intake.insist(Arrival::Unrecorded { channel });
    }

    /// Says that a record cannot be read.
    fn answer_unread(&self, channel: Arc<Channel>) {
        let record = None;
        self.intake.insist(Arrival::Record { channel, record });
    }

    /// Counts what is lost; publications are to be told of.
    fn lose(&self, count: u64, has_publications: bool) {
        self.lost.fetch_add(count, Ordering::Relaxed);
        if has_publications {
            self.has_lost.store(true, Ordering::Release);
        }
    }
}

impl RedisLink {
    /// Connects, and again whenever the connection ends: Redis may be away now and at any time.
    /// Dropping the future ends the connections.
    pub async fn run(self) -> Infallible {
        link::run(self.shared).await
    }
}

impl fmt::Debug for RedisLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedisLink(..)")
    }
}

impl fmt::Debug for RedisBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisBus({})", self.shared.options.shown())
    }
}

impl fmt::Debug for RedisFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedisFeed(..)")
    }
}
