//! Lines of the log about what may happen as often as others make it happen: one when it begins, and
//! then one in a while, which says how often it has happened since the one before.

use std::time::{Duration, Instant};

/// Between two lines.
const EVERY: Duration = Duration::from_secs(10);

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct LogThrottle {
    /// Since the last line.
    since: u64,
    last_line: Option<Instant>,
}

impl LogThrottle {
    /// It has happened again. `Some`: a line is due now, and says that it happened so often.
    pub(crate) fn note(&mut self) -> Option<u64> {
        self.since += 1;
        self.take_due()
    }

    /// It happens no more. `Some`: as in [`note`](Self::note), if the log has still to be told of any.
    pub(crate) fn end(&mut self) -> Option<u64> {
        if self.since == 0 {
            return None;
        }
        self.take_due()
    }

    fn take_due(&mut self) -> Option<u64> {
        if self.last_line.is_some_and(|last| last.elapsed() < EVERY) {
            return None;
        }
        self.last_line = Some(Instant::now());
        Some(std::mem::take(&mut self.since))
    }
}
