//! The receiving half of permessage-deflate, RFC 7692 section 7.2.2, capped while it inflates.

use flate2::{Decompress, FlushDecompress, Status};

use crate::Violation;

/// Inflates one message at a time and lends out the result; one per worker.
///
/// There is no context takeover, so nothing of one message is left for the next and connections may
/// take turns. About 48 KB from the first compressed message on, nothing before. The message lent
/// out stays in the output buffer until the next call; a buffer over 64 KiB is then given back.
#[derive(Debug, Default)]
pub struct Inflater {
    engine: Option<Decompress>,
    output: Vec<u8>,
}

impl Inflater {
    /// An inflater that holds no memory yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            engine: None,
            output: Vec::new(),
        }
    }

    /// Inflates the payload of one whole message, its fragments joined.
    ///
    /// Bounds: the result has at most `message_bytes_max` bytes; the buffer never grows past that
    /// and the one byte that tells. An empty payload gives an empty message; up to 256 final blocks
    /// (BFINAL) may have something behind them, which then begins with an empty window.
    /// Source: RFC 7692 sections 7.2.2 and 7.2.3.
    ///
    /// # Errors
    /// [`Violation::MessageTooBig`] as soon as the bound is passed;
    /// [`Violation::DeflateInvalid`] where the data is no DEFLATE stream or ends inside a block.
    pub fn inflate(
        &mut self,
        deflated: &[u8],
        message_bytes_max: usize,
    ) -> Result<&[u8], Violation> {
        self.shrink();
        self.output.clear();
        if deflated.is_empty() {
            return Ok(&self.output);
        }
        let engine = self.engine.get_or_insert_with(|| Decompress::new(false));
        engine.reset(false);
        let mut stream = Stream {
            engine,
            output: &mut self.output,
            message_bytes_max,
            restarts_left: 256,
        };
        if stream.feed(deflated)? == Fed::InsideStream && stream.feed(&TAIL)? != Fed::AtEnd {
            return Err(Violation::DeflateInvalid);
        }
        Ok(&self.output)
    }

    /// Keeps `message` and lends it out, as if it had been inflated.
    pub(crate) fn hold(&mut self, message: Vec<u8>) -> &[u8] {
        self.output = message;
        &self.output
    }

    /// Gives back a buffer that a big message left behind.
    pub(crate) fn shrink(&mut self) {
        if self.output.capacity() > RETAINED_BYTES_MAX {
            self.output = Vec::new();
        }
    }

    /// Bytes that the output buffer occupies now.
    #[must_use]
    pub fn buffer_bytes(&self) -> usize {
        self.output.capacity()
    }
}

/// Where the stream stands when its input is used up.
#[derive(PartialEq)]
enum Fed {
    /// Right behind a final block.
    AtEnd,
    /// Anywhere else; at a block's boundary or inside one.
    InsideStream,
}

/// One message on its way through the engine.
struct Stream<'a> {
    engine: &'a mut Decompress,
    output: &'a mut Vec<u8>,
    message_bytes_max: usize,
    restarts_left: u32,
}

impl Stream<'_> {
    fn feed(&mut self, mut input: &[u8]) -> Result<Fed, Violation> {
        loop {
            if self.output.len() == self.output.capacity() {
                self.grow(input.len());
            }
            let (read_before, written_before) = (self.engine.total_in(), self.output.len());
            let Ok(status) = self
                .engine
                .decompress_vec(input, self.output, FlushDecompress::Sync)
            else {
                return Err(Violation::DeflateInvalid);
            };
            if self.output.len() > self.message_bytes_max {
                return Err(Violation::MessageTooBig);
            }
            let read = usize::try_from(self.engine.total_in() - read_before).unwrap_or(input.len());
            input = input.get(read..).unwrap_or_default();
            if status == Status::StreamEnd {
                if input.is_empty() {
                    return Ok(Fed::AtEnd);
                }
                self.restart()?;
            } else if self.output.len() < self.output.capacity() {
                if input.is_empty() {
                    return Ok(Fed::InsideStream);
                }
                if read == 0 && self.output.len() == written_before {
                    return Err(Violation::DeflateInvalid);
                }
            }
        }
    }

    /// Doubles the output, but never past the first byte that would be too many.
    fn grow(&mut self, input_bytes: usize) {
        let written = self.output.len();
        let wanted = (written * 2)
            .max(input_bytes.saturating_mul(2))
            .max(GROWTH_BYTES_MIN);
        let capacity = wanted
            .min(self.message_bytes_max.saturating_add(1))
            .max(written + 1);
        self.output.reserve_exact(capacity - written);
    }

    /// Begins the stream that follows a final block. Bounded, since a restart costs far more than
    /// the two bytes of the empty final block that causes it.
    fn restart(&mut self) -> Result<(), Violation> {
        let Some(left) = self.restarts_left.checked_sub(1) else {
            return Err(Violation::DeflateInvalid);
        };
        self.restarts_left = left;
        self.engine.reset(false);
        Ok(())
    }
}

/// The four bytes that every sender cuts off, then an empty final block: a stream that does not end
/// right there was cut off inside a block.
const TAIL: [u8; 6] = [0x00, 0x00, 0xff, 0xff, 0x03, 0x00];
const GROWTH_BYTES_MIN: usize = 4 * 1024;
/// What a worker's buffers keep from one message to the next.
pub(crate) const RETAINED_BYTES_MAX: usize = 64 * 1024;

#[cfg(test)]
mod tests;
