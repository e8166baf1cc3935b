//! One socket and its outbox.
//!
//! The task of a connection only reads, and writes when the socket was full; everything else
//! (fan-out, pings, revocations) writes straight to the socket from where it happens.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use conclave_core::{Bucket, ConnectionGuard, Listen, Membership, authorise};
use conclave_protocol::{CloseMeaning, Dialect, DialectState, Form, Mode, Principal, Start};
use conclave_websocket::{Decoder, Role};

use super::gateway::Gateway;
use super::hearing::RoomSide;
use super::outbox::{Flushed, Outbox};
use super::standing::Outcome;
use super::stream::Stream;
use super::{NEVER, Worker};
use crate::handshake::{Origin, RouteKind};
use crate::metrics::Counter;

/// What a connection speaks.
#[derive(Clone, Copy)]
pub(crate) enum Surface {
    /// A wire format over the core.
    Dialect(&'static dyn Dialect),
    /// Every message comes back as it is (`--conformance`).
    Echo,
}

/// A socket after its handshake, and what the handshake found.
pub(crate) struct Arrival {
    pub(crate) stream: Stream,
    /// Bytes that came behind the request head.
    pub(crate) early: Vec<u8>,
    pub(crate) surface: Surface,
    pub(crate) state: DialectState,
    pub(crate) principal: Arc<Principal>,
    /// The revocation epoch read before the token was checked.
    pub(crate) epoch: u64,
    /// n of the client's inflate window of 2^n bytes, where permessage-deflate is agreed.
    pub(crate) deflate: Option<u8>,
    pub(crate) address: IpAddr,
    /// The page that made the handshake.
    pub(crate) origin: Origin,
    /// Which part of the configuration rules it.
    pub(crate) kind: RouteKind,
    /// The public name of a connection that has one already.
    pub(crate) sid: Option<u128>,
    pub(crate) guard: ConnectionGuard,
}

/// Where a connection is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Both sides talk.
    Open,
    /// The peer's Close with this code came (0 without one); what its frames caused is still
    /// being written.
    Answering(u16),
    /// Our answer to the peer's Close is in the outbox or sent; then the socket ends.
    Answered,
    /// Our Close is in the outbox or sent; nothing else will be.
    Closed,
    /// Our side of the socket is shut; waiting for the peer's.
    Lingering,
    /// The socket is useless.
    Dead,
}

pub(crate) struct Connection {
    pub(super) worker: Rc<Worker>,
    slot: u32,
    pub(super) id: u64,
    pub(super) address: IpAddr,
    pub(super) surface: Surface,
    pub(super) state: RefCell<DialectState>,
    pub(super) principal: RefCell<Arc<Principal>>,
    pub(super) stream: RefCell<Stream>,
    pub(super) decoder: RefCell<Decoder>,
    /// Bytes of frames that are not whole yet, or not yet to be served.
    pub(super) partial: RefCell<Vec<u8>>,
    /// Whether `partial` may hold whole frames.
    pub(super) stalled: Cell<bool>,
    pub(super) outbox: RefCell<Option<Box<Outbox>>>,
    pub(super) memberships: RefCell<Vec<Membership>>,
    pub(super) job: RefCell<Option<Pin<Box<dyn Future<Output = Outcome>>>>>,
    pub(super) bucket: Bucket,
    pub(super) strikes: Cell<(u8, u32)>,
    pub(super) phase: Cell<Phase>,
    pub(super) in_flight: Cell<u32>,
    waker: RefCell<Option<Waker>>,
    pub(super) deflate: Option<u8>,
    pub(super) opened_at: u32,
    /// Messages that came.
    pub(super) received: Cell<u64>,
    pub(super) heard_at: Cell<u32>,
    pub(super) ping_at: Cell<u32>,
    /// Whether a ping of ours waits for its answer.
    pub(super) pinged: Cell<bool>,
    /// Whether anything was heard since the last heartbeat of a surface's own.
    pub(super) answered: Cell<bool>,
    pub(super) close_by: Cell<u32>,
    pub(super) start_kind: Start,
    pub(super) kind: RouteKind,
    /// `None` on surfaces without rooms.
    pub(super) room: RefCell<Option<Box<RoomSide>>>,
    pub(super) guard: RefCell<ConnectionGuard>,
}

