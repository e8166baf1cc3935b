//! What waits to be sent, in order; bounded in bytes.

use std::collections::VecDeque;
use std::sync::Arc;

use conclave_core::{Keeping, Notice, Parcel};
use conclave_protocol::{Channel, Position};
use parking_lot::Mutex;
use tokio::sync::Notify;

/// Something to be sent.
#[derive(Debug)]
pub(crate) enum Outgoing {
    Notice(Notice),
    Publication(Parcel),
    /// For the record of its channel.
    Record(Parcel, Keeping),
    /// What the record of a channel has after that is to be read.
    Read(Arc<Channel>, Option<Position>),
}

/// The queue. A push never waits: what finds no room is lost.
#[derive(Debug)]
pub(crate) struct Outbox {
    state: Mutex<State>,
    filled: Notify,
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Outgoing>,
    bytes: usize,
}

impl Outbox {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self {
            state: Mutex::default(),
            filled: Notify::new(),
            bytes_max,
        }
    }

    /// `false` where there is no room.
    pub(crate) fn push(&self, outgoing: Outgoing) -> bool {
        let weight = outgoing.weight();
        let was_empty = {
            let mut state = self.state.lock();
            if state.bytes.saturating_add(weight) > self.bytes_max {
                return false;
            }
            state.bytes += weight;
            let was_empty = state.queue.is_empty();
            state.queue.push_back(outgoing);
            was_empty
        };
        if was_empty {
            self.filled.notify_one();
        }
        true
    }

    /// The next ones, at least one; waits for it.
    pub(crate) async fn take(&self, batch: &mut Vec<Outgoing>) {
        loop {
            {
                let mut state = self.state.lock();
                let mut bytes = 0;
                while batch.len() < BATCH_MAX
                    && bytes < BATCH_BYTES_MAX
                    && let Some(outgoing) = state.queue.pop_front()
                {
                    bytes += outgoing.weight();
                    batch.push(outgoing);
                }
                state.bytes = state.bytes.saturating_sub(bytes);
            }
            if !batch.is_empty() {
                return;
            }
            self.filled.notified().await;
        }
    }

    /// Forgets what waits; gives it.
    pub(crate) fn clear(&self) -> VecDeque<Outgoing> {
        std::mem::take(&mut *self.state.lock()).queue
    }

    pub(crate) fn bytes(&self) -> usize {
        self.state.lock().bytes
    }
}

impl Outgoing {
    /// Whether it is of those that are not said again.
    pub(crate) const fn is_publication(&self) -> bool {
        matches!(self, Self::Publication(_))
    }

    /// Whether it is lost where it is not sent; a question is not.
    pub(crate) const fn is_sent(&self) -> bool {
        !matches!(self, Self::Read(..))
    }

    fn weight(&self) -> usize {
        match self {
            Self::Notice(notice) => size_of::<Self>() + said_bytes(notice),
            Self::Read(..) => size_of::<Self>(),
            Self::Publication(parcel) | Self::Record(parcel, _) => parcel.publication.weight(),
        }
    }
}

fn said_bytes(notice: &Notice) -> usize {
    match notice {
        Notice::Ask { question: text, .. } | Notice::Answer { answer: text, .. } => text.len(),
        Notice::Alive { .. }
        | Notice::AskRoll { .. }
        | Notice::Changed
        | Notice::Disconnect { .. }
        | Notice::Roll(_)
        | Notice::Spent(_) => 0,
    }
}

/// Of one pipeline.
const BATCH_MAX: usize = 512;
const BATCH_BYTES_MAX: usize = 1 << 20;
