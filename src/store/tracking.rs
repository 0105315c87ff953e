//! Client-side caching: which clients are to be told that a key has changed (CLIENT TRACKING).
//!
//! Layer `store`. The table is a part of the [`Keyspace`](super::keyspace::Keyspace), behind its lock:
//! a read is remembered under the same hold as it was done, and a change finds its readers under the
//! hold that changes the key. As in Redis, a key is known by its name, whatever its database.
//!
//! ```text
//!   a read-only command ──▶ remember: key → clients           (clients that track by their reads)
//!   CLIENT TRACKING BCAST ▶ prefixes: prefix → clients        (clients that track by prefixes)
//!   a key changes ────────▶ changed: the key's clients and the matching prefixes become pending
//!   the command is over ──▶ announce: each client is sent what it is to be told
//! ```
//!
//! # When clients are told
//!
//! At the end of the command, before the keyspace's lock is let go: so nobody sees the new value and
//! then the invalidation of an older one. The reply to a read that was remembered is in the reader's
//! outbox by then, too (`Context::release_keyspace`). Without that, an invalidation could come before
//! the reply that it invalidates, and the reader would keep a stale value for ever.
//!
//! A key that changes is taken out of the table: its readers are told once, and not again until they
//! have read it again. A client with prefixes is told of all keys that changed in one command, or in
//! one EXEC, in one message for each prefix.
//!
//! # Bounds
//!
//! - Who reads adds keys, and `tracking-table-max-keys` bounds them: one key too many makes room by
//!   taking a random one out, whose readers are told as if it had changed.
//! - What is remembered for a client counts as its memory, so that `maxmemory-clients` bounds it, and
//!   its prefixes count against `client-query-buffer-limit`, as watched keys do.
//! - Of a client that is gone only so many entries are taken out at a time ([`Tracking::forget`]).
//! - Messages are under the limits of their receiver's outbox, as a reply is, and are never dropped
//!   to make room: a client that cannot be told is disconnected.
//!
//! # Costs
//!
//! Without a client that tracks, a command costs a look at its own client's modes, and a change one
//! at an empty table. A change costs a look-up in the table and in the prefixes' index, which finds
//! those that match without trying the others.
//!
//! # Invariants
//!
//! - A client is among a key's readers exactly while the key's slot is in the client's own set, or in
//!   what is left of it for a client that is leaving.
//! - A key without readers is not kept, but for one that only leaving clients have read.
//! - `items` is the number of pairs of key and reader.

mod announce;
mod prefixes;
#[cfg(all(test, not(shuttle)))]
mod tests;

use std::collections::hash_set;
use std::sync::{Arc, Weak};

use hashbrown::{HashMap, HashTable};

use super::slots::{SlotId, Slots};
use crate::client::tracking::Modes;
use crate::client::{Client, ClientId};
use crate::hash::HashState;
use crate::sync::atomic::Ordering::Relaxed;
use announce::Pending;
use prefixes::Prefixes;
pub(crate) use prefixes::memory as prefix_memory;

/// The set of a client's keys, by their slots.
type KeySet = std::collections::HashSet<SlotId, HashState>;

/// What one remembered read takes beside the key's name, tables included.
const PER_READ: usize = size_of::<TrackedKey>() + 4 * size_of::<ClientId>() + 32;
/// As many entries of a client that is gone are taken out at a time: a fraction of a millisecond.
const SOME: usize = 128;

/// Who has changed a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Author {
    /// The client whose command is carried out, if there is one.
    #[default]
    Command,
    /// A client that was served what it had waited for.
    Waiter(ClientId),
    /// The server, or more than one client: nobody knows of the change by itself.
    Nobody,
}

/// A key that was read, and by whom.
#[derive(Debug)]
struct TrackedKey {
    key: Box<[u8]>,
    readers: Vec<ClientId>,
}

/// A client that tracks, or has done so.
#[derive(Debug)]
struct Tracker {
    client: Arc<Client>,
    /// Who is told in its place, if its `redirect` says so.
    redirect: Weak<Client>,
    /// What it has read.
    keys: KeySet,
    /// Its keys that are left to be taken out, once it is gone.
    leaving: Option<hash_set::IntoIter<SlotId>>,
}

