//! What a connection of a surface of rooms holds back, and lets go: publications of rooms whose
//! past is being read, and what a command caused until its answer is written.

use std::cell::RefMut;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use conclave_core::{Batch, Member};
use conclave_protocol::{
    Body, Channel, CloseMeaning, Event, EventKind, Publication, RoomId, UserId,
};
use conclave_websocket::encode;

use super::answer::Answer;
use super::connection::{Connection, Surface};
use super::fan_out::{frame, opcode};
use super::hearing::RoomSide;
use super::told::part_of;
use crate::metrics::Counter;

/// Publications that wait. Nearly always there are none, and then it is eight bytes.
#[derive(Default)]
pub(super) struct Holding(Option<Box<Waiting>>);

/// By their channels. Bounded by `limits.outbox_bytes`, all channels together.
#[derive(Default)]
struct Waiting {
    channels: HashMap<Arc<Channel>, Held>,
    /// As publications weigh.
    bytes: usize,
}

/// A channel's publications that wait.
struct Held {
    publications: VecDeque<Arc<Publication>>,
    until: Until,
}

/// Until when a channel's publications wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// The answer to the command that caused the first of them is written.
    Answered,
    /// The room's history is written, as a follower asked for it.
    Caught,
    /// What a client that has just said who it is missed is written, of all its rooms.
    Connected,
}

/// What is left of a channel's publications that wait.
enum Left {
    /// More than is written at once.
    Much,
    /// They may be held no longer.
    Nothing,
    /// The right to hear it has ended, and what was held is forgotten. It may be heard anew
    /// already.
    Ended,
}

impl Holding {
    /// Holds what arrives in a channel, from now on.
    pub(super) fn begin(&mut self, channel: Arc<Channel>, until: Until) {
        let waiting = self.0.get_or_insert_default();
        waiting.channels.entry(channel).or_insert_with(|| Held {
            publications: VecDeque::new(),
            until,
        });
    }

    /// Whether what arrives in a channel is held.
    fn holds(&self, channel: &Channel) -> bool {
        let waiting = self.0.as_ref();
        waiting.is_some_and(|waiting| waiting.channels.contains_key(channel))
    }

    /// Holds publications of a channel that is held; how many bytes there are of all channels.
    fn push<'a>(
        &mut self,
        channel: &Channel,
        publications: impl Iterator<Item = &'a Arc<Publication>>,
    ) -> usize {
        let Some(Waiting { channels, bytes }) = self.0.as_deref_mut() else {
            return 0;
        };
        if let Some(held) = channels.get_mut(channel) {
            for publication in publications {
                *bytes += publication.weight();
                held.publications.push_back(Arc::clone(publication));
            }
        }
        *bytes
    }

    fn next_of(&mut self, channel: &Channel) -> Option<Arc<Publication>> {
        let Waiting { channels, bytes } = self.0.as_deref_mut()?;
        let publication = channels.get_mut(channel)?.publications.pop_front()?;
        *bytes = bytes.saturating_sub(publication.weight());
        Some(publication)
    }

    /// Forgets what is held of these channels, and holds no more of them.
    pub(super) fn end(&mut self, ended: &[Arc<Channel>]) {
        let Some(Waiting { channels, bytes }) = self.0.as_deref_mut() else {
            return;
        };
        for channel in ended {
            let Some(held) = channels.remove(channel) else {
                continue;
            };
            let weights = held.publications.iter().map(|held| held.weight());
            *bytes = bytes.saturating_sub(weights.sum());
        }
        if channels.is_empty() {
            self.0 = None;
        }
    }

    /// Those of a room that are held, the room itself first: what is said of a message comes
    /// after it.
    pub(super) fn of_room(&self, room: &RoomId, user: Option<&UserId>) -> Vec<Arc<Channel>> {
        let Some(waiting) = &self.0 else {
            return Vec::new();
        };
        let own = user.map(|user| Channel::Own {
            room: room.clone(),
            user: user.clone(),
        });
        let known = [Some(Channel::Room(room.clone())), own];
        let held = known.iter().flatten();
        let held = held.filter_map(|channel| waiting.channels.get_key_value(channel));
        held.map(|(channel, _)| Arc::clone(channel)).collect()
    }

    /// The rooms that are held for this reason.
    pub(super) fn rooms(&self, until: Until) -> impl Iterator<Item = &RoomId> {
        self.iter()
            .filter_map(move |(channel, held)| match &**channel {
                Channel::Room(room) if held.until == until => Some(room),
                Channel::Broadcast
                | Channel::Own { .. }
                | Channel::Room(_)
                | Channel::System
                | Channel::Topic { .. }
                | Channel::User(_)
                | Channel::Watch(_) => None,
            })
    }

    fn until(&self, until: Until) -> Vec<Arc<Channel>> {
        let wanted = self.iter().filter(|(_, held)| held.until == until);
        wanted.map(|(channel, _)| Arc::clone(channel)).collect()
    }

    fn iter(&self) -> impl Iterator<Item = (&Arc<Channel>, &Held)> {
        self.0.iter().flat_map(|waiting| waiting.channels.iter())
    }
}

