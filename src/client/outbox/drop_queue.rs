//! The messages and replies that wait in an outbox that drops messages instead of being closed
//! (`pubsub-overflow-policy`).
//!
//! Layer `client`. It may use `config` and `resp`. The lock of its outbox guards it.
//!
//! Under `drop-oldest` and `drop-newest` the outbox has to know where each message begins, and
//! which bytes are replies. So messages and replies wait here in separate queues. Runs of them move
//! into the [`Queue`] that is written:
//!
//! ```text
//!   messages ─▶ waiting ─┐  whole messages, or the replies between two of them
//!                        ├──────────────────────────────────────▶ the outbox's queue ─▶ socket
//!   replies ──▶ replies ─┘  ◀── messages that the socket has not begun come back ──
//! ```
//!
//! Invariants:
//! - Messages have ascending numbers, in the order in which they were appended. A run of replies
//!   has the number of the message that it stands before. So the order of what stays never changes,
//!   whatever is dropped, even while other messages are in flight.
//! - The outbox's queue holds either bytes that are never dropped, or exactly the messages of
//!   `in_flight`. It is filled only when it is empty, and with at most about [`FLIGHT`] bytes, so
//!   few messages are out of reach. A message stays in flight until the kernel has all of it if the
//!   kernel has one byte of it, or if a part of it is in a TLS record that the kernel has not fully
//!   taken.
//! - The `cost` of what waits, is held or is in flight never exceeds the limit. It includes what a
//!   message takes beside its bytes. Messages are copied, and not shared in a
//!   [`Backlog`](crate::client::backlog::Backlog): a range of a segment would keep the whole
//!   segment alive, even if all messages but one were dropped.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::queue::{Chunk, Queue};
use crate::client::frames::{Frames, SHARED_BODY};
use crate::client::outbox::overflow::{DropReport, DropTotals, Dropped, OverflowChoice};
use crate::config::{OverflowPolicy, OverflowRule};
use crate::resp::Protocol;
use crate::resp::replies::Replies;

/// About how many bytes of messages go to the socket at a time.
const FLIGHT: usize = 64 * 1024;
/// What a message takes beside its bytes: its span, in a list that grows by doubling.
const OVERHEAD: usize = 2 * size_of::<MessageSpan>();
/// The same if its body is shared: also two chunks in such a list, and their reference counts.
const BODY_OVERHEAD: usize = OVERHEAD + 4 * size_of::<Chunk>() + 96;
/// An empty list that has more room than this is dropped.
const KEPT_SPANS: usize = 64;
/// The time between two log lines about one client.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// What counts against the limit for a message of this many bytes.
fn cost(length: usize) -> usize {
    let overhead = if length > SHARED_BODY {
        BODY_OVERHEAD
    } else {
        OVERHEAD
    };
    length + overhead
}

/// A message's number and length in bytes.
#[derive(Clone, Copy, Debug)]
struct MessageSpan {
    number: u64,
    length: usize,
}

/// Whole messages, in order.
#[derive(Debug, Default)]
struct Messages {
    bytes: Queue,
    spans: VecDeque<MessageSpan>,
}

impl Messages {
    fn push(&mut self, number: u64, head: &[u8], body: Option<&Bytes>, protocol: Protocol) {
        let copy = self.bytes.push_copy(head);
        copy[0] = protocol.push_marker();
        if let Some(body) = body {
            self.bytes.push_shared(body);
        }
        let length = head.len() + body.map_or(0, Bytes::len);
        self.spans.push_back(MessageSpan { number, length });
    }

    fn drop_first(&mut self) -> Option<usize> {
        let MessageSpan { length, .. } = self.spans.pop_front()?;
        self.bytes.advance(length);
        Some(length)
    }
}

/// How many bytes a push added, and how many it freed by dropping older messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pushed {
    pub(super) taken: usize,
    pub(super) freed: usize,
}

/// The waiting messages and replies of one outbox. Boxed, because most outboxes never have it.
#[derive(Debug)]
pub(super) struct DropQueue {
    pub(super) choice: OverflowChoice,
    rule: OverflowRule,
    /// The number of pending bytes at which the client is disconnected, below
    /// `client-output-buffer-limit`. It is set if the client chose disconnection and the server's
    /// policy is to drop: the client may not let more wait than the server's rule allows.
    pub(super) closes_at: Option<u64>,
    totals: Arc<DropTotals>,
    pub(super) dropped: Dropped,
    told: Dropped,
    last_line: Option<Instant>,
    waiting: Messages,
    /// The number of the next message.
    next: u64,
    /// Messages that wait until the current reply is appended (see `Outbox::hold_messages`). They
    /// have no numbers yet.
    held: Messages,
    replies: Queue,
    /// For each run, the number of the message that it stands before, and its bytes.
    runs: VecDeque<(u64, usize)>,
    in_flight: VecDeque<MessageSpan>,
    /// How many bytes of the first message in flight the kernel has.
    written: usize,
    in_flight_cost: usize,
    cost: usize,
    /// Bytes of messages that wait, are held or are in flight, without those that the kernel has.
    bytes: usize,
}

