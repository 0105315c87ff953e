//! A list of clients to flush that several workers share.
//!
//! Layer `pubsub`. It may use `client` and what lies below.
//!
//! A write to a socket takes about 5 µs. One publisher's writes to thousands of subscribers would take
//! one worker tens of milliseconds, while others may sleep. So a long work list of a publisher
//! (`PendingFlush`) is dealt out to the workers that serve its clients, and some of them are asked to
//! help.
//!
//! That is done only for messages that are rare: where one worker would be done before the next comes
//! (`Subscribers::note_work`). Otherwise a slow list is what makes writes cheap, since each carries the
//! messages that have come in the meantime.
//!
//! ```text
//!                       add                   next
//!   publisher's list ─────────▶ list of 0 ─────────▶ publisher, on worker 0
//!                       │                              ╎ its own list is empty
//!                       │                              ▼
//!                       └─────▶ list of 1 ─────────▶ helper, a task on worker 1, which is woken once
//! ```
//!
//! Invariants:
//! - The publisher stays responsible for all lists. Once its worker's is empty, it takes from the others,
//!   and its write cycle lasts until all are empty. So no client waits for a worker that is busy or has
//!   ended, and the publisher appends no more than if it wrote everything itself. The helpers take from
//!   all lists too.
//! - A client that is taken is flushed at once, and nothing is awaited in between. So a thread that
//!   panics loses no other client, and each helper has one client at most that is taken and not written.
//! - A worker has one helper at a time. It ends when it finds all lists empty. It withdraws under its
//!   list's lock, and not while a client is there: either it sees a client that is added, or it is asked
//!   again.
//! - A client's bytes are in its outbox, which one thread writes at a time. Their order does not depend on
//!   who that is.
//! - No list is locked while another one is, or while a client is flushed.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::client::Client;
use crate::sync::Mutex;

/// The lists, one for each worker.
#[derive(Debug)]
pub(crate) struct SharedFlush {
    lists: Vec<Mutex<List>>,
    /// A worker is asked to help if each that writes gets this many clients.
    share: usize,
}

#[derive(Debug, Default)]
struct List {
    clients: VecDeque<Arc<Client>>,
    /// Whether a thread writes that takes from this list first.
    has_writer: bool,
}

impl SharedFlush {
    /// Empty lists for this many workers. The publisher is on the worker `own`.
    pub(crate) fn new(workers: usize, own: usize, share: usize) -> SharedFlush {
        let list = |worker| List {
            clients: VecDeque::new(),
            has_writer: worker == own,
        };
        SharedFlush {
            lists: (0..workers)
                .map(|worker| Mutex::new(list(worker)))
                .collect(),
            share,
        }
    }

    /// Adds clients to the lists of their workers, in this order.
    pub(crate) fn add(&self, clients: impl Iterator<Item = Arc<Client>>) {
        for client in clients {
            let worker = usize::from(client.worker) % self.lists.len();
            self.lists[worker].lock().clients.push_back(client);
        }
    }

    /// The workers that are to help the one on `own`: each must run a helper.
    pub(crate) fn ask(&self, own: usize) -> Vec<usize> {
        let (mut clients, mut writers) = (0, 0);
        for list in &self.lists {
            let list = list.lock();
            clients += list.clients.len();
            writers += usize::from(list.has_writer);
        }
        let mut asked = Vec::new();
        for worker in self.from(own) {
            if writers >= clients / self.share {
                break;
            }
            if !std::mem::replace(&mut self.lists[worker].lock().has_writer, true) {
                asked.push(worker);
                writers += 1;
            }
        }
        asked
    }

    /// Takes the next client to flush: of the worker's own, or of the next worker that has any.
    pub(crate) fn next(&self, worker: usize) -> Option<Arc<Client>> {
        self.from(worker)
            .find_map(|worker| self.lists[worker].lock().clients.pop_front())
    }

    /// The worker's helper ends. Returns `false` if it must go on, since a client was added.
    pub(crate) fn withdraw(&self, worker: usize) -> bool {
        let mut list = self.lists[worker].lock();
        list.has_writer = !list.clients.is_empty();
        !list.has_writer
    }

    /// Whether all lists are empty.
    pub(crate) fn is_empty(&self, worker: usize) -> bool {
        let is_empty = |worker: usize| self.lists[worker].lock().clients.is_empty();
        self.from(worker).all(is_empty)
    }

