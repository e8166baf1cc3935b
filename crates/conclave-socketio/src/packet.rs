//! A packet of Socket.IO v5, "Exchange protocol" and "Packet encoding".
//!
//! Reading order: this file, `decode` and `encode` (one packet, both ways), `decoder` with
//! `assembly` and `placeholder` (attachments), `namespaces` (what may come when).

mod assembly;
mod decode;
mod decoder;
mod encode;
mod namespaces;
mod placeholder;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde_json::value::RawValue;

pub use assembly::Assembled;
pub use decode::is_reserved;
pub use decoder::{Decoded, Decoder};
pub use encode::{Address, Outgoing, encode_connect, encode_connect_error};
pub use namespaces::{NAMESPACES_MAX, Namespaces};

/// What one end tells the other, inside one message of Engine.IO.
///
/// Payloads are JSON text, borrowed and looked at only as far as the protocol asks; the dialect
/// reads its own shapes out of them. No `PartialEq`: two texts can be one value.
#[derive(Clone, Debug)]
pub enum Packet<'a> {
    /// `0[/namespace,][{…}]`: a client wants in; a server says that it is.
    Connect {
        /// Begins with `/`.
        namespace: &'a str,
        /// A JSON object: `auth` from a client, `{"sid":…,"pid":…}` from a server.
        data: Option<&'a RawValue>,
    },
    /// `1[/namespace,]`: one end is out.
    Disconnect {
        /// Begins with `/`.
        namespace: &'a str,
    },
    /// `2[/namespace,][id]["name",…]`, or `5N-…` with attachments.
    Event {
        /// Begins with `/`.
        namespace: &'a str,
        /// The number to answer with, where an answer is wanted.
        ack: Option<AckId>,
        /// What happened; never one of the reserved names.
        name: EventName<'a>,
        /// The JSON of each argument, at most [`Limits::arguments`].
        arguments: Vec<&'a RawValue>,
        /// Binary messages that belong to it, at most [`Limits::attachments`].
        attachments: usize,
    },
    /// `3[/namespace,]id[…]`, or `6N-…` with attachments.
    Ack {
        /// Begins with `/`.
        namespace: &'a str,
        /// The number of the event that is answered.
        id: AckId,
        /// The JSON of each argument, at most [`Limits::arguments`].
        arguments: Vec<&'a RawValue>,
        /// Binary messages that belong to it, at most [`Limits::attachments`].
        attachments: usize,
    },
    /// `4[/namespace,]{…}`: a server keeps a client out.
    ConnectError {
        /// Begins with `/`.
        namespace: &'a str,
        /// A JSON object (`{"message":…,"data":…}`) or string.
        error: &'a RawValue,
    },
}

impl<'a> Packet<'a> {
    /// The namespace it is for.
    #[must_use]
    pub const fn namespace(&self) -> &'a str {
        match self {
            Self::Connect { namespace, .. }
            | Self::Disconnect { namespace }
            | Self::Event { namespace, .. }
            | Self::Ack { namespace, .. }
            | Self::ConnectError { namespace, .. } => namespace,
        }
    }
}

/// The number that ties an acknowledgement to its event: 0 to 2^53-1, what a JavaScript number
/// holds exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AckId(u64);

impl AckId {
    /// The greatest one.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// `None` over [`AckId::MAX`].
    #[must_use]
    pub const fn new(id: u64) -> Option<Self> {
        if id <= Self::MAX.0 {
            Some(Self(id))
        } else {
            None
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// What an event is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventName<'a> {
    /// A JSON number, as it was written.
    Number(Cow<'a, str>),
    /// A JSON string, unescaped.
    Text(Cow<'a, str>),
}

impl EventName<'_> {
    /// Its text; a number and a string of the same digits give the same.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Number(text) | Self::Text(text) => text,
        }
    }

    fn as_borrowed(&self) -> EventName<'_> {
        match self {
            Self::Number(text) => EventName::Number(Cow::Borrowed(text)),
            Self::Text(text) => EventName::Text(Cow::Borrowed(text)),
        }
    }

    fn into_owned(self) -> EventName<'static> {
        match self {
            Self::Number(text) => EventName::Number(Cow::Owned(text.into_owned())),
            Self::Text(text) => EventName::Text(Cow::Owned(text.into_owned())),
        }
    }
}

/// What a packet may cost; passed in, so that no connection stores it. `MAX` means none.
///
/// The text of one packet is bounded before, by what the transport takes as a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Arguments of an event or ack, without the event's name. Default 32 (ours).
    pub arguments: usize,
    /// Binary attachments of a packet. Default 10, as in the reference server.
    pub attachments: usize,
    /// Bytes of a packet with attachments: its text and all of them. Default 64 KiB.
    pub assembly_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            arguments: 32,
            attachments: 10,
            assembly_bytes: 64 * 1024,
        }
    }
}

/// Bytes of a namespace with its slash, at most (ours).
pub const NAMESPACE_BYTES_MAX: usize = 256;

/// The namespace that a packet is for where it names none.
const MAIN_NAMESPACE: &str = "/";
