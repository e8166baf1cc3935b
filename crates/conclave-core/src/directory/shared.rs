//! Topics with history on a bus: the bus gives their order, and every node, the publishing one
//! too, delivers what it sends back.
//!
//! What is kept here of such a topic is what the bus keeps, for as long as somebody here hears
//! it. While the bus is away a publication goes to this node's subscribers alone, without a place;
//! the next one that the bus takes leaves a place free for it, so that all see the gap.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};

use conclave_protocol::{Body, Channel, Position, Publication, Timestamp};

use super::across::fits;
use super::follower::Following;
use super::{Directory, Entry, Published, Taken};
use crate::{Bus, Keeping, Parcel, Record, Recorded};

/// Keeps a channel asked for while a subscription waits for what the bus keeps of it.
#[derive(Debug)]
pub struct Reaching {
    directory: Arc<Directory>,
    channel: Arc<Channel>,
    worker: usize,
}

impl Reaching {
    pub(crate) fn begin(directory: &Arc<Directory>, channel: Channel, worker: usize) -> Self {
        let channel = directory.subscribe(channel, worker, None).channel;
        Self {
            directory: Arc::clone(directory),
            channel,
            worker,
        }
    }

    /// Ready when a subscription can be answered; at once where the bus is away.
    pub fn poll_reached(&self, context: &Context<'_>) -> Poll<()> {
        self.directory.poll_reached(&self.channel, context)
    }
}

impl Drop for Reaching {
    fn drop(&mut self) {
        self.directory.unsubscribe(&self.channel, self.worker);
    }
}

impl Directory {
    /// Whether the bus keeps history of a channel.
    pub(crate) fn is_shared(&self, channel: &Channel) -> bool {
        let keeps = self.history.messages > 0 && matches!(channel, Channel::Topic { .. });
        keeps && self.bus.is_some()
    }

    /// Whether a subscription can be answered at once: the bus keeps nothing of the channel, or
    /// what it keeps is known here.
    pub(crate) fn is_followed(&self, channel: &Channel) -> bool {
        if !self.is_shared(channel) {
            return true;
        }
        let shard = self.shard(channel).lock();
        let entry = shard.get(channel).filter(|entry| entry.is_heard());
        let abroad = entry.and_then(|entry| entry.abroad.as_ref());
        abroad.is_some_and(|abroad| !abroad.follower.is_reading())
    }

    pub(super) fn poll_followed(&self, channel: &Channel, context: &Context<'_>) -> Poll<()> {
        if !self.is_shared(channel) {
            return Poll::Ready(());
        }
        let mut shard = self.shard(channel).lock();
        let entry = shard.get_mut(channel).filter(|entry| entry.is_heard());
        let abroad = entry.and_then(|entry| entry.abroad.as_mut());
        abroad.map_or(Poll::Ready(()), |abroad| abroad.follower.poll_read(context))
    }

    /// Publishes in a topic that the bus keeps history of.
    pub(super) fn publish_shared(
        &self,
        bus: &dyn Bus,
        channel: Channel,
        body: Body,
        taken: Taken,
    ) -> Published {
        let Taken { at, from } = taken;
        let mut shard = self.shard(&channel).lock();
        let history = self.history_of_new(&shard, &channel);
        if history.is_none() && !shard.contains_key(&channel) && !self.may_count() {
            let alone = Publication::new(channel.into(), Position::default(), at, body, 0);
            bus.record(Parcel::new(alone), self.keeping(false));
            return Published {
                here: false,
                workers: 0,
            };
        }
        let entry = self.entry(&mut shard, channel, history);
        let place = self.next_place(entry, at);
        let none = Position::default();
        let given = Publication::new(Arc::clone(&entry.channel), none, at, body.clone(), 0);
        let mut parcel = Parcel::new(given);
        parcel.place.after_loss = place.after_loss;
        let sent = bus.record(parcel, self.keeping(entry.history.is_some()));
        if let Some(own) = entry.abroad().sent.as_mut() {
            own.lost = !sent;
        }
        if sent {
            // It is delivered when the bus has given it its place.
            return Published {
                here: false,
                workers: 0,
            };
        }
        let publication = entry.unplaced(body, at, from.connection);
        self.deliver(entry, publication, from.worker)
    }

