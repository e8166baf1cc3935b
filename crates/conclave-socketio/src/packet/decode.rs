//! From text to a packet, Socket.IO v5 "Packet encoding".

use std::borrow::Cow;

use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::placeholder;
use super::{AckId, EventName, Limits, MAIN_NAMESPACE, NAMESPACE_BYTES_MAX, Packet};
use crate::Violation;

impl<'a> Packet<'a> {
    /// Reads the text message of one packet, announced attachments not included.
    ///
    /// Stricter than the reference where no client can tell: numbers have no leading zeros and no
    /// spaces, an ack id stands only where it means something, a payload begins with its bracket,
    /// an event or ack has one, and each attachment has exactly one placeholder.
    ///
    /// # Errors
    /// The [`Violation`] of the first thing that is wrong, from the left.
    pub fn decode(text: &'a str, limits: &Limits) -> Result<Self, Violation> {
        let (kind, rest) = take_kind(text)?;
        let (attachments, rest) = match kind {
            Kind::BinaryAck | Kind::BinaryEvent => take_attachments(rest, limits)?,
            Kind::Connect | Kind::Disconnect | Kind::Event | Kind::Ack | Kind::ConnectError => {
                (0, rest)
            }
        };
        let (namespace, rest) = take_namespace(rest)?;
        let (ack, payload) = take_ack(rest)?;
        if ack.is_some() && !kind.takes_ack() {
            return Err(Violation::AckIdInvalid);
        }
        let packet = match kind {
            Kind::Connect => Self::Connect {
                namespace,
                data: match payload {
                    "" => None,
                    _ => Some(json(payload, b"{")?),
                },
            },
            Kind::Disconnect if payload.is_empty() => Self::Disconnect { namespace },
            Kind::Disconnect => return Err(Violation::PayloadUnexpected),
            Kind::Event | Kind::BinaryEvent => {
                let (name, arguments) = event(payload, limits)?;
                Self::Event {
                    namespace,
                    ack,
                    name,
                    arguments,
                    attachments,
                }
            }
            Kind::Ack | Kind::BinaryAck => Self::Ack {
                namespace,
                id: ack.ok_or(Violation::AckIdMissing)?,
                arguments: elements(payload, limits.arguments)?,
                attachments,
            },
            Kind::ConnectError => Self::ConnectError {
                namespace,
                error: json(payload, b"{\"")?,
            },
        };
        if let Self::Event { arguments, .. } | Self::Ack { arguments, .. } = &packet
            && matches!(kind, Kind::BinaryAck | Kind::BinaryEvent)
        {
            placeholder::check(arguments, attachments)?;
        }
        Ok(packet)
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Connect,
    Disconnect,
    Event,
    Ack,
    ConnectError,
    BinaryEvent,
    BinaryAck,
}

impl Kind {
    const fn takes_ack(self) -> bool {
        match self {
            Self::Ack | Self::BinaryAck | Self::BinaryEvent | Self::Event => true,
            Self::Connect | Self::ConnectError | Self::Disconnect => false,
        }
    }
}

fn take_kind(text: &str) -> Result<(Kind, &str), Violation> {
    let mut characters = text.chars();
    let kind = match characters.next() {
        None => return Err(Violation::PacketEmpty),
        Some('0') => Kind::Connect,
        Some('1') => Kind::Disconnect,
        Some('2') => Kind::Event,
        Some('3') => Kind::Ack,
        Some('4') => Kind::ConnectError,
        Some('5') => Kind::BinaryEvent,
        Some('6') => Kind::BinaryAck,
        Some(_) => return Err(Violation::PacketTypeUnknown),
    };
    Ok((kind, characters.as_str()))
}

fn take_attachments<'a>(text: &'a str, limits: &Limits) -> Result<(usize, &'a str), Violation> {
    let (digits, rest) = take_digits(text);
    let Some(rest) = rest.strip_prefix('-') else {
        return Err(Violation::AttachmentCountInvalid);
    };
    if !is_canonical(digits) {
        return Err(Violation::AttachmentCountInvalid);
    }
    match digits.parse() {
        Ok(count) if count <= limits.attachments => Ok((count, rest)),
        // Digits only: an error is a number beyond any limit.
        Ok(_) | Err(_) => Err(Violation::AttachmentsTooMany),
    }
}

