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
//! `input` reads, `batch` executes and writes, `blocked` waits in blocking commands and pauses.
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

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::BytesMut;

use crate::client::log::log_client;
use crate::client::socket::{ReadSocket, WriteSocket};
use crate::client::{Addresses, Client, Closing, Output};
use crate::command::Session;
use crate::command::access::Access;
use crate::observe::log_throttle::Told;
use crate::state::ServerState;
use crate::upstream::Answer;
use buffers::BatchBuffers;
use input::Input;

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
    /// A connection that was just accepted. Its client is added to the table of clients.
    pub(crate) fn new(
        state: Arc<ServerState>,
        read: ReadSocket,
        write: WriteSocket,
        addresses: Addresses,
    ) -> Connection {
        let client = Arc::new(Client::new(state.clients.next_id(), addresses, write));
        state.clients.insert(Arc::clone(&client));
        // After the insertion: a later CONFIG SET finds the client in the table.
        state.choose_overflow(&client, None);
        let session = Session::new(Access::new(&state.acl));
        Connection {
            state,
            client,
            input: Input::new(read),
            session,
            blocked: None,
            has_left: false,
        }
    }

    /// Its client.
    pub(crate) fn client(&self) -> &Arc<Client> {
        &self.client
    }

    /// Completes the TLS handshake, if there is one.
    ///
    /// # Errors
    /// The handshake failed; `Interrupted` if the connection is to end before it completes.
    pub(crate) async fn shake_hands(&self) -> io::Result<()> {
        std::future::poll_fn(|context| {
            self.client.register_task(context.waker());
            if self.state.shutdown.has_begun() || self.client.closing() != Closing::Open {
                return Poll::Ready(Err(io::ErrorKind::Interrupted.into()));
            }
            self.input.poll_handshake(context)
        })
        .await
    }

    /// Logs why no more can be read, if the peer is not the cause.
    fn note_end(&self, error: &io::Error) {
        if error.kind() == io::ErrorKind::OutOfMemory {
            self.state.tell(Told::NoMemory, &self.client);
        }
    }

    /// Sends the peer the reason why it is refused, and ends the connection once that is written.
    pub(crate) async fn refuse(&mut self, why: &str) {
        let limits = self.state.config().client_output_buffer_limit;
        let _ = self
            .client
            .outbox
            .send(&mut BytesMut::from(why).into(), &limits);
        self.client.drain();
        self.state.flush(&self.client);
        self.run().await;
    }

    /// Runs the connection to its end.
    pub(crate) async fn run(&mut self) {
        log_client!(debug, &self.client, "connected");
        if self.state.shutdown.has_begun() {
            self.client.drain();
        }
        loop {
            match self.wait().await {
                Event::Input(buffers) => {
                    // Boxed: an idle connection must not reserve the memory that a batch needs.
                    let alive = Box::pin(self.run_batches(buffers)).await;
                    self.client.end_serving();
                    if !alive {
                        break;
                    }
                }
                Event::Unblocked => {
                    self.blocked = None;
                    if !self.run_kept().await {
                        break;
                    }
                }
                Event::Answered(answer) => {
                    self.blocked = None;
                    if !self.take_answer(answer) || !self.run_kept().await {
                        break;
                    }
                }
                Event::TimedOut => Box::pin(self.state.time_out(&self.client)).await,
                Event::Writable => {
                    self.client.unblock();
                    if !self.state.flush(&self.client) {
                        break;
                    }
                }
                Event::Drained => {
                    Box::pin(self.finish()).await;
                    break;
                }
                Event::End => break,
            }
        }
        Box::pin(self.leave()).await;
        log_client!(debug, &self.client, "disconnected");
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
            |context: &mut Context<'_>| self.input.poll_discard(context, &mut buffers);
        let first = std::future::poll_fn(|context| Poll::Ready(discard(context))).await;
        let patience = LINGER.min(self.state.config().shutdown_timeout);
        if matches!(first, Poll::Ready(Ok(1..))) || self.client.backlogged_within(patience) {
            self.client.finish_writing();
            let end = async { while let Ok(1..) = std::future::poll_fn(&mut discard).await {} };
            // The connection is closed after a timeout as well.
            let _ = Box::pin(tokio::time::timeout(patience, end)).await;
        }
        self.client.hang_up(&mut 0);
        buffers.give_back();
    }

    /// Waits for input, for a writable socket if the outbox has unsent bytes, or for the end.
    async fn wait(&mut self) -> Event {
        std::future::poll_fn(|context| {
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
            match ready!(self.input.poll(context, &self.state.stats)) {
                Err(error) => {
                    self.note_end(&error);
                    Poll::Ready(Event::End)
                }
                Ok(buffers) if self.client.begin_serving() => Poll::Ready(Event::Input(buffers)),
                Ok(buffers) => {
                    // A shutdown has begun meanwhile: no more requests are executed.
                    buffers.give_back();
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
            }
        })
        .await
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if !self.has_left {
            self.state.disconnect_wholly(&self.client);
        }
    }
}
