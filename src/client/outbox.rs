//! A connection's outbox: what it is still to be sent, and who sends it.
//!
//! Anybody may append (the connection's own task its replies, any publisher its messages); the
//! bytes leave in the order in which they were appended. Appending is a short critical section that
//! copies a small frame or links a shared body; writing to the socket happens outside the lock.
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
//! - Whoever is told [`Append::Flush`] calls [`Outbox::flush`] soon (a publisher at the end of its
//!   read batch). Nobody else needs to: between the two the outbox is *announced*.
//! - Somebody who appends a lot to an announced outbox is asked to flush it too. So a flush that is
//!   long in coming, as whoever was asked first has many others to write to, lets nobody append
//!   without end.
//! - While messages are held, they count as pending and wait behind the replies that the
//!   connection's own batch appends; it releases them before it ends.
//! - At most one thread is *writing*. One that comes meanwhile leaves, as the writer looks again
//!   before it stops.
//! - In *blocked*, the connection's own task waits for the socket and then flushes. Publishers only
//!   append: a stuck subscriber costs them no system call.
//! - `pending` counts all bytes not yet taken by the kernel, those being written included. It never
//!   passes the hard limit of the client's class by more than the one frame that broke it: the
//!   outbox is then closed, its bytes are freed at once, and the appender is told
//!   [`Append::Flush`] so that it comes by and disconnects the client outside of all locks.
//!
//! - Where messages are dropped instead ([`drop_queue`]), they are not counted against that limit, and
//!   messages and replies wait apart until they are written.
//!
//! Lock order: this mutex is the innermost of all.

mod drop_queue;
mod overflow;
mod queue;

use std::io;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use drop_queue::DropQueue;
pub(crate) use drop_queue::{DropReport, Dropped, OverflowChoice};
pub(crate) use overflow::DropTotals;
use queue::{Chunk, Queue};

use super::socket::WriteSocket;
use crate::client::backlog::{Backlog, BacklogRange};
use crate::client::frames::Frames;
use crate::config::{OutputLimit, OutputLimits};
use crate::resp::Protocol;
use crate::resp::replies::Replies;
use crate::sync::Mutex;

/// A flusher hands over to the connection's own task after this many writes, so that a subscriber
/// whom others keep busy does not hold up a publisher.
const MAX_WRITES: usize = 16;

/// After so many bytes that were appended to an announced outbox, their appender flushes it too.
const MAX_ANNOUNCED: usize = 256 * 1024;

/// What an append asks of the appender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Append {
    /// Call [`Outbox::flush`] at the end of the batch.
    Flush,
    /// Somebody else will.
    Nothing,
    /// As [`Flush`](Append::Flush), but a limit was broken and nothing is kept: the flush will say
    /// [`Flush::Dead`].
    Broke,
    /// The outbox takes nothing any more.
    Refused,
}

impl Append {
    /// Whether the appender must flush.
    pub(crate) fn wants_flush(self) -> bool {
        matches!(self, Append::Flush | Append::Broke)
    }

    /// Whether the outbox has taken what was appended.
    pub(crate) fn was_taken(self) -> bool {
        matches!(self, Append::Flush | Append::Nothing)
    }
}

/// What came of a flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Flush {
    /// Nothing is left for this caller to do.
    Done,
    /// The connection's own task must go on: wake it.
    HandOver,
    /// The connection is at its end (an error of the socket, or a broken limit): disconnect it.
    Dead,
}

/// What the connection's own task has to do about its outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// Nothing: all is written, or somebody is at it.
    Settled,
    /// Wait for the socket to become writable, then flush.
    Blocked,
    /// Closed by a broken limit or a failed write.
    Dead,
}

#[derive(Debug, Default)]
struct State {
    queue: Queue,
    pending: usize,
    protocol: Protocol,
    /// The limits for subscribers hold instead of those for normal clients.
    pubsub: bool,
    announced: bool,
    /// Bytes appended since somebody was last asked to flush.
    unflushed: usize,
    /// Bytes that the socket has taken in all.
    written: u64,
    writing: bool,
    blocked: bool,
    dead: bool,
    /// Messages that wait for the reply that is being made.
    held: Option<Box<Queue>>,
    /// What waits under a policy that drops messages; there once such a policy was chosen.
    drop_queue: Option<Box<DropQueue>>,
    /// Nothing more is taken, what is pending is still written.
    sealed: bool,
    /// It is dead as soon as nobody writes.
    ending: bool,
    /// Since when `pending` has been above the soft limit.
    soft_since: Option<Instant>,
    /// The limit that was broken, for the log.
    broken: Option<BrokenLimit>,
}

