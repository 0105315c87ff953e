//! How long each command took, as histograms of nanoseconds in Redis's resolution: two digits, up
//! to a second.
//!
//! Connections count in their [`BatchStats`](super::batch_stats::BatchStats) and add once a batch, so that the lock
//! is taken once a batch and command.

use hdrhistogram::Histogram;
use parking_lot::Mutex;

/// Anything longer counts as this long.
const LONGEST: u64 = 1_000_000_000;
/// Significant digits.
const DIGITS: u8 = 2;
/// LATENCY HISTOGRAM counts up to this, and then up to the double of it, and so on.
const FIRST_STEP: u64 = 1024;
/// Where Redis's histograms end.
const LAST_STEP: u64 = 1 << 30;

/// The times of one command; nothing is kept of one that was never run.
#[derive(Debug, Default)]
pub(crate) struct Latencies(Mutex<Option<Box<Histogram<u64>>>>);

impl Latencies {
    /// Adds runs: how long one took, and how many there were.
    pub(crate) fn add(&self, runs: impl Iterator<Item = (u32, u32)>) {
        let mut histogram = self.0.lock();
        let histogram = histogram.get_or_insert_with(|| {
            let empty = Histogram::new_with_bounds(1, LONGEST, DIGITS);
            Box::new(empty.expect("these bounds are fine"))
        });
        for (nanoseconds, times) in runs {
            let nanoseconds = u64::from(nanoseconds).clamp(1, LONGEST);
            histogram.saturating_record_n(nanoseconds, times.into());
        }
    }

    /// Forgets all.
    pub(crate) fn reset(&self) {
        *self.0.lock() = None;
    }

    /// The time that so many of a hundred runs took at most, in microseconds, for each of the
    /// percentiles; `None`: there were no runs.
    pub(crate) fn percentiles(&self, wanted: impl Iterator<Item = f64>) -> Option<Vec<f64>> {
        let histogram = self.0.lock();
        let histogram = histogram.as_deref()?;
        let at = |percentile| at_percentile(histogram, percentile) as f64 / 1000.0;
        Some(wanted.map(at).collect())
    }

    /// How many runs there were, and how many of them took up to so many microseconds, at the steps
    /// where that grows; `None`: there were no runs.
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

/// As Redis's library has it, which rounds the number of runs where others round it up.
fn at_percentile(histogram: &Histogram<u64>, percentile: f64) -> u64 {
    let total = histogram.len() as f64;
    let rank = (percentile / 100.0 * total + 0.5).floor().max(1.0);
    // Rounded up, it is the rank again.
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

    /// Figures of Redis 7.0.15, which counts whole microseconds.
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