    /// All workers, from this one on.
    fn from(&self, worker: usize) -> impl Iterator<Item = usize> {
        (worker..self.lists.len()).chain(0..worker)
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use std::io::Read;
    use std::os::unix::net::UnixStream;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::client::backlog::BacklogBytes;
    use crate::client::outbox::Written;
    use crate::client::socket::Socket;
    use crate::client::{Addresses, Namespace};
    use crate::config::OutputLimits;
    use crate::pubsub::fanout::{Fanout, SHARE};
    use crate::pubsub::subscribers::Subscribers;

    const WORKERS: usize = 3;
    /// Clients for each worker that is asked.
    const FEW: usize = 2;

    /// A client of a worker, and the other end of its socket.
    fn client(id: usize, worker: usize) -> (Arc<Client>, UnixStream) {
        let (ours, peer) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let socket = Socket::from(tokio::net::UnixStream::from_std(ours).unwrap());
        let mut client = Client::new(id as u64, Addresses::unix(Arc::default()), socket);
        client.worker = worker as u8;
        (Arc::new(client), peer)
    }

    /// Clients with the ids 0, 1 … of the workers 0, 1, 2, 0 … in turn.
    fn clients(count: usize) -> Vec<Arc<Client>> {
        (0..count).map(|id| client(id, id % WORKERS).0).collect()
    }

    fn ids(list: &SharedFlush, worker: usize) -> Vec<u64> {
        std::iter::from_fn(|| list.next(worker))
            .map(|client| client.id)
            .collect()
    }

    #[tokio::test]
    async fn a_worker_takes_its_own_clients_first_and_then_those_of_others() {
        let list = SharedFlush::new(WORKERS, 0, FEW);
        list.add(clients(8).into_iter());
        assert_eq!(ids(&list, 1), [1, 4, 7, 2, 5, 0, 3, 6]);
        assert!(list.is_empty(0) && list.next(2).is_none());
    }

    #[tokio::test]
    async fn as_many_workers_are_asked_as_have_enough_to_do() {
        let asked = |count, own| {
            let list = SharedFlush::new(WORKERS, own, FEW);
            list.add(clients(count).into_iter());
            list.ask(own)
        };
        assert!(asked(2 * FEW - 1, 1).is_empty());
        assert_eq!(asked(2 * FEW, 1), [2]);
        assert_eq!(asked(100, 1), [2, 0]);
    }

    #[tokio::test]
    async fn a_worker_is_asked_once_until_it_has_withdrawn() {
        let list = SharedFlush::new(WORKERS, 0, FEW);
        list.add(clients(100).into_iter());
        assert_eq!(list.ask(0), [1, 2]);
        assert!(list.ask(0).is_empty());
        assert!(!list.withdraw(1), "it has clients");
        assert_eq!(ids(&list, 1).len(), 100);
        assert!(list.withdraw(1));
        list.add(clients(100).into_iter());
        assert_eq!(list.ask(0), [1]);
    }

    /// Appends a line to each.
    fn feed(fanout: &mut Fanout, clients: &[Arc<Client>]) {
        fanout.begin_batch(OutputLimits::default(), Instant::now());
        for client in clients {
            fanout.feed(client, b"line");
        }
    }

    /// Workers that have been asked and never come, like those of a runtime that has ended.
    #[tokio::test]
    async fn the_publisher_flushes_what_no_helper_takes() {
        for is_dropped in [false, true] {
            let (clients, mut peers): (Vec<_>, Vec<_>) =
                (0..8).map(|id| client(id, id % WORKERS)).unzip();
            for client in &clients {
                std::future::poll_fn(|context| client.socket().poll_write_ready(context))
                    .await
                    .unwrap();
            }
            let mut fanout = Fanout::default();
            feed(&mut fanout, &clients);
            let (list, asked) = fanout.pending.share(WORKERS, 0, FEW);
            assert_eq!(asked, [1, 2]);
            // One helper takes a client, and flushes it as any does.
            let taken = list.next(1).unwrap();
            assert!(taken.flush(&mut Written::default()));
            if is_dropped {
                drop(fanout);
            } else {
                assert!(fanout.has_touched());
                while let Some(client) = fanout.next_touched() {
                    assert!(client.flush(&mut Written::default()));
                }
                assert!(!fanout.has_touched());
            }
            assert!(list.is_empty(1));
            for peer in &mut peers {
                // All of it is there, or the test fails.
                peer.set_nonblocking(true).unwrap();
                let mut line = [0; 4];
                peer.read_exact(&mut line).unwrap();
                assert_eq!(&line, b"line");
            }
        }
    }

    /// What was shared and is not written counts as what the publisher has appended, until it is.
    #[tokio::test]
    async fn a_write_cycle_lasts_until_the_shared_list_is_empty() {
        let clients = clients(4);
        let mut fanout = Fanout::default();
        feed(&mut fanout, &clients);
        let large = vec![b'x'; 1024 * 1024];
        fanout.feed(&clients[0], &large);
        fanout.feed(&clients[1], &large);
        assert!(fanout.is_due());
        let (list, _) = fanout.pending.share(WORKERS, 0, FEW);
        fanout.begin_batch(OutputLimits::default(), Instant::now());
        assert!(fanout.is_due());
        while list.next(1).is_some() {}
        fanout.begin_batch(OutputLimits::default(), Instant::now());
        assert!(!fanout.is_due());
    }

    #[tokio::test]
    async fn a_list_is_shared_if_it_is_long_and_messages_are_rare() {
        // The messages before came every 100 ms, or all at once.
        let is_shared = |receivers, gap| {
            let mut subscribers = Subscribers::default();
            let clients = clients(receivers);
            clients.iter().for_each(|client| subscribers.insert(client));
            let mut now = Instant::now();
            for _ in 0..10 {
                subscribers.note_work(now, Duration::from_millis(5));
                now += gap;
            }
            // A pause does not make them rare.
            let now = now + Duration::from_millis(10);
            let mut fanout = Fanout::default();
            fanout.begin_batch(OutputLimits::default(), now);
            fanout
                .single
                .add(Namespace::Channel, b"c", b"one"[..].into());
            let backlog_bytes = BacklogBytes::default();
            let Fanout { single, pending } = &mut fanout;
            pending.deliver(single.all(), &subscribers, &backlog_bytes);
            fanout.share(WORKERS, 0).is_some()
        };
        let rare = Duration::from_millis(100);
        assert!(is_shared(2 * SHARE, rare));
        assert!(!is_shared(2 * SHARE - 1, rare));
        assert!(!is_shared(2 * SHARE, Duration::ZERO));
    }
}
