//! A connection's outbox: the bytes that are still to be sent to it, and whose turn it is to send
//! them.
//!
//! Layer `client`. It may use `config` and `resp`.
//!
//! Any thread may append: the connection's own task its replies, and any publisher its messages.
//! The bytes are sent in the order in which they were appended. Appending is a short critical
//! section, which copies a small frame or links a shared body. Writing to the socket happens
//! outside the lock.
//!
//! ```text
//!             append                  flush                     socket full
//!   idle ───────────────▶ announced ─────────▶ writing ─────────────────────▶ blocked
//!    ▲                                          │   ▲  (more was appended:      │
//!    └──────────────── all written ─────────────┘   └── write again)            │
//!                                                   ▲        socket writable,   │
//!                                                   └── connection's own task ──┘
//! ```
//!
//! Invariants:
//! - A caller that gets [`Append::Flush`] must call [`Outbox::flush`] soon; a publisher does it at
//!   the end of its read batch. Until then the outbox is *announced*, and no other appender needs
//!   to flush it.
//! - An appender that appends a lot to an announced outbox is asked to flush it too. So if a flush
//!   is late, because the thread that has to do it has many other clients to write to, appenders
//!   cannot add bytes without end.
//! - Held messages count as pending and wait behind the replies that the connection's own batch
//!   appends. The batch releases them before it ends.
//! - At most one thread is *writing*. A second one that wants to flush returns at once, since the
//!   writer looks for new bytes before it stops.
//! - In *blocked*, the connection's own task waits for the socket and then flushes. Publishers only
//!   append, so a stuck subscriber costs them no system call.
//! - `pending` counts all bytes that the kernel has not taken, including those being written. It
//!   exceeds the hard limit of the client's class by at most the one frame that broke it. Then the
//!   outbox is closed and its bytes are freed at once, and the appender gets [`Append::Broke`], so
//!   that it flushes and disconnects the client outside of all locks.
//! - Under a policy that drops messages ([`drop_queue`]), messages do not count against that limit.
//!   Messages and replies then wait in separate queues until they are written.
//!
//! Lock order: under this mutex, only a backlog's locks and the lock of a TLS session are taken.

mod delivery;
mod drop_queue;
mod limits;
mod overflow;
mod queue;
mod timing;

use std::io;
use std::time::Instant;

use bytes::BytesMut;
pub(crate) use delivery::Delivery;
use drop_queue::DropQueue;
pub(crate) use limits::BrokenLimit;
pub(crate) use overflow::{DropTotals, Dropped, OverflowChoice};
use queue::{Chunk, Queue};
use timing::TimedMessage;
pub(crate) use timing::Written;

use super::socket::WriteSocket;
use crate::config::OutputLimits;
use crate::resp::Protocol;
use crate::resp::replies::Replies;
use crate::sync::Mutex;

/// A flusher hands over to the connection's own task after this many writes. So a subscriber that
/// others keep busy does not hold up a publisher.
const MAX_WRITES: usize = 16;

/// When this many bytes were appended to an announced outbox, their appender flushes it too.
const MAX_ANNOUNCED: usize = 256 * 1024;

/// What the appender must do after an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Append {
    /// Call [`Outbox::flush`] at the end of the batch.
    Flush,
    /// Nothing: another thread flushes.
    Nothing,
    /// As [`Flush`](Append::Flush), but a limit was broken and nothing was kept. The flush will
    /// return [`Flush::Dead`].
    Broke,
    /// Nothing: the outbox is closed and has not taken the bytes.
    Refused,
}

impl Append {
    /// Whether the appender must flush.
    pub(crate) fn wants_flush(self) -> bool {
        matches!(self, Append::Flush | Append::Broke)
    }

    /// Whether the outbox has taken the bytes.
    pub(crate) fn was_taken(self) -> bool {
        matches!(self, Append::Flush | Append::Nothing)
    }
}

/// The result of a flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Flush {
    /// Nothing is left for this caller to do.
    Done,
    /// The connection's own task must go on: wake it.
    HandOver,
    /// The connection must be disconnected: the socket failed, or a limit was broken.
    Dead,
}

/// What the connection's own task has to do for its outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// Nothing: everything is written, or another thread is writing.
    Settled,
    /// Wait for the socket to become writable, then flush.
    Blocked,
    /// Disconnect: a limit was broken, or a write failed.
    Dead,
}

#[derive(Debug, Default)]
struct State {
    queue: Queue,
    pending: usize,
    protocol: Protocol,
    /// Whether the limits for subscribers apply, instead of those for normal clients.
    pubsub: bool,
    announced: bool,
    /// Bytes appended since a caller was last asked to flush.
    unflushed: usize,
    /// All bytes that the socket has taken.
    written: u64,
    timed: Option<TimedMessage>,
    writing: bool,
    blocked: bool,
    dead: bool,
    /// Messages that wait until the current reply is appended.
    held: Option<Box<Queue>>,
    /// The queue of a policy that drops messages; `None` until such a policy is chosen.
    drop_queue: Option<Box<DropQueue>>,
    /// Nothing more is taken. Pending bytes are still written.
    sealed: bool,
    /// The outbox is dead as soon as no thread writes.
    ending: bool,
    /// When `pending` rose above the soft limit.
    soft_since: Option<Instant>,
    /// The limit that was broken, for the log.
    broken: Option<BrokenLimit>,
}