impl DropQueue {
    pub(super) fn new(totals: Arc<DropTotals>) -> DropQueue {
        DropQueue {
            choice: OverflowChoice::default(),
            rule: OverflowRule::default(),
            closes_at: None,
            totals,
            dropped: Dropped::default(),
            told: Dropped::default(),
            last_line: None,
            waiting: Messages::default(),
            next: 0,
            held: Messages::default(),
            replies: Queue::default(),
            runs: VecDeque::new(),
            in_flight: VecDeque::new(),
            written: 0,
            in_flight_cost: 0,
            cost: 0,
            bytes: 0,
        }
    }

    /// Whether messages are dropped.
    pub(super) fn is_on(&self) -> bool {
        self.rule.policy != OverflowPolicy::Disconnect
    }

    /// Changes the rule. A lower limit applies from the next message on.
    pub(super) fn set_rule(&mut self, rule: OverflowRule) {
        self.rule = rule;
    }

    /// Bytes of messages that the kernel does not have.
    pub(super) fn message_bytes(&self) -> usize {
        self.bytes
    }

    /// Memory that is taken beside the pending bytes.
    pub(super) fn overhead(&self) -> usize {
        let runs = self.runs.capacity() * size_of::<(u64, usize)>();
        size_of::<DropQueue>() + runs + self.cost.saturating_sub(self.bytes)
    }

    /// The queues in which bytes wait to be written.
    pub(super) fn queues(&self) -> [&Queue; 2] {
        [&self.waiting.bytes, &self.replies]
    }

    /// Takes the messages of `frames`, as far as the policy allows. They are `held` or wait.
    /// Returns which were refused.
    pub(super) fn push(
        &mut self,
        frames: &Frames<'_>,
        protocol: Protocol,
        held: bool,
        mut refuse: impl FnMut(usize),
    ) -> Pushed {
        let mut pushed = Pushed::default();
        for index in 0..frames.starts.len() {
            let head = frames.head(index);
            let length = head.len() + frames.body.map_or(0, Bytes::len);
            if !self.make_room(cost(length), &mut pushed.freed) {
                self.count(length);
                refuse(index);
                continue;
            }
            let messages = if held {
                &mut self.held
            } else {
                &mut self.waiting
            };
            messages.push(self.next, head, frames.body, protocol);
            self.next += u64::from(!held);
            self.cost += cost(length);
            self.bytes += length;
            pushed.taken += length;
        }
        pushed
    }

    /// Makes room for a message by dropping others. Drops nothing if that would not make enough
    /// room.
    fn make_room(&mut self, cost: usize, freed: &mut usize) -> bool {
        let limit = usize::try_from(self.rule.limit).unwrap_or(usize::MAX);
        if self.in_flight_cost + cost > limit {
            return false;
        }
        while self.cost + cost > limit {
            if self.rule.policy != OverflowPolicy::DropOldest {
                return false;
            }
            *freed += self.drop_oldest();
        }
        true
    }

    fn drop_oldest(&mut self) -> usize {
        let oldest = self.waiting.drop_first();
        let oldest = oldest.or_else(|| self.held.drop_first());
        let length = oldest.expect("all that costs and is not in flight waits or is held");
        self.cost -= cost(length);
        self.bytes -= length;
        self.count(length);
        length
    }

    fn count(&mut self, length: usize) {
        self.dropped.messages += 1;
        self.dropped.bytes += length as u64;
        self.totals.add(self.rule.policy, length);
    }

    /// Takes replies, and empties the buffer that holds them.
    pub(super) fn reply(&mut self, replies: &mut Replies) {
        self.note_replies(replies.len());
        self.replies.push_replies(replies);
    }

    fn note_replies(&mut self, length: usize) {
        match self.runs.back_mut() {
            Some((before, run)) if *before == self.next => *run += length,
            _ => self.runs.push_back((self.next, length)),
        }
    }

