//! One connection: read a batch of bytes, carry out the requests in it, write what it brought about.
//!
//! ```text
//!   wait ──▶ read a batch ──▶ requests one by one ──▶ own replies to the outbox, flushed
//!    ▲                                                        │
//!    │                                  outboxes of others that were touched, flushed
//!    └────────────────────────────────────────────────────────┘
//! ```
//!
//! The publisher's own replies go first: it can send its next batch while its subscribers are being
//! written to, and so the more there is to do, the more messages go out in one write.
//!
//! Invariants:
//! - Buffers for reading, replies and the work list belong to the thread ([`Scratch`]); a
//!   connection that waits holds none of them, but for the bytes of an unfinished request.
//! - No lock or guard is held across an await: a batch is carried out by plain functions.
//! - However the task ends (end of stream, an error, a panic, the runtime going down), the client is
//!   disconnected: [`Connection`]'s drop sees to it.

mod blocked;
pub mod client;
pub mod outbox;
pub mod scratch;
pub mod socket;

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::time::Instant;

use crate::command::{Context, Next, Session, dispatch};
use crate::pubsub::registry::Turns;
use crate::resp::error::CommandError;
use crate::resp::reply::put_error;
use crate::resp::request::{Limits, ProtocolError, RequestReader};
use crate::server::state::ServerState;
use client::{Addresses, Client, Closing};
use outbox::Status;
use scratch::Scratch;
use socket::{ReadSocket, WriteSocket};

/// An unfinished request of up to this many bytes is copied aside between batches, so that the
/// read buffer can go back to the thread; a longer one keeps its buffer.
const COPY_ASIDE: usize = 4 * 1024;
/// Bytes to make room for before a read, at least.
const READ_SIZE: usize = 64 * 1024;
/// A buffer grows to what its request needs, but not at once on the word of a header: to at most so
/// many times what has arrived, so that a long argument is copied a few times on its way.
const GROWTH: usize = 3;
/// A batch that has appended this many messages is written out before it goes on, so that
/// subscribers need not wait for the end of a large batch.
const MAX_DELIVERIES: usize = 16 * 1024;
/// Likewise for so many bytes of replies: they are held against the limits of the outbox before
/// more are made.
pub const MAX_REPLIES: usize = 1024 * 1024;
/// How long a peer that lags behind, or keeps sending, is given to see that the connection ends; at
/// most `shutdown-timeout`.
const LINGER: Duration = Duration::from_secs(1);
/// Others get a turn on this thread after so many sockets were written to.
const FLUSHES_PER_TURN: usize = 64;

/// See the module.
#[derive(Debug)]
pub struct Connection {
    state: Arc<ServerState>,
    client: Arc<Client>,
    read: ReadSocket,
    reader: RequestReader,
    session: Session,
    /// The bytes of an unfinished request, or while the client is blocked, of all that it sends.
    unfinished: BytesMut,
    /// While the client waits for an element: until when.
    blocked: Option<blocked::Wait>,
}

/// What a connection has waited for.
enum Event {
    /// Bytes have been read.
    Input(Box<Scratch>),
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

/// Why a batch ended.
enum BatchEnd {
    /// All requests in the buffer are carried out.
    Finished,
    /// More may be in the buffer: write what there is and go on.
    Again,
    /// As [`Again`](BatchEnd::Again), after a rest and these bytes.
    Sleep(Duration, &'static [u8]),
    /// No request is carried out until the client is served, or until this moment.
    Block(Option<Instant>),
    /// No more requests are taken.
    Close,
    /// Not even the replies are written.
    Abort,
}

impl Connection {
    /// A connection that was just accepted; its client is in the table of clients from now on.
    pub fn new(
        state: Arc<ServerState>,
        read: ReadSocket,
        write: WriteSocket,
        addresses: Addresses,
    ) -> Connection {
        let client = Arc::new(Client::new(state.clients.next_id(), addresses, write));
        state.clients.insert(Arc::clone(&client));
        let session = Session::new(!state.needs_password());
        Connection {
            state,
            client,
            read,
            reader: RequestReader::default(),
            session,
            unfinished: BytesMut::new(),
            blocked: None,
        }
    }

