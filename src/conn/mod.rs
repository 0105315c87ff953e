//! The task of one connection: it reads a batch of bytes, executes the requests in it, and writes
//! the output.
//!
//! Layer `conn`. It may use `command` and what lies below.
//!
//! ```text
//!   wait ──▶ read a batch ──▶ execute its requests ──▶ write the replies ──▶ flush other clients
//!    ▲            ▲                                                              │  │
//!    │            └──────────── more requests have arrived meanwhile ────────────┘  │
//!    └─────────────────────────────── all are flushed ──────────────────────────────┘
//! ```
//!
//! `task` is the task's future, `input` reads, `batch` executes and writes, `spread` has other workers
//! help with that, `blocked` waits in blocking commands and pauses.
//!
//! Invariants:
//! - The buffers for input, replies and the list of clients to flush belong to the thread
//!   ([`BatchBuffers`]). A connection that waits holds only the bytes of an unfinished request.
//! - No lock or guard is held across an await: plain functions execute a batch.
//! - However the task ends, the client is disconnected. `leave` does it at the end of the stream,
//!   after an error, and when another task has ended the connection; the drop of [`Connection`] does
//!   it when the task panics or the runtime stops.

mod batch;
mod blocked;
pub(crate) mod buffers;
mod input;
mod spread;
mod task;
pub(crate) mod turns;

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::BytesMut;

use crate::client::log::log_client;
use crate::client::socket::Socket;
use crate::client::{Addresses, Client, Closing, Ending, Output};
use crate::command::Session;
use crate::command::access::Access;
use crate::observe::log_throttle::Told;
use crate::state::ServerState;
use crate::state::panic::catch;
use crate::upstream::Answer;
use buffers::BatchBuffers;
use input::Input;
pub(crate) use task::ConnectionTask;

/// How long a closing connection waits for a peer that has not read everything, or still sends; at
/// most `shutdown-timeout`.
const LINGER: Duration = Duration::from_secs(1);

/// A connection's own state; what other tasks see of it is in [`Client`].
#[derive(Debug)]
pub(crate) struct Connection {
    state: Arc<ServerState>,
    client: Arc<Client>,
    input: Input,
    session: Session,
    /// What the client waits for, while no requests are executed.
    blocked: Option<blocked::Wait>,
    /// Whether the client was disconnected already, so that drop has nothing to do.
    has_left: bool,
}

/// What a connection has waited for.
enum Event {
    /// Bytes have been read.
    Input(Box<BatchBuffers>),
    /// The wait has ended: the requests that were read meanwhile can be executed.
    Unblocked,
    /// A blocking command has reached its timeout.
    TimedOut,
    /// The hub has answered; `None`: there will be no answer.
    Answered(Option<Box<Answer>>),
    /// The socket is writable, and this task must flush the outbox.
    Writable,
    /// The outbox is written: the connection may close.
    Drained,
    /// The connection has ended.
    End,
}

impl Connection {
    /// A connection that was just accepted, and that this worker will serve. Its client is added to
    /// the table of clients.
    pub(crate) fn new(
        state: Arc<ServerState>,
        worker: u8,
        socket: Socket,
        addresses: Addresses,
    ) -> Connection {
        let mut client = Client::new(state.clients.next_id(), addresses, socket);
        client.worker = worker;
        let client = Arc::new(client);
        state.clients.insert(Arc::clone(&client));
        // After the insertion: a later CONFIG SET finds the client in the table.
        state.choose_overflow(&client, None);
        let session = Session::new(Access::new(&state.acl));
        Connection {
            state,
            client,
            input: Input::new(),
            session,
            blocked: None,
            has_left: false,
        }
    }

    /// Its client.
    pub(crate) fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// Logs why no more can be read, if the peer is not the cause.
    fn note_end(&self, error: &io::Error) {
        if error.kind() == io::ErrorKind::OutOfMemory {
            self.client.ends_because(Ending::NoMemory);
            self.state.tell(Told::NoMemory, &self.client);
        }
    }

    /// Sends the peer the reason why it is refused. The connection ends once that is written.
    pub(crate) fn refuse(&self, why: &str) {
        let limits = self.state.config().client_output_buffer_limit;
        let _ = self
            .client
            .outbox
            .send(&mut BytesMut::from(why).into(), &limits);
        self.client.drain();
        self.state.flush(&self.client);
    }

