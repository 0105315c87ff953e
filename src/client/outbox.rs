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
mod state;
mod timing;

use std::io;

use bytes::BytesMut;
pub(crate) use delivery::Delivery;
use drop_queue::DropQueue;
pub(crate) use limits::BrokenLimit;
pub(crate) use overflow::{DropTotals, Dropped, OverflowChoice};
use queue::Queue;
use state::{Life, State, Writer};
pub(crate) use timing::Written;

use super::socket::Socket;
use crate::config::OutputLimits;
use crate::resp::Protocol;
use crate::resp::replies::Replies;
use crate::sync::Mutex;

/// A flusher hands over to the connection's own task after this many writes. So a subscriber that
/// others keep busy does not hold up a publisher.
const MAX_WRITES: usize = 16;

/// When this many bytes were appended to an announced outbox, their appender flushes it too.
const MAX_ANNOUNCED: u32 = 256 * 1024;

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
        if state.holds_messages() {
            return state.hold(limits, frames.len(), copy);
        }
        let published = delivery.published;
        let append = if state.writer == Writer::Blocked
            && let Some(range) = delivery.backlog_range(state.protocol)
        {
            state.append(limits, frames.len(), |queue, _| queue.push_range(range))
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
        if state.holds_messages() {
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
        let mut state = self.state.lock();
        state.rare().held.get_or_insert_default();
    }

    /// Appends the held messages. The caller flushes, as after any reply of its own.
    pub(crate) fn release_messages(&self) {
        let mut state = self.state.lock();
        let State { queue, rare, .. } = &mut *state;
        let Some(rare) = rare else {
            return;
        };
        match (rare.held.take(), &mut rare.drop_queue) {
            (Some(held), Some(drop_queue)) if drop_queue.is_on() => drop_queue.release(held),
            (Some(held), _) => queue.append(held),
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
    pub(crate) fn flush(&self, socket: &Socket, written: &mut Written) -> Flush {
        let mut state = self.state.lock();
        state.announced = 0;
        let may_write = match state.writer {
            _ if state.life == Life::Dead => return Flush::Dead,
            Writer::Nobody => true,
            Writer::Thread => false,
            // A dying outbox makes one last attempt, even if the socket was full.
            Writer::Blocked => state.life == Life::Ending,
        };
        if may_write {
            state.refill();
        }
        if !may_write || state.queue.is_empty() {
            return state.at_rest();
        }
        state.writer = Writer::Thread;
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
                _ if state.life == Life::Dead => break,
                Ok(()) => {
                    state.refill();
                    if state.queue.is_empty() {
                        state.writer = Writer::Nobody;
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
        state.writer = Writer::Blocked;
        match state.at_rest() {
            Flush::Done => Flush::HandOver,
            end => end,
        }
    }

    /// Called when the socket is writable again. The connection's own task then flushes.
    pub(crate) fn unblock(&self) {
        let mut state = self.state.lock();
        if state.writer == Writer::Blocked {
            state.writer = Writer::Nobody;
        }
    }

    /// What the connection's own task has to wait for.
    pub(crate) fn status(&self) -> Status {
        let state = self.state.lock();
        match state.writer {
            _ if state.life == Life::Dead => Status::Dead,
            Writer::Blocked => Status::Blocked,
            Writer::Nobody | Writer::Thread => Status::Settled,
        }
    }

    /// Whether a thread is writing at the moment.
    pub(crate) fn is_being_written(&self) -> bool {
        self.state.lock().writer == Writer::Thread
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
        (state.pending, state.writer == Writer::Blocked)
    }

    /// Pending bytes, their chunks, and the memory that they occupy in bytes, for CLIENT LIST
    /// (`obl`, `oll`, `omem`).
    pub(crate) fn usage(&self) -> (usize, usize, usize) {
        let state = self.state.lock();
        let rare = state.rare.as_deref();
        let drop_queue = rare.and_then(|rare| rare.drop_queue.as_deref());
        let queues = drop_queue.into_iter().flat_map(DropQueue::queues);
        let (mut tails, mut chunks) = (0, 0);
        let mut memory = state.pending + drop_queue.map_or(0, DropQueue::overhead);
        for queue in queues.chain([&state.queue]) {
            tails += queue.tail.len();
            chunks += queue.chunks.len();
            memory += queue.tail.capacity() - queue.tail.len();
            memory += queue.chunks.overhead();
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
        self.state.lock().advance(Life::Sealed);
    }

    /// Takes nothing more, and is dead after one more flush: the caller's or, if a thread is
    /// writing at the moment, that thread's. So pending bytes get one more chance to be written.
    pub(crate) fn end(&self) {
        self.state.lock().advance(Life::Ending);
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
        state.writer = Writer::Nobody;
        state.die();
    }
}

#[cfg(test)]
mod tests;
