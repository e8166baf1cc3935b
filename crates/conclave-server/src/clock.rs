//! The wall clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use conclave_protocol::{Clock, Timestamp};

/// The machine's own clocks.
#[derive(Debug)]
pub(crate) struct WallClock {
    started: Instant,
}

impl WallClock {
    /// Its monotonic part starts now.
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
        }
    }
}

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}
