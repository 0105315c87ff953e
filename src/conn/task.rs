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
use crate::state::panic::catch;

/// A connection that does something, until it is idle again or has ended. It catches panics.
type Busy = Pin<Box<dyn Future<Output = Option<Connection>> + Send>>;

/// The future of a connection's task.
pub(crate) struct ConnectionTask(Stage);

// With what the runtime and the tracker of tasks add, a task is in one of the allocator's classes of
// size.
#[cfg(all(target_pointer_width = "64", not(shuttle)))]
const _: () = assert!(size_of::<ConnectionTask>() <= 144);

enum Stage {
    Idle(Connection),
    Busy(Busy),
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
        ConnectionTask(Stage::Busy(Box::pin(async move {
            let first = catch(first).await;
            let connection = first.unwrap_or_else(|panic| {
                state.note_panic(&client, &panic);
                None
            });
            connection.inspect(Connection::begin)
        })))
    }
}

impl Future for ConnectionTask {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let stage = &mut self.get_mut().0;
        loop {
            match stage {
                Stage::Idle(connection) => {
                    let poll = AssertUnwindSafe(|| connection.poll_event(context));
                    let event = match catch_unwind(poll) {
                        Ok(poll) => ready!(poll),
                        Err(panic) => {
                            connection.state.note_panic(&connection.client, &panic);
                            *stage = Stage::Over;
                            continue;
                        }
                    };
                    if let Stage::Idle(connection) = std::mem::replace(stage, Stage::Over) {
                        *stage = Stage::Busy(Box::pin(connection.handle(event)));
                    }
                }
                Stage::Busy(busy) => {
                    let connection = ready!(busy.as_mut().poll(context));
                    *stage = connection.map_or(Stage::Over, Stage::Idle);
                }
                Stage::Over => return Poll::Ready(()),
            }
        }
    }
}
