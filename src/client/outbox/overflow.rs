//! Where an outbox drops messages instead of being closed: what it then does otherwise than usual.
//! How they wait is in [`drop_queue`](super::drop_queue).

use std::sync::Arc;
use std::time::Instant;

use super::drop_queue::DropQueue;
use super::{Append, Delivery, DropReport, Dropped, Outbox, OverflowChoice, State};
use crate::config::{OutputLimits, OverflowPolicy, OverflowRule};
use crate::resp::replies::Replies;
use std::sync::atomic::AtomicU64;

/// Messages that outboxes have dropped (`pubsub-overflow-policy`).
#[derive(Debug, Default)]
pub(crate) struct DropTotals {
    /// Messages.
    pub messages: AtomicU64,
    /// Bytes of their frames.
    pub bytes: AtomicU64,
}

impl Outbox {
    /// Chooses what is done with messages that a slow client lets lie: by its own new `choice`, or
    /// as it chose before. `server` says what the server's rule is now; it is asked under the
    /// outbox's lock, so that of two who tell the outbox of a change the later one has the last
    /// word. What waits already stays; drops are added to `totals`, too.
    pub(crate) fn choose_overflow(
        &self,
        choice: Option<OverflowChoice>,
        server: impl FnOnce() -> OverflowRule,
        totals: &Arc<DropTotals>,
    ) {
        let mut state = self.state.lock();
        let known = state
            .drop_queue
            .as_ref()
            .map(|drop_queue| drop_queue.choice);
        let choice = choice.or(known).unwrap_or_default();
        let server = server();
        let rule = choice.within(server);
        let default = OverflowChoice::default();
        if state.drop_queue.is_none()
            && choice == default
            && rule.policy == OverflowPolicy::Disconnect
        {
            return;
        }
        let new = || Box::new(DropQueue::new(Arc::clone(totals)));
        let drop_queue = state.drop_queue.get_or_insert_with(new);
        drop_queue.choice = choice;
        let closes = rule.policy == OverflowPolicy::Disconnect && server.policy != rule.policy;
        drop_queue.closes_at = closes.then_some(rule.limit);
        let was_on = drop_queue.is_on();
        drop_queue.set_rule(rule);
        if was_on && !drop_queue.is_on() {
            let (all, held) = drop_queue.empty();
            state.queue.append(all);
            if let Some(before) = &mut state.held {
                before.append(held);
            }
        }
    }

    /// What was dropped so far.
    pub(crate) fn dropped(&self) -> Dropped {
        let state = self.state.lock();
        state
            .drop_queue
            .as_ref()
            .map(|drop_queue| drop_queue.dropped)
            .unwrap_or_default()
    }

    /// Drops that are to be logged: once in a while, and what is left at the client's `end`.
    pub(crate) fn drop_report(&self, now: Instant, end: bool) -> Option<DropReport> {
        self.state.lock().drop_queue.as_mut()?.report(now, end)
    }
}

impl State {
    /// Whether some may be dropped: then it goes on in this file.
    pub(super) fn drops_messages(&self) -> bool {
        self.drop_queue
            .as_ref()
            .is_some_and(|drop_queue| drop_queue.is_on())
    }

    /// Takes messages under a policy that drops some.
    #[inline(never)]
    pub(super) fn push_bounded(
        &mut self,
        delivery: &mut Delivery<'_>,
        limits: &OutputLimits,
    ) -> Append {
        let Some(drop_queue) = &mut self.drop_queue else {
            return Append::Refused;
        };
        if self.dead || self.sealed {
            return Append::Refused;
        }
        let frames = delivery.frames;
        let holds = self.held.is_some();
        let pushed = drop_queue.push(&frames, self.protocol, holds, |index| {
            delivery.refuse(index);
        });
        self.pending = self.pending + pushed.taken - pushed.freed;
        if pushed.taken == 0 || holds {
            return Append::Nothing;
        }
        self.appended(limits, pushed.taken)
    }

    /// Takes replies while messages may be dropped.
    #[inline(never)]
    pub(super) fn reply_bounded(&mut self, replies: &mut Replies, limits: &OutputLimits) -> Append {
        let Some(drop_queue) = &mut self.drop_queue else {
            return Append::Refused;
        };
        if self.dead || self.sealed {
            return Append::Refused;
        }
        let length = replies.len();
        drop_queue.reply(replies);
        self.pending += length;
        self.appended(limits, length)
    }

    /// Fills the queue with what is to be written next, where that waits elsewhere.
    pub(super) fn refill(&mut self) {
        if let Some(drop_queue) = &mut self.drop_queue
            && self.queue.is_empty()
        {
            self.queue = drop_queue.next_run();
        }
    }

    /// The other way round, but for what is written or in the first, `committed` bytes.
    pub(super) fn take_back(&mut self, committed: usize) {
        if let Some(drop_queue) = &mut self.drop_queue {
            self.queue = drop_queue.take_back(std::mem::take(&mut self.queue), committed);
        }
    }
}
