//! Clients that wait for a key.
//!
//! Layer `store`. It knows who waits for which keys, in which order, and nothing of types: what a
//! waiter wants is its [`BlockedOp`], which the command that blocks brings along.
//!
//! The life of a waiter: its command finds nothing at its keys and adds it here, its connection
//! reads on but carries nothing out, and then one of
//! - a key comes to hold what it waits for: whoever brought that serves it (see
//!   [`serve`](super::serve)),
//! - its time is over: its own task takes it away and answers that,
//! - CLIENT UNBLOCK takes it away and answers,
//! - a key goes away and the waiter wants to know ([`BlockedOp::when_gone`]): it is answered an error,
//! - its connection ends: it is taken away.
//!
//! Each of them holds the keyspace's lock, and who takes the waiter out of the table is the one who
//! answers it: nobody is answered twice, nobody is forgotten.
//!
//! To add a command that blocks, for any type: implement [`BlockedOp`]. A waiter that takes what it
//! is answered does so in [`take`](BlockedOp::take); one that only looks leaves that empty, so that
//! one push wakes all of its kind.
//!
//! Invariants: a waiter is in the queue of each of its keys exactly while it is in `waiters`. A
//! key's queue is in the order in which its waiters came. A key is in `ready` at most once.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use hashbrown::{HashMap, HashSet};
use smallvec::SmallVec;

use super::keys::{Keys, SlotId};
use super::keyspace::{FullKey, FullKeyRef};
use super::value::Value;
use crate::client::{Client, ClientId};
use crate::hash::HashState;
use crate::resp::error::CommandError;
use crate::resp::replies::Replies;
use crate::resp::reply::Reply;
use crate::resp::writer::ReplyWriter;

/// What a client waits for, and what is done for it then.
///
/// Serving has two steps, since an element may leave its key only once the waiter's outbox has taken
/// the reply: [`answer`](Self::answer) writes the reply and changes nothing, [`take`](Self::take) does
/// the rest.
pub(crate) trait BlockedOp: fmt::Debug + Send + Sync {
    /// Bytes of memory that it takes.
    fn memory(&self) -> usize {
        size_of_val(self)
    }

    /// The type of value that it waits for, as TYPE names it.
    fn waits_for(&self) -> &'static str;

    /// Writes the answer from the value at `slot`, which is of the right type. `false`: there is
    /// nothing for it yet, and nothing is written.
    ///
    /// # Errors
    /// What the waiter is answered instead, which ends its wait.
    fn answer(
        &self,
        keys: &mut Keys<'_>,
        slot: SlotId,
        key: &[u8],
        out: &mut ReplyWriter<'_>,
    ) -> Result<bool, CommandError>;

