//! The audit as the rest of the server sees it: a queue to one thread.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use conclave_protocol::{Clock, Timestamp};
use parking_lot::{Condvar, Mutex, MutexGuard};
use tokio::sync::Notify;

use super::chain::AuditKey;
use super::event::{Event, Kind, Level};
use super::file::ChainFile;
use super::queue::{Queue, Recorded};

/// The audit. Share it in an `Arc`; dropping the last one writes what waits.
pub struct AuditLog {
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

/// How an audit is kept.
#[derive(Clone, Debug)]
pub struct Options {
    /// The file; made with its folder where missing.
    pub file: PathBuf,
    /// The key of its chain.
    pub key: AuditKey,
    /// Events that may wait.
    pub queue: usize,
    /// Lines per second of each kind of refusal that [`AuditLog::record`] lists.
    pub refusals_per_second: u32,
    /// Lines per second of each usual kind (accepted handshakes, sign-ins) that
    /// [`AuditLog::record`] lists.
    pub usual_per_second: u32,
}

struct Shared {
    state: Mutex<State>,
    /// For the writer: there is something to do.
    filled: Condvar,
    /// For those who wait, in threads: there is room, or something became durable.
    moved: Condvar,
    /// The same for tasks.
    room: Notify,
}

struct State {
    queue: Queue,
    /// Write now instead of gathering.
    hurry: bool,
    closing: bool,
    /// Events and flushes taken in so far, and how many of them are durable.
    taken: u64,
    durable: u64,
    writing: Writing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Writing {
    /// There is no writer, or not any more.
    Ended,
    /// The file could not be written last time.
    Fails,
    Goes,
}

impl AuditLog {
    /// Continues the chain of `options.file` and starts the writer.
    ///
    /// # Errors
    /// A file that cannot be opened or whose last line does not fit the key; the text names the
    /// path.
    pub fn open(options: Options, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let file = ChainFile::open(&options.file, options.key, clock.now())?;
        let queue = Queue::new(
            options.queue,
            options.refusals_per_second,
            options.usual_per_second,
        );
        let shared = Arc::new(Shared::new(queue, Writing::Goes));
        let writer = Writer {
            shared: Arc::clone(&shared),
            file,
            clock,
            unsynced_since: None,
        };
        let thread = std::thread::Builder::new()
            .name("audit".to_owned())
            .spawn(|| writer.run())?;
        Ok(Self {
            shared,
            writer: Mutex::new(Some(thread)),
        })
    }

    /// An audit that keeps nothing, for `audit.enabled = false`.
    #[must_use]
    pub fn off() -> Self {
        let shared = Arc::new(Shared::new(Queue::new(0, 0, 0), Writing::Ended));
        Self {
            shared,
            writer: Mutex::new(None),
        }
    }

    /// Takes an event without ever waiting; for workers. Where there is no room, or too many
    /// refusals of the kind in this second, it is counted. Revocations, changes of roles and
    /// admin actions have a reserve of room of their own.
    pub fn record(&self, event: Event) -> Recorded {
        let mut state = self.shared.state.lock();
        if state.writing == Writing::Ended {
            return Recorded::Counted;
        }
        let (was_empty, had_counts) = (state.queue.is_empty(), state.queue.has_counts());
        let recorded = state.queue.push(event);
        match recorded {
            Recorded::Queued => self.shared.announce(&mut state, was_empty),
            Recorded::Counted => self.shared.note_count(&mut state, was_empty && !had_counts),
        }
        recorded
    }

    /// As [`AuditLog::record`], for usual kinds, which may come by the thousand: `event` is made
    /// only where it will be a line.
    pub fn record_usual(
        &self,
        kind: Kind,
        ts: Timestamp,
        event: impl FnOnce() -> Event,
    ) -> Recorded {
        let mut state = self.shared.state.lock();
        if state.writing == Writing::Ended {
            return Recorded::Counted;
        }
        if state.queue.lists_usual(kind, ts) {
            drop(state);
            return self.record(event());
        }
        let was_idle = state.queue.is_empty() && !state.queue.has_counts();
        state.queue.leave_out(kind, ts);
        self.shared.note_count(&mut state, was_idle);
        Recorded::Counted
    }

    /// Takes an event, waiting for room, and never counts it; for tasks outside the workers.
    /// Returns before the line is durable: see [`AuditLog::flush`].
    pub async fn record_waiting(&self, event: Event) {
        let mut event = event;
        loop {
            let mut room = std::pin::pin!(self.shared.room.notified());
            room.as_mut().enable();
            let offered = self.shared.offer(&mut self.shared.state.lock(), event);
            let Err(back) = offered else { return };
            event = *back;
            room.await;
        }
    }

    /// As [`AuditLog::record_waiting`], for threads.
    pub fn record_blocking(&self, event: Event) {
        let mut state = self.shared.state.lock();
        let mut event = event;
        while let Err(back) = self.shared.offer(&mut state, event) {
            event = *back;
            self.shared.moved.wait(&mut state);
        }
    }

    /// Waits until everything recorded before is durable. Blocks the thread.
    ///
    /// # Errors
    /// The file cannot be written at present; the writer keeps trying, the log has the cause.
    pub fn flush(&self) -> io::Result<()> {
        let mut state = self.shared.state.lock();
        let target = state.taken;
        state.hurry = true;
        self.shared.filled.notify_one();
        while state.durable < target {
            if state.writing != Writing::Goes {
                return Err(io::Error::other("the audit cannot be written"));
            }
            self.shared.moved.wait(&mut state);
        }
        Ok(())
    }

