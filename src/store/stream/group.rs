//! A group: consumers that share the entries of a log, and the entries that are pending.
//!
//! Layer `store`. It uses nothing else.
//!
//! An entry that is delivered to a consumer is pending until it is acknowledged. The group has all
//! pending entries by id, and each consumer the ids of its own (`consumers.rs`). The log is not
//! asked: an entry may be pending that the log no longer has.
//!
//! # Invariant
//! - An entry is pending at exactly the consumer that its [`Delivery`] names.

use super::super::database::Millis;
use super::consumers::{Consumer, ConsumerId, Consumers};
use super::id::StreamId;
use super::id_map::IdMap;

/// A pending entry: it was delivered to a consumer, which has not acknowledged it yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// Whose it is.
    pub consumer: ConsumerId,
    /// When it was last delivered.
    pub delivered_at: Millis,
    /// How often it was delivered.
    pub deliveries: u64,
}

/// If a consumer has less than this part of the group's pending entries, they are removed one by one
/// when it is deleted. Otherwise all are passed.
const FEW: usize = 16;

/// A group of consumers, each of which gets other entries.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// The last id that was delivered to any consumer.
    pub last_delivered: StreamId,
    /// How many entries of the log were read up to `last_delivered`, if that is known.
    pub entries_read: Option<u64>,
    pending: IdMap<Delivery>,
    consumers: Consumers,
}

impl Group {
    /// A group without consumers.
    pub(crate) fn new(last_delivered: StreamId, entries_read: Option<u64>) -> Group {
        Group {
            last_delivered,
            entries_read,
            pending: IdMap::default(),
            consumers: Consumers::default(),
        }
    }

    // Consumers

    /// The number of consumers.
    pub(crate) fn consumers_len(&self) -> usize {
        self.consumers.len()
    }

    /// The consumers in the order of their names.
    pub(crate) fn consumers(&self) -> impl Iterator<Item = (ConsumerId, &Consumer)> {
        self.consumers.iter()
    }

    /// Finds a consumer.
    pub(crate) fn find_consumer(&self, name: &[u8]) -> Option<ConsumerId> {
        self.consumers.find(name)
    }

    /// A consumer.
    ///
    /// # Panics
    /// It was deleted.
    pub(crate) fn consumer(&self, consumer: ConsumerId) -> &Consumer {
        self.consumers.get(consumer)
    }

    /// A consumer, to set its times.
    ///
    /// # Panics
    /// It was deleted.
    pub(crate) fn consumer_mut(&mut self, consumer: ConsumerId) -> &mut Consumer {
        self.consumers.get_mut(consumer)
    }

    /// Adds a consumer, seen `now` and never active. `None` if there is one with this name.
    pub(crate) fn create_consumer(&mut self, name: &[u8], now: Millis) -> Option<ConsumerId> {
        match self.consumers.find(name) {
            Some(_) => None,
            None => Some(self.consumers.add(name, now)),
        }
    }

    /// Deletes a consumer with all its pending entries. Returns how many these were.
    ///
    /// # Panics
    /// It was deleted before.
    pub(crate) fn delete_consumer(&mut self, consumer: ConsumerId) -> usize {
        let deleted = self.consumers.remove(consumer);
        let count = deleted.pending_len();
        if count < self.pending.len() / FEW {
            for id in deleted.pending(StreamId::MIN, StreamId::MAX) {
                self.pending.remove(id);
            }
        } else if count > 0 {
            self.pending
                .retain(|_, delivery| delivery.consumer != consumer);
        }
        count
    }

    // Pending entries

    /// The number of pending entries.
    pub(crate) fn pending_len(&self) -> usize {
        self.pending.len()
    }

    /// The pending entry with an id.
    pub(crate) fn pending(&self, id: StreamId) -> Option<Delivery> {
        self.pending.get(id).copied()
    }

    /// The pending entries from `from` to `to`, both included, in ascending order.
    pub(crate) fn pending_range(
        &self,
        from: StreamId,
        to: StreamId,
    ) -> impl DoubleEndedIterator<Item = (StreamId, Delivery)> + Clone + '_ {
        self.pending
            .range(from, to)
            .map(|(id, delivery)| (id, *delivery))
    }

    /// Makes an entry pending, as `delivery` says, whether it was pending before or not; then it
    /// leaves the consumer that had it. For a new delivery, a claim, and a repeated delivery.
    ///
    /// # Panics
    /// The consumer was deleted.
    pub(crate) fn deliver(&mut self, id: StreamId, delivery: Delivery) {
        let before = self.pending.insert(id, delivery);
        let owner = before.map(|before| before.consumer);
        if owner == Some(delivery.consumer) {
            return;
        }
        if let Some(owner) = owner {
            self.consumers.remove_pending(owner, id);
        }
        self.consumers.add_pending(delivery.consumer, id);
    }

    /// Removes a pending entry (XACK, or a claim of an entry that was deleted). Returns it.
    pub(crate) fn ack(&mut self, id: StreamId) -> Option<Delivery> {
        let delivery = self.pending.remove(id)?;
        self.consumers.remove_pending(delivery.consumer, id);
        Some(delivery)
    }

    /// Its heap memory in bytes.
    pub(crate) fn memory(&self) -> usize {
        self.pending.memory() + self.consumers.memory()
    }

    /// Roughly the number of its allocations.
    pub(crate) fn free_cost(&self) -> usize {
        // The consumers together have about as many chunks of pending entries as the group.
        1 + 2 * self.pending.allocations() + self.consumers.allocations()
    }
}

#[cfg(test)]
impl Group {
    /// Panics if an invariant of these files is broken.
    pub(super) fn invariants(&self) {
        self.pending.invariants();
        assert_eq!(self.consumers.invariants(), self.pending.len());
        for (id, consumer) in self.consumers() {
            for entry in consumer.pending(StreamId::MIN, StreamId::MAX) {
                assert_eq!(
                    self.pending(entry).map(|delivery| delivery.consumer),
                    Some(id)
                );
            }
        }
    }
}
