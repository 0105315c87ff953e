//! The work list of a cycle (see `conn::batch`): messages are appended to outboxes at once, the
//! sockets are written afterwards, in the order in which they came to be owed a write.
//!
//! A subscriber is on the list once, however many messages it was sent since, and then gets them in
//! one write. A publisher that is among its own receivers has its outbox hold messages
//! until its reply is there (see `command::pubsub::publish`): Redis sends the reply first.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::BytesMut;

use super::message::Messages;
use super::subscribers::Subscribers;
use crate::client::Client;
use crate::client::frames::Frames;
use crate::client::outbox::Delivery;
use crate::config::OutputLimits;

/// At most so many bytes are appended before those who were sent something are written to: for each
/// of them, as a write gets no cheaper beyond that;
const MAX_CYCLE_EACH: usize = 256 * 1024;
/// and for all of them together, as it takes memory.
const MAX_CYCLE: usize = 32 * 1024 * 1024;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Fanout {
    /// Messages that are about to be published.
    pub messages: Messages,
    /// Where messages went.
    pub pending: PendingFlush,
}

/// Where messages went.
#[derive(Debug, Default)]
pub(crate) struct PendingFlush {
    /// Who is to be flushed, in this order. Somebody may be in it twice.
    touched: VecDeque<Arc<Client>>,
    limits: OutputLimits,
    /// Appends since the batch began.
    appends: usize,
    /// And their bytes.
    appended: usize,
    cycle: WriteCycle,
}

/// What was appended since somebody has last been owed a flush.
#[derive(Debug, Default)]
struct WriteCycle {
    clients: usize,
    bytes: usize,
}

impl Fanout {
    /// Prepares for a batch.
    pub(crate) fn begin_batch(&mut self, limits: OutputLimits) {
        self.pending.limits = limits;
        self.pending.appends = 0;
        self.pending.appended = 0;
        if self.pending.touched.is_empty() {
            self.pending.cycle = WriteCycle::default();
        }
    }

    /// Appends the reply to a command of another client, one that was blocked. Returns whether its
    /// outbox has taken it.
    pub(crate) fn reply(&mut self, client: &Arc<Client>, mut reply: BytesMut) -> bool {
        let append = client.outbox.send(&mut reply, &self.pending.limits);
        if append.wants_flush() {
            self.pending.touch(client);
        }
        append.was_taken()
    }

    /// Appends a line to a monitor.
    pub(crate) fn feed(&mut self, monitor: &Arc<Client>, line: &[u8]) {
        self.pending.appends += 1;
        self.pending.cycle.bytes += line.len();
        let append = monitor.outbox.feed(line, &self.pending.limits);
        if append.wants_flush() {
            self.pending.touch(monitor);
        }
    }

    /// How many times something was appended to an outbox since the batch began.
    pub(crate) fn appends(&self) -> usize {
        self.pending.appends
    }

    /// Bytes appended since the batch began.
    pub(crate) fn appended(&self) -> usize {
        self.pending.appended
    }

    /// Whether those who are still to be flushed have been sent so much that it is time to.
    pub(crate) fn is_due(&self) -> bool {
        let WriteCycle { clients, bytes } = self.pending.cycle;
        bytes > MAX_CYCLE.min(clients * MAX_CYCLE_EACH)
    }

    /// The limits of outboxes, as they were when the batch began.
    pub(crate) fn limits(&self) -> &OutputLimits {
        &self.pending.limits
    }

    /// Whether anybody is still to be flushed.
    pub(crate) fn has_touched(&self) -> bool {
        !self.pending.touched.is_empty()
    }

    /// Hands over the first of those who are to be flushed. The others are still on the list while
    /// the caller is at it, and flushed even if that panics.
    pub(crate) fn next_touched(&mut self) -> Option<Arc<Client>> {
        self.pending.touched.pop_front()
    }
}

impl PendingFlush {
    /// Appends frames to the outboxes of a name's subscribers. Returns for each frame how many have
    /// refused it ([`Delivery::into_refused`]).
    pub(crate) fn deliver(&mut self, frames: Frames<'_>, subscribers: &Subscribers) -> Vec<usize> {
        let mut delivery = Delivery::new(frames, subscribers.backlog());
        self.appends += subscribers.len();
        let bytes = subscribers.len() * frames.len();
        self.appended += bytes;
        self.cycle.bytes += bytes;
        for client in subscribers.clients() {
            let append = client.outbox.push(&mut delivery, &self.limits);
            if append.wants_flush() {
                self.touch(client);
            }
        }
        delivery.into_refused()
    }

    fn touch(&mut self, client: &Arc<Client>) {
        self.cycle.clients += 1;
        self.touched.push_back(Arc::clone(client));
    }
}

/// An announced outbox that nobody flushed would wait for its subscriber's own task, and later
/// publishers with it. So a work list that is dropped half-way (a panic, a runtime that ends) is
/// worked off.
impl Drop for PendingFlush {
    fn drop(&mut self) {
        for client in self.touched.drain(..) {
            // A dead client's own task, which this wakes, disconnects it.
            let _ = client.flush(&mut 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;
    use crate::client::Addresses;
    use crate::client::Namespace;
    use crate::client::socket::split_unix;

    /// A subscriber, and its other end.
    async fn subscriber(id: u64) -> (Arc<Client>, tokio::net::UnixStream) {
        let (ours, peer) = tokio::net::UnixStream::pair().unwrap();
        let (_read, socket) = split_unix(ours);
        std::future::poll_fn(|context| socket.poll_write_ready(context))
            .await
            .unwrap();
        let client = Client::new(id, Addresses::Unix(Arc::default()), socket);
        (Arc::new(client), peer)
    }

    /// Whoever was not flushed yet when another's flush panicked is flushed on the way out.
    #[tokio::test]
    async fn a_panic_over_one_leaves_no_other_unflushed() {
        let (one, _peer) = subscriber(1).await;
        let (two, mut peer) = subscriber(2).await;
        let mut fanout = Fanout::default();
        fanout.begin_batch(OutputLimits::default());
        fanout.feed(&one, b"line");
        fanout.feed(&two, b"line");
        let work = std::panic::AssertUnwindSafe(move || {
            let first = fanout.next_touched().unwrap();
            assert_ne!(first.id, 1, "a deliberate panic");
        });
        assert!(std::panic::catch_unwind(work).is_err());
        let mut received = [0; 4];
        peer.read_exact(&mut received).await.unwrap();
        assert_eq!(&received, b"line");
    }

    #[tokio::test]
    async fn a_dropped_work_list_is_worked_off() {
        let (subscriber, mut peer) = subscriber(7).await;

        let mut fanout = Fanout::default();
        fanout.begin_batch(OutputLimits::default());
        fanout
            .messages
            .add(Namespace::Channel, b"c", b"one"[..].into());
        let mut subscribers = Subscribers::default();
        subscribers.insert(&subscriber);
        fanout.pending.deliver(fanout.messages.all(), &subscribers);
        drop(fanout);

        let expected = b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$3\r\none\r\n";
        let mut received = vec![0; expected.len()];
        peer.read_exact(&mut received).await.unwrap();
        assert_eq!(received, expected);
    }
}
