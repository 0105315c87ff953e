//! What waits in an outbox that drops messages instead of being closed (`pubsub-overflow-policy`).
//!
//! Under `drop-oldest` and `drop-newest` the outbox has to know where each message begins and which
//! bytes are replies, so they wait here, apart from each other, and go a run at a time into the
//! [`Queue`] that is written:
//!
//! ```text
//!   messages ─▶ waiting ─┐  whole messages, or the replies between two of them
//!                        ├──────────────────────────────────────▶ the outbox's queue ─▶ socket
//!   replies ──▶ replies ─┘  ◀── what the socket has not begun comes back ──
//! ```
//!
//! Invariants:
//! - Messages have rising numbers, in the order in which they came. A run of replies notes the first
//!   number that it stands before; so the order of all that stays never changes, whatever is
//!   dropped, be it while others are in flight.
//! - The outbox's queue holds either bytes that are never dropped, or the messages of `in_flight`
//!   and nothing else. It is filled when it is empty, and not beyond [`FLIGHT`], so that hardly
//!   anything is out of reach. A message of which the kernel has a byte, or a TLS record that is
//!   not all with the kernel, stays in flight until the kernel has all of it.
//! - `cost` of what waits, is held or is in flight never passes the limit. It counts what keeping a
//!   message takes beside its bytes. Messages are copied, not shared in a
//!   [`Backlog`](crate::client::backlog::Backlog): a range of a segment keeps all of it alive, of
//!   which all but a message may have been dropped.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::queue::{Chunk, Queue};
use crate::client::frames::{Frames, SHARED_BODY};
use crate::client::outbox::DropTotals;
use crate::config::{OverflowPolicy, OverflowRule};
use crate::resp::Protocol;
use crate::resp::replies::Replies;

/// Messages of about so many bytes go to the socket at a time.
const FLIGHT: usize = 64 * 1024;
/// What keeping a message takes beside its bytes: its span, in a list that grows by doubling;
const OVERHEAD: usize = 2 * size_of::<MessageSpan>();
/// and where its body is shared, two chunks, in such a list too, and their reference counts.
const BODY_OVERHEAD: usize = OVERHEAD + 4 * size_of::<Chunk>() + 96;
/// A list that has had room for more is not kept when it is empty.
const KEPT_MARKS: usize = 64;
/// Between two lines of the log about one client.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// What counts against the limit for a message of so many bytes.
fn cost(length: usize) -> usize {
    let overhead = if length > SHARED_BODY {
        BODY_OVERHEAD
    } else {
        OVERHEAD
    };
    length + overhead
}

/// How many messages were dropped, and of how many bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dropped {
    /// Messages.
    pub messages: u64,
    /// Bytes of their frames.
    pub bytes: u64,
}

/// What a client has chosen for itself by CLIENT OVERFLOW; what it has not is the server's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OverflowChoice {
    /// What to do with messages that do not fit.
    pub policy: Option<OverflowPolicy>,
    /// Bytes of messages that may wait.
    pub limit: Option<u64>,
}

impl OverflowChoice {
    /// The rule in force, where the server's is `server`. No choice lets more wait than the server does.
    pub(super) fn within(self, server: OverflowRule) -> OverflowRule {
        OverflowRule {
            policy: self.policy.unwrap_or(server.policy),
            limit: self.limit.map_or(server.limit, |own| own.min(server.limit)),
        }
    }
}

/// Drops that the log has not told yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DropReport {
    /// The policy in force.
    pub policy: OverflowPolicy,
    /// What was dropped since the last line about this client.
    pub since: Dropped,
}

/// A message: its number, and how long it is.
#[derive(Clone, Copy, Debug)]
struct MessageSpan {
    number: u64,
    length: usize,
}

/// Whole messages, one behind the other.
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

/// What a push did to the bytes that are pending.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pushed {
    pub(super) taken: usize,
    pub(super) freed: usize,
}

/// See the module. Boxed: most outboxes never have one.
#[derive(Debug)]
pub(super) struct DropQueue {
    pub(super) choice: OverflowChoice,
    rule: OverflowRule,
    /// Bytes at which the client is closed, below `client-output-buffer-limit`: it chose that where
    /// the server would drop messages, and may have no more wait than the server lets wait.
    pub(super) closes_at: Option<u64>,
    totals: Arc<DropTotals>,
    pub(super) dropped: Dropped,
    told: Dropped,
    last_line: Option<Instant>,
    waiting: Messages,
    /// The number of the next message.
    next: u64,
    /// Behind them, once the reply that is being made is there (see `Outbox::hold_messages`).
    /// They have no numbers yet.
    held: Messages,
    replies: Queue,
    /// The first number that they stand before, and bytes.
    runs: VecDeque<(u64, usize)>,
    in_flight: VecDeque<MessageSpan>,
    /// Bytes of the first message in flight that the kernel has.
    written: usize,
    in_flight_cost: usize,
    cost: usize,
    /// Bytes of messages that wait, are held or in flight, and the kernel does not have.
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

    /// A lower limit holds from the next message on.
    pub(super) fn set_rule(&mut self, rule: OverflowRule) {
        self.rule = rule;
    }

    /// Bytes of messages that the kernel does not have.
    pub(super) fn message_bytes(&self) -> usize {
        self.bytes
    }

    /// Memory beside the bytes that are pending.
    pub(super) fn overhead(&self) -> usize {
        let runs = self.runs.capacity() * size_of::<(u64, usize)>();
        size_of::<DropQueue>() + runs + self.cost.saturating_sub(self.bytes)
    }

    /// The queues in which bytes wait to be written.
    pub(super) fn queues(&self) -> [&Queue; 2] {
        [&self.waiting.bytes, &self.replies]
    }

    /// Takes the messages of `frames`, to be `held` or not, as far as the policy has it; says which
    /// were refused.
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

    /// Makes room for a message, if that is to be had. Nothing is dropped in vain.
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
        self.totals.messages.fetch_add(1, Relaxed);
        self.totals.bytes.fetch_add(length as u64, Relaxed);
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

    /// What was held waits from now on, behind `before`, which was held before the policy was
    /// chosen and stays.
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

    /// What goes to the socket next, now that all before it has gone.
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

    /// The kernel has taken so many bytes of the outbox's queue.
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
        if self.in_flight.capacity() > KEPT_MARKS {
            self.in_flight = VecDeque::new();
        }
    }

    /// Takes back the messages in the outbox's queue of which the kernel has nothing, and the first,
    /// `committed` bytes of the queue have nothing either; gives what must stay there.
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

    /// Gives all away, in order, as bytes that are not to be dropped any more: what waits, and what
    /// is held.
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

    /// Forgets all that waits.
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

    /// What the log has to be told: if a line about this client is due, or whatever there is if it
    /// is at its `end`.
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
