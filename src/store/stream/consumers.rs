//! The consumers of a group.
//!
//! Layer `store`. It uses nothing else.
//!
//! A consumer has the ids of its pending entries, so that they are read without a walk over those
//! of others. What else is known of a pending entry is at the group. Pending entries name their
//! consumer by its place in a vector.
//!
//! # Invariants
//! - `names` has the places of all consumers, and `free` those that have none.
//! - `names_memory` and `pending_memory` are sums over the consumers.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::allocation;
use super::super::database::Millis;
use super::id::StreamId;
use super::id_map::IdMap;

/// Identifies a consumer within its group, for as long as the consumer exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ConsumerId(u32);

/// A consumer of a group.
#[derive(Clone, Debug)]
pub(crate) struct Consumer {
    name: Arc<[u8]>,
    /// When it last tried to read or claim anything. Commands set this.
    pub seen_at: Millis,
    /// When it last got an entry, if it ever did. Commands set this.
    pub active_at: Option<Millis>,
    pending: IdMap<()>,
}

impl Consumer {
    /// Its name.
    pub(crate) fn name(&self) -> &[u8] {
        &self.name
    }

    /// The number of its pending entries.
    pub(crate) fn pending_len(&self) -> usize {
        self.pending.len()
    }

    /// The ids of its pending entries from `from` to `to`, both included, in ascending order.
    pub(crate) fn pending(
        &self,
        from: StreamId,
        to: StreamId,
    ) -> impl DoubleEndedIterator<Item = StreamId> + Clone + '_ {
        self.pending.range(from, to).map(|(id, &())| id)
    }
}

/// What a consumer takes beside its name and its pending entries. The nodes of the map are about
/// two thirds full.
const FIXED: usize = size_of::<Option<Box<Consumer>>>() + size_of::<Consumer>() + (16 + 8) * 3 / 2;

/// The consumers of a group.
#[derive(Debug, Default)]
pub(super) struct Consumers {
    names: BTreeMap<Arc<[u8]>, ConsumerId>,
    places: Vec<Option<Box<Consumer>>>,
    free: Vec<ConsumerId>,
    names_memory: usize,
    pending_memory: usize,
}

impl Clone for Consumers {
    fn clone(&self) -> Consumers {
        let places = self.places.clone();
        let all = places.iter().flatten();
        // The copies of the buffers have no room to grow.
        let pending_memory = all.map(|consumer| consumer.pending.memory()).sum();
        Consumers {
            names: self.names.clone(),
            places,
            free: self.free.clone(),
            names_memory: self.names_memory,
            pending_memory,
        }
    }
}

/// What a name takes.
fn name_memory(name: &[u8]) -> usize {
    // It is behind two reference counts.
    allocation::size_class(2 * size_of::<usize>() + name.len())
}

impl Consumers {
    /// The number of consumers.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// The consumers in the order of their names.
    pub(super) fn iter(&self) -> impl Iterator<Item = (ConsumerId, &Consumer)> {
        self.names.values().map(|&id| (id, self.get(id)))
    }

    /// Finds a consumer.
    pub(super) fn find(&self, name: &[u8]) -> Option<ConsumerId> {
        self.names.get(name).copied()
    }

    /// A consumer.
    ///
    /// # Panics
    /// It was removed.
    pub(super) fn get(&self, id: ConsumerId) -> &Consumer {
        self.places[id.0 as usize].as_ref().expect(REMOVED)
    }

    /// A consumer, to be changed.
    ///
    /// # Panics
    /// It was removed.
    pub(super) fn get_mut(&mut self, id: ConsumerId) -> &mut Consumer {
        self.places[id.0 as usize].as_mut().expect(REMOVED)
    }

    /// Adds a consumer, whose name must be new.
    pub(super) fn add(&mut self, name: &[u8], now: Millis) -> ConsumerId {
        let name: Arc<[u8]> = name.into();
        let consumer = Box::new(Consumer {
            name: Arc::clone(&name),
            seen_at: now,
            active_at: None,
            pending: IdMap::default(),
        });
        self.names_memory += name_memory(&name);
        let id = match self.free.pop() {
            Some(id) => {
                self.places[id.0 as usize] = Some(consumer);
                id
            }
            None => {
                let place = u32::try_from(self.places.len()).expect("fewer than 2^32 consumers");
                self.places.push(Some(consumer));
                ConsumerId(place)
            }
        };
        self.names.insert(name, id);
        id
    }

    /// Removes a consumer. The caller removes its pending entries from the group.
    ///
    /// # Panics
    /// It was removed before.
    pub(super) fn remove(&mut self, id: ConsumerId) -> Box<Consumer> {
        let consumer = self.places[id.0 as usize].take().expect(REMOVED);
        self.names.remove(&consumer.name);
        self.free.push(id);
        self.names_memory -= name_memory(&consumer.name);
        self.pending_memory -= consumer.pending.memory();
        consumer
    }

    /// An entry is pending with a consumer now.
    pub(super) fn add_pending(&mut self, id: ConsumerId, entry: StreamId) {
        self.change_pending(id, |pending| {
            pending.insert(entry, ());
        });
    }

    /// An entry is no longer pending with a consumer.
    pub(super) fn remove_pending(&mut self, id: ConsumerId, entry: StreamId) {
        self.change_pending(id, |pending| {
            pending.remove(entry);
        });
    }

    fn change_pending(&mut self, id: ConsumerId, change: impl FnOnce(&mut IdMap<()>)) {
        let pending = &mut self.places[id.0 as usize].as_mut().expect(REMOVED).pending;
        let before = pending.memory();
        change(pending);
        self.pending_memory = self.pending_memory + pending.memory() - before;
    }

    /// Their heap memory in bytes.
    pub(super) fn memory(&self) -> usize {
        self.len() * FIXED + self.names_memory + self.pending_memory
    }

    /// Roughly the number of their allocations, without those of the pending entries.
    pub(super) fn allocations(&self) -> usize {
        2 * self.len()
    }
}

const REMOVED: &str = "a consumer that exists";

#[cfg(test)]
impl Consumers {
    /// Panics if an invariant of this file is broken. Returns the number of pending entries.
    pub(super) fn invariants(&self) -> usize {
        let mut names_memory = 0;
        let mut pending_memory = 0;
        let mut pending = 0;
        for (id, consumer) in self.iter() {
            assert_eq!(self.find(consumer.name()), Some(id));
            consumer.pending.invariants();
            names_memory += name_memory(&consumer.name);
            pending_memory += consumer.pending.memory();
            pending += consumer.pending_len();
        }
        assert_eq!(self.names_memory, names_memory);
        assert_eq!(self.pending_memory, pending_memory);
        assert_eq!(self.names.len() + self.free.len(), self.places.len());
        assert!(
            self.free
                .iter()
                .all(|id| self.places[id.0 as usize].is_none())
        );
        pending
    }
}
