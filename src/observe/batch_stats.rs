//! The statistics of one read batch. They are counted without atomics and added to the server's
//! [`Stats`] once per batch.
//!
//! Layer `observe`. It uses `pubsub`.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use super::stats::{MAX_CODES, OTHER_CODES, Stats};
use crate::pubsub::counts::PublishCounts;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It ran.
    Called,
    /// It ran and answered with an error.
    Failed,
    /// It was rejected before it ran.
    Rejected,
}

/// The counts of one command.
#[derive(Clone, Copy, Debug)]
struct CommandCounts {
    command: u16,
    calls: u64,
    failed: u64,
    rejected: u64,
    time: Duration,
}

/// The duration of each of some runs of a command.
#[derive(Clone, Copy, Debug)]
struct TimedRuns {
    command: u16,
    nanoseconds: u32,
    runs: u32,
}

/// With this many samples, the counts are committed before the batch ends.
const MAX_SAMPLES: usize = 1024;

/// The counts of a batch that are not in [`Stats`] yet.
#[derive(Debug)]
pub(crate) struct BatchStats {
    /// By command, searched linearly: a batch rarely has more than a few different commands.
    commands: Vec<CommandCounts>,
    /// Error replies by error code.
    errors: Vec<(String, u64)>,
    /// When the batch began.
    began: Instant,
    /// The time spent on the batch when [`read_clock`](BatchStats::read_clock) was last called.
    read: Duration,
    /// The time spent on the batch until `last_lap`.
    laps: Duration,
    /// When the previous command ended, so that the clock is read once per command.
    last_lap: Instant,
    /// Durations of commands, if `latency-tracking` is on.
    samples: Vec<TimedRuns>,
    latency_tracking: bool,
    /// A command that takes this long is recorded by the slow log or the latency monitor.
    pub notable: Duration,
    /// Messages published.
    pub messages: PublishCounts,
}

impl Default for BatchStats {
    fn default() -> BatchStats {
        BatchStats {
            commands: Vec::new(),
            errors: Vec::new(),
            began: Instant::now(),
            read: Duration::ZERO,
            laps: Duration::ZERO,
            last_lap: Instant::now(),
            samples: Vec::new(),
            latency_tracking: false,
            notable: Duration::MAX,
            messages: PublishCounts::default(),
        }
    }
}

impl BatchStats {
    /// Begins a batch at `now`. `latency_tracking`: keep the duration of every command.
    pub(crate) fn begin(&mut self, now: Instant, latency_tracking: bool, notable: Duration) {
        self.began = now;
        self.read = Duration::ZERO;
        self.laps = Duration::ZERO;
        self.last_lap = now;
        self.latency_tracking = latency_tracking;
        self.notable = notable;
    }

    /// How long the batch had taken when the last command was counted, or when
    /// [`read_clock`](Self::read_clock) was last called.
    pub(crate) fn spent(&self) -> Duration {
        self.read.max(self.laps)
    }

    /// Reads the clock to update [`spent`](Self::spent).
    pub(crate) fn read_clock(&mut self) {
        self.read = self.began.elapsed();
    }

    /// Counts a command that has just ended. Returns how long it took.
    pub(crate) fn command(&mut self, command: u16, outcome: Outcome) -> Duration {
        let time = self.lap();
        let counts = self.counts(command);
        match outcome {
            Outcome::Rejected => counts.rejected += 1,
            Outcome::Called | Outcome::Failed => {
                counts.calls += 1;
                counts.failed += u64::from(outcome == Outcome::Failed);
                counts.time += time;
                self.sample(command, time, 1);
            }
        }
        time
    }

    /// Counts `runs` runs of a command that took `time` together. Returns how long each took on
    /// average.
    pub(crate) fn command_runs(&mut self, command: u16, runs: usize, time: Duration) -> Duration {
        let counts = self.counts(command);
        counts.calls += runs as u64;
        counts.time += time;
        let runs = u32::try_from(runs).unwrap_or(u32::MAX);
        let each = time / runs.max(1);
        self.sample(command, each, runs);
        each
    }

