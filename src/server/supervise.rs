//! What a panic, that is a bug, may bring down: one connection, and never the server.
//!
//! - In a command: `conn::batch` catches it, serves and publishes what the commands before have
//!   brought about, and closes the connection. What its own client was owed is dropped; what others
//!   are owed is written.
//! - Anywhere else in a connection's task: [`catch`] ends it, and dropping the connection takes its
//!   client out of all tables. Who was still to be flushed is flushed by the drop of its work list
//!   (`pubsub::fanout`).
//! - While somebody's outbox is written: that client is closed too, as nobody knows how much of its
//!   bytes has gone out.
//! - In a task of the server itself (a listener, housekeeping, expiry, the shutdown): it begins
//!   anew after a rest.
//!
//! Each is counted (INFO `fanfare_connection_panics`, `fanfare_task_panics`) and logged. Locks are
//! released on the way, without poison. Whoever takes the keyspace's lock next gets it repaired
//! (`store::shared`): what is counted and where keys are found follows what they hold. A transaction
//! that panics half-way has been carried out half-way.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Poll;
use std::time::Duration;

use crate::state::ServerState;
use crate::state::panic::{Panic, message};

/// How long a task of the server rests after a panic, so that one that always panics does not keep a
/// core busy.
const REST: Duration = Duration::from_millis(50);

/// Runs a task to its end or to its panic.
pub(crate) async fn catch<F: Future>(mut task: Pin<Box<F>>) -> Result<F::Output, Panic> {
    std::future::poll_fn(move |context| {
        match catch_unwind(AssertUnwindSafe(|| task.as_mut().poll(context))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    })
    .await
}

/// Runs a task of the server, anew whenever it panics.
pub(crate) async fn supervise<F: Future<Output = ()>>(
    state: &Arc<ServerState>,
    name: &'static str,
    mut task: impl FnMut() -> F,
) {
    while let Err(panic) = catch(Box::pin(task())).await {
        state.stats.task_panics.fetch_add(1, Relaxed);
        // Not a field `message`, which is the line's own text.
        tracing::error!(
            task = name,
            reason = message(&panic),
            "a task of the server panicked; it begins anew"
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
    async fn a_task_that_panics_begins_anew() {
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

    #[tokio::test]
    async fn messages_of_panics() {
        let panic = catch(Box::pin(async { panic!("plain") })).await;
        assert_eq!(
            panic.map_err(|panic| message(&panic).to_owned()),
            Err::<(), _>("plain".into())
        );
        let panic = catch(Box::pin(async { panic!("built {}", 1) })).await;
        assert_eq!(
            panic.map_err(|panic| message(&panic).to_owned()),
            Err::<(), _>("built 1".into())
        );
    }
}
