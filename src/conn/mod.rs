//! One connection: read a batch of bytes, carry out the requests in it, write what it brought about.
//!
//! ```text
//!   wait ──▶ read a batch ──▶ carry out its requests ──▶ write the replies ──▶ write to others
//!    ▲            ▲                                                              │  │
//!    │            └──────────── more has come while others are written to ───────┘  │
//!    └─────────────────────────────── all are written to ───────────────────────────┘
//! ```
//!
//! `input` reads, `batch` carries out and writes, `blocked` waits for BLPOP and its kin.
//!
//! Invariants:
//! - Buffers for reading, replies and the work list belong to the thread ([`BatchBuffers`]); a
//!   connection that waits holds none of them, but for the bytes of an unfinished request.
//! - No lock or guard is held across an await: a batch is carried out by plain functions.
//! - However the task ends, the client is disconnected: `leave` sees to it at the end of the
//!   stream, after an error, and when somebody else has ended the connection; [`Connection`]'s drop
//!   when the task panics or the runtime goes down.

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
use buffers::BatchBuffers;
use input::Input;

/// How long a peer that lags behind, or keeps sending, is given to see that the connection ends; at
/// most `shutdown-timeout`.
const LINGER: Duration = Duration::from_secs(1);
/// See the module.
#[derive(Debug)]
pub(crate) struct Connection {
    state: Arc<ServerState>,
    client: Arc<Client>,
    input: Input,
    session: Session,
    /// While the client waits for an element: until when.
    blocked: Option<blocked::Wait>,
    /// Nothing is left to be done at its end.
    has_left: bool,
}

/// What a connection has waited for.
enum Event {
    /// Bytes have been read.
    Input(Box<BatchBuffers>),
    /// The wait for an element is over: what was read since can be carried out.
    Unblocked,
    /// Nobody brought an element in time.
    TimedOut,
    /// The outbox must be flushed by its own task.
    Writable,
    /// All that was owed is written: the connection may close.
    Drained,
    /// The connection is at its end.
    End,
}

impl Connection {
    /// A connection that was just accepted; its client is in the table of clients from now on.
    pub(crate) fn new(
        state: Arc<ServerState>,
        read: ReadSocket,
        write: WriteSocket,
        addresses: Addresses,
    ) -> Connection {
        let client = Arc::new(Client::new(state.clients.next_id(), addresses, write));
        state.clients.insert(Arc::clone(&client));
        // Once it is in the table: a CONFIG SET from now on finds it there.
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

    /// Does what comes before requests: TLS agrees on keys with the peer. An error too, if the
    /// connection is to end first.
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

    /// Notes why no more can be read, if that is not the peer's doing.
    fn note_end(&self, error: &io::Error) {
        if error.kind() == io::ErrorKind::OutOfMemory {
            self.state.tell(Told::NoMemory, &self.client);
        }
    }

    /// Tells the peer why it is not served, and ends the connection once that is written.
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

    /// Serves the connection to its end.
    pub(crate) async fn run(&mut self) {
        log_client!(debug, &self.client, "connected");
        if self.state.shutdown.has_begun() {
            self.client.drain();
        }
        loop {
            match self.wait().await {
                Event::Input(buffers) => {
                    // Boxed: a connection that waits has no room for what serving needs.
                    let alive = Box::pin(self.serve(buffers)).await;
                    self.client.end_serving();
                    if !alive {
                        break;
                    }
                }
                Event::Unblocked => {
                    self.blocked = None;
                    if !self.go_on().await {
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

    /// Ends the connection, unless somebody has done so, and does what they have left to this task.
    async fn leave(&mut self) {
        let first = self.state.close(&self.client);
        self.state.take_out(&self.client).await;
        if first {
            self.state.hang_up(&self.client);
        }
        self.has_left = true;
    }

    /// Ends a connection whose peer is to get everything that was written. A socket that is closed
    /// with unread bytes in it, or is sent bytes once it is closed, is reset, and what the kernel has
    /// still to send is lost. Where that may be, the peer is told the end and is listened to until
    /// it closes too, within bounds.
    async fn finish(&mut self) {
        let _ = self.state.close(&self.client);
        self.state.take_out(&self.client).await;
        // An element may have come for it until it was closed, and somebody may just be writing it.
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
            // Whether it has come to its end or not.
            let _ = Box::pin(tokio::time::timeout(patience, end)).await;
        }
        self.client.hang_up(&mut 0);
        buffers.give_back();
    }

    /// Waits for input, for the socket if the outbox is blocked, or for the end.
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
                    // A shutdown came in between: what was read is not carried out any more.
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