impl Connection {
    /// Writes what was held of a room and is above `last_seq`: what is not was sent, or is not
    /// wanted. Stops where that is much; `true` where nothing is held any more.
    pub(super) fn let_some_through(&self, room: &RoomId, last_seq: u64) -> bool {
        let channels = self.held_of_room(room);
        for channel in &channels {
            // Parts of answers come with all that was said before them, once the rest is written.
            let wanted = |publication: &Publication| {
                publication.is_after(last_seq) && part_of(publication).is_none()
            };
            match self.write_held(channel, wanted) {
                Left::Much => return false,
                Left::Nothing => {}
                Left::Ended => return true,
            }
        }
        if let Some(mut side) = self.side() {
            side.held.end(&channels);
        }
        true
    }

    /// The channels of a room that are held.
    pub(super) fn held_of_room(&self, room: &RoomId) -> Vec<Arc<Channel>> {
        let principal = self.principal.borrow();
        let held = |side: RefMut<'_, RoomSide>| side.held.of_room(room, principal.user.as_ref());
        self.side().map_or_else(Vec::new, held)
    }

    /// The answer to a command is written: what was held for it may follow.
    pub(super) fn let_own_through(&self) {
        let channels = self
            .side()
            .map_or_else(Vec::new, |side| side.held.until(Until::Answered));
        for channel in &channels {
            let left = loop {
                match self.write_held(channel, |_| true) {
                    Left::Much => {}
                    left => break left,
                }
            };
            if let (Left::Nothing, Some(mut side)) = (left, self.side()) {
                side.held.end(std::slice::from_ref(channel));
            }
        }
    }

    /// Writes what is held of a channel, up to the event that ends the right to hear it.
    fn write_held(&self, channel: &Channel, wanted: impl Fn(&Publication) -> bool) -> Left {
        let mut out = Vec::new();
        let mut left = Left::Much;
        let mut ended = None;
        while out.len() < PIECE_BYTES && ended.is_none() {
            let next = self.side().and_then(|mut side| side.held.next_of(channel));
            let Some(publication) = next else {
                left = Left::Nothing;
                break;
            };
            if wanted(&publication) {
                self.write_alone(&publication, &mut out);
                ended = Some(publication).filter(|publication| self.is_my_end(publication));
            }
        }
        self.send(&out);
        match ended.as_ref().map(|publication| &publication.body) {
            Some(Body::Event(event)) => {
                self.hearing_ended(event);
                Left::Ended
            }
            _ => left,
        }
    }

    /// Whether with this the connection's right to hear its channel ends.
    fn is_my_end(&self, publication: &Publication) -> bool {
        match &publication.body {
            Body::Event(event) => self.ends_mine(event),
            Body::Broadcast { .. } | Body::Topic(_) | Body::Wallet(_) => false,
        }
    }

    /// The last event of a room was walked past; it ends for this connection once the event is
    /// written.
    fn end_heard(&self, publication: &Publication) {
        // Who holds the channel finds the event where it is let go.
        if self
            .side()
            .is_some_and(|side| side.held.holds(&publication.channel))
        {
            return;
        }
        if let Body::Event(event) = &publication.body {
            self.hearing_ended(event);
        }
    }

    /// A batch for a connection of a surface of rooms. `true` where it was dealt with: held, or
    /// sent in bytes of its own.
    pub(super) fn take_batch(&self, member: Member, batch: &Batch) -> bool {
        let Some(channel) = batch.channel() else {
            return true;
        };
        if matches!(**channel, Channel::User(_)) {
            self.enter_rooms(batch);
        }
        let own = batch.is_from(self.id);
        let waits = own && self.job.borrow().is_some();
        let publications = || {
            let news = batch.publications().iter();
            news.filter(|publication| publication.is_after(member.from))
        };
        if self.hold(channel, waits, publications()) {
            return true;
        }
        let own = own || self.was_told_of(channel);
        if own {
            let mut out = Vec::new();
            let news = publications().filter(|publication| self.is_news(publication));
            news.for_each(|publication| self.write_alone(publication, &mut out));
            self.send(&out);
        } else if let Some(mut side) = self.side()
            && let Some(gateway) = &mut side.gateway
        {
            if batch.is_whole_after(member.from) {
                gateway.note_all(batch.publications());
            } else {
                publications().for_each(|publication| gateway.note(publication));
            }
        }
        own
    }

