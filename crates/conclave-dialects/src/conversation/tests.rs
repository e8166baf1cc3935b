use std::sync::Arc;

use conclave_protocol::*;

use crate::{CONVERSATION, Conversation, FEED};

mod decoding;
mod encoding;
mod events;
mod properties;

fn room(name: &str) -> RoomId {
    RoomId::new(name).unwrap()
}

fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

fn id(text: &str) -> MessageId {
    MessageId::parse(text).unwrap()
}

fn feed() -> DialectState {
    FEED.open("", true)
}

/// A connection whose path names the conversation `R`.
fn conversation() -> DialectState {
    let mut state = CONVERSATION.open("", true);
    state.place.as_mut().unwrap().room = Some(room("R"));
    state
}

const M1: &str = "0190f3c4-7d2e-7000-8000-000000000001";
const M2: &str = "0190f3c4-7d2e-7000-8000-00000000000a";
const AT: Timestamp = Timestamp::from_millis(1_649_123_456_789);
