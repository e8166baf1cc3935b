//! How long to wait before the next try.

use std::time::Duration;

use crate::surroundings::Surroundings;

/// Why a connection is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// It was lost, or there was none.
    Lost,
    /// The server is going away, and all its clients come back: spread.
    Spread,
    /// The server has no room, or this client was too slow for it.
    Crowded,
}

/// Counts tries that came to nothing.
#[derive(Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// A connection worked.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// Doubles from 250 ms to 30 s, of which the second half is drawn; a spread one is drawn from
    /// 3 s, a crowded one is 5 s more.
    pub(crate) fn delay(&mut self, again: Again, surroundings: &Surroundings) -> Duration {
        let doubled = FIRST.saturating_mul(2u32.saturating_pow(self.failures.min(16)));
        let half = doubled.min(LONGEST) / 2;
        self.failures = self.failures.saturating_add(1);
        let jittered = half + surroundings.part_of(half);
        match again {
            Again::Crowded => CROWDED + jittered,
            Again::Lost => jittered,
            Again::Spread => jittered.max(surroundings.part_of(SPREAD)),
        }
    }
}

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(30);
const SPREAD: Duration = Duration::from_secs(3);
const CROWDED: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn delays(byte: u8, again: Again) -> Vec<u64> {
        let mut surroundings = Surroundings::system();
        surroundings.fill = Arc::new(move |bytes| bytes.fill(byte));
        let mut backoff = Backoff::default();
        let tries = (0..9).map(|_| backoff.delay(again, &surroundings));
        tries
            .map(|delay| delay.as_millis().try_into().unwrap())
            .collect()
    }

    #[test]
    fn waits_double_to_a_bound_and_are_drawn_from_their_second_half() {
        let least = [125, 250, 500, 1000, 2000, 4000, 8000, 15000, 15000];
        assert_eq!(delays(0, Again::Lost), least);
        let most = least.map(|milliseconds| 2 * milliseconds);
        assert_eq!(delays(0xff, Again::Lost), most);
        assert_eq!(delays(0, Again::Crowded), least.map(|least| 5000 + least));
        assert_eq!(delays(0, Again::Spread)[..2], [125, 250]);
        assert_eq!(delays(0xff, Again::Spread)[..2], [3000, 3000]);
    }

    #[test]
    fn a_connection_that_worked_begins_anew() {
        let mut surroundings = Surroundings::system();
        surroundings.fill = Arc::new(|bytes| bytes.fill(0));
        let mut backoff = Backoff::default();
        for _ in 0..5 {
            backoff.delay(Again::Lost, &surroundings);
        }
        backoff.reset();
        let delay = backoff.delay(Again::Lost, &surroundings);
        assert_eq!(delay.as_millis(), 125);
    }
}
