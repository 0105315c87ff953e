//! Clients that wait for an element to be pushed.
//!
//! The life of a waiter: its command finds all its keys empty and adds it here, its connection
//! reads on but carries nothing out, and then one of
//! - an element comes: whoever pushed it serves it (see [`serve`](super::serve)),
//! - its time is over: its own task takes it away and answers that,
//! - CLIENT UNBLOCK takes it away and answers,
//! - its connection ends: it is taken away.
//!
//! Each of them holds the keyspace's lock, and who takes the waiter out of the table is the one who
//! answers it: nobody is answered twice, nobody is forgotten.
//!
//! Invariants: a waiter is in the queue of each of its keys exactly while it is in `waiters`. A
//! key's queue is in the order in which its waiters came. A key is in `ready` at most once.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::BytesMut;
use hashbrown::{HashMap, HashSet};

use super::keys::{Keys, SlotId};
use super::keyspace::{FullKey, FullKeyRef};
use super::list::{End, List};
use crate::client::{Client, ClientId};
use crate::hash::HashState;
use crate::resp::error::CommandError;
use crate::resp::reply::{Reply, ReplyWriter, put_error};

/// What a waiter wants of the first of its keys that has an element.
#[derive(Clone, Debug)]
pub(crate) enum BlockedOp {
    /// One element, with the key's name (BLPOP, BRPOP).
    Pop {
        /// Where it is taken from.
        from: End,
    },
    /// At most so many elements, with the key's name (BLMPOP).
    PopMany {
        /// Where they are taken from.
        from: End,
        /// At least one.
        count: usize,
    },
    /// One element, moved to another list (BLMOVE, BRPOPLPUSH).
    Move {
        /// Where it is taken from.
        from: End,
        /// Where it is put.
        to: End,
        /// The key of the other list.
        destination: Box<[u8]>,
    },
    /// That replicas have what was written (WAIT). There are none: it waits for no key, and only its
    /// time ends it.
    Replicas,
}

impl BlockedOp {
    /// Writes the answer of who gets this of the list at `key`, which is not empty.
    pub(crate) fn write(&self, out: &mut ReplyWriter<'_>, key: &[u8], list: &List) {
        match self {
            BlockedOp::Pop { from } => {
                out.array(2);
                out.bulk(key);
                out.bulk(list.peek(*from).unwrap_or_default());
            }
            BlockedOp::PopMany { from, count } => {
                out.array(2);
                out.bulk(key);
                put_elements(out, list, *from, *count);
            }
            BlockedOp::Move { from, .. } => out.bulk(list.peek(*from).unwrap_or_default()),
            BlockedOp::Replicas => out.integer(0),
        }
    }

    /// Takes what was written from the list at `slot`, with all that follows.
    pub(crate) fn take(&self, keys: &mut Keys<'_>, slot: SlotId, key: &[u8]) {
        match self {
            BlockedOp::Pop { from } => keys.take_elements(slot, key, *from, 1),
            BlockedOp::PopMany { from, count } => keys.take_elements(slot, key, *from, *count),
            BlockedOp::Move {
                from,
                to,
                destination,
            } => keys.move_element(slot, key, *from, destination, *to),
            BlockedOp::Replicas => {}
        }
    }

