//! The latency monitor (LATENCY): samples of events that took `latency-monitor-threshold` or
//! longer.
//!
//! Layer `observe`. It uses no other layer.
//!
//! The names of events are Redis's, and samples are kept as Redis keeps them:
//! - `command`, `fast-command`: a command without, or with, the flag `fast`
//! - `expire-cycle`: the removal of expired keys

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

/// The number of samples that are kept of an event. There is at most one per second.
const SAMPLES: usize = 160;

/// The highest latency within one second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    /// Unix time, in seconds.
    pub time: u64,
    /// In milliseconds.
    pub latency: u64,
}

/// The samples of one event.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series {
    /// The latest samples, the oldest first.
    pub samples: VecDeque<Sample>,
    /// The highest latency since the series began, in milliseconds.
    pub max: u64,
}

impl Series {
    fn add(&mut self, sample: Sample) {
        self.max = self.max.max(sample.latency);
        match self.samples.back_mut() {
            Some(last) if last.time == sample.time => {
                last.latency = last.latency.max(sample.latency);
                return;
            }
            _ => {}
        }
        if self.samples.len() == SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
    }
}

/// The samples of all events.
#[derive(Debug, Default)]
pub(crate) struct LatencyMonitor {
    events: Mutex<BTreeMap<&'static str, Series>>,
}

impl LatencyMonitor {
    /// Records that an event took `took`, if that reaches `threshold` (milliseconds; 0 records
    /// nothing).
    pub(crate) fn record(&self, event: &'static str, took: Duration, threshold: u64) {
        let latency = took.as_millis() as u64;
        if threshold > 0 && latency >= threshold {
            let time = now();
            let mut events = self.events.lock();
            events
                .entry(event)
                .or_default()
                .add(Sample { time, latency });
        }
    }

    /// All events that have samples, ordered by name.
    pub(crate) fn all(&self) -> Vec<(&'static str, Series)> {
        let events = self.events.lock();
        events
            .iter()
            .map(|(event, series)| (*event, series.clone()))
            .collect()
    }

    /// The event of this name with its samples.
    pub(crate) fn get(&self, name: &[u8]) -> Option<(&'static str, Series)> {
        let events = self.events.lock();
        let found = events.iter().find(|(event, _)| event.as_bytes() == name);
        found.map(|(event, series)| (*event, series.clone()))
    }

    /// Removes the events with these names, or all events if there are no names. Returns how many
    /// were removed.
    pub(crate) fn reset<'a>(&self, names: impl ExactSizeIterator<Item = &'a [u8]>) -> usize {
        let mut events = self.events.lock();
        let before = events.len();
        if names.len() == 0 {
            events.clear();
        }
        for name in names {
            events.retain(|event, _| event.as_bytes() != name);
        }
        before - events.len()
    }
}

/// Unix time, in seconds.
pub(crate) fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |time| time.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_one_sample_and_old_ones_go() {
        let mut series = Series::default();
        for (time, latency) in [(1, 5), (1, 3), (1, 9), (2, 4)] {
            series.add(Sample { time, latency });
        }
        let kept: Vec<_> = series.samples.iter().map(|s| (s.time, s.latency)).collect();
        assert_eq!((kept, series.max), (vec![(1, 9), (2, 4)], 9));
        for time in 3..=200 {
            series.add(Sample { time, latency: 1 });
        }
        assert_eq!(series.samples.len(), SAMPLES);
        assert_eq!((series.samples[0].time, series.max), (41, 9));
    }

    #[test]
    fn only_latencies_from_the_threshold_on_are_recorded() {
        let monitor = LatencyMonitor::default();
        monitor.record("command", Duration::from_secs(9), 0);
        monitor.record("command", Duration::from_micros(9_999), 10);
        assert!(monitor.all().is_empty());
        monitor.record("command", Duration::from_millis(10), 10);
        monitor.record("fast-command", Duration::from_millis(11), 10);
        assert_eq!(monitor.get(b"command").expect("recorded").1.max, 10);
        assert_eq!(monitor.reset([b"command".as_slice(), b"x"].into_iter()), 1);
        assert_eq!(monitor.reset([].into_iter()), 1);
    }
}
