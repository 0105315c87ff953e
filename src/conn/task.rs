//! The future of a connection's task.
//!
//! Layer `conn`. It may use `command` and what lies below.
//!
//! ```text
//!   idle ──── an event ────▶ busy ──── it has ended ────▶ over
//!    ▲                        │
//!    └───── it goes on ───────┘
//! ```
//!
//! There may be very many connections, and most of them idle. So an idle one is nothing but a
//! [`Connection`], which is polled in place. An event moves it into a future of its own on the heap,
//! which has all that a batch needs, and which gives the connection back at its end.
//!
//! A panic ends the connection and nothing else (`server::supervise`).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::Connection;
use crate::client::Client;
use crate::state::ServerState;

/// A connection that does something, until it is idle again or has ended.
type Busy = Pin<Box<dyn Future<Output = Option<Connection>> + Send>>;

/// The future of a connection's task.
pub(crate) struct ConnectionTask(Stage);

// With what the runtime and the tracker of tasks add, a task is in one of the allocator's classes of
// size.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<ConnectionTask>() <= 144);

enum Stage {
    Idle(Connection),
    Busy(Busy, Arc<ServerState>, Arc<Client>),
    Over,
}

impl ConnectionTask {
    /// The task of a connection that was just accepted.
    pub(crate) fn new(connection: Connection) -> ConnectionTask {
        connection.begin();
        ConnectionTask(Stage::Idle(connection))
    }

    /// The task of a connection that does this first. It ends if that returns `None`.
    pub(crate) fn after<F>(
        connection: Connection,
        first: impl FnOnce(Connection) -> F,
    ) -> ConnectionTask
    where
        F: Future<Output = Option<Connection>> + Send + 'static,
    {
        let state = Arc::clone(&connection.state);
        let client = Arc::clone(&connection.client);
        let first = first(connection);
        let busy = async move { first.await.inspect(Connection::begin) };
        ConnectionTask(Stage::Busy(Box::pin(busy), state, client))
    }

    fn poll_stages(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            match &mut self.0 {
                Stage::Idle(connection) => {
                    let event = ready!(connection.poll_event(context));
                    let state = Arc::clone(&connection.state);
                    let client = Arc::clone(&connection.client);
                    if let Stage::Idle(connection) = std::mem::replace(&mut self.0, Stage::Over) {
                        let busy = Box::pin(connection.handle(event));
                        self.0 = Stage::Busy(busy, state, client);
                    }
                }
                Stage::Busy(busy, ..) => {
                    self.0 = match ready!(busy.as_mut().poll(context)) {
                        Some(connection) => Stage::Idle(connection),
                        None => Stage::Over,
                    };
                }
                Stage::Over => return Poll::Ready(()),
            }
        }
    }

    fn owners(&self) -> Option<(&Arc<ServerState>, &Arc<Client>)> {
        match &self.0 {
            Stage::Idle(connection) => Some((&connection.state, &connection.client)),
            Stage::Busy(_, state, client) => Some((state, client)),
            Stage::Over => None,
        }
    }
}

impl Future for ConnectionTask {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        match catch_unwind(AssertUnwindSafe(|| this.poll_stages(context))) {
            Ok(poll) => poll,
            Err(panic) => {
                if let Some((state, client)) = this.owners() {
                    state.note_panic(client, &panic);
                }
                this.0 = Stage::Over;
                Poll::Ready(())
            }
        }
    }
}
