//! Who comes while an answer of the assistant is given: it is told at once what was said so far, and
//! then the parts that are not in that.

use conclave_protocol::{
    AnswerPart, Body, Channel, Event, EventKind, MessageId, Publication, RoomId,
};

use super::answer::Answer;
use super::connection::Connection;

/// How far an answer that is under way was told at once.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) room: RoomId,
    pub(super) message: MessageId,
    pub(super) bytes: u64,
}

impl Connection {
    /// Who comes while an answer is given gets what was said of it, at once.
    pub(super) fn tell_answer(&self, room: &RoomId) {
        let node = &self.worker.node;
        if !self.hears(room) {
            return;
        }
        let Some(part) = node.rooms.answer_so_far(room) else {
            return;
        };
        if let Some(mut side) = self.side() {
            side.told.push(Told {
                room: room.clone(),
                message: part.message,
                bytes: part.end(),
            });
        }
        let event = Event {
            room: Some(room.clone()),
            seq: 0,
            number: 0,
            at: node.clock.now(),
            kind: EventKind::AnswerPart(Box::new(part)),
        };
        let (mut out, mut payload) = (Vec::new(), Vec::new());
        let answer = &mut Answer {
            out: &mut out,
            payload: &mut payload,
        };
        self.event(&event, answer);
        self.send(&out);
    }

    /// Whether it was told the beginning of an answer of that room at once.
    pub(super) fn was_told_of(&self, channel: &Channel) -> bool {
        let Channel::Room(room) = channel else {
            return false;
        };
        self.side()
            .is_some_and(|side| side.told.iter().any(|told| told.room == *room))
    }

    /// Whether a publication is no part of an answer that it was told at once. Parts come in
    /// order: behind the first that is news, all are.
    pub(super) fn is_news(&self, publication: &Publication) -> bool {
        let Some(mut side) = self.side() else {
            return true;
        };
        if let Some(part) = part_of(publication) {
            let is_it = |told: &Told| told.message == part.message;
            let known = side
                .told
                .iter()
                .find(|told| is_it(told))
                .map(|told| told.bytes);
            if known.is_some_and(|bytes| part.end() <= bytes) {
                return false;
            }
            side.told.retain(|told| !is_it(told));
        } else if let Some(message) = answer_ended(publication) {
            side.told.retain(|told| told.message != message);
        }
        true
    }
}

/// The part of an answer that a publication is.
pub(super) fn part_of(publication: &Publication) -> Option<&AnswerPart> {
    match &publication.body {
        Body::Event(event) => match &event.kind {
            EventKind::AnswerPart(part) => Some(part),
            _ => None,
        },
        Body::Broadcast { .. } | Body::Topic(_) | Body::Wallet(_) => None,
    }
}

/// The answer that ends with a publication.
fn answer_ended(publication: &Publication) -> Option<MessageId> {
    let Body::Event(event) = &publication.body else {
        return None;
    };
    match &event.kind {
        EventKind::AnswerFailed(failed) => Some(failed.message),
        EventKind::Message(message) => Some(message.id),
        EventKind::Answering {
            message,
            typing: false,
        } => Some(*message),
        _ => None,
    }
}
