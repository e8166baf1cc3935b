//! A token bucket in eight bytes, for the message rate of one connection.

use std::cell::Cell;

/// How many messages a connection may still send now. Counts thousandths of messages.
#[derive(Debug)]
pub struct Bucket {
    level: Cell<u32>,
    filled_at: Cell<u32>,
}

impl Bucket {
    /// Full, at `now` (milliseconds of a monotonic clock, wrapping). A `burst` of 0 counts as 1.
    #[must_use]
    pub const fn full(burst: u32, now: u32) -> Self {
        Self {
            level: Cell::new(capacity(burst)),
            filled_at: Cell::new(now),
        }
    }

    /// Takes one message. `per_second` 0 means no limit.
    pub fn take(&self, per_second: u32, burst: u32, now: u32) -> bool {
        if per_second == 0 {
            return true;
        }
        let elapsed = now.wrapping_sub(self.filled_at.replace(now));
        let level = self
            .level
            .get()
            .saturating_add(elapsed.saturating_mul(per_second))
            .min(capacity(burst));
        let enough = level >= MILLI;
        self.level.set(if enough { level - MILLI } else { level });
        enough
    }

    /// Puts back one that was taken for nothing. Whether it is full.
    pub(crate) fn give_back(&self, burst: u32) -> bool {
        let level = self.level.get().saturating_add(MILLI);
        self.level.set(level.min(capacity(burst)));
        level >= capacity(burst)
    }
}

const fn capacity(burst: u32) -> u32 {
    if burst == 0 {
        MILLI
    } else {
        burst.saturating_mul(MILLI)
    }
}

const MILLI: u32 = 1000;
