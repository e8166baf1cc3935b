//! What all workers of a process share.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use conclave_auth::{Idempotency, KeyRing};
use conclave_core::{ConnectionTable, Rooms, SharedLimit, Topics};
use conclave_protocol::{Clock, Limits};
use conclave_socketio::engine::Offer;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio::sync::watch;

use crate::assistant::Answers;
use crate::audit::AuditLog;
use crate::config::Setup;
use crate::handshake::{RouteKind, counted_as};
use crate::http::Trail;
use crate::identity::Identity;
use crate::metrics::{Counters, Latencies};
use crate::names::Names;
use crate::nodes::Nodes;
use crate::polling::Polls;
use crate::service::ChatService;
use crate::surfaces::Surfaces;
use crate::wallet::Wallets;
use crate::webhooks::Webhooks;
use crate::worker::{Control, Lost};

/// The shared state of the process.
pub(crate) struct Node {
    pub(crate) setup: Setup,
    pub(crate) limits: Limits,
    pub(crate) ping_seconds: u32,
    pub(crate) silence_seconds: u32,
    /// Whether JSON frames are broadcast.
    pub(crate) broadcast: bool,
    pub(crate) topics: Topics,
    pub(crate) rooms: Arc<Rooms>,
    /// Socket.IO clients that may come back.
    pub(crate) lost: Lost,
    pub(crate) names: Names,
    /// Sessions that come by long-polling.
    pub(crate) polls: Polls,
    /// What stands behind `/chat`.
    pub(crate) service: ChatService,
    /// `None` where wallets are off.
    pub(crate) wallets: Option<Arc<Wallets>>,
    pub(crate) surfaces: Surfaces,
    pub(crate) webhooks: Webhooks,
    /// The other nodes of the system.
    pub(crate) nodes: Nodes,
    pub(crate) identity: Arc<Identity>,
    /// Keys of backends.
    pub(crate) keys: KeyRing,
    /// Calls that backends may repeat.
    pub(crate) calls: Arc<dyn Idempotency>,
    pub(crate) connections: Arc<ConnectionTable>,
    pub(crate) counters: Counters,
    pub(crate) latencies: Arc<Latencies>,
    /// The assistant of rooms.
    pub(crate) answers: Arc<Answers>,
    /// When the process began, by the monotonic clock.
    pub(crate) began: Duration,
    pub(crate) audit: Arc<AuditLog>,
    pub(crate) trail: Trail,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) draining: AtomicBool,
    /// Set when the workers have to end.
    pub(crate) end: watch::Sender<bool>,
    /// Connections of each worker, as of the last second.
    pub(crate) worker_connections: Box<[AtomicU32]>,
    pub(crate) controls: Box<[UnboundedSender<Control>]>,
    pub(crate) dice: Dice,
    /// Open connections there may be; 0 means no bound.
    pub(crate) connections_max: u32,
}

impl Node {
    /// Asks something of a worker; false where it has ended.
    pub(crate) fn tell(&self, worker: usize, ask: Control) -> bool {
        self.controls
            .get(worker)
            .is_some_and(|control| control.send(ask).is_ok())
    }

    /// Asks these workers at once; the answers, in that order. A worker that has ended answers
    /// nothing, and has no connections.
    pub(crate) fn ask<T, W, A>(
        &self,
        workers: W,
        ask: A,
    ) -> impl Future<Output = Vec<T>> + use<T, W, A>
    where
        W: IntoIterator<Item = usize>,
        A: Fn(oneshot::Sender<T>) -> Control,
    {
        let asked = workers.into_iter().filter_map(|worker| {
            let (answer, answered) = oneshot::channel();
            self.tell(worker, ask(answer)).then_some(answered)
        });
        let asked: Vec<_> = asked.collect();
        async move {
            let mut answers = Vec::with_capacity(asked.len());
            for answered in asked {
                answers.extend(answered.await.ok());
            }
            answers
        }
    }

    /// Asks every worker to look at its principals again.
    pub(crate) fn review_all(&self) {
        for worker in 0..self.controls.len() {
            self.tell(worker, Control::Review);
        }
    }

    /// The permissions that a handshake of this surface must have.
    pub(crate) fn required_permissions(&self, kind: RouteKind) -> &[String] {
        let dialects = &self.setup.config.dialects;
        match kind {
            RouteKind::Conversation => &dialects.conversation.require,
            RouteKind::Echo => &[],
            RouteKind::Service => &dialects.service.require,
            RouteKind::SocketIo => &dialects.socketio.require,
            RouteKind::Topics => &dialects.topics.require,
            RouteKind::Wallet => &dialects.wallet.require,
        }
    }

    /// How Socket.IO may come.
    pub(crate) const fn offer(&self) -> Offer {
        if self.setup.config.socketio.polling || self.setup.profile.conformance {
            Offer::WebsocketAndPolling
        } else {
            Offer::Websocket
        }
    }

    /// Bytes of a posted body of packets.
    pub(crate) const fn payload_bytes_max(&self) -> usize {
        match self.limits.message_bytes {
            0 => usize::MAX,
            bytes => bytes,
        }
    }

    /// Counts a refused handshake against its address.
    pub(crate) fn strike_refused(&self, address: IpAddr) {
        if self.setup.profile.dev && address.is_loopback() {
            return;
        }
        let key = counted_as(address);
        self.identity
            .refused_handshakes()
            .strike(key, self.clock.monotonic());
        self.nodes
            .spend(SharedLimit::Handshakes, || key.to_string());
    }

    /// The second of a new connection's first ping: spread over the whole interval.
    pub(crate) fn first_ping(&self) -> u32 {
        match self.ping_seconds {
            0 => u32::MAX,
            seconds => 1 + u32::try_from(self.dice.roll() % u64::from(seconds)).unwrap_or(0),
        }
    }

    /// A fresh version 4 UUID for a broadcast. It names a request; nothing is secret about it.
    pub(crate) fn request_id(&self) -> u128 {
        let bits = u128::from(self.dice.roll()) << 64 | u128::from(self.dice.roll());
        uuid::Builder::from_random_bytes(bits.to_be_bytes())
            .into_uuid()
            .as_u128()
    }
}

/// Numbers for spreading and naming, not for secrets: splitmix64 from a random start.
#[derive(Debug)]
pub(crate) struct Dice(AtomicU64);

impl Dice {
    /// From a random start.
    pub(crate) const fn new(start: u64) -> Self {
        Self(AtomicU64::new(start))
    }

    /// The next number.
    pub(crate) fn roll(&self) -> u64 {
        let mut bits = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }
}
