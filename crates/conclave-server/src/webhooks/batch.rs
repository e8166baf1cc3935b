//! What goes into one post: stored events and entries of the queue, merged into one order.

use std::iter::Peekable;

use conclave_core::{LogPage, Logged, Queued};

use super::event::{self, Posted};

/// The body of a post, and where the webhook stands when it was taken.
#[derive(Debug)]
pub(super) struct Batch {
    /// A JSON array; meaningless without events.
    pub(super) body: Vec<u8>,
    /// How many events it holds.
    pub(super) events: u64,
    /// Stored events up to this number are in it, or nothing to be told.
    pub(super) number: u64,
    /// Entries up to this place are; 0 for none.
    pub(super) queued: u64,
}

enum Next {
    Logged(Logged),
    Queued(Queued),
}

impl Batch {
    /// Of a webhook that stands at `number`, at most `events_max` events and about 1 MiB; the
    /// page was read before the queue.
    ///
    /// An entry comes after the stored event it is about. Apart from that, what happened earlier
    /// comes first; what is in the page, and what is in the queue, stay in order.
    pub(super) fn merge(number: u64, page: LogPage, queue: Vec<Queued>, events_max: u32) -> Self {
        let mut batch = Self {
            body: vec![b'['],
            events: 0,
            number,
            queued: 0,
        };
        let through = page.through;
        let mut page = page.events.into_iter().peekable();
        let mut queue = queue.into_iter().peekable();
        while let Some(next) = next(&mut page, &mut queue, through) {
            let events = match &next {
                Next::Logged(logged) => event::logged(logged).into_iter().collect(),
                Next::Queued(queued) => event::queued(queued),
            };
            if !batch.add(&events, u64::from(events_max)) {
                batch.body.push(b']');
                return batch;
            }
            match next {
                Next::Logged(logged) => batch.number = logged.event.number,
                Next::Queued(queued) => batch.queued = queued.id,
            }
        }
        batch.number = through.max(number);
        batch.body.push(b']');
        batch
    }

    /// False where there is no room for all of them; then none is added. The first ones always
    /// find room.
    fn add(&mut self, events: &[Posted], events_max: u64) -> bool {
        let count = u64::try_from(events.len()).unwrap_or(u64::MAX);
        let start = self.body.len();
        for event in events {
            if self.body.len() > 1 {
                self.body.push(b',');
            }
            // Texts and numbers always have a JSON.
            serde_json::to_writer(&mut self.body, event).ok();
        }
        let over = self.events.saturating_add(count) > events_max || self.body.len() > BODY_BYTES;
        if over && self.events > 0 && count > 0 {
            self.body.truncate(start);
            return false;
        }
        self.events += count;
        true
    }
}

fn next(
    page: &mut Peekable<impl Iterator<Item = Logged>>,
    queue: &mut Peekable<impl Iterator<Item = Queued>>,
    through: u64,
) -> Option<Next> {
    let entry_first = match (page.peek(), queue.peek()) {
        (Some(logged), Some(queued)) => {
            queued.number < logged.event.number && queued.at <= logged.event.at
        }
        // Its event may have been stored after the page was read.
        (None, Some(queued)) => queued.number <= through,
        (_, None) => false,
    };
    if entry_first {
        queue.next().map(Next::Queued)
    } else {
        page.next().map(Next::Logged)
    }
}

const BODY_BYTES: usize = 1024 * 1024;
