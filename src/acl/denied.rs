//! Counts how often users were denied something (INFO stats, since Redis 7.2).
//!
//! Layer `acl`. Plain counters, which any thread may change.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::request::Reason;

/// One counter for each reason.
#[derive(Debug, Default)]
pub(crate) struct Denied {
    /// Failed authentications.
    pub auth: AtomicU64,
    /// Denied commands.
    pub command: AtomicU64,
    /// Denied keys.
    pub key: AtomicU64,
    /// Denied channels.
    pub channel: AtomicU64,
}

impl Denied {
    /// The counter of a reason.
    pub(crate) fn of(&self, reason: Reason) -> &AtomicU64 {
        match reason {
            Reason::Auth => &self.auth,
            Reason::Command => &self.command,
            Reason::Key => &self.key,
            Reason::Channel => &self.channel,
        }
    }

    /// Sets all counters to 0 (CONFIG RESETSTAT).
    pub(crate) fn reset(&self) {
        for counter in [&self.auth, &self.command, &self.key, &self.channel] {
            counter.store(0, Relaxed);
        }
    }
}
