//! What is heard of one room: everything once, in order, over all connections.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::delivery::Inlet;
use crate::engine::{Heard, Reading};
use crate::error::{Error, Result};
use crate::rooms::wire::{self, Frame};
use crate::rooms::{Reached, RoomEvent};
use crate::shared::Place;

/// Who waits for the server's word that the room is heard.
type Waiting = (oneshot::Sender<Result<u64>>, Place);

/// What is heard of a room.
#[derive(Default)]
pub(super) struct Hearing {
    inlets: Vec<Inlet<RoomEvent>>,
    waiting: Vec<Waiting>,
    phase: Phase,
    /// Subscriptions asked for on this connection and not answered; the last answer counts.
    unanswered: u32,
    /// The greatest place that was heard; nothing up to it is told again.
    seen: Option<u64>,
    /// The room's last place, as the server said when it confirmed.
    last_seq: u64,
}

/// How far it is on this connection.
#[derive(Default)]
enum Phase {
    Asked,
    /// A part is read from the store; what comes meanwhile is held.
    Filling(Filling),
    Live,
    #[default]
    Unasked,
}

struct Filling {
    from_seq: u64,
    to_seq: u64,
    held: VecDeque<(Option<u64>, RoomEvent)>,
}

impl Hearing {
    pub(super) fn subscribe(
        &mut self,
        since: Option<u64>,
        inlet: Inlet<RoomEvent>,
        waiting: Waiting,
    ) {
        if self.inlets.is_empty() {
            (self.phase, self.seen) = (Phase::Unasked, since);
        } else if let Some(since) = since
            && self.seen.is_none_or(|seen| since < seen)
        {
            // Everybody hears it again; whoever listens already knows places.
            (self.phase, self.seen) = (Phase::Unasked, Some(since));
        }
        self.inlets.push(inlet);
        if let Phase::Live = self.phase {
            waiting.0.send(Ok(self.seen.unwrap_or(self.last_seq))).ok();
        } else {
            self.waiting.push(waiting);
        }
    }

    /// Listeners that are gone are forgotten; whether they all are.
    pub(super) fn leave(&mut self) -> bool {
        self.inlets.retain(|inlet| !inlet.is_left());
        self.inlets.is_empty()
    }

    pub(super) fn opened(&mut self) {
        (self.phase, self.unanswered) = (Phase::Unasked, 0);
    }

    /// The subscription was refused for now.
    pub(super) fn again(&mut self) {
        self.unanswered = self.unanswered.saturating_sub(1);
        if matches!(self.phase, Phase::Asked) && self.unanswered == 0 {
            self.phase = Phase::Unasked;
        }
    }

    pub(super) fn end(&mut self, error: &Error) {
        for (done, _place) in self.waiting.drain(..) {
            done.send(Err(error.clone())).ok();
        }
        for inlet in self.inlets.drain(..) {
            inlet.end(RoomEvent::Ended(error.clone()));
        }
        (self.phase, self.seen) = (Phase::Unasked, None);
    }

    pub(super) fn is_wanted(&self) -> bool {
        !self.inlets.is_empty()
    }

    pub(super) fn is_asked(&self) -> bool {
        matches!(self.phase, Phase::Asked)
    }

    pub(super) fn next(&mut self, room: &str) -> Option<String> {
        if self.inlets.is_empty() || !matches!(self.phase, Phase::Unasked) {
            return None;
        }
        self.phase = Phase::Asked;
        self.unanswered += 1;
        let frame = match self.seen {
            None => json!({ "type": SUBSCRIBE, "conversation_id": room }),
            Some(since) => json!({ "type": SUBSCRIBE, "conversation_id": room, "since": since }),
        };
        Some(frame.to_string())
    }

    /// A frame about this room.
    pub(super) fn heard(&mut self, room: &str, frame: Frame, held_max: usize) -> Heard {
        match frame.kind.as_str() {
            "resync" => return self.resync(room, frame.from_seq),
            "subscribed" => self.confirmed(frame.last_seq.unwrap_or_default()),
            "unsubscribed" => self.end(&Error::refused("forbidden", "no member any more")),
            _ => {
                if let Some((seq, event)) = event(room, frame) {
                    self.happened(seq, event, held_max);
                }
            }
        }
        Heard::Fine
    }

    /// A user who shares rooms came or went.
    pub(super) fn present(&self, frame: &Frame) {
        self.tell(&RoomEvent::Presence {
            user: frame.user_id.as_str().into(),
            is_online: frame.is_online,
            last_seen: frame.last_seen.map(wire::time),
        });
    }

    pub(super) fn receipt(&self, frame: Frame) {
        let reached = match frame.status.as_str() {
            "delivered" => Reached::Delivered,
            "read" => Reached::Read,
            _ => return,
        };
        self.tell(&RoomEvent::Status {
            message: frame.message_id.into(),
            user: frame.user_id.into(),
            reached,
        });
    }

