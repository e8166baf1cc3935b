//! A frame to an envelope.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Envelope;
use crate::{AsyncApiError, ErrorCode};

/// Why a frame is no envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnvelopeFault {
    /// A member stands there twice.
    Duplicate,
    /// It is not JSON, or no object.
    Malformed,
    /// A member that must be there is not: its name.
    Missing(&'static str),
    /// A member is over its bound: its name.
    TooLong(&'static str),
    /// A member is of another kind than it must be: its name.
    Unfit(&'static str),
}

/// Why a frame is no envelope, with what is needed for an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvelopeError {
    /// What is wrong.
    pub fault: EnvelopeFault,
    /// The correlation id, where it could be read.
    pub correlation_id: Option<Box<str>>,
    /// The operation, where it could be read.
    pub operation: Option<Box<str>>,
}

impl EnvelopeFault {
    /// What the client is answered.
    #[must_use]
    pub fn error(self) -> AsyncApiError {
        let (code, message, field, word) = match self {
            Self::Duplicate => (
                ErrorCode::InvalidPayload,
                "a name stands twice in the envelope",
                "",
                "duplicate",
            ),
            Self::Malformed => (
                ErrorCode::InvalidPayload,
                "the message is no JSON object",
                "",
                "malformed",
            ),
            Self::Missing(field) => (
                ErrorCode::InvalidPayload,
                "the envelope is not whole",
                field,
                "missing",
            ),
            Self::TooLong(field) => (
                ErrorCode::TooLarge,
                "a member of the envelope is too long",
                field,
                "too_long",
            ),
            Self::Unfit(field) => (
                ErrorCode::InvalidPayload,
                "a member of the envelope is of the wrong kind",
                field,
                "wrong_kind",
            ),
        };
        AsyncApiError::new(code, message).with_detail(field, message, word)
    }
}

impl<'a> Envelope<'a> {
    /// Reads one frame. Its size is the transport's to bound.
    ///
    /// # Errors
    /// The first fault, in the order of the envelope's members, with operation and correlation id
    /// where those could be read.
    pub fn decode(text: &'a str) -> Result<Self, EnvelopeError> {
        let mut members = Members::default();
        let mut reader = serde_json::Deserializer::from_str(text);
        let read = Collect(&mut members).deserialize(&mut reader);
        let fault = match read.and_then(|()| reader.end()) {
            Err(_) if members.twice => Some(EnvelopeFault::Duplicate),
            Err(_) => Some(EnvelopeFault::Malformed),
            Ok(()) => None,
        };
        let judged = fault.map_or_else(|| members.envelope(), Err);
        judged.map_err(|fault| EnvelopeError {
            fault,
            correlation_id: members.owned(members.correlation_id, NAME_BYTES_MAX),
            operation: members.owned(members.operation, NAME_BYTES_MAX),
        })
    }
}

/// The members of the outermost object, as they are written.
#[derive(Default)]
struct Members<'a> {
    id: Option<&'a RawValue>,
    operation: Option<&'a RawValue>,
    payload: Option<&'a RawValue>,
    timestamp: Option<&'a RawValue>,
    correlation_id: Option<&'a RawValue>,
    channel: Option<&'a RawValue>,
    headers: Option<&'a RawValue>,
    error: Option<&'a RawValue>,
    twice: bool,
}

