//! Answers that other nodes give, as far as this one has heard them: for those who come late, and
//! so that who gave it up can be told of where its giver has gone.
//!
//! Nothing here is needed for an answer to be heard; what does not fit is forgotten, and asked of
//! its giver again.

use std::collections::{HashMap, VecDeque};

use conclave_protocol::{
    AnswerFailed, AnswerPart, Body, Channel, EventKind, MessageId, RoomId, Timestamp, Transcript,
    UserId,
};
use parking_lot::Mutex;

use super::{RoomFault, Rooms, fleeting};
use crate::directory::Origin;
use crate::{Actor, NodeId};

/// By room, one each: one node answers in a room at a time.
#[derive(Debug, Default)]
pub(super) struct Overheard(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    rooms: HashMap<RoomId, Heard>,
    /// Bytes of all that is kept.
    bytes: u64,
    /// Answers that have ended lately.
    ended: Recent,
    /// Those of them whose end was told here, since their giver had gone.
    told: Recent,
}

#[derive(Debug)]
struct Heard {
    message: MessageId,
    by: NodeId,
    /// Bytes of the answer before what is kept: 0 where all is.
    from: u64,
    said: Transcript,
    /// Bytes that are kept.
    bytes: u64,
}

/// The last few of them.
#[derive(Debug, Default)]
struct Recent(VecDeque<MessageId>);

/// An answer that another node gives, or gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// Where.
    pub room: RoomId,
    /// The id that it will have.
    pub message: MessageId,
    /// Who gives it.
    pub by: NodeId,
}

/// A piece of an answer that this node gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerPiece {
    /// The id that the answer will have.
    pub message: MessageId,
    /// What was said from the place that was asked for.
    pub text: Box<str>,
    /// Whether more was said than that.
    pub more: bool,
}

impl Recent {
    fn add(&mut self, message: MessageId) {
        if self.0.len() >= RECENT_MAX {
            self.0.pop_front();
        }
        self.0.push_back(message);
    }

    fn has(&self, message: MessageId) -> bool {
        self.0.contains(&message)
    }
}

impl Heard {
    fn new(message: MessageId, by: NodeId) -> Self {
        Self {
            message,
            by,
            from: 0,
            said: Transcript::default(),
            bytes: 0,
        }
    }

    const fn end(&self) -> u64 {
        self.from.saturating_add(self.bytes)
    }

    /// Keeps nothing of what was said up to a place.
    fn forget_up_to(&mut self, place: u64) {
        (self.from, self.bytes) = (place, 0);
        self.said = Transcript::default();
    }

    fn push(&mut self, text: &str) {
        self.said.push(text);
        self.bytes = self.bytes.saturating_add(bytes(text));
    }

    /// Takes a part as it comes from its giver: in order, though some may be lost before it.
    fn take(&mut self, part: &AnswerPart) {
        if part.end() <= self.end() {
            return;
        }
        if part.start != self.end() {
            self.forget_up_to(part.start);
        }
        self.push(&part.delta);
    }

    /// Takes what the giver has said from the beginning.
    fn complete(&mut self, text: &str) {
        let own = self.said.to_string();
        let before = usize::try_from(self.from).ok();
        let before = before.and_then(|from| text.get(..from));
        let is_longer = bytes(text) >= self.end();
        if !is_longer && (self.from == 0 || before.is_none()) {
            return;
        }
        let before = before.filter(|_| !is_longer).map(str::to_owned);
        self.forget_up_to(0);
        match before {
            Some(before) => {
                self.push(&before);
                self.push(&own);
            }
            None => self.push(text),
        }
    }
}

impl State {
    /// Changes what is known of a room's answer, and counts its bytes.
    fn change(
        &mut self,
        room: &RoomId,
        (message, by): (MessageId, NodeId),
        to: impl FnOnce(&mut Heard),
    ) {
        if self.ended.has(message) {
            return;
        }
        if self.rooms.len() >= ROOMS_MAX && !self.rooms.contains_key(room) {
            return;
        }
        let heard = self
            .rooms
            .entry(room.clone())
            .or_insert_with(|| Heard::new(message, by));
        let before = heard.bytes;
        if heard.message != message {
            *heard = Heard::new(message, by);
        }
        heard.by = by;
        to(heard);
        self.bytes = self
            .bytes
            .saturating_sub(before)
            .saturating_add(heard.bytes);
        if self.bytes > BYTES_MAX {
            self.doubt();
        }
    }

    /// Keeps of every answer that it is given, and nothing of what was said.
    fn doubt(&mut self) {
        for heard in self.rooms.values_mut() {
            heard.forget_up_to(heard.end().max(1));
        }
        self.bytes = 0;
    }