    /// A page of what is read from the store.
    pub(super) fn read(&mut self, room: &str, page: Result<Value>) -> Heard {
        let Phase::Filling(filling) = &self.phase else {
            // Of a connection before.
            return Heard::Fine;
        };
        let (from_seq, to_seq) = (filling.from_seq, filling.to_seq);
        let malformed = |error: serde_json::Error| Error::Malformed(error.to_string().into());
        let messages = match page.and_then(|page| wire::page(page).map_err(malformed)) {
            Ok(messages) => messages,
            // The server is asked again for all that is missing.
            Err(error) if error.passes() => {
                self.phase = Phase::Unasked;
                return Heard::Fine;
            }
            Err(error) => {
                self.end(&error);
                return Heard::Fine;
            }
        };
        let last = messages.last().map(|message| message.seq);
        for message in messages {
            if message.seq <= to_seq && self.seen.is_none_or(|seen| message.seq > seen) {
                self.seen = Some(message.seq);
                self.tell(&RoomEvent::Message(message));
            }
        }
        match last {
            Some(after) if after < to_seq => Heard::Read(Reading {
                room: room.into(),
                after,
            }),
            _ => {
                self.filled(from_seq, to_seq);
                Heard::Fine
            }
        }
    }

    fn confirmed(&mut self, last_seq: u64) {
        self.unanswered = self.unanswered.saturating_sub(1);
        if !matches!(self.phase, Phase::Asked) || self.unanswered > 0 {
            return;
        }
        (self.phase, self.last_seq) = (Phase::Live, last_seq);
        self.seen.get_or_insert(last_seq);
        for (done, _place) in self.waiting.drain(..) {
            done.send(Ok(last_seq)).ok();
        }
    }

    /// The server replays no further than `from_seq`; what follows live begins behind what it
    /// said to be the last place.
    fn resync(&mut self, room: &str, from_seq: u64) -> Heard {
        if matches!(self.phase, Phase::Asked | Phase::Unasked) {
            // Of a subscription before; the next one begins anew.
            return Heard::Fine;
        }
        let to_seq = self.last_seq;
        self.phase = Phase::Filling(Filling {
            from_seq,
            to_seq,
            held: VecDeque::new(),
        });
        if from_seq >= to_seq {
            // The store is behind what was heard of it: it was put back to an earlier state.
            self.seen = None;
            self.filled(from_seq, to_seq);
            return Heard::Fine;
        }
        Heard::Read(Reading {
            room: room.into(),
            after: from_seq,
        })
    }

    fn filled(&mut self, from_seq: u64, to_seq: u64) {
        let before = std::mem::replace(&mut self.phase, Phase::Live);
        self.seen = Some(self.seen.map_or(to_seq, |seen| seen.max(to_seq)));
        self.tell(&RoomEvent::Resynced { from_seq, to_seq });
        if let Phase::Filling(filling) = before {
            for (seq, event) in filling.held {
                self.happened(seq, event, 0);
            }
        }
    }

    /// Something happened; `seq` where it has a place in the room.
    fn happened(&mut self, seq: Option<u64>, event: RoomEvent, held_max: usize) {
        match &mut self.phase {
            Phase::Asked | Phase::Unasked => return,
            Phase::Filling(filling) if filling.held.len() < held_max => {
                return filling.held.push_back((seq, event));
            }
            Phase::Filling(_) => {
                // It takes too long; the server is asked again for all that is missing.
                self.phase = Phase::Unasked;
                return;
            }
            Phase::Live => {}
        }
        if let Some(seq) = seq {
            if self.seen.is_some_and(|seen| seq <= seen) {
                return;
            }
            self.seen = Some(seq);
        }
        self.tell(&event);
    }

    fn tell(&self, event: &RoomEvent) {
        for inlet in &self.inlets {
            inlet.push(event.clone());
        }
    }
}

/// What a frame says, and its place in the room, where it has one; `None` for what this client
/// does not know.
fn event(room: &str, frame: Frame) -> Option<(Option<u64>, RoomEvent)> {
    let place = frame.seq;
    let seq = place.unwrap_or_default();
    Some(match frame.kind.as_str() {
        "event" => {
            let (name, content) = (frame.event.into(), Arc::from(frame.content_of_event?));
            (None, RoomEvent::Pushed { name, content })
        }
        // Of these the server tells no places, but where they are the user's own.
        "member_joined" => (None, RoomEvent::Joined(frame.user_id.into())),
        "member_left" => (None, RoomEvent::Left(frame.user_id.into())),
        "message_deleted" => {
            let message = frame.message_id.into();
            (place, RoomEvent::Deleted { message, seq })
        }
        "message_updated" => {
            let (message, content) = (frame.message_id.into(), frame.content);
            let updated = RoomEvent::Updated {
                message,
                content,
                seq,
            };
            (place, updated)
        }
        "typing_indicator" => {
            let (user, typing) = (frame.user_id.into(), frame.typing);
            (None, RoomEvent::Typing { user, typing })
        }
        "user_message" => (place, RoomEvent::Message(frame.into_message(room))),
        _ => return None,
    })
}

const SUBSCRIBE: &str = "subscribe_conversation";