impl<'a> Members<'a> {
    fn member(&mut self, name: Name) -> Option<&mut Option<&'a RawValue>> {
        match name {
            Name::Id => Some(&mut self.id),
            Name::Operation => Some(&mut self.operation),
            Name::Payload => Some(&mut self.payload),
            Name::Timestamp => Some(&mut self.timestamp),
            Name::CorrelationId => Some(&mut self.correlation_id),
            Name::Channel => Some(&mut self.channel),
            Name::Headers => Some(&mut self.headers),
            Name::Error => Some(&mut self.error),
            Name::Other => None,
        }
    }

    fn envelope(&self) -> Result<Envelope<'a>, EnvelopeFault> {
        let id = text("id", self.id, NAME_BYTES_MAX)?;
        let operation = text("operation", self.operation, NAME_BYTES_MAX)?
            .filter(|operation| !operation.is_empty())
            .ok_or(EnvelopeFault::Missing("operation"))?;
        Ok(Envelope {
            id,
            operation,
            payload: self.payload.unwrap_or(RawValue::NULL),
            timestamp: text("timestamp", self.timestamp, TIMESTAMP_BYTES_MAX)?,
            correlation_id: text("correlation_id", self.correlation_id, NAME_BYTES_MAX)?,
            channel: text("channel", self.channel, CHANNEL_BYTES_MAX)?,
            headers: object("headers", self.headers, HEADERS_BYTES_MAX)?,
            error: object("error", self.error, usize::MAX)?,
        })
    }

    fn owned(&self, member: Option<&RawValue>, bytes_max: usize) -> Option<Box<str>> {
        text("", member, bytes_max)
            .ok()
            .flatten()
            .map(|text| Box::from(&*text))
    }
}

fn text<'a>(
    name: &'static str,
    member: Option<&'a RawValue>,
    bytes_max: usize,
) -> Result<Option<Cow<'a, str>>, EnvelopeFault> {
    let Some(raw) = member.filter(|raw| raw.get() != "null") else {
        return Ok(None);
    };
    let text = text_of(raw).ok_or(EnvelopeFault::Unfit(name))?;
    if text.len() > bytes_max {
        return Err(EnvelopeFault::TooLong(name));
    }
    Ok(Some(text))
}

/// A JSON string, borrowed where nothing in it is escaped; `None` for any other value.
pub(crate) fn text_of(raw: &RawValue) -> Option<Cow<'_, str>> {
    let inner = raw.get().strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        serde_json::from_str(raw.get()).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

fn object<'a>(
    name: &'static str,
    member: Option<&'a RawValue>,
    bytes_max: usize,
) -> Result<Option<&'a RawValue>, EnvelopeFault> {
    let Some(raw) = member.filter(|raw| raw.get() != "null") else {
        return Ok(None);
    };
    if !raw.get().starts_with('{') {
        return Err(EnvelopeFault::Unfit(name));
    }
    if raw.get().len() > bytes_max {
        return Err(EnvelopeFault::TooLong(name));
    }
    Ok(Some(raw))
}

/// Fills the members from outside, so that what was read is known where the rest is malformed.
struct Collect<'m, 'a>(&'m mut Members<'a>);

impl<'a> DeserializeSeed<'a> for Collect<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Collect<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an envelope")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key_seed(NameSeed)? {
            let Some(member) = self.0.member(name) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = map.next_value::<&'a RawValue>()?;
            if member.replace(value).is_some() {
                self.0.twice = true;
                return Err(A::Error::custom("duplicate name"));
            }
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Name {
    Id,
    Operation,
    Payload,
    Timestamp,
    CorrelationId,
    Channel,
    Headers,
    Error,
    Other,
}

struct NameSeed;

impl<'de> DeserializeSeed<'de> for NameSeed {
    type Value = Name;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Name, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for NameSeed {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Name, E> {
        Ok(match name {
            "id" => Name::Id,
            "operation" => Name::Operation,
            "payload" => Name::Payload,
            "timestamp" => Name::Timestamp,
            "correlation_id" => Name::CorrelationId,
            "channel" => Name::Channel,
            "headers" => Name::Headers,
            "error" => Name::Error,
            _ => Name::Other,
        })
    }
}

const NAME_BYTES_MAX: usize = 128;
const TIMESTAMP_BYTES_MAX: usize = 64;
const CHANNEL_BYTES_MAX: usize = 1024;
const HEADERS_BYTES_MAX: usize = 8 * 1024;
