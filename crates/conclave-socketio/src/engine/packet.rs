//! A packet of Engine.IO, "Protocol" and "Packet encoding".

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use conclave_protocol::{Frame, FrameKind};

use crate::Violation;

/// What one end tells the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// `0…`: the server's first, JSON for [`super::Open::decode`].
    Open(&'a str),
    /// `1`: the session ends.
    Close,
    /// `2…`: the server asks for a pong; from a client only `probe`, on a transport under trial.
    Ping(&'a str),
    /// `3…`: the answer, with the ping's content.
    Pong(&'a str),
    /// `4…`: text for Socket.IO.
    Text(&'a str),
    /// A binary WebSocket message, or `b…` in base64: bytes for Socket.IO.
    Binary(Cow<'a, [u8]>),
    /// `5`: the transport under trial is the session's from now on.
    Upgrade,
    /// `6`: nothing, so that a waiting request ends.
    Noop,
}

/// Where a server stands with the transport that a packet came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It is the session's.
    Open,
    /// It is a WebSocket that a session by long-polling may change to.
    Probing,
}

impl<'a> Packet<'a> {
    /// Reads one packet: a whole WebSocket message, or one part of a long-polling body.
    ///
    /// Text is borrowed; `b…` is decoded, with or without its padding.
    ///
    /// # Errors
    /// [`Violation::EnginePacketEmpty`], [`Violation::EngineTypeUnknown`],
    /// [`Violation::EngineContentUnexpected`] (close, upgrade and noop have none) and
    /// [`Violation::Base64Invalid`].
    pub fn decode(frame: Frame<'a>) -> Result<Self, Violation> {
        let text = match frame {
            Frame::Binary(bytes) => return Ok(Self::Binary(Cow::Borrowed(bytes))),
            Frame::Text(text) => text,
        };
        let mut characters = text.chars();
        let Some(kind) = characters.next() else {
            return Err(Violation::EnginePacketEmpty);
        };
        let content = characters.as_str();
        let bare = |packet| match content {
            "" => Ok(packet),
            _ => Err(Violation::EngineContentUnexpected),
        };
        match kind {
            '0' => Ok(Self::Open(content)),
            '1' => bare(Self::Close),
            '2' => Ok(Self::Ping(content)),
            '3' => Ok(Self::Pong(content)),
            '4' => Ok(Self::Text(content)),
            '5' => bare(Self::Upgrade),
            '6' => bare(Self::Noop),
            'b' => match LENIENT.decode(content) {
                Ok(bytes) => Ok(Self::Binary(Cow::Owned(bytes))),
                Err(_) => Err(Violation::Base64Invalid),
            },
            _ => Err(Violation::EngineTypeUnknown),
        }
    }

    /// Passes what a server may hear from a client in this phase.
    ///
    /// An open session takes messages, pongs, close, and without effect upgrade and noop; a
    /// transport under trial takes `2probe` and upgrade.
    ///
    /// # Errors
    /// [`Violation::EnginePacketUnexpected`]: in [`Phase::Open`] the session ends, in
    /// [`Phase::Probing`] only the transport under trial.
    pub fn admit(self, phase: Phase) -> Result<Self, Violation> {
        let fits = match (&self, phase) {
            (
                Self::Close
                | Self::Pong(_)
                | Self::Text(_)
                | Self::Binary(_)
                | Self::Upgrade
                | Self::Noop,
                Phase::Open,
            )
            | (Self::Upgrade, Phase::Probing) => true,
            (Self::Ping(content), Phase::Probing) => *content == "probe",
            (Self::Open(_) | Self::Ping(_), Phase::Open)
            | (
                Self::Open(_)
                | Self::Close
                | Self::Pong(_)
                | Self::Text(_)
                | Self::Binary(_)
                | Self::Noop,
                Phase::Probing,
            ) => false,
        };
        if fits {
            Ok(self)
        } else {
            Err(Violation::EnginePacketUnexpected)
        }
    }

    /// The message in it, for [`crate::packet::Decoder::decode`].
    #[must_use]
    pub fn message(&self) -> Option<Frame<'_>> {
        match self {
            Self::Text(text) => Some(Frame::Text(text)),
            Self::Binary(bytes) => Some(Frame::Binary(bytes)),
            Self::Open(_)
            | Self::Close
            | Self::Ping(_)
            | Self::Pong(_)
            | Self::Upgrade
            | Self::Noop => None,
        }
    }

    /// Appends the payload of the WebSocket message for it, whose kind it gives.
    pub fn encode(&self, out: &mut Vec<u8>) -> FrameKind {
        if let Self::Binary(bytes) = self {
            out.extend_from_slice(bytes);
            return FrameKind::Binary;
        }
        self.encode_text(out);
        FrameKind::Text
    }

    /// Appends it to a long-polling body, after a separator where there is something before it.
    ///
    /// Text that holds the separator (0x1e) cannot travel by long-polling; JSON never does.
    pub fn encode_polled(&self, out: &mut Vec<u8>) {
        if !out.is_empty() {
            out.push(SEPARATOR);
        }
        self.encode_text(out);
    }

    fn encode_text(&self, out: &mut Vec<u8>) {
        let (kind, content) = match self {
            Self::Open(content) => (b'0', *content),
            Self::Close => (b'1', ""),
            Self::Ping(content) => (b'2', *content),
            Self::Pong(content) => (b'3', *content),
            Self::Text(content) => (b'4', *content),
            Self::Binary(bytes) => {
                out.push(b'b');
                out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
                return;
            }
            Self::Upgrade => (b'5', ""),
            Self::Noop => (b'6', ""),
        };
        out.push(kind);
        out.extend_from_slice(content.as_bytes());
    }
}

/// Begins a text message for a WebSocket: what is appended next is its content, without a copy.
pub fn begin_message(out: &mut Vec<u8>) {
    out.push(b'4');
}

/// Begins a text message in a long-polling body, like [`Packet::encode_polled`].
pub fn begin_polled_message(out: &mut Vec<u8>) {
    Packet::Text("").encode_polled(out);
}

/// Between the packets of a long-polling body.
pub(super) const SEPARATOR: u8 = 0x1e;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
