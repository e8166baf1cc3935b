//! The bus between nodes on Redis or Valkey.
//!
//! Publications go through plain pub/sub, one channel of Redis for each of ours that a node
//! hears, and one for notices. Redis keeps nothing of them: what it loses is seen by the places
//! that publications carry, and by `Arrival::Missed` after every interruption.
//!
//! Reading order: this file, `link` (the connections), `outbox` (what waits to be sent),
//! `interests` (what is asked for), `intake` (what has come), `wire`.

mod intake;
mod interests;
mod link;
mod outbox;
#[cfg(test)]
mod tests;
mod wire;
mod yardstick;

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use async_trait::async_trait;
use conclave_core::{Arrival, Bus, BusFigures, Feed, NodeId, Notice, Parcel};
use conclave_protocol::Channel;
use redis::{ConnectionInfo, IntoConnectionInfo as _, ProtocolVersion};

use intake::Intake;
use interests::Interests;
use outbox::{Outbox, Outgoing};
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
    info: ConnectionInfo,
}

/// Why a text does not say where Redis is. It never holds the text, which may have a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an address such as redis://user:password@host:6379")]
pub struct AddressError;

impl RedisOptions {
    /// For `redis://`, `rediss://`, `redis+unix://` and `unix://` addresses, with user, password
    /// and number of the database where they are in it.
    ///
    /// # Errors
    /// The address is none.
    pub fn new(address: &str) -> Result<Self, AddressError> {
        let info = address.into_connection_info();
        let info = info.map_err(|_it_may_show_the_password| AddressError)?;
        let settings = info.redis_settings().clone();
        let settings = settings.set_protocol(ProtocolVersion::RESP3);
        Ok(Self {
            prefix: "conclave".to_owned(),
            outbox_bytes: 64 << 20,
            intake_bytes: 64 << 20,
            info: info.set_redis_settings(settings),
        })
    }

    /// With names in Redis that begin with this; `conclave` where nothing is said.
    #[must_use]
    pub fn with_prefix(self, prefix: &str) -> Self {
        let prefix = prefix.to_owned();
        Self { prefix, ..self }
    }

    /// Host and port, or the path of the socket.
    #[must_use]
    pub fn shown(&self) -> String {
        self.info.addr().to_string()
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

    fn send(&self, outgoing: Outgoing) -> bool {
        let taken = self.is_there() && self.shared.outbox.push(outgoing);
        if !taken {
            self.shared.lost.fetch_add(1, Ordering::Relaxed);
        }
        taken
    }
}

impl Bus for RedisBus {
    fn publish(&self, parcel: Parcel) -> bool {
        self.send(Outgoing::Publication(parcel))
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
        self.lost.fetch_add(left, Ordering::Relaxed);
        self.interests.depart();
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