    /// Serves the connection to its end.
    pub async fn run(&mut self) {
        tracing::debug!(
            client = self.client.id,
            addr = self.client.addresses.peer(),
            "connected"
        );
        if self.state.shutdown.has_begun() {
            self.client.drain();
        }
        loop {
            match self.wait().await {
                Event::Input(scratch) => {
                    let alive = self.serve(scratch).await;
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
                Event::TimedOut => self.time_out(),
                Event::Writable => {
                    self.client.unblock();
                    if !self.state.flush(&self.client) {
                        break;
                    }
                }
                Event::Drained => {
                    self.finish().await;
                    break;
                }
                Event::End => break,
            }
        }
        tracing::debug!(client = self.client.id, "disconnected");
    }

    /// Ends a connection whose peer is to get everything that was written. A socket that is closed
    /// with unread bytes in it, or is sent bytes once it is closed, is reset, and what the kernel has
    /// still to send is lost. Where that may be, the peer is told the end and is listened to until
    /// it closes too, within bounds.
    async fn finish(&mut self) {
        self.state.retire(&self.client);
        // An element may have come for it until then, and somebody may just be writing it.
        while self.state.flush(&self.client) && self.client.outbox.is_being_written() {
            tokio::task::yield_now().await;
        }
        let mut scratch = Scratch::take();
        let mut discard = |context: &mut std::task::Context<'_>| {
            scratch.input.clear();
            scratch.input.reserve(READ_SIZE);
            self.read.poll_read(context, &mut scratch.input)
        };
        let first = std::future::poll_fn(|context| Poll::Ready(discard(context))).await;
        let patience = LINGER.min(self.state.config().shutdown_timeout);
        if matches!(first, Poll::Ready(Ok(1..))) || self.client.backlogged_within(patience) {
            self.client.finish_writing();
            let end = async { while let Ok(1..) = std::future::poll_fn(&mut discard).await {} };
            // Whether it has come to its end or not.
            let _ = Box::pin(tokio::time::timeout(patience, end)).await;
        }
        self.client.hang_up(&mut 0);
        scratch.give_back();
    }

