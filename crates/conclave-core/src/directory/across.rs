//! Publications between nodes.
//!
//! A topic has an order of its own on every node: each counts offsets itself, and delivers what
//! its own clients publish at once. What comes from another node is put behind what was there;
//! how many of that node's publications are missing before it, by its [`Place`], is left out of
//! the offsets, so that clients see the gap. A room has one order everywhere, that of its
//! sequence numbers (`line`); so has a topic with history, that which the bus gives (`shared`).

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use conclave_protocol::{Body, Channel, Event, Position, Publication, RoomId, Timestamp, UserId};
use parking_lot::Mutex;

use super::follower::Follower;
use super::line::{Line, Standing};
use super::{Directory, Entry, Origin, Published, Shard, Taken};
use crate::{Arrival, Bus, NodeId, Parcel, Place};

/// What is known of a channel on other nodes.
#[derive(Debug, Default)]
pub(super) struct Abroad {
    pub(super) sent: Option<Sent>,
    peers: Vec<Peer>,
    line: Line,
    pub(super) follower: Follower,
}

/// What this node has published in a topic.
#[derive(Debug)]
pub(super) struct Sent {
    epoch: u64,
    seq: u64,
    pub(super) lost: bool,
    at: Timestamp,
}

/// How far another node's publications have come.
#[derive(Debug)]
struct Peer {
    node: NodeId,
    epoch: u64,
    seq: u64,
}

/// Rooms of which something may be missing, for who reads it from the store.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    state: Mutex<(HashSet<RoomId>, Option<Waker>)>,
}

impl Directory {
    /// The same, on a bus.
    #[must_use]
    pub fn with_bus(self, bus: Arc<dyn Bus>) -> Self {
        Self {
            bus: Some(bus),
            ..self
        }
    }

    /// The way to other nodes, where there are any.
    #[must_use]
    pub fn bus(&self) -> Option<&Arc<dyn Bus>> {
        self.bus.as_ref()
    }

    /// Ready when what other nodes publish in a channel that was subscribed to arrives, and what
    /// the bus keeps of it was read; at once where there are none, or they cannot be reached.
    pub fn poll_reached(&self, channel: &Channel, context: &Context<'_>) -> Poll<()> {
        let Some(bus) = &self.bus else {
            return Poll::Ready(());
        };
        if bus.poll_reached(channel, context).is_pending() {
            return Poll::Pending;
        }
        self.poll_followed(channel, context)
    }

    /// Takes what came from the bus, all but notices. Call it once no inbox is over its mark.
    pub fn arrive(&self, arrival: Arrival) {
        match arrival {
            Arrival::Notice { .. } => {}
            Arrival::Missed => {
                self.doubt_rooms();
                self.doubt_topics();
            }
            Arrival::Publication {
                from,
                channel,
                place,
                at,
                body,
            } if fits(&channel, &body) => {
                let mut shard = self.shard(&channel).lock();
                let Some(entry) = shard.get_mut(&channel) else {
                    return;
                };
                if entry.is_heard() {
                    self.take_in(entry, body, at, (from, place));
                }
            }
            Arrival::Publication { .. } => {}
            Arrival::Recorded { channel, recorded } => self.take_recorded(&channel, recorded),
            Arrival::Record { channel, record } => self.take_record(&channel, record),
            Arrival::Unrecorded { channel } => self.note_loss(&channel),
        }
    }

    /// Moves the rooms of which something may be missing into `rooms`. Pending where there are
    /// none.
    pub fn poll_gaps(&self, context: &Context<'_>, rooms: &mut Vec<RoomId>) -> Poll<()> {
        let mut state = self.gaps.state.lock();
        if state.0.is_empty() {
            state.1 = Some(context.waker().clone());
            return Poll::Pending;
        }
        rooms.extend(state.0.drain());
        Poll::Ready(())
    }

    /// The number of the newest stored event that was let through, where there is a bus; 0 for
    /// none.
    #[must_use]
    pub fn last_number(&self) -> u64 {
        self.last_number.load(Ordering::Relaxed)
    }

