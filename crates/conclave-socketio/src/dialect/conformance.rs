//! What the suites of the Socket.IO project expect of a server (`docs/engine.io-protocol/
//! v4-test-suite` and `docs/socket.io-protocol/v5-test-suite` in its repository).
//!
//! No credential, no core: everything is answered here. For `serve --conformance` only.

use std::cell::Cell;

use conclave_protocol::{
    CloseMeaning, Command, Dialect, DialectState, Disconnect, Form, Frame, FrameKind, Heartbeat,
    Mode, OwnFrame, Place, Publication, Push, Received, Reply, Start, Timestamp,
};

use super::{SHARED, codes, encode, polling};
use crate::Sid;
use crate::engine::{Packet as EnginePacket, Phase, begin_message};
use crate::packet::{
    AckId, Address, Assembled, Decoded, Decoder, Limits, Namespaces, Outgoing, Packet,
    encode_connect,
};

/// At `/engine.io/`: every message of Engine.IO comes back.
pub static ENGINE_ECHO: Conformance = Conformance {
    suite: Suite::Engine,
};

/// At `/socket.io/`: the namespaces `/` and `/custom` greet with `auth` and what CONNECT said;
/// in `/`, `message` comes back as `message-back` and `message-with-ack` as its acknowledgement.
pub static CONFORMANCE: Conformance = Conformance {
    suite: Suite::Socket,
};

/// The type of [`ENGINE_ECHO`] and [`CONFORMANCE`].
#[derive(Clone, Copy, Debug)]
pub struct Conformance {
    suite: Suite,
}

/// Whose expectations are met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Suite {
    /// That of Engine.IO.
    Engine,
    /// That of Socket.IO.
    Socket,
}

/// What a connection is remembered by.
#[derive(Debug, Default)]
struct Memory {
    decoder: Decoder,
    namespaces: Namespaces,
    sid: Cell<u128>,
    /// How many CONNECTs were answered.
    sockets: u128,
}

