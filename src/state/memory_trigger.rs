//! Decides when to add up what all connections hold (`maxmemory-clients`) before the next period.
//!
//! Layer `state`. It uses nothing else. `server::eviction` adds up.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::sync::Notify;

/// The memory is also added up when 1 / `PART` of the limit was appended to outboxes.
const PART: usize = 8;

/// Counts appended bytes, and wakes the eviction task.
#[derive(Debug, Default)]
pub(crate) struct MemoryTrigger {
    appended: AtomicUsize,
    look: Notify,
}

impl MemoryTrigger {
    /// Counts bytes that were appended to outboxes. `limit` is the most that all connections may
    /// hold.
    pub(crate) fn add(&self, bytes: usize, limit: usize) {
        if self.appended.fetch_add(bytes, Relaxed) + bytes >= limit / PART {
            self.appended.store(0, Relaxed);
            self.look();
        }
    }

    /// Wakes the eviction task.
    pub(crate) fn look(&self) {
        self.look.notify_one();
    }

    /// Waits until the task is to add up.
    pub(crate) async fn wanted(&self) {
        self.look.notified().await;
    }
}