impl Connection {
    pub(super) fn new(worker: Rc<Worker>, slot: u32, id: u64, arrival: Arrival) -> Self {
        let seconds = worker.seconds();
        let stalled = !arrival.early.is_empty();
        let start_kind = match arrival.surface {
            Surface::Dialect(dialect) => dialect.start(&arrival.state),
            Surface::Echo => Start::Topics,
        };
        let room = (start_kind != Start::Topics).then(|| {
            let says_who = matches!(start_kind, Start::Connect | Start::Opened);
            let gateway = says_who.then(|| Gateway::new(&worker.node, arrival.origin, arrival.sid));
            Box::new(RoomSide {
                gateway,
                ..RoomSide::default()
            })
        });
        let connection = Self {
            slot,
            id,
            address: arrival.address,
            surface: arrival.surface,
            state: RefCell::new(arrival.state),
            principal: RefCell::new(arrival.principal),
            stream: RefCell::new(arrival.stream),
            decoder: RefCell::new(Decoder::new(Role::Server, arrival.deflate.is_some())),
            partial: RefCell::new(arrival.early),
            stalled: Cell::new(stalled),
            outbox: RefCell::default(),
            memberships: RefCell::default(),
            job: RefCell::default(),
            bucket: Bucket::full(worker.node.limits.messages_burst, worker.millis()),
            strikes: Cell::new((0, seconds)),
            phase: Cell::new(Phase::Open),
            in_flight: Cell::new(0),
            waker: RefCell::default(),
            deflate: arrival.deflate,
            opened_at: seconds,
            received: Cell::new(0),
            heard_at: Cell::new(seconds),
            ping_at: Cell::new(seconds.saturating_add(worker.node.first_ping())),
            pinged: Cell::new(false),
            answered: Cell::new(true),
            close_by: Cell::new(NEVER),
            start_kind,
            kind: arrival.kind,
            room: RefCell::new(room),
            guard: RefCell::new(arrival.guard),
            worker,
        };
        // A revocation may have passed between the token's check and now.
        if connection.worker.node.identity.epoch() != arrival.epoch {
            connection.review();
        }
        connection
    }

    pub(super) const fn slot(&self) -> u32 {
        self.slot
    }

    /// Gives a client without a token a session of its own; joins the broadcast stream where the
    /// dialect starts there.
    pub(super) fn begin(&self) {
        if self.start_kind != Start::Topics {
            if self.phase.get() == Phase::Open {
                self.begin_rooms();
            }
            return;
        }
        if self.mode() == Mode::Undecided {
            self.enter_own_anonymous_session();
        }
        if self.phase.get() != Phase::Open || self.mode() != Mode::Listener {
            return;
        }
        if !self.worker.node.broadcast {
            return;
        }
        let Ok(permit) = authorise(&self.principal.borrow(), Listen) else {
            return;
        };
        let subscribed = self.worker.node.topics.listen(permit, self.worker.number);
        self.memberships
            .borrow_mut()
            .push(self.worker.hub.join(&subscribed, self.slot));
    }

