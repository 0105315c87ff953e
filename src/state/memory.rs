//! The memory of the process, as INFO shows it.
//!
//! Layer `state`. It may use `client`.
//!
//! *Resident* memory is what the system counts. *Used* memory is what the server counts: the memory
//! of the process when it started, what clients hold, and the keys. The difference is memory that
//! the allocator keeps, and what the server does not count.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, LazyLock};

use super::ServerState;

/// The figures of a report, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MemoryReport {
    /// Memory that all clients hold.
    pub clients: usize,
    /// Memory of keys and values.
    pub dataset: usize,
    /// Resident memory when the server started.
    pub startup: usize,
    /// Resident memory now.
    pub resident: usize,
    /// The most that was ever used. It is updated once a second, and by INFO.
    pub peak: usize,
}

impl MemoryReport {
    /// Memory in use.
    pub(crate) fn used(&self) -> usize {
        self.overhead() + self.dataset
    }

    /// Memory in use, without keys and values.
    pub(crate) fn overhead(&self) -> usize {
        self.startup + self.clients
    }
}

/// Figures that are kept from one report to the next.
#[derive(Debug)]
pub(crate) struct MemoryHistory {
    startup: usize,
    peak: AtomicUsize,
}

impl Default for MemoryHistory {
    /// The history of a server that starts now.
    fn default() -> MemoryHistory {
        MemoryHistory {
            startup: resident(),
            peak: AtomicUsize::new(0),
        }
    }
}

impl ServerState {
    /// The memory that the process takes now. `dataset` is the memory of the keys, in bytes.
    pub(crate) fn memory(&self, dataset: usize) -> MemoryReport {
        let mut report = MemoryReport {
            clients: self.client_figures().memory,
            dataset,
            startup: self.memory_history.startup,
            resident: self.resident_memory.get(resident),
            peak: 0,
        };
        let before = self.memory_history.peak.fetch_max(report.used(), Relaxed);
        report.peak = before.max(report.used());
        report
    }
}

impl ServerState {
    /// Has the allocator return free memory to the system, on this thread and on each thread that
    /// serves connections: allocators keep free blocks per thread.
    pub(crate) fn trim_memory(&self) {
        if let Some(trim) = &self.trim {
            trim();
            for thread in self.placement.threads() {
                let trim = Arc::clone(trim);
                thread.spawn(async move { trim() });
            }
        }
    }
}

fn resident() -> usize {
    memory_stats::memory_stats().map_or(0, |stats| stats.physical_mem)
}

/// The machine's memory in bytes; 0 if it is not known.
pub(crate) fn of_machine() -> usize {
    static TOTAL: LazyLock<usize> = LazyLock::new(|| {
        let lines = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let total = lines
            .lines()
            .find_map(|line| line.strip_prefix("MemTotal:"));
        let kilobytes = total.and_then(|total| total.trim().strip_suffix(" kB"));
        kilobytes
            .and_then(|number| number.parse().ok())
            .unwrap_or(0)
            * 1024
    });
    *TOTAL
}
