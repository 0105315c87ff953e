//! A list of clients to flush that several workers share.
//!
//! Layer `pubsub`. It may use `client` and what lies below.
//!
//! A write to a socket takes about 5 µs. One publisher's writes to thousands of subscribers would take
//! one worker tens of milliseconds, while others may sleep. So a long work list of a publisher
//! (`PendingFlush`) is dealt out to the workers that serve its clients, and some of them are asked to
//! help.
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
