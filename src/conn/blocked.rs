//! A connection whose client waits for an element (BLPOP and its kin), for the end of a pause (CLIENT
//! PAUSE), or for the end of its own rest, after wrong passwords.
//!
//! It carries nothing out until the wait is over, but unless it rests it reads on: that is how the end of the
//! connection is seen, and what was read is carried out afterwards. Whoever serves the client, or
//! ends its wait by CLIENT UNBLOCK, answers it through its outbox and wakes this task; when time is
//! over, the task answers itself. Who of them takes the waiter out of the keyspace's table is the
//! one who answers. A command that a pause has held back is still in what was read: it is carried
//! out first when the wait is over.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep, sleep_until};

use super::{Connection, Event};
use crate::client::Client;
use crate::state::ServerState;

/// What a client waits for, and until when, if not forever; boxed, as few do.
#[derive(Debug)]
pub(super) enum Wait {
    Element(Option<Pin<Box<Sleep>>>),
    EndOfPause(Box<Postponed>),
    Rest(Pin<Box<Sleep>>),
}

/// A wait for an element that ends at this moment at the latest.
pub(super) fn wait(until: Option<Instant>) -> Wait {
    Wait::Element(until.map(|until| Box::pin(sleep_until(until))))
}

/// A rest of so long. Nothing is read meanwhile, lest the input of a stranger pile up.
pub(super) fn rest(duration: Duration) -> Wait {
    Wait::Rest(Box::pin(sleep(duration)))
}

/// A wait for the end of a pause. That may have moved by this moment: the client then finds out by
/// trying again.
pub(super) fn postpone(state: &Arc<ServerState>, client: &Arc<Client>, until: Instant) -> Wait {
    client.set_postponed(true);
    state.pause.add_postponed();
    Wait::EndOfPause(Box::new(Postponed {
        state: Arc::clone(state),
        client: Arc::clone(client),
        sleep: Box::pin(sleep_until(until)),
    }))
}

/// A client that waits for the end of a pause, as long as this lives.
#[derive(Debug)]
pub(super) struct Postponed {
    state: Arc<ServerState>,
    client: Arc<Client>,
    sleep: Pin<Box<Sleep>>,
}

impl Drop for Postponed {
    fn drop(&mut self) {
        self.client.set_postponed(false);
        self.state.pause.remove_postponed();
    }
}

impl Connection {
    /// Waits for an element or for the end of the wait. What is read meanwhile is kept: reading on is
    /// how the end of the connection is seen.
    pub(super) fn poll_blocked(&mut self, context: &mut Context<'_>) -> Poll<Event> {
        loop {
            let over = match &mut self.blocked {
                // Asked again whenever something was kept: who served it before saw nothing kept,
                // and did not wake this task.
                Some(Wait::Element(_)) if !self.client.is_blocked() => Some(Event::Unblocked),
                Some(Wait::Element(Some(sleep))) => {
                    let is_late = sleep.as_mut().poll(context).is_ready();
                    is_late.then_some(Event::TimedOut)
                }
                Some(Wait::EndOfPause(pause)) => {
                    let is_over =
                        !self.state.pause.is_on() || pause.sleep.as_mut().poll(context).is_ready();
                    is_over.then_some(Event::Unblocked)
                }
                Some(Wait::Rest(sleep)) => {
                    return sleep.as_mut().poll(context).map(|()| Event::Unblocked);
                }
                Some(Wait::Element(None)) | None => None,
            };
            if let Some(event) = over {
                return Poll::Ready(event);
            }
            let read = ready!(self.input.poll_keep(context, &self.state.stats));
            if let Err(error) = &read {
                self.note_end(error);
            }
            if !matches!(read, Ok(1..)) || !self.keeps_within_limit() {
                return Poll::Ready(Event::End);
            }
        }
    }

    /// Carries out what was read while the client was blocked. `false`: the connection is at its
    /// end.
    pub(super) async fn go_on(&mut self) -> bool {
        if !self.client.begin_serving() {
            return true;
        }
        let alive = match self.input.take_kept() {
            Some(buffers) => Box::pin(self.serve(buffers)).await,
            None => true,
        };
        self.client.end_serving();
        alive
    }
}
