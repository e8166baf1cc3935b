//! Which workers have subscribers of a channel, and the order of its publications.
//!
//! A publication takes its offset and enters all inboxes under its shard's lock, and a
//! subscription reads its start under the same lock: so all workers see one order, and every
//! publication after an answered subscription arrives. Lock order: shard, then inbox or bus.
//!
//! Reading order: this file is one node; `across` is what changes with a bus, `line` the order
//! of a room's events there, `shared` and `follower` the topics that the bus keeps history of,
//! `survey` what there is.

mod across;
mod follower;
mod line;
mod shared;
mod survey;

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use conclave_protocol::{Body, Channel, Limits, Position, Publication, Timestamp};
use parking_lot::Mutex;

use crate::{Bus, Inbox};
use across::{Abroad, Gaps};
pub(crate) use line::Standing;
pub use shared::Reaching;

/// All channels of this node that have subscribers or history.
#[derive(Debug)]
pub struct Directory {
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
    inboxes: Box<[Inbox]>,
    next_epoch: AtomicU64,
    kept: AtomicUsize,
    history: HistoryBounds,
    /// The way to other nodes, where there are any.
    bus: Option<Arc<dyn Bus>>,
    gaps: Gaps,
    /// Topics of which it is counted what this node publishes.
    counted: AtomicUsize,
    /// The highest [`conclave_protocol::Event::number`] that was let through, where there is a bus.
    last_number: AtomicU64,
}

/// What became of a publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// Whether the inbox of the asked worker got it.
    pub here: bool,
    /// How many workers got it.
    pub workers: usize,
}

/// What a new subscriber starts from. Only the services of topics and rooms make one, so that a
/// hub's members have all been authorised.
#[derive(Debug)]
#[non_exhaustive]
pub struct Subscribed {
    /// The shared name of the channel.
    pub channel: Arc<Channel>,
    /// The newest position; everything after it will be delivered.
    pub position: Position,
    /// The same as clients know it.
    pub shown: Position,
    /// What was asked for by `since` and is still kept, oldest first.
    pub replay: Vec<Arc<Publication>>,
    /// Whether something asked for is no longer kept.
    pub gap: bool,
}

