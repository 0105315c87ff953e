//! Client-side caching: which clients must be told that a key has changed (CLIENT TRACKING).
//!
//! Layer `store`. It may use `pubsub`, `client`, `hash` and the lowest layers.
//!
//! The table is a part of the [`Keyspace`](super::keyspace::Keyspace), behind its lock. A read is
//! remembered before the lock under which it happened is released, and a change finds the readers
//! under the lock under which it happens. As in Redis, keys are known by name, whatever their
//! database.
//!
//! ```text
//!   a read-only command ──▶ remember: key → clients           (clients that track by their reads)
//!   CLIENT TRACKING BCAST ▶ prefixes: prefix → clients        (clients that track by prefixes)
//!   a key changes ────────▶ changed: the key's clients and the matching prefixes become pending
//!   the command is over ──▶ announce: each client is sent what it must be told
//! ```
//!
//! # When clients are told
//!
//! Clients are told at the end of the command, before the keyspace's lock is released. So nobody
//! can see the new value and then get the invalidation of an older one. By then, the reply to a
//! read that was remembered is in the reader's outbox, too (`Context::release_keyspace`). Otherwise
//! an invalidation could come before the reply that it invalidates, and the reader would keep a
//! stale value for ever.
//!
//! A key that changes is removed from the table. Its readers are told once, and not again until
//! they have read it again. A client with prefixes is told of all keys that changed in one command,
//! or in one EXEC, in one message for each prefix.
//!
//! # Bounds
//!
//! - Reads add keys, and `tracking-table-max-keys` limits them. When there is one key too many, a
//!   random key is removed, and its readers are told as if it had changed.
//! - What is remembered for a client counts as its memory, so `maxmemory-clients` limits it. Its
//!   prefixes count against `client-query-buffer-limit`, as watched keys do.
//! - The entries of a closed client are removed in steps of limited size ([`Tracking::forget`]).
//! - Messages count against the limits of their receiver's outbox, as replies do. They are never
//!   dropped to make room: a client that cannot be told is disconnected.
//!
//! # Costs
//!
//! Without a tracking client, a command only looks at its own client's modes, and a change at an
//! empty table. Otherwise a change costs a look-up in the table, and one in the index of prefixes,
//! which finds the matching prefixes without trying the others.
//!
//! # Invariants
//!
//! - A client is among a key's readers exactly while the key's slot is in the client's own set, or,
//!   for a client that is leaving, in what is left of that set.
//! - A key without readers is not kept, unless only leaving clients have read it.
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
use crate::client::{Client, ClientId, Kept};
use crate::hash::HashState;
use announce::Pending;
use prefixes::Prefixes;
pub(crate) use prefixes::memory as prefix_memory;

/// The keys of a client, by their slots.
type KeySet = std::collections::HashSet<SlotId, HashState>;

/// What one remembered read takes beside the key's name, including tables.
const PER_READ: usize = size_of::<TrackedKey>() + 4 * size_of::<ClientId>() + 32;
/// The number of entries of a closed client that are removed at a time, which takes a fraction of a
/// millisecond.
const SOME: usize = 128;

/// The author of a change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Author {
    /// The client whose command is carried out, if there is one.
    #[default]
    Command,
    /// A blocked client that was served.
    Waiter(ClientId),
    /// The server, or several clients: no client knows of the change by itself.
    Nobody,
}

/// A key that was read, and its readers.
#[derive(Debug)]
struct TrackedKey {
    key: Box<[u8]>,
    readers: Vec<ClientId>,
}

/// A client that tracks, or has tracked.
#[derive(Debug)]
struct Tracker {
    client: Arc<Client>,
    /// The client that is told instead, if `redirect` is set.
    redirect: Weak<Client>,
    /// The keys that it has read.
    keys: KeySet,
    /// The keys that are still to be removed after the client was closed.
    leaving: Option<hash_set::IntoIter<SlotId>>,
}

/// The figures that INFO shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    /// The number of clients that track.
    pub clients: usize,
    /// The number of keys that are remembered.
    pub keys: usize,
    /// The number of pairs of key and reader.
    pub items: usize,
    /// The number of different prefixes.
    pub prefixes: usize,
}

/// The tracking table: the clients that track, and the keys and prefixes that they track.
#[derive(Debug, Default)]
pub(crate) struct Tracking {
    keys: Slots<TrackedKey>,
    /// Hash of the key → slot.
    index: HashTable<SlotId>,
    items: usize,
    trackers: HashMap<ClientId, Tracker, HashState>,
    /// The number of trackers that have tracking on.
    active: usize,
    prefixes: Prefixes,
    /// Changes that clients are still to be told of, in order.
    pending: Vec<Pending>,
    /// The author of the current changes.
    pub(super) author: Author,
    /// The number of keys that were removed to make room. It also chooses the next one.
    evictions: u64,
}

