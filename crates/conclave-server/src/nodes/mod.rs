//! The other nodes of the system, where there are any: what they say, and what they are told.
//!
//! Reading order: this file (what the rest of the process asks), `hearing` (the tasks that take
//! what comes from the bus), `asking` (questions to the others), `answering` (what they are),
//! `spending` (limits that hold over all nodes), `survey` (what is heard).

mod answering;
mod asking;
mod hearing;
mod spending;
mod survey;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use conclave_auth::{MemoryTickets, TicketBounds, TicketTable};
use conclave_core::{Bus, BusFigures, ConnectionTable, Feed, NodeCounts, NodeId, Notice, Roll};
use conclave_protocol::UserId;
use conclave_redis::{RedisBlacklist, RedisBus, RedisKeys, RedisOptions, RedisTickets};
use parking_lot::Mutex;
use tokio::sync::Notify;

pub(crate) use answering::{ListedThere, Question, bequeath, kick, open_connections, take_over};
pub(crate) use asking::Answered;
pub(crate) use hearing::{close_gaps, hear, tell_entered};
pub(crate) use survey::{Heard, HeardTopic, TopicKey, heard_rooms, heard_topics, hearing};

use asking::Asking;
use spending::Spending;

use crate::config::{Bus as BusConfig, BusRevocations, Setup};
use crate::identity::{Blacklist, SystemRandom};
use crate::node::Node;

/// What this node knows of the way to the others. Without a bus it is always well.
#[derive(Debug, Default)]
pub(crate) struct Nodes {
    link: Option<Link>,
    /// Rung when another node says that the store has changed.
    changed: Notify,
    /// Rung when users may not have been told that they were taken into a room.
    lapse: Notify,
}

#[derive(Debug)]
struct Link {
    node: NodeId,
    bus: Arc<dyn Bus>,
    asking: Asking,
    spending: Spending,
    roll: Roll,
    revocations: BusRevocations,
    /// Milliseconds of the monotonic clock when the bus was last there, plus one; 0 for never.
    last_there: AtomicU64,
    /// What was surely heard of before an interruption that is noticed now.
    heard_up_to: Mutex<HeardUpTo>,
    /// The same, from before a node fell silent that may be back, and when it did.
    heard_before_silence: Mutex<Option<(u64, Duration)>>,
    /// Publications and notices that this node could not take in time.
    passed_over: AtomicU64,
}

/// Numbers of the newest event at two moments, at least 5 seconds apart: an interruption is
/// noticed within two.
#[derive(Debug, Default)]
struct HeardUpTo {
    older: u64,
    newer: u64,
    at: Duration,
}

/// A name for this node, from its start to its end.
pub(crate) fn own_name() -> NodeId {
    let mut id = [0; 16];
    conclave_auth::Random::fill(&SystemRandom, &mut id);
    NodeId(u128::from_ne_bytes(id))
}

/// The bus that is configured, and what it needs to be run.
pub(crate) struct Opened {
    pub(crate) node: NodeId,
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) feed: Box<dyn Feed>,
    /// What all nodes keep in the same Redis.
    pub(crate) keys: Arc<RedisKeys>,
}

/// Opens the configured bus. Its connections are made by a task of the current runtime.
///
/// # Errors
/// The address is none; never with the address, which may hold a password.
pub(crate) fn open(setup: &Setup, node: NodeId) -> anyhow::Result<Option<Opened>> {
    let config = &setup.config.bus;
    let Some(url) = &config.url else {
        return Ok(None);
    };
    let options = RedisOptions::new(url.reveal()).context("bus.url")?;
    let options = options.with_prefix(&config.prefix);
    let (bus, feed, link) = RedisBus::new(options, node);
    tokio::spawn(link.run());
    Ok(Some(Opened {
        node,
        keys: bus.keys(),
        bus,
        feed: Box::new(feed),
    }))
}

/// Where tickets wait: on the bus, so that every node redeems them, else here. And the list of
/// ended tokens that is shared with other services, where there is a bus.
pub(crate) fn shared(
    opened: Option<&Opened>,
    config: &BusConfig,
) -> (Arc<dyn TicketTable>, Blacklist) {
    let bounds = TicketBounds::default();
    let Some(opened) = opened else {
        let tickets = Arc::new(MemoryTickets::new(bounds));
        return (tickets, Blacklist::default());
    };
    let keys = || Arc::clone(&opened.keys);
    let tickets = RedisTickets::new(keys(), bounds.tickets_per_user);
    let reads = config.blacklist.then_some(config.revocations);
    let list = Box::new(RedisBlacklist::new(keys()));
    (Arc::new(tickets), Blacklist::new(list, reads))
}

