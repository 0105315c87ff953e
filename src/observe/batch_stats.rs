//! A read batch's share of the statistics, counted without atomics and added up once.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use super::stats::Stats;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It ran.
    Called,
    /// It ran and answered with an error.
    Failed,
    /// It was refused before it ran.
    Rejected,
}

#[derive(Clone, Copy, Debug)]
struct Line {
    command: u16,
    calls: u64,
    failed: u64,
    rejected: u64,
    time: Duration,
}

/// How long some runs of a command took, each.
#[derive(Clone, Copy, Debug)]
struct Sample {
    command: u16,
    nanoseconds: u32,
    runs: u32,
}

/// More samples are not left to the end of a batch.
const MUCH: usize = 1024;

/// See the module.
#[derive(Debug)]
pub(crate) struct BatchStats {
    /// A batch rarely has more than a few different commands.
    lines: Vec<Line>,
    /// By code.
    errors: Vec<(String, u64)>,
    /// When the batch began.
    began: Instant,
    /// Time spent on the batch, as far as is known.
    spent: Duration,
    /// When the command before ended: the clock is read once a command.
    mark: Instant,
    /// Times of commands, if they are tracked.
    samples: Vec<Sample>,
    tracks: bool,
    /// A command that takes so long is to be noted.
    pub notable: Duration,
    /// Messages published.
    pub published: u64,
    /// Messages appended to outboxes.
    pub delivered: u64,
}

impl Default for BatchStats {
    fn default() -> BatchStats {
        BatchStats {
            lines: Vec::new(),
            errors: Vec::new(),
            began: Instant::now(),
            spent: Duration::ZERO,
            mark: Instant::now(),
            samples: Vec::new(),
            tracks: false,
            notable: Duration::MAX,
            published: 0,
            delivered: 0,
        }
    }
}

impl BatchStats {
    /// Begins a batch at `now`. `tracks`: the time of every command is kept (`latency-tracking`).
    pub(crate) fn begin(&mut self, now: Instant, tracks: bool, notable: Duration) {
        self.began = now;
        self.spent = Duration::ZERO;
        self.mark = now;
        self.tracks = tracks;
        self.notable = notable;
    }

    /// How long the batch had taken when the last command was counted, or at the last look.
    pub(crate) fn spent(&self) -> Duration {
        self.spent.max(self.mark - self.began)
    }

    /// Looks at the clock.
    pub(crate) fn look(&mut self) {
        self.spent = self.began.elapsed();
    }

    /// Counts a command that has just ended, and says how long it took.
    pub(crate) fn command(&mut self, command: u16, outcome: Outcome) -> Duration {
        let time = self.lap();
        let line = self.line(command);
        match outcome {
            Outcome::Rejected => line.rejected += 1,
            Outcome::Called | Outcome::Failed => {
                line.calls += 1;
                line.failed += u64::from(outcome == Outcome::Failed);
                line.time += time;
                self.sample(command, time, 1);
            }
        }
        time
    }

    /// Counts so many runs of a command that took `time` together, and says how long each took.
    pub(crate) fn ended_together(&mut self, command: u16, runs: usize, time: Duration) -> Duration {
        let line = self.line(command);
        line.calls += runs as u64;
        line.time += time;
        let runs = u32::try_from(runs).unwrap_or(u32::MAX);
        let each = time / runs.max(1);
        self.sample(command, each, runs);
        each
    }

    /// The time since the last lap, or since the last command was counted: the clock is read once a
    /// command.
    pub(crate) fn lap(&mut self) -> Duration {
        let now = Instant::now();
        let time = now - self.mark;
        self.mark = now;
        time
    }

    fn line(&mut self, command: u16) -> &mut Line {
        let known = self.lines.iter().position(|line| line.command == command);
        let index = known.unwrap_or_else(|| {
            self.lines.push(Line {
                command,
                calls: 0,
                failed: 0,
                rejected: 0,
                time: Duration::ZERO,
            });
            self.lines.len() - 1
        });
        &mut self.lines[index]
    }

    fn sample(&mut self, command: u16, time: Duration, runs: u32) {
        if self.tracks {
            self.samples.push(Sample {
                command,
                nanoseconds: u32::try_from(time.as_nanos()).unwrap_or(u32::MAX),
                runs,
            });
        }
    }

    /// Whether so much was counted that it should be added up before the batch ends.
    pub(crate) fn is_much(&self) -> bool {
        self.samples.len() >= MUCH
    }

    /// Counts an error reply.
    pub(crate) fn error(&mut self, code: &str) {
        match self.errors.iter_mut().find(|(known, _)| known == code) {
            Some((_, count)) => *count += 1,
            None => self.errors.push((code.to_owned(), 1)),
        }
    }

    /// Adds what was counted to `stats` and begins anew.
    pub(crate) fn commit(&mut self, stats: &Stats) {
        for line in self.lines.drain(..) {
            let command = &stats.by_command[usize::from(line.command)];
            let nanoseconds = u64::try_from(line.time.as_nanos()).unwrap_or(u64::MAX);
            stats.commands.fetch_add(line.calls, Relaxed);
            command.calls.fetch_add(line.calls, Relaxed);
            command.failed.fetch_add(line.failed, Relaxed);
            command.rejected.fetch_add(line.rejected, Relaxed);
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
        if !self.errors.is_empty() {
            let mut by_code = stats.errors_by_code.lock();
            for (code, count) in self.errors.drain(..) {
                stats.errors.fetch_add(count, Relaxed);
                *by_code.entry(code).or_default() += count;
            }
        }
        stats
            .published
            .fetch_add(std::mem::take(&mut self.published), Relaxed);
        stats
            .delivered
            .fetch_add(std::mem::take(&mut self.delivered), Relaxed);
    }
}
