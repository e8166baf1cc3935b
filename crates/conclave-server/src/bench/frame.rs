//! The frames the generator reads and writes: the little of RFC 6455 that a benchmark client needs,
//! kept apart from `conclave-websocket` so that the server's codec is not judged by itself.

use anyhow::{Result, bail};

/// One frame from a server.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    Close(&'a [u8]),
    Ping(&'a [u8]),
    Pong,
    Text(&'a [u8]),
}

/// Splits the first whole frame off `bytes`: the frame and the rest, or `None` while it is unfinished.
///
/// # Errors
/// A masked, fragmented, compressed or binary frame: no scenario asks for one.
pub(super) fn split(bytes: &[u8]) -> Result<Option<(Frame<'_>, &[u8])>> {
    let [first, second, rest @ ..] = bytes else {
        return Ok(None);
    };
    let (length, rest) = match second {
        127 => {
            let Some((length, rest)) = rest.split_first_chunk() else {
                return Ok(None);
            };
            (usize::try_from(u64::from_be_bytes(*length))?, rest)
        }
        126 => {
            let Some((length, rest)) = rest.split_first_chunk() else {
                return Ok(None);
            };
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        0..126 => (usize::from(*second), rest),
        128.. => bail!("the server sent a masked frame"),
    };
    let Some((payload, rest)) = rest.split_at_checked(length) else {
        return Ok(None);
    };
    let frame = match *first {
        TEXT => Frame::Text(payload),
        CLOSE => Frame::Close(payload),
        PING => Frame::Ping(payload),
        PONG => Frame::Pong,
        other => bail!("the server sent a frame that starts with {other:#04x}"),
    };
    Ok(Some((frame, rest)))
}

/// Appends a masked text frame, as a client sends it.
pub(super) fn text(payload: &[u8], out: &mut Vec<u8>) {
    masked(TEXT, payload, out);
}

/// Appends a masked Close frame with code 1000.
pub(super) fn close(out: &mut Vec<u8>) {
    masked(CLOSE, &1000_u16.to_be_bytes(), out);
}

/// Appends a masked Pong frame.
pub(super) fn pong(payload: &[u8], out: &mut Vec<u8>) {
    masked(PONG, payload, out);
}

/// Appends an unmasked text frame, as a server sends it; the floor repeats it byte by byte.
pub(super) fn served(payload: &[u8], out: &mut Vec<u8>) {
    head(TEXT, payload.len(), 0, out);
    out.extend_from_slice(payload);
}

fn masked(first: u8, payload: &[u8], out: &mut Vec<u8>) {
    head(first, payload.len(), 0x80, out);
    out.extend_from_slice(&MASK);
    out.extend(
        payload
            .iter()
            .zip(MASK.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
}

fn head(first: u8, length: usize, mask_bit: u8, out: &mut Vec<u8>) {
    out.push(first);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ 0..126), _) => out.push(mask_bit | short),
        (_, Ok(medium)) => {
            out.push(mask_bit | 126);
            out.extend_from_slice(&medium.to_be_bytes());
        }
        (_, Err(_)) => {
            out.push(mask_bit | 127);
            out.extend_from_slice(&u64::try_from(length).unwrap_or(u64::MAX).to_be_bytes());
        }
    }
}

const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;
/// One mask for all: nothing between the two processes caches or rewrites.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

#[cfg(test)]
mod tests;