fn take_namespace(text: &str) -> Result<(&str, &str), Violation> {
    if !text.starts_with('/') {
        return Ok((MAIN_NAMESPACE, text));
    }
    let (namespace, rest) = text.split_once(',').unwrap_or((text, ""));
    if namespace.len() > NAMESPACE_BYTES_MAX {
        return Err(Violation::NamespaceTooLong);
    }
    Ok((namespace, rest))
}

fn take_ack(text: &str) -> Result<(Option<AckId>, &str), Violation> {
    let (digits, rest) = take_digits(text);
    if digits.is_empty() {
        return Ok((None, text));
    }
    if !is_canonical(digits) {
        return Err(Violation::AckIdInvalid);
    }
    match digits.parse().ok().and_then(AckId::new) {
        Some(id) => Ok((Some(id), rest)),
        None => Err(Violation::AckIdInvalid),
    }
}

fn take_digits(text: &str) -> (&str, &str) {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn is_canonical(digits: &str) -> bool {
    digits == "0" || !digits.is_empty() && !digits.starts_with('0')
}

/// A whole JSON text that begins with one of `openings`.
fn json<'a>(payload: &'a str, openings: &[u8]) -> Result<&'a RawValue, Violation> {
    let Some(opening) = payload.as_bytes().first() else {
        return Err(Violation::PayloadMissing);
    };
    if !openings.contains(opening) {
        return Err(Violation::PayloadInvalid);
    }
    serde_json::from_str(payload).or(Err(Violation::PayloadInvalid))
}

fn event<'a>(
    payload: &'a str,
    limits: &Limits,
) -> Result<(EventName<'a>, Vec<&'a RawValue>), Violation> {
    let elements = elements(payload, limits.arguments.saturating_add(1))?;
    let mut elements = elements.into_iter();
    let Some(first) = elements.next() else {
        return Err(Violation::EventNameInvalid);
    };
    Ok((event_name(first)?, elements.collect()))
}

fn event_name(json: &RawValue) -> Result<EventName<'_>, Violation> {
    let text = json.get();
    let Some(inner) = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    else {
        return match text.as_bytes().first() {
            Some(b'-' | b'0'..=b'9') => Ok(EventName::Number(Cow::Borrowed(text))),
            Some(_) | None => Err(Violation::EventNameInvalid),
        };
    };
    let name = if inner.contains('\\') {
        match serde_json::from_str(text) {
            Ok(unescaped) => Cow::Owned(unescaped),
            // Half of a surrogate pair.
            Err(_) => return Err(Violation::EventNameInvalid),
        }
    } else {
        Cow::Borrowed(inner)
    };
    if is_reserved(&name) {
        return Err(Violation::EventNameReserved);
    }
    Ok(EventName::Text(name))
}

/// Whether the libraries of either end keep an event's name for themselves: it cannot be sent.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    RESERVED_EVENTS.contains(&name)
}

/// The elements of a JSON array, at most `max`, each checked to be JSON and nothing more.
fn elements(payload: &str, max: usize) -> Result<Vec<&RawValue>, Violation> {
    if payload.is_empty() {
        return Err(Violation::PayloadMissing);
    }
    if !payload.starts_with('[') {
        return Err(Violation::PayloadInvalid);
    }
    let mut deserializer = serde_json::Deserializer::from_str(payload);
    let Ok(elements) = deserializer.deserialize_seq(Elements { max }) else {
        return Err(Violation::PayloadInvalid);
    };
    if deserializer.end().is_err() {
        return Err(Violation::PayloadInvalid);
    }
    elements
}

struct Elements {
    max: usize,
}

impl<'de> Visitor<'de> for Elements {
    type Value = Result<Vec<&'de RawValue>, Violation>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = sequence.next_element()? {
            if elements.len() == self.max {
                // What is left must still be JSON: that is the worse violation.
                while sequence.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(Err(Violation::ArgumentsTooMany));
            }
            elements.push(element);
        }
        Ok(Ok(elements))
    }
}

/// Names that mean something to the libraries of either end.
const RESERVED_EVENTS: &[&str] = &[
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
];
