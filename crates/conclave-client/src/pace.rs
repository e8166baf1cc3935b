//! How fast a connection may send.

use std::time::Duration;

use tokio::time::Instant;

/// How fast, so that a server with default limits never refuses for it.
#[derive(Clone, Copy)]
pub(crate) struct Rate {
    per_second: f64,
    at_once: f64,
}

/// Messages that may be sent now, and how fast they come back.
pub(crate) struct Pace {
    rate: Rate,
    left: f64,
    since: Instant,
    /// Nothing is sent before: the server said that it was too much.
    pause: Option<Instant>,
}

impl Rate {
    /// Below 20 a second and 100 at once, which is what a user may send to rooms.
    pub(crate) const ROOMS: Self = Self {
        per_second: 18.0,
        at_once: 60.0,
    };
    /// Below 50 a second and 100 at once, which is what a connection may send.
    pub(crate) const TOPICS: Self = Self {
        per_second: 45.0,
        at_once: 60.0,
    };
}

impl Pace {
    pub(crate) fn new(rate: Rate, now: Instant) -> Self {
        Self {
            rate,
            left: rate.at_once,
            since: now,
            pause: None,
        }
    }

    /// When the next message may leave; at once where that is `now`.
    pub(crate) fn ready_at(&mut self, now: Instant) -> Instant {
        if let Some(pause) = self.pause.filter(|pause| *pause > now) {
            return pause;
        }
        self.pause = None;
        let passed = now.saturating_duration_since(self.since);
        self.left =
            (self.left + passed.as_secs_f64() * self.rate.per_second).min(self.rate.at_once);
        self.since = now;
        if self.left >= 1.0 {
            return now;
        }
        // A little late rather than too early.
        now + Duration::from_secs_f64((1.0 - self.left) / self.rate.per_second) + TICK
    }

    /// A message leaves.
    pub(crate) fn take(&mut self) {
        self.left -= 1.0;
    }

    /// It was too much: nothing for a while, and slowly then.
    pub(crate) fn slow_down(&mut self, now: Instant) {
        self.left = 0.0;
        self.since = now + PAUSE;
        self.pause = Some(now + PAUSE);
    }
}

const TICK: Duration = Duration::from_millis(1);
const PAUSE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    /// A thousand messages against the server's bucket: `at_once`, and `per_second` more.
    fn check(rate: Rate, per_second: f64, at_once: f64) {
        let start = Instant::now();
        let (mut pace, mut now) = (Pace::new(rate, start), start);
        let (mut left, mut before) = (at_once, start);
        for _ in 0..1000 {
            while pace.ready_at(now) > now {
                now = pace.ready_at(now);
            }
            pace.take();
            left = (left + (now - before).as_secs_f64() * per_second).min(at_once);
            before = now;
            assert!(left >= 1.0, "too fast {:?} after the start", now - start);
            left -= 1.0;
        }
        let slowest = Duration::from_secs_f64(1000.0 / per_second * 1.2);
        assert!(now - start < slowest);
    }

    #[test]
    fn a_thousand_messages_stay_below_the_servers_limits() {
        check(Rate::ROOMS, 20.0, 100.0);
        check(Rate::TOPICS, 50.0, 100.0);
    }

    #[test]
    fn nothing_leaves_for_a_second_after_it_was_too_much() {
        let start = Instant::now();
        let mut pace = Pace::new(Rate::TOPICS, start);
        pace.slow_down(start);
        assert_eq!(pace.ready_at(start), start + PAUSE);
        let later = start + PAUSE;
        assert!(pace.ready_at(later) > later);
        assert!(pace.ready_at(later) < later + PAUSE);
    }
}
