//! What is said and heard at `/ws/{user}`: one connection for all rooms.
//!
//! Reading order: `Rooms` and `place` (one room's state), `hearing` (events in), `sending`
//! (messages out), the `Engine` below.

mod hearing;
mod sending;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::{Outgoing, RoomEvent, Sent};
use crate::delivery::Inlet;
use crate::engine::{Engine, Heard};
use crate::error::{Error, Result};
use crate::rooms::wire::Frame;
use crate::shared::Place;
use hearing::Hearing;
use sending::{Sending, Waiting};

/// What the owner asks for.
pub(crate) enum Order {
    /// One listener of the room is gone.
    Leave {
        room: Arc<str>,
    },
    Receipt {
        room: Arc<str>,
        receipt: Receipt,
        message: Box<str>,
    },
    Send {
        room: Arc<str>,
        client_id: Box<str>,
        message: Outgoing,
        done: oneshot::Sender<Result<Sent>>,
        place: Place,
    },
    Subscribe {
        room: Arc<str>,
        since: Option<u64>,
        inlet: Inlet<RoomEvent>,
        done: oneshot::Sender<Result<u64>>,
        place: Place,
    },
    Typing {
        room: Arc<str>,
        typing: bool,
    },
}

/// What is told to authors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Receipt {
    Delivered,
    Read,
}

/// The state of a client's rooms.
pub(crate) struct Rooms {
    rooms: BTreeMap<Arc<str>, RoomState>,
    /// The room that was served last: the next one's turn is behind it.
    turn: Option<Arc<str>>,
    /// Rooms of own messages, by their ids, for receipts that do not say theirs.
    own: HashMap<Box<str>, Arc<str>>,
    own_order: VecDeque<Box<str>>,
    /// Events that are held while a part of the history is read.
    held_max: usize,
    open: bool,
}

#[derive(Default)]
struct RoomState {
    hearing: Hearing,
    sending: Sending,
    /// Nobody listens any more; the server is still to be told.
    leaves: bool,
    /// How often it was told and has not answered.
    unsubscribing: u32,
}

impl Rooms {
    pub(crate) fn new(held_max: usize) -> Self {
        Self {
            rooms: BTreeMap::new(),
            turn: None,
            own: HashMap::new(),
            own_order: VecDeque::new(),
            held_max,
            open: false,
        }
    }

    /// Remembers whose receipts an id will bring.
    fn remember(&mut self, message: &str, room: &Arc<str>) {
        if self.own.insert(message.into(), Arc::clone(room)).is_some() {
            return;
        }
        self.own_order.push_back(message.into());
        if self.own_order.len() > OWN_MAX
            && let Some(oldest) = self.own_order.pop_front()
        {
            self.own.remove(&oldest);
        }
    }

    /// The answer to a sent message, or somebody's receipt.
    fn status(&mut self, frame: Frame) -> Heard {
        if frame.status == "sent" {
            self.stored(&frame);
            return Heard::Fine;
        }
        let named = frame.conversation_id.as_deref();
        let room = match named {
            Some(room) => Some(room),
            None => self.own.get(&*frame.message_id).map(|room| &**room),
        };
        if let Some(state) = room.and_then(|room| self.rooms.get_mut(room)) {
            state.hearing.receipt(frame);
        }
        Heard::Fine
    }

    fn stored(&mut self, frame: &Frame) {
        let Some(client_id) = &frame.client_id else {
            return;
        };
        let sent = Sent {
            id: frame.message_id.as_str().into(),
            seq: frame.seq.unwrap_or_default(),
        };
        let found = self.rooms.iter_mut().find_map(|(room, state)| {
            let done = state.sending.answered(client_id, Ok(sent.clone()));
            done.then(|| Arc::clone(room))
        });
        if let Some(room) = found {
            self.remember(&sent.id, &room);
        }
    }

    fn refused(&mut self, frame: &Frame) -> Heard {
        let command = frame.in_reply_to.as_deref().unwrap_or_default();
        let later = matches!(&*frame.code, "rate_limited" | "unavailable");
        let error = || Error::refused(&frame.code, &frame.message);
        let room = frame.conversation_id.as_deref();
        match (command, &frame.client_id, room) {
            ("auth", ..) => return Heard::Unrenewed,
            ("send_message", Some(client_id), _) if !later => {
                for state in self.rooms.values_mut() {
                    state.sending.answered(client_id, Err(error()));
                }
                return Heard::Fine;
            }
            // It does not say which: the one on its way in that room, or in any.
            ("send_message", None, _) if !later => {
                for (name, state) in &mut self.rooms {
                    if room.is_none_or(|room| *room == **name) {
                        state.sending.refused(error());
                    }
                }
                return Heard::Fine;
            }
            (_, Some(client_id), _) if later => {
                for state in self.rooms.values_mut() {
                    state.sending.again(Some(client_id));
                }
            }
            ("subscribe_conversation", _, Some(room)) => {
                let Some(state) = self.rooms.get_mut(room) else {
                    return Heard::Fine;
                };
                if !later {
                    state.hearing.end(&error());
                    return Heard::Fine;
                }
                state.hearing.again();
            }
            // It does not say what it refuses, so nobody knows what is still to be answered. On
            // another connection everything is asked again: what was done is done once.
            _ if later => return Heard::Refused(error()),
            (UNSUBSCRIBE, _, Some(room)) => {
                if let Some(state) = self.rooms.get_mut(room) {
                    state.unsubscribing = state.unsubscribing.saturating_sub(1);
                }
                return Heard::Fine;
            }
            _ => return Heard::Fine,
        }
        Heard::Slow
    }

