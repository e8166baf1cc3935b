//! The header of a frame, RFC 6455 section 5.2, in both directions.

use crate::Violation;

/// Which end of the connection this is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Role {
    /// The end that asked for the connection; masks what it sends, refuses masks in what it gets.
    Client,
    /// The end that accepted it; sends without mask, refuses frames without one.
    Server,
}

/// What a frame is for; the numbers are those of the wire.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Opcode {
    /// A further fragment of the message under way.
    Continuation = 0,
    /// A text message, or its first fragment.
    Text = 1,
    /// A binary message, or its first fragment.
    Binary = 2,
    /// The end of what this side sends.
    Close = 8,
    /// A question whether the peer lives.
    Ping = 9,
    /// The answer, or a sign of life unasked.
    Pong = 10,
}

impl Opcode {
    const fn from_bits(bits: u8) -> Option<Self> {
        match bits {
            0 => Some(Self::Continuation),
            1 => Some(Self::Text),
            2 => Some(Self::Binary),
            8 => Some(Self::Close),
            9 => Some(Self::Ping),
            10 => Some(Self::Pong),
            _ => None,
        }
    }

    /// Whether this is a close, ping or pong: never fragmented, never compressed, at most 125 bytes.
    #[must_use]
    pub const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// What stands before a payload: 2 to 14 bytes.
///
/// [`Header::write`] takes any combination, legal or not, so that tests can send what a peer must
/// refuse; the `encode` functions write only legal ones.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Header {
    /// Last (or only) frame of its message.
    pub fin: bool,
    /// "Per-message compressed", on the first frame of a message only. Source: RFC 7692 section 6.
    pub rsv1: bool,
    /// What the frame is for.
    pub opcode: Opcode,
    /// The masking key, on frames from a client.
    pub mask: Option<[u8; 4]>,
    /// Bytes of payload that follow, at most 2^63 - 1.
    pub payload_bytes: u64,
}

impl Header {
    /// Appends the header to `out`, with the length in as few bytes as hold it.
    ///
    /// Shape: `FIN RSV1 0 0 opcode(4) | MASK length(7) | length(16 or 64)? | key(32)?`.
    /// Source: RFC 6455 section 5.2.
    pub fn write(&self, out: &mut Vec<u8>) {
        let first = u8::from(self.fin) << 7 | u8::from(self.rsv1) << 6 | self.opcode as u8;
        let masked = u8::from(self.mask.is_some()) << 7;
        match (
            u8::try_from(self.payload_bytes),
            u16::try_from(self.payload_bytes),
        ) {
            (Ok(length @ 0..=CONTROL_BYTES_MAX), _) => {
                out.extend_from_slice(&[first, masked | length]);
            }
            (_, Ok(length)) => {
                let [high, low] = length.to_be_bytes();
                out.extend_from_slice(&[first, masked | LENGTH_IN_2_BYTES, high, low]);
            }
            _ => {
                out.extend_from_slice(&[first, masked | LENGTH_IN_8_BYTES]);
                out.extend_from_slice(&self.payload_bytes.to_be_bytes());
            }
        }
        if let Some(mask) = self.mask {
            out.extend_from_slice(&mask);
        }
    }

    /// Reads the header at the front of `input`, refusing it as early as its bytes allow.
    ///
    /// `role` is the reader's. Errors: everything that one header shows by itself; whether it fits
    /// the connection's state is the decoder's question.
    pub(crate) fn parse(input: &[u8], role: Role) -> Result<Parsed, Violation> {
        let Some((&[first, second], rest)) = input.split_first_chunk::<2>() else {
            return Ok(Parsed::Incomplete {
                missing: 2_usize.saturating_sub(input.len()),
            });
        };
        let opcode = check_start(first, second, role)?;
        let length_code = second & !MASK_BIT;
        let length_width = match length_code {
            LENGTH_IN_2_BYTES => 2,
            LENGTH_IN_8_BYTES => 8,
            _ => 0,
        };
        let mask_width = match role {
            Role::Client => 0,
            Role::Server => 4,
        };
        let Some((length, mask)) = rest
            .get(..length_width + mask_width)
            .and_then(|rest| rest.split_at_checked(length_width))
        else {
            return Ok(Parsed::Incomplete {
                missing: length_width + mask_width - rest.len(),
            });
        };
        let header = Self {
            fin: first & FIN_BIT != 0,
            rsv1: first & RSV1_BIT != 0,
            opcode,
            mask: mask.first_chunk().copied(),
            payload_bytes: payload_bytes(length_code, length)?,
        };
        Ok(Parsed::Complete {
            header,
            header_bytes: 2 + length_width + mask_width,
        })
    }
}

