//! Publications to members: encode once, write without waking, 64 recipients and then yield.

use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use conclave_core::{Batch, Member};
use conclave_protocol::{
    Channel, CloseMeaning, Dialect, Form, FrameKind, Present, Publication, Start, UserId,
    WalletAddress,
};
use conclave_websocket::{Opcode, encode, encode_deflated};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;

use super::connection::{Arrival, Connection, Surface};
use super::desk::{Found, Kick, Listed, Listing};
use super::lost::Proof;
use super::{Worker, with_deflater};
use crate::metrics::{Counter, Timed};

/// What another thread asks of a worker. Served before every chunk of deliveries.
pub(crate) enum Control {
    /// Revocations or user changes were applied: look at every principal again.
    Review,
    /// Who hears a channel here, at most `limit`.
    Present {
        /// The channel.
        channel: Arc<Channel>,
        /// How many.
        limit: usize,
        /// Where the answer goes.
        answer: oneshot::Sender<Vec<Present>>,
    },
    /// A connection that was made elsewhere.
    Attach(Box<Arrival>),
    /// How many rooms are heard here: by all, or by one user's connections.
    CountRooms {
        /// Whose.
        user: Option<UserId>,
        /// Where the answer goes.
        answer: oneshot::Sender<u64>,
    },
    /// Connections.
    List {
        /// Which.
        listing: Listing,
        /// Where the answer goes.
        answer: oneshot::Sender<Found>,
    },
    /// Connections that hear a channel, at most `limit`.
    Hearing {
        /// The channel.
        channel: Arc<Channel>,
        /// How many.
        limit: usize,
        /// Where the answer goes.
        answer: oneshot::Sender<Vec<Listed>>,
    },
    /// Ends connections.
    Kick {
        /// Which, and how.
        kick: Kick,
        /// Told how many.
        answer: oneshot::Sender<usize>,
    },
    /// A client came back before its old connection was missed: ends that one, so that it is kept
    /// in `lost`.
    Release {
        /// Which.
        client: Proof,
        /// Whose it has to be.
        user: UserId,
        /// Told when it is done.
        answer: oneshot::Sender<()>,
    },
    /// A user has linked or unlinked wallets: subscriptions follow.
    Wallets {
        /// Whose they are.
        user: UserId,
        /// Those that are linked on this chain.
        wallets: Arc<[WalletAddress]>,
    },
    /// Changes of wallets may have been missed: those that subscriptions rest on are read again.
    LinksDoubted,
    /// The server is going away: close every connection, in batches over `spread`.
    Drain {
        /// Over how long.
        spread: std::time::Duration,
        /// Told when no connection is left.
        done: oneshot::Sender<()>,
    },
}

/// Delivers until the runtime ends.
pub(super) async fn run(worker: Rc<Worker>, mut control: UnboundedReceiver<Control>) {
    let mut taken = Vec::new();
    loop {
        let mut asked = None;
        std::future::poll_fn(|context| {
            if let Poll::Ready(Some(ask)) = control.poll_recv(context) {
                asked = Some(ask);
                return Poll::Ready(());
            }
            let inbox = worker.node.topics.directory().inbox(worker.number);
            inbox.map_or(Poll::Pending, |inbox| inbox.poll_take(context, &mut taken))
        })
        .await;
        if let Some(ask) = asked {
            worker.obey(ask);
        }
        deliver_all(&worker, &mut control, &mut taken).await;
    }
}

async fn deliver_all(
    worker: &Rc<Worker>,
    control: &mut UnboundedReceiver<Control>,
    taken: &mut Vec<Arc<Publication>>,
) {
    let mut chunk = 0;
    loop {
        while let Ok(ask) = control.try_recv() {
            worker.obey(ask);
        }
        let directory = worker.node.topics.directory();
        if let Some(inbox) = directory.inbox(worker.number) {
            inbox.take(taken);
        }
        for publication in taken.drain(..) {
            if !worker.hub.offer(Arc::clone(&publication)) {
                worker.delivered(std::slice::from_ref(&publication));
            }
        }
        let Some(walk) = worker.hub.turn() else {
            return;
        };
        while chunk < CHUNK {
            let Some(member) = walk.next_member() else {
                break;
            };
            worker.deliver(member, walk.batch());
            chunk += 1;
        }
        if let Some(batch) = worker.hub.end_turn(walk) {
            worker.end_hearing(&batch);
            worker.time_deliveries(batch.publications());
            worker.delivered(batch.publications());
        }
        if chunk >= CHUNK {
            chunk = 0;
            tokio::task::yield_now().await;
        }
    }
}

impl Worker {
    fn deliver(&self, member: Member, batch: &Batch) {
        let Some(connection) = self.connection(member.slot) else {
            return;
        };
        let Surface::Dialect(dialect) = connection.surface else {
            return;
        };
        if connection.start_kind != Start::Topics && connection.take_batch(member, batch) {
            return;
        }
        let form = connection.form();
        let deflated = connection.takes_deflated(dialect, form, batch);
        let bytes = batch.bytes(form, deflated, member.from, |publication, out| {
            out.extend_from_slice(frame(dialect, form, deflated, publication));
        });
        self.counters.add(Counter::MessagesSent, 1);
        connection.send_shared(&bytes);
    }

    /// Counts how long what this node's connections published took. Of others the clock is
    /// another one.
    fn time_deliveries(&self, publications: &[Arc<Publication>]) {
        let now = self.node.clock.now();
        for publication in publications.iter().filter(|all| all.origin != 0) {
            let took = now.since(publication.at);
            self.latencies.add(Timed::Delivery, took);
        }
    }

