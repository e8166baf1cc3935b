//! Time and randomness, which tests bring along.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Fills with random bytes.
type Fill = dyn Fn(&mut [u8]) + Send + Sync;

/// Where a client gets the time of day and random bytes from. Durations come from tokio's clock.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub(crate) now: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    pub(crate) fill: Arc<Fill>,
}

impl Surroundings {
    /// Those of the system.
    pub(crate) fn system() -> Self {
        Self {
            now: Arc::new(SystemTime::now),
            fill: Arc::new(system_random),
        }
    }

    /// Since the beginning of 1970.
    pub(crate) fn unix_time(&self) -> Duration {
        (self.now)().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    /// Random bytes.
    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.fill)(&mut bytes);
        bytes
    }

    /// A part of `whole`, from nothing to all of it, each as likely.
    pub(crate) fn part_of(&self, whole: Duration) -> Duration {
        let share = u32::from_le_bytes(self.random());
        whole.mul_f64(f64::from(share) / f64::from(u32::MAX))
    }

    /// A fresh name for a message.
    pub(crate) fn uuid(&self) -> Box<str> {
        let bytes = self.random();
        let id = uuid::Builder::from_random_bytes(bytes).into_uuid();
        id.hyphenated().to_string().into()
    }
}

#[expect(
    clippy::expect_used,
    reason = "a client without randomness would send predictable masks and message ids"
)]
fn system_random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the system gives random bytes");
}
