//! The sending half of permessage-deflate, RFC 7692 section 7.2.1.

use flate2::{Compress, Compression, FlushCompress};

use crate::inflate::RETAINED_BYTES_MAX;

/// Compresses one message at a time; one per worker.
///
/// There is no context takeover, so one compressed frame fits every connection that negotiated it
/// (and whose window holds the payload). About 380 KB from the first message on, nothing before.
#[derive(Debug, Default)]
pub struct Deflater {
    engine: Option<Compress>,
    output: Vec<u8>,
}

impl Deflater {
    /// A deflater that holds no memory yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            engine: None,
            output: Vec::new(),
        }
    }

    /// The compressed form of `payload`, lent out until the next call, or `None` where it would not
    /// be smaller. No distance in it is longer than the payload, hence a peer whose window is 2^n
    /// bytes can read it where `payload.len() <= 2^n`. Source: RFC 7692 section 7.2.1.
    pub fn deflate(&mut self, payload: &[u8]) -> Option<&[u8]> {
        if self.output.capacity() > RETAINED_BYTES_MAX {
            self.output = Vec::new();
        }
        self.output.clear();
        // With the tail still on, a result that fills this much is not smaller than the payload, so
        // the engine is never asked twice.
        self.output.reserve_exact(payload.len() + TAIL.len());
        let engine = self
            .engine
            .get_or_insert_with(|| Compress::new(Compression::default(), false));
        engine.reset();
        engine
            .compress_vec(payload, &mut self.output, FlushCompress::Sync)
            .ok()?;
        let deflated = self.output.strip_suffix(&TAIL)?;
        let taken_whole = usize::try_from(engine.total_in()) == Ok(payload.len());
        (taken_whole && deflated.len() < payload.len()).then_some(deflated)
    }
}

/// What a sync flush ends with, and what the receiver puts back.
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

#[cfg(test)]
mod tests {
    use super::Deflater;
    use crate::Inflater;

    #[test]
    fn compresses_only_what_gets_smaller() {
        let mut deflater = Deflater::new();
        let mut inflater = Inflater::new();
        let text = "a line that comes again and again\n".repeat(3000);
        for length in [0, 1, 5, 20, 68, 500, 40_000, text.len()] {
            let plain = &text.as_bytes()[..length];
            match deflater.deflate(plain) {
                Some(deflated) => {
                    assert!(deflated.len() < length);
                    assert_eq!(inflater.inflate(deflated, length), Ok(plain));
                }
                None => assert!(length < 68, "{length} repetitive bytes did not shrink"),
            }
        }
    }

    #[test]
    fn leaves_noise_alone() {
        let mut state = 1_u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let payload: Vec<u8> = (0..100_000).map(|_| noise()).collect();
        assert_eq!(Deflater::new().deflate(&payload), None);
    }

    #[test]
    fn one_message_leaves_no_trace_in_the_next() {
        let mut deflater = Deflater::new();
        let payload = "the same words, twice the same words".repeat(4);
        let first = deflater.deflate(payload.as_bytes()).map(<[u8]>::to_vec);
        deflater.deflate("something else, something else".repeat(9).as_bytes());
        assert_eq!(
            deflater.deflate(payload.as_bytes()).map(<[u8]>::to_vec),
            first
        );
    }

    #[test]
    fn gives_back_the_buffer_of_a_big_message() {
        let mut deflater = Deflater::new();
        deflater.deflate(&vec![b'x'; 1 << 20]);
        assert!(deflater.output.capacity() > 1 << 20);
        deflater.deflate(b"small");
        assert!(deflater.output.capacity() < 1 << 16);
    }
}
