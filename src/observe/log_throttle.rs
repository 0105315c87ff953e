//! Rate-limits a log line about a repeated event: the first one at once, then one per 10 s with a
//! count.
//!
//! Layer `observe`. It uses no other layer.

use std::time::{Duration, Instant};

/// The minimum time between two lines.
const EVERY: Duration = Duration::from_secs(10);

/// The state of one repeated log line.
#[derive(Debug, Default)]
pub(crate) struct LogThrottle {
    /// How many events there were since the last line.
    count: u64,
    last_line: Option<Instant>,
}

impl LogThrottle {
    /// Counts an event. `Some(count)`: the caller should log a line now that says that there were
    /// `count` events since the last line.
    pub(crate) fn note(&mut self) -> Option<u64> {
        self.count += 1;
        self.take_due()
    }

    /// The events have ended. `Some(count)`: as in [`note`](Self::note), if some were not logged
    /// yet.
    pub(crate) fn end(&mut self) -> Option<u64> {
        if self.count == 0 {
            return None;
        }
        self.take_due()
    }

    fn take_due(&mut self) -> Option<u64> {
        if self.last_line.is_some_and(|last| last.elapsed() < EVERY) {
            return None;
        }
        self.last_line = Some(Instant::now());
        Some(std::mem::take(&mut self.count))
    }
}