/// Which limit of `client-output-buffer-limit` a client broke, and the bytes that were pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BrokenLimit {
    /// The hard limit: at once.
    Hard(usize),
    /// The soft limit, for longer than its seconds.
    Soft(usize),
}

/// Messages on their way to the outboxes of a name's subscribers.
#[derive(Debug)]
pub(crate) struct Delivery<'a> {
    frames: Frames<'a>,
    backlog: &'a Backlog,
    /// The frames in the backlog, once somebody was stuck: for each protocol version.
    parts: [Option<BacklogRange>; 2],
    /// How many outboxes have refused each message; empty as long as none has.
    refused: Vec<usize>,
}

impl<'a> Delivery<'a> {
    /// Messages for those who share this backlog.
    pub(crate) fn new(frames: Frames<'a>, backlog: &'a Backlog) -> Delivery<'a> {
        Delivery {
            frames,
            backlog,
            parts: [None, None],
            refused: Vec::new(),
        }
    }

    /// For each message how many outboxes have refused it, to which it so was not delivered; or
    /// nothing, if none has.
    pub(crate) fn into_refused(self) -> Vec<usize> {
        self.refused
    }

    fn refuse(&mut self, index: usize) {
        self.refused.resize(self.frames.starts.len(), 0);
        self.refused[index] += 1;
    }

    /// Counts that an outbox took none of them, as it is closed.
    pub(crate) fn refuse_all(&mut self) {
        for index in 0..self.frames.starts.len() {
            self.refuse(index);
        }
    }

    fn part(&mut self, protocol: Protocol) -> &BacklogRange {
        self.parts[usize::from(protocol == Protocol::Resp3)]
            .get_or_insert_with(|| self.backlog.append(&self.frames, protocol))
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    state: Mutex<State>,
}

impl Outbox {
    /// Appends messages to a subscriber.
    pub(crate) fn push(&self, delivery: &mut Delivery<'_>, limits: &OutputLimits) -> Append {
        let mut state = self.state.lock();
        if state.drops_messages() {
            return state.push_bounded(delivery, limits);
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
        if state.blocked {
            return state.append(limits, frames.len(), |queue, protocol| {
                queue.push_part(delivery.part(protocol));
            });
        }
        state.append(limits, frames.len(), copy)
    }

    /// Appends a line to a monitor: a message of its own kind, which is never dropped.
    pub(crate) fn feed(&self, line: &[u8], limits: &OutputLimits) -> Append {
        let mut state = self.state.lock();
        let copy = |queue: &mut Queue, _| {
            queue.push_copy(line);
        };
        if state.held.is_some() {
            state.hold(limits, line.len(), copy)
        } else if state.drops_messages() {
            state.reply_bounded(&mut BytesMut::from(line).into(), limits)
        } else {
            state.append(limits, line.len(), copy)
        }
    }

    /// From now on messages wait until [`release_messages`](Self::release_messages), while replies
    /// are appended: a client that publishes to itself gets the reply first, and an EXEC's reply is
    /// not torn apart. Their order among themselves stays.
    pub(crate) fn hold_messages(&self) {
        self.state.lock().held.get_or_insert_default();
    }

    /// Appends the messages that were held. The caller flushes, as after any reply of its own.
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
            return state.reply_bounded(replies, limits);
        }
        state.append(limits, replies.len(), |queue, _| {
            queue.push_replies(replies);
        })
    }

    /// Writes what is pending, as far as the socket takes it, and adds to `written` the bytes that
    /// it took.
    pub(crate) fn flush(&self, socket: &WriteSocket, written: &mut u64) -> Flush {
        let mut state = self.state.lock();
        state.announced = false;
        state.unflushed = 0;
        if state.dead {
            return Flush::Dead;
        }
        // At the end, one last attempt is made, even if the socket was full.
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
            *written += taken as u64;
            std::mem::forget(unfinished);
            state = self.state.lock();
            state.wrote(taken);
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

    /// The socket is writable again: the connection's own task flushes.
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

    /// Whether somebody is writing just now.
    pub(crate) fn is_being_written(&self) -> bool {
        self.state.lock().writing
    }

    /// Whether every byte has been handed to the kernel.
    pub(crate) fn is_drained(&self) -> bool {
        self.state.lock().pending == 0
    }

    /// The bytes that the socket has taken in all, if there are more that it has not taken.
    pub(crate) fn unwritten(&self) -> Option<u64> {
        let state = self.state.lock();
        (state.pending > 0).then_some(state.written)
    }

    /// Bytes not yet taken by the kernel.
    #[cfg(test)]
    pub(crate) fn pending(&self) -> usize {
        self.state.lock().pending
    }

    /// Bytes and chunks waiting, and bytes of memory they occupy, for CLIENT LIST (`obl`, `oll`,
    /// `omem`).
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

    /// Takes nothing more; what is pending is still written.
    pub(crate) fn seal(&self) {
        self.state.lock().sealed = true;
    }

    /// Takes nothing more, and is dead after one more flush: the caller's, or if somebody is writing
    /// just now, theirs. So what was appended before has its chance to be written.
    pub(crate) fn end(&self) {
        let mut state = self.state.lock();
        state.sealed = true;
        state.ending = true;
    }

    /// Drops what is pending and takes nothing more.
    pub(crate) fn kill(&self) {
        self.state.lock().die();
    }

    /// Applies the limits to a backlog that nobody appends to. Returns whether it is dead.
    pub(crate) fn check_limits(&self, limits: &OutputLimits) -> bool {
        let mut state = self.state.lock();
        state.enforce(limits);
        state.dead
    }

    /// The limit that was broken, if that is why the outbox is dead.
    pub(crate) fn broken_limit(&self) -> Option<BrokenLimit> {
        self.state.lock().broken
    }
}