/// A connection's outbox.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    state: Mutex<State>,
}

impl Outbox {
    /// Appends messages to a subscriber.
    pub(crate) fn push(&self, delivery: &mut Delivery<'_>, limits: &OutputLimits) -> Append {
        let mut state = self.state.lock();
        if state.drops_messages() {
            return state.push_dropping(delivery, limits);
        }
        let frames = delivery.frames;
        let copy = |queue: &mut Queue, protocol| {
            let copy = queue.push_copy(frames.bytes);
            frames.mark(copy, protocol);
            if let Some(body) = frames.body {
                queue.push_shared(body);
            }
        };
        if state.held.is_some() {
            return state.hold(limits, frames.len(), copy);
        }
        let published = delivery.published;
        let append = if state.blocked {
            state.append(limits, frames.len(), |queue, protocol| {
                queue.push_range(delivery.backlog_range(protocol));
            })
        } else {
            state.append(limits, frames.len(), copy)
        };
        state.time(append, published);
        append
    }

    /// Appends a line to a monitor. Unlike a message, it is never dropped.
    pub(crate) fn feed(&self, line: &[u8], limits: &OutputLimits) -> Append {
        let mut state = self.state.lock();
        let copy = |queue: &mut Queue, _| {
            queue.push_copy(line);
        };
        if state.held.is_some() {
            state.hold(limits, line.len(), copy)
        } else if state.drops_messages() {
            state.append_replies_dropping(&mut BytesMut::from(line).into(), limits)
        } else {
            state.append(limits, line.len(), copy)
        }
    }

    /// Keeps messages back until [`release_messages`](Self::release_messages) while replies are
    /// appended. So a client that publishes to itself gets the reply first, and no message comes
    /// into the middle of an EXEC's reply. The order of the messages is kept.
    pub(crate) fn hold_messages(&self) {
        self.state.lock().held.get_or_insert_default();
    }

    /// Appends the held messages. The caller flushes, as after any reply of its own.
    pub(crate) fn release_messages(&self) {
        let mut state = self.state.lock();
        let held = state.held.take();
        let State {
            queue, drop_queue, ..
        } = &mut *state;
        match (held, drop_queue) {
            (Some(held), Some(drop_queue)) if drop_queue.is_on() => drop_queue.release(*held),
            (Some(held), _) => queue.append(*held),
            (None, _) => {}
        }
    }

    /// Appends replies, and empties the buffer that holds them.
    pub(crate) fn send(&self, replies: &mut Replies, limits: &OutputLimits) -> Append {
        let mut state = self.state.lock();
        if state.drops_messages() {
            return state.append_replies_dropping(replies, limits);
        }
        state.append(limits, replies.len(), |queue, _| {
            queue.push_replies(replies);
        })
    }