    /// Writes and takes this of the first key that has it. `false`: none has, and nothing is written.
    ///
    /// # Errors
    /// `WRONGTYPE`
    pub(crate) fn take_first(
        &self,
        keys: &mut Keys<'_>,
        out: &mut ReplyWriter<'_>,
        wanted: &[&[u8]],
    ) -> Result<bool, CommandError> {
        for key in wanted {
            if let Some(slot) = keys.find_list(key)? {
                self.write(out, key, keys.list(slot)?);
                self.take(keys, slot, key);
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The answer of who does not get this in time.
    fn in_vain(&self) -> Reply {
        match self {
            BlockedOp::Pop { .. } | BlockedOp::PopMany { .. } | BlockedOp::Move { .. } => {
                Reply::NullArray
            }
            BlockedOp::Replicas => Reply::Integer(0),
        }
    }
}

/// Writes an array of the first elements from one end, at most `count`.
pub(crate) fn put_elements(out: &mut ReplyWriter<'_>, list: &List, from: End, count: usize) {
    let count = count.min(list.len());
    out.array(count);
    match from {
        End::Head => list
            .iter()
            .take(count)
            .for_each(|element| out.bulk(element)),
        End::Tail => list
            .iter()
            .rev()
            .take(count)
            .for_each(|element| out.bulk(element)),
    }
}

/// A client that waits.
#[derive(Debug)]
pub(crate) struct Waiter {
    /// The client.
    pub client: Arc<Client>,
    /// Its database.
    pub db: u32,
    /// The keys, in the order of preference.
    pub keys: Vec<Box<[u8]>>,
    /// What it wants.
    pub op: BlockedOp,
    /// Whether it is answered at all (CLIENT REPLY).
    pub wants_reply: bool,
}

impl Waiter {
    /// Writes a reply in the client's protocol; empty if it wants none.
    pub(crate) fn reply(&self, write: impl FnOnce(&mut ReplyWriter<'_>)) -> BytesMut {
        let mut reply = BytesMut::new();
        if self.wants_reply {
            write(&mut ReplyWriter::new(&mut reply, self.client.protocol()));
        }
        reply
    }

    /// Writes the reply to one whose time is over; empty if it wants none.
    pub(crate) fn timed_out(&self) -> BytesMut {
        self.reply(|out| out.put(self.op.in_vain()))
    }

    /// Writes an error; empty if it wants no reply.
    pub(crate) fn error(&self, error: &CommandError) -> BytesMut {
        let mut reply = BytesMut::new();
        if self.wants_reply {
            put_error(&mut reply, error);
        }
        reply
    }
}

/// The waiters of one key, by the number in which they came.
type Queue = BTreeMap<u64, ClientId>;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Blocked {
    waiters: HashMap<ClientId, (u64, Waiter), HashState>,
    queues: HashMap<FullKey, Queue, HashState>,
    /// Keys with waiters that have become lists, in the order in which they did.
    ready: Vec<FullKey>,
    is_ready: HashSet<FullKey, HashState>,
    /// The number of the next waiter.
    next: u64,
}

impl Blocked {
    /// The number of waiters.
    pub(crate) fn len(&self) -> usize {
        self.waiters.len()
    }

    /// Does nobody wait, and is nothing left of those who did?
    #[cfg(any(test, fuzzing))]
    pub(crate) fn is_empty(&self) -> bool {
        let is_ready = !self.ready.is_empty() || !self.is_ready.is_empty();
        self.waiters.is_empty() && self.queues.is_empty() && !is_ready
    }

    /// Adds a waiter, behind all others of its keys.
    pub(crate) fn add(&mut self, waiter: Waiter) {
        let number = self.next;
        self.next += 1;
        for key in &waiter.keys {
            let full = FullKey {
                db: waiter.db,
                key: key.clone(),
            };
            let queue = self.queues.entry(full).or_default();
            queue.insert(number, waiter.client.id);
        }
        waiter.client.set_blocked(true);
        self.waiters.insert(waiter.client.id, (number, waiter));
    }

    /// A waiter.
    pub(crate) fn get(&self, client: ClientId) -> Option<&Waiter> {
        self.waiters.get(&client).map(|(_, waiter)| waiter)
    }

    /// Takes a waiter away. Who gets it answers it.
    pub(crate) fn remove(&mut self, client: ClientId) -> Option<Waiter> {
        let (number, waiter) = self.waiters.remove(&client)?;
        for key in &waiter.keys {
            let full = FullKeyRef { db: waiter.db, key };
            if let Some(queue) = self.queues.get_mut(&full) {
                queue.remove(&number);
                if queue.is_empty() {
                    self.queues.remove(&full);
                }
            }
        }
        waiter.client.set_blocked(false);
        Some(waiter)
    }

    /// Notes that a key has become a list that others may be waiting for.
    pub(crate) fn note_ready(&mut self, key: FullKeyRef<'_>) {
        if !self.queues.is_empty()
            && self.queues.contains_key(&key)
            && !self.is_ready.contains(&key)
        {
            let key = FullKey {
                db: key.db,
                key: key.key.into(),
            };
            self.is_ready.insert(key.clone());
            self.ready.push(key);
        }
    }

    /// As [`note_ready`](Self::note_ready), for all keys of a database that are waited for.
    pub(crate) fn note_database(&mut self, db: u32, is_list: impl Fn(&[u8]) -> bool) {
        let lists = self.queues.keys().filter(|full| full.db == db);
        let lists: Vec<_> = lists.filter(|full| is_list(&full.key)).cloned().collect();
        for full in lists {
            self.note_ready(FullKeyRef { db, key: &full.key });
        }
    }

    /// Hands over the ready keys, in order.
    pub(crate) fn take_ready(&mut self) -> Vec<FullKey> {
        self.is_ready.clear();
        std::mem::take(&mut self.ready)
    }

    /// The first waiter of a key whose number is at least `from`, with its number.
    pub(crate) fn next_waiter(&self, key: &FullKey, from: u64) -> Option<(u64, &Waiter)> {
        let (&number, client) = self.queues.get(key)?.range(from..).next()?;
        self.waiters.get(client).map(|(_, waiter)| (number, waiter))
    }
}
