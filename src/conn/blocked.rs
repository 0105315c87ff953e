//! A connection that waits: in a blocking command such as BLPOP, for the end of a pause (CLIENT
//! PAUSE), for the hub (`upstream`), or because it has sent wrong passwords.
//!
//! Layer `conn`. It may use `command` and what lies below.
//!
//! The connection executes nothing until the wait ends. It still reads, except after wrong
//! passwords: reading is how it notices that the peer has closed. The requests that were read are
//! executed afterwards. So is the command that a pause has held back: it stays in the input and is
//! executed first.
//!
//! A blocked client is answered by exactly one party: whichever removes the waiter from the
//! keyspace's table. The thread that serves the client, or that runs CLIENT UNBLOCK, answers
//! through the outbox and wakes this task. After a timeout this task answers.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep, sleep_until};

use super::{Connection, Event};
use crate::client::Client;
use crate::command::access::may_keep_subscriptions;
use crate::state::ServerState;
use crate::upstream::{Answer, Answered};

/// What a client waits for, and until when. The timers are boxed since few connections wait.
#[derive(Debug)]
pub(super) enum Wait {
    Element(Option<Pin<Box<Sleep>>>),
    EndOfPause(Box<Postponed>),
    Rest(Pin<Box<Sleep>>),
    Hub(Answered),
}

/// A wait in a blocking command. It ends at `until` at the latest.
pub(super) fn wait(until: Option<Instant>) -> Wait {
    Wait::Element(until.map(|until| Box::pin(sleep_until(until))))
}

/// A wait of this time. Nothing is read meanwhile: an unauthenticated client must not fill memory.
pub(super) fn rest(duration: Duration) -> Wait {
    Wait::Rest(Box::pin(sleep(duration)))
}

/// A wait for the end of a pause, until `until` at the latest. If the pause was extended meanwhile,
/// the command is held back again.
pub(super) fn postpone(state: &Arc<ServerState>, client: &Arc<Client>, until: Instant) -> Wait {
    client.set_postponed(true);
    state.pause.add_postponed();
    Wait::EndOfPause(Box::new(Postponed {
        state: Arc::clone(state),
        client: Arc::clone(client),
        sleep: Box::pin(sleep_until(until)),
    }))
}

/// Marks a client as waiting for the end of a pause, for as long as the value lives.
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
    /// Waits until the wait ends. Bytes that arrive meanwhile are kept.
    pub(super) fn poll_blocked(&mut self, context: &mut Context<'_>) -> Poll<Event> {
        loop {
            let over = match &mut self.blocked {
                // Checked again after every read: a thread that serves the client while no input is
                // kept does not wake this task.
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
                Some(Wait::Element(None) | Wait::Hub(_)) | None => None,
            };
            if let Some(event) = over {
                return Poll::Ready(event);
            }
            let read = ready!(
                self.input
                    .poll_keep(&self.client, context, &self.state.stats)
            );
            if let Err(error) = &read {
                self.note_end(error);
            }
            if !matches!(read, Ok(1..)) || !self.is_within_query_limit() {
                return Poll::Ready(Event::End);
            }
        }
    }

    /// What the hub has answered, if the client waits for it. A client that is asked to close gets it
    /// too.
    pub(super) fn poll_hub(&mut self, context: &mut Context<'_>) -> Poll<Event> {
        let Some(Wait::Hub(answered)) = &mut self.blocked else {
            return Poll::Pending;
        };
        let answer = ready!(Pin::new(answered).poll(context));
        Poll::Ready(Event::Answered(answer.ok().map(Box::new)))
    }

    /// Sends the client what the hub has answered. Returns `false` if the connection is to end: there
    /// is no answer because the server ends, or the client may no longer have its subscriptions.
    pub(super) fn take_answer(&mut self, answer: Option<Box<Answer>>) -> bool {
        let Some(answer) = answer else {
            return false;
        };
        for error in &answer.errors {
            self.state.stats.count_errors(error.code(), 1);
        }
        if !answer.bytes.is_empty() {
            let limits = self.state.config().client_output_buffer_limit;
            // The flush below finds out if a limit was broken.
            let _ = self.client.outbox.send(&mut answer.bytes.into(), &limits);
        }
        self.client.outbox.release_messages();
        let access = &mut self.session.access;
        may_keep_subscriptions(&self.state.acl, access, &self.client)
            && self.state.flush(&self.client)
    }

    /// Executes the requests that were read while the client was blocked. Returns `false` if the
    /// connection has ended.
    pub(super) async fn run_kept(&mut self) -> bool {
        if !self.client.begin_serving() {
            return true;
        }
        let alive = match self.input.take_kept() {
            Some(buffers) => Box::pin(self.run_batches(buffers)).await,
            None => true,
        };
        self.client.end_serving();
        alive
    }
}