impl Directory {
    /// For `workers` workers. `first_epoch` is a number that no earlier start used, such as the
    /// milliseconds since 1970.
    #[must_use]
    pub fn new(workers: usize, limits: &Limits, first_epoch: u64) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            inboxes: (0..workers)
                .map(|_| Inbox::new(limits.inbox_bytes))
                .collect(),
            next_epoch: AtomicU64::new(first_epoch),
            kept: AtomicUsize::new(0),
            history: HistoryBounds {
                topics: limits.history_topics,
                messages: limits.history_messages,
                millis: u64::from(limits.history_seconds) * 1000,
            },
            bus: None,
            gaps: Gaps::default(),
            counted: AtomicUsize::new(0),
            last_number: AtomicU64::new(0),
        }
    }

    /// The queue of one worker.
    #[must_use]
    pub fn inbox(&self, worker: usize) -> Option<&Inbox> {
        self.inboxes.get(worker)
    }

    /// How many workers there are.
    #[must_use]
    pub const fn workers(&self) -> usize {
        self.inboxes.len()
    }

    /// How many channels have subscribers or history.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    /// Ready when no inbox is over its mark: a publisher is not read before.
    pub fn poll_clear(&self, context: &Context<'_>) -> Poll<()> {
        for inbox in &self.inboxes {
            if inbox.poll_clear(context).is_pending() {
                return Poll::Pending;
            }
        }
        Poll::Ready(())
    }

    /// Whether any inbox is over its mark.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.inboxes.iter().any(Inbox::is_over)
    }

    /// The workers that have subscribers of a channel.
    #[must_use]
    pub fn workers_of(&self, channel: &Channel) -> Vec<usize> {
        let shard = self.shard(channel).lock();
        shard.get(channel).map_or_else(Vec::new, |entry| {
            let held = entry
                .subscribers
                .iter()
                .enumerate()
                .filter(|(_, count)| **count > 0);
            held.map(|(worker, _)| worker).collect()
        })
    }

    pub(crate) fn publish(
        &self,
        channel: Channel,
        body: Body,
        at: Timestamp,
        from: Origin,
    ) -> Published {
        if let Some(bus) = &self.bus {
            return self.publish_across(&**bus, channel, body, Taken { at, from });
        }
        self.publish_here(channel, body, at, from)
    }

    /// Publishes to this node's subscribers alone.
    pub(crate) fn publish_here(
        &self,
        channel: Channel,
        body: Body,
        at: Timestamp,
        from: Origin,
    ) -> Published {
        let mut shard = self.shard(&channel).lock();
        let history = self.history_of_new(&shard, &channel);
        if history.is_none() && !shard.contains_key(&channel) {
            return Published {
                here: false,
                workers: 0,
            };
        }
        let entry = self.entry(&mut shard, channel, history);
        let publication = entry.publication(body, at, from.connection);
        self.deliver(entry, publication, from.worker)
    }

    /// Gives a publication to every worker with subscribers, and to the history.
    fn deliver(
        &self,
        entry: &mut Entry,
        publication: Arc<Publication>,
        worker: usize,
    ) -> Published {
        let published = self.hand_out(entry, &publication, worker);
        if let Some(history) = &mut entry.history
            && publication.shown.offset > 0
        {
            history.push(publication, &self.history);
        }
        published
    }

    /// Gives a publication to every worker with subscribers.
    fn hand_out(&self, entry: &Entry, publication: &Arc<Publication>, worker: usize) -> Published {
        let mut workers = 0;
        for (inbox, count) in self.inboxes.iter().zip(&entry.subscribers) {
            if *count > 0 {
                inbox.push(Arc::clone(publication));
                workers += 1;
            }
        }
        let here = entry
            .subscribers
            .get(worker)
            .is_some_and(|count| *count > 0);
        Published { here, workers }
    }

    pub(crate) fn subscribe(
        &self,
        channel: Channel,
        worker: usize,
        since: Option<Position>,
    ) -> Subscribed {
        let mut shard = self.shard(&channel).lock();
        let history = self.history_of_new(&shard, &channel);
        let entry = self.entry(&mut shard, channel, history);
        if let Some(bus) = &self.bus
            && !entry.is_heard()
            && !entry.is_of_this_node()
        {
            self.reach_out(&**bus, entry);
        }
        if let Some(count) = entry.subscribers.get_mut(worker) {
            *count += 1;
        }
        let position = Position {
            offset: entry.offset,
            epoch: entry.epoch,
        };
        let newest = if self.is_shared(&entry.channel) {
            entry.shared_head()
        } else {
            Some(position)
        };
        let replay = |since| entry.replay(since, newest);
        let (replay, gap) = since.map_or((Vec::new(), false), replay);
        Subscribed {
            channel: Arc::clone(&entry.channel),
            position,
            shown: newest.unwrap_or_default(),
            replay,
            gap,
        }
    }

    /// Counts a subscriber of a room or feed. What happened before is for the store to tell, so
    /// that the start is 0: all that is still on its way is delivered.
    pub(crate) fn hear(&self, channel: Channel, worker: usize) -> Subscribed {
        let mut subscribed = self.subscribe(channel, worker, None);
        subscribed.position.offset = 0;
        subscribed
    }

    /// Takes back one subscription of a worker. Only the hub calls it, when a membership ends.
    pub(crate) fn unsubscribe(&self, channel: &Channel, worker: usize) {
        let mut shard = self.shard(channel).lock();
        let Some(entry) = shard.get_mut(channel) else {
            return;
        };
        if let Some(count) = entry.subscribers.get_mut(worker) {
            *count = count.saturating_sub(1);
        }
        if let Some(bus) = &self.bus
            && !entry.is_heard()
            && !entry.is_of_this_node()
        {
            entry.draw_back(&**bus);
        }
        if entry.is_idle() {
            shard.remove(channel);
        }
    }

    /// Forgets history that is too old. Called now and then.
    pub fn expire(&self, now: Timestamp) {
        for shard in &self.shards {
            shard.lock().retain(|_, entry| {
                self.stop_counting(entry, now);
                let Some(history) = &mut entry.history else {
                    return !entry.is_idle();
                };
                history.expire(now, self.history.millis);
                if history.publications.is_empty() && !entry.is_heard() && entry.abroad.is_none() {
                    self.kept.fetch_sub(1, Ordering::Relaxed);
                    return false;
                }
                true
            });
        }
    }

    fn shard(&self, channel: &Channel) -> &Mutex<Shard> {
        let hash = usize::try_from(self.hasher.hash_one(channel) % SHARDS as u64).unwrap_or(0);
        #[expect(
            clippy::indexing_slicing,
            reason = "the hash is taken modulo the length"
        )]
        let shard = &self.shards[hash];
        shard
    }

    /// Room for the history of a channel that has no entry yet: one of the `topics` places,
    /// taken here so that two shards cannot both take the last. `None` where there is none left,
    /// or nothing new to keep.
    fn history_of_new(&self, shard: &Shard, channel: &Channel) -> Option<Box<History>> {
        let keeps = match channel {
            Channel::Broadcast
            | Channel::Own { .. }
            | Channel::Room(_)
            | Channel::System
            | Channel::User(_)
            | Channel::Watch(_) => false,
            Channel::Topic { .. } => self.history.messages > 0,
        };
        if !keeps || shard.contains_key(channel) {
            return None;
        }
        let take = |kept| (kept < self.history.topics).then_some(kept + 1);
        self.kept
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
            .ok()
            .map(|_| Box::default())
    }

    fn entry<'a>(
        &self,
        shard: &'a mut Shard,
        channel: Channel,
        history: Option<Box<History>>,
    ) -> &'a mut Entry {
        let channel = shard
            .get(&channel)
            .map_or_else(|| Arc::new(channel), |e| Arc::clone(&e.channel));
        shard.entry(Arc::clone(&channel)).or_insert_with(|| Entry {
            channel,
            offset: 0,
            epoch: self.next_epoch.fetch_add(1, Ordering::Relaxed),
            subscribers: vec![0; self.inboxes.len()].into(),
            history,
            abroad: None,
        })
    }
}

