//! How long to wait before the next try.

use std::time::Duration;

/// Twice as long each time, spread over half of it, so that the nodes of a system do not come
/// back all at once.
#[derive(Debug)]
pub(crate) struct Pause {
    bits: u64,
    millis: u64,
}

impl Pause {
    pub(crate) fn new(seed: u128) -> Self {
        let bits = u64::try_from(seed >> 64).unwrap_or(1) | 1;
        Self {
            bits,
            millis: MILLIS_MIN,
        }
    }

    pub(crate) const fn reset(&mut self) {
        self.millis = MILLIS_MIN;
    }

    /// The next one.
    pub(crate) fn next(&mut self) -> Duration {
        // xorshift64
        self.bits ^= self.bits << 13;
        self.bits ^= self.bits >> 7;
        self.bits ^= self.bits << 17;
        let half = self.millis / 2;
        let pause = half + self.bits % (half + 1);
        self.millis = (self.millis * 2).min(MILLIS_MAX);
        Duration::from_millis(pause)
    }
}

const MILLIS_MIN: u64 = 50;
const MILLIS_MAX: u64 = 2000;
