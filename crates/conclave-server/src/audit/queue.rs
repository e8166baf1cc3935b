//! Events that wait to be written, and counts of those that found no room.

use std::collections::{BTreeMap, VecDeque};

use conclave_protocol::Timestamp;
use serde_json::json;

use super::event::{Event, Kind, Room};

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It was counted: a `summary` line will say how many of its kind were.
    Counted,
    /// It will be a line.
    Queued,
}

/// Bounded by `capacity`, and an eighth more for kinds that must be kept.
pub(super) struct Queue {
    events: VecDeque<Event>,
    capacity: usize,
    refusals_per_second: u32,
    usual_per_second: u32,
    kinds: BTreeMap<Kind, Count>,
    /// Counted, and not in a summary yet.
    left_out: u64,
    left_out_total: u64,
}

#[derive(Default)]
struct Count {
    second: u64,
    in_second: u32,
    left_out: u64,
}

impl Queue {
    pub(super) const fn new(
        capacity: usize,
        refusals_per_second: u32,
        usual_per_second: u32,
    ) -> Self {
        Self {
            events: VecDeque::new(),
            capacity,
            refusals_per_second,
            usual_per_second,
            kinds: BTreeMap::new(),
            left_out: 0,
            left_out_total: 0,
        }
    }

    /// Takes an event, or counts it.
    pub(super) fn push(&mut self, event: Event) -> Recorded {
        let (kind, ts) = (event.kind, event.ts);
        let room = match kind.room() {
            Room::Kept => self.events.len() < self.capacity + self.capacity / 8,
            Room::Refusal => {
                self.events.len() < self.capacity && self.rate(&event, self.refusals_per_second)
            }
            Room::Usual => {
                self.events.len() < self.capacity && self.rate(&event, self.usual_per_second)
            }
        };
        if room {
            self.events.push_back(event);
            return Recorded::Queued;
        }
        self.leave_out(kind, ts);
        Recorded::Counted
    }

    /// Whether an event of a usual kind would be taken now.
    pub(super) fn lists_usual(&self, kind: Kind, ts: Timestamp) -> bool {
        let of_this_second = |count: &&Count| count.second == ts.seconds();
        let in_second = self.kinds.get(&kind).filter(of_this_second);
        self.events.len() < self.capacity
            && in_second.map_or(0, |count| count.in_second) < self.usual_per_second
    }

    /// Counts an event that will be no line.
    pub(super) fn leave_out(&mut self, kind: Kind, ts: Timestamp) {
        let count = self.kinds.entry(kind).or_default();
        if count.second != ts.seconds() {
            count.second = ts.seconds();
            count.in_second = 0;
        }
        count.left_out = count.left_out.saturating_add(1);
        self.left_out = self.left_out.saturating_add(1);
        self.left_out_total = self.left_out_total.saturating_add(1);
    }

    /// Takes an event whatever the rate of its kind; gives it back where there is no room.
    pub(super) fn offer(&mut self, event: Event) -> Result<(), Box<Event>> {
        if self.events.len() >= self.capacity {
            return Err(Box::new(event));
        }
        self.events.push_back(event);
        Ok(())
    }

    /// Everything that waits.
    pub(super) fn take(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events).into()
    }

    /// One summary for each kind that was counted in a second before `now`; with `None`, for each
    /// that was counted at all.
    pub(super) fn summaries(&mut self, now: Timestamp, second: Option<u64>) -> Vec<Event> {
        let mut summaries = Vec::new();
        for (kind, count) in &mut self.kinds {
            let over = second.is_none_or(|second| count.second < second);
            if count.left_out > 0 && over {
                let detail = json!({ "event": kind.name(), "count": count.left_out });
                summaries.push(Event::new(Kind::Summary, now).detail(detail));
                self.left_out = self.left_out.saturating_sub(count.left_out);
                count.left_out = 0;
            }
        }
        summaries
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    pub(super) fn is_half_full(&self) -> bool {
        self.events.len() >= self.capacity / 2
    }

    pub(super) const fn has_counts(&self) -> bool {
        self.left_out > 0
    }

    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    pub(super) const fn left_out_total(&self) -> u64 {
        self.left_out_total
    }

    fn rate(&mut self, event: &Event, per_second: u32) -> bool {
        let count = self.kinds.entry(event.kind).or_default();
        let second = event.ts.seconds();
        if count.second != second {
            count.second = second;
            count.in_second = 0;
        }
        count.in_second = count.in_second.saturating_add(1);
        count.in_second <= per_second
    }
}
