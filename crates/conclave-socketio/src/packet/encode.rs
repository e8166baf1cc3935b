//! From a packet to text, Socket.IO v5 "Packet encoding".
//!
//! What is written is the content of one text message of Engine.IO; `engine::begin_message` puts
//! the message's own mark before it in the same buffer. Attachments follow as binary messages.

use std::io::Write as _;

use serde::Serialize;

use super::{AckId, EventName, MAIN_NAMESPACE, Packet};

/// Where an event goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address<'a> {
    /// Begins with `/` and holds no comma.
    pub namespace: &'a str,
    /// The number to be answered with, where an answer is wanted.
    pub ack: Option<AckId>,
    /// Binary messages that the caller sends after it; each has its placeholder in an argument.
    pub attachments: usize,
}

impl Default for Address<'_> {
    /// The main namespace, no answer wanted, no attachments.
    fn default() -> Self {
        Self {
            namespace: MAIN_NAMESPACE,
            ack: None,
            attachments: 0,
        }
    }
}

/// An event or ack being written, argument by argument, straight into the caller's buffer.
///
/// Dropped without [`Outgoing::finish`] it leaves half a packet there.
#[derive(Debug)]
#[must_use = "a packet is whole only after `finish`"]
pub struct Outgoing<'o> {
    out: &'o mut Vec<u8>,
    begin: usize,
    empty: bool,
    failed: Option<serde_json::Error>,
}

impl<'o> Outgoing<'o> {
    /// Begins `2[/namespace,][id]["name"`, or `5N-…` with attachments.
    pub fn event(out: &'o mut Vec<u8>, address: &Address<'_>, name: &str) -> Self {
        Self::begin(out, b"25", address).json(name)
    }

    /// Begins `3[/namespace,]id[`, or `6N-…` with attachments.
    pub fn ack(out: &'o mut Vec<u8>, namespace: &str, id: AckId, attachments: usize) -> Self {
        let address = Address {
            namespace,
            ack: Some(id),
            attachments,
        };
        Self::begin(out, b"36", &address)
    }

    /// Adds an argument.
    pub fn json<T: Serialize + ?Sized>(mut self, argument: &T) -> Self {
        self.separate();
        if let Err(error) = serde_json::to_writer(&mut *self.out, argument) {
            self.failed.get_or_insert(error);
        }
        self
    }

    /// Adds an argument that is JSON already, and must be: nobody looks again.
    pub fn raw(mut self, argument: &str) -> Self {
        self.separate();
        self.out.extend_from_slice(argument.as_bytes());
        self
    }

    /// Ends the packet.
    ///
    /// # Errors
    /// That of the first argument that could not be written as JSON; the buffer is then as it was
    /// before the packet began.
    pub fn finish(self) -> Result<(), serde_json::Error> {
        match self.failed {
            None => {
                self.out.push(b']');
                Ok(())
            }
            Some(error) => {
                self.out.truncate(self.begin);
                Err(error)
            }
        }
    }

    fn begin(out: &'o mut Vec<u8>, kinds: &[u8; 2], address: &Address<'_>) -> Self {
        let begin = out.len();
        let [plain, binary] = *kinds;
        if address.attachments == 0 {
            out.push(plain);
        } else {
            out.push(binary);
            append_number(out, address.attachments);
            out.push(b'-');
        }
        append_namespace(out, address.namespace);
        if let Some(id) = address.ack {
            append_number(out, id.get());
        }
        out.push(b'[');
        Self {
            out,
            begin,
            empty: true,
            failed: None,
        }
    }

    fn separate(&mut self) {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
    }
}

/// Appends `0[/namespace,]{…}`: from a server `{"sid":…}`, with `pid` where it recovers; from a
/// client its `auth`. `data` must serialize to an object.
///
/// # Errors
/// Where `data` cannot be written as JSON; the buffer is then as it was.
pub fn encode_connect<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    namespace: &str,
    data: &T,
) -> Result<(), serde_json::Error> {
    append_object(out, b'0', namespace, data)
}

/// Appends `4[/namespace,]{…}`: `{"message":…}`, with `data` where there is more to say. `error`
/// must serialize to an object or a string.
///
/// # Errors
/// Where `error` cannot be written as JSON; the buffer is then as it was.
pub fn encode_connect_error<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    namespace: &str,
    error: &T,
) -> Result<(), serde_json::Error> {
    append_object(out, b'4', namespace, error)
}

impl Packet<'_> {
    /// Appends its text; attachments are the caller's.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Connect { namespace, data } => {
                out.push(b'0');
                append_namespace(out, namespace);
                out.extend_from_slice(data.map_or("", |data| data.get()).as_bytes());
            }
            Self::Disconnect { namespace } => {
                out.push(b'1');
                append_namespace(out, namespace);
            }
            Self::Event {
                namespace,
                ack,
                name,
                arguments,
                attachments,
            } => {
                let address = Address {
                    namespace,
                    ack: *ack,
                    attachments: *attachments,
                };
                let outgoing = match name {
                    EventName::Text(name) => Outgoing::event(out, &address, name),
                    EventName::Number(name) => Outgoing::begin(out, b"25", &address).raw(name),
                };
                outgoing.rest(arguments);
            }
            Self::Ack {
                namespace,
                id,
                arguments,
                attachments,
            } => Outgoing::ack(out, namespace, *id, *attachments).rest(arguments),
            Self::ConnectError { namespace, error } => {
                out.push(b'4');
                append_namespace(out, namespace);
                out.extend_from_slice(error.get().as_bytes());
            }
        }
    }
}

impl Outgoing<'_> {
    fn rest(self, arguments: &[&serde_json::value::RawValue]) {
        let whole = arguments
            .iter()
            .fold(self, |outgoing, argument| outgoing.raw(argument.get()));
        let finished = whole.finish();
        debug_assert!(finished.is_ok(), "text is always JSON");
    }
}

fn append_object<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    kind: u8,
    namespace: &str,
    value: &T,
) -> Result<(), serde_json::Error> {
    let begin = out.len();
    out.push(kind);
    append_namespace(out, namespace);
    serde_json::to_writer(&mut *out, value).inspect_err(|_| out.truncate(begin))
}

fn append_namespace(out: &mut Vec<u8>, namespace: &str) {
    if namespace != MAIN_NAMESPACE {
        out.extend_from_slice(namespace.as_bytes());
        out.push(b',');
    }
}

fn append_number(out: &mut Vec<u8>, number: impl std::fmt::Display) {
    let written = write!(out, "{number}");
    debug_assert!(written.is_ok(), "a Vec takes everything");
}