    /// The users whose feeds are heard here.
    pub(crate) fn feeds(&self) -> Vec<UserId> {
        let mut users = Vec::new();
        for shard in &self.shards {
            let shard = shard.lock();
            let heard = shard.values().filter(|entry| entry.is_heard());
            users.extend(heard.filter_map(|entry| match &*entry.channel {
                Channel::User(user) => Some(user.clone()),
                Channel::Broadcast
                | Channel::Own { .. }
                | Channel::Room(_)
                | Channel::System
                | Channel::Topic { .. }
                | Channel::Watch(_) => None,
            }));
        }
        users
    }

    /// Publishes on a node that has a bus.
    pub(super) fn publish_across(
        &self,
        bus: &dyn Bus,
        channel: Channel,
        body: Body,
        taken: Taken,
    ) -> Published {
        if self.is_shared(&channel) {
            return self.publish_shared(bus, channel, body, taken);
        }
        let Taken { at, from } = taken;
        let mut shard = self.shard(&channel).lock();
        let history = self.history_of_new(&shard, &channel);
        let counts = matches!(channel, Channel::Broadcast | Channel::Topic { .. });
        if history.is_none() && !shard.contains_key(&channel) && !(counts && self.may_count()) {
            let alone = Publication::new(channel.into(), Position::default(), at, body, 0);
            bus.publish(Parcel {
                publication: Arc::new(alone),
                place: Place::NONE,
            });
            return Published {
                here: false,
                workers: 0,
            };
        }
        let entry = self.entry(&mut shard, channel, history);
        if let (Channel::Room(_), Body::Event(event)) = (&*entry.channel, &body)
            && event.seq > 0
        {
            let event = Arc::clone(event);
            return self.publish_stored(bus, entry, event, from);
        }
        let publication = entry.publication(body, at, from.connection);
        let place = if counts {
            self.next_place(entry, at)
        } else {
            Place::NONE
        };
        let sent = bus.publish(Parcel {
            publication: Arc::clone(&publication),
            place,
        });
        if let Some(own) = entry.abroad.as_mut().and_then(|a| a.sent.as_mut()) {
            own.lost = !sent;
        }
        self.deliver(entry, publication, from.worker)
    }

    /// An event that this node has stored: told to the others, and here put in its place.
    fn publish_stored(
        &self,
        bus: &dyn Bus,
        entry: &mut Entry,
        event: Arc<Event>,
        from: Origin,
    ) -> Published {
        let position = Position {
            offset: event.seq,
            epoch: 0,
        };
        let (channel, body) = (Arc::clone(&entry.channel), Body::Event(Arc::clone(&event)));
        let publication = Arc::new(Publication::new(channel, position, event.at, body, 0));
        // What is lost here, the others read from the store once they miss it.
        bus.publish(Parcel {
            publication,
            place: Place::NONE,
        });
        self.take_stored(entry, event, from)
    }

    fn take_in(&self, entry: &mut Entry, body: Body, at: Timestamp, by: (NodeId, Place)) {
        if let (Channel::Room(_), Body::Event(event)) = (&*entry.channel, &body)
            && event.seq > 0
        {
            let event = Arc::clone(event);
            self.take_stored(entry, event, Origin::default());
            return;
        }
        if matches!(*entry.channel, Channel::Broadcast | Channel::Topic { .. }) {
            let Some(missing) = entry.abroad().judge(by.0, by.1) else {
                return;
            };
            entry.offset = entry.offset.saturating_add(missing);
        }
        let publication = if self.is_shared(&entry.channel) {
            // Of a node that is set to keep no history.
            entry.unplaced(body, at, 0)
        } else {
            entry.publication(body, at, 0)
        };
        self.deliver(entry, publication, usize::MAX);
    }

    fn take_stored(&self, entry: &mut Entry, event: Arc<Event>, from: Origin) -> Published {
        let mut published = Published {
            here: false,
            workers: 0,
        };
        if !entry.is_heard() {
            return published;
        }
        let ready = entry.abroad().line.take(event, from);
        for (event, from) in ready {
            published = self.let_through(entry, event, from);
        }
        self.note_gap(entry);
        published
    }

    fn let_through(&self, entry: &mut Entry, event: Arc<Event>, from: Origin) -> Published {
        self.last_number.fetch_max(event.number, Ordering::Relaxed);
        let at = event.at;
        let publication = entry.publication(Body::Event(event), at, from.connection);
        self.deliver(entry, publication, from.worker)
    }

