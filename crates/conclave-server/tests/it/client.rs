//! A WebSocket client that a test holds in its hand: every wait has a deadline.
//!
//! `dial` makes handshakes, `wire` is the socket; this file is the connection between.

mod dial;
mod wire;

use std::fmt::Display;
use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use conclave_websocket::{
    Decoded, Decoder, DecoderLimits, Event, Inflater, Opcode, Role, encode_masked,
};
use serde_json::Value;

pub(crate) use dial::Dial;
pub(crate) use wire::Wire;

use crate::documents::{self, Document};
use crate::world::PATIENCE;

/// What a client hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
    /// A pong.
    Pong(Vec<u8>),
    /// The server's Close; 1005 where it has no code.
    Close(u16, String),
    /// The socket's end.
    End,
}

/// A WebSocket connection.
pub(crate) struct Client {
    wire: Wire,
    input: Vec<u8>,
    decoder: Decoder,
    inflater: Inflater,
    /// The head of the server's answer.
    pub(crate) head: String,
    /// Whether pings are answered.
    pub(crate) answers_pings: bool,
    /// How many pings came.
    pub(crate) pings: u32,
    /// Whether the message heard last came compressed.
    pub(crate) was_compressed: bool,
    /// What describes what it may hear.
    document: Option<&'static Document>,
}

impl Client {
    /// A client behind a handshake that is done; `input` came behind its head.
    pub(crate) fn new(wire: Wire, input: Vec<u8>, deflate: bool, head: String) -> Self {
        Self {
            wire,
            input,
            decoder: Decoder::new(Role::Client, deflate),
            inflater: Inflater::new(),
            head,
            answers_pings: true,
            pings: 0,
            was_compressed: false,
            document: None,
        }
    }

    /// The same, and everything it hears must be in the document of this path, if there is one.
    pub(crate) fn at(mut self, path: &str) -> Self {
        self.document = documents::of(path);
        self
    }

    /// The socket, for what is no WebSocket.
    pub(crate) fn wire(&mut self) -> &mut Wire {
        &mut self.wire
    }

    /// Sends a text message.
    pub(crate) fn send(&mut self, text: &str) {
        self.send_raw(&frame(Opcode::Text, text.as_bytes()));
    }

    /// Sends bytes as they are.
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) {
        self.wire.write_all(bytes).expect("an open connection");
    }

    /// Sends a Close.
    pub(crate) fn close(&mut self, code: u16) {
        self.send_raw(&frame(Opcode::Close, &code.to_be_bytes()));
    }

    /// What comes next, within `PATIENCE`. Pings are counted and passed over.
    pub(crate) fn next(&mut self) -> Heard {
        self.next_within(PATIENCE)
            .unwrap_or_else(|| panic!("nothing came"))
    }

    /// What comes next, or `None` where nothing comes within that time.
    pub(crate) fn next_within(&mut self, patience: Duration) -> Option<Heard> {
        let end = Instant::now() + patience;
        loop {
            if let Some(heard) = self.decode() {
                match heard {
                    Some(heard) => return Some(heard),
                    None => continue,
                }
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            self.wire
                .tcp()
                .set_read_timeout(Some(left))
                .expect("a socket");
            match self.wire.read_some(&mut self.input) {
                Ok(0) => return Some(Heard::End),
                Ok(_) => {}
                Err(error) if is_timeout(&error) => return None,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// The next text message; anything else fails the test.
    pub(crate) fn text(&mut self) -> String {
        match self.next() {
            Heard::Text(text) => text,
            other => panic!("expected a text message, heard {other:?}"),
        }
    }

    /// The next text message as JSON.
    pub(crate) fn json(&mut self) -> Value {
        let text = self.text();
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"))
    }

    /// The Close that comes next.
    pub(crate) fn closed(&mut self) -> (u16, String) {
        match self.next() {
            Heard::Close(code, reason) => (code, reason),
            other => panic!("expected a Close, heard {other:?}"),
        }
    }

    /// Reads until the Close, however much comes before it.
    pub(crate) fn closed_at_last(&mut self) -> (u16, String) {
        loop {
            match self.next() {
                Heard::Close(code, reason) => return (code, reason),
                Heard::End => panic!("the socket ended without a Close"),
                Heard::Text(_) | Heard::Binary(_) | Heard::Pong(_) => {}
            }
        }
    }

    /// Sends `ping` and expects `pong` next: commands are carried out in order, so what was sent
    /// before is done, and nothing else has come.
    pub(crate) fn barrier(&mut self) {
        self.send("ping");
        assert_eq!(self.text(), "pong");
    }

    /// `Some(None)` for a frame that says nothing to a test.
    fn decode(&mut self) -> Option<Option<Heard>> {
        let limits = DecoderLimits {
            message_bytes: 64 << 20,
            fragments: u32::MAX,
        };
        let compressed = self.input.first().is_some_and(|first| first & RSV1 != 0);
        let decoded = self
            .decoder
            .decode(&mut self.input, &limits, &mut self.inflater);
        let (consumed, heard, ping) = match decoded.expect("legal frames") {
            Decoded::Incomplete { .. } => return None,
            Decoded::Frame { consumed, event } => match event {
                None => (consumed, None, None),
                Some(Event::Text(text)) => (consumed, Some(Heard::Text(text.to_owned())), None),
                Some(Event::Binary(bytes)) => (consumed, Some(Heard::Binary(bytes.to_vec())), None),
                Some(Event::Ping(body)) => (consumed, None, Some(body.to_vec())),
                Some(Event::Pong(body)) => (consumed, Some(Heard::Pong(body.to_vec())), None),
                Some(Event::Close(code, reason)) => {
                    let code = code.map_or(1005, |code| code.number());
                    (consumed, Some(Heard::Close(code, reason.to_owned())), None)
                }
            },
        };
        self.input.drain(..consumed);
        self.was_compressed = compressed;
        if let (Some(Heard::Text(text)), Some(document)) = (&heard, self.document) {
            document.check(text);
        }
        if let Some(body) = ping {
            self.pings += 1;
            if self.answers_pings {
                // The server may have closed already.
                self.wire.write_all(&frame(Opcode::Pong, &body)).ok();
            }
        }
        Some(heard)
    }
}

/// A whole frame of a client.
pub(crate) fn frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    encode_masked(opcode, payload, [0x5a, 0x1c, 0x33, 0x07], &mut out);
    out
}

/// The bytes of a text message.
pub(crate) fn text(message: &str) -> Vec<u8> {
    frame(Opcode::Text, message.as_bytes())
}

/// The command that publishes this JSON to a topic, in the own session.
pub(crate) fn publish(topic: &str, payload: impl Display) -> String {
    format!(r#"publish-json:{{"topic":"{topic}","payload":{payload}}}"#)
}

/// The value of a header in a head.
pub(crate) fn header(head: &str, name: &str) -> Option<String> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    let found = lines.filter(|(known, _)| known.trim().eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.trim().to_owned()).next()
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

const RSV1: u8 = 0x40;
