//! The server's way out, in which nothing is lost that a reply has promised:
//!
//! 1. Nobody is accepted any more, and connections take no more requests.
//! 2. Batches that are being carried out come to their end, so that every message they publish is
//!    in its subscribers' outboxes.
//! 3. Connections close once their outboxes are written.
//! 4. Those whose sockets take nothing for [`STALLED`] are cut off: they do not read at all. So are
//!    those that have not come to their end within `shutdown-timeout`.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::client::ClientId;
use crate::state::ServerState;

/// How often to look whether all batches have come to their end. They take milliseconds.
const BATCH_POLL: Duration = Duration::from_millis(1);
/// A client whose socket has taken nothing for so long is not waited for any longer. Who reads, however
/// slowly, empties a part of the kernel's buffers in that time.
const STALLED: Duration = Duration::from_secs(2);
/// How often to look for such clients.
const STALL_POLL: Duration = Duration::from_millis(100);

/// Waits until the shutdown begins ([`ServerState::begin_shutdown`]), and brings it to its end.
pub(crate) async fn run(state: &ServerState) {
    state.shutdown.begun().await;
    drain(state).await;
}

/// Cuts everything off at once, from wherever it is called.
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
    for client in state.clients.all() {
        client.drain();
    }
    let mut progress = Progress::default();
    let mut next_look = Instant::now();
    while state.clients.count() > 0 && Instant::now() < deadline {
        if Instant::now() >= next_look {
            cut_off_stalled(state, &mut progress);
            next_look = Instant::now() + STALL_POLL;
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

/// Disconnects those whose outboxes have made no progress for too long.
fn cut_off_stalled(state: &ServerState, progress: &mut Progress) {
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

/// How far the outboxes have come.
#[derive(Debug, Default)]
struct Progress {
    /// For each client that is owed something: the bytes that were written to it so far, and when that
    /// was first seen.
    seen: HashMap<ClientId, (u64, Instant)>,
}

impl Progress {
    /// Whether a client is owed something and its socket has taken nothing for [`STALLED`]. `written`:
    /// the bytes that it has taken in all, or `None` if nothing is owed.
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
    fn who_makes_any_progress_is_waited_for() {
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
        // What was owed once is written: the time begins anew.
        let later = start + STALLED * 10;
        assert!(!progress.is_stalled(3, None, later));
        assert!(!progress.is_stalled(3, Some(8), later));
        assert!(progress.is_stalled(3, Some(8), later + STALLED));
    }
}
