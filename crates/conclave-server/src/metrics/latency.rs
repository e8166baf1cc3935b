//! How long things take, counted in fixed ranges: workers count in cells of their own, which are
//! added to the process's once a second, as counters are.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timed {
    /// A room command, from its arrival to its answer: the store's commit is in it.
    Command,
    /// A publication of a connection of this node, from when it was taken until a worker has
    /// written it to all who hear it there. Whole milliseconds; of a room's message the commit is
    /// in it.
    Delivery,
    /// The assistant's first token, from when its answer's turn came.
    FirstToken,
}

impl Timed {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Command, Self::Delivery, Self::FirstToken];

    /// Its Prometheus name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Command => "conclave_command_seconds",
            Self::Delivery => "conclave_delivery_seconds",
            Self::FirstToken => "conclave_answer_first_token_seconds",
        }
    }

    /// What it says.
    pub(crate) const fn help(self) -> &'static str {
        match self {
            Self::Command => "From a room command to its answer",
            Self::Delivery => "From a publication to its delivery to all subscribers of a worker",
            Self::FirstToken => "From the turn of a question to the first token of its answer",
        }
    }

    /// Upper ends of the ranges in microseconds; one more range is above the last. What is
    /// counted in whole milliseconds has no range below one.
    pub(crate) const fn bounds(self) -> &'static [u64] {
        match self {
            Self::Command => &BOUNDS,
            Self::Delivery => BOUNDS.split_at(BELOW_ONE_MILLI).1,
            Self::FirstToken => &PATIENT_BOUNDS,
        }
    }

    fn range(self, micros: u64) -> usize {
        self.bounds().partition_point(|bound| *bound < micros)
    }
}

/// One histogram at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Histogram {
    /// How many in each range of [`Timed::bounds`], and above.
    pub(crate) counts: Vec<u64>,
    /// Of all.
    pub(crate) sum: Duration,
}

impl Histogram {
    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The time that this share (0 to 1) of them kept to, as if each range were evenly filled;
    /// above the last bound that bound. `None` where there are none.
    pub(crate) fn quantile(&self, timed: Timed, share: f64) -> Option<Duration> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let wanted = share * precise(count);
        let (mut before, mut low) = (0.0, 0);
        for (inside, bound) in self.counts.iter().zip(timed.bounds()) {
            let inside = precise(*inside);
            if before + inside >= wanted && inside > 0.0 {
                let part = ((wanted - before) / inside).clamp(0.0, 1.0);
                let width = precise(bound - low);
                let micros = precise(low) + width * part;
                return Some(Duration::from_secs_f64(micros / 1e6));
            }
            before += inside;
            low = *bound;
        }
        Some(Duration::from_micros(low))
    }
}

/// Counts are far from where this would round.
fn precise(count: u64) -> f64 {
    let (high, low) = (count >> 32, count & u64::from(u32::MAX));
    let half = |bits| f64::from(u32::try_from(bits).unwrap_or(u32::MAX));
    half(high) * 4_294_967_296.0 + half(low)
}

/// The histograms of the process.
#[derive(Debug, Default)]
pub(crate) struct Latencies([Ranges; Timed::ALL.len()]);

#[derive(Debug, Default)]
struct Ranges {
    counts: [AtomicU64; RANGES],
    micros: AtomicU64,
}

impl Latencies {
    /// Counts one, of what no worker times.
    pub(crate) fn add(&self, timed: Timed, took: Duration) {
        let Some(ranges) = self.0.get(timed as usize) else {
            return;
        };
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if let Some(count) = ranges.counts.get(timed.range(micros)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        ranges.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// The present state of one.
    pub(crate) fn histogram(&self, timed: Timed) -> Histogram {
        let empty = Ranges::default();
        let ranges = self.0.get(timed as usize).unwrap_or(&empty);
        let counts = ranges.counts.iter().take(timed.bounds().len() + 1);
        Histogram {
            counts: counts.map(|count| count.load(Ordering::Relaxed)).collect(),
            sum: Duration::from_micros(ranges.micros.load(Ordering::Relaxed)),
        }
    }
}

/// What one worker timed since it was last added to the process's.
#[derive(Debug, Default)]
pub(crate) struct LocalLatencies([LocalRanges; Timed::ALL.len()]);

#[derive(Debug, Default)]
struct LocalRanges {
    counts: [Cell<u64>; RANGES],
    micros: Cell<u64>,
    any: Cell<bool>,
}

impl LocalLatencies {
    /// Counts one.
    pub(crate) fn add(&self, timed: Timed, took: Duration) {
        let Some(ranges) = self.0.get(timed as usize) else {
            return;
        };
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if let Some(count) = ranges.counts.get(timed.range(micros)) {
            count.set(count.get() + 1);
        }
        ranges
            .micros
            .set(ranges.micros.get().saturating_add(micros));
        ranges.any.set(true);
    }

    /// Moves everything to the process's.
    pub(crate) fn add_to(&self, all: &Latencies) {
        for (own, all) in self.0.iter().zip(&all.0) {
            if !own.any.take() {
                continue;
            }
            for (own, all) in own.counts.iter().zip(&all.counts) {
                all.fetch_add(own.take(), Ordering::Relaxed);
            }
            all.micros.fetch_add(own.micros.take(), Ordering::Relaxed);
        }
    }
}

/// Microseconds.
const BOUNDS: [u64; 14] = [
    100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000,
];
/// Of what another machine does.
const PATIENT_BOUNDS: [u64; 12] = [
    10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000,
    30_000_000, 60_000_000,
];
const BELOW_ONE_MILLI: usize = 3;
const RANGES: usize = BOUNDS.len() + 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(timed: Timed, millis: &[u64]) -> Histogram {
        let (local, all) = (LocalLatencies::default(), Latencies::default());
        for millis in millis {
            local.add(timed, Duration::from_millis(*millis));
        }
        local.add_to(&all);
        local.add_to(&all);
        all.histogram(timed)
    }

    #[test]
    fn each_is_counted_once_in_its_range() {
        let histogram = counted(Timed::Command, &[0, 1, 1, 3, 60_000]);
        assert_eq!(histogram.counts[0], 1);
        assert_eq!(histogram.counts[3], 2, "a bound belongs to its range");
        assert_eq!(histogram.counts[5], 1);
        assert_eq!(histogram.counts[14], 1);
        assert_eq!((histogram.count(), histogram.counts.len()), (5, 15));
        assert_eq!(histogram.sum, Duration::from_millis(60_005));
        let other = counted(Timed::Delivery, &[0, 1, 2]);
        assert_eq!((other.counts[0], other.counts[1]), (2, 1));
        assert_eq!(other.counts.len(), 12);
    }

    #[test]
    fn a_share_is_found_between_the_bounds() {
        let histogram = counted(Timed::Command, &[4; 100]);
        let millis = |share| {
            let found = histogram.quantile(Timed::Command, share).unwrap();
            found.as_micros()
        };
        assert_eq!(millis(0.5), 3750);
        assert_eq!(millis(1.0), 5000);
        let far = counted(Timed::Command, &[60_000]);
        let found = far.quantile(Timed::Command, 0.5);
        assert_eq!(found, Some(Duration::from_millis(2500)));
        let none = counted(Timed::Command, &[]);
        assert_eq!(none.quantile(Timed::Command, 0.5), None);
    }
}
