//! The parts of an outbox that differ if it drops messages instead of being closed.
//! [`drop_queue`](super::drop_queue) holds what waits.
//!
//! Layer `client`. It may use `config` and `resp`.

use std::sync::Arc;
use std::time::Instant;

use super::drop_queue::DropQueue;
use super::state::{Life, Rare, State};
use super::{Append, Delivery, Outbox};
use crate::config::{OutputLimits, OverflowPolicy, OverflowRule};
use crate::resp::replies::Replies;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts the messages that outboxes have dropped, by the policy that dropped them
/// (`pubsub-overflow-policy`).
#[derive(Debug, Default)]
pub(crate) struct DropTotals {
    oldest: DropCounters,
    newest: DropCounters,
}

#[derive(Debug, Default)]
struct DropCounters {
    messages: AtomicU64,
    bytes: AtomicU64,
}

impl DropTotals {
    /// The policies that drop messages.
    pub(crate) const POLICIES: [OverflowPolicy; 2] =
        [OverflowPolicy::DropOldest, OverflowPolicy::DropNewest];

    /// The counters of a policy. The other policy, to disconnect, drops nothing.
    fn of(&self, policy: OverflowPolicy) -> &DropCounters {
        match policy {
            OverflowPolicy::DropNewest => &self.newest,
            OverflowPolicy::DropOldest | OverflowPolicy::Disconnect => &self.oldest,
        }
    }

    /// Counts a message of this many bytes.
    pub(super) fn add(&self, policy: OverflowPolicy, bytes: usize) {
        let counters = self.of(policy);
        counters.messages.fetch_add(1, Relaxed);
        counters.bytes.fetch_add(bytes as u64, Relaxed);
    }

    /// What a policy has dropped.
    pub(crate) fn by(&self, policy: OverflowPolicy) -> Dropped {
        let counters = self.of(policy);
        Dropped {
            messages: counters.messages.load(Relaxed),
            bytes: counters.bytes.load(Relaxed),
        }
    }

    /// CONFIG RESETSTAT.
    pub(crate) fn reset(&self) {
        for counters in [&self.oldest, &self.newest] {
            counters.messages.store(0, Relaxed);
            counters.bytes.store(0, Relaxed);
        }
    }
}

/// How many messages were dropped, and of how many bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dropped {
    /// Messages.
    pub messages: u64,
    /// Bytes of their frames.
    pub bytes: u64,
}

/// What a client has chosen for itself by CLIENT OVERFLOW. `None` means the server's setting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OverflowChoice {
    /// What to do with messages that do not fit.
    pub policy: Option<OverflowPolicy>,
    /// Bytes of messages that may wait.
    pub limit: Option<u64>,
}

impl OverflowChoice {
    /// The rule in force if the server's rule is `server`. A client cannot choose a higher limit
    /// than the server's.
    pub(super) fn within(self, server: OverflowRule) -> OverflowRule {
        OverflowRule {
            policy: self.policy.unwrap_or(server.policy),
            limit: self.limit.map_or(server.limit, |own| own.min(server.limit)),
        }
    }
}

/// Drops that are not logged yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DropReport {
    /// The policy in force.
    pub policy: OverflowPolicy,
    /// Messages dropped since the last log line about this client.
    pub since: Dropped,
}

