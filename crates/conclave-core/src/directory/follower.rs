//! One channel's record on the bus, as this node has let it through.
//!
//! While somebody here hears the channel, what this node has let through and kept is what the bus
//! keeps: it is read when the first one comes, each publication follows the one before it, and
//! where one is missing the record is read again from there. A pure state: what to do is answered.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use conclave_protocol::Position;

use crate::{Record, Recorded};

/// How far this node has followed.
#[derive(Debug, Default)]
pub(super) struct Follower {
    /// The last place that was let through or read; `None` before the first reading.
    head: Option<Position>,
    /// What came while the record was being read.
    held: VecDeque<Recorded>,
    /// Whether more came than could be held.
    overflowed: bool,
    reading: bool,
    waiting: Vec<Waker>,
}

/// What follows from something that came.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Following {
    /// Whether what is kept here is of an epoch that has ended.
    pub(super) forget: bool,
    /// What nobody here has yet to hear, but who asks for the past.
    pub(super) past: Vec<Recorded>,
    /// What is to be let through now, behind that; what is of another epoch than the head is not
    /// kept here.
    pub(super) ready: Vec<Recorded>,
    /// Whether the record has to be read, from [`Follower::head`].
    pub(super) read: bool,
}

impl Follower {
    /// The newest place that clients here may know; `None` while the record is unknown.
    pub(super) const fn head(&self) -> Option<Position> {
        self.head
    }

    /// Whether the record is being read.
    pub(super) const fn is_reading(&self) -> bool {
        self.reading
    }

    /// The record is about to be read: what comes meanwhile is held.
    pub(super) const fn begin_reading(&mut self) {
        self.reading = true;
    }

    /// Pending while the record is being read.
    pub(super) fn poll_read(&mut self, context: &Context<'_>) -> Poll<()> {
        if !self.reading {
            return Poll::Ready(());
        }
        let waker = context.waker();
        if !self.waiting.iter().any(|known| known.will_wake(waker)) {
            self.waiting.push(waker.clone());
        }
        Poll::Pending
    }

    /// A publication came.
    pub(super) fn take(&mut self, recorded: Recorded) -> Following {
        let mut following = Following::default();
        // One without a place follows nothing, and nothing follows it.
        if recorded.position.offset == 0 {
            following.ready.push(recorded);
        } else {
            self.advance(recorded, &mut following);
        }
        following
    }

    fn advance(&mut self, recorded: Recorded, following: &mut Following) {
        if self.reading {
            if self.held.len() < HELD_MAX {
                self.held.push_back(recorded);
            } else {
                self.overflowed = true;
            }
            return;
        }
        match self.head {
            // The record could not be read: then it is followed from here.
            None => self.let_through(recorded, following),
            Some(head) if is_next(head, &recorded) => self.let_through(recorded, following),
            Some(_) if self.has(&recorded) => {}
            Some(_) => {
                self.reading = true;
                self.held.push_back(recorded);
                following.read = true;
            }
        }
    }

    fn let_through(&mut self, recorded: Recorded, following: &mut Following) {
        let epoch = recorded.position.epoch;
        following.forget |= self.head.is_some_and(|head| head.epoch != epoch);
        self.head = Some(recorded.position);
        following.ready.push(recorded);
    }

    /// The record was read, or could not be.
    pub(super) fn fill(&mut self, record: Option<Record>) -> Following {
        let mut following = Following::default();
        self.reading = false;
        let held = std::mem::take(&mut self.held);
        let known = record.as_ref().map(|record| record.head.epoch);
        if let Some(Record { head, kept }) = record {
            // Of an epoch that ended meanwhile: heard, and not gone on from.
            let is_over = |one: &&Recorded| !may_follow(head, one) && !self.has(one);
            following.ready.extend(held.iter().filter(is_over).cloned());
            self.take_record(head, kept, &mut following);
        }
        for recorded in held {
            match known {
                Some(epoch) if epoch == recorded.position.epoch => {
                    self.advance(recorded, &mut following);
                }
                // Nothing was there to be read: nothing better is to be had than what comes.
                None | Some(0) if !self.has(&recorded) => {
                    self.let_through(recorded, &mut following);
                }
                _ => {}
            }
        }
        if std::mem::take(&mut self.overflowed) {
            self.reading = true;
            following.read = true;
        }
        if !self.reading {
            self.waiting.drain(..).for_each(Waker::wake);
        }
        following
    }

    /// Whether it was let through or read before.
    fn has(&self, recorded: &Recorded) -> bool {
        let Position { offset, epoch } = recorded.position;
        self.head
            .is_some_and(|head| head.epoch == epoch && offset <= head.offset)
    }

    fn take_record(&mut self, head: Position, kept: Vec<Recorded>, following: &mut Following) {
        let known = self.head.filter(|known| known.epoch == head.epoch);
        let after = known.map_or(0, |known| known.offset);
        let news = kept.into_iter().filter(|one| one.position.offset > after);
        if self.head.is_none() {
            following.past.extend(news);
        } else {
            following.forget |= known.is_none();
            following.ready.extend(news);
        }
        self.head = Some(match known {
            Some(known) if known.offset > head.offset => known,
            _ => head,
        });
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.waiting.drain(..).for_each(Waker::wake);
    }
}

/// Whether nothing is missing between.
fn is_next(head: Position, recorded: &Recorded) -> bool {
    let step = 1 + u64::from(recorded.after_loss);
    let before = recorded.position.offset.checked_sub(step);
    may_follow(head, recorded) && before == Some(head.offset)
}

/// Whether it is of the epoch of that place, or the record was empty.
fn may_follow(head: Position, recorded: &Recorded) -> bool {
    head.epoch == recorded.position.epoch || head == Position::default()
}

/// Publications of one channel that may wait for its record.
const HELD_MAX: usize = 1000;