    /// An answer has ended; whether it was known.
    fn end(&mut self, room: &RoomId, message: MessageId) -> bool {
        if !self.ended.has(message) {
            self.ended.add(message);
        }
        let is_it = self
            .rooms
            .get(room)
            .is_some_and(|heard| heard.message == message);
        if is_it && let Some(heard) = self.rooms.remove(room) {
            self.bytes = self.bytes.saturating_sub(heard.bytes);
        }
        is_it
    }

    fn hear(&mut self, room: &RoomId, by: NodeId, kind: &mut EventKind) -> bool {
        match kind {
            EventKind::Answering { message, typing } => {
                if *typing {
                    self.change(room, (*message, by), |_| {});
                }
                !self.told.has(*message)
            }
            EventKind::AnswerPart(part) => {
                let about = (part.message, by);
                self.change(room, about, |heard| {
                    heard.take(part);
                    if heard.from == 0 {
                        part.so_far = heard.said.clone();
                    }
                });
                !self.told.has(part.message)
            }
            EventKind::AnswerFailed(failed) => {
                self.end(room, failed.message);
                !self.told.has(failed.message)
            }
            EventKind::Message(message) => {
                self.end(room, message.id);
                true
            }
            _ => true,
        }
    }
}

impl Overheard {
    /// What was said of the answer of a room, where all of it is known.
    pub(super) fn so_far(&self, room: &RoomId) -> Option<(MessageId, Transcript)> {
        let state = self.0.lock();
        let heard = state.rooms.get(room).filter(|heard| heard.from == 0)?;
        Some((heard.message, heard.said.clone()))
    }

    /// Nobody has heard the room until now: something may have been missed.
    pub(super) fn doubt_room(&self, room: &RoomId) {
        let mut state = self.0.lock();
        let State { rooms, bytes, .. } = &mut *state;
        if let Some(heard) = rooms.get_mut(room) {
            *bytes = bytes.saturating_sub(heard.bytes);
            heard.forget_up_to(heard.end().max(1));
        }
    }
}

impl Rooms {
    /// Takes note of what another node says of its answers, before those hear it who hear its
    /// room here. `false` where they must not: its end was told already, since it had gone.
    pub fn hear_of_answer(&self, by: NodeId, channel: &Channel, body: &mut Body) -> bool {
        let (Channel::Room(room), Body::Event(event)) = (channel, body) else {
            return true;
        };
        // Most are messages of members, which take no lock here.
        let is_of_answer = match &event.kind {
            EventKind::AnswerFailed(_) | EventKind::AnswerPart(_) | EventKind::Answering { .. } => {
                true
            }
            EventKind::Message(message) => message.answer.is_some(),
            _ => false,
        };
        if !is_of_answer {
            return true;
        }
        let mut state = self.overheard.0.lock();
        match std::sync::Arc::get_mut(event) {
            Some(event) => state.hear(room, by, &mut event.kind),
            // Somebody else has it too; what was said before this part stays unknown to them.
            None => state.hear(room, by, &mut event.kind.clone()),
        }
    }

    /// Whether all that was said of a room's answer is known here, where one is given.
    #[must_use]
    pub fn knows_answer(&self, room: &RoomId) -> bool {
        self.transcripts.has(room) || self.overheard.so_far(room).is_some()
    }

    /// Takes what another node has said of its answer in a room, from the beginning.
    pub fn learn_answer(&self, answer: &Elsewhere, text: &str) {
        let about = (answer.message, answer.by);
        let mut state = self.overheard.0.lock();
        state.change(&answer.room, about, |heard| heard.complete(text));
    }

    /// Something of what other nodes say may have been missed.
    pub fn doubt_answers(&self) {
        self.overheard.0.lock().doubt();
    }

    /// The answers that other nodes give or have given, those of them whose end was not heard.
    #[must_use]
    pub fn answers_elsewhere(&self) -> Vec<Elsewhere> {
        let state = self.overheard.0.lock();
        let heard = state.rooms.iter();
        heard
            .map(|(room, heard)| Elsewhere {
                room: room.clone(),
                message: heard.message,
                by: heard.by,
            })
            .collect()
    }