impl Nodes {
    /// On this bus, under this name.
    pub(crate) fn on(
        (node, bus): (NodeId, Arc<dyn Bus>),
        connections: Arc<ConnectionTable>,
        revocations: BusRevocations,
    ) -> Self {
        Self {
            link: Some(Link {
                node,
                bus,
                asking: Asking::default(),
                spending: Spending::default(),
                roll: Roll::new(node, connections),
                revocations,
                last_there: AtomicU64::new(0),
                heard_up_to: Mutex::default(),
                heard_before_silence: Mutex::default(),
                passed_over: AtomicU64::new(0),
            }),
            changed: Notify::new(),
            lapse: Notify::new(),
        }
    }

    /// Who comes to this node finds by themselves what was stored up to this event.
    pub(crate) fn begin(&self, number: u64) {
        if let Some(link) = &self.link {
            let mut heard = link.heard_up_to.lock();
            (heard.older, heard.newer) = (number, number);
        }
    }

    /// The way to the others.
    pub(crate) fn bus(&self) -> Option<Arc<dyn Bus>> {
        self.link.as_ref().map(|link| Arc::clone(&link.bus))
    }

    /// Tells all others, where there are any. What is lost, they find in the store a little later.
    pub(crate) fn tell(&self, notice: Notice) {
        if let Some(link) = &self.link {
            link.bus.tell(notice);
        }
    }

    /// What this node is called, where there are others: 32 hexadecimal digits.
    pub(crate) fn name(&self) -> Option<String> {
        self.link.as_ref().map(|link| link.node.to_string())
    }

    /// Whether other nodes are heard.
    pub(crate) fn has_others(&self) -> bool {
        let link = self.link.as_ref().filter(|link| link.bus.is_there());
        link.is_some_and(|link| !link.roll.nodes().is_empty())
    }

    /// Whether this node is heard.
    pub(crate) fn hears(&self, node: NodeId) -> bool {
        let link = self.link.as_ref();
        link.is_some_and(|link| link.roll.nodes().contains(&node))
    }

    /// Whether there are others that cannot be reached now.
    pub(crate) fn is_away(&self) -> bool {
        self.link.as_ref().is_some_and(|link| !link.bus.is_there())
    }

    /// Whether new handshakes are refused, because another node may have revoked what they show.
    pub(crate) fn refuses_handshakes(&self, now: Duration) -> bool {
        let Some(link) = &self.link else {
            return false;
        };
        let now = millis(now);
        if link.bus.is_there() {
            return false;
        }
        match link.revocations {
            BusRevocations::Strict => true,
            BusRevocations::Grace => {
                let since = link.last_there.load(Ordering::Relaxed);
                now.saturating_sub(since) > GRACE_MILLIS
            }
        }
    }

    /// Notes whether the bus is there, and tells the others of these users, whose connections
    /// changed, and of what was taken of limits. Called a few times a second. Whether another node
    /// has fallen silent, which may have stored what it told nobody.
    pub(crate) fn tick(&self, node: &Node, touched: &[UserId]) -> bool {
        self.link.as_ref().is_some_and(|link| {
            let now = node.clock.monotonic();
            let counts = || {
                let counts = node.connections.counts();
                let surfaces = node.surfaces.counts().into_iter();
                NodeCounts {
                    active: counts.active,
                    authenticated: counts.authenticated,
                    surfaces: surfaces.map(|(name, count)| (name.into(), count)).collect(),
                }
            };
            for notice in link.roll.tick(now, touched, counts, link.bus.is_there()) {
                link.bus.tell(notice);
            }
            if link.bus.is_there() {
                let number = node.topics.directory().last_number();
                link.heard_up_to.lock().note(now, number);
            }
            link.look(now);
            self.tell_spent(node);
            let is_silent = link.roll.take_silence();
            if is_silent {
                link.note_silence(now);
                self.lapse.notify_one();
            }
            is_silent
        })
    }

    /// What the others have together, and how many they are.
    pub(crate) fn others(&self) -> (NodeCounts, usize) {
        self.link
            .as_ref()
            .map_or_else(Default::default, |link| link.roll.others())
    }

    /// Takes what another node says of its users.
    fn take(&self, from: NodeId, notice: &Notice, now: Duration) {
        if let Some(link) = &self.link
            && let Some(answer) = link.roll.take(from, notice, now)
        {
            link.bus.tell(answer);
        }
    }

    /// The number of an event before which nothing can have been missed.
    fn heard_up_to(&self, now: Duration) -> u64 {
        self.link.as_ref().map_or(0, |link| link.heard_up_to(now))
    }

    /// Something may have been missed.
    fn doubt(&self, now: Duration) {
        self.changed.notify_one();
        if let Some(link) = &self.link {
            link.roll.doubt(now);
        }
    }

