//! The shutdown. It loses nothing that a reply has promised:
//!
//! 1. No connection is accepted any more, but over HTTP, which tells that the server drains; and connections take no more requests.
//! 2. Running batches end, so that every message they publish is in the outboxes of its
//!    subscribers.
//! 3. With an upstream: it answers what is on the way to it, and the messages come back.
//! 4. Each connection closes once its outbox is written.
//! 5. A client whose socket accepts nothing for [`STALLED`] is disconnected: it does not read. So
//!    are all clients that are still there after `shutdown-timeout`.
//!
//! Layer `server`. It may use all layers but `embed`.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::edge;
use crate::client::ClientId;
use crate::state::ServerState;

/// How often to check whether all batches have ended. They take milliseconds.
const BATCH_POLL: Duration = Duration::from_millis(1);
/// A client whose socket has accepted nothing for this long is disconnected. A client that reads,
/// however slowly, frees a part of the kernel's buffers in that time.
const STALLED: Duration = Duration::from_secs(2);
/// How often to check for such clients.
const STALL_POLL: Duration = Duration::from_millis(100);

/// Waits until the shutdown begins ([`ServerState::begin_shutdown`]), and then carries it out.
pub(crate) async fn run(state: &ServerState) {
    state.shutdown.begun().await;
    drain(state).await;
    state.shutdown.finish();
}

/// Disconnects all clients at once. It may be called from any thread.
pub(crate) fn abort(state: &ServerState) {
    state.shutdown.begin(true);
    state.tasks.close();
    disconnect_all(state);
}

async fn drain(state: &ServerState) {
    let patience = if state.shutdown.is_at_once() {
        Duration::ZERO
    } else {
        state.config().shutdown_timeout
    };
    let deadline = Instant::now() + patience;
    let serving = || {
        let clients = state.clients.all();
        clients.iter().any(|client| client.is_serving())
    };
    while serving() && Instant::now() < deadline {
        tokio::time::sleep(BATCH_POLL).await;
    }
    if let Some(upstream) = &state.upstream {
        edge::leave(upstream, deadline).await;
    }
    for client in state.clients.all() {
        client.drain();
    }
    let mut progress = Progress::default();
    let mut next_check = Instant::now();
    while state.clients.count() > 0 && Instant::now() < deadline {
        if Instant::now() >= next_check {
            disconnect_stalled(state, &mut progress);
            next_check = Instant::now() + STALL_POLL;
        }
        tokio::time::sleep(BATCH_POLL).await;
    }
    let left = state.clients.count();
    if left > 0 {
        tracing::warn!(
            clients = left,
            "closing clients that have not read what they were sent"
        );
        disconnect_all(state);
    }
}

/// Disconnects the clients whose outboxes have made no progress for too long.
fn disconnect_stalled(state: &ServerState, progress: &mut Progress) {
    let now = Instant::now();
    let mut stalled = 0;
    for client in state.clients.all() {
        if progress.is_stalled(client.id, client.outbox.unwritten(), now) {
            stalled += 1;
            state.disconnect(&client);
        }
    }
    if stalled > 0 {
        tracing::warn!(
            clients = stalled,
            "closing clients that read nothing of what they were sent"
        );
    }
}

fn disconnect_all(state: &ServerState) {
    for client in state.clients.all() {
        state.disconnect(&client);
    }
}

/// The progress of the outboxes.
#[derive(Debug, Default)]
struct Progress {
    /// For each client with unsent output: the bytes written to it so far, and when that number was
    /// first seen.
    seen: HashMap<ClientId, (u64, Instant)>,
}

impl Progress {
    /// Whether a client has unsent output and its socket has accepted nothing for [`STALLED`].
    /// `written`: the bytes that were written to it in all, or `None` if nothing is unsent.
    fn is_stalled(&mut self, client: ClientId, written: Option<u64>, now: Instant) -> bool {
        let Some(written) = written else {
            self.seen.remove(&client);
            return false;
        };
        let (before, since) = self.seen.entry(client).or_insert((written, now));
        if *before != written {
            (*before, *since) = (written, now);
        }
        now - *since >= STALLED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_makes_progress_is_not_stalled() {
        let start = Instant::now();
        let mut progress = Progress::default();
        let mut slow = 0;
        for tick in 0..100 {
            let now = start + STALL_POLL * tick;
            // A byte now and then.
            slow += u64::from(tick % 19 == 0);
            assert!(!progress.is_stalled(1, Some(slow), now), "{tick}");
            assert!(!progress.is_stalled(2, None, now), "{tick}");
            let is_late = now >= start + STALLED;
            assert_eq!(progress.is_stalled(3, Some(7), now), is_late, "{tick}");
        }
        // All was written in between: the time starts again.
        let later = start + STALLED * 10;
        assert!(!progress.is_stalled(3, None, later));
        assert!(!progress.is_stalled(3, Some(8), later));
        assert!(progress.is_stalled(3, Some(8), later + STALLED));
    }
}
