//! What a connection of a surface of rooms holds back, and lets go: publications of rooms whose
//! past is being read, and what a command caused until its answer is written.

use std::rc::Rc;
use std::sync::Arc;

use conclave_core::{Batch, Member};
use conclave_protocol::{
    Body, Channel, CloseMeaning, Event, EventKind, Publication, RoomId,
};
use conclave_websocket::encode;

use super::answer::Answer;
use super::connection::{Connection, Surface};
use super::fan_out::{frame, opcode};
use crate::metrics::Counter;

/// A channel's publications that wait.
pub(super) struct Held {
    pub(super) channel: Arc<Channel>,
    publications: Vec<Arc<Publication>>,
    bytes: usize,
    /// Until its history is read; else until the answer to a command is written.
    catching: bool,
}

impl Held {
    /// Of a channel whose past is being read, or, where not `catching`, of one that heard what
    /// the connection's own command caused.
    pub(super) const fn new(channel: Arc<Channel>, catching: bool) -> Self {
        Self {
            channel,
            publications: Vec::new(),
            bytes: 0,
            catching,
        }
    }
}

impl Connection {
    /// What is above `last_seq` comes from now on as it happens; what is not was sent, or is not
    /// wanted.
    pub(super) fn let_through(&self, room: &RoomId, last_seq: u64) {
        {
            let memberships = self.memberships.borrow();
            let of_room = memberships
                .iter()
                .find(|held| matches!(&**held.channel(), Channel::Room(heard) if heard == room));
            if let Some(membership) = of_room {
                membership.skip_to(last_seq);
            }
        }
        let is_of = |channel: &Channel| match channel {
            Channel::Room(heard) | Channel::Own { room: heard, .. } => heard == room,
            Channel::Broadcast | Channel::System | Channel::Topic { .. } | Channel::User(_) => {
                false
            }
        };
        let let_go = self.take_held(|held| is_of(&held.channel));
        for publication in let_go.iter().flat_map(|held| &held.publications) {
            if publication.is_after(last_seq) {
                self.deliver_alone(publication);
            }
        }
    }

    /// The answer to a command is written: what was held for it may follow.
    pub(super) fn let_own_through(&self) {
        let let_go = self.take_held(|held| !held.catching);
        for publication in let_go.iter().flat_map(|held| &held.publications) {
            self.deliver_alone(publication);
        }
        let endings = self.side().map(|mut side| std::mem::take(&mut side.endings));
        for publication in endings.into_iter().flatten() {
            if let Body::Event(event) = &publication.body {
                self.hearing_ended(event);
            }
        }
    }

    /// The last event of a room was walked past; it ends for this connection once the event is
    /// written.
    fn end_heard(&self, publication: &Arc<Publication>) {
        let Body::Event(event) = &publication.body else {
            return;
        };
        let waits = |held: &Held| !held.catching && held.channel == publication.channel;
        if let Some(mut side) = self.side()
            && side.held.iter().any(waits)
        {
            side.endings.push(Arc::clone(publication));
            return;
        }
        self.hearing_ended(event);
    }

    fn take_held(&self, wanted: impl Fn(&Held) -> bool) -> Vec<Held> {
        self.side().map_or_else(Vec::new, |mut side| {
            side.held.extract_if(.., |held| wanted(held)).collect()
        })
    }

    /// A batch for a connection of a surface of rooms. `true` where it was dealt with: held, or
    /// sent in bytes of its own.
    pub(super) fn take_batch(&self, member: Member, batch: &Batch) -> bool {
        for publication in batch.publications() {
            if let (Channel::User(_), Body::Event(event)) =
                (&*publication.channel, &publication.body)
                && let (EventKind::Entered { seq }, Some(room)) = (&event.kind, &event.room)
            {
                self.entered_room(room, *seq);
            }
        }
        let own = batch.is_from(self.id);
        let waits = own && self.job.borrow().is_some();
        let publications = || {
            let news = batch.publications().iter();
            news.filter(|publication| publication.is_after(member.from))
        };
        if self.hold(batch, waits, publications()) {
            return true;
        }
        if own {
            publications().for_each(|publication| self.deliver_alone(publication));
        } else if let Some(mut side) = self.side()
            && let Some(gateway) = &mut side.gateway
        {
            publications().for_each(|publication| gateway.note(publication));
        }
        own
    }

    fn hold<'a>(
        &self,
        batch: &Batch,
        waits: bool,
        publications: impl Iterator<Item = &'a Arc<Publication>>,
    ) -> bool {
        let Some(first) = batch.publications().first() else {
            return false;
        };
        let limit = self.worker.node.limits.outbox_bytes;
        let Some(mut side) = self.side() else {
            return false;
        };
        let place = side.held.iter().position(|held| held.channel == first.channel);
        if place.is_none() && waits {
            side.held.push(Held::new(Arc::clone(&first.channel), false));
        }
        let Some(held) = side
            .held
            .iter_mut()
            .find(|held| held.channel == first.channel)
        else {
            return false;
        };
        for publication in publications {
            held.bytes += publication.weight();
            held.publications.push(Arc::clone(publication));
        }
        let over = limit != 0 && held.bytes > limit;
        drop(side);
        if over {
            self.worker.counters.add(Counter::SlowReaders, 1);
            self.cut(CloseMeaning::SlowReader);
        }
        true
    }

    /// One publication in bytes for this connection alone.
    fn deliver_alone(&self, publication: &Publication) {
        let Surface::Dialect(dialect) = self.surface else {
            return;
        };
        if let Some(mut side) = self.side()
            && let Some(gateway) = &mut side.gateway
        {
            gateway.note(publication);
        }
        self.worker.counters.add(Counter::MessagesSent, 1);
        match &publication.body {
            Body::Event(event) if publication.origin == self.id && event.seq > 0 => {
                let (mut out, mut payload) = (Vec::new(), Vec::new());
                let answer = &mut Answer {
                    out: &mut out,
                    payload: &mut payload,
                };
                self.event(event, answer);
                self.send(&out);
            }
            Body::Broadcast { .. } | Body::Event(_) | Body::Topic(_) => {
                self.send(frame(dialect, self.form(), false, publication));
            }
        }
    }

    /// Writes an event for this connection alone.
    pub(super) fn event(&self, event: &Event, answer: &mut Answer<'_>) {
        let Surface::Dialect(dialect) = self.surface else {
            return;
        };
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

    /// The rooms whose publications are held because their past is being read.
    pub(super) fn rooms_being_caught(&self) -> Vec<RoomId> {
        let Some(side) = self.side() else {
            return Vec::new();
        };
        let caught = |held: &Held| match &*held.channel {
            Channel::Room(room) if held.catching => Some(room.clone()),
            Channel::Broadcast
            | Channel::Own { .. }
            | Channel::Room(_)
            | Channel::System
            | Channel::Topic { .. }
            | Channel::User(_) => None,
        };
        side.held.iter().filter_map(caught).collect()
    }

    /// Forgets everything that waits.
    pub(super) fn forget_rooms(&self) {
        if let Some(mut side) = self.side() {
            side.held.clear();
            side.catches.clear();
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
        for slot in audience.slots(usize::MAX) {
            if let Some(connection) = self.connection(slot) {
                connection.end_heard(publication);
            }
        }
    }
}