    fn note_gap(&self, entry: &Entry) {
        let standing = entry.abroad.as_ref().map(|abroad| abroad.line.standing());
        if let (Channel::Room(room), Some(Standing::Missing(_) | Standing::Unopened)) =
            (&*entry.channel, standing)
        {
            self.gaps.add(room);
        }
    }

    /// Of a channel that gets its first subscriber.
    pub(super) fn reach_out(&self, bus: &dyn Bus, entry: &mut Entry) {
        bus.subscribe(&entry.channel);
        if let Channel::Room(_) = &*entry.channel {
            entry.abroad().line = Line::default();
            self.note_gap(entry);
        }
        if self.is_shared(&entry.channel) {
            entry.follow(bus);
        }
    }

    /// How a room's line stands; `None` where nobody here hears the room.
    pub(crate) fn standing(&self, room: &Channel) -> Option<Standing> {
        let shard = self.shard(room).lock();
        let entry = shard.get(room).filter(|entry| entry.is_heard())?;
        entry.abroad.as_ref().map(|abroad| abroad.line.standing())
    }

    /// Says where a room's line begins, unless that is known.
    pub(crate) fn open_line(&self, room: &Channel, head: u64) {
        self.with_line(room, |line| line.open(head));
    }

    /// What is missing is about to be read: what is missed from now on is to be asked for again.
    pub(crate) fn trust_line(&self, room: &Channel) {
        self.with_line(room, |line| {
            line.trust();
            Vec::new()
        });
    }

    /// What was to be read could not be: it is missing still.
    pub(crate) fn doubt_line(&self, room: &Channel) {
        self.with_line(room, |line| {
            line.doubt();
            Vec::new()
        });
    }

    /// Puts a stored event that was missed in its place.
    pub(crate) fn fill_line(&self, room: &Channel, event: Arc<Event>) {
        self.with_line(room, |line| line.fill(event));
    }

    /// Ends a room that the store does not know any more: `ended` where nothing says so yet.
    pub(crate) fn end_line(&self, room: &Channel, ended: impl FnOnce(u64) -> Arc<Event>) {
        self.with_line(room, |line| {
            let known = match line.standing() {
                Standing::Missing(heard) | Standing::Whole(heard) => Some(heard),
                Standing::Unopened => None,
            };
            let mut left = line.end();
            let said = left
                .last()
                .is_some_and(|(last, _)| last.kind.ends_hearing());
            if let (false, Some(heard)) = (said, known) {
                let before = left.last().map_or(heard, |(last, _)| last.seq);
                left.push((ended(before.saturating_add(1)), Origin::default()));
            }
            left
        });
    }

    fn with_line(&self, room: &Channel, act: impl FnOnce(&mut Line) -> Vec<(Arc<Event>, Origin)>) {
        let mut shard = self.shard(room).lock();
        let Some(entry) = shard.get_mut(room).filter(|entry| entry.is_heard()) else {
            return;
        };
        for (event, from) in act(&mut entry.abroad().line) {
            self.let_through(entry, event, from);
        }
    }

    /// Of every room that is heard something may have been missed: all are to be read.
    pub fn doubt_rooms(&self) {
        for shard in &self.shards {
            let mut shard: parking_lot::MutexGuard<'_, Shard> = shard.lock();
            for entry in shard.values_mut().filter(|entry| entry.is_heard()) {
                if let Channel::Room(_) = &*entry.channel {
                    entry.abroad().line.doubt();
                    self.note_gap(entry);
                }
            }
        }
    }

    /// Of every topic that is heard something may have been missed: what the bus keeps is read, and
    /// of the others nobody knows how much: a gap of one.
    fn doubt_topics(&self) {
        for shard in &self.shards {
            let mut shard: parking_lot::MutexGuard<'_, Shard> = shard.lock();
            for entry in shard.values_mut() {
                if self.is_shared(&entry.channel) {
                    self.doubt_shared(entry);
                } else if entry.is_heard()
                    && let Channel::Broadcast | Channel::Topic { .. } = &*entry.channel
                {
                    entry.offset = entry.offset.saturating_add(1);
                }
            }
        }
    }

    /// Whether there is room to count what is published in another channel. Where there is
    /// none, its losses stay unseen.
    pub(super) fn may_count(&self) -> bool {
        self.counted.load(Ordering::Relaxed) < COUNTED_MAX
    }

