//! Clients that wait for keys.
//!
//! Layer `store`. It may use `client` and `resp`. It knows which clients wait for which keys, in
//! which order, but not the types of values. What a waiter does with a value is its [`BlockedOp`],
//! which the blocking command provides.
//!
//! The life of a waiter: its command finds nothing at its keys and adds it here. Its connection
//! goes on reading but carries out no commands. Then one of these happens:
//! - A key gets what it waits for. The command that did this serves the waiter (see
//!   [`serve`](super::serve)).
//! - Its time limit is over. Its own task removes and answers it.
//! - CLIENT UNBLOCK removes and answers it.
//! - A key goes away or gets another type, and the waiter is one that wants to know
//!   ([`BlockedOp::wants_gone`]). It is answered with an error.
//! - Its connection ends. It is removed.
//!
//! All of these happen under the keyspace's lock, and the one that removes the waiter from the
//! table answers it. So no waiter is answered twice or forgotten.
//!
//! To add a blocking command, for any type: implement [`BlockedOp`]. A waiter that removes what it
//! is answered with does so in [`take`](BlockedOp::take). A waiter that only reads (XREAD) leaves
//! that empty, so that one change of a key wakes all waiters of this kind.
//!
//! Invariants:
//! - A waiter is in the queue of each of its keys exactly while it is in `waiters`.
//! - A key's queue is in the order in which its waiters came.
//! - A key is in `ready` at most once.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use smallvec::SmallVec;

use super::keys::{Keys, SlotId};
use super::keyspace::{FullKey, FullKeyRef};
use super::value::Value;
use crate::client::{Client, ClientId, Kept};
use crate::hash::HashState;
use crate::resp::error::CommandError;
use crate::resp::replies::Replies;
use crate::resp::reply::Reply;
use crate::resp::writer::ReplyWriter;

/// What a blocked client waits for, and how it is served.
///
/// Serving has two steps, since an element may leave its key only after the waiter's outbox has
/// taken the reply: [`answer`](Self::answer) writes the reply and changes nothing, and
/// [`take`](Self::take) then makes the change.
pub(crate) trait BlockedOp: fmt::Debug + Send + Sync {
    /// Bytes of memory that it takes.
    fn memory(&self) -> usize {
        size_of_val(self)
    }

    /// The type of value that it waits for, as TYPE shows it.
    fn waits_for(&self) -> &'static str;

    /// Whether others no longer get what it is answered with. If so, a client that has hung up is
    /// passed over, since its answer would be lost.
    fn removes(&self) -> bool {
        true
    }

    /// The name that it shares with waiters that want the same as it does (a group of consumers). If
    /// a key has nothing for one of them, it has nothing for any. `None`: it has no such rivals.
    fn rivals(&self) -> Option<&[u8]> {
        None
    }

    /// Writes the reply from the value at `slot`, which has the right type. Returns `false`, and
    /// writes nothing, if the value has nothing for this waiter yet.
    ///
    /// # Errors
    /// An error to reply with instead. It ends the wait.
    fn answer(
        &self,
        keys: &mut Keys<'_>,
        slot: SlotId,
        key: &[u8],
        out: &mut ReplyWriter<'_>,
    ) -> Result<bool, CommandError>;

    /// Removes what was replied from the key, and does all that follows from it.
    fn take(&self, keys: &mut Keys<'_>, slot: SlotId, key: &[u8]);

    /// The reply when its time limit is over.
    fn timed_out(&self) -> Reply;

    /// Whether it wants to know if one of its keys goes away or gets another type.
    fn wants_gone(&self) -> bool {
        false
    }

    /// The error to reply with if one of its keys has gone away or has another type, and it wants
    /// to know. `None` to wait on.
    fn when_gone(&self, _keys: &mut Keys<'_>) -> Option<CommandError> {
        None
    }
}

/// A blocked client.
#[derive(Debug)]
pub(crate) struct Waiter {
    /// The client.
    pub client: Arc<Client>,
    /// Its database.
    pub db: u32,
    /// Its keys, in order of preference.
    pub keys: Vec<Box<[u8]>>,
    /// What it waits for.
    pub op: Arc<dyn BlockedOp>,
    /// Whether it gets replies (CLIENT REPLY).
    pub wants_reply: bool,
}

impl Waiter {
    /// Writes a reply in the client's protocol. The result is empty if the client gets no replies.
    pub(crate) fn reply(&self, write: impl FnOnce(&mut ReplyWriter<'_>)) -> Replies {
        let mut reply = Replies::default();
        if self.wants_reply {
            write(&mut ReplyWriter::wire(&mut reply, self.client.protocol()));
        }
        reply
    }

    /// The reply to a client whose time limit is over; empty if it gets no replies.
    pub(crate) fn timed_out(&self) -> Replies {
        self.reply(|out| out.put(self.op.timed_out()))
    }

    /// An error as a reply; empty if the client gets no replies.
    pub(crate) fn error(&self, error: &CommandError) -> Replies {
        self.reply(|out| out.error(error))
    }
}

/// The waiters of one key.
#[derive(Debug, Default)]
struct Queue {
    /// Its waiters, by the numbers that they got when they came.
    waiters: BTreeMap<u64, ClientId>,
    /// How many waiters wait for each type of value. There is rarely more than one type.
    types: SmallVec<[(&'static str, usize); 1]>,
    /// How many waiters want to know if the key goes away.
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
        self.want_gone += usize::from(waiter.op.wants_gone());
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
        self.want_gone -= usize::from(waiter.op.wants_gone());
    }

    /// How many waiters wait for this type of value, if any.
    fn waiting(&self, type_name: &str) -> Option<usize> {
        let mut types = self.types.iter();
        let (_, count) = types.find(|(name, _)| *name == type_name)?;
        Some(*count)
    }

    /// Whether the current value of the key, if any, may end the wait of any waiter.
    fn is_concerned(&self, value: Option<&Value>) -> bool {
        let waited_for = value.is_some_and(|value| {
            let name = value.type_name();
            self.types.iter().any(|(other, _)| *other == name)
        });
        waited_for || self.want_gone > 0
    }
}

/// All blocked clients, and the keys that may serve them.
#[derive(Debug, Default)]
pub(crate) struct Blocked {
    waiters: HashMap<ClientId, (u64, Waiter), HashState>,
    queues: HashMap<FullKey, Queue, HashState>,
    /// Keys that may have something for their waiters, in the order in which they were noted.
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