    /// Waits for input, for the socket if the outbox is blocked, or for the end.
    async fn wait(&mut self) -> Event {
        std::future::poll_fn(|context| {
            self.client.register_task(context.waker());
            match self.client.outbox.status() {
                Status::Dead => return Poll::Ready(Event::End),
                Status::Blocked => {
                    if self.client.socket().poll_write_ready(context).is_ready() {
                        return Poll::Ready(Event::Writable);
                    }
                }
                Status::Settled => {}
            }
            match self.client.closing() {
                Closing::Closed => return Poll::Ready(Event::End),
                Closing::Draining if self.client.outbox.is_drained() => {
                    return Poll::Ready(Event::Drained);
                }
                Closing::Draining | Closing::Quiet => return Poll::Pending,
                Closing::Open => {}
            }
            if self.blocked.is_some() {
                return self.poll_blocked(context);
            }
            match ready!(self.poll_input(context)) {
                Err(_) => Poll::Ready(Event::End),
                Ok(scratch) if self.client.begin_serving() => Poll::Ready(Event::Input(scratch)),
                Ok(scratch) => {
                    // A shutdown came in between: what was read is not carried out any more.
                    scratch.give_back();
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Reads what there is behind what is left of the batch before.
    fn poll_input(
        &mut self,
        context: &mut std::task::Context<'_>,
    ) -> Poll<io::Result<Box<Scratch>>> {
        let mut scratch = Scratch::take();
        if self.unfinished.len() > COPY_ASIDE {
            std::mem::swap(&mut scratch.input, &mut self.unfinished);
        } else {
            scratch.input.extend_from_slice(&self.unfinished);
        }
        let more = self.reader.lacks(scratch.input.len());
        scratch
            .input
            .reserve(more.clamp(READ_SIZE, READ_SIZE.max(GROWTH * scratch.input.len())));
        match self.read.poll_read(context, &mut scratch.input) {
            Poll::Ready(Ok(bytes @ 1..)) => {
                self.unfinished = BytesMut::new();
                self.state.stats.read(bytes);
                Poll::Ready(Ok(scratch))
            }
            nothing => {
                if scratch.input.len() > COPY_ASIDE {
                    std::mem::swap(&mut scratch.input, &mut self.unfinished);
                }
                scratch.give_back();
                ready!(nothing)?;
                Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()))
            }
        }
    }

    /// Carries out what has been read. `false`: the connection is at its end.
    async fn serve(&mut self, mut scratch: Box<Scratch>) -> bool {
        loop {
            let end = self.carry_out(&mut scratch);
            if matches!(end, BatchEnd::Close) {
                self.client.outbox.seal();
                self.client.drain();
            }
            if matches!(end, BatchEnd::Abort) {
                self.client.outbox.kill();
            }
            let alive = self.state.flush(&self.client);
            // However the batch ended: others rely on it.
            self.flush_touched(&mut scratch).await;
            if !alive {
                return false;
            }
            match end {
                BatchEnd::Again => {}
                BatchEnd::Sleep(rest, then) => {
                    self.rest(rest).await;
                    scratch.replies.extend_from_slice(then);
                }
                BatchEnd::Block(until) => {
                    self.blocked = Some(blocked::wait(until));
                    break;
                }
                BatchEnd::Finished | BatchEnd::Close | BatchEnd::Abort => break,
            }
            if self.client.closing() == Closing::Closed {
                return false;
            }
        }
        self.set_aside(scratch)
    }

    /// Waits for a while, or until the connection is to end.
    async fn rest(&self, duration: Duration) {
        // Boxed, as hardly any connection ever needs room for it.
        let mut sleep = Box::pin(tokio::time::sleep(duration));
        std::future::poll_fn(|context| {
            self.client.register_task(context.waker());
            if self.client.closing() != Closing::Open {
                return Poll::Ready(());
            }
            sleep.as_mut().poll(context)
        })
        .await;
    }

    /// Carries out the requests in the buffer, without awaiting. The replies are in the outbox
    /// afterwards.
    fn carry_out(&mut self, scratch: &mut Scratch) -> BatchEnd {
        let now = std::time::Instant::now();
        self.client.touch(now);
        scratch.tally.begin(now);
        let config = self.state.config();
        scratch
            .fanout
            .begin_batch(config.client_output_buffer_limit);
        let end = loop {
            let limits = Limits {
                max_bulk: config.proto_max_bulk_len,
                authenticated: self.session.authenticated || config.requirepass.is_empty(),
            };
            match self.reader.next(&scratch.input, limits) {
                Ok(true) => {}
                Ok(false) => break BatchEnd::Finished,
                Err(error) => {
                    self.refuse(&error, scratch);
                    break BatchEnd::Close;
                }
            }
            let args = self.reader.args(&scratch.input);
            dispatch(
                &mut Context {
                    server: &self.state,
                    config: &config,
                    client: &self.client,
                    session: &mut self.session,
                    replies: &mut scratch.replies,
                    fanout: &mut scratch.fanout,
                    tally: &mut scratch.tally,
                    space: None,
                    in_exec: false,
                    turns: Turns::default(),
                },
                &args,
            );
            match std::mem::replace(&mut self.session.next, Next::Go) {
                Next::Go => {}
                Next::Reload => break BatchEnd::Again,
                Next::Sleep(rest, then) => break BatchEnd::Sleep(rest, then),
                Next::Block(until) => break BatchEnd::Block(until),
                Next::Close => break BatchEnd::Close,
                Next::Abort => break BatchEnd::Abort,
            }
            if scratch.fanout.deliveries() >= MAX_DELIVERIES || scratch.replies.len() >= MAX_REPLIES
            {
                break BatchEnd::Again;
            }
        };
        if !scratch.replies.is_empty() {
            // Flushed by the caller in any case.
            let _ = self
                .client
                .outbox
                .send(&mut scratch.replies, scratch.fanout.limits());
        }
        scratch.tally.commit(&self.state.stats);
        end
    }

    /// Answers bytes that are no request.
    fn refuse(&self, error: &ProtocolError, scratch: &mut Scratch) {
        tracing::debug!(client = self.client.id, %error, "protocol error; connection closed");
        let error = match error {
            // The offending byte goes back as it came, whatever it is.
            ProtocolError::ExpectedBulk(byte) => CommandError::Quoting {
                before: "ERR Protocol error: expected '$', got '",
                quoted: vec![*byte],
                after: "'".into(),
            },
            error => CommandError::Text(format!("ERR Protocol error: {error}").into()),
        };
        scratch.tally.error(error.code());
        if self.session.replies.wants_reply() {
            put_error(&mut scratch.replies, &error);
        }
    }

    /// Writes to those who were sent something, each once.
    async fn flush_touched(&self, scratch: &mut Scratch) {
        let mut flushed = 0;
        while let Some(client) = scratch.fanout.next_touched() {
            self.state.flush(&client);
            flushed += 1;
            if flushed % FLUSHES_PER_TURN == 0 {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Keeps the bytes of an unfinished request and gives the buffers back to the thread. `false`:
    /// the request has become longer than is allowed.
    fn set_aside(&mut self, mut scratch: Box<Scratch>) -> bool {
        let consumed = self.reader.consumed();
        self.reader.rebase();
        scratch.input.advance(consumed);
        if scratch.input.len() > COPY_ASIDE {
            std::mem::swap(&mut scratch.input, &mut self.unfinished);
        } else if !scratch.input.is_empty() {
            self.unfinished = BytesMut::from(&scratch.input[..]);
        }
        scratch.give_back();
        self.reader.release();
        self.keeps_within_limit()
    }

    /// Whether what is kept of the client's requests is within `client-query-buffer-limit`; if not,
    /// the connection must end.
    fn keeps_within_limit(&self) -> bool {
        let held = self.unfinished.len() + self.reader.held();
        self.client.held_input.store(held, Relaxed);
        let held = held + self.client.kept_memory();
        let within = held as u64 <= self.state.config().client_query_buffer_limit;
        if !within {
            self.state.note_query_limit(&self.client, held);
        }
        within
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.state.disconnect(&self.client);
    }
}