/// A write that has not come to its end. If it panics, nobody knows how much of the bytes has gone
/// out: nothing more is written.
struct Unfinished<'a>(&'a Outbox);

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.writing = false;
        state.die();
    }
}

impl State {
    /// Keeps a message back; whoever holds the messages flushes.
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

    /// So many bytes were appended: holds them against the limits, and says who flushes.
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

    /// Redis's rule (`checkClientOutputBufferLimits`): at the hard limit at once, at the soft limit
    /// once it has lasted longer than its seconds.
    fn enforce(&mut self, limits: &OutputLimits) {
        let limit: &OutputLimit = if self.pubsub {
            &limits.pubsub
        } else {
            &limits.normal
        };
        let drop_queue = self.drop_queue.as_ref();
        let messages = drop_queue.map_or(0, |drop_queue| drop_queue.message_bytes());
        let pending = (self.pending - messages) as u64;
        let chosen = drop_queue.and_then(|drop_queue| drop_queue.closes_at);
        let chosen = chosen.is_some_and(|limit| self.pubsub && pending >= limit);
        if chosen || limit.hard > 0 && pending >= limit.hard {
            self.broken = Some(BrokenLimit::Hard(self.pending));
            self.die();
        } else if limit.soft > 0 && pending >= limit.soft {
            let now = Instant::now();
            let since = *self.soft_since.get_or_insert(now);
            if now.duration_since(since) > Duration::from_secs(limit.soft_seconds) {
                self.broken = Some(BrokenLimit::Soft(self.pending));
                self.die();
            }
        } else {
            self.soft_since = None;
        }
    }

    /// What a flush comes to when nothing can be written, or is left to.
    fn at_rest(&mut self) -> Flush {
        if self.ending && !self.writing {
            self.die();
        }
        if self.dead { Flush::Dead } else { Flush::Done }
    }

    fn wrote(&mut self, bytes: usize) {
        if self.dead {
            return;
        }
        self.pending -= bytes;
        self.written += bytes as u64;
        if let Some(drop_queue) = &mut self.drop_queue {
            drop_queue.wrote(bytes);
        }
    }

    fn die(&mut self) {
        self.dead = true;
        self.queue = Queue::default();
        self.held = None;
        self.pending = 0;
        if let Some(drop_queue) = &mut self.drop_queue {
            drop_queue.clear();
        }
    }
}

#[cfg(test)]
mod tests;