    /// Queues the messages that were held. `before` is what was held before the policy was chosen;
    /// it comes first and is never dropped.
    pub(super) fn release(&mut self, before: Queue) {
        if !before.is_empty() {
            self.note_replies(before.len());
            self.replies.append(before);
        }
        let Messages { bytes, spans } = std::mem::take(&mut self.held);
        self.waiting.bytes.append(bytes);
        for MessageSpan { length, .. } in spans {
            let number = self.next;
            self.waiting.spans.push_back(MessageSpan { number, length });
            self.next += 1;
        }
    }

    /// Takes out the next run for the socket. Everything before it must have been written.
    pub(super) fn next_run(&mut self) -> Queue {
        let first = self.waiting.spans.front().map(|span| span.number);
        let due = |(before, _): &mut (u64, usize)| first.is_none_or(|first| *before <= first);
        let mut replies = 0;
        while let Some((_, length)) = self.runs.pop_front_if(due) {
            replies += length;
        }
        if replies > 0 {
            return self.replies.split_to(replies);
        }
        let until = self.runs.front().map_or(u64::MAX, |(before, _)| *before);
        let mut bytes = 0;
        let fit = self.waiting.spans.iter().take_while(|span| {
            let fits = span.number < until && (bytes == 0 || bytes + span.length <= FLIGHT);
            bytes += if fits { span.length } else { 0 };
            fits
        });
        let count = fit.count();
        if count == self.waiting.spans.len() {
            std::mem::swap(&mut self.in_flight, &mut self.waiting.spans);
        } else {
            self.in_flight.extend(self.waiting.spans.drain(..count));
        }
        self.add_up();
        self.waiting.bytes.split_to(bytes)
    }

    /// Records that the kernel has taken this many bytes of the outbox's queue.
    pub(super) fn wrote(&mut self, mut taken: usize) {
        while let Some(&MessageSpan { length, .. }) = self.in_flight.front() {
            let left = length - self.written;
            if taken < left {
                self.written += taken;
                self.bytes -= taken;
                return;
            }
            taken -= left;
            self.written = 0;
            self.bytes -= left;
            self.cost -= cost(length);
            self.in_flight_cost -= cost(length);
            self.in_flight.pop_front();
        }
        if self.in_flight.capacity() > KEPT_SPANS {
            self.in_flight = VecDeque::new();
        }
    }

    /// Takes back the messages of the outbox's `queue` that can still be dropped: those of which
    /// neither the kernel nor the first `committed` bytes have a part. Returns the rest of the
    /// queue.
    pub(super) fn take_back(&mut self, mut queue: Queue, committed: usize) -> Queue {
        if self.in_flight.is_empty() {
            return queue;
        }
        let (mut begun, mut bytes, mut written) = (0, 0, self.written);
        for span in &self.in_flight {
            if written == 0 && bytes >= committed {
                break;
            }
            begun += 1;
            bytes += span.length - written;
            written = 0;
        }
        let stays = queue.split_to(bytes);
        let mut spans = self.in_flight.split_off(begun);
        spans.append(&mut self.waiting.spans);
        self.waiting.spans = spans;
        self.waiting.bytes.put_back(queue);
        self.add_up();
        stays
    }

    fn add_up(&mut self) {
        let costs = self.in_flight.iter().map(|span| cost(span.length));
        self.in_flight_cost = costs.sum();
    }

    /// Takes everything out, in order: what waits, and what is held. From then on these bytes are
    /// not dropped.
    pub(super) fn empty(&mut self) -> (Queue, Queue) {
        let mut all = Queue::default();
        loop {
            self.in_flight.clear();
            let run = self.next_run();
            if run.is_empty() {
                break;
            }
            all.append(run);
        }
        let held = std::mem::take(&mut self.held.bytes);
        self.clear();
        (all, held)
    }

    /// Drops everything that waits.
    pub(super) fn clear(&mut self) {
        *self = DropQueue {
            choice: self.choice,
            rule: self.rule,
            closes_at: self.closes_at,
            dropped: self.dropped,
            told: self.told,
            last_line: self.last_line,
            ..DropQueue::new(Arc::clone(&self.totals))
        };
    }

    /// What is to be logged, if a line about this client is due. At the client's `end` it is due at
    /// once.
    pub(super) fn report(&mut self, now: Instant, end: bool) -> Option<DropReport> {
        let rested = |last: Instant| now.duration_since(last) >= LINE_EVERY;
        if self.told == self.dropped || !(end || self.last_line.is_none_or(rested)) {
            return None;
        }
        let since = Dropped {
            messages: self.dropped.messages - self.told.messages,
            bytes: self.dropped.bytes - self.told.bytes,
        };
        self.told = self.dropped;
        self.last_line = Some(now);
        Some(DropReport {
            policy: self.rule.policy,
            since,
        })
    }
}

#[cfg(test)]
mod tests;
