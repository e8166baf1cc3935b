//! The `socketio` dialect, at `/socket.io/` (socketio.md): a chat gateway for the stock clients
//! of Socket.IO, in the main namespace.
//!
//! What it writes are packets of Engine.IO, one per frame, the same for both transports.
//!
//! Reading order: `decode`, with `connect` (who it is), `command` and `fields` (what it asks for);
//! `events`, `encode` and `wire`; `codes`; then `conformance`, what the protocol's own suites
//! expect of a server.

mod codes;
mod command;
mod conformance;
mod connect;
mod decode;
mod encode;
mod events;
mod fields;
#[cfg(test)]
mod tests;
mod wire;

use std::cell::Cell;

use conclave_protocol::{
    CloseMeaning, Command, Dialect, DialectState, Disconnect, Event, Form, Frame, FrameKind,
    Heartbeat, Mode, OwnFrame, Place, Publication, Push, Received, Reply, Start, Timestamp,
};

use crate::packet::Decoder;

pub use conformance::{CONFORMANCE, Conformance, ENGINE_ECHO};

/// The dialect as it is.
pub static SOCKETIO: SocketIo = SocketIo {
    failure: Failure::ConnectError,
};

/// As [`SOCKETIO`], but a failed CONNECT is an `error` event and a DISCONNECT
/// (`socketio.auth_failure = "event"`).
pub static SOCKETIO_EVENT_FAILURE: SocketIo = SocketIo {
    failure: Failure::Event,
};

/// The type of [`SOCKETIO`] and [`SOCKETIO_EVENT_FAILURE`].
///
/// Bits of [`DialectState::flags`]: 1 a credential was shown where none is looked for, 2 the
/// session began by long-polling.
#[derive(Clone, Copy, Debug)]
pub struct SocketIo {
    failure: Failure,
}

/// How a client hears that its CONNECT was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    /// By a packet of its own kind.
    ConnectError,
    /// By an answered CONNECT, an `error` event and DISCONNECT.
    Event,
}

/// What a connection is remembered by besides [`Place`].
#[derive(Debug, Default)]
struct Memory {
    decoder: Decoder,
    standing: Cell<Standing>,
    /// The `auth:refresh` that waits for its answer.
    refresh: Cell<Option<Refresh>>,
    /// The session's name at its transport.
    sid: Cell<u128>,
}

/// Where a connection stands that [`Place::connected`] does not say is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Standing {
    /// It has sent no CONNECT.
    #[default]
    Absent,
    /// Its CONNECT waits for an answer.
    Pending,
    /// Its CONNECT was answered and ended at once; what it sends meanwhile is lost.
    Ended,
}

/// An `auth:refresh` on its way.
#[derive(Clone, Copy, Debug)]
struct Refresh {
    /// The number to answer with.
    ack: Option<u64>,
}

impl Dialect for SocketIo {
    fn name(&self) -> &'static str {
        "socketio"
    }

    fn start(&self, _state: &DialectState) -> Start {
        Start::Connect
    }

    fn heartbeat(&self) -> Option<Heartbeat> {
        Some(HEARTBEAT)
    }

    /// `authenticated`, or a credential in the query, only makes the refusal of a CONNECT
    /// without one say where it belongs. `transport=polling` makes the open packet offer the
    /// change to a WebSocket.
    fn open(&self, query: &str, authenticated: bool) -> DialectState {
        let elsewhere = authenticated || connect::is_in_query(query);
        DialectState {
            flags: if elsewhere { ELSEWHERE } else { 0 } | polling(query),
            place: Some(Box::new(Place {
                memory: Some(Box::new(Memory::default())),
                ..Place::default()
            })),
            ..DialectState::default()
        }
    }

    fn mode(&self, state: &DialectState) -> Mode {
        if is_connected(state) {
            Mode::Subscriber
        } else {
            Mode::Undecided
        }
    }

    fn form(&self, _state: &DialectState) -> Form {
        SHARED
    }

    fn decode<'a>(&self, state: &mut DialectState, frame: Frame<'a>) -> Received<'a> {
        decode::message(state, frame)
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
        state: &DialectState,
        push: &Push<'_>,
        out: &mut Vec<u8>,
    ) -> Option<FrameKind> {
        encode::push(state, push, out)
    }

    /// As [`Dialect::encode_publication`]; the author's own messages also say `clientId`.
    fn encode_event(
        &self,
        _state: &DialectState,
        event: &Event,
        own: bool,
        out: &mut Vec<u8>,
    ) -> Option<FrameKind> {
        events::event(event, own, out)
    }

    fn encode_publication(
        &self,
        _form: Form,
        publication: &Publication,
        out: &mut Vec<u8>,
    ) -> Option<FrameKind> {
        events::publication(publication, out)
    }

    fn refuse_connect(
        &self,
        state: &DialectState,
        meaning: CloseMeaning,
        message: &str,
    ) -> Vec<OwnFrame> {
        let standing = match self.failure {
            Failure::ConnectError => Standing::Absent,
            Failure::Event => Standing::Ended,
        };
        let memory = memory(state);
        if let Some(memory) = memory {
            memory.standing.set(standing);
        }
        match self.failure {
            Failure::ConnectError => encode::connect_error(meaning, message),
            Failure::Event => {
                let sid = memory.map_or(0, |memory| memory.sid.get());
                encode::failed_connect(sid, meaning, message)
            }
        }
    }

    fn farewell(&self, state: &DialectState, meaning: CloseMeaning) -> Vec<OwnFrame> {
        encode::farewell(is_connected(state), meaning)
    }

    fn disconnect(&self, meaning: CloseMeaning) -> Disconnect {
        codes::disconnect(meaning)
    }
}

/// The flag of a session that begins by long-polling.
fn polling(query: &str) -> u8 {
    let mut pairs = query.split('&').take(QUERY_PAIRS_MAX);
    if pairs.any(|pair| pair == "transport=polling") {
        POLLING
    } else {
        0
    }
}

fn is_connected(state: &DialectState) -> bool {
    state.place.as_ref().is_some_and(|place| place.connected)
}

fn memory(state: &DialectState) -> Option<&Memory> {
    state.place.as_ref()?.memory.as_ref()?.downcast_ref()
}

/// As `pingInterval` and `pingTimeout` of the reference.
const HEARTBEAT: Heartbeat = Heartbeat {
    text: "2",
    every: 25_000,
    patience: 20_000,
};

/// Events as everybody but their author gets them.
const SHARED: Form = Form(3);
const ELSEWHERE: u8 = 1;
const POLLING: u8 = 2;
const QUERY_PAIRS_MAX: usize = 64;
