//! Pings, silence, token ends and closing, by one scan a second instead of a timer each.

use std::rc::{Rc, Weak};
use std::sync::atomic::Ordering;
use std::time::Duration;

use conclave_protocol::{CloseMeaning, Heartbeat, Mode, Start, Timestamp};
use conclave_websocket::{Opcode, encode};

use super::connection::{Connection, Phase, Surface};
use super::{NEVER, Worker};

/// Scans once a second, and adds up the worker's counters.
pub(super) async fn run(worker: Rc<Worker>) {
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        worker.counters.add_to(&worker.node.counters);
        worker.latencies.add_to(&worker.node.latencies);
        worker.report();
        let now = worker.seconds();
        for slots in due(&worker, now).chunks(CHUNK) {
            for connection in slots.iter().filter_map(|slot| worker.connection(*slot)) {
                connection.look(now);
                worker.schedule(&connection);
            }
            // Hundreds of pings in a row would hold up everybody else.
            tokio::task::yield_now().await;
        }
        if worker.number == 0 {
            worker
                .node
                .topics
                .directory()
                .expire(worker.node.clock.now());
        }
    }
}

fn due(worker: &Worker, now: u32) -> Vec<u32> {
    let slots = worker.slots.borrow();
    let due = slots
        .deadlines
        .iter()
        .enumerate()
        .filter(|(_, deadline)| **deadline <= now);
    due.filter_map(|(slot, _)| u32::try_from(slot).ok())
        .collect()
}

impl Connection {
    /// When it has to be looked at next, in seconds of the monotonic clock.
    pub(super) fn next_deadline(&self) -> u32 {
        if self.phase.get() != Phase::Open {
            return self.close_by.get();
        }
        let mut next = self.ping_at.get().min(self.silent_by());
        if let Some(end) = self.principal.borrow().expires_at {
            next = next.min(self.monotonic_second(end));
        }
        if self.mode() == Mode::Undecided {
            next = next.min(self.opened_at.saturating_add(DECIDE_SECONDS));
        }
        next
    }

    fn look(&self, now: u32) {
        match self.phase.get() {
            Phase::Open => self.look_open(now),
            Phase::Answered | Phase::Answering(_) | Phase::Closed | Phase::Lingering => {
                if now >= self.close_by.get() {
                    self.stream.borrow().reset_on_drop();
                    self.die();
                }
            }
            Phase::Dead => {}
        }
    }

    fn look_open(&self, now: u32) {
        let expired = self
            .principal
            .borrow()
            .expires_at
            .is_some_and(|end| self.worker.node.clock.now() >= end);
        if expired {
            self.cut(CloseMeaning::InvalidToken);
        } else if now >= self.silent_by() {
            self.cut(CloseMeaning::Silent);
        } else if self.mode() == Mode::Undecided
            && now >= self.opened_at.saturating_add(DECIDE_SECONDS)
        {
            self.close(CloseMeaning::MissingToken);
        } else if now >= self.ping_at.get() {
            self.ping(now);
        }
    }

    fn ping(&self, now: u32) {
        self.ping_at
            .set(now.saturating_add(self.ping_seconds().max(1)));
        // A full socket already shows whether its reader lives.
        if self.outbox.borrow().is_some() {
            return;
        }
        if let Some(heartbeat) = self.heartbeat() {
            if heartbeat.every < 1000 {
                return;
            }
            let mut frame = Vec::with_capacity(3);
            encode(Opcode::Text, heartbeat.text.as_bytes(), &mut frame);
            self.send(&frame);
        } else {
            let mut frame = Vec::with_capacity(2);
            encode(Opcode::Ping, &[], &mut frame);
            self.pinged.set(true);
            self.send(&frame);
        }
    }

    /// Between two pings; of a heartbeat what its client was told.
    fn ping_seconds(&self) -> u32 {
        self.heartbeat()
            .map_or(self.worker.node.ping_seconds, |beat| {
                beat.every.div_ceil(1000)
            })
    }

