//! The server's way out, in which nothing is lost that a reply has promised:
//!
//! 1. Nobody is accepted any more, and connections take no more requests.
//! 2. Batches that are being carried out come to their end, so that every message they publish is
//!    in its subscribers' outboxes.
//! 3. Connections close once their outboxes are written.
//! 4. Those that have not come that far within `shutdown-timeout` are cut off.

use std::time::Duration;

use tokio::time::Instant;

use crate::state::ServerState;

/// How often to look whether all batches have come to their end. They take milliseconds.
const BATCH_POLL: Duration = Duration::from_millis(1);

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
    while state.clients.count() > 0 && Instant::now() < deadline {
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

fn disconnect_all(state: &ServerState) {
    for client in state.clients.all() {
        state.disconnect(&client);
    }
}
