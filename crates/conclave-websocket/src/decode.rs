//! From a connection's bytes to events, RFC 6455 sections 5 to 8.

use crate::close::parse_close;
use crate::frame::Parsed;
use crate::{CloseCode, Header, Inflater, Opcode, Role, Violation, apply_mask};

/// The receiving state of one connection: 16 bytes, and heap only inside a fragmented message.
///
/// It knows nothing of Close: what to read after one is the connection's decision.
#[derive(Debug)]
pub struct Decoder {
    partial: Option<Box<Partial>>,
    role: Role,
    deflate: bool,
}

/// What a message may cost; passed in, so that no connection stores it. `MAX` means none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct DecoderLimits {
    /// Payload bytes of a whole message, inflated where it was compressed. Default 64 KiB.
    pub message_bytes: usize,
    /// Frames of a fragmented message, empty ones counted. Default 1024.
    pub fragments: u32,
}

/// What the front of the input holds.
#[derive(Debug, PartialEq)]
pub enum Decoded<'a> {
    /// No whole frame yet.
    Incomplete {
        /// At least so many bytes more are needed: exact once the header is whole, and then at
        /// most the message limit, so it may be reserved.
        missing: usize,
    },
    /// A whole frame.
    Frame {
        /// Bytes of the input that are done with.
        consumed: usize,
        /// What it completed; `None` for a fragment that is not the last.
        event: Option<Event<'a>>,
    },
}

/// What a peer said.
#[derive(Debug, PartialEq)]
pub enum Event<'a> {
    /// A whole text message.
    Text(&'a str),
    /// A whole binary message.
    Binary(&'a [u8]),
    /// To be answered by a pong with the same payload, at most 125 bytes.
    Ping(&'a [u8]),
    /// An answer to a ping, or unasked; at most 125 bytes.
    Pong(&'a [u8]),
    /// The peer sends no more: its code, if any, and its reason of up to 123 bytes.
    Close(Option<CloseCode>, &'a str),
}

impl Decoder {
    /// A decoder for the end that plays `role`; `deflate` says whether permessage-deflate was
    /// negotiated, without context takeover by the peer.
    #[must_use]
    pub const fn new(role: Role, deflate: bool) -> Self {
        Self {
            partial: None,
            role,
            deflate,
        }
    }

    /// Reads one frame at the front of `input`, unmasking it in place.
    ///
    /// A frame that is not whole is left untouched and looked at again in the next call; a header
    /// that is illegal or announces too much is refused at once. A message of one plain frame
    /// borrows from `input`, without copy; any other is lent out by `inflater` until its next use.
    /// Source: RFC 6455 sections 5.2 to 5.6, RFC 7692 section 6.2.
    ///
    /// # Errors
    /// The [`Violation`], after which the connection must be closed and read no more; what was
    /// kept of a fragmented message is freed.
    pub fn decode<'a>(
        &mut self,
        input: &'a mut [u8],
        limits: &DecoderLimits,
        inflater: &'a mut Inflater,
    ) -> Result<Decoded<'a>, Violation> {
        inflater.shrink();
        let decoded = self.decode_frame(input, limits, inflater);
        if decoded.is_err() {
            self.partial = None;
        }
        decoded
    }

    /// Bytes kept of a fragmented message under way, 0 while there is none.
    #[must_use]
    pub fn buffered_bytes(&self) -> usize {
        self.partial
            .as_ref()
            .map_or(0, |partial| partial.payload.capacity())
    }

    fn decode_frame<'a>(
        &mut self,
        input: &'a mut [u8],
        limits: &DecoderLimits,
        inflater: &'a mut Inflater,
    ) -> Result<Decoded<'a>, Violation> {
        let (header, header_bytes) = match Header::parse(input, self.role)? {
            Parsed::Complete {
                header,
                header_bytes,
            } => (header, header_bytes),
            Parsed::Incomplete { missing } => return Ok(Decoded::Incomplete { missing }),
        };
        self.admit(&header, limits)?;
        let Ok(payload_bytes) = usize::try_from(header.payload_bytes) else {
            return Err(Violation::MessageTooBig);
        };
        let frame_bytes = header_bytes.saturating_add(payload_bytes);
        let missing = frame_bytes.saturating_sub(input.len());
        let Some(payload) = input.get_mut(header_bytes..frame_bytes) else {
            return Ok(Decoded::Incomplete { missing });
        };
        if let Some(mask) = header.mask {
            apply_mask(payload, mask);
        }
        let event = match header.opcode {
            Opcode::Close => {
                let (code, reason) = parse_close(payload)?;
                Some(Event::Close(code, reason))
            }
            Opcode::Ping => Some(Event::Ping(payload)),
            Opcode::Pong => Some(Event::Pong(payload)),
            Opcode::Binary | Opcode::Continuation | Opcode::Text => {
                self.join(&header, payload, limits, inflater)?
            }
        };
        Ok(Decoded::Frame {
            consumed: frame_bytes,
            event,
        })
    }

    /// Judges a header by the connection's state, before its payload is waited for.
    fn admit(&self, header: &Header, limits: &DecoderLimits) -> Result<(), Violation> {
        let starts_message = matches!(header.opcode, Opcode::Binary | Opcode::Text);
        if header.rsv1 && !(self.deflate && starts_message) {
            return Err(Violation::ReservedBits);
        }
        if header.opcode.is_control() {
            return Ok(());
        }
        let (deflated, fragments, bytes) = match &self.partial {
            None if !starts_message => return Err(Violation::ContinuationWithoutStart),
            Some(_) if starts_message => return Err(Violation::MessageInterleaved),
            None => (header.rsv1, 0, 0),
            Some(partial) => (partial.deflated, partial.fragments, partial.payload.len()),
        };
        let fragmented = fragments > 0 || !header.fin;
        if fragmented && fragments >= limits.fragments {
            return Err(Violation::FragmentsTooMany);
        }
        let room = wire_bytes_max(deflated, limits).saturating_sub(bytes);
        match usize::try_from(header.payload_bytes) {
            Ok(payload_bytes) if payload_bytes <= room => Ok(()),
            Ok(_) | Err(_) => Err(Violation::MessageTooBig),
        }
    }

    /// Adds an admitted data frame to its message; gives the message where this ends it.
    fn join<'a>(
        &mut self,
        header: &Header,
        payload: &'a [u8],
        limits: &DecoderLimits,
        inflater: &'a mut Inflater,
    ) -> Result<Option<Event<'a>>, Violation> {
        let mut message = match self.partial.take() {
            None if header.fin && header.rsv1 => {
                let inflated = inflater.inflate(payload, limits.message_bytes)?;
                return whole(header.opcode, inflated).map(Some);
            }
            None if header.fin => return whole(header.opcode, payload).map(Some),
            None => Box::new(Partial::new(header)),
            Some(message) => message,
        };
        message.push(payload, limits);
        if !header.fin {
            self.partial = Some(message);
            return Ok(None);
        }
        let Partial {
            opcode,
            deflated,
            payload,
            ..
        } = *message;
        let bytes = if deflated {
            inflater.inflate(&payload, limits.message_bytes)?
        } else {
            inflater.hold(payload)
        };
        whole(opcode, bytes).map(Some)
    }
}

