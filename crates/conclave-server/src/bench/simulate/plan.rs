//! What nodes, Redis and the store have to do, against what they can.

use serde::Serialize;

use super::NODES_MAX;
use super::law::Law;
use super::traffic::{Mix, Second};

/// What clients do, in the whole system.
#[derive(Clone, Debug)]
pub(super) struct Demand {
    pub(super) connections: u32,
    /// Per second.
    pub(super) handshakes: f64,
    /// Per second.
    pub(super) publications: f64,
    pub(super) message_bytes: f64,
    pub(super) mix: Mix,
    /// The share of deliveries that join a write under way.
    pub(super) merged: f64,
    /// The share of publications that are stored.
    pub(super) stored: f64,
    pub(super) seed: u64,
}

/// What may be used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Cores of a node.
    pub(super) node_cpu: f64,
    pub(super) node_bytes: f64,
    pub(super) node_bytes_per_second: f64,
    pub(super) node_connections: f64,
    /// Cores of one Redis.
    pub(super) redis_cpu: f64,
    pub(super) redis: u32,
    pub(super) store_per_second: f64,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Plan {
    pub(super) nodes: u32,
    pub(super) deliveries_per_second: f64,
    /// What the busiest node uses and may use.
    pub(super) node: Vec<Use>,
    /// The same of each Redis.
    pub(super) redis: Vec<Use>,
    pub(super) store: Use,
    /// Messages per second that one Redis takes from nodes.
    pub(super) redis_messages_in: f64,
    /// Messages per second that it hands to nodes.
    pub(super) redis_messages_out: f64,
    /// Bytes per second, both ways.
    pub(super) redis_bytes: f64,
    /// Redis servers that would be enough.
    pub(super) redis_needed: f64,
    /// What is used most of what may be used.
    pub(super) first_bottleneck: &'static str,
    /// Whether everything is within its limit.
    pub(super) fits: bool,
}

/// How much of something is used.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Use {
    pub(super) what: &'static str,
    pub(super) used: f64,
    pub(super) limit: f64,
}

impl Use {
    /// The share of the limit.
    pub(super) fn share(&self) -> f64 {
        self.used / self.limit
    }
}

impl Plan {
    /// Draws a second and adds up what it costs.
    pub(super) fn draw(law: &Law, demand: &Demand, limits: &Limits, nodes: u32) -> Self {
        let second = Second::draw(
            nodes,
            demand.publications,
            &demand.mix,
            demand.connections,
            demand.seed,
        );
        let roll = Roll::of(demand, nodes);
        let node = node_uses(law, demand, limits, &second, &roll);
        let servers = f64::from(limits.redis);
        let sent = if nodes > 1 { demand.publications } else { 0.0 };
        let handed = if nodes > 1 { second.handed } else { 0.0 };
        let message = demand.message_bytes + ENVELOPE_BYTES;
        let cpu = law.passing * (sent + roll.sent) + law.handing * (handed + roll.handed);
        // Who comes and goes is told in one channel, which is on one server.
        let redis_bytes = (sent + handed) * message / servers + roll.bytes;
        let redis = Use {
            what: "cores of Redis",
            used: (law.passing * (sent / servers + roll.sent)
                + law.handing * (handed / servers + roll.handed))
                / 1e6,
            limit: limits.redis_cpu,
        };
        let store = Use {
            what: "stored messages per second",
            used: demand.publications * demand.stored,
            limit: limits.store_per_second,
        };
        let mut all: Vec<Use> = node.clone();
        all.extend([redis, store]);
        let most = all
            .iter()
            .max_by(|left, right| left.share().total_cmp(&right.share()));
        Self {
            nodes,
            deliveries_per_second: second.deliveries.iter().sum(),
            redis_messages_in: sent / servers + roll.sent,
            redis_messages_out: handed / servers + roll.handed,
            redis_bytes,
            redis_needed: (cpu / 1e6 / limits.redis_cpu).ceil(),
            first_bottleneck: most.map_or("", |most| most.what),
            fits: all.iter().all(|one| one.share() <= 1.0),
            node,
            redis: vec![redis],
            store,
        }
    }
}

