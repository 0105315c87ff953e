//! The end of a connection: what is done at once, by whoever ends it, and what is left to its own
//! task.
//!
//! Layer `state`.
//!
//! ```text
//!   close        it is closed and its outbox sealed: it is sent nothing more
//!     ▼          it is in no list of clients any more
//!   take out     of the monitors, of its subscriptions, of the keyspace's waiters and watchers, and of
//!     │          what is tracked for it
//!     ▼
//!   hang up      what is pending is written as far as the socket takes it, then the peer sees the end
//! ```
//!
//! Whoever ends a connection may be anybody: a publisher that finds its outbox dead, CLIENT KILL,
//! housekeeping. Nobody of them is held up by it:
//! - Only [`SOME`] subscriptions are removed at once. The connection's own task removes the others,
//!   as many at a time, and others on its thread get their turn in between; so does the task of whom
//!   it has to be done for before it goes on (CLIENT KILL is answered once all are removed). Until
//!   then PUBSUB NUMSUB still counts them, while a PUBLISH no longer does: a sealed outbox refuses
//!   its message.
//! - The keyspace's lock is taken only if the client waits for, watches or tracks keys, and only if nobody
//!   else has it. Otherwise the connection's own task forgets the client as soon as it gets the lock
//!   (see `store`: nobody stays who has gone).
//!
//! A connection that comes to its end by itself does all of that before its peer can see the end.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::ServerState;
use crate::client::Client;
use crate::client::log::log_client;
use crate::client::outbox::BrokenLimit;
use crate::observe::log_throttle::Told;

/// Subscriptions that are removed at a time: a fraction of a millisecond.
const SOME: usize = 128;

impl ServerState {
    /// Ends a client's connection now. Harmless for a client that is gone already.
    pub(crate) fn disconnect(&self, client: &Client) {
        if self.close(client) {
            self.finish_disconnect(client);
        }
    }

    /// The first part of a disconnect, for who holds a lock that others wait for: the client is sent
    /// nothing more. `false`: somebody else has done it.
    #[must_use]
    pub(crate) fn close(&self, client: &Client) -> bool {
        let first = client.close();
        if first {
            client.outbox.seal();
            self.clients.remove(client.id);
            self.note_end(client);
        }
        first
    }

    /// The rest of a disconnect. `true`: some subscriptions are left, which
    /// [`unsubscribe`](Self::unsubscribe) removes.
    pub(crate) fn finish_disconnect(&self, client: &Client) -> bool {
        self.monitors.remove(client);
        let left = self.registry.disconnect(client, SOME);
        if client.is_in_keyspace()
            && let Some(mut space) = self.keyspace.try_lock()
        {
            // What is left of it its own task takes out.
            let _ = space.forget(client);
        }
        self.hang_up(client);
        left
    }

    /// Removes all subscriptions of a closed client, with turns for others on the thread.
    pub(crate) async fn unsubscribe(&self, client: &Client) {
        while self.registry.disconnect(client, SOME) {
            tokio::task::yield_now().await;
        }
    }

    /// Takes a closed client out of all tables that it is still in. For its own task.
    pub(crate) async fn take_out(self: &Arc<Self>, client: &Arc<Client>) {
        self.monitors.remove(client);
        self.unsubscribe(client).await;
        while client.is_in_keyspace() {
            let gone = Arc::clone(client);
            if !self.with_keyspace(move |space| space.forget(&gone)).await {
                break;
            }
            tokio::task::yield_now().await;
        }
    }

    /// As [`disconnect`](Self::disconnect) and [`take_out`](Self::take_out), for a task that can
    /// await nothing any more: it has panicked, or its runtime ends.
    pub(crate) fn disconnect_wholly(&self, client: &Client) {
        let _ = self.close(client);
        self.monitors.remove(client);
        while self.registry.disconnect(client, SOME) {}
        while client.is_in_keyspace() && self.keyspace.lock().forget(client) {}
        self.hang_up(client);
    }

    /// Writes what is pending as far as the socket takes it, and ends the connection of a client that
    /// is closed.
    pub(crate) fn hang_up(&self, client: &Client) {
        let mut written = 0;
        client.hang_up(&mut written);
        self.stats.output_bytes.fetch_add(written, Relaxed);
    }

    /// Tells the log and the counters why a client is closed, as far as that is its outbox.
    fn note_end(&self, client: &Client) {
        self.note_drops(client, true);
        if let Some(broken) = client.outbox.broken_limit() {
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