/// What INFO shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    /// Clients that track.
    pub clients: usize,
    /// Keys that are remembered.
    pub keys: usize,
    /// Pairs of key and reader.
    pub items: usize,
    /// Prefixes that some client has.
    pub prefixes: usize,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Tracking {
    keys: Slots<TrackedKey>,
    /// Hash of the key → slot.
    index: HashTable<SlotId>,
    items: usize,
    trackers: HashMap<ClientId, Tracker, HashState>,
    /// How many of them have tracking on.
    active: usize,
    prefixes: Prefixes,
    /// What is to be told, in the order in which it happened.
    pending: Vec<Pending>,
    /// Who changes keys just now.
    pub(super) author: Author,
    /// Counts keys that made room; each is chosen by its number.
    evictions: u64,
}

/// What a flush has taken out of the table.
#[derive(Debug)]
pub(super) struct Flushed {
    _keys: Slots<TrackedKey>,
    _index: HashTable<SlotId>,
    _sets: Vec<KeySet>,
}

/// What a client asks for by CLIENT TRACKING ON.
#[derive(Debug, Default)]
pub(crate) struct Request {
    /// BCAST, OPTIN, OPTOUT, NOLOOP.
    pub modes: Modes,
    /// Who is told in its place.
    pub redirect: Option<Arc<Client>>,
    /// With BCAST: prefixes to be added to those that it has. None of them overlaps another.
    pub prefixes: Vec<Box<[u8]>>,
}

impl Tracking {
    /// Turns tracking on for a client, or changes how it tracks.
    pub(crate) fn turn_on(&mut self, client: &Arc<Client>, request: Request) {
        let state = &client.tracking;
        self.active += usize::from(!state.modes().has(Modes::ON));
        state.set_modes(request.modes.with(Modes::ON));
        let redirect = request.redirect.as_ref();
        if let Some(target) = redirect {
            target.tracking.set_target();
        }
        state.set_redirect(redirect.map_or(0, |target| target.id));
        state.set_listed(true);
        let tracker = self.trackers.entry(client.id).or_insert_with(|| Tracker {
            client: Arc::clone(client),
            redirect: Weak::new(),
            keys: KeySet::default(),
            leaving: None,
        });
        tracker.redirect = redirect.map_or_else(Weak::new, Arc::downgrade);
        if request.modes.has(Modes::BCAST) {
            for prefix in request.prefixes {
                let memory = prefix_memory(&prefix);
                if self.prefixes.add(client.id, prefix) {
                    state.prefix_memory.fetch_add(memory, Relaxed);
                }
            }
        }
    }

    /// Turns tracking off. What the client has read stays in the table until it changes, as in
    /// Redis, but it is not told.
    pub(crate) fn turn_off(&mut self, client: &Client) {
        let modes = client.tracking.modes();
        if modes.has(Modes::ON) {
            self.active -= 1;
            client.tracking.set_modes(Modes::default());
        }
        while self.prefixes.forget(client.id, SOME) {}
        client.tracking.prefix_memory.store(0, Relaxed);
    }

    /// The prefixes of a client, in order.
    pub(crate) fn prefixes_of(&self, client: ClientId) -> impl Iterator<Item = &[u8]> {
        self.prefixes.of(client)
    }

    /// The first prefix of a client that overlaps with this one.
    pub(crate) fn overlapping_prefix(&self, client: ClientId, prefix: &[u8]) -> Option<&[u8]> {
        self.prefixes.overlapping(client, prefix)
    }

    /// Remembers that a client has read a key. With more than `limit` keys, others make room;
    /// 0 is no limit.
    pub(crate) fn remember(&mut self, client: &Arc<Client>, key: &[u8], limit: u64) {
        let Some(tracker) = self.trackers.get_mut(&client.id) else {
            return;
        };
        if tracker.leaving.is_some() {
            return;
        }
        let keys = &mut self.keys;
        let entry = self.index.entry(
            HashState::hash(key),
            |&slot| keys.get(slot).is_some_and(|tracked| *tracked.key == *key),
            |&slot| hash_at(keys, slot),
        );
        let slot = match entry {
            hashbrown::hash_table::Entry::Occupied(found) => *found.get(),
            hashbrown::hash_table::Entry::Vacant(place) => {
                let slot = self.keys.insert(TrackedKey {
                    key: key.into(),
                    readers: Vec::new(),
                });
                place.insert(slot);
                slot
            }
        };
        if tracker.keys.insert(slot)
            && let Some(tracked) = self.keys.get_mut(slot)
        {
            tracked.readers.push(client.id);
            self.items += 1;
            let memory = &client.tracking.key_memory;
            memory.fetch_add(PER_READ + key.len(), Relaxed);
        }
        while limit > 0 && self.keys.len() as u64 > limit {
            self.make_room();
        }
    }

