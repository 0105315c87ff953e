//! Chooses the thread that serves the next connection.
//!
//! Layer `state`. It uses nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};

use tokio::runtime::Handle;

/// The threads that serve connections. By default there are none, and a connection stays on the
/// runtime that accepted it.
#[derive(Debug, Default)]
pub(crate) struct Placement {
    handles: Vec<Handle>,
    next: AtomicUsize,
    /// How long each thread may look for input before it sleeps, in microseconds.
    busy_poll: Arc<AtomicU32>,
}

impl Placement {
    /// Distributes connections over these runtimes in turn.
    pub(crate) fn new(handles: Vec<Handle>, busy_poll: Arc<AtomicU32>) -> Placement {
        Placement {
            handles,
            next: AtomicUsize::new(0),
            busy_poll,
        }
    }

    /// Sets how long each thread may look for input before it sleeps (`busy-poll`).
    pub(crate) fn set_busy_poll(&self, microseconds: u32) {
        self.busy_poll.store(microseconds, Relaxed);
    }

    /// All threads.
    pub(crate) fn threads(&self) -> &[Handle] {
        &self.handles
    }

    /// The thread that accepts connections; `None` for the runtime that starts the server. A single
    /// thread accepts its own: a connection need not be passed on then.
    pub(crate) fn acceptor(&self) -> Option<&Handle> {
        match &self.handles[..] {
            [single] => Some(single),
            _ => None,
        }
    }

    /// The thread of the next connection, with its place among all; `None` for the one that accepted
    /// it.
    pub(crate) fn next(&self) -> Option<(usize, &Handle)> {
        if self.handles.len() < 2 {
            return None;
        }
        let turn = self.next.fetch_add(1, Relaxed);
        let place = turn % self.handles.len();
        Some((place, &self.handles[place]))
    }
}