/// What a flush has removed from the table.
#[derive(Debug)]
pub(super) struct Flushed {
    _keys: Slots<TrackedKey>,
    _index: HashTable<SlotId>,
    _sets: Vec<KeySet>,
}

/// The arguments of CLIENT TRACKING ON.
#[derive(Debug, Default)]
pub(crate) struct Request {
    /// BCAST, OPTIN, OPTOUT, NOLOOP.
    pub modes: Modes,
    /// The client that is told instead.
    pub redirect: Option<Arc<Client>>,
    /// With BCAST: prefixes to add to those that the client has. None of them overlaps another one.
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
        client.set_redirect(redirect.map_or(0, |target| target.id));
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
                    client.add_kept(Kept::Prefixes, memory);
                }
            }
        }
    }

    /// Turns tracking off. As in Redis, what the client has read stays in the table until it
    /// changes, but the client is not told.
    pub(crate) fn turn_off(&mut self, client: &Client) {
        let modes = client.tracking.modes();
        if modes.has(Modes::ON) {
            self.active -= 1;
            client.tracking.set_modes(Modes::default());
        }
        while self.prefixes.forget(client.id, SOME) {}
        client.set_kept(Kept::Prefixes, 0);
    }

    /// The prefixes of a client, in order.
    pub(crate) fn prefixes_of(&self, client: ClientId) -> impl Iterator<Item = &[u8]> {
        self.prefixes.of(client)
    }

    /// The first prefix of a client that overlaps with this one.
    pub(crate) fn overlapping_prefix(&self, client: ClientId, prefix: &[u8]) -> Option<&[u8]> {
        self.prefixes.overlapping(client, prefix)
    }

    /// Remembers that a client has read a key. If there are more than `limit` keys, others are
    /// removed. 0 means no limit.
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
            client.add_kept(Kept::Tracked, PER_READ + key.len());
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

    /// Notes that all keys of a database, or of all, are removed or replaced. Empties the table;
    /// all tracking clients are to be told. Returns what was in the table, for the caller to free,
    /// with roughly the number of its allocations.
    pub(super) fn flush(&mut self) -> Option<(Flushed, usize)> {
        if self.trackers.is_empty() {
            return None;
        }
        self.pending.push(Pending::Everything);
        let cost = 2 * self.keys.len();
        self.items = 0;
        let sets = self.trackers.values_mut().map(|tracker| {
            tracker.client.set_kept(Kept::Tracked, 0);
            std::mem::take(&mut tracker.keys)
        });
        let flushed = Flushed {
            _sets: sets.collect(),
            _keys: std::mem::take(&mut self.keys),
            _index: std::mem::take(&mut self.index),
        };
        Some((flushed, cost))
    }

    /// Removes some of what is kept of a closed client. Returns `true` if something is left, so
    /// that this must be called again.
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
            client.set_kept(Kept::Tracked, 0);
            client.set_kept(Kept::Prefixes, 0);
            client.tracking.set_listed(false);
        }
        !is_last
    }

    /// The figures that INFO shows.
    pub(crate) fn figures(&self) -> Figures {
        Figures {
            clients: self.active,
            keys: self.keys.len(),
            items: self.items,
            prefixes: self.prefixes.len(),
        }
    }

    /// Removes a key to make room for another, and tells its readers.
    fn make_room(&mut self) {
        self.evictions += 1;
        let Some(slot) = self.keys.some(self.evictions) else {
            return;
        };
        self.unlink(slot);
        self.invalidate(slot, Author::Nobody);
    }

    /// Removes a key from its slot, after it was removed from the index. Its readers are to be
    /// told.
    fn invalidate(&mut self, slot: SlotId, author: Author) {
        let Some(TrackedKey { key, readers }) = self.keys.remove(slot) else {
            return;
        };
        self.items -= readers.len();
        for reader in &readers {
            if let Some(tracker) = self.trackers.get_mut(reader)
                && tracker.keys.remove(&slot)
            {
                let memory = PER_READ + key.len();
                tracker.client.subtract_kept(Kept::Tracked, memory);
            }
        }
        self.pending.push(Pending::Key {
            key,
            readers,
            author,
        });
    }

    /// Removes a client from a key's readers. The slot may now have another key, which the client
    /// has not read.
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

    /// Removes a key from the index.
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
