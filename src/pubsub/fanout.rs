//! Appends messages to outboxes, and lists the clients that are to be flushed.
//!
//! Layer `pubsub`. It may use `client` and what lies below.
//!
//! A message is appended to the outboxes at once. The sockets are written later in the write cycle
//! (see `conn::batch`), in the order in which the clients came onto the list. A client comes onto
//! the list when its outbox asks for a flush, and gets everything that was appended since in one
//! write.
//!
//! A publisher may be among its own receivers. Redis sends it the reply before the message, so its
//! outbox holds messages back until the reply is appended (see `command::pubsub::publish`).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::message::Messages;
use super::shared_flush::SharedFlush;
use super::subscribers::Subscribers;
use crate::client::Client;
use crate::client::backlog::BacklogBytes;
use crate::client::frames::Frames;
use crate::client::outbox::{Append, Delivery, Written};
use crate::config::OutputLimits;
use crate::resp::replies::Replies;

/// A write cycle ends when it has appended this many bytes per client on the list. A write gets no
/// cheaper per byte beyond that.
const MAX_CYCLE_EACH: usize = 256 * 1024;
/// A write cycle ends when it has appended this many bytes in all, which bounds the memory they
/// take.
const MAX_CYCLE: usize = 32 * 1024 * 1024;

/// Workers share a list if there are this many clients for each of two, and as many more help as get as
/// many. A write by another worker takes 1.1 times as long, since what was appended is in the
/// publisher's cache. This is more than a millisecond for each, which is worth it.
pub(crate) const SHARE: usize = 256;
/// About how long a write takes.
const WRITE: Duration = Duration::from_micros(5);

/// The buffers and the work list of a thread that publishes.
#[derive(Debug, Default)]
pub(crate) struct Fanout {
    /// The buffer for a message that is published by itself; empty between two of them.
    pub single: Messages,
    /// The clients to flush.
    pub pending: PendingFlush,
}

/// The clients whose outboxes are to be flushed, and how much was appended.
#[derive(Debug)]
pub(crate) struct PendingFlush {
    /// The clients to flush, in this order. A client may be listed twice.
    touched: VecDeque<Arc<Client>>,
    /// Clients to flush that came onto the list before, and that several workers share.
    shared: Option<Shared>,
    /// Whether the list is to be shared, since a message of the batch has many receivers, and such
    /// messages are rare.
    spreads: bool,
    limits: OutputLimits,
    /// When the messages that are appended now were published.
    published: Instant,
    /// How many appends there were since the batch began.
    appends: usize,
    /// How many bytes they had.
    appended: usize,
    cycle: WriteCycle,
}

/// The part of the list that other workers share.
#[derive(Debug)]
struct Shared {
    list: Arc<SharedFlush>,
    /// The publisher's worker.
    own: usize,
}

/// What was added to the list, and appended to outboxes, since the list was last empty at the start
/// of a batch.
#[derive(Debug, Default)]
struct WriteCycle {
    clients: usize,
    bytes: usize,
}

impl Fanout {
    /// Prepares for a batch that begins at `now`.
    pub(crate) fn begin_batch(&mut self, limits: OutputLimits, now: Instant) {
        self.pending.limits = limits;
        self.pending.published = now;
        self.pending.appends = 0;
        self.pending.appended = 0;
        self.pending.spreads = false;
        if !self.has_touched() {
            self.pending.shared = None;
            self.pending.cycle = WriteCycle::default();
        }
    }

    /// Messages from now on are published at `now`.
    pub(crate) fn set_time(&mut self, now: Instant) {
        self.pending.set_time(now);
    }

    /// Appends the reply to a client that was blocked and that another client's command has served.
    /// Returns whether its outbox has accepted the reply.
    pub(crate) fn reply(&mut self, client: &Arc<Client>, mut reply: Replies) -> bool {
        let append = client.outbox.send(&mut reply, &self.pending.limits);
        if append.wants_flush() {
            self.pending.touch(client);
        }
        append.was_taken()
    }

    /// Appends a line to a monitor's outbox.
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

    /// Whether so much was appended that the listed clients should be flushed now.
    pub(crate) fn is_due(&self) -> bool {
        let WriteCycle { clients, bytes } = self.pending.cycle;
        bytes > MAX_CYCLE.min(clients * MAX_CYCLE_EACH)
    }

    /// The limits of the outboxes when the batch began.
    pub(crate) fn limits(&self) -> &OutputLimits {
        &self.pending.limits
    }

    /// Whether a client is still to be flushed.
    pub(crate) fn has_touched(&self) -> bool {
        self.pending.has_touched()
    }

    /// Shares the list among this many workers, if that pays. Returns the shared list and those that
    /// must help, beside the publisher's worker `own`.
    pub(crate) fn share(
        &mut self,
        workers: usize,
        own: usize,
    ) -> Option<(Arc<SharedFlush>, Vec<usize>)> {
        let pending = &mut self.pending;
        let spreads = std::mem::take(&mut pending.spreads);
        let pays = spreads && pending.touched.len() >= 2 * SHARE;
        pays.then(|| pending.share(workers, own, SHARE))
    }

    /// How many clients are still to be flushed.
    pub(crate) fn touched(&self) -> usize {
        self.pending.touched.len()
    }

