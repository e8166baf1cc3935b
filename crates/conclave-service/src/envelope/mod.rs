//! One text frame (service.md, "Envelope").

mod decode;
mod encode;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde_json::value::RawValue;

pub(crate) use decode::text_of;
pub use decode::{EnvelopeError, EnvelopeFault};
pub(crate) use encode::{Head, write_envelope, write_error};

/// A message, borrowed from its frame.
///
/// Shape: `{"id","operation","payload","timestamp","correlation_id","channel","headers","error"}`;
/// `operation` must be there, everything else may be missing or null. Unknown members are passed
/// over; a name that stands there twice is refused. Source: service.md.
#[derive(Clone, Debug)]
pub struct Envelope<'a> {
    /// The message's own id, at most 128 bytes.
    pub id: Option<Cow<'a, str>>,
    /// The operation's name, 1 to 128 bytes.
    pub operation: Cow<'a, str>,
    /// The payload as it was written; `null` where there is none.
    pub payload: &'a RawValue,
    /// When the sender says it was sent, at most 64 bytes; nobody believes it.
    pub timestamp: Option<Cow<'a, str>>,
    /// What the reply repeats, at most 128 bytes.
    pub correlation_id: Option<Cow<'a, str>>,
    /// The channel's address, at most 1,024 bytes.
    pub channel: Option<Cow<'a, str>>,
    /// An object of at most 8 KiB.
    pub headers: Option<&'a RawValue>,
    /// An object, in replies.
    pub error: Option<&'a RawValue>,
}
