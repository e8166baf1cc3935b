//! What a full socket has not taken yet.

use std::collections::VecDeque;
use std::io;
use std::rc::Rc;

use super::stream::Stream;

/// A queue before the socket. Exists only while the socket is full; segments start at a frame.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    segments: VecDeque<Segment>,
    bytes: usize,
}

#[derive(Debug)]
struct Segment {
    bytes: Rc<[u8]>,
    written: usize,
}

/// Where a flush left off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flushed {
    /// Everything is on the socket.
    Empty,
    /// The socket is full.
    Full,
}

impl Outbox {
    /// Bytes not yet taken by the socket.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Appends whole frames, of which the first `written` bytes are on the socket already.
    pub(crate) fn push(&mut self, bytes: Rc<[u8]>, written: usize) {
        self.bytes += bytes.len() - written;
        self.segments.push_back(Segment { bytes, written });
    }

    /// Writes until the socket is full or nothing is left.
    pub(crate) fn flush(&mut self, stream: &mut Stream) -> io::Result<Flushed> {
        while let Some(segment) = self.segments.front_mut() {
            match stream.try_write(segment.bytes.get(segment.written..).unwrap_or_default()) {
                Ok(taken) => {
                    segment.written += taken;
                    self.bytes -= taken;
                    if segment.written == segment.bytes.len() {
                        self.segments.pop_front();
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(Flushed::Full);
                }
                Err(error) => return Err(error),
            }
        }
        match stream.flush() {
            Ok(()) => Ok(Flushed::Empty),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Flushed::Full),
            Err(error) => Err(error),
        }
    }

    /// Drops everything but the rest of a frame that the peer already has the start of.
    pub(crate) fn keep_started_frame(&mut self) {
        let started = self.segments.pop_front().and_then(Segment::started_frame);
        self.segments.clear();
        self.bytes = 0;
        if let Some(rest) = started {
            self.push(rest, 0);
        }
    }
}

impl Segment {
    fn started_frame(self) -> Option<Rc<[u8]>> {
        let mut start = 0;
        while start < self.written {
            start += frame_bytes(self.bytes.get(start..)?)?;
        }
        // `start` is now the first frame boundary at or behind what is written.
        self.bytes
            .get(self.written..start)
            .filter(|rest| !rest.is_empty())
            .map(Rc::from)
    }
}

/// The length of the unmasked frame at the front of `bytes` (RFC 6455 section 5.2).
fn frame_bytes(bytes: &[u8]) -> Option<usize> {
    let length = match bytes.get(1)? & 0x7f {
        126 => 4 + usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)),
        127 => {
            let length = u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?);
            usize::try_from(length).ok()?.checked_add(10)?
        }
        short => 2 + usize::from(short),
    };
    Some(length)
}