impl Dialect for Conformance {
    fn name(&self) -> &'static str {
        match self.suite {
            Suite::Engine => "engineio-conformance",
            Suite::Socket => "socketio-conformance",
        }
    }

    fn start(&self, _state: &DialectState) -> Start {
        Start::Opened
    }

    fn heartbeat(&self) -> Option<Heartbeat> {
        Some(HEARTBEAT)
    }

    fn open(&self, query: &str, _authenticated: bool) -> DialectState {
        DialectState {
            flags: polling(query),
            place: Some(Box::new(Place {
                memory: Some(Box::new(Memory::default())),
                ..Place::default()
            })),
            ..DialectState::default()
        }
    }

    fn mode(&self, _state: &DialectState) -> Mode {
        Mode::Subscriber
    }

    fn form(&self, _state: &DialectState) -> Form {
        SHARED
    }

    fn decode<'a>(&self, state: &mut DialectState, frame: Frame<'a>) -> Received<'a> {
        let packet = EnginePacket::decode(frame).and_then(|packet| packet.admit(Phase::Open));
        let Ok(packet) = packet else {
            return Received::Violation(CloseMeaning::Malformed);
        };
        if packet == EnginePacket::Close {
            return Received::Violation(CloseMeaning::Left);
        }
        let Some(message) = packet.message() else {
            return Received::Answered(Vec::new());
        };
        let answers = match self.suite {
            Suite::Engine => Some(vec![engine_echo(message)]),
            Suite::Socket => memory(state).and_then(|memory| memory.answer(message)),
        };
        answers.map_or(
            Received::Violation(CloseMeaning::Malformed),
            Received::Answered,
        )
    }

    fn word(&self, command: &Command<'_>) -> &'static str {
        codes::word(command)
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

    /// The open packet, with the suites' own `maxPayload`: the server has to take as much.
    fn encode_push(
        &self,
        state: &DialectState,
        push: &Push<'_>,
        out: &mut Vec<u8>,
    ) -> Option<FrameKind> {
        let Push::Opened { sid, .. } = push else {
            return None;
        };
        let memory = state.place.as_ref().and_then(|place| place.memory.as_ref());
        if let Some(memory) = memory.and_then(|memory| memory.downcast_ref::<Memory>()) {
            memory.sid.set(*sid);
        }
        encode::opened(state, *sid, HEARTBEAT, MAX_PAYLOAD, out)
    }

    fn encode_publication(
        &self,
        _form: Form,
        _publication: &Publication,
        _out: &mut Vec<u8>,
    ) -> Option<FrameKind> {
        None
    }

    fn farewell(&self, _state: &DialectState, meaning: CloseMeaning) -> Vec<OwnFrame> {
        encode::farewell(false, meaning)
    }

    fn disconnect(&self, meaning: CloseMeaning) -> Disconnect {
        codes::disconnect(meaning)
    }
}

fn memory(state: &mut DialectState) -> Option<&mut Memory> {
    state.place.as_mut()?.memory.as_mut()?.downcast_mut()
}

impl Memory {
    /// What a message is answered with; `None` where the connection ends.
    fn answer(&mut self, message: Frame<'_>) -> Option<Vec<OwnFrame>> {
        let limits = Limits {
            assembly_bytes: MAX_PAYLOAD,
            ..Limits::default()
        };
        match self.decoder.decode(message, &limits).ok()? {
            Decoded::Incomplete => Some(Vec::new()),
            Decoded::Packet(packet) => self.packet(&packet, &[]),
            Decoded::Assembled(whole) => {
                let whole: &Assembled = &whole;
                self.packet(&whole.packet(), whole.attachments())
            }
        }
    }

    fn packet(&mut self, packet: &Packet<'_>, attachments: &[Box<[u8]>]) -> Option<Vec<OwnFrame>> {
        self.namespaces.admit(packet).ok()?;
        match packet {
            Packet::Connect { namespace, data } => {
                let auth = data.map_or("{}", |data| data.get());
                self.connect(namespace, auth)
            }
            Packet::Event {
                namespace: "/",
                ack,
                name,
                arguments,
                ..
            } => {
                let arguments: Vec<&str> = arguments.iter().map(|json| json.get()).collect();
                match (name.as_str(), ack) {
                    ("message", _) => message_back(&arguments, attachments),
                    ("message-with-ack", Some(ack)) => acknowledged(*ack, &arguments, attachments),
                    _ => Some(Vec::new()),
                }
            }
            Packet::Ack { .. }
            | Packet::ConnectError { .. }
            | Packet::Disconnect { .. }
            | Packet::Event { .. } => Some(Vec::new()),
        }
    }

    fn connect(&mut self, namespace: &str, auth: &str) -> Option<Vec<OwnFrame>> {
        if !NAMESPACES.contains(&namespace) {
            self.namespaces.leave(namespace);
            return Some(encode::invalid_namespace(namespace));
        }
        self.namespaces.connect(namespace);
        self.sockets = self.sockets.wrapping_add(1);
        let sid = Sid::new(self.sid.get().wrapping_add(self.sockets));
        let answer = text(|out| {
            let data = serde_json::json!({"sid": sid.as_str()});
            encode_connect(out, namespace, &data)
        })?;
        let address = Address {
            namespace,
            ..Address::default()
        };
        let greeting = text(|out| Outgoing::event(out, &address, "auth").raw(auth).finish())?;
        Some(vec![answer, greeting])
    }
}

fn engine_echo(message: Frame<'_>) -> OwnFrame {
    match message {
        Frame::Binary(bytes) => OwnFrame::Binary(bytes.to_vec()),
        Frame::Text(text) => OwnFrame::Text(format!("4{text}")),
    }
}

fn message_back(arguments: &[&str], attachments: &[Box<[u8]>]) -> Option<Vec<OwnFrame>> {
    let address = Address {
        attachments: attachments.len(),
        ..Address::default()
    };
    let first = text(|out| {
        arguments
            .iter()
            .fold(
                Outgoing::event(out, &address, "message-back"),
                |packet, argument| packet.raw(argument),
            )
            .finish()
    })?;
    Some(with(first, attachments))
}

fn acknowledged(
    ack: AckId,
    arguments: &[&str],
    attachments: &[Box<[u8]>],
) -> Option<Vec<OwnFrame>> {
    let first = text(|out| {
        arguments
            .iter()
            .fold(
                Outgoing::ack(out, "/", ack, attachments.len()),
                |packet, argument| packet.raw(argument),
            )
            .finish()
    })?;
    Some(with(first, attachments))
}

fn with(first: OwnFrame, attachments: &[Box<[u8]>]) -> Vec<OwnFrame> {
    let rest = attachments
        .iter()
        .map(|bytes| OwnFrame::Binary(bytes.to_vec()));
    [first].into_iter().chain(rest).collect()
}

fn text(write: impl FnOnce(&mut Vec<u8>) -> Result<(), serde_json::Error>) -> Option<OwnFrame> {
    let mut out = Vec::new();
    begin_message(&mut out);
    write(&mut out).ok()?;
    String::from_utf8(out).ok().map(OwnFrame::Text)
}

/// As both suites say.
const HEARTBEAT: Heartbeat = Heartbeat {
    text: "2",
    every: 300,
    patience: 200,
};
const MAX_PAYLOAD: usize = 1_000_000;
const NAMESPACES: [&str; 2] = ["/", "/custom"];
