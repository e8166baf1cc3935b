//! What one room is told: messages, one at a time; receipts; typing.

use std::collections::VecDeque;

use serde::Serialize;
use serde_json::json;
use tokio::sync::oneshot;

use super::{Receipt, Sent};
use crate::error::{Ending, Error, Result};
use crate::rooms::Outgoing;
use crate::shared::Place;

/// What waits to be said in a room.
#[derive(Default)]
pub(super) struct Sending {
    queue: VecDeque<Waiting>,
    /// Sent and not answered.
    under_way: Option<Waiting>,
    receipts: [Told; 2],
    typing: Option<bool>,
}

/// A message that is not stored yet, as far as this client knows.
pub(super) struct Waiting {
    pub(super) client_id: Box<str>,
    pub(super) message: Outgoing,
    pub(super) done: oneshot::Sender<Result<Sent>>,
    pub(super) _place: Place,
}

/// The newest receipt of a kind.
#[derive(Default)]
struct Told {
    message: Option<Box<str>>,
    /// Whether it was said on this connection.
    said: bool,
}

#[derive(Serialize)]
struct SendMessage<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    conversation_id: &'a str,
    client_id: &'a str,
    content: &'a str,
    message_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to_id: Option<&'a str>,
}

impl Sending {
    pub(super) fn push(&mut self, waiting: Waiting) {
        self.queue.push_back(waiting);
    }

    pub(super) fn receipt(&mut self, receipt: Receipt, message: Box<str>) {
        let [delivered, read] = &mut self.receipts;
        let told = match receipt {
            Receipt::Delivered => delivered,
            Receipt::Read => read,
        };
        *told = Told {
            message: Some(message),
            said: false,
        };
    }

    pub(super) fn typing(&mut self, typing: bool) {
        self.typing = Some(typing);
    }

    /// The server's answer; whether it was one to the message under way.
    pub(super) fn answered(&mut self, client_id: &str, answer: Result<Sent>) -> bool {
        let is_it = |waiting: &mut Waiting| *waiting.client_id == *client_id;
        let Some(waiting) = self.under_way.take_if(is_it) else {
            return false;
        };
        // Who does not wait for it does not want to know.
        waiting.done.send(answer).ok();
        true
    }

    /// The server takes whatever is under way for nothing.
    pub(super) fn refused(&mut self, error: Error) {
        if let Some(waiting) = self.under_way.take() {
            waiting.done.send(Err(error)).ok();
        }
    }

    /// The message under way, or only that of the key, is to be sent again.
    pub(super) fn again(&mut self, client_id: Option<&str>) {
        let is_it = |waiting: &mut Waiting| client_id.is_none_or(|id| *waiting.client_id == *id);
        if let Some(waiting) = self.under_way.take_if(is_it) {
            self.queue.push_front(waiting);
        }
    }

    pub(super) fn lost(&mut self, error: &Error) {
        self.typing = None;
        for told in &mut self.receipts {
            told.said = false;
        }
        match error {
            // It may be this message that the server would end every connection for.
            Error::Ended(Ending::Close(Some(1002 | 1003 | 1007 | 1009), _)) => {
                self.refused(error.clone());
            }
            _ => self.again(None),
        }
    }

    pub(super) fn stopped(self, error: &Error) {
        for waiting in self.under_way.into_iter().chain(self.queue) {
            waiting.done.send(Err(error.clone())).ok();
        }
    }

    pub(super) fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    /// A receipt that was said is kept, to be said again on the next connection.
    pub(super) fn is_idle(&self) -> bool {
        let nothing = |told: &Told| told.message.is_none();
        self.queue.is_empty()
            && self.under_way.is_none()
            && self.typing.is_none()
            && self.receipts.iter().all(nothing)
    }

    pub(super) fn next(&mut self, room: &str) -> Option<String> {
        if self.under_way.is_none()
            && let Some(waiting) = self.queue.pop_front()
        {
            let frame = waiting.frame(room);
            self.under_way = Some(waiting);
            // A message ends typing by itself.
            self.typing = None;
            return Some(frame);
        }
        for (told, kind) in self.receipts.iter_mut().zip(RECEIPTS) {
            if let Some(message) = &told.message
                && !told.said
            {
                told.said = true;
                let frame = json!({ "type": kind, "conversation_id": room, "message_id": message });
                return Some(frame.to_string());
            }
        }
        let kind = if self.typing.take()? {
            "typing_start"
        } else {
            "typing_stop"
        };
        Some(json!({ "type": kind, "conversation_id": room }).to_string())
    }
}

impl Waiting {
    fn frame(&self, room: &str) -> String {
        let frame = SendMessage {
            kind: "send_message",
            conversation_id: room,
            client_id: &self.client_id,
            content: &self.message.content,
            message_type: self.message.kind.name(),
            reply_to_id: self.message.reply_to.as_deref(),
        };
        json!(frame).to_string()
    }
}

const RECEIPTS: [&str; 2] = ["message_delivered", "message_read"];
