//! Histograms of how long each command took, in nanoseconds up to one second. As in Redis, the
//! resolution is two significant digits.
//!
//! Layer `observe`. It uses no other layer.
//!
//! Connections collect durations in [`BatchStats`](super::batch_stats::BatchStats) and add them
//! once per batch, so that a histogram's lock is taken once per batch and command.

use hdrhistogram::Histogram;
use parking_lot::Mutex;

/// The longest duration in nanoseconds. Longer ones are recorded as this.
const LONGEST: u64 = 1_000_000_000;
/// Significant digits.
const DIGITS: u8 = 2;
/// The first bucket of LATENCY HISTOGRAM ends here, in nanoseconds. Each further bucket ends at
/// twice the previous end.
const FIRST_STEP: u64 = 1024;
/// The end of the last bucket, in nanoseconds, as in Redis.
const LAST_STEP: u64 = 1 << 30;

/// The durations of one command. A command that was never run has no histogram.
#[derive(Debug, Default)]
pub(crate) struct Latencies(Mutex<Option<Box<Histogram<u64>>>>);

impl Latencies {
    /// Adds runs. Each item is a duration in nanoseconds and the number of runs that took it.
    pub(crate) fn add(&self, runs: impl Iterator<Item = (u32, u32)>) {
        let mut histogram = self.0.lock();
        let histogram = histogram.get_or_insert_with(|| {
            let empty = Histogram::new_with_bounds(1, LONGEST, DIGITS);
            Box::new(empty.expect("the bounds are valid"))
        });
        for (nanoseconds, times) in runs {
            let nanoseconds = u64::from(nanoseconds).clamp(1, LONGEST);
            histogram.saturating_record_n(nanoseconds, times.into());
        }
    }

    /// Removes all runs.
    pub(crate) fn reset(&self) {
        *self.0.lock() = None;
    }

    /// The value at each of the `wanted` percentiles, in microseconds. `None`: there were no runs.
    pub(crate) fn percentiles(&self, wanted: impl Iterator<Item = f64>) -> Option<Vec<f64>> {
        let histogram = self.0.lock();
        let histogram = histogram.as_deref()?;
        let at = |percentile| at_percentile(histogram, percentile) as f64 / 1000.0;
        Some(wanted.map(at).collect())
    }

    /// The number of runs, and the cumulative distribution: the upper end of each bucket that is
    /// not empty, in microseconds, and how many runs took at most so long. `None`: there were no
    /// runs.
    pub(crate) fn distribution(&self) -> Option<(u64, Vec<(u64, u64)>)> {
        let histogram = self.0.lock();
        let histogram = histogram.as_deref()?;
        let total = histogram.len();
        let (mut steps, mut before, mut step) = (Vec::new(), 0, FIRST_STEP);
        while before < total {
            let count = histogram.count_between(0, step);
            if count > before {
                let upper = histogram.highest_equivalent(step).min(LAST_STEP);
                steps.push((upper / 1000, count));
            }
            (before, step) = (count, step * 2);
        }
        Some((total, steps))
    }
}

/// The value at a percentile as Redis's library computes it: it rounds the rank to the nearest
/// integer, where the `hdrhistogram` crate rounds up.
fn at_percentile(histogram: &Histogram<u64>, percentile: f64) -> u64 {
    let total = histogram.len() as f64;
    let rank = (percentile / 100.0 * total + 0.5).floor().max(1.0);
    // The crate rounds this up to the rank.
    let value = histogram.value_at_quantile((rank - 0.5) / total);
    if percentile == 0.0 {
        histogram.lowest_equivalent(value)
    } else {
        histogram.highest_equivalent(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected values are those of Redis 7.0.15, which records whole microseconds.
    #[test]
    fn as_redis_rounds() {
        let latencies = Latencies::default();
        assert_eq!(latencies.distribution(), None);
        let times = [11_000, 13_000, 14_000, 33_000, 42_000];
        latencies.add(times.map(|time| (time, 1)).into_iter());
        let found = latencies.percentiles([50.0, 100.0, 0.0].into_iter());
        assert_eq!(found, Some(vec![14.015, 42.239, 10.944]));
        let steps = vec![(16, 3), (33, 4), (66, 5)];
        assert_eq!(latencies.distribution(), Some((5, steps)));
        latencies.add([(u32::MAX, 2), (0, 1)].into_iter());
        let (total, steps) = latencies.distribution().expect("runs");
        assert_eq!((total, steps[0]), (8, (1, 1)));
        assert_eq!(steps.last(), Some(&(1_073_741, 8)));
    }
}