    /// Whether no client waits and nothing is left of former waiters.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn is_empty(&self) -> bool {
        let is_ready = !self.ready.is_empty() || !self.is_ready.is_empty();
        self.waiters.is_empty() && self.queues.is_empty() && !is_ready
    }

    /// Whether any key is waited for.
    pub(crate) fn is_waited_for(&self) -> bool {
        !self.queues.is_empty()
    }

    /// Adds a waiter. It comes after all other waiters of its keys.
    pub(crate) fn add(&mut self, waiter: Waiter) {
        let number = self.next;
        self.next += 1;
        for key in &waiter.keys {
            let full = FullKey {
                db: waiter.db,
                key: key.clone(),
            };
            let queue = self.queues.entry(full).or_default();
            // A command may name a key twice.
            if !queue.waiters.contains_key(&number) {
                queue.insert(number, &waiter);
            }
        }
        waiter.client.set_blocked(true);
        self.waiters.insert(waiter.client.id, (number, waiter));
    }

    /// The waiter of this client.
    pub(crate) fn get(&self, client: ClientId) -> Option<&Waiter> {
        self.waiters.get(&client).map(|(_, waiter)| waiter)
    }

    /// Removes a waiter. The caller must answer it.
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
        waiter.client.set_kept(Kept::Waiting, 0);
        waiter.client.set_blocked(false);
        Some(waiter)
    }

    /// Notes that a key now has this value.
    pub(crate) fn note_ready(&mut self, key: FullKeyRef<'_>, value: &Value) {
        self.note(key, Some(value));
    }

    /// Notes that a key was removed.
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

    /// Does what [`note_ready`](Self::note_ready) and [`note_gone`](Self::note_gone) do, for all
    /// keys of a database that are waited for. `value` returns the current value of each.
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

    /// Removes and returns the ready keys, in order.
    pub(crate) fn take_ready(&mut self) -> Vec<FullKey> {
        self.is_ready.clear();
        std::mem::take(&mut self.ready)
    }

    /// Whether the current value of the key, if any, may end the wait of any of its waiters.
    pub(crate) fn concerns(&self, key: &FullKey, value: Option<&Value>) -> bool {
        let queue = self.queues.get(key);
        queue.is_some_and(|queue| queue.is_concerned(value))
    }

    /// The keys that clients wait for with this type of value.
    pub(crate) fn waited_for(&self, type_name: &str) -> impl Iterator<Item = &FullKey> {
        let queues = self.queues.iter();
        let of_type = queues.filter(move |(_, queue)| queue.waiting(type_name).is_some());
        of_type.map(|(key, _)| key)
    }

    /// How many clients wait for this key with this type of value.
    pub(crate) fn waiting(&self, key: FullKeyRef<'_>, type_name: &str) -> usize {
        let queue = self.queues.get(&key);
        queue
            .and_then(|queue| queue.waiting(type_name))
            .unwrap_or(0)
    }

    /// The first waiter of a key whose number is at least `from`, with its number.
    pub(crate) fn next_waiter(&self, key: &FullKey, from: u64) -> Option<(u64, &Waiter)> {
        let queue = self.queues.get(key)?;
        let (&number, client) = queue.waiters.range(from..).next()?;
        self.waiters.get(client).map(|(_, waiter)| (number, waiter))
    }
}