    pub(super) fn next_place(&self, entry: &mut Entry, at: Timestamp) -> Place {
        if entry.abroad().sent.is_none() {
            let take = |counted| (counted < COUNTED_MAX).then_some(counted + 1);
            let relaxed = Ordering::Relaxed;
            if self.counted.fetch_update(relaxed, relaxed, take).is_err() {
                return Place::NONE;
            }
            let epoch = self.next_epoch.fetch_add(1, relaxed);
            entry.abroad().sent = Some(Sent {
                epoch,
                seq: 0,
                lost: false,
                at,
            });
        }
        entry.abroad().sent.as_mut().map_or(Place::NONE, |sent| {
            sent.seq = sent.seq.saturating_add(1);
            sent.at = at;
            Place {
                epoch: sent.epoch,
                seq: sent.seq,
                after_loss: sent.lost,
            }
        })
    }

    /// Forgets how much this node has published in a topic, where that is long ago.
    pub(super) fn stop_counting(&self, entry: &mut Entry, now: Timestamp) {
        let Some(abroad) = &mut entry.abroad else {
            return;
        };
        let is_old = |sent: &mut Sent| sent.at.plus(COUNTED_FOR) < now;
        if abroad.sent.take_if(is_old).is_some() {
            self.counted.fetch_sub(1, Ordering::Relaxed);
        }
        if abroad.sent.is_none() && !entry.is_heard() {
            entry.abroad = None;
        }
    }
}

impl Entry {
    /// Of a channel that has lost its last subscriber.
    pub(super) fn draw_back(&mut self, bus: &dyn Bus) {
        bus.unsubscribe(&self.channel);
        if let Some(abroad) = &mut self.abroad {
            abroad.peers.clear();
            abroad.line = Line::default();
            if std::mem::take(&mut abroad.follower).head().is_some()
                && let Some(history) = &mut self.history
            {
                history.publications = VecDeque::new();
            }
        }
        if self.abroad.as_ref().is_some_and(|a| a.sent.is_none()) {
            self.abroad = None;
        }
    }

    pub(super) fn abroad(&mut self) -> &mut Abroad {
        self.abroad.get_or_insert_default()
    }
}

impl Abroad {
    /// How many publications of that node are missing before this one; `None` where this one
    /// came before.
    fn judge(&mut self, node: NodeId, place: Place) -> Option<u64> {
        if place.seq == 0 {
            return Some(0);
        }
        let Some(peer) = self.peers.iter_mut().find(|peer| peer.node == node) else {
            if self.peers.len() >= PEERS_MAX {
                self.peers.remove(0);
            }
            self.peers.push(Peer {
                node,
                epoch: place.epoch,
                seq: place.seq,
            });
            return Some(u64::from(place.after_loss));
        };
        let before = match place.epoch.cmp(&peer.epoch) {
            std::cmp::Ordering::Less => return None,
            std::cmp::Ordering::Equal => peer.seq,
            std::cmp::Ordering::Greater => 0,
        };
        let missing = place.seq.checked_sub(before.checked_add(1)?)?;
        peer.epoch = place.epoch;
        peer.seq = place.seq;
        Some(missing)
    }
}

impl Gaps {
    fn add(&self, room: &RoomId) {
        let mut state = self.state.lock();
        if !state.0.contains(room) {
            state.0.insert(room.clone());
        }
        if let Some(waker) = state.1.take() {
            waker.wake();
        }
    }
}

/// Whether a body belongs into a channel; another node could be of another make.
pub(super) const fn fits(channel: &Channel, body: &Body) -> bool {
    matches!(
        (channel, body),
        (Channel::Broadcast, Body::Broadcast { .. })
            | (Channel::Topic { .. }, Body::Topic(_))
            | (
                Channel::Own { .. } | Channel::Room(_) | Channel::System | Channel::User(_),
                Body::Event(_)
            )
    )
}

/// Topics of which this node counts what it publishes.
const COUNTED_MAX: usize = 100_000;
/// How long after the last publication it goes on counting.
const COUNTED_FOR: Duration = Duration::from_secs(300);
/// Nodes whose publications in one topic are counted.
const PEERS_MAX: usize = 64;