    /// Gives back the inbox's bytes and settles what the publishers wait for.
    fn delivered(&self, publications: &[Arc<Publication>]) {
        let mut weight = 0;
        for publication in publications {
            weight += publication.weight();
            if publication.origin >> super::WORKER_SHIFT
                == u64::try_from(self.number).unwrap_or(u64::MAX)
                && let Some(origin) = self.by_id(publication.origin)
            {
                origin.settle();
            }
        }
        if let Some(inbox) = self.node.topics.directory().inbox(self.number) {
            inbox.release(weight);
        }
    }

    /// How many publications of this connection have not reached everybody here.
    pub(super) fn under_way_from(&self, connection: u64) -> u32 {
        let inbox = self.node.topics.directory().inbox(self.number);
        let coming = inbox.map_or(0, |inbox| inbox.count_from(connection));
        let here = self.hub.count_from(connection);
        u32::try_from(coming + here).unwrap_or(u32::MAX)
    }

    fn obey(self: &Rc<Self>, ask: Control) {
        match ask {
            Control::Review => self.each_connection(|connection| connection.review()),
            Control::Present {
                channel,
                limit,
                answer,
            } => {
                // Who asked may be gone; then nobody waits for the answer.
                answer.send(self.present(&channel, limit)).ok();
            }
            Control::Attach(arrival) => {
                let drive = self.attach(*arrival);
                tokio::task::spawn_local(drive);
            }
            Control::CountRooms { user, answer } => {
                let mut rooms = 0;
                self.each_connection(|connection| {
                    if user.is_none() || user == connection.principal.borrow().user {
                        rooms += u64::try_from(connection.rooms_heard()).unwrap_or(0);
                    }
                });
                // Who asked may be gone.
                answer.send(rooms).ok();
            }
            Control::List { listing, answer } => {
                answer.send(self.listed(&listing)).ok();
            }
            Control::Hearing {
                channel,
                limit,
                answer,
            } => {
                answer.send(self.hearing(&channel, limit)).ok();
            }
            Control::Kick { kick, answer } => {
                answer.send(self.kick(&kick)).ok();
            }
            Control::Release {
                client,
                user,
                answer,
            } => {
                self.release(client, &user);
                answer.send(()).ok();
            }
            Control::Wallets { user, wallets } => {
                self.each_connection(|connection| connection.wallets_are(&user, &wallets));
            }
            Control::LinksDoubted => {
                self.each_connection(|connection| connection.doubt_wallets());
            }
            Control::Drain { spread, done } => {
                self.draining.set(true);
                tokio::task::spawn_local(drain(Rc::clone(self), spread, done));
            }
        }
    }

    fn present(&self, channel: &Channel, limit: usize) -> Vec<Present> {
        let slots = self
            .hub
            .audience(channel)
            .map_or_else(Vec::new, |a| a.slots(limit));
        slots
            .into_iter()
            .filter_map(|slot| self.connection(slot))
            .map(|c| c.present())
            .collect()
    }
}

impl Connection {
    fn takes_deflated(&self, dialect: &'static dyn Dialect, form: Form, batch: &Batch) -> bool {
        match self.deflate {
            None => false,
            Some(15..) => true,
            Some(bits) => batch
                .publications()
                .iter()
                .all(|publication| frame(dialect, form, false, publication).len() <= 1 << bits),
        }
    }
}

/// The whole frame of a publication in one form; made by whoever needs it first.
pub(super) fn frame<'a>(
    dialect: &'static dyn Dialect,
    form: Form,
    deflated: bool,
    publication: &'a Publication,
) -> &'a [u8] {
    publication.frame(form, deflated, || {
        let mut payload = Vec::new();
        let Some(kind) = dialect.encode_publication(form, publication, &mut payload) else {
            return Vec::new();
        };
        let opcode = opcode(kind);
        let mut out = Vec::with_capacity(payload.len() + 4);
        if deflated && payload.len() >= DEFLATE_BYTES_MIN {
            with_deflater(|deflater| encode_deflated(opcode, &payload, deflater, &mut out));
        } else {
            encode(opcode, &payload, &mut out);
        }
        out
    })
}

/// The opcode of a kind of message.
pub(super) const fn opcode(kind: FrameKind) -> Opcode {
    match kind {
        FrameKind::Binary => Opcode::Binary,
        FrameKind::Text => Opcode::Text,
    }
}

async fn drain(worker: Rc<Worker>, spread: std::time::Duration, done: oneshot::Sender<()>) {
    let (connections, _) = worker.load();
    let batches = u32::try_from(connections.div_ceil(DRAIN_BATCH))
        .unwrap_or(1)
        .max(1);
    let mut open = Vec::new();
    worker.each_connection(|connection| open.push(Rc::downgrade(connection)));
    for (number, batch) in open.chunks(DRAIN_BATCH).enumerate() {
        if number > 0 {
            tokio::time::sleep(spread / batches).await;
        }
        for connection in batch.iter().filter_map(std::rc::Weak::upgrade) {
            connection.close(CloseMeaning::GoingAway);
        }
    }
    while worker.load().0 > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    // The server may have stopped waiting.
    done.send(()).ok();
}

const CHUNK: usize = 64;
const DRAIN_BATCH: usize = 256;
/// Smaller payloads go plain: compressing them costs more than it saves.
const DEFLATE_BYTES_MIN: usize = 128;
