//! What nobody asked for: the messages of the rooms that the user is in. Requests and their
//! answers are the generated router's.

use std::sync::LazyLock;

use conclave_chat::model::{ChatMessageDeleted, MessageType, RoomMessage};
use conclave_chat::spec::{SPEC, channels, operations};
use conclave_dialects::CONVERSATION;
use conclave_protocol::{
    Body, CloseMeaning, Command, Dialect, DialectState, Disconnect, Event, EventKind, Form, Frame,
    FrameKind, Message, MessageKind, Mode, Publication, Push, Received, Reply, Start, Timestamp,
};
use conclave_service::format::{DateTime, Uuid};
use conclave_service::{PushWriter, Spelling};
use serde::Serialize;

/// The wire format of `/chat`.
pub(crate) static SERVICE: ServiceDialect = ServiceDialect;

/// The type of [`SERVICE`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServiceDialect;

impl ServiceDialect {
    /// Notes how a connection's last request was spelled; `?case=` stays in force.
    pub(crate) fn asked_in(state: &mut DialectState, spelling: Spelling) {
        if state.flags & CHOSEN == 0 {
            state.flags = match spelling {
                Spelling::Camel => CAMEL,
                Spelling::Snake => 0,
            };
        }
    }

    /// What `?case=` says.
    pub(crate) fn chosen(state: &DialectState) -> Option<Spelling> {
        (state.flags & CHOSEN != 0).then(|| spelling(state.flags & CAMEL != 0))
    }
}

impl Dialect for ServiceDialect {
    fn name(&self) -> &'static str {
        "service"
    }

    fn start(&self, _state: &DialectState) -> Start {
        Start::Rooms
    }

    /// Reads `case` from the query, `snake` or `camel`; the last one wins.
    fn open(&self, query: &str, _authenticated: bool) -> DialectState {
        let pairs = query.split('&').take(PAIRS_MAX);
        let cases = pairs.filter_map(|pair| pair.strip_prefix("case="));
        let flags = match cases.filter_map(Spelling::named).last() {
            Some(Spelling::Camel) => CHOSEN | CAMEL,
            Some(Spelling::Snake) => CHOSEN,
            None => 0,
        };
        DialectState {
            flags,
            ..DialectState::default()
        }
    }

    fn mode(&self, _state: &DialectState) -> Mode {
        Mode::Subscriber
    }

    fn form(&self, state: &DialectState) -> Form {
        if state.flags & CAMEL == 0 {
            IN_SNAKE
        } else {
            IN_CAMEL
        }
    }

    /// Texts are the router's and never come here.
    fn decode<'a>(&self, _state: &mut DialectState, frame: Frame<'a>) -> Received<'a> {
        match frame {
            Frame::Binary(_) => Received::Violation(CloseMeaning::BinaryFrame),
            Frame::Text(_) => Received::Violation(CloseMeaning::Malformed),
        }
    }

    fn word(&self, _command: &Command<'_>) -> &'static str {
        "message"
    }

    fn encode_event(
        &self,
        state: &DialectState,
        event: &Event,
        _own: bool,
        out: &mut Vec<u8>,
    ) -> Option<FrameKind> {
        write(event, spelling(state.flags & CAMEL != 0), out)
    }

    fn encode_reply(
        &self,
        _state: &DialectState,
        _reply: &Reply<'_>,
        _at: Timestamp,
        _out: &mut Vec<u8>,
    ) -> Option<FrameKind> {
        None
    }

    fn encode_push(
        &self,
        _state: &DialectState,
        _push: &Push<'_>,
        _out: &mut Vec<u8>,
    ) -> Option<FrameKind> {
        None
    }

    fn encode_publication(
        &self,
        form: Form,
        publication: &Publication,
        out: &mut Vec<u8>,
    ) -> Option<FrameKind> {
        match &publication.body {
            Body::Event(event) => write(event, spelling(form == IN_CAMEL), out),
            Body::Broadcast { .. } | Body::Topic(_) | Body::Wallet(_) => None,
        }
    }

    /// One column of identity.md, "Refused handshakes, closed connections", is for both.
    fn disconnect(&self, meaning: CloseMeaning) -> Disconnect {
        CONVERSATION.disconnect(meaning)
    }
}

/// Of all that happens in a room only messages are this dialect's.
fn write(event: &Event, spelling: Spelling, out: &mut Vec<u8>) -> Option<FrameKind> {
    let push = Written { event, spelling };
    match &event.kind {
        EventKind::Message(message) => {
            push.into(operations::RECEIVE_CHAT_MESSAGE, &shape(message), out)
        }
        EventKind::Edited(message) => push.into(
            operations::RECEIVE_CHAT_MESSAGE_UPDATED,
            &RoomMessage {
                edited_at: Some(DateTime::from(message.updated_at)),
                ..shape(message)
            },
            out,
        ),
        EventKind::Erased { message, by } => push.into(
            operations::RECEIVE_CHAT_MESSAGE_DELETED,
            &ChatMessageDeleted {
                message_id: Uuid::from_u128(message.0),
                room_id: event.room.as_ref()?.as_str().to_owned(),
                user_id: by.as_str().to_owned(),
                timestamp: DateTime::from(event.at),
                seq: event.seq,
            },
            out,
        ),
        _ => None,
    }
}

struct Written<'a> {
    event: &'a Event,
    spelling: Spelling,
}

impl Written<'_> {
    fn into<T: Serialize>(self, route: usize, message: &T, out: &mut Vec<u8>) -> Option<FrameKind> {
        let room = self.event.room.as_ref()?.as_str();
        let address = SPEC.address(channels::CHAT_MESSAGES, &[("roomId", room)]);
        let written = address.and_then(|address| {
            let to = (route, &address);
            WRITER.write(to, self.event.at, self.spelling, message)
        });
        match written {
            Ok(envelope) => {
                out.extend_from_slice(&envelope);
                Some(FrameKind::Text)
            }
            Err(error) => {
                tracing::error!(error = %error, "a push cannot be written");
                None
            }
        }
    }
}

fn shape(message: &Message) -> RoomMessage {
    let edited = message.updated_at > message.created_at;
    RoomMessage {
        message_id: Uuid::from_u128(message.id.0),
        room_id: message.room.as_str().to_owned(),
        user_id: message.author.user.as_str().to_owned(),
        username: message.author.name.to_string(),
        content: message.content.to_string(),
        message_type: match message.kind {
            MessageKind::File => MessageType::File,
            MessageKind::Image => MessageType::Image,
            MessageKind::System => MessageType::System,
            MessageKind::Text => MessageType::Text,
        },
        timestamp: DateTime::from(message.created_at),
        reply_to: message.reply_to.map(|id| Uuid::from_u128(id.0)),
        seq: message.seq,
        edited_at: edited.then(|| DateTime::from(message.updated_at)),
    }
}

const fn spelling(is_camel: bool) -> Spelling {
    if is_camel {
        Spelling::Camel
    } else {
        Spelling::Snake
    }
}

static WRITER: LazyLock<PushWriter> = LazyLock::new(|| PushWriter::new(&SPEC));
/// The query has said how to spell.
const CHOSEN: u8 = 1;
/// What is sent is spelled `messageId`.
const CAMEL: u8 = 2;
const IN_SNAKE: Form = Form(5);
const IN_CAMEL: Form = Form(6);
const PAIRS_MAX: usize = 64;