    /// Tells those who hear a room here that an answer was interrupted whose giver has gone, unless
    /// it has ended otherwise. Only for who has the room's lease, so that it stays so.
    ///
    /// # Errors
    /// `Unavailable`; then nobody is told.
    pub async fn interrupt(
        &self,
        assistant: &UserId,
        answer: &Elsewhere,
        at: Timestamp,
    ) -> Result<(), RoomFault> {
        let viewer = Actor::plain(assistant.clone()).with(true, false);
        let is_stored = match self.store.receipts(&viewer, answer.message).await {
            Ok(_) => true,
            Err(fault) if fault.refusal() == conclave_protocol::Refusal::NotFound => false,
            Err(fault) => return Err(fault),
        };
        {
            let mut state = self.overheard.0.lock();
            if !state.end(&answer.room, answer.message) || is_stored {
                return Ok(());
            }
            state.told.add(answer.message);
        }
        let (message, typing) = (answer.message, false);
        let failed = EventKind::AnswerFailed(Box::new(AnswerFailed {
            message,
            code: "interrupted".into(),
            text: "the answer was interrupted".into(),
        }));
        for kind in [failed, EventKind::Answering { message, typing }] {
            let room = answer.room.clone();
            let body = fleeting(Some(room.clone()), at, kind);
            // Every node tells its own.
            self.directory
                .publish_here(Channel::Room(room), body, at, Origin::default());
        }
        Ok(())
    }
}

fn bytes(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}

/// Answers that are known of at a time.
const ROOMS_MAX: usize = 10_000;
/// Of all that is kept of them.
const BYTES_MAX: u64 = 32 << 20;
const RECENT_MAX: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    const GIVER: NodeId = NodeId(7);

    fn room() -> RoomId {
        RoomId::new("r").unwrap()
    }

    fn part(message: u128, start: u64, delta: &str) -> EventKind {
        EventKind::AnswerPart(Box::new(AnswerPart {
            message: MessageId(message),
            start,
            delta: delta.into(),
            so_far: Transcript::default(),
        }))
    }

    fn so_far(overheard: &Overheard) -> Option<String> {
        let (_, said) = overheard.so_far(&room())?;
        Some(said.to_string())
    }

    fn hear(overheard: &Overheard, mut kind: EventKind) -> bool {
        overheard.0.lock().hear(&room(), GIVER, &mut kind)
    }

    fn learn(overheard: &Overheard, text: &str) {
        let about = (MessageId(1), GIVER);
        let mut state = overheard.0.lock();
        state.change(&room(), about, |heard| heard.complete(text));
    }

    #[test]
    fn what_was_heard_from_the_beginning_is_known() {
        let overheard = Overheard::default();
        hear(&overheard, part(1, 0, "one"));
        hear(&overheard, part(1, 3, " two"));
        assert_eq!(so_far(&overheard).as_deref(), Some("one two"));
        hear(&overheard, part(2, 0, "three"));
        assert_eq!(so_far(&overheard).as_deref(), Some("three"));
    }

    #[test]
    fn what_was_missed_is_unknown_until_the_giver_says_it() {
        for asked_after in 0..3 {
            let overheard = Overheard::default();
            let parts = [part(1, 3, " two"), part(1, 7, " three")];
            for (number, part) in parts.into_iter().enumerate() {
                if number == asked_after {
                    learn(&overheard, "one two");
                }
                hear(&overheard, part);
            }
            if asked_after == 2 {
                assert_eq!(so_far(&overheard), None);
                learn(&overheard, "one two");
            }
            assert_eq!(so_far(&overheard).as_deref(), Some("one two three"));
        }
    }

    #[test]
    fn a_lost_part_leaves_nothing_known() {
        let overheard = Overheard::default();
        hear(&overheard, part(1, 0, "one"));
        hear(&overheard, part(1, 7, " three"));
        assert_eq!(so_far(&overheard), None);
        learn(&overheard, "one two");
        assert_eq!(so_far(&overheard).as_deref(), Some("one two three"));
        overheard.0.lock().doubt();
        assert_eq!(so_far(&overheard), None);
    }

    #[test]
    fn an_answer_that_ended_is_not_learnt_any_more() {
        let overheard = Overheard::default();
        hear(&overheard, part(1, 0, "one"));
        let message = MessageId(1);
        let failed = AnswerFailed {
            message,
            code: "timeout".into(),
            text: "".into(),
        };
        assert!(hear(&overheard, EventKind::AnswerFailed(Box::new(failed))));
        learn(&overheard, "one two");
        assert_eq!(so_far(&overheard), None);
        let typing = false;
        assert!(hear(&overheard, EventKind::Answering { message, typing }));
    }

    #[test]
    fn what_is_kept_has_a_bound() {
        let overheard = Overheard::default();
        hear(&overheard, part(1, 0, &"x".repeat(20 << 20)));
        assert!(so_far(&overheard).is_some());
        hear(&overheard, part(1, 20 << 20, &"x".repeat(20 << 20)));
        assert_eq!(so_far(&overheard), None);
        assert_eq!(overheard.0.lock().bytes, 0);
    }
}
