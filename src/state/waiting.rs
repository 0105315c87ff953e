//! What needs the keyspace's lock and whose thread must not wait for it.
//!
//! Layer `state`. A command waits for the lock with its thread. Expiry runs on the thread that accepts
//! and handles signals; a client whose time is over, or whose connection ends, shares its thread with
//! subscribers. They use [`ServerState::with_keyspace`].

use std::sync::Arc;

use super::ServerState;
use crate::client::Client;
use crate::store::keyspace::Keyspace;

impl ServerState {
    /// Does something with the keyspace, and has this thread wait for nobody who has its lock: if it
    /// is taken, another thread waits instead. That is one thread, however many wait for it; they
    /// get their turn in the order in which they came.
    pub(crate) async fn with_keyspace<R: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut Keyspace) -> R + Send + 'static,
    ) -> R {
        if let Some(mut space) = self.keyspace.try_lock() {
            return work(&mut space);
        }
        let _turn = self.keyspace_turn.lock().await;
        if let Some(mut space) = self.keyspace.try_lock() {
            return work(&mut space);
        }
        let state = Arc::clone(self);
        self.elsewhere(move || work(&mut state.keyspace.lock()))
            .await
    }

    /// Runs `work` on a thread that may be kept waiting.
    #[cfg(not(shuttle))]
    async fn elsewhere<R: Send + 'static>(&self, work: impl FnOnce() -> R + Send + 'static) -> R {
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
    async fn elsewhere<R>(&self, work: impl FnOnce() -> R) -> R {
        work()
    }

    /// Nobody brought an element in time for a client that waits, unless somebody did just now.
    pub(crate) async fn time_out(self: &Arc<Self>, client: &Client) {
        let id = client.id;
        let waiter = self.with_keyspace(move |space| space.blocked.remove(id));
        if let Some(waiter) = waiter.await {
            let mut reply = waiter.timed_out();
            let limits = self.config().client_output_buffer_limit;
            let _ = client.outbox.send(&mut reply, &limits);
            self.flush(client);
        }
    }
}
