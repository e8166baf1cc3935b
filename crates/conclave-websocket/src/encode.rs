//! From payloads to frames.

use crate::frame::CONTROL_BYTES_MAX;
use crate::{Deflater, Header, Opcode, apply_mask};

/// Appends a server's whole message: `FIN opcode | length | payload`, no mask.
///
/// The bytes depend on nothing but the arguments, so every recipient can share them. A control
/// frame's payload has at most 125 bytes; the caller sees to it. Source: RFC 6455 section 5.2.
pub fn encode(opcode: Opcode, payload: &[u8], out: &mut Vec<u8>) {
    out.reserve(HEADER_BYTES_MAX + payload.len());
    header(opcode, payload).write(out);
    out.extend_from_slice(payload);
}

/// Appends a client's whole message, masked with `mask`, which must be unpredictable to whoever
/// chose the payload. Source: RFC 6455 section 5.3.
pub fn encode_masked(opcode: Opcode, payload: &[u8], mask: [u8; 4], out: &mut Vec<u8>) {
    out.reserve(HEADER_BYTES_MAX + payload.len());
    Header {
        mask: Some(mask),
        ..header(opcode, payload)
    }
    .write(out);
    let start = out.len();
    out.extend_from_slice(payload);
    if let Some(masked) = out.get_mut(start..) {
        apply_mask(masked, mask);
    }
}

/// Appends a server's whole text or binary message, compressed where that makes it smaller.
///
/// Gives back whether it did. A compressed frame may go to a client whose
/// `DeflateParams::window_bits_max` is n only where `payload.len() <= 2^n`; a plain one to any.
/// Source: RFC 7692 section 7.2.1.
pub fn encode_deflated(
    opcode: Opcode,
    payload: &[u8],
    deflater: &mut Deflater,
    out: &mut Vec<u8>,
) -> bool {
    let Some(deflated) = deflater.deflate(payload) else {
        encode(opcode, payload, out);
        return false;
    };
    out.reserve(HEADER_BYTES_MAX + deflated.len());
    Header {
        rsv1: true,
        ..header(opcode, deflated)
    }
    .write(out);
    out.extend_from_slice(deflated);
    true
}

/// Appends a server's text or binary message in frames of at most `fragment_bytes` (1 where 0 is
/// given); one frame where all fits. Source: RFC 6455 section 5.4.
pub fn encode_fragments(opcode: Opcode, payload: &[u8], fragment_bytes: usize, out: &mut Vec<u8>) {
    let mut opcode = opcode;
    let mut rest = payload;
    while let Some((fragment, behind)) = rest.split_at_checked(fragment_bytes.max(1)) {
        if behind.is_empty() {
            break;
        }
        Header {
            fin: false,
            ..header(opcode, fragment)
        }
        .write(out);
        out.extend_from_slice(fragment);
        opcode = Opcode::Continuation;
        rest = behind;
    }
    encode(opcode, rest, out);
}

/// Appends a server's Close: `code | reason`, the reason cut to 123 bytes at a character's start.
///
/// The code goes out as given; `CloseCode::new` tells which ones a peer accepts.
/// Source: RFC 6455 section 5.5.1.
pub fn encode_close(code: u16, reason: &str, out: &mut Vec<u8>) {
    let reason = reason
        .get(..reason.floor_char_boundary(CLOSE_REASON_BYTES_MAX))
        .unwrap_or(reason);
    let mut body = Vec::with_capacity(usize::from(CONTROL_BYTES_MAX));
    body.extend_from_slice(&code.to_be_bytes());
    body.extend_from_slice(reason.as_bytes());
    encode(Opcode::Close, &body, out);
}

/// The header of a whole, plain, unmasked message.
fn header(opcode: Opcode, payload: &[u8]) -> Header {
    let payload_bytes = u64::try_from(payload.len()).unwrap_or(u64::MAX);
    Header {
        fin: true,
        rsv1: false,
        opcode,
        mask: None,
        payload_bytes,
    }
}

const HEADER_BYTES_MAX: usize = 14;
const CLOSE_REASON_BYTES_MAX: usize = 123;

#[cfg(test)]
mod tests;