/// Where a publication comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The connection, as the server numbers them; 0 for none.
    pub connection: u64,
    /// Its worker.
    pub worker: usize,
}

/// When a publication was taken, and from whom.
#[derive(Clone, Copy, Debug)]
struct Taken {
    at: Timestamp,
    from: Origin,
}

type Shard = HashMap<Arc<Channel>, Entry>;

#[derive(Debug)]
struct Entry {
    channel: Arc<Channel>,
    offset: u64,
    epoch: u64,
    /// How many connections of each worker.
    subscribers: Box<[u32]>,
    history: Option<Box<History>>,
    /// What is known of it on other nodes, where there are any.
    abroad: Option<Box<Abroad>>,
}

impl Entry {
    fn is_idle(&self) -> bool {
        self.history.is_none() && self.abroad.is_none() && !self.is_heard()
    }

    /// Whether no other node says anything there.
    fn is_of_this_node(&self) -> bool {
        matches!(*self.channel, Channel::Watch(_))
    }

    fn is_heard(&self) -> bool {
        self.subscribers.iter().any(|count| *count > 0)
    }

    /// The next publication of the channel.
    fn publication(&mut self, body: Body, at: Timestamp, origin: u64) -> Arc<Publication> {
        // A stored event brings its place along; one that is not stored has none.
        let offset = match &body {
            Body::Event(event) => event.seq,
            Body::Broadcast { .. } | Body::Topic(_) | Body::Wallet(_) => {
                self.offset.saturating_add(1)
            }
        };
        self.offset = self.offset.max(offset);
        let position = Position {
            offset,
            epoch: self.epoch,
        };
        let channel = Arc::clone(&self.channel);
        Arc::new(Publication::new(channel, position, at, body, origin))
    }

    /// What is kept after `since`, and whether something between is not; `newest` is unknown where
    /// the bus is away.
    fn replay(&self, since: Position, newest: Option<Position>) -> (Vec<Arc<Publication>>, bool) {
        let newest = newest.filter(|newest| newest.epoch == since.epoch);
        let missed = newest.and_then(|newest| newest.offset.checked_sub(since.offset));
        let Some(missed) = missed else {
            let all = self
                .history
                .as_ref()
                .map_or_else(Vec::new, |h| h.publications.iter().cloned().collect());
            return (all, true);
        };
        let after = |publication: &&Arc<Publication>| publication.shown.offset > since.offset;
        let kept: Vec<_> = self.history.as_ref().map_or_else(Vec::new, |history| {
            history.publications.iter().filter(after).cloned().collect()
        });
        let gap = (kept.len() as u64) < missed;
        (kept, gap)
    }
}

#[derive(Debug)]
struct HistoryBounds {
    topics: usize,
    messages: usize,
    millis: u64,
}

#[derive(Debug, Default)]
struct History {
    publications: VecDeque<Arc<Publication>>,
}

impl History {
    fn push(&mut self, publication: Arc<Publication>, bounds: &HistoryBounds) {
        self.expire(publication.at, bounds.millis);
        while self.publications.len() >= bounds.messages.max(1) {
            self.publications.pop_front();
        }
        self.publications.push_back(publication);
    }

    fn expire(&mut self, now: Timestamp, millis: u64) {
        let old = |p: &Arc<Publication>| p.at.millis().saturating_add(millis) < now.millis();
        while self.publications.front().is_some_and(old) {
            self.publications.pop_front();
        }
    }
}

const SHARDS: usize = 64;
