//! Which thread serves the next connection.
//!
//! Layer `state`.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::runtime::Handle;

/// Which thread a connection goes to. By default there is none but the runtime that accepted it.
#[derive(Debug, Default)]
pub(crate) struct Placement {
    handles: Vec<Handle>,
    next: AtomicUsize,
}

impl Placement {
    /// Deals connections out to these runtimes, one after the other.
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

    /// The thread that the next connection goes to; `None`: where it was accepted.
    pub(crate) fn next(&self) -> Option<&Handle> {
        let turn = self.next.fetch_add(1, Relaxed);
        self.handles.get(turn.checked_rem(self.handles.len())?)
    }
}