/// The fragments so far of a message under way.
#[derive(Debug)]
struct Partial {
    payload: Vec<u8>,
    fragments: u32,
    opcode: Opcode,
    deflated: bool,
}

impl Partial {
    const fn new(first: &Header) -> Self {
        Self {
            payload: Vec::new(),
            fragments: 0,
            opcode: first.opcode,
            deflated: first.rsv1,
        }
    }

    /// Takes a fragment that was admitted; doubles its buffer, but never past the limit.
    fn push(&mut self, fragment: &[u8], limits: &DecoderLimits) {
        self.fragments = self.fragments.saturating_add(1);
        let held = self.payload.len();
        if self.payload.capacity() - held < fragment.len() {
            let doubled = self.payload.capacity().saturating_mul(2);
            let capacity = doubled.min(wire_bytes_max(self.deflated, limits));
            self.payload
                .reserve_exact(capacity.saturating_sub(held).max(fragment.len()));
        }
        self.payload.extend_from_slice(fragment);
    }
}

/// Bytes that a whole message may take on the wire. A compressed one gets an eighth more: so much
/// a sender without skill can add to data that does not compress.
fn wire_bytes_max(deflated: bool, limits: &DecoderLimits) -> usize {
    let slack = if deflated {
        limits.message_bytes / 8 + 64
    } else {
        0
    };
    limits.message_bytes.saturating_add(slack)
}

/// A whole message of the kind that its first frame named.
fn whole(opcode: Opcode, bytes: &[u8]) -> Result<Event<'_>, Violation> {
    if opcode != Opcode::Text {
        return Ok(Event::Binary(bytes));
    }
    match simdutf8::basic::from_utf8(bytes) {
        Ok(text) => Ok(Event::Text(text)),
        Err(_) => Err(Violation::Utf8Invalid),
    }
}

#[cfg(test)]
mod tests;
