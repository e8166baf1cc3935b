//! `GET /api/v1/figures`: what `/metrics` has, as a page needs it.

use std::path::Path;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use conclave_protocol::Monitor;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Here, permit};
use crate::http::backend::Backend;
use crate::http::problem::Problem;
use crate::http::rfc3339_millis as date;
use crate::metrics::{Counter, Timed};
use crate::node::Node;

/// Counts of a node: those that only grow do so since it started.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Figures {
    #[schema(format = "date-time")]
    at: String,
    version: &'static str,
    uptime_seconds: f64,
    /// The node: 32 hexadecimal digits; `null` where there is only one.
    node: Option<String>,
    /// Whether it is going away.
    draining: bool,
    workers: usize,
    connections: Connections,
    everywhere: Everywhere,
    /// With subscribers or history.
    channels: usize,
    messages: Messages,
    connections_opened: u64,
    connections_closed: u64,
    http_requests: u64,
    limits_hit: LimitsHit,
    /// Commands.
    refusals: u64,
    slow_readers: u64,
    /// Breaches of the WebSocket protocol.
    violations: u64,
    handshakes_refused: u64,
    sign_ins: SignIns,
    latency: Latency,
    store: Store,
    /// `null` where there is none.
    bus: Option<Bus>,
    audit: Audit,
    memory: Memory,
}

/// What is connected to this node.
#[derive(Serialize, ToSchema)]
struct Connections {
    total: u32,
    /// With a token.
    authenticated: u32,
    users: usize,
    by_surface: BySurface,
    /// As of the last second.
    by_worker: Vec<u32>,
}

/// What is connected to all nodes together.
#[derive(Serialize, ToSchema)]
struct Everywhere {
    /// This one included.
    nodes: usize,
    total: u32,
    users: usize,
    by_surface: BySurface,
}

/// Connections by the surface they came by.
#[derive(Default, Serialize, ToSchema)]
struct BySurface {
    conversation: u32,
    general: u32,
    service: u32,
    socketio: u32,
    topics: u32,
    web3: u32,
}

#[derive(Serialize, ToSchema)]
struct Messages {
    /// From clients.
    received: u64,
    /// Publications taken.
    published: u64,
    /// To clients; what was merged counts once.
    delivered: u64,
}

/// How often something was over a bound.
#[derive(Serialize, ToSchema)]
struct LimitsHit {
    /// Clients turned away.
    connections: u64,
    /// Put off.
    handshakes: u64,
    /// Over a rate.
    messages: u64,
    /// HTTP requests of a user or an address.
    requests: u64,
    /// Commands that asked for too much.
    sizes: u64,
    /// Tries of passwords.
    sign_ins: u64,
    tickets: u64,
}

#[derive(Serialize, ToSchema)]
struct SignIns {
    ok: u64,
    failed: u64,
}

/// How long things took.
#[derive(Serialize, ToSchema)]
struct Latency {
    /// From a room command to its answer.
    command: Times,
    /// From a publication to its delivery to all subscribers of a worker.
    delivery: Times,
}

/// A histogram.
#[derive(Serialize, ToSchema)]
pub(super) struct Times {
    count: u64,
    sum_seconds: f64,
    /// `null` where there are none.
    p50_ms: Option<f64>,
    p99_ms: Option<f64>,
    buckets: Vec<Bucket>,
}

/// How many took no longer than that.
#[derive(Serialize, ToSchema)]
struct Bucket {
    /// `null` in the last one, which has all.
    le_ms: Option<f64>,
    count: u64,
}

#[derive(Serialize, ToSchema)]
struct Store {
    /// `sqlite` or `postgresql`.
    database: &'static str,
    /// Of the files; `null` of a server.
    bytes: Option<u64>,
    /// The number of the newest event of all rooms; `null` where the store does not answer.
    newest_event: Option<u64>,
}

#[derive(Serialize, ToSchema)]
struct Bus {
    away: bool,
    sent: u64,
    lost: u64,
    received: u64,
    missed: u64,
    refused: u64,
    /// Times that it was reached.
    connects: u64,
    waiting_bytes: usize,
    channels: usize,
}

#[derive(Serialize, ToSchema)]
struct Audit {
    /// Events to be written.
    queued: usize,
    /// Events counted, not listed.
    left_out: u64,
    /// Whether it could not be written last time.
    failing: bool,
}

#[derive(Serialize, ToSchema)]
struct Memory {
    /// Of the process; `null` where the system does not say.
    resident_bytes: Option<u64>,
    /// Publications that wait for workers.
    inbox_bytes: usize,
    revocations: usize,
    tickets: usize,
}

pub(in crate::http) async fn figures(
    State(node): Here,
    backend: Backend,
) -> Result<Json<Figures>, Problem> {
    permit(&node, &backend, Monitor)?;
    let store = Store::read(&node).await;
    let count = |counter| node.counters.value(counter);
    Ok(Json(Figures {
        at: date(node.clock.now()),
        version: env!("CARGO_PKG_VERSION"),
        uptime_seconds: (node.clock.monotonic().saturating_sub(node.began)).as_secs_f64(),
        node: node.nodes.name(),
        draining: node.draining.load(Ordering::Relaxed),
        workers: node.controls.len(),
        connections: Connections::read(&node),
        everywhere: Everywhere::read(&node),
        channels: node.topics.directory().channels(),
        messages: Messages {
            received: count(Counter::MessagesReceived),
            published: count(Counter::Publications),
            delivered: count(Counter::MessagesSent),
        },
        connections_opened: count(Counter::ConnectionsOpened),
        connections_closed: count(Counter::ConnectionsClosed),
        http_requests: count(Counter::HttpRequests),
        limits_hit: LimitsHit::read(&node),
        refusals: count(Counter::Refusals),
        slow_readers: count(Counter::SlowReaders),
        violations: count(Counter::Violations),
        handshakes_refused: count(Counter::HandshakesRefused),
        sign_ins: SignIns {
            ok: count(Counter::SignIns),
            failed: count(Counter::SignInsFailed),
        },
        latency: Latency {
            command: Times::read(&node, Timed::Command),
            delivery: Times::read(&node, Timed::Delivery),
        },
        store,
        bus: Bus::read(&node),
        audit: Audit {
            queued: node.audit.queued(),
            left_out: node.audit.left_out(),
            failing: node.audit.is_failing(),
        },
        memory: Memory::read(&node),
    }))
}