    /// Takes what was answered, with all that follows.
    fn take(&self, keys: &mut Keys<'_>, slot: SlotId, key: &[u8]);

    /// What it is answered when its time is over.
    fn timed_out(&self) -> Reply;

    /// What it is answered if one of its keys goes away, or comes to hold another type; `None`: it
    /// waits on.
    fn when_gone(&self) -> Option<CommandError> {
        None
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
    pub op: Arc<dyn BlockedOp>,
    /// Whether it is answered at all (CLIENT REPLY).
    pub wants_reply: bool,
}

impl Waiter {
    /// Writes a reply in the client's protocol; empty if it wants none.
    pub(crate) fn reply(&self, write: impl FnOnce(&mut ReplyWriter<'_>)) -> Replies {
        let mut reply = Replies::default();
        if self.wants_reply {
            write(&mut ReplyWriter::wire(&mut reply, self.client.protocol()));
        }
        reply
    }

    /// Writes the reply to one whose time is over; empty if it wants none.
    pub(crate) fn timed_out(&self) -> Replies {
        self.reply(|out| out.put(self.op.timed_out()))
    }

    /// Writes an error; empty if it wants no reply.
    pub(crate) fn error(&self, error: &CommandError) -> Replies {
        self.reply(|out| out.error(error))
    }
}

/// The waiters of one key.
#[derive(Debug, Default)]
struct Queue {
    /// By the number in which they came.
    waiters: BTreeMap<u64, ClientId>,
    /// How many wait for each type of value; hardly ever for more than one.
    types: SmallVec<[(&'static str, usize); 1]>,
    /// How many want to know if the key goes away.
    want_gone: usize,
}

impl Queue {
    fn insert(&mut self, number: u64, waiter: &Waiter) {
        self.waiters.insert(number, waiter.client.id);
        let name = waiter.op.waits_for();
        match self.types.iter_mut().find(|(other, _)| *other == name) {
            Some((_, count)) => *count += 1,
            None => self.types.push((name, 1)),
        }
        self.want_gone += usize::from(waiter.op.when_gone().is_some());
    }

    fn remove(&mut self, number: u64, waiter: &Waiter) {
        self.waiters.remove(&number);
        let name = waiter.op.waits_for();
        if let Some(place) = self.types.iter().position(|(other, _)| *other == name) {
            self.types[place].1 -= 1;
            if self.types[place].1 == 0 {
                self.types.swap_remove(place);
            }
        }
        self.want_gone -= usize::from(waiter.op.when_gone().is_some());
    }

    /// Whether what a key holds now, if anything, concerns any waiter.
    fn is_concerned(&self, value: Option<&Value>) -> bool {
        let waited_for = value.is_some_and(|value| {
            let name = value.type_name();
            self.types.iter().any(|(other, _)| *other == name)
        });
        waited_for || self.want_gone > 0
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Blocked {
    waiters: HashMap<ClientId, (u64, Waiter), HashState>,
    queues: HashMap<FullKey, Queue, HashState>,
    /// Keys at which waiters may find something, in the order in which they came to be such.
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

    /// Does anybody wait for any key?
    pub(crate) fn is_waited_for(&self) -> bool {
        !self.queues.is_empty()
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
            // A key may be named twice.
            if !queue.waiters.contains_key(&number) {
                queue.insert(number, &waiter);
            }
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
            if let Some(queue) = self.queues.get_mut(&full)
                && queue.waiters.contains_key(&number)
            {
                queue.remove(number, &waiter);
                if queue.waiters.is_empty() {
                    self.queues.remove(&full);
                }
            }
        }
        waiter.client.waiting_memory.store(0, Relaxed);
        waiter.client.set_blocked(false);
        Some(waiter)
    }

    /// Notes that a key has come to hold this value.
    pub(crate) fn note_ready(&mut self, key: FullKeyRef<'_>, value: &Value) {
        self.note(key, Some(value));
    }

    /// Notes that a key is gone.
    pub(crate) fn note_gone(&mut self, key: FullKeyRef<'_>) {
        self.note(key, None);
    }

    fn note(&mut self, key: FullKeyRef<'_>, value: Option<&Value>) {
        if !self.queues.is_empty()
            && let Some(queue) = self.queues.get(&key)
            && queue.is_concerned(value)
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

    /// As [`note_ready`](Self::note_ready) and [`note_gone`](Self::note_gone), for all keys of a
    /// database that are waited for: `value` says what each holds now.
    pub(crate) fn note_database<'a>(
        &mut self,
        db: u32,
        value: impl Fn(&[u8]) -> Option<&'a Value>,
    ) {
        let waited_for = self.queues.keys().filter(|full| full.db == db);
        for full in waited_for.cloned().collect::<Vec<_>>() {
            self.note(FullKeyRef { db, key: &full.key }, value(&full.key));
        }
    }

    /// Hands over the ready keys, in order.
    pub(crate) fn take_ready(&mut self) -> Vec<FullKey> {
        self.is_ready.clear();
        std::mem::take(&mut self.ready)
    }

    /// Whether what a key holds now, if anything, concerns any of its waiters.
    pub(crate) fn concerns(&self, key: &FullKey, value: Option<&Value>) -> bool {
        let queue = self.queues.get(key);
        queue.is_some_and(|queue| queue.is_concerned(value))
    }

    /// The first waiter of a key whose number is at least `from`, with its number.
    pub(crate) fn next_waiter(&self, key: &FullKey, from: u64) -> Option<(u64, &Waiter)> {
        let queue = self.queues.get(key)?;
        let (&number, client) = queue.waiters.range(from..).next()?;
        self.waiters.get(client).map(|(_, waiter)| (number, waiter))
    }
}