    /// The second of the first heartbeat: spread over the whole interval.
    pub(super) fn first_beat(&self) -> u32 {
        let seconds = u64::from(self.ping_seconds().max(1));
        let late = u32::try_from(self.worker.node.dice.roll() % seconds).unwrap_or(0);
        self.worker.seconds().saturating_add(1 + late)
    }

    fn silent_by(&self) -> u32 {
        let seconds = self.heartbeat().map_or_else(
            || self.worker.node.silence_seconds,
            |heartbeat| match heartbeat.every {
                // `beat` looks more often.
                0..1000 => 0,
                every => (every + heartbeat.patience).div_ceil(1000),
            },
        );
        match seconds {
            0 => NEVER,
            seconds => self.heard_at.get().saturating_add(seconds),
        }
    }

    /// How this surface asks whether its client is there, where that is no WebSocket ping.
    fn heartbeat(&self) -> Option<Heartbeat> {
        match (self.start_kind, self.surface) {
            (Start::Connect | Start::Opened, Surface::Dialect(dialect)) => dialect.heartbeat(),
            _ => None,
        }
    }

    /// Asks more often than the scan looks, for conformance tests that have little patience.
    pub(super) fn beat(&self) {
        let Some(heartbeat) = self.heartbeat().filter(|heartbeat| heartbeat.every < 1000) else {
            return;
        };
        let Some(connection) = self.worker.connection(self.slot()) else {
            return;
        };
        let connection = Rc::downgrade(&connection);
        tokio::task::spawn_local(beat(connection, heartbeat));
    }

    fn monotonic_second(&self, moment: Timestamp) -> u32 {
        let left = moment.since(self.worker.node.clock.now());
        let whole = u32::try_from(left.as_millis().div_ceil(1000)).unwrap_or(NEVER);
        self.worker.seconds().saturating_add(whole)
    }
}

async fn beat(connection: Weak<Connection>, heartbeat: Heartbeat) {
    let (every, patience) = (
        Duration::from_millis(heartbeat.every.into()),
        Duration::from_millis(heartbeat.patience.into()),
    );
    let mut frame = Vec::new();
    encode(Opcode::Text, heartbeat.text.as_bytes(), &mut frame);
    loop {
        tokio::time::sleep(every).await;
        let Some(asked) = connection.upgrade() else {
            return;
        };
        if asked.phase.get() != Phase::Open {
            return;
        }
        asked.answered.set(false);
        asked.send(&frame);
        drop(asked);
        // The next question comes that long after the answer, as clients expect it.
        let Some(answered) = answered_within(&connection, patience).await else {
            return;
        };
        if !answered {
            return connection.upgrade().map_or((), |asked| asked.vanish());
        }
    }
}

/// Whether something was heard in time; `None` where the connection has ended.
async fn answered_within(connection: &Weak<Connection>, patience: Duration) -> Option<bool> {
    let mut waited = Duration::ZERO;
    while waited < patience {
        tokio::time::sleep(LOOK_AGAIN).await;
        waited += LOOK_AGAIN;
        if connection.upgrade()?.answered.get() {
            return Some(true);
        }
    }
    Some(false)
}

impl Connection {
    /// It does not answer. Who polls would still be told of a Close.
    fn vanish(&self) {
        if self.stream.borrow().is_piped() {
            self.die();
        } else {
            self.cut(CloseMeaning::Silent);
        }
    }
}

impl Worker {
    /// Says how many connections there are, for the metrics.
    fn report(&self) {
        let slots = self.slots.borrow();
        let taken = slots.connections.len().saturating_sub(slots.free.len());
        if let Some(count) = self.node.worker_connections.get(self.number) {
            count.store(u32::try_from(taken).unwrap_or(u32::MAX), Ordering::Relaxed);
        }
    }

    /// How many connections there are, and how many bytes wait for them.
    pub(super) fn load(&self) -> (usize, usize) {
        let mut connections = 0;
        let mut bytes = 0;
        self.each_connection(|connection| {
            connections += 1;
            bytes += connection.outbox_bytes();
        });
        (connections, bytes)
    }
}

const DECIDE_SECONDS: u32 = 5;
/// How often an answer is looked for that must come within less than a second.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// Connections that are looked at before others get a turn.
const CHUNK: usize = 64;