    /// Removes the first client from the list and returns it. The others stay on the list while the
    /// caller flushes it, so they are flushed even if that panics.
    pub(crate) fn next_touched(&mut self) -> Option<Arc<Client>> {
        self.pending.next_touched()
    }
}

impl Default for PendingFlush {
    fn default() -> PendingFlush {
        PendingFlush {
            touched: VecDeque::new(),
            shared: None,
            spreads: false,
            limits: OutputLimits::default(),
            published: Instant::now(),
            appends: 0,
            appended: 0,
            cycle: WriteCycle::default(),
        }
    }
}

impl PendingFlush {
    /// Messages from now on are published at `now`.
    pub(crate) fn set_time(&mut self, now: Instant) {
        self.published = now;
    }

    /// Appends frames to the outboxes of a name's subscribers. Returns how many outboxes have
    /// refused each frame ([`Delivery::into_refused`]).
    pub(crate) fn deliver(
        &mut self,
        frames: Frames<'_>,
        subscribers: &Subscribers,
        backlog_bytes: &BacklogBytes,
    ) -> Vec<usize> {
        let backlog = subscribers
            .backlog()
            .map(|backlog| (backlog, backlog_bytes));
        let receivers = subscribers.len();
        if receivers >= 2 * SHARE {
            // Where messages come faster, one worker puts several into a write, which costs less.
            let work = WRITE * receivers as u32;
            self.spreads |= subscribers.note_work(self.published, work);
        }
        let mut delivery = Delivery::new(frames, self.published, backlog);
        self.appends += receivers;
        let bytes = receivers * frames.len();
        self.appended += bytes;
        self.cycle.bytes += bytes;
        for client in subscribers.clients() {
            let append = client.outbox.push(&mut delivery, &self.limits);
            if append == Append::Refused {
                delivery.refuse_all();
            } else if append.wants_flush() {
                self.touch(client);
            }
        }
        delivery.into_refused()
    }

    fn has_touched(&self) -> bool {
        let is_shared = |shared: &Shared| !shared.list.is_empty(shared.own);
        !self.touched.is_empty() || self.shared.as_ref().is_some_and(is_shared)
    }

    fn next_touched(&mut self) -> Option<Arc<Client>> {
        let shared = self.shared.as_ref();
        let client = shared.and_then(|shared| shared.list.next(shared.own));
        client.or_else(|| self.touched.pop_front())
    }

    /// See [`Fanout::share`]. `share` is the least number of clients for a worker.
    pub(super) fn share(
        &mut self,
        workers: usize,
        own: usize,
        share: usize,
    ) -> (Arc<SharedFlush>, Vec<usize>) {
        let shared = self.shared.get_or_insert_with(|| Shared {
            list: Arc::new(SharedFlush::new(workers, own, share)),
            own,
        });
        shared.list.add(self.touched.drain(..));
        let helpers = shared.list.ask(own);
        (Arc::clone(&shared.list), helpers)
    }

    fn touch(&mut self, client: &Arc<Client>) {
        self.cycle.clients += 1;
        self.touched.push_back(Arc::clone(client));
    }
}

/// Flushes the clients that are still listed, for example after a panic or when the runtime ends.
/// Their outboxes expect a flush: without one, their messages and those of later publishers would
/// wait until the client's own task wakes up.
impl Drop for PendingFlush {
    fn drop(&mut self) {
        while let Some(client) = self.next_touched() {
            // If the client is dead, this wakes its own task, which disconnects it.
            let _ = client.flush(&mut Written::default());
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;
    use crate::client::Addresses;
    use crate::client::Namespace;
    use crate::client::socket::Socket;

    /// A subscriber and the other end of its socket.
    async fn subscriber(id: u64) -> (Arc<Client>, tokio::net::UnixStream) {
        let (ours, peer) = tokio::net::UnixStream::pair().unwrap();
        let socket = Socket::from(ours);
        std::future::poll_fn(|context| socket.poll_write_ready(context))
            .await
            .unwrap();
        let client = Client::new(id, Addresses::unix(Arc::default()), socket);
        (Arc::new(client), peer)
    }

    #[tokio::test]
    async fn a_panic_while_one_client_is_flushed_leaves_no_other_unflushed() {
        let (one, _peer) = subscriber(1).await;
        let (two, mut peer) = subscriber(2).await;
        let mut fanout = Fanout::default();
        fanout.begin_batch(OutputLimits::default(), Instant::now());
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
    async fn a_dropped_work_list_is_flushed() {
        let (subscriber, mut peer) = subscriber(7).await;

        let mut fanout = Fanout::default();
        fanout.begin_batch(OutputLimits::default(), Instant::now());
        fanout
            .single
            .add(Namespace::Channel, b"c", b"one"[..].into());
        let mut subscribers = Subscribers::default();
        subscribers.insert(&subscriber);
        let backlog_bytes = BacklogBytes::default();
        fanout
            .pending
            .deliver(fanout.single.all(), &subscribers, &backlog_bytes);
        drop(fanout);

        let expected = b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$3\r\none\r\n";
        let mut received = vec![0; expected.len()];
        peer.read_exact(&mut received).await.unwrap();
        assert_eq!(received, expected);
    }
}
