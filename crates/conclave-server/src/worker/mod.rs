//! A worker: one thread with its own runtime, listener, connections and part of the hub.
//!
//! Reading order: `connection` (one socket), `input` (its bytes to commands), `commands` (what
//! a command does), `answer`, `standing` (who it is), `fan_out` (publications to members), `rooms`
//! (commands about rooms), `hearing` (how a room comes to be heard), `greeting` (what is said
//! first), `holding` (what waits for that), `told` (who comes while an answer is given), `gateway`
//! (who says who it is after the upgrade), `past` (what such a client missed), `calls` (requests
//! of a generated service), `wallet` (subscriptions to a chain), `linked` (how they follow the
//! user's wallets), `lost` (who may come back),
//! `desk` (what backends ask of connections), `deadlines` (pings, expiry, silence), `closing`,
//! `outbox`, `stream`.

mod answer;
mod calls;
mod closing;
mod commands;
mod connection;
mod deadlines;
mod desk;
mod fan_out;
mod gateway;
mod greeting;
mod hearing;
mod holding;
mod input;
mod linked;
mod lost;
mod outbox;
mod past;
mod rooms;
mod standing;
mod stream;
mod told;
mod wallet;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use conclave_core::Hub;
use conclave_protocol::CloseMeaning;
use conclave_websocket::{Deflater, Inflater};
use tokio::sync::mpsc::UnboundedReceiver;

use connection::Connection;
pub(crate) use connection::{Arrival, Drive, Surface};
#[cfg(test)]
pub(crate) use desk::Found;
pub(crate) use desk::{Kick, Listed, Listing, Load, Target, worker_of};
pub(crate) use fan_out::Control;
pub(crate) use lost::{Lost, Owned, Proof, Told};
pub(crate) use stream::{Stream, TlsStream};

use crate::metrics::{Counter, LocalCounters, LocalLatencies};
use crate::node::Node;
use crate::webhooks::Happened;

/// What the connections of one thread share. Never leaves its thread.
pub(crate) struct Worker {
    number: usize,
    node: Arc<Node>,
    hub: Rc<Hub>,
    slots: RefCell<Slots>,
    scratch: RefCell<Scratch>,
    counters: LocalCounters,
    latencies: LocalLatencies,
    serial: Cell<u64>,
    draining: Cell<bool>,
}

/// Buffers that a connection borrows while it is being served; none is kept between polls.
struct Scratch {
    read: Vec<u8>,
    cipher: Vec<u8>,
    out: Vec<u8>,
    payload: Vec<u8>,
    inflater: Inflater,
}

/// Connections by slot; deadlines apart from them, so that the scan touches four bytes each.
#[derive(Default)]
struct Slots {
    connections: Vec<Option<Rc<Connection>>>,
    deadlines: Vec<u32>,
    free: Vec<u32>,
}

impl Worker {
    /// A worker without connections.
    pub(crate) fn new(number: usize, node: Arc<Node>) -> Rc<Self> {
        let hub = Hub::new(Arc::clone(node.topics.directory()), number);
        Rc::new(Self {
            number,
            node,
            hub,
            slots: RefCell::default(),
            scratch: RefCell::new(Scratch {
                read: vec![0; READ_BYTES],
                cipher: vec![0; CIPHER_BYTES],
                out: Vec::new(),
                payload: Vec::new(),
                inflater: Inflater::new(),
            }),
            counters: LocalCounters::default(),
            latencies: LocalLatencies::default(),
            serial: Cell::new(0),
            draining: Cell::new(false),
        })
    }

    /// Runs the tasks that serve all connections. Returns only if one of them panics: without it
    /// the worker is no worker any more.
    pub(crate) async fn run(self: Rc<Self>, control: UnboundedReceiver<Control>) {
        let deliver = tokio::task::spawn_local(fan_out::run(Rc::clone(&self), control));
        let look = tokio::task::spawn_local(deadlines::run(self));
        tokio::select! {
            _ = deliver => {}
            _ = look => {}
        }
    }

    /// The shared state of the process.
    pub(crate) const fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// The one way in: makes a connection of a socket after its handshake. A task of this
    /// worker's thread has to run what it gives.
    pub(crate) fn attach(self: &Rc<Self>, arrival: Arrival) -> Drive {
        let slot = self.slots.borrow_mut().take();
        let id = self.next_id(slot);
        let connection = Rc::new(Connection::new(Rc::clone(self), slot, id, arrival));
        self.slots.borrow_mut().place(slot, Rc::clone(&connection));
        self.counters.add(Counter::ConnectionsOpened, 1);
        self.node.surfaces.add(connection.surface_name(), 1);
        self.tell_webhooks(&connection, Happened::Came);
        connection.begin();
        if self.draining.get() {
            connection.close(CloseMeaning::GoingAway);
        }
        self.schedule(&connection);
        Drive::new(connection)
    }

