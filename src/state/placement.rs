//! Chooses the thread that serves the next connection.
//!
//! Layer `state`. It uses nothing else.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::runtime::Handle;

/// The threads that serve connections. By default there are none, and a connection stays on the
/// runtime that accepted it.
#[derive(Debug, Default)]
pub(crate) struct Placement {
    handles: Vec<Handle>,
    next: AtomicUsize,
}

impl Placement {
    /// Distributes connections over these runtimes in turn.
    pub(crate) fn new(handles: Vec<Handle>) -> Placement {
        Placement {
            handles,
            next: AtomicUsize::new(0),
        }
    }

    /// All threads.
    pub(crate) fn threads(&self) -> &[Handle] {
        &self.handles
    }

    /// The thread of the next connection; `None` for the one that accepted it.
    pub(crate) fn next(&self) -> Option<&Handle> {
        let turn = self.next.fetch_add(1, Relaxed);
        self.handles.get(turn.checked_rem(self.handles.len())?)
    }
}
