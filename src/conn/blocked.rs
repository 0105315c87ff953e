//! A connection whose client waits for an element (BLPOP and its kin).
//!
//! It carries nothing out until the wait is over, but reads on: that is how the end of the
//! connection is seen, and what was read is carried out afterwards. Whoever serves the client, or
//! ends its wait by CLIENT UNBLOCK, answers it through its outbox and wakes this task; when time is
//! over, the task answers itself. Who of them takes the waiter out of the keyspace's table is the
//! one who answers.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::time::{Instant, Sleep, sleep_until};

use super::{Connection, Event};

/// Until when a client waits, if not forever; boxed, as few do.
pub(super) type Wait = Option<Pin<Box<Sleep>>>;

/// A wait that ends at this moment at the latest.
pub(super) fn wait(until: Option<Instant>) -> Wait {
    until.map(|until| Box::pin(sleep_until(until)))
}

impl Connection {
    /// Waits for an element or for the end of the wait. What is read meanwhile is kept: reading on is
    /// how the end of the connection is seen.
    pub(super) fn poll_blocked(&mut self, context: &mut Context<'_>) -> Poll<Event> {
        loop {
            // Asked again whenever something was kept: who served it before saw nothing kept, and
            // did not wake this task.
            if !self.client.is_blocked() {
                return Poll::Ready(Event::Unblocked);
            }
            if let Some(Some(sleep)) = &mut self.blocked
                && sleep.as_mut().poll(context).is_ready()
            {
                return Poll::Ready(Event::TimedOut);
            }
            let read = ready!(self.input.poll_keep(context, &self.state.stats));
            if !matches!(read, Ok(1..)) || !self.keeps_within_limit() {
                return Poll::Ready(Event::End);
            }
        }
    }

    /// Nobody brought an element in time, unless somebody did just now.
    pub(super) fn time_out(&mut self) {
        let waiter = self.state.keyspace.lock().blocked.remove(self.client.id);
        if let Some(waiter) = waiter {
            let mut reply = waiter.timed_out();
            let limits = self.state.config().client_output_buffer_limit;
            let _ = self.client.outbox.send(&mut reply, &limits);
            self.state.flush(&self.client);
        }
    }

    /// Carries out what was read while the client was blocked. `false`: the connection is at its
    /// end.
    pub(super) async fn go_on(&mut self) -> bool {
        if !self.client.begin_serving() {
            return true;
        }
        let alive = match self.input.take_kept() {
            Some(scratch) => Box::pin(self.serve(scratch)).await,
            None => true,
        };
        self.client.end_serving();
        alive
    }
}
