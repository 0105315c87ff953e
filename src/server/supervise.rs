//! Contains panics, which are bugs: a panic ends one connection at most, and never the server.
//!
//! - In a command: `conn::batch` catches it, completes what earlier commands have done for other
//!   clients, and closes the connection. Its own client's replies are dropped. What other clients
//!   are to get is written.
//! - Anywhere else in a connection's task: `conn::task` ends it, and the connection's drop
//!   removes its client from all tables. The drop of its work list flushes the clients that are
//!   still on it (`pubsub::fanout`).
//! - During the write of an outbox: the client of that outbox is closed too, since it is unknown
//!   how many of its bytes were written.
//! - In a task that helps another worker to write: it ends, and that worker writes what is left.
//! - In a task of the server itself (a listener, housekeeping, expiry, the shutdown): the task is
//!   started again after [`REST`].
//!
//! Each panic is counted (INFO `fanfare_connection_panics`, `fanfare_task_panics`) and logged.
//! Locks are released without poison. The next holder of the keyspace's lock gets it repaired
//! (`store::shared`): counters and indexes are rebuilt from the values. A transaction that panics
//! half-way stays half executed.
//!
//! Layer `server`. It may use all layers but `embed`.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::state::ServerState;
use crate::state::panic::{catch, message};

/// The pause before a task is started again, so that a task that always panics does not keep a core
/// busy.
const REST: Duration = Duration::from_millis(50);

/// Runs a task of the server. It is started again whenever it panics.
pub(crate) async fn supervise<F: Future<Output = ()>>(
    state: &Arc<ServerState>,
    name: &'static str,
    mut task: impl FnMut() -> F,
) {
    while let Err(panic) = catch(task()).await {
        state.stats.task_panics.fetch_add(1, Relaxed);
        // The field is not called `message`: that is the line's own text.
        tracing::error!(
            task = name,
            reason = message(&panic),
            "a task of the server panicked; it is started again"
        );
        tokio::time::sleep(REST).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::acl::Acl;
    use crate::config::Config;
    use crate::state::placement::Placement;
    use crate::state::tls::Tls;

    #[tokio::test]
    async fn a_task_that_panics_is_started_again() {
        let config = Config::default();
        let acl = Acl::at_start(&config).unwrap();
        let state = ServerState::new(
            config,
            acl,
            Tls::default(),
            None,
            None,
            Placement::default(),
        );
        let state = Arc::new(state);
        let mut runs = 0;
        supervise(&state, "test", || {
            runs += 1;
            let fails = runs < 3;
            async move {
                tokio::task::yield_now().await;
                assert!(!fails, "run {runs}");
            }
        })
        .await;
        assert_eq!(runs, 3);
        assert_eq!(state.stats.task_panics.load(Relaxed), 2);
    }
}
