//! A read batch's share of the statistics, counted without atomics and added up once.

use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use super::stats::Stats;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
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

/// See the module.
#[derive(Debug)]
pub struct Tally {
    /// A batch rarely has more than a few different commands.
    lines: Vec<Line>,
    /// Which of them was counted last.
    last: usize,
    /// By code.
    errors: Vec<(String, u64)>,
    /// When the batch began.
    began: Instant,
    /// Time spent on the batch, as far as is known.
    spent: Duration,
    /// When the command before ended: the clock is read once a command.
    mark: Instant,
    /// Messages published.
    pub published: u64,
    /// Messages appended to outboxes.
    pub delivered: u64,
}

impl Default for Tally {
    fn default() -> Tally {
        Tally {
            lines: Vec::new(),
            last: 0,
            errors: Vec::new(),
            began: Instant::now(),
            spent: Duration::ZERO,
            mark: Instant::now(),
            published: 0,
            delivered: 0,
        }
    }
}

impl Tally {
    /// Begins a batch at `now`.
    pub fn begin(&mut self, now: Instant) {
        self.began = now;
        self.spent = Duration::ZERO;
        self.mark = now;
    }

    /// How long the batch had taken when the last command was counted, or at the last look.
    pub fn spent(&self) -> Duration {
        self.spent.max(self.mark - self.began)
    }

    /// Looks at the clock.
    pub fn look(&mut self) {
        self.spent = self.began.elapsed();
    }

    /// Counts a command that has just ended.
    pub fn command(&mut self, command: u16, outcome: Outcome) {
        let now = Instant::now();
        let time = now - self.mark;
        self.mark = now;
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
        self.last = index;
        let line = &mut self.lines[index];
        match outcome {
            Outcome::Rejected => line.rejected += 1,
            Outcome::Called | Outcome::Failed => {
                line.calls += 1;
                line.failed += u64::from(outcome == Outcome::Failed);
                line.time += time;
            }
        }
    }

    /// Adds the time since to the command that was counted last.
    pub fn lap(&mut self) {
        let now = Instant::now();
        if let Some(line) = self.lines.get_mut(self.last) {
            line.time += now - self.mark;
        }
        self.mark = now;
    }

    /// Counts an error reply.
    pub fn error(&mut self, code: &str) {
        match self.errors.iter_mut().find(|(known, _)| known == code) {
            Some((_, count)) => *count += 1,
            None => self.errors.push((code.to_owned(), 1)),
        }
    }

    /// Adds what was counted to `stats` and begins anew.
    pub fn commit(&mut self, stats: &Stats) {
        for line in self.lines.drain(..) {
            let command = &stats.by_command[usize::from(line.command)];
            let nanoseconds = u64::try_from(line.time.as_nanos()).unwrap_or(u64::MAX);
            stats.commands.fetch_add(line.calls, Relaxed);
            command.calls.fetch_add(line.calls, Relaxed);
            command.failed.fetch_add(line.failed, Relaxed);
            command.rejected.fetch_add(line.rejected, Relaxed);
            command.nanoseconds.fetch_add(nanoseconds, Relaxed);
        }
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
