//! A publication with the place that Redis gave it: `R`, offset, a space, epoch, a space, and the
//! message as its node wrote it. A script puts the head before it, so that it is plain text.

use conclave_core::Recorded;
use conclave_protocol::Position;

use super::{Said, WireError, read};

/// Reads one. Who published it is of no account: its own node takes it too.
pub(crate) fn read_recorded(bytes: &[u8]) -> Result<Recorded, WireError> {
    let rest = bytes.strip_prefix(b"R").ok_or(WireError::Unknown)?;
    let (offset, rest) = number(rest)?;
    let (epoch, message) = number(rest)?;
    match read(message)? {
        (_, Said::Publication { place, at, body }) => Ok(Recorded {
            position: Position { offset, epoch },
            after_loss: place.after_loss,
            at,
            body,
        }),
        (_, Said::Lost | Said::Notice(_)) => Err(WireError::Value),
    }
}

/// Whether bytes are such a message.
pub(crate) fn is_recorded(bytes: &[u8]) -> bool {
    bytes.first() == Some(&b'R')
}

/// Digits and the space behind them.
fn number(bytes: &[u8]) -> Result<(u64, &[u8]), WireError> {
    let end = bytes.iter().position(|byte| *byte == b' ');
    let (digits, rest) = bytes
        .split_at_checked(end.ok_or(WireError::Short)?)
        .ok_or(WireError::Short)?;
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(WireError::Value);
    }
    let digits = std::str::from_utf8(digits).map_err(|_bytes| WireError::Value)?;
    let number = digits.parse().map_err(|_large| WireError::Value)?;
    Ok((number, rest.get(1..).unwrap_or_default()))
}
