//! Latencies: every sample is kept, percentiles are exact.

use std::time::Duration;

use serde::Serialize;

/// Samples in nanoseconds; 4.29 s is the largest.
#[derive(Debug, Default)]
pub(super) struct Samples(Vec<u32>);

impl Samples {
    pub(super) fn push(&mut self, latency: Duration) {
        self.0
            .push(u32::try_from(latency.as_nanos()).unwrap_or(u32::MAX));
    }

    /// Takes in those of another.
    pub(super) fn extend(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// The percentiles by nearest rank, or `None` without a sample.
    pub(super) fn percentiles(&mut self) -> Option<Latency> {
        Some(Latency {
            p50_us: self.percentile_us(500)?,
            p99_us: self.percentile_us(990)?,
            p999_us: self.percentile_us(999)?,
        })
    }

    fn percentile_us(&mut self, per_mille: usize) -> Option<f64> {
        let rank = (self.0.len() * per_mille).div_ceil(1000).max(1);
        if rank > self.0.len() {
            return None;
        }
        let (_, nanoseconds, _) = self.0.select_nth_unstable(rank - 1);
        Some(f64::from(*nanoseconds) / 1000.0)
    }
}

/// Percentiles in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Latency {
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
    pub(super) p999_us: f64,
}

/// The middle of the values, the mean of the middle two; `None` without a value.
pub(super) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = *values.get(values.len().saturating_sub(1) / 2)?;
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Latency, Samples, median};

    fn percentiles(microseconds: impl IntoIterator<Item = u64>) -> Option<Latency> {
        let mut samples = Samples::default();
        for sample in microseconds {
            samples.push(Duration::from_micros(sample));
        }
        samples.percentiles()
    }

    #[test]
    fn percentiles_are_nearest_ranks() {
        let expected = Latency {
            p50_us: 500.0,
            p99_us: 990.0,
            p999_us: 999.0,
        };
        assert_eq!(percentiles((1..=1000).rev()), Some(expected));
        let single = Latency {
            p50_us: 7.0,
            p99_us: 7.0,
            p999_us: 7.0,
        };
        assert_eq!(percentiles([7]), Some(single));
        assert_eq!(percentiles([]), None);
    }

    #[test]
    fn median_of_odd_even_and_none() {
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median([]), None);
    }
}