    /// What a batch of the user's feed says of rooms that they have become a member of.
    fn enter_rooms(&self, batch: &Batch) {
        for publication in batch.publications() {
            if let Body::Event(event) = &publication.body
                && let (EventKind::Entered { seq }, Some(room)) = (&event.kind, &event.room)
            {
                self.entered_room(room, *seq);
            }
        }
    }

    fn hold<'a>(
        &self,
        channel: &Arc<Channel>,
        waits: bool,
        publications: impl Iterator<Item = &'a Arc<Publication>>,
    ) -> bool {
        let limit = self.worker.node.limits.outbox_bytes;
        let Some(mut side) = self.side() else {
            return false;
        };
        if waits {
            side.held.begin(Arc::clone(channel), Until::Answered);
        }
        if !side.held.holds(channel) {
            return false;
        }
        let bytes = side.held.push(channel, publications);
        let over = limit != 0 && bytes > limit;
        drop(side);
        if over {
            self.worker.counters.add(Counter::SlowReaders, 1);
            self.cut(CloseMeaning::SlowReader);
        }
        true
    }

    /// Whether something that this connection caused itself is still held.
    pub(super) fn holds_own(&self) -> bool {
        self.side().is_some_and(|side| {
            let held = side.held.iter();
            held.flat_map(|(_, held)| &held.publications)
                .any(|publication| publication.origin == self.id)
        })
    }

    /// Appends one publication in bytes for this connection alone.
    fn write_alone(&self, publication: &Publication, out: &mut Vec<u8>) {
        let Surface::Dialect(dialect) = self.surface else {
            return;
        };
        self.worker.counters.add(Counter::MessagesSent, 1);
        match &publication.body {
            Body::Event(event) if publication.origin == self.id && event.seq > 0 => {
                let mut payload = Vec::new();
                let answer = &mut Answer {
                    out,
                    payload: &mut payload,
                };
                self.event(event, answer);
            }
            Body::Broadcast { .. } | Body::Event(_) | Body::Topic(_) | Body::Wallet(_) => {
                if let Some(mut side) = self.side()
                    && let Some(gateway) = &mut side.gateway
                {
                    gateway.note(publication);
                }
                out.extend_from_slice(frame(dialect, self.form(), false, publication));
            }
        }
    }

    /// Writes an event for this connection alone.
    pub(super) fn event(&self, event: &Event, answer: &mut Answer<'_>) {
        let Surface::Dialect(dialect) = self.surface else {
            return;
        };
        if let Some(mut side) = self.side()
            && let Some(gateway) = &mut side.gateway
        {
            gateway.note_event(event);
        }
        let own = match &event.kind {
            EventKind::Message(message) | EventKind::Edited(message) => {
                self.principal.borrow().user.as_ref() == Some(&message.author.user)
            }
            _ => false,
        };
        answer.payload.clear();
        let kind = dialect.encode_event(&self.state.borrow(), event, own, answer.payload);
        if let Some(kind) = kind {
            encode(opcode(kind), answer.payload, answer.out);
        }
    }

    /// Forgets everything that waits.
    pub(super) fn forget_rooms(&self) {
        if let Some(mut side) = self.side() {
            side.held = Holding::default();
            side.catches.clear();
            side.entered.clear();
            side.told.clear();
            side.reading = None;
        }
    }
}

impl super::Worker {
    /// A batch that ends somebody's right to hear its channel was delivered to all.
    pub(super) fn end_hearing(self: &Rc<Self>, batch: &Batch) {
        let Some(publication) = batch.ending() else {
            return;
        };
        let Some(audience) = self.hub.audience(&publication.channel) else {
            return;
        };
        for slot in audience.slots_for(publication) {
            if let Some(connection) = self.connection(slot) {
                connection.end_heard(publication);
            }
        }
    }
}

/// Whether a channel is a room, or what is meant for a user in it.
pub(super) fn is_of_room(channel: &Channel, room: &RoomId) -> bool {
    match channel {
        Channel::Room(heard) | Channel::Own { room: heard, .. } => heard == room,
        Channel::Broadcast
        | Channel::System
        | Channel::Topic { .. }
        | Channel::User(_)
        | Channel::Watch(_) => false,
    }
}

/// What is let go at once, before the socket is looked at.
const PIECE_BYTES: usize = 16 * 1024;