impl Connections {
    fn read(node: &Node) -> Self {
        let counts = node.connections.counts();
        let workers = node.worker_connections.iter();
        Self {
            total: counts.active,
            authenticated: counts.authenticated,
            users: counts.users,
            by_surface: BySurface::of(node.surfaces.counts()),
            by_worker: workers.map(|count| count.load(Ordering::Relaxed)).collect(),
        }
    }
}

impl Everywhere {
    fn read(node: &Node) -> Self {
        let counts = node.connections.counts();
        let (others, nodes) = node.nodes.others();
        let own = node.surfaces.counts().into_iter();
        let theirs = others
            .surfaces
            .iter()
            .map(|(name, count)| (&**name, *count));
        Self {
            nodes: nodes + 1,
            total: counts.active.saturating_add(others.active),
            users: match nodes {
                0 => counts.users,
                _ => node.connections.users_everywhere(),
            },
            by_surface: BySurface::of(own.chain(theirs)),
        }
    }
}

impl BySurface {
    fn of<'a>(counts: impl IntoIterator<Item = (&'a str, u32)>) -> Self {
        let mut all = Self::default();
        for (name, count) in counts {
            let place = match name {
                "conversation" => &mut all.conversation,
                "general" => &mut all.general,
                "service" => &mut all.service,
                "socketio" => &mut all.socketio,
                "topics" => &mut all.topics,
                "web3" => &mut all.web3,
                _ => continue,
            };
            *place = place.saturating_add(count);
        }
        all
    }
}

impl LimitsHit {
    fn read(node: &Node) -> Self {
        let count = |counter| node.counters.value(counter);
        Self {
            connections: count(Counter::ConnectionsLimited),
            handshakes: count(Counter::HandshakesLimited),
            messages: count(Counter::MessagesLimited),
            requests: count(Counter::RequestsLimited),
            sizes: count(Counter::SizesLimited),
            sign_ins: count(Counter::SignInsLimited),
            tickets: count(Counter::TicketsLimited),
        }
    }
}

impl Times {
    pub(super) fn read(node: &Node, timed: Timed) -> Self {
        let histogram = node.latencies.histogram(timed);
        let quantile = |share| {
            let found = histogram.quantile(timed, share)?;
            Some(found.as_secs_f64() * 1000.0)
        };
        let mut count: u64 = 0;
        let bounds = timed.bounds().iter().copied();
        let ends = bounds
            .map(|micros| Some(std::time::Duration::from_micros(micros).as_secs_f64() * 1000.0));
        let buckets = ends.chain([None]).zip(&histogram.counts);
        Self {
            count: histogram.count(),
            sum_seconds: histogram.sum.as_secs_f64(),
            p50_ms: quantile(0.5),
            p99_ms: quantile(0.99),
            buckets: buckets
                .map(|(le_ms, inside)| {
                    count = count.saturating_add(*inside);
                    Bucket { le_ms, count }
                })
                .collect(),
        }
    }
}

impl Store {
    async fn read(node: &Node) -> Self {
        let config = &node.setup.config;
        let newest = tokio::time::timeout(STORE_TIME, node.rooms.newest_number());
        let newest_event = newest.await.ok().and_then(Result::ok);
        if config.store.url.is_some() {
            return Self {
                database: "postgresql",
                bytes: None,
                newest_event,
            };
        }
        let path = config.store_path();
        let bytes = tokio::task::spawn_blocking(move || bytes_of(&path)).await;
        Self {
            database: "sqlite",
            bytes: bytes.ok().flatten(),
            newest_event,
        }
    }
}

/// The database and its log.
fn bytes_of(path: &Path) -> Option<u64> {
    let size = |path: &Path| path.metadata().map(|file| file.len());
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let log = size(Path::new(&log)).unwrap_or(0);
    Some(size(path).ok()?.saturating_add(log))
}

impl Bus {
    fn read(node: &Node) -> Option<Self> {
        let (figures, passed_over) = node.nodes.figures()?;
        Some(Self {
            away: node.nodes.is_away(),
            sent: figures.sent,
            lost: figures.lost,
            received: figures.received,
            missed: figures.missed.saturating_add(passed_over),
            refused: figures.refused,
            connects: figures.connects,
            waiting_bytes: figures.waiting,
            channels: figures.channels,
        })
    }
}

impl Memory {
    fn read(node: &Node) -> Self {
        let directory = node.topics.directory();
        let inboxes = (0..directory.workers()).filter_map(|worker| directory.inbox(worker));
        let identity = &node.identity;
        Self {
            resident_bytes: resident_bytes(),
            inbox_bytes: inboxes.map(|inbox| inbox.outstanding()).sum(),
            revocations: identity.standing().revocations.len(),
            tickets: identity.tickets().waiting(),
        }
    }
}

/// As Linux says it.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

const STORE_TIME: std::time::Duration = std::time::Duration::from_secs(1);
