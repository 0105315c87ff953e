//! Access to the keyspace for tasks whose thread must not wait for its lock.
//!
//! Layer `state`. It may use `store` and `client`.
//!
//! A command lets its thread wait for the lock. Other tasks must not: expiry runs on the thread
//! that accepts connections and handles signals, and a client whose time limit is over, or whose
//! connection ends, shares its thread with subscribers. They use [`ServerState::with_keyspace`].

use std::sync::Arc;

use super::ServerState;
use crate::client::Client;
use crate::store::keyspace::Keyspace;

impl ServerState {
    /// Runs `work` with the keyspace, without making this thread wait for the lock: if the lock is
    /// taken, another thread waits for it. There is only one such thread, however many tasks wait.
    /// They get their turn in the order in which they came.
    pub(crate) async fn with_keyspace<R: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut Keyspace) -> R + Send + 'static,
    ) -> R {
        if let Some(mut keyspace) = self.keyspace.try_lock() {
            return work(&mut keyspace);
        }
        let _turn = self.keyspace_turn.lock().await;
        if let Some(mut keyspace) = self.keyspace.try_lock() {
            return work(&mut keyspace);
        }
        let state = Arc::clone(self);
        self.on_blocking_thread(move || work(&mut state.keyspace.lock()))
            .await
    }

    /// Runs `work` on a thread that may block.
    #[cfg(not(shuttle))]
    async fn on_blocking_thread<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> R {
        match self.tasks.spawn_blocking(work).await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime ends, and this task with it.
                Err(_) => std::future::pending().await,
            },
        }
    }

    /// In a model every task has a thread of its own.
    #[cfg(shuttle)]
    async fn on_blocking_thread<R>(&self, work: impl FnOnce() -> R) -> R {
        work()
    }

    /// Answers a client whose time limit is over, unless it was served in the meantime.
    pub(crate) async fn time_out(self: &Arc<Self>, client: &Client) {
        let id = client.id;
        let waiter = self.with_keyspace(move |keyspace| keyspace.blocked.remove(id));
        if let Some(waiter) = waiter.await {
            let mut reply = waiter.timed_out();
            let limits = self.config().client_output_buffer_limit;
            let _ = client.outbox.send(&mut reply, &limits);
            self.flush(client);
        }
    }
}