impl Outbox {
    /// Sets what is done with messages that a slow client does not read: by the client's new
    /// `choice`, or by its old one. `server` returns the server's current rule. It is called under
    /// the outbox's lock, so that of two threads that report a change the later one wins. What
    /// waits already stays. Drops are also added to `totals`.
    pub(crate) fn choose_overflow(
        &self,
        choice: Option<OverflowChoice>,
        server: impl FnOnce() -> OverflowRule,
        totals: &Arc<DropTotals>,
    ) {
        let mut state = self.state.lock();
        let known = state.drop_queue().map(|drop_queue| drop_queue.choice);
        let choice = choice.or(known).unwrap_or_default();
        let server = server();
        let rule = choice.within(server);
        let default = OverflowChoice::default();
        if known.is_none() && choice == default && rule.policy == OverflowPolicy::Disconnect {
            return;
        }
        let new = || Box::new(DropQueue::new(Arc::clone(totals)));
        let State { queue, rare, .. } = &mut *state;
        let Rare {
            held, drop_queue, ..
        } = &mut **rare.get_or_insert_default();
        let drop_queue = drop_queue.get_or_insert_with(new);
        drop_queue.choice = choice;
        let closes = rule.policy == OverflowPolicy::Disconnect && server.policy != rule.policy;
        drop_queue.closes_at = closes.then_some(rule.limit);
        let was_on = drop_queue.is_on();
        drop_queue.set_rule(rule);
        if was_on && !drop_queue.is_on() {
            let (all, messages) = drop_queue.empty();
            queue.append(all);
            if let Some(before) = held {
                before.append(messages);
            }
        }
    }

    /// What this outbox has dropped so far.
    pub(crate) fn dropped(&self) -> Dropped {
        let mut state = self.state.lock();
        let drop_queue = state.drop_queue();
        drop_queue.map_or_else(Dropped::default, |drop_queue| drop_queue.dropped)
    }

    /// Drops to be logged. There are some only once in a while, and at the client's `end`.
    pub(crate) fn drop_report(&self, now: Instant, end: bool) -> Option<DropReport> {
        self.state.lock().drop_queue()?.report(now, end)
    }
}

impl State {
    /// Whether messages may be dropped. If so, the functions of this file are used.
    pub(super) fn drops_messages(&self) -> bool {
        let rare = self.rare.as_ref();
        let drop_queue = rare.and_then(|rare| rare.drop_queue.as_ref());
        drop_queue.is_some_and(|drop_queue| drop_queue.is_on())
    }

    /// Appends messages under a policy that drops.
    #[inline(never)]
    pub(super) fn push_dropping(
        &mut self,
        delivery: &mut Delivery<'_>,
        limits: &OutputLimits,
    ) -> Append {
        let (protocol, holds) = (self.protocol, self.holds_messages());
        let is_open = self.life == Life::Open;
        let Some(drop_queue) = self.drop_queue().filter(|_| is_open) else {
            return Append::Refused;
        };
        let frames = delivery.frames;
        let pushed = drop_queue.push(&frames, protocol, holds, |index| {
            delivery.refuse(index);
        });
        self.pending = self.pending + pushed.taken - pushed.freed;
        if pushed.freed > 0 {
            // It may have been dropped, and if not, others before it were.
            self.rare().timed = None;
        }
        if pushed.taken == 0 || holds {
            return Append::Nothing;
        }
        let append = self.appended(limits, pushed.taken);
        self.time(append, delivery.published);
        append
    }

    /// Appends replies under a policy that drops.
    #[inline(never)]
    pub(super) fn append_replies_dropping(
        &mut self,
        replies: &mut Replies,
        limits: &OutputLimits,
    ) -> Append {
        let is_open = self.life == Life::Open;
        let Some(drop_queue) = self.drop_queue().filter(|_| is_open) else {
            return Append::Refused;
        };
        let length = replies.len();
        drop_queue.reply(replies);
        self.pending += length;
        self.appended(limits, length)
    }

    /// Fills the queue with what is to be written next, if that waits in the drop queue.
    pub(super) fn refill(&mut self) {
        if self.queue.is_empty()
            && let Some(drop_queue) = self.drop_queue()
        {
            self.queue = drop_queue.next_run();
        }
    }

    /// Returns unsent messages to the drop queue, except the first `committed` bytes.
    pub(super) fn take_back(&mut self, committed: usize) {
        let State { queue, rare, .. } = self;
        let drop_queue = rare.as_mut().and_then(|rare| rare.drop_queue.as_mut());
        if let Some(drop_queue) = drop_queue {
            *queue = drop_queue.take_back(std::mem::take(queue), committed);
        }
    }
}