    /// Waits until another node says that the store has changed.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// What has gone through the bus, and how much of it this node passed over; `None` without a
    /// bus.
    pub(crate) fn figures(&self) -> Option<(BusFigures, u64)> {
        let link = self.link.as_ref()?;
        let passed_over = link.passed_over.load(Ordering::Relaxed);
        Some((link.bus.figures(), passed_over))
    }

    fn pass_over(&self, count: usize) {
        if let Some(link) = &self.link {
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            link.passed_over.fetch_add(count, Ordering::Relaxed);
        }
    }
}

impl Link {
    /// What a node that was silent stored meanwhile is told by nobody before it is back.
    fn heard_up_to(&self, now: Duration) -> u64 {
        let number = self.heard_up_to.lock().older;
        let before = *self.heard_before_silence.lock();
        let counts = before.filter(|(_, since)| now < since.saturating_add(COMES_BACK_WITHIN));
        counts.map_or(number, |(before, _)| number.min(before))
    }

    fn note_silence(&self, now: Duration) {
        let number = self.heard_up_to(now);
        let mut before = self.heard_before_silence.lock();
        if before.is_none_or(|(before, _)| before != number) {
            *before = Some((number, now));
        }
    }

    /// Notes whether the bus is there.
    fn look(&self, now: Duration) {
        let never = self.last_there.load(Ordering::Relaxed) == 0;
        // Before it was ever there, the time counts from the start.
        if never || self.bus.is_there() {
            let now = millis(now).saturating_add(1);
            self.last_there.store(now, Ordering::Relaxed);
        }
    }
}

impl HeardUpTo {
    fn note(&mut self, now: Duration, number: u64) {
        if now >= self.at + APART {
            *self = Self {
                older: self.newer,
                newer: number.max(self.newer),
                at: now,
            };
        }
    }
}

/// A connection as other programs know it.
pub(crate) fn connection_id(number: u64, node: Option<&str>) -> String {
    match node {
        Some(node) => format!("{number}-{node}"),
        None => number.to_string(),
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Who was taken into a room by a node that is back later finds it when they come again.
const COMES_BACK_WITHIN: Duration = Duration::from_secs(600);
const APART: Duration = Duration::from_secs(5);
/// How long a node goes on admitting by what it knows.
const GRACE_MILLIS: u64 = 60_000;

#[cfg(test)]
mod tests {
    use conclave_core::MemoryBus;

    use super::*;

    fn nodes(bus: &Arc<MemoryBus>, revocations: BusRevocations) -> Nodes {
        let node = NodeId(1);
        let (end, _feed) = bus.join(node);
        Nodes::on((node, end), ConnectionTable::new(), revocations)
    }

    fn look(nodes: &Nodes, seconds: u64) -> bool {
        let now = Duration::from_secs(seconds);
        nodes.link.as_ref().unwrap().look(now);
        nodes.refuses_handshakes(now)
    }

    #[test]
    fn by_grace_new_clients_are_admitted_for_a_minute_without_the_bus() {
        let bus = MemoryBus::new();
        let nodes = nodes(&bus, BusRevocations::Grace);
        assert!(!look(&nodes, 100));
        bus.cut();
        assert!(nodes.is_away());
        assert!(!look(&nodes, 159));
        assert!(look(&nodes, 161));
        bus.mend();
        assert!(!look(&nodes, 162));
        bus.cut();
        assert!(!look(&nodes, 220), "the minute begins anew");
    }

    #[test]
    fn a_bus_that_was_never_there_is_missed_from_the_start() {
        let bus = MemoryBus::new();
        let nodes = nodes(&bus, BusRevocations::Grace);
        bus.cut();
        assert!(!look(&nodes, 10));
        assert!(!look(&nodes, 69));
        assert!(look(&nodes, 71));
    }

    #[test]
    fn strictly_nobody_is_admitted_without_the_bus() {
        let bus = MemoryBus::new();
        let nodes = nodes(&bus, BusRevocations::Strict);
        assert!(!look(&nodes, 1));
        bus.cut();
        assert!(look(&nodes, 1));
    }

    #[test]
    fn without_others_nothing_is_away_and_nobody_refused() {
        let alone = Nodes::default();
        assert!(!alone.is_away());
        assert!(!alone.refuses_handshakes(Duration::from_secs(1000)));
        assert_eq!(alone.figures(), None);
    }

    #[test]
    fn what_was_surely_heard_is_five_seconds_old_at_least() {
        let mut heard = HeardUpTo::default();
        let mut note = |seconds, number| {
            heard.note(Duration::from_secs(seconds), number);
            heard.older
        };
        assert_eq!(note(5, 10), 0);
        assert_eq!(note(9, 20), 0);
        assert_eq!(note(10, 30), 10);
        assert_eq!(note(15, 40), 30);
    }
}
