//! How long messages took from their publication until the kernel had them.
//!
//! Layer `observe`. It uses no other layer.
//!
//! Of the messages that are written to a subscriber together, the one that has waited longest is
//! timed (see [`Written::sent`](crate::client::outbox::Written)). The thread that writes reads the
//! clock once after a few writes, so the times are too long by up to that, never too short. The
//! receivers of a message have the moment of its publication in common, so a thread counts how many
//! it has written to ([`Sent`]), and adds them to the buckets, which all threads share, at once.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use smallvec::SmallVec;

/// Buckets: up to 1 µs, up to 2 µs, up to 4 µs, … up to 67 s, and longer.
pub(crate) const BUCKETS: usize = 28;

/// The longest time of each bucket but the last, which has no limit.
pub(crate) fn bounds() -> impl Iterator<Item = Duration> {
    (0..BUCKETS - 1).map(|power| Duration::from_micros(1 << power))
}

fn bucket(nanoseconds: u64) -> usize {
    let less = nanoseconds.div_ceil(1000).saturating_sub(1);
    ((u64::BITS - less.leading_zeros()) as usize).min(BUCKETS - 1)
}

/// The timed messages that a thread has just written.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// When they were published, and to how many receivers they were written.
    runs: SmallVec<[(Instant, u64); 4]>,
}

impl Sent {
    /// Adds a message that was published at this moment.
    #[inline]
    pub(crate) fn add(&mut self, published: Instant) {
        match self.runs.last_mut() {
            Some((moment, count)) if *moment == published => *count += 1,
            _ => self.runs.push((published, 1)),
        }
    }
}

/// The times since the start or CONFIG RESETSTAT.
#[derive(Debug, Default)]
pub(crate) struct DeliveryTimes {
    buckets: [AtomicU64; BUCKETS],
    nanoseconds: AtomicU64,
}

impl DeliveryTimes {
    /// Adds messages that were written just now.
    pub(crate) fn add(&self, sent: &Sent) {
        if sent.runs.is_empty() {
            return;
        }
        let now = Instant::now();
        for (published, count) in &sent.runs {
            let time = now.saturating_duration_since(*published);
            let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
            self.buckets[bucket(time)].fetch_add(*count, Relaxed);
            self.nanoseconds.fetch_add(time * count, Relaxed);
        }
    }

    /// How many messages are in each bucket ([`bounds`]), and the sum of their times.
    pub(crate) fn figures(&self) -> ([u64; BUCKETS], Duration) {
        let buckets = std::array::from_fn(|bucket| self.buckets[bucket].load(Relaxed));
        (
            buckets,
            Duration::from_nanos(self.nanoseconds.load(Relaxed)),
        )
    }

    /// For each percentile, the end of the bucket that it falls into; `None` for the last one,
    /// which has no end. There is nothing before the first message.
    pub(crate) fn percentiles<const N: usize>(
        &self,
        percentiles: [f64; N],
    ) -> Option<[Option<Duration>; N]> {
        let (buckets, _) = self.figures();
        let total: u64 = buckets.iter().sum();
        let end = |percentile: f64| {
            let rank = (percentile / 100.0 * total as f64).ceil() as u64;
            let mut below = 0;
            let mut ends = bounds().zip(buckets);
            let found = ends.find(|(_, count)| {
                below += count;
                below >= rank
            });
            found.map(|(end, _)| end)
        };
        (total > 0).then(|| percentiles.map(end))
    }

    /// CONFIG RESETSTAT.
    pub(crate) fn reset(&self) {
        for counter in self.buckets.iter().chain([&self.nanoseconds]) {
            counter.store(0, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_in_the_first_bucket_that_is_long_enough() {
        let bounds: Vec<Duration> = bounds().collect();
        assert_eq!(bounds[..3], [1, 2, 4].map(Duration::from_micros));
        for time in [0, 1, 999, 1000, 1001, 2000, 2001, 64_000_000, 64_000_001] {
            let expected = bounds
                .iter()
                .position(|most| time <= most.as_nanos() as u64);
            assert_eq!(Some(bucket(time)), expected, "{time}");
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn a_percentile_is_the_end_of_its_bucket() {
        let times = DeliveryTimes::default();
        assert_eq!(times.percentiles([50.0]), None);
        for (bucket, count) in [(3, 50), (10, 49), (BUCKETS - 1, 1)] {
            times.buckets[bucket].store(count, Relaxed);
        }
        let end = |power: u32| Some(Duration::from_micros(1 << power));
        assert_eq!(
            times.percentiles([0.1, 50.0, 50.5, 99.0, 99.9]),
            Some([end(3), end(3), end(10), end(10), None])
        );
    }

    #[test]
    fn every_time_is_counted_whatever_stands_beside_it() {
        let times = DeliveryTimes::default();
        let now = Instant::now();
        let ago = |seconds| now - Duration::from_secs(seconds);
        let mut sent = Sent::default();
        times.add(&sent);
        for moment in [ago(1), ago(1), ago(20), ago(1), ago(3000)] {
            sent.add(moment);
        }
        times.add(&sent);
        let (buckets, sum) = times.figures();
        // 1 s is in the bucket up to 2^20 µs, and by the time that has passed since.
        let near: u64 = buckets[20..=22].iter().sum();
        assert_eq!((near, buckets[BUCKETS - 1]), (3, 1));
        assert_eq!(buckets.iter().sum::<u64>(), 5);
        assert!(sum >= Duration::from_secs(3023), "{sum:?}");
        times.reset();
        assert_eq!(times.figures(), ([0; BUCKETS], Duration::ZERO));
    }
}
