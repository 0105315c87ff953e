//! What an outbox's lock guards.
//!
//! Layer `client`. It may use `config` and `resp`. The invariants are those of the
//! [outbox](super::Outbox).

use std::time::Instant;

use super::drop_queue::DropQueue;
use super::limits::BrokenLimit;
use super::queue::Queue;
use super::timing::TimedMessage;
use super::{Append, Flush, MAX_ANNOUNCED};
use crate::config::OutputLimits;
use crate::resp::Protocol;

/// Every client has one, so it is small: what few outboxes need is in `rare`.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) queue: Queue,
    pub(super) pending: usize,
    /// All bytes that the socket has taken.
    pub(super) written: u64,
    pub(super) rare: Option<Box<Rare>>,
    /// While the outbox is announced: how many more bytes may be appended before another caller is
    /// asked to flush. Otherwise 0.
    pub(super) announced: u32,
    pub(super) protocol: Protocol,
    /// Whether the limits for subscribers apply, instead of those for normal clients.
    pub(super) pubsub: bool,
    pub(super) writer: Writer,
    pub(super) life: Life,
}

/// What few outboxes need.
#[derive(Debug, Default)]
pub(super) struct Rare {
    /// The message whose way to the socket is timed.
    pub(super) timed: Option<TimedMessage>,
    /// Messages that wait until the current reply is appended.
    pub(super) held: Option<Queue>,
    /// The queue of a policy that drops messages; `None` until such a policy is chosen.
    pub(super) drop_queue: Option<Box<DropQueue>>,
    /// When `pending` rose above the soft limit.
    pub(super) soft_since: Option<Instant>,
    /// The limit that was broken, for the log.
    pub(super) broken: Option<BrokenLimit>,
}

/// Who writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Writer {
    /// Nobody at the moment.
    #[default]
    Nobody,
    /// A thread does.
    Thread,
    /// The connection's own task will, once the socket has room.
    Blocked,
}

/// How long an outbox still lives. It only ever goes on to a later stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Life {
    /// It takes bytes.
    #[default]
    Open,
    /// Nothing more is taken. Pending bytes are still written.
    Sealed,
    /// As `Sealed`, and the outbox is dead as soon as no thread writes.
    Ending,
    /// Nothing is taken or written.
    Dead,
}

impl State {
    /// What few outboxes need, to change.
    pub(super) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    pub(super) fn drop_queue(&mut self) -> Option<&mut DropQueue> {
        self.rare.as_mut()?.drop_queue.as_deref_mut()
    }

    pub(super) fn holds_messages(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.held.is_some())
    }

    pub(super) fn advance(&mut self, life: Life) {
        self.life = self.life.max(life);
    }

    /// Holds a message. The caller that holds messages back flushes later.
    pub(super) fn hold(
        &mut self,
        limits: &OutputLimits,
        length: usize,
        put: impl FnOnce(&mut Queue, Protocol),
    ) -> Append {
        let (protocol, open) = (self.protocol, self.life == Life::Open);
        match &mut self.rare().held {
            Some(held) if open => put(held, protocol),
            _ => return Append::Refused,
        }
        self.pending += length;
        self.enforce(limits);
        if self.life == Life::Dead {
            Append::Broke
        } else {
            Append::Nothing
        }
    }

    pub(super) fn append(
        &mut self,
        limits: &OutputLimits,
        length: usize,
        put: impl FnOnce(&mut Queue, Protocol),
    ) -> Append {
        if self.life != Life::Open {
            return Append::Refused;
        }
        put(&mut self.queue, self.protocol);
        self.pending += length;
        self.appended(limits, length)
    }

    /// Counts appended bytes, applies the limits, and returns who flushes.
    pub(super) fn appended(&mut self, limits: &OutputLimits, length: usize) -> Append {
        self.enforce(limits);
        if self.life == Life::Dead {
            return Append::Broke;
        }
        if self.writer != Writer::Nobody {
            return Append::Nothing;
        }
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        if length < self.announced {
            self.announced -= length;
            return Append::Nothing;
        }
        self.announced = MAX_ANNOUNCED;
        Append::Flush
    }

    /// The result of a flush that writes nothing, or nothing more.
    pub(super) fn at_rest(&mut self) -> Flush {
        if self.life == Life::Ending && self.writer != Writer::Thread {
            self.die();
        }
        if self.life == Life::Dead {
            Flush::Dead
        } else {
            Flush::Done
        }
    }

    /// Counts bytes that the socket has taken. Tells in `sent` when the timed message was
    /// published, if it is written now.
    pub(super) fn wrote(&mut self, bytes: usize, sent: &mut Option<Instant>) {
        if self.life == Life::Dead {
            return;
        }
        self.pending -= bytes;
        self.written += bytes as u64;
        *sent = sent.or(self.timed_until(self.written));
        if let Some(drop_queue) = self.drop_queue() {
            drop_queue.wrote(bytes);
        }
    }

    pub(super) fn die(&mut self) {
        self.life = Life::Dead;
        self.queue = Queue::default();
        self.pending = 0;
        if let Some(rare) = &mut self.rare {
            rare.timed = None;
            rare.held = None;
        }
        if let Some(drop_queue) = self.drop_queue() {
            drop_queue.clear();
        }
    }
}
