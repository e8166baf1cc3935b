//! What has come from Redis and waits to be taken; bounded in bytes.

use std::sync::atomic::{AtomicU64, Ordering};

use conclave_core::Arrival;
use conclave_protocol::Body;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// The queue. Where it is full, what comes is lost, and that is said.
#[derive(Debug)]
pub(crate) struct Intake {
    state: Mutex<State>,
    filled: Notify,
    bytes_max: usize,
    received: AtomicU64,
    missed: AtomicU64,
    refused: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    arrived: Vec<Arrival>,
    bytes: usize,
    /// Whether something was lost since the last was taken.
    overflowed: bool,
}

impl Intake {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            state: Mutex::default(),
            filled: Notify::new(),
            bytes_max,
            received: AtomicU64::new(0),
            missed: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    /// Takes what came as a message of `bytes` bytes.
    pub(crate) fn push(&self, arrival: Arrival, bytes: usize) {
        self.received.fetch_add(1, Ordering::Relaxed);
        let weight = bytes + size_of::<Arrival>() + size_of::<Body>();
        let mut state = self.state.lock();
        if state.overflowed || state.bytes.saturating_add(weight) > self.bytes_max {
            self.missed.fetch_add(1, Ordering::Relaxed);
            if !std::mem::replace(&mut state.overflowed, true) {
                state.arrived.push(Arrival::Missed);
            }
        } else {
            state.bytes += weight;
            state.arrived.push(arrival);
        }
        drop(state);
        self.filled.notify_one();
    }

    /// Says that something may have been missed.
    pub(crate) fn push_missed(&self) {
        self.insist(Arrival::Missed);
    }

    /// Takes what is small, and may not be lost.
    pub(crate) fn insist(&self, arrival: Arrival) {
        self.state.lock().arrived.push(arrival);
        self.filled.notify_one();
    }

    /// Counts a message that is none of ours.
    pub(crate) fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// What has come, at least one thing; waits for it.
    pub(crate) async fn take(&self, into: &mut Vec<Arrival>) {
        loop {
            {
                let mut state = std::mem::take(&mut *self.state.lock());
                into.append(&mut state.arrived);
            }
            if !into.is_empty() {
                return;
            }
            self.filled.notified().await;
        }
    }

    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    pub(crate) fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}
