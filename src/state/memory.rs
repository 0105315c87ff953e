//! What the process takes, as INFO tells it.
//!
//! Layer `state`. What is *resident* is what the system counts. What is *used* is what the server
//! knows of: what the process took when it started, what clients hold, and the keys. The difference
//! is what the allocator keeps, and what the server does not count.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, LazyLock};

use super::ServerState;

/// All figures are in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MemoryReport {
    /// What all clients hold.
    pub clients: usize,
    /// What keys and values take.
    pub dataset: usize,
    /// What was resident when the server started.
    pub startup: usize,
    /// What is resident.
    pub resident: usize,
    /// The most that was ever used. It is looked at once a second, and by INFO.
    pub peak: usize,
}

impl MemoryReport {
    /// All that is in use.
    pub(crate) fn used(&self) -> usize {
        self.overhead() + self.dataset
    }

    /// What is in use and is no key or value.
    pub(crate) fn overhead(&self) -> usize {
        self.startup + self.clients
    }
}

/// What is remembered for the report.
#[derive(Debug)]
pub(crate) struct MemoryHistory {
    startup: usize,
    peak: AtomicUsize,
}

impl Default for MemoryHistory {
    /// The server starts now.
    fn default() -> MemoryHistory {
        MemoryHistory {
            startup: resident(),
            peak: AtomicUsize::new(0),
        }
    }
}

impl ServerState {
    /// What the process takes now, of which the keys take `dataset` bytes.
    pub(crate) fn memory(&self, dataset: usize) -> MemoryReport {
        let clients = || {
            let all = self.clients.all();
            all.iter().map(|client| client.memory()).sum()
        };
        let mut report = MemoryReport {
            clients: self.clients_memory.get(clients),
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
    /// Has the allocator give free memory back to the system, on this thread and on each that serves
    /// connections: allocators keep free blocks by thread.
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

/// What the machine has; 0 where that is not known.
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