    /// When the last lap ended.
    pub(crate) fn lap_began(&self) -> Instant {
        self.last_lap
    }

    /// Takes back the laps since this moment: they are parts of what is counted next.
    #[cfg(feature = "scripts")]
    pub(crate) fn resume_lap(&mut self, began: Instant) {
        self.last_lap = began;
    }

    /// The time since the last lap, which is also when the last command was counted.
    pub(crate) fn lap(&mut self) -> Duration {
        let now = Instant::now();
        let time = now - self.last_lap;
        self.last_lap = now;
        self.laps += time;
        time
    }

    fn counts(&mut self, command: u16) -> &mut CommandCounts {
        let known = self
            .commands
            .iter()
            .position(|counts| counts.command == command);
        let index = known.unwrap_or_else(|| {
            self.commands.push(CommandCounts {
                command,
                calls: 0,
                failed: 0,
                rejected: 0,
                time: Duration::ZERO,
            });
            self.commands.len() - 1
        });
        &mut self.commands[index]
    }

    fn sample(&mut self, command: u16, time: Duration, runs: u32) {
        if self.latency_tracking {
            self.samples.push(TimedRuns {
                command,
                nanoseconds: u32::try_from(time.as_nanos()).unwrap_or(u32::MAX),
                runs,
            });
        }
    }

    /// Whether the counts should be committed before the batch ends, because of the memory they
    /// take.
    pub(crate) fn is_full(&self) -> bool {
        self.samples.len() >= MAX_SAMPLES
    }

    /// Counts an error reply.
    pub(crate) fn error(&mut self, code: &str) {
        let find = |code: &str| self.errors.iter().position(|(known, _)| known == code);
        let is_full = self.errors.len() >= MAX_CODES;
        let known = find(code).or_else(|| find(OTHER_CODES).filter(|_| is_full));
        match known {
            Some(place) => self.errors[place].1 += 1,
            None if is_full => self.errors.push((OTHER_CODES.to_owned(), 1)),
            None => self.errors.push((code.to_owned(), 1)),
        }
    }

    /// Adds the counts to `stats` and resets them.
    pub(crate) fn commit(&mut self, stats: &Stats) {
        for counts in self.commands.drain(..) {
            let command = &stats.by_command[usize::from(counts.command)];
            let nanoseconds = u64::try_from(counts.time.as_nanos()).unwrap_or(u64::MAX);
            stats.commands.fetch_add(counts.calls, Relaxed);
            command.calls.fetch_add(counts.calls, Relaxed);
            command.failed.fetch_add(counts.failed, Relaxed);
            command.rejected.fetch_add(counts.rejected, Relaxed);
            command.nanoseconds.fetch_add(nanoseconds, Relaxed);
        }
        if self.samples.len() > 1 {
            self.samples.sort_unstable_by_key(|sample| sample.command);
        }
        for samples in self
            .samples
            .chunk_by(|one, next| one.command == next.command)
        {
            let command = &stats.by_command[usize::from(samples[0].command)];
            let runs = samples
                .iter()
                .map(|sample| (sample.nanoseconds, sample.runs));
            command.latencies.add(runs);
        }
        self.samples.clear();
        for (code, count) in self.errors.drain(..) {
            stats.count_errors(&code, count);
        }
        stats.messages.take(&mut self.messages);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_spent_is_that_of_all_commands_since_the_beginning() {
        let mut stats = BatchStats::default();
        for _ in 0..2 {
            stats.begin(Instant::now(), false, Duration::MAX);
            assert_eq!(stats.spent(), Duration::ZERO);
            let times = [Outcome::Called, Outcome::Failed, Outcome::Rejected]
                .map(|outcome| stats.command(0, outcome));
            let lap = stats.lap();
            assert_eq!(stats.spent(), times.iter().sum::<Duration>() + lap);
            stats.read_clock();
            assert!(stats.spent() >= times.iter().sum::<Duration>() + lap);
        }
    }
}