    /// Writes pending bytes as far as the socket takes them, and adds them to `written`.
    pub(crate) fn flush(&self, socket: &WriteSocket, written: &mut Written) -> Flush {
        let mut state = self.state.lock();
        state.announced = false;
        state.unflushed = 0;
        if state.dead {
            return Flush::Dead;
        }
        // A dying outbox makes one last attempt, even if the socket was full.
        let wait = state.blocked && !state.ending;
        if !state.writing && !wait {
            state.refill();
        }
        if state.writing || wait || state.queue.is_empty() {
            return state.at_rest();
        }
        state.writing = true;
        for _ in 0..MAX_WRITES {
            let mut queue = std::mem::take(&mut state.queue);
            drop(state);
            let unfinished = Unfinished(self);
            let (taken, result) = queue.write(socket);
            written.bytes += taken as u64;
            std::mem::forget(unfinished);
            state = self.state.lock();
            state.wrote(taken, &mut written.sent);
            match result {
                _ if state.dead => break,
                Ok(()) => {
                    state.refill();
                    if state.queue.is_empty() {
                        state.writing = false;
                        return state.at_rest();
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    state.queue.put_back(queue);
                    break;
                }
                Err(_) => {
                    state.die();
                    break;
                }
            }
        }
        state.take_back(socket.committed());
        state.writing = false;
        state.blocked = true;
        match state.at_rest() {
            Flush::Done => Flush::HandOver,
            end => end,
        }
    }

    /// Called when the socket is writable again. The connection's own task then flushes.
    pub(crate) fn unblock(&self) {
        self.state.lock().blocked = false;
    }

    /// What the connection's own task has to wait for.
    pub(crate) fn status(&self) -> Status {
        let state = self.state.lock();
        match () {
            () if state.dead => Status::Dead,
            () if state.blocked => Status::Blocked,
            () => Status::Settled,
        }
    }

    /// Whether a thread is writing at the moment.
    pub(crate) fn is_being_written(&self) -> bool {
        self.state.lock().writing
    }

    /// Whether every byte has been handed to the kernel.
    pub(crate) fn is_drained(&self) -> bool {
        self.state.lock().pending == 0
    }

    /// All bytes that the socket has taken so far, if some bytes are still pending.
    pub(crate) fn unwritten(&self) -> Option<u64> {
        let state = self.state.lock();
        (state.pending > 0).then_some(state.written)
    }

    /// Bytes not yet taken by the kernel.
    #[cfg(test)]
    pub(crate) fn pending(&self) -> usize {
        self.state.lock().pending
    }

    /// Bytes not yet taken by the kernel, and whether they wait because the socket is full.
    pub(crate) fn waiting(&self) -> (usize, bool) {
        let state = self.state.lock();
        (state.pending, state.blocked)
    }

    /// Pending bytes, their chunks, and the memory that they occupy in bytes, for CLIENT LIST
    /// (`obl`, `oll`, `omem`).
    pub(crate) fn usage(&self) -> (usize, usize, usize) {
        let state = self.state.lock();
        let drop_queue = state.drop_queue.as_deref();
        let queues = drop_queue.into_iter().flat_map(DropQueue::queues);
        let (mut tails, mut chunks) = (0, 0);
        let mut memory = state.pending + drop_queue.map_or(0, DropQueue::overhead);
        for queue in queues.chain([&state.queue]) {
            tails += queue.tail.len();
            chunks += queue.chunks.len();
            memory += queue.tail.capacity() - queue.tail.len();
            memory += queue.chunks.capacity() * size_of::<Chunk>();
        }
        (tails, chunks, memory)
    }

    /// Switches the protocol version for messages appended from now on.
    pub(crate) fn set_protocol(&self, protocol: Protocol) {
        self.state.lock().protocol = protocol;
    }

    /// Chooses between the limits for normal clients and those for subscribers.
    pub(crate) fn set_pubsub(&self, pubsub: bool) {
        self.state.lock().pubsub = pubsub;
    }

    /// Takes nothing more. Pending bytes are still written.
    pub(crate) fn seal(&self) {
        self.state.lock().sealed = true;
    }

    /// Takes nothing more, and is dead after one more flush: the caller's or, if a thread is
    /// writing at the moment, that thread's. So pending bytes get one more chance to be written.
    pub(crate) fn end(&self) {
        let mut state = self.state.lock();
        state.sealed = true;
        state.ending = true;
    }

    /// Drops pending bytes and takes nothing more.
    pub(crate) fn kill(&self) {
        self.state.lock().die();
    }
}

/// A write in progress. If it panics, it is unknown how many bytes were sent, so nothing more is
/// written.
struct Unfinished<'a>(&'a Outbox);

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.writing = false;
        state.die();
    }
}

impl State {
    /// Holds a message. The caller that holds messages back flushes later.
    fn hold(
        &mut self,
        limits: &OutputLimits,
        length: usize,
        put: impl FnOnce(&mut Queue, Protocol),
    ) -> Append {
        let protocol = self.protocol;
        match &mut self.held {
            Some(held) if !self.dead && !self.sealed => put(held, protocol),
            _ => return Append::Refused,
        }
        self.pending += length;
        self.enforce(limits);
        if self.dead {
            Append::Broke
        } else {
            Append::Nothing
        }
    }

    fn append(
        &mut self,
        limits: &OutputLimits,
        length: usize,
        put: impl FnOnce(&mut Queue, Protocol),
    ) -> Append {
        if self.dead || self.sealed {
            return Append::Refused;
        }
        put(&mut self.queue, self.protocol);
        self.pending += length;
        self.appended(limits, length)
    }

    /// Counts appended bytes, applies the limits, and returns who flushes.
    fn appended(&mut self, limits: &OutputLimits, length: usize) -> Append {
        self.enforce(limits);
        if self.dead {
            return Append::Broke;
        }
        if self.writing || self.blocked {
            return Append::Nothing;
        }
        self.unflushed += length;
        if self.announced && self.unflushed < MAX_ANNOUNCED {
            return Append::Nothing;
        }
        self.announced = true;
        self.unflushed = 0;
        Append::Flush
    }

    /// The result of a flush that writes nothing, or nothing more.
    fn at_rest(&mut self) -> Flush {
        if self.ending && !self.writing {
            self.die();
        }
        if self.dead { Flush::Dead } else { Flush::Done }
    }

    /// Counts bytes that the socket has taken. Tells in `sent` when the timed message was
    /// published, if it is written now.
    fn wrote(&mut self, bytes: usize, sent: &mut Option<Instant>) {
        if self.dead {
            return;
        }
        self.pending -= bytes;
        self.written += bytes as u64;
        *sent = sent.or(self.timed_until(self.written));
        if let Some(drop_queue) = &mut self.drop_queue {
            drop_queue.wrote(bytes);
        }
    }

    fn die(&mut self) {
        self.dead = true;
        self.queue = Queue::default();
        self.held = None;
        self.timed = None;
        self.pending = 0;
        if let Some(drop_queue) = &mut self.drop_queue {
            drop_queue.clear();
        }
    }
}

#[cfg(test)]
mod tests;
