//! When to add up what all connections hold (`maxmemory-clients`) before the next period.
//!
//! Layer `state`. `server::eviction` is who looks.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::sync::Notify;

/// It is also added up once this part of the bound was appended to outboxes.
const PART: usize = 8;

/// When to look before the next period.
#[derive(Debug, Default)]
pub(crate) struct MemoryTrigger {
    appended: AtomicUsize,
    look: Notify,
}

impl MemoryTrigger {
    /// So many bytes were appended to outboxes, and `limit` bytes may be held.
    pub(crate) fn add(&self, bytes: usize, limit: usize) {
        if self.appended.fetch_add(bytes, Relaxed) + bytes >= limit / PART {
            self.appended.store(0, Relaxed);
            self.look();
        }
    }

    /// Has somebody look soon.
    pub(crate) fn look(&self) {
        self.look.notify_one();
    }

    /// Waits until somebody is to look.
    pub(crate) async fn wanted(&self) {
        self.look.notified().await;
    }
}