    fn of_room(&mut self, frame: Frame) -> Heard {
        let held_max = self.held_max;
        let Some(named) = frame.conversation_id.as_deref() else {
            return Heard::Fine;
        };
        let Some((room, _)) = self.rooms.get_key_value(named) else {
            return Heard::Fine;
        };
        let room = Arc::clone(room);
        let Some(state) = self.rooms.get_mut(&room) else {
            return Heard::Fine;
        };
        if frame.kind == "unsubscribed" && state.unsubscribing > 0 {
            state.unsubscribing -= 1;
            return Heard::Fine;
        }
        if frame.client_id.is_some() {
            let message = frame.message_id.clone();
            let heard = state.hearing.heard(&room, frame, held_max);
            self.remember(&message, &room);
            return heard;
        }
        state.hearing.heard(&room, frame, held_max)
    }

    fn present(&mut self, frame: &Frame) {
        for state in self.rooms.values_mut() {
            state.hearing.present(frame);
        }
    }

    fn state(&mut self, room: &Arc<str>) -> &mut RoomState {
        self.rooms.entry(Arc::clone(room)).or_default()
    }

    /// The next frame of the rooms behind `after`, then of those before.
    fn next_of_rooms(&mut self) -> Option<String> {
        let split = self.turn.clone();
        let is_behind = |room: &Arc<str>| split.as_ref().is_none_or(|turn| room > turn);
        let (behind, before): (Vec<_>, Vec<_>) =
            self.rooms.iter_mut().partition(|(room, _)| is_behind(room));
        for (room, state) in behind.into_iter().chain(before) {
            if let Some(frame) = state.next(room) {
                self.turn = Some(Arc::clone(room));
                return Some(frame);
            }
        }
        None
    }
}

impl RoomState {
    fn next(&mut self, room: &str) -> Option<String> {
        if std::mem::take(&mut self.leaves) && !self.hearing.is_wanted() {
            self.unsubscribing += 1;
            let frame = json!({ "type": UNSUBSCRIBE, "conversation_id": room });
            return Some(frame.to_string());
        }
        self.hearing.next(room).or_else(|| self.sending.next(room))
    }

    fn is_idle(&self) -> bool {
        !self.hearing.is_wanted()
            && self.sending.is_idle()
            && !self.leaves
            && self.unsubscribing == 0
    }
}

impl Engine for Rooms {
    type Order = Order;

    fn order(&mut self, order: Order) {
        match order {
            Order::Leave { room } => {
                let open = self.open;
                if let Some(state) = self.rooms.get_mut(&room)
                    && state.hearing.leave()
                {
                    state.leaves = open;
                }
            }
            Order::Receipt {
                room,
                receipt,
                message,
            } => self.state(&room).sending.receipt(receipt, message),
            Order::Send {
                room,
                client_id,
                message,
                done,
                place,
            } => self.state(&room).sending.push(Waiting {
                client_id,
                message,
                done,
                _place: place,
            }),
            Order::Subscribe {
                room,
                since,
                inlet,
                done,
                place,
            } => {
                let state = self.state(&room);
                state.leaves = false;
                state.hearing.subscribe(since, inlet, (done, place));
            }
            Order::Typing { room, typing } => {
                if self.open {
                    self.state(&room).sending.typing(typing);
                }
            }
        }
        self.rooms.retain(|_, state| !state.is_idle());
    }

    fn opened(&mut self) {
        self.open = true;
        for state in self.rooms.values_mut() {
            state.hearing.opened();
            (state.leaves, state.unsubscribing) = (false, 0);
        }
    }

    fn lost(&mut self, error: &Error) {
        self.open = false;
        for state in self.rooms.values_mut() {
            state.sending.lost(error);
        }
    }

    fn stopped(&mut self, error: &Error) {
        for (_, mut state) in std::mem::take(&mut self.rooms) {
            state.hearing.end(error);
            state.sending.stopped(error);
        }
    }

    fn heard(&mut self, text: &str) -> Heard {
        let Ok(frame) = serde_json::from_str::<Frame>(text) else {
            return Heard::Fine;
        };
        match frame.kind.as_str() {
            "error" => self.refused(&frame),
            "message_status" => self.status(frame),
            "presence_update" => {
                self.present(&frame);
                Heard::Fine
            }
            _ => self.of_room(frame),
        }
    }

    fn read(&mut self, room: &str, page: Result<Value>) -> Heard {
        match self.rooms.get_mut(room) {
            Some(state) => state.hearing.read(room, page),
            None => Heard::Fine,
        }
    }

    fn next(&mut self) -> Option<String> {
        let next = self.next_of_rooms();
        self.rooms.retain(|_, state| !state.is_idle());
        next
    }

    fn awaits_answer(&self) -> bool {
        let waits = |state: &RoomState| state.hearing.is_asked() || state.sending.is_under_way();
        self.rooms.values().any(waits)
    }

    fn is_wanted(&self) -> bool {
        !self.rooms.is_empty()
    }

    fn renewal(&self, token: &str) -> String {
        json!({ "type": "auth", "token": token }).to_string()
    }
}

const UNSUBSCRIBE: &str = "unsubscribe_conversation";
const OWN_MAX: usize = 10_000;
