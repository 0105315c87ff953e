//! The counters of an edge, for INFO.
//!
//! Layer `upstream`. It may use `sync`.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::loss::Reason;
use crate::sync::Mutex;

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
    /// Connections that were lost, by reason.
    losses: [Figure; Reason::ALL.len()],
    /// Time without a connection after it was lost, and since when there is none.
    gap: Mutex<(Duration, Option<Instant>)>,
    /// Messages that the hub has sent.
    pub received: Figure,
    /// Messages that had no receiver here any more.
    pub unwanted: Figure,
    /// Publishes that were answered `-NOUPSTREAM`.
    pub publish_failures: Figure,
    /// Microseconds from the last probe to its reply.
    pub round_trip_micros: Figure,
}

impl UpstreamStats {
    /// Counts a loss. The gap begins.
    pub(crate) fn lost(&self, reason: Reason) {
        self.losses[reason as usize].add(1);
        self.gap.lock().1 = Some(Instant::now());
    }

    /// Counts a connection that was established. Returns how long there was none after a loss.
    pub(crate) fn connected(&self) -> Duration {
        self.connects.add(1);
        let mut gap = self.gap.lock();
        let last = gap.1.take().map_or(Duration::ZERO, |since| since.elapsed());
        gap.0 += last;
        last
    }

    /// Each reason with how many connections were lost for it.
    pub(crate) fn losses(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.losses.iter().map(Figure::get);
        Reason::ALL.iter().map(|reason| reason.name()).zip(counts)
    }

    /// Time without a connection after one was lost, so far.
    pub(crate) fn gap(&self) -> Duration {
        let (past, since) = *self.gap.lock();
        past + since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}