/// The fewest nodes of which the busiest one is within its limits; the most there can be where
/// none are enough.
pub(super) fn nodes_needed(law: &Law, demand: &Demand, limits: &Limits) -> u32 {
    let most = u32::try_from(NODES_MAX).unwrap_or(u32::MAX);
    let enough = |nodes: u32| {
        let plan = Plan::draw(law, demand, limits, nodes);
        plan.node.iter().all(|one| one.share() <= 1.0)
    };
    let (mut too_few, mut nodes) = (0, 1);
    while nodes < most && !enough(nodes) {
        too_few = nodes;
        nodes = (nodes * 2).min(most);
    }
    while nodes - too_few > 1 {
        let middle = too_few.midpoint(nodes);
        if enough(middle) {
            nodes = middle;
        } else {
            too_few = middle;
        }
    }
    nodes
}

/// What the busiest node uses.
fn node_uses(
    law: &Law,
    demand: &Demand,
    limits: &Limits,
    second: &Second,
    roll: &Roll,
) -> Vec<Use> {
    // Counts here stay far below 2^53.
    let nodes = second.deliveries.len() as f64;
    let here = f64::from(demand.connections) / nodes;
    let several = if nodes > 1.0 { 1.0 } else { 0.0 };
    let dialect = law.costs.merged_delivery / law.costs.delivery;
    let delivery = law.delivery * (1.0 - demand.merged + demand.merged * dialect);
    let publication = law.publishing + law.sending * several + law.costs.stored * demand.stored;
    let quiet = here * law.costs.idle_second
        + demand.handshakes / nodes * law.costs.handshake
        + (roll.handed / nodes) * law.taking;
    let loads = second
        .deliveries
        .iter()
        .zip(second.published.iter().zip(&second.taken));
    let cpu = loads
        .map(|(deliveries, (published, taken))| {
            deliveries * delivery + published * publication + taken * law.taking
        })
        .fold(0.0, f64::max);
    let out = second.deliveries.iter().copied().fold(0.0, f64::max) * demand.message_bytes;
    let users_elsewhere = f64::from(demand.connections) - here;
    let bytes =
        here * (law.costs.connection_bytes + SOCKET_BYTES) + users_elsewhere * USER_ELSEWHERE_BYTES;
    vec![
        Use {
            what: "cores of a node",
            used: (cpu + quiet) / 1e6,
            limit: limits.node_cpu,
        },
        Use {
            what: "memory of a node",
            used: bytes,
            limit: limits.node_bytes,
        },
        Use {
            what: "network of a node",
            used: out + roll.bytes / nodes,
            limit: limits.node_bytes_per_second,
        },
        Use {
            what: "connections of a node",
            used: here,
            limit: limits.node_connections,
        },
    ]
}

/// What nodes tell each other of who came and went (`conclave-core/src/roll.rs`), per second.
struct Roll {
    sent: f64,
    handed: f64,
    bytes: f64,
}

impl Roll {
    fn of(demand: &Demand, nodes: u32) -> Self {
        if nodes == 1 {
            return Self {
                sent: 0.0,
                handed: 0.0,
                bytes: 0.0,
            };
        }
        let nodes = f64::from(nodes);
        // Who comes also goes.
        let changes = demand.handshakes * 2.0;
        let parts = (changes / nodes / TICKS / USERS_OF_A_PART).ceil() * TICKS;
        let sent = nodes * (parts + ALIVE);
        Self {
            sent,
            handed: sent * nodes,
            bytes: (changes * USER_BYTES + sent * ENVELOPE_BYTES) * (1.0 + nodes),
        }
    }
}

/// Names, numbers and what Redis adds to a message, by calculation.
const ENVELOPE_BYTES: f64 = 120.0;
/// A user who came or went, with an id of 29 characters.
const USER_BYTES: f64 = 31.0;
/// What a node remembers of a user elsewhere: measured with 1,000,000 of them, ids of 29 characters.
const USER_ELSEWHERE_BYTES: f64 = 172.0;
/// What the kernel keeps for an open, idle socket: its slabs (`/proc/meminfo`), 18,000 of them.
const SOCKET_BYTES: f64 = 4900.0;
/// Changes are told four times a second,
const TICKS: f64 = 4.0;
/// in parts of at most
const USERS_OF_A_PART: f64 = 500.0;
/// and that a node is alive, per second.
const ALIVE: f64 = 1.0;
