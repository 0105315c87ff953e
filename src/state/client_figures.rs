//! Sums over all connected clients.
//!
//! Layer `state`. It may use `client`.

use super::ServerState;

/// What all clients hold, and what waits for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClientFigures {
    /// Bytes of memory.
    pub memory: usize,
    /// Bytes in outboxes that the kernel has not taken. Slow subscribers may share the memory of
    /// these bytes.
    pub outbox_bytes: usize,
    /// The largest number of such bytes of one client.
    pub outbox_max_bytes: usize,
    /// Clients with a full socket, so that their bytes wait until they read.
    pub lagging: usize,
}

impl ServerState {
    /// The current sums. If they take long to add up, they may be somewhat old
    /// ([`Sampled`](super::sampled::Sampled)).
    pub(crate) fn client_figures(&self) -> ClientFigures {
        self.client_figures.get(|| {
            let mut figures = ClientFigures::default();
            for client in self.clients.all() {
                let (waiting, is_blocked) = client.outbox.waiting();
                figures.memory += client.memory();
                figures.outbox_bytes += waiting;
                figures.outbox_max_bytes = figures.outbox_max_bytes.max(waiting);
                figures.lagging += usize::from(is_blocked && waiting > 0);
            }
            figures
        })
    }
}