    fn keeping(&self, has_room: bool) -> Keeping {
        let seconds = u32::try_from(self.history.millis / 1000).unwrap_or(u32::MAX);
        Keeping {
            messages: if has_room { self.history.messages } else { 0 },
            seconds,
        }
    }

    /// Takes a publication that the bus has given its place.
    pub(super) fn take_recorded(&self, channel: &Channel, recorded: Recorded) {
        if !fits(channel, &recorded.body) {
            return;
        }
        self.follow(channel, |entry| entry.abroad().follower.take(recorded));
    }

    /// Takes what the bus keeps of a channel.
    pub(super) fn take_record(&self, channel: &Channel, record: Option<Record>) {
        let record = record.map(|mut record| {
            record.kept.retain(|kept| fits(channel, &kept.body));
            record
        });
        self.follow(channel, |entry| entry.abroad().follower.fill(record));
    }

    fn follow(&self, channel: &Channel, act: impl FnOnce(&mut Entry) -> Following) {
        let Some(bus) = self.bus.as_ref().filter(|_| self.is_shared(channel)) else {
            return;
        };
        let mut shard = self.shard(channel).lock();
        let Some(entry) = shard.get_mut(channel).filter(|entry| entry.is_heard()) else {
            return;
        };
        let Following {
            forget,
            past,
            ready,
            read,
        } = act(entry);
        if let Some(history) = entry.history.as_mut().filter(|_| forget) {
            history.publications = VecDeque::new();
        }
        for recorded in past {
            let publication = entry.recorded(recorded);
            if let Some(history) = &mut entry.history {
                history.push(publication, &self.history);
            }
        }
        let epoch = entry.shared_head().map(|head| head.epoch);
        for recorded in ready {
            let is_kept = Some(recorded.position.epoch) == epoch;
            let publication = entry.recorded(recorded);
            if is_kept {
                self.deliver(entry, publication, usize::MAX);
            } else {
                self.hand_out(entry, &publication, usize::MAX);
            }
        }
        if read {
            entry.follow(&**bus);
        }
    }

    /// Something that this node gave to a record was lost.
    pub(super) fn note_loss(&self, channel: &Channel) {
        let mut shard = self.shard(channel).lock();
        let abroad = shard.get_mut(channel).and_then(|e| e.abroad.as_mut());
        if let Some(sent) = abroad.and_then(|abroad| abroad.sent.as_mut()) {
            sent.lost = true;
        }
    }

    /// What was on its way here may be lost. What was on its way out, the bus says by itself.
    pub(super) fn doubt_shared(&self, entry: &mut Entry) {
        if let Some(bus) = self.bus.as_ref().filter(|_| entry.is_heard()) {
            entry.follow(&**bus);
        }
    }
}

impl Entry {
    /// The newest place of a topic that the bus keeps history of, as far as it is known here.
    pub(super) fn shared_head(&self) -> Option<Position> {
        self.abroad.as_ref()?.follower.head()
    }

    /// Reads what the bus keeps, from where this node is.
    pub(super) fn follow(&mut self, bus: &dyn Bus) {
        let follower = &mut self.abroad().follower;
        follower.begin_reading();
        let head = follower.head();
        bus.read_record(&self.channel, head);
    }

    fn recorded(&mut self, recorded: Recorded) -> Arc<Publication> {
        let Recorded {
            position, at, body, ..
        } = recorded;
        let (channel, place) = self.next();
        Arc::new(Publication::new(channel, place, at, body, 0).shown_at(position))
    }

    /// One for this node's own subscribers, that clients see without a place.
    pub(super) fn unplaced(&mut self, body: Body, at: Timestamp, origin: u64) -> Arc<Publication> {
        let (channel, place) = self.next();
        let shown = Position {
            offset: 0,
            epoch: place.epoch,
        };
        Arc::new(Publication::new(channel, place, at, body, origin).shown_at(shown))
    }

    fn next(&mut self) -> (Arc<Channel>, Position) {
        self.offset = self.offset.saturating_add(1);
        let place = Position {
            offset: self.offset,
            epoch: self.epoch,
        };
        (Arc::clone(&self.channel), place)
    }
}
