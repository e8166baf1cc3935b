//! The `topics` dialect, at `/ws` (topics.md): session-scoped pub/sub in text commands, and
//! broadcast of JSON objects.
//!
//! A connection with a token starts as a listener; its first text command other than `ping` and
//! `auth:` makes it a subscriber for good.

mod codes;
mod decode;
mod encode;
#[cfg(test)]
mod tests;
mod wire;

use conclave_protocol::{
    CloseMeaning, Command, Dialect, DialectState, Disconnect, Form, Frame, FrameKind, Mode,
    Publication, Push, Received, Reply, Timestamp,
};

/// The `topics` dialect.
pub static TOPICS: Topics = Topics;

/// The type of [`TOPICS`].
///
/// Bits of [`DialectState::flags`]: 1 authenticated, 2 pub/sub, 4 `?ack=1`, 8 `?recover=1`.
/// [`DialectState::name`] is left alone: whether a name counts is for the service to say.
#[derive(Clone, Copy, Debug)]
pub struct Topics;

impl Dialect for Topics {
    fn name(&self) -> &'static str {
        "topics"
    }

    /// Reads `ack` and `recover` from the query: `1` switches on, anything else off, the last
    /// one wins, and pairs after the 64th are not looked at. Neither needs percent-decoding.
    fn open(&self, query: &str, authenticated: bool) -> DialectState {
        let mut state = DialectState::default();
        set(&mut state, AUTHENTICATED, authenticated);
        for pair in query.split('&').take(QUERY_PAIRS_MAX) {
            match pair.split_once('=') {
                Some(("ack", value)) => set(&mut state, ACK, value == "1"),
                Some(("recover", value)) => set(&mut state, RECOVER, value == "1"),
                Some(_) | None => {}
            }
        }
        state
    }

    fn mode(&self, state: &DialectState) -> Mode {
        match (has(state, PUBSUB), has(state, AUTHENTICATED)) {
            (true, _) => Mode::Subscriber,
            (false, true) => Mode::Listener,
            (false, false) => Mode::Undecided,
        }
    }

    fn form(&self, state: &DialectState) -> Form {
        if has(state, RECOVER) {
            encode::RECOVERABLE
        } else {
            encode::PLAIN
        }
    }

    fn decode<'a>(&self, state: &mut DialectState, frame: Frame<'a>) -> Received<'a> {
        match frame {
            Frame::Binary(_) => Received::Violation(CloseMeaning::BinaryFrame),
            Frame::Text(text) => decode::message(state, text),
        }
    }

    fn word(&self, command: &Command<'_>) -> &'static str {
        codes::word(command)
    }

    fn encode_reply(
        &self,
        state: &DialectState,
        reply: &Reply<'_>,
        _at: Timestamp,
        out: &mut Vec<u8>,
    ) -> Option<FrameKind> {
        encode::reply(state, reply, out)
    }

    fn encode_push(
        &self,
        _state: &DialectState,
        push: &Push<'_>,
        out: &mut Vec<u8>,
    ) -> Option<FrameKind> {
        encode::push(push, out)
    }

    fn encode_publication(
        &self,
        form: Form,
        publication: &Publication,
        out: &mut Vec<u8>,
    ) -> Option<FrameKind> {
        encode::publication(form, publication, out)
    }

    fn disconnect(&self, meaning: CloseMeaning) -> Disconnect {
        codes::disconnect(meaning)
    }
}

fn has(state: &DialectState, flag: u8) -> bool {
    state.flags & flag != 0
}

fn set(state: &mut DialectState, flag: u8, on: bool) {
    if on {
        state.flags |= flag;
    } else {
        state.flags &= !flag;
    }
}

const AUTHENTICATED: u8 = 1;
const PUBSUB: u8 = 2;
const ACK: u8 = 4;
const RECOVER: u8 = 8;
const QUERY_PAIRS_MAX: usize = 64;
