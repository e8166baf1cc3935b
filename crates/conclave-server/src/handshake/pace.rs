//! How fast a worker takes on connections: thousands of clients that come back at once, because
//! another node has ended, come in over some seconds, and who is turned away is told when to try
//! again, each at another time.

use std::cell::Cell;
use std::time::Duration;

use conclave_core::Bucket;

/// The pace of one worker.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Connections per second; 0 means no limit.
    per_second: u32,
    bucket: Bucket,
    /// About how many were turned away and may come back, in thousandths.
    away: Cell<u64>,
    /// When that was so, in milliseconds.
    at: Cell<u64>,
}

impl Pace {
    /// A worker's share of what the server takes on each second; `now` is monotonic.
    pub(crate) fn new(per_second: u32, workers: usize, now: Duration) -> Self {
        let workers = u32::try_from(workers).unwrap_or(u32::MAX).max(1);
        let per_second = per_second.div_ceil(workers);
        let now = millis(now);
        Self {
            per_second,
            bucket: Bucket::full(burst(per_second), wrapped(now)),
            away: Cell::new(0),
            at: Cell::new(now),
        }
    }

    /// Takes on one more. Otherwise how long it should stay away: 1 to 30 seconds, spread by
    /// `roll` over the time that those need who were turned away lately.
    pub(crate) fn admit(&self, now: Duration, roll: impl FnOnce() -> u64) -> Result<(), Duration> {
        let (now, rate) = (millis(now), u64::from(self.per_second));
        if self
            .bucket
            .take(self.per_second, burst(self.per_second), wrapped(now))
        {
            return Ok(());
        }
        let elapsed = now.saturating_sub(self.at.replace(now));
        let back = elapsed.saturating_mul(rate);
        let away = self.away.get().saturating_sub(back).saturating_add(1000);
        self.away.set(away);
        let seconds = (away / (rate.max(1) * 1000)).min(SECONDS_MAX - 1);
        Err(Duration::from_secs(1 + roll() % (seconds + 1)))
    }
}

const fn burst(per_second: u32) -> u32 {
    per_second.saturating_mul(BURST)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// As a bucket counts.
fn wrapped(millis: u64) -> u32 {
    u32::try_from(millis % (1 << 32)).unwrap_or(0)
}

/// How many seconds' worth may come at once.
const BURST: u32 = 5;
const SECONDS_MAX: u64 = 30;

#[cfg(test)]
mod tests {
    use super::*;

    const fn millisecond(millisecond: u64) -> Duration {
        Duration::from_millis(millisecond)
    }

    #[test]
    fn a_storm_comes_in_at_the_pace_and_the_rest_is_spread() {
        let pace = Pace::new(100, 2, millisecond(0));
        let mut hints = Vec::new();
        let mut admitted = 0;
        for roll in 0..750 {
            match pace.admit(millisecond(1), || roll) {
                Ok(()) => admitted += 1,
                Err(wait) => hints.push(wait.as_secs()),
            }
        }
        assert_eq!(admitted, 250, "five seconds' worth of one of two workers");
        // 500 were turned away, 50 a second can come in.
        let most = hints.iter().copied().max();
        assert!((8..=11).contains(&most.unwrap()), "{most:?}");
        assert_eq!(hints.iter().copied().min(), Some(1));
        assert!(pace.admit(millisecond(1), || 0).is_err());
        assert!(pace.admit(millisecond(40), || 0).is_ok(), "a place is free");
    }

    #[test]
    fn who_stayed_away_is_forgotten_and_the_longest_wait_is_half_a_minute() {
        let pace = Pace::new(1, 1, millisecond(0));
        let refuse = |now| loop {
            if let Err(wait) = pace.admit(now, || 29) {
                return wait;
            }
        };
        for _ in 0..1000 {
            refuse(millisecond(0));
        }
        assert_eq!(refuse(millisecond(0)), Duration::from_secs(30));
        let later = Duration::from_secs(2000);
        assert!(refuse(later) <= Duration::from_secs(2));
    }

    #[test]
    fn without_a_limit_all_come_in() {
        let pace = Pace::new(0, 4, millisecond(0));
        assert!((0..100_000).all(|roll| pace.admit(millisecond(0), || roll).is_ok()));
    }
}
