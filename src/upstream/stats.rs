//! The counters of an edge, for INFO.
//!
//! Layer `upstream`. It uses nothing else.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// A counter, or a figure that replaces the one before it.
#[derive(Debug, Default)]
pub(crate) struct Figure(AtomicU64);

impl Figure {
    /// Adds to it.
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Relaxed);
    }

    /// Replaces it.
    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Relaxed);
    }

    /// Its value.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct UpstreamStats {
    /// Whether the connection is established.
    pub is_up: AtomicBool,
    /// Connections that were established.
    pub connects: Figure,
    /// Connections that could not be established.
    pub refusals: Figure,
    /// Connections that were lost.
    pub losses: Figure,
    /// Milliseconds without a connection after it was lost.
    pub gap_millis: Figure,
    /// Messages that the hub has sent.
    pub received: Figure,
    /// Messages that had no receiver here any more.
    pub unwanted: Figure,
    /// Publishes that were answered `-NOUPSTREAM`.
    pub publish_failures: Figure,
    /// Microseconds from the last probe to its reply.
    pub round_trip_micros: Figure,
}