/// How far the front of the input goes.
#[derive(Debug, PartialEq)]
pub(crate) enum Parsed {
    /// At least `missing` more bytes are needed.
    Incomplete { missing: usize },
    /// A whole header, `header_bytes` long.
    Complete { header: Header, header_bytes: usize },
}

/// Judges the first two bytes, which is all that most violations need.
fn check_start(first: u8, second: u8, role: Role) -> Result<Opcode, Violation> {
    if first & RSV2_AND_RSV3_BITS != 0 {
        return Err(Violation::ReservedBits);
    }
    let Some(opcode) = Opcode::from_bits(first & OPCODE_BITS) else {
        return Err(Violation::OpcodeReserved);
    };
    match (role, second & MASK_BIT != 0) {
        (Role::Server, false) => return Err(Violation::Unmasked),
        (Role::Client, true) => return Err(Violation::Masked),
        (Role::Server, true) | (Role::Client, false) => {}
    }
    if opcode.is_control() {
        if first & FIN_BIT == 0 {
            return Err(Violation::ControlFragmented);
        }
        if second & !MASK_BIT > CONTROL_BYTES_MAX {
            return Err(Violation::ControlTooLong);
        }
    }
    Ok(opcode)
}

/// The payload's length: the 7-bit code itself, or the 2 or 8 bytes of `extended`.
fn payload_bytes(code: u8, extended: &[u8]) -> Result<u64, Violation> {
    let value = extended
        .iter()
        .fold(0, |value: u64, byte| value << 8 | u64::from(*byte));
    match code {
        LENGTH_IN_2_BYTES if value <= u64::from(CONTROL_BYTES_MAX) => {
            Err(Violation::LengthNotMinimal)
        }
        LENGTH_IN_8_BYTES if value <= u64::from(u16::MAX) => Err(Violation::LengthNotMinimal),
        LENGTH_IN_8_BYTES if value > i64::MAX.unsigned_abs() => Err(Violation::LengthOverflow),
        LENGTH_IN_2_BYTES | LENGTH_IN_8_BYTES => Ok(value),
        _ => Ok(u64::from(code)),
    }
}

const FIN_BIT: u8 = 0x80;
const RSV1_BIT: u8 = 0x40;
const RSV2_AND_RSV3_BITS: u8 = 0x30;
const OPCODE_BITS: u8 = 0x0f;
const MASK_BIT: u8 = 0x80;
/// Also the longest length that fits the header's seven bits.
pub(crate) const CONTROL_BYTES_MAX: u8 = 125;
const LENGTH_IN_2_BYTES: u8 = 126;
const LENGTH_IN_8_BYTES: u8 = 127;

#[cfg(test)]
mod tests {
    use super::{Header, Opcode, Parsed, Role};

    #[test]
    fn headers_come_back_as_written() {
        for payload_bytes in [0, 1, 125, 126, 65_535, 65_536, i64::MAX.unsigned_abs()] {
            for (role, mask) in [(Role::Client, None), (Role::Server, Some([1, 2, 3, 4]))] {
                let header = Header {
                    fin: true,
                    rsv1: true,
                    opcode: Opcode::Text,
                    mask,
                    payload_bytes,
                };
                let mut bytes = Vec::new();
                header.write(&mut bytes);
                let whole = Parsed::Complete {
                    header,
                    header_bytes: bytes.len(),
                };
                assert_eq!(Header::parse(&bytes, role), Ok(whole));
                for cut in 0..bytes.len() {
                    let Ok(Parsed::Incomplete { missing }) = Header::parse(&bytes[..cut], role)
                    else {
                        panic!("a header cut at {cut} was read");
                    };
                    assert!(missing > 0 && cut + missing <= bytes.len());
                }
            }
        }
    }
}
