//! The `conversation` dialect (conversation.md): JSON frames with a `type`, on two surfaces.
//! [`FEED`] is what concerns a user, [`CONVERSATION`] one room.

mod codes;
mod decode;
mod encode;
mod events;
#[cfg(test)]
mod tests;
mod wire;

pub(crate) use wire::Written;

use conclave_protocol::{
    CloseMeaning, Command, Dialect, DialectState, Disconnect, Event, Form, Frame, FrameKind, Mode,
    Place, Publication, Push, Received, Reply, RoomId, Start, Timestamp,
};

/// The user's feed, at `/ws/{user_id}`.
pub static FEED: Conversation = Conversation {
    surface: Surface::Feed,
};

/// One conversation, at `/ws/conversation/{user_id}/{conversation_id}`. The handshake sets
/// [`Place::room`] after [`Dialect::open`].
pub static CONVERSATION: Conversation = Conversation {
    surface: Surface::Room,
};

/// The type of [`FEED`] and [`CONVERSATION`].
#[derive(Clone, Copy, Debug)]
pub struct Conversation {
    surface: Surface,
}

/// Which of the two paths a connection came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Surface {
    /// `/ws/{user_id}`.
    Feed,
    /// `/ws/conversation/{user_id}/{conversation_id}`.
    Room,
}

impl Dialect for Conversation {
    /// As `/ws/stats` counts connections: `general` for the feed.
    fn name(&self) -> &'static str {
        match self.surface {
            Surface::Feed => "general",
            Surface::Room => "conversation",
        }
    }

    fn start(&self, _state: &DialectState) -> Start {
        match self.surface {
            Surface::Feed => Start::Feed,
            Surface::Room => Start::Room,
        }
    }

    /// Reads `since` from the query of a conversation: a whole number, the last one wins, and
    /// pairs after the 64th are not looked at. One above 2^53-1 is that; what is no whole number
    /// is ignored, since nothing can be answered here. `partial=1` on both surfaces asks for
    /// `partial_content` in the parts of answers.
    fn open(&self, query: &str, _authenticated: bool) -> DialectState {
        let place = match self.surface {
            Surface::Feed => None,
            Surface::Room => Some(Box::new(Place {
                since: decode::since(query),
                ..Place::default()
            })),
        };
        let flags = if decode::partial(query) {
            WHOLE_PARTS
        } else {
            0
        };
        DialectState {
            flags,
            place,
            ..DialectState::default()
        }
    }

    /// Never hears the broadcast stream.
    fn mode(&self, _state: &DialectState) -> Mode {
        Mode::Subscriber
    }

    fn form(&self, state: &DialectState) -> Form {
        if state.flags & WHOLE_PARTS == 0 {
            SHARED
        } else {
            WHOLE
        }
    }

    fn decode<'a>(&self, state: &mut DialectState, frame: Frame<'a>) -> Received<'a> {
        match (frame, self.surface, room(state)) {
            (Frame::Binary(_), _, _) => Received::Violation(CloseMeaning::BinaryFrame),
            (Frame::Text(text), Surface::Feed, _) => decode::feed(text),
            (Frame::Text(text), Surface::Room, Some(room)) => decode::conversation(room, text),
            // A path without a room leads nowhere.
            (Frame::Text(_), Surface::Room, None) => Received::Violation(CloseMeaning::Forbidden),
        }
    }

    fn word(&self, command: &Command<'_>) -> &'static str {
        codes::word(command)
    }

    fn encode_reply(
        &self,
        state: &DialectState,
        reply: &Reply<'_>,
        at: Timestamp,
        out: &mut Vec<u8>,
    ) -> Option<FrameKind> {
        encode::reply(room(state), reply, at, out)
    }

    fn encode_push(
        &self,
        state: &DialectState,
        push: &Push<'_>,
        out: &mut Vec<u8>,
    ) -> Option<FrameKind> {
        encode::push(room(state), push, out)
    }

    /// As [`Dialect::encode_publication`]; the author's own messages also say `client_id`.
    fn encode_event(
        &self,
        state: &DialectState,
        event: &Event,
        own: bool,
        out: &mut Vec<u8>,
    ) -> Option<FrameKind> {
        let shown = events::Shown {
            own,
            whole: state.flags & WHOLE_PARTS != 0,
        };
        events::event(event, shown, out)
    }

    fn encode_publication(
        &self,
        form: Form,
        publication: &Publication,
        out: &mut Vec<u8>,
    ) -> Option<FrameKind> {
        events::publication(publication, form == WHOLE, out)
    }

    fn disconnect(&self, meaning: CloseMeaning) -> Disconnect {
        codes::disconnect(meaning)
    }
}

/// The room of the path; `None` on the feed.
fn room(state: &DialectState) -> Option<&RoomId> {
    state.place.as_ref().and_then(|place| place.room.as_ref())
}

/// Events look alike on both surfaces.
const SHARED: Form = Form(2);
/// The same, and parts of answers with all that came before (`?partial=1`).
const WHOLE: Form = Form(8);
/// The flag of a connection that gets [`WHOLE`].
const WHOLE_PARTS: u8 = 1;
