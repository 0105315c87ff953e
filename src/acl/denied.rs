//! How often users were denied something (INFO stats, since Redis 7.2).
//!
//! Layer `acl`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::request::Reason;

/// The counters, one for each reason.
#[derive(Debug, Default)]
pub(crate) struct Denied {
    /// To be let in.
    pub auth: AtomicU64,
    /// A command.
    pub command: AtomicU64,
    /// A key.
    pub key: AtomicU64,
    /// A channel.
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

    /// CONFIG RESETSTAT.
    pub(crate) fn reset(&self) {
        for counter in [&self.auth, &self.command, &self.key, &self.channel] {
            counter.store(0, Relaxed);
        }
    }
}