    /// What precedes the first wait.
    fn begin(&self) {
        log_client!(debug, &self.client, "connected");
        if self.state.shutdown.has_begun() {
            self.client.drain();
        }
    }

    /// Does what an event asks for. Returns the connection, unless it has ended or has panicked.
    async fn handle(mut self, event: Event) -> Option<Connection> {
        match catch(self.act(event)).await {
            Ok(goes_on) => goes_on.then_some(self),
            Err(panic) => {
                self.state.note_panic(&self.client, &panic);
                None
            }
        }
    }

    /// Does what an event asks for. Returns whether the connection goes on. If not, it has left.
    async fn act(&mut self, event: Event) -> bool {
        let goes_on = match event {
            Event::Input(buffers) => {
                let alive = self.run_batches(buffers).await;
                self.client.end_serving();
                alive
            }
            Event::Unblocked => {
                self.blocked = None;
                self.run_kept().await
            }
            Event::Answered(answer) => {
                self.blocked = None;
                self.take_answer(answer) && self.run_kept().await
            }
            Event::TimedOut => {
                Box::pin(self.state.time_out(&self.client)).await;
                true
            }
            Event::Writable => {
                self.client.unblock();
                self.state.flush(&self.client)
            }
            Event::Drained => {
                Box::pin(self.finish()).await;
                false
            }
            Event::End => false,
        };
        if !goes_on {
            Box::pin(self.leave()).await;
            log_client!(debug, &self.client, "disconnected");
        }
        goes_on
    }

    /// Ends the connection, unless another task has ended it, and removes the client from all
    /// tables.
    async fn leave(&mut self) {
        let first = self.state.close(&self.client);
        self.state.take_out(&self.client).await;
        if first {
            self.state.hang_up(&self.client);
        }
        self.has_left = true;
    }

    /// Ends the connection so that the peer gets everything that was written. The kernel resets a
    /// socket that is closed with unread bytes in it, or that receives bytes after it was closed,
    /// and then drops what it has not sent yet. Where that could happen, only the writing half is
    /// closed first, and input is discarded until the peer closes too, for a limited time.
    async fn finish(&mut self) {
        let _ = self.state.close(&self.client);
        self.state.take_out(&self.client).await;
        // Until it was closed, another thread may have served the client, and may be writing now.
        while self.state.flush(&self.client) && self.client.outbox.is_being_written() {
            tokio::task::yield_now().await;
        }
        let mut buffers = BatchBuffers::take();
        let mut discard =
            |context: &mut Context<'_>| Input::poll_discard(&self.client, context, &mut buffers);
        let first = std::future::poll_fn(|context| Poll::Ready(discard(context))).await;
        let patience = LINGER.min(self.state.config().shutdown_timeout);
        if matches!(first, Poll::Ready(Ok(1..))) || self.client.backlogged_within(patience) {
            self.client.finish_writing();
            let end = async { while let Ok(1..) = std::future::poll_fn(&mut discard).await {} };
            // The connection is closed after a timeout as well.
            let _ = Box::pin(tokio::time::timeout(patience, end)).await;
        }
        self.state.hang_up(&self.client);
        buffers.give_back();
    }

    /// Waits for input, for a writable socket if the outbox has unsent bytes, or for the end.
    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Event> {
        if let Poll::Ready(event) = self.poll_hub(context) {
            return Poll::Ready(event);
        }
        if let Poll::Ready(output) = self.client.poll_output(context) {
            return Poll::Ready(match output {
                Output::Writable => Event::Writable,
                Output::Drained => Event::Drained,
                Output::End => Event::End,
            });
        }
        if self.client.closing() != Closing::Open {
            return Poll::Pending;
        }
        if self.blocked.is_some() {
            return self.poll_blocked(context);
        }
        let (client, stats) = (&self.client, &self.state.stats);
        match ready!(self.input.poll(client, context, stats)) {
            Err(error) => {
                self.note_end(&error);
                Poll::Ready(Event::End)
            }
            Ok(buffers) if client.begin_serving() => Poll::Ready(Event::Input(buffers)),
            Ok(buffers) => {
                // A shutdown has begun meanwhile: no more requests are executed.
                buffers.give_back();
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if !self.has_left {
            self.state.disconnect_wholly(&self.client);
        }
    }
}
