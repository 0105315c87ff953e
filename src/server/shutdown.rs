//! The server's way out, in which nothing is lost that a reply has promised:
//!
//! 1. Nobody is accepted any more, and connections take no more requests.
//! 2. Batches that are being carried out come to their end, so that every message they publish is
//!    in its subscribers' outboxes.
//! 3. Connections close once their outboxes are written.
//! 4. Those that have not come that far within `shutdown-timeout` are cut off.

use std::sync::Arc;

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::state::ServerState;
use super::supervise::supervise;

/// How often to look whether all batches have come to their end. They take milliseconds.
const BATCH_POLL: Duration = Duration::from_millis(1);

/// The switch that everybody watches. It goes one way only.
#[derive(Debug)]
pub struct Shutdown {
    begun: watch::Sender<bool>,
}

impl Default for Shutdown {
    fn default() -> Shutdown {
        Shutdown {
            begun: watch::Sender::new(false),
        }
    }
}

impl Shutdown {
    /// Whether a shutdown has begun.
    pub fn has_begun(&self) -> bool {
        *self.begun.borrow()
    }

    /// Waits until a shutdown begins.
    pub async fn begun(&self) {
        let mut begun = self.begun.subscribe();
        // The sender lives as long as self.
        let _ = begun.wait_for(|begun| *begun).await;
    }

    /// `false`: it had begun already.
    fn begin(&self) -> bool {
        !self.begun.send_replace(true)
    }
}

/// Begins the shutdown; it comes to its end by itself. `now`: it waits for nothing.
pub fn begin(state: &Arc<ServerState>, now: bool) {
    if state.shutdown.begin() {
        for client in state.clients.all() {
            client.quiet();
        }
        let own = Arc::clone(state);
        state.tasks.spawn(async move {
            supervise(&own, "shutdown", || drain(&own, now)).await;
        });
    }
}

/// Cuts everything off at once, from wherever it is called.
pub fn abort(state: &ServerState) {
    state.shutdown.begin();
    state.tasks.close();
    disconnect_all(state);
}

async fn drain(state: &ServerState, now: bool) {
    let patience = if now {
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