    /// The surface's name, as statistics count it.
    pub(super) fn surface_name(&self) -> &'static str {
        match self.surface {
            Surface::Dialect(dialect) => dialect.name(),
            Surface::Echo => "echo",
        }
    }

    /// How it stands to the broadcast stream.
    pub(super) fn mode(&self) -> Mode {
        match self.surface {
            Surface::Dialect(dialect) => dialect.mode(&self.state.borrow()),
            Surface::Echo => Mode::Subscriber,
        }
    }

    /// The form of publications it gets.
    pub(super) fn form(&self) -> Form {
        match self.surface {
            Surface::Dialect(dialect) => dialect.form(&self.state.borrow()),
            Surface::Echo => Form(0),
        }
    }

    /// Sends frames that many recipients share. A full socket keeps a reference to them.
    pub(super) fn send_shared(&self, bytes: &Rc<[u8]>) {
        self.write(bytes, || Rc::clone(bytes));
    }

    /// Sends frames of its own.
    pub(super) fn send(&self, bytes: &[u8]) {
        self.write(bytes, || Rc::from(bytes));
    }

    fn write(&self, bytes: &[u8], share: impl FnOnce() -> Rc<[u8]>) {
        if bytes.is_empty() || !matches!(self.phase.get(), Phase::Open | Phase::Answering(_)) {
            return;
        }
        if self.outbox.borrow().is_some() && !self.has_room() {
            return;
        }
        let mut outbox = self.outbox.borrow_mut();
        if let Some(outbox) = outbox.as_mut() {
            outbox.push(share(), 0);
            return;
        }
        match self.stream.borrow_mut().try_write(bytes) {
            Ok(written) if written == bytes.len() => {}
            Ok(written) => {
                outbox.get_or_insert_default().push(share(), written);
                self.wake();
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                outbox.get_or_insert_default().push(share(), 0);
                self.wake();
            }
            Err(_) => self.die(),
        }
    }

    /// Whether the outbox may grow. A reader is slow only while its socket is full and its
    /// outbox over the limit; one merged batch never decides.
    fn has_room(&self) -> bool {
        let limit = self.worker.node.limits.outbox_bytes;
        let over = |outbox: &Option<Box<Outbox>>| {
            limit != 0 && outbox.as_ref().is_some_and(|outbox| outbox.bytes() > limit)
        };
        if !over(&self.outbox.borrow()) {
            return true;
        }
        self.flush();
        if !over(&self.outbox.borrow()) {
            return true;
        }
        self.worker.counters.add(Counter::SlowReaders, 1);
        self.cut(CloseMeaning::SlowReader);
        false
    }

    /// Writes what the outbox holds; true where nothing is left.
    pub(super) fn flush(&self) -> bool {
        let mut outbox = self.outbox.borrow_mut();
        let mut stream = self.stream.borrow_mut();
        let flushed = match outbox.as_mut() {
            Some(outbox) => outbox.flush(&mut stream),
            None => stream.flush().map(|()| Flushed::Empty),
        };
        match flushed {
            Ok(Flushed::Empty) => {
                *outbox = None;
                true
            }
            Ok(Flushed::Full) => false,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
            Err(_) => {
                self.die();
                false
            }
        }
    }

    pub(super) fn die(&self) {
        if self.phase.replace(Phase::Dead) == Phase::Open {
            self.note_vanished();
        }
        self.wake();
    }

    pub(super) fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<()> {
        self.remember(context.waker());
        let mut reads = 0;
        loop {
            if self.phase.get() == Phase::Dead {
                return Poll::Ready(());
            }
            let written = self.poll_write(context);
            let rooms = self.start_kind != Start::Topics;
            // The answer to a command comes before what a history shows of it.
            let waits = rooms && self.job.borrow().is_some();
            if rooms && !waits && self.poll_catches(context) {
                continue;
            }
            if self.advance_closing(written) {
                continue;
            }
            if self.phase.get() == Phase::Dead {
                return Poll::Ready(());
            }
            if rooms && self.phase.get() == Phase::Open && self.is_waiting_to_greet() {
                return Poll::Pending;
            }
            if self.poll_job(context).is_pending() {
                return Poll::Pending;
            }
            // Behind the answer: what is queued may belong to it.
            if self.start_kind == Start::Rooms {
                self.poll_queued(context);
            }
            if !waits && self.poll_input(context).is_pending() {
                return Poll::Pending;
            }
            // Who sends without end must not keep the worker from its others.
            reads += 1;
            if reads >= READS_AT_ONCE {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
    }

    /// True where nothing is left to write; registers for the socket otherwise.
    fn poll_write(&self, context: &mut Context<'_>) -> bool {
        loop {
            if self.outbox.borrow().is_none() && !self.stream.borrow().has_unsent() {
                return true;
            }
            if self.flush() {
                return true;
            }
            match self.stream.borrow().poll_writable(context) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => {
                    self.die();
                    return false;
                }
                Poll::Pending => return false,
            }
            if self.phase.get() == Phase::Dead {
                return false;
            }
        }
    }

    fn remember(&self, waker: &Waker) {
        let mut known = self.waker.borrow_mut();
        if !known.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *known = Some(waker.clone());
        }
    }
}

/// The task of a connection. Dropping it, after a panic too, takes the connection off its
/// worker.
pub(crate) struct Drive {
    connection: Rc<Connection>,
}

impl Drive {
    pub(super) const fn new(connection: Rc<Connection>) -> Self {
        Self { connection }
    }
}

impl Future for Drive {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.connection.poll(context)
    }
}

impl Drop for Drive {
    fn drop(&mut self) {
        if self.connection.start_kind != Start::Topics {
            self.connection.keep_for_return();
            self.connection.forget_rooms();
        }
        // The waker refers to this task, which refers to the connection.
        *self.connection.waker.borrow_mut() = None;
        self.connection.memberships.borrow_mut().clear();
        self.connection.worker.detach(self.connection.slot);
    }
}

/// Full buffers that one connection is read before the others have their turn.
const READS_AT_ONCE: u32 = 4;
