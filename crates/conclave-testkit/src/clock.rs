//! A clock that stands still until a test moves it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use conclave_protocol::{Clock, Timestamp};

/// A clock that stands still until a test moves it.
#[derive(Debug)]
pub struct FakeClock {
    start_millis: u64,
    now_millis: AtomicU64,
}

impl FakeClock {
    /// A clock that shows `now`, and zero on its monotonic face.
    #[must_use]
    pub const fn at(now: Timestamp) -> Self {
        Self {
            start_millis: now.millis(),
            now_millis: AtomicU64::new(now.millis()),
        }
    }

    /// Moves both faces forward by whole milliseconds of `by`.
    pub fn advance(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.now_millis.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Default for FakeClock {
    /// The 14th of November 2023, 22:13:20 UTC.
    fn default() -> Self {
        Self::at(Timestamp::from_seconds(1_700_000_000))
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now_millis.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(
            self.now_millis
                .load(Ordering::SeqCst)
                .saturating_sub(self.start_millis),
        )
    }
}