    /// Notes that a key has changed.
    pub(super) fn changed(&mut self, key: &[u8]) {
        if self.trackers.is_empty() {
            return;
        }
        let author = self.author;
        self.prefixes.changed(key, author);
        let keys = &self.keys;
        let found = self.index.find_entry(HashState::hash(key), |&slot| {
            keys.get(slot).is_some_and(|tracked| *tracked.key == *key)
        });
        if let Ok(found) = found {
            let (slot, _) = found.remove();
            self.invalidate(slot, author);
        }
    }

    /// Notes that all keys of a database, or of all, are gone or have become others. The table is
    /// emptied, and all who track are told. What was in the table is the caller's to free, with about
    /// the number of its allocations.
    pub(super) fn flush(&mut self) -> Option<(Flushed, usize)> {
        if self.trackers.is_empty() {
            return None;
        }
        self.pending.push(Pending::Everything);
        let cost = 2 * self.keys.len();
        self.items = 0;
        let sets = self.trackers.values_mut().map(|tracker| {
            tracker.client.tracking.key_memory.store(0, Relaxed);
            std::mem::take(&mut tracker.keys)
        });
        let flushed = Flushed {
            _sets: sets.collect(),
            _keys: std::mem::take(&mut self.keys),
            _index: std::mem::take(&mut self.index),
        };
        Some((flushed, cost))
    }

    /// Takes some of what is kept of a client out that is gone. `true`: something is left, and this
    /// is to be called again.
    pub(super) fn forget(&mut self, client: &Client) -> bool {
        if client.tracking.modes().has(Modes::ON) {
            self.active -= 1;
            client.tracking.set_modes(Modes::default());
        }
        if self.prefixes.forget(client.id, SOME) {
            return true;
        }
        let Some(tracker) = self.trackers.get_mut(&client.id) else {
            return false;
        };
        let keys = &mut tracker.keys;
        let leaving = tracker
            .leaving
            .get_or_insert_with(|| std::mem::take(keys).into_iter());
        let some: Vec<SlotId> = leaving.take(SOME).collect();
        let is_last = leaving.len() == 0;
        for slot in some {
            self.forget_read(slot, client.id);
        }
        if is_last {
            self.trackers.remove(&client.id);
            client.tracking.key_memory.store(0, Relaxed);
            client.tracking.prefix_memory.store(0, Relaxed);
            client.tracking.set_listed(false);
        }
        !is_last
    }

    /// What INFO shows.
    pub(crate) fn figures(&self) -> Figures {
        Figures {
            clients: self.active,
            keys: self.keys.len(),
            items: self.items,
            prefixes: self.prefixes.len(),
        }
    }

    /// Takes a key out, so that there is room for another, and tells its readers.
    fn make_room(&mut self) {
        self.evictions += 1;
        let Some(slot) = self.keys.some(self.evictions) else {
            return;
        };
        self.unlink(slot);
        self.invalidate(slot, Author::Nobody);
    }

    /// Takes a key that is not in the index any more out of its place; its readers are to be told.
    fn invalidate(&mut self, slot: SlotId, author: Author) {
        let Some(TrackedKey { key, readers }) = self.keys.remove(slot) else {
            return;
        };
        self.items -= readers.len();
        for reader in &readers {
            if let Some(tracker) = self.trackers.get_mut(reader)
                && tracker.keys.remove(&slot)
            {
                let memory = &tracker.client.tracking.key_memory;
                memory.fetch_sub(PER_READ + key.len(), Relaxed);
            }
        }
        self.pending.push(Pending::Key {
            key,
            readers,
            author,
        });
    }

    /// Takes a client from a key's readers. The slot may hold another key by now, which it has not
    /// read.
    fn forget_read(&mut self, slot: SlotId, client: ClientId) {
        let Some(tracked) = self.keys.get_mut(slot) else {
            return;
        };
        let Some(place) = tracked.readers.iter().position(|&reader| reader == client) else {
            return;
        };
        tracked.readers.swap_remove(place);
        self.items -= 1;
        if tracked.readers.is_empty() {
            self.unlink(slot);
            self.keys.remove(slot);
        }
    }

    /// Takes a key out of the index.
    fn unlink(&mut self, slot: SlotId) {
        let hash = hash_at(&self.keys, slot);
        if let Ok(found) = self.index.find_entry(hash, |&place| place == slot) {
            found.remove();
        }
    }
}

fn hash_at(keys: &Slots<TrackedKey>, slot: SlotId) -> u64 {
    keys.get(slot)
        .map_or(0, |tracked| HashState::hash(&*tracked.key))
}
