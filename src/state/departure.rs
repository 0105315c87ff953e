//! How a connection ends: the steps that the thread that ends it does at once, and those that are
//! left to the connection's own task.
//!
//! Layer `state`. It may use `store`, `observe`, `pubsub`, `client` and what else lies below.
//!
//! ```text
//!   close        the client is closed and its outbox sealed: nothing more is appended
//!     ▼          it is removed from the table of clients
//!   take out     it is removed from the monitors, its subscriptions, the keyspace's waiters and
//!     │          watchers, and the tracking table
//!     ▼
//!   hang up      pending bytes are written as far as the socket takes them, then the socket is shut down
//! ```
//!
//! Any thread may end a connection: a publisher that finds its outbox dead, CLIENT KILL,
//! housekeeping. None of them is delayed by it:
//! - Only [`SOME`] subscriptions are removed at once. The connection's own task removes the others,
//!   in batches of the same size, and yields between them. A task that needs them removed before it
//!   goes on does the same (CLIENT KILL replies when all are removed). Until then PUBSUB NUMSUB
//!   still counts them, but a PUBLISH does not, since a sealed outbox refuses its message.
//! - The keyspace's lock is taken only if the client waits for, watches or tracks keys, and only if
//!   it is free. Otherwise the connection's own task makes the keyspace forget the client when it
//!   gets the lock (see `store`: "No trace of a closed client").
//!
//! A connection that ends by itself goes through all steps before its peer sees the end.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::ServerState;
use crate::client::log::log_client;
use crate::client::outbox::{BrokenLimit, Written};
use crate::client::{Client, Ending};
use crate::observe::delivery_times::Sent;
use crate::observe::log_throttle::Told;

/// Subscriptions that are removed at a time, which takes about half a millisecond. With much fewer,
/// clients that come, subscribe to very many channels and leave would come faster than they are
/// removed: between two removals there is time for a whole SUBSCRIBE.
const SOME: usize = 1024;

impl ServerState {
    /// Ends a client's connection now. Does nothing if it has ended already.
    pub(crate) fn disconnect(&self, client: &Client) {
        if self.close(client) {
            self.finish_disconnect(client);
        }
    }

    /// The first step of a disconnect, for a caller that holds a lock that others wait for: nothing
    /// more is appended to the client's outbox. Returns `false` if another caller has done it.
    #[must_use]
    pub(crate) fn close(&self, client: &Client) -> bool {
        let first = client.close();
        if first {
            client.outbox.seal();
            self.clients.remove(client.id);
            self.note_end(client);
            if self.shutdown.has_begun() {
                client.ends_because(Ending::Shutdown);
            }
            self.closed.add(client);
        }
        first
    }

    /// The other steps of a disconnect. Returns `true` if some subscriptions are left, which
    /// [`unsubscribe`](Self::unsubscribe) removes.
    pub(crate) fn finish_disconnect(&self, client: &Client) -> bool {
        self.monitors.remove(client);
        let left = self.registry.disconnect(client, SOME);
        if client.is_in_keyspace()
            && let Some(mut keyspace) = self.keyspace.try_lock()
        {
            // The client's own task does the rest.
            let _ = keyspace.forget(client);
        }
        self.hang_up(client);
        left
    }

    /// Removes all subscriptions of a closed client, and yields to other tasks in between.
    pub(crate) async fn unsubscribe(&self, client: &Client) {
        while self.registry.disconnect(client, SOME) {
            tokio::task::yield_now().await;
        }
    }

    /// Removes a closed client from all tables that it is still in. Called by its own task.
    pub(crate) async fn take_out(self: &Arc<Self>, client: &Arc<Client>) {
        self.monitors.remove(client);
        self.unsubscribe(client).await;
        while client.is_in_keyspace() {
            let gone = Arc::clone(client);
            if !self
                .with_keyspace(move |keyspace| keyspace.forget(&gone))
                .await
            {
                break;
            }
            tokio::task::yield_now().await;
        }
    }

    /// Does what [`disconnect`](Self::disconnect) and [`take_out`](Self::take_out) do, for a task
    /// that cannot await: it has panicked, or its runtime ends.
    pub(crate) fn disconnect_wholly(&self, client: &Client) {
        let _ = self.close(client);
        self.monitors.remove(client);
        while self.registry.disconnect(client, SOME) {}
        while client.is_in_keyspace() && self.keyspace.lock().forget(client) {}
        self.hang_up(client);
    }

    /// Writes pending bytes of a closed client as far as the socket takes them, and ends the
    /// connection.
    pub(crate) fn hang_up(&self, client: &Client) {
        let mut written = Written::default();
        client.hang_up(&mut written);
        let mut sent = Sent::default();
        written
            .sent
            .into_iter()
            .for_each(|published| sent.add(published));
        self.stats.written(written.bytes, &sent);
    }

    /// Logs and counts that a client is closed because its outbox broke a limit.
    fn note_end(&self, client: &Client) {
        self.note_drops(client, true);
        if let Some(broken) = client.outbox.broken_limit() {
            client.ends_because(Ending::OutputLimit);
            self.stats.output_limit_disconnections.fetch_add(1, Relaxed);
            let (limit, pending) = match broken {
                BrokenLimit::Hard(pending) => ("hard", pending),
                BrokenLimit::Soft(pending) => ("soft", pending),
            };
            if let Some(times) = self.told.note(Told::OutputLimit) {
                log_client!(warn, client, limit, pending, times, "{}", Told::OutputLimit);
            }
        }
    }
}