    /// Writes everything that waits and ends the writer. Blocks the thread; later events are
    /// lost.
    pub fn close(&self) {
        self.shared.state.lock().closing = true;
        self.shared.filled.notify_one();
        let writer = self.writer.lock().take();
        if writer.is_some_and(|writer| writer.join().is_err()) {
            tracing::error!("the audit's writer failed");
        }
    }

    /// Events that wait to be written.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.shared.state.lock().queue.len()
    }

    /// Events that were counted instead of listed, since the start.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.shared.state.lock().queue.left_out_total()
    }

    /// Whether the file could not be written last time; what waits is kept and tried again.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.shared.state.lock().writing == Writing::Fails
    }
}

impl Drop for AuditLog {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    const fn new(queue: Queue, writing: Writing) -> Self {
        let state = State {
            queue,
            hurry: false,
            closing: false,
            taken: 0,
            durable: 0,
            writing,
        };
        Self {
            state: Mutex::new(state),
            filled: Condvar::new(),
            moved: Condvar::new(),
            room: Notify::const_new(),
        }
    }

    fn offer(&self, state: &mut MutexGuard<'_, State>, event: Event) -> Result<(), Box<Event>> {
        if state.writing == Writing::Ended {
            return Ok(());
        }
        let was_empty = state.queue.is_empty();
        state.queue.offer(event)?;
        self.announce(state, was_empty);
        Ok(())
    }

    /// The writer looks at its clock once something was counted. Many come where one did, so it
    /// is woken for the first alone.
    fn note_count(&self, state: &mut MutexGuard<'_, State>, was_idle: bool) {
        state.taken = state.taken.saturating_add(1);
        if was_idle {
            self.filled.notify_one();
        }
    }

    /// Wakes the writer once for the first event of a batch, and when the queue fills up; not for
    /// each event.
    fn announce(&self, state: &mut MutexGuard<'_, State>, was_empty: bool) {
        state.taken = state.taken.saturating_add(1);
        if state.queue.is_half_full() && !state.hurry {
            state.hurry = true;
            self.filled.notify_one();
        } else if was_empty {
            self.filled.notify_one();
        }
    }
}

/// The thread behind the queue.
struct Writer {
    shared: Arc<Shared>,
    file: ChainFile,
    clock: Arc<dyn Clock>,
    unsynced_since: Option<Instant>,
}

/// What the queue gave up to be written.
struct Batch {
    events: Vec<Event>,
    /// `State::taken` at that moment.
    taken: u64,
    /// It must be durable before the next one.
    durable: bool,
    last: bool,
}

impl Writer {
    fn run(mut self) {
        loop {
            let mut batch = self.next();
            let last = batch.last;
            let written = self.write_until_done(&mut batch);
            let mut state = self.shared.state.lock();
            if written && self.unsynced_since.is_none() {
                state.durable = state.durable.max(batch.taken);
            }
            if last {
                state.writing = Writing::Ended;
            }
            drop(state);
            self.shared.moved.notify_all();
            self.shared.room.notify_waiters();
            if last {
                return;
            }
        }
    }

    /// Waits for something to write or to make durable. Idle, it sleeps without a timer.
    fn next(&self) -> Batch {
        let mut state = self.shared.state.lock();
        while state.queue.is_empty() && !state.closing && !state.hurry {
            if self.unsynced_since.is_none() && !state.queue.has_counts() {
                self.shared.filled.wait(&mut state);
                continue;
            }
            let due = self.unsynced_since.map_or(SYNC_EVERY, |since| {
                SYNC_EVERY.saturating_sub(since.elapsed())
            });
            if self.shared.filled.wait_for(&mut state, due).timed_out() {
                break;
            }
        }
        if !(state.queue.is_empty() || state.closing || state.hurry) {
            self.shared.filled.wait_for(&mut state, GATHER);
        }
        let now = self.clock.now();
        let mut events = state.queue.take();
        let last = state.closing;
        events.extend(state.queue.summaries(now, (!last).then(|| now.seconds())));
        let hurry = std::mem::take(&mut state.hurry);
        let taken = state.taken;
        drop(state);
        self.shared.moved.notify_all();
        self.shared.room.notify_waiters();
        let serious = events.iter().any(|event| event.level > Level::Info);
        Batch {
            events,
            taken,
            durable: serious || hurry || last,
            last,
        }
    }

    /// Tries again each second until the batch is written; gives up when closing.
    fn write_until_done(&mut self, batch: &mut Batch) -> bool {
        loop {
            let written = self.write(batch);
            let mut state = self.shared.state.lock();
            let Err(error) = written else {
                state.writing = Writing::Goes;
                return true;
            };
            if state.writing == Writing::Goes {
                tracing::error!(%error, events = batch.events.len(), "audit not written");
            }
            state.writing = Writing::Fails;
            self.shared.moved.notify_all();
            if state.closing {
                tracing::error!(%error, events = batch.events.len(), "audit events lost");
                return false;
            }
            self.shared.filled.wait_for(&mut state, RETRY_AFTER);
        }
    }

    fn write(&mut self, batch: &mut Batch) -> io::Result<()> {
        if !batch.events.is_empty() {
            self.file.append(&batch.events, self.clock.now())?;
            // Written, though not durable: trying again must not write them twice.
            batch.events.clear();
            self.unsynced_since.get_or_insert_with(Instant::now);
        }
        let due = self
            .unsynced_since
            .is_some_and(|since| since.elapsed() >= SYNC_EVERY);
        if due || (batch.durable && self.unsynced_since.is_some()) {
            self.file.sync()?;
            self.unsynced_since = None;
        }
        Ok(())
    }
}

/// How long events of one batch are gathered.
const GATHER: Duration = Duration::from_millis(50);
/// How long a line of level info may be written and not yet durable.
const SYNC_EVERY: Duration = Duration::from_secs(1);
const RETRY_AFTER: Duration = Duration::from_secs(1);