    /// Lends the buffer that this thread reads into.
    pub(crate) fn lend_buffer<T>(&self, use_it: impl FnOnce(&mut [u8]) -> T) -> T {
        use_it(&mut self.scratch.borrow_mut().read)
    }

    /// Sets the second at which the connection is looked at next.
    fn schedule(&self, connection: &Connection) {
        let deadline = connection.next_deadline();
        if let Some(place) = self
            .slots
            .borrow_mut()
            .deadlines
            .get_mut(index(connection.slot()))
        {
            *place = deadline;
        }
    }

    fn detach(&self, slot: u32) {
        self.counters.add(Counter::ConnectionsClosed, 1);
        // Dropped outside the borrow: its memberships reach back into the hub.
        let gone = self.slots.borrow_mut().vacate(slot);
        if let Some(gone) = &gone {
            self.node.surfaces.add(gone.surface_name(), -1);
            self.tell_webhooks(gone, Happened::Went);
        }
        drop(gone);
    }

    /// Who says after the upgrade who they are has come only then.
    fn tell_webhooks(&self, connection: &Connection, happened: Happened) {
        let webhooks = &self.node.webhooks;
        if webhooks.hears_connections() && connection.is_known() {
            let name = self.node.nodes.name();
            webhooks.tell(happened, &connection.listed(), name.as_deref());
        }
    }

    fn connection(&self, slot: u32) -> Option<Rc<Connection>> {
        self.slots
            .borrow()
            .connections
            .get(index(slot))
            .and_then(Clone::clone)
    }

    /// Worker, slot, and a serial number that tells the slot's users apart; never 0.
    fn next_id(&self, slot: u32) -> u64 {
        let serial = self.serial.get() % SERIALS + 1;
        self.serial.set(serial);
        let worker = u64::try_from(self.number).unwrap_or(0);
        worker << WORKER_SHIFT | u64::from(slot) << SLOT_SHIFT | serial
    }

    fn by_id(&self, id: u64) -> Option<Rc<Connection>> {
        let slot = u32::try_from((id >> SLOT_SHIFT) & SLOTS).ok()?;
        self.connection(slot)
            .filter(|connection| connection.id == id)
    }

    fn each_connection(&self, mut visit: impl FnMut(&Rc<Connection>)) {
        let slots = self.slots.borrow().connections.len();
        for slot in 0..u32::try_from(slots).unwrap_or(u32::MAX) {
            if let Some(connection) = self.connection(slot) {
                visit(&connection);
            }
        }
    }

    /// Milliseconds of the monotonic clock, wrapping.
    fn millis(&self) -> u32 {
        let millis = self.node.clock.monotonic().as_millis() & u128::from(u32::MAX);
        u32::try_from(millis).unwrap_or(0)
    }

    /// Seconds of the monotonic clock.
    fn seconds(&self) -> u32 {
        u32::try_from(self.node.clock.monotonic().as_secs()).unwrap_or(u32::MAX)
    }
}

thread_local! {
    /// One compressor per worker thread: a publication's frame is made inside `OnceLock`.
    static DEFLATER: RefCell<Deflater> = const { RefCell::new(Deflater::new()) };
}

/// Lends this thread's compressor.
fn with_deflater<T>(use_it: impl FnOnce(&mut Deflater) -> T) -> T {
    DEFLATER.with_borrow_mut(use_it)
}

impl Slots {
    fn take(&mut self) -> u32 {
        if let Some(slot) = self.free.pop() {
            return slot;
        }
        self.connections.push(None);
        self.deadlines.push(NEVER);
        u32::try_from(self.connections.len() - 1).unwrap_or(NEVER)
    }

    fn place(&mut self, slot: u32, connection: Rc<Connection>) {
        if let Some(place) = self.connections.get_mut(index(slot)) {
            *place = Some(connection);
        }
    }

    fn vacate(&mut self, slot: u32) -> Option<Rc<Connection>> {
        if let Some(deadline) = self.deadlines.get_mut(index(slot)) {
            *deadline = NEVER;
        }
        let gone = self.connections.get_mut(index(slot)).and_then(Option::take);
        if gone.is_some() {
            self.free.push(slot);
        }
        gone
    }
}

fn index(slot: u32) -> usize {
    usize::try_from(slot).unwrap_or(usize::MAX)
}

const NEVER: u32 = u32::MAX;
const READ_BYTES: usize = 64 * 1024;
const CIPHER_BYTES: usize = 16 * 1024 + 512;
const WORKER_SHIFT: u32 = 48;
const SLOT_SHIFT: u32 = 24;
const SLOTS: u64 = (1 << 24) - 1;
const SERIALS: u64 = (1 << 24) - 1;
