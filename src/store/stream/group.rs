use super::super::database::Millis;
use super::consumers::{Consumer, ConsumerId};
use super::id::StreamId;
use super::log::Log;

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

/// A group of consumers, each of which gets other entries.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// The last id that was delivered to any consumer.
    pub last_delivered: StreamId,
    /// How many entries of the log were read up to `last_delivered`, if that is known.
    pub entries_read: Option<u64>,
}

impl Group {
    /// A group without consumers.
    pub(crate) fn new(last_delivered: StreamId, entries_read: Option<u64>) -> Group {
        Group {
            last_delivered,
            entries_read,
        }
    }

    /// How many entries of the log it has not read yet, if that is known.
    pub(crate) fn lag(&self, log: &Log) -> Option<u64> {
        todo!()
    }

    /// Moves `last_delivered` to an entry that is delivered now, and counts it as read (what
    /// Redis's `streamReplyWithRange` does for each new entry). An id that is not higher changes
    /// nothing.
    pub(crate) fn advance(&mut self, id: StreamId, log: &Log) {
        todo!()
    }

    // Consumers

    /// The number of consumers.
    pub(crate) fn consumers_len(&self) -> usize {
        todo!()
    }

    /// The consumers in the order of their names.
    pub(crate) fn consumers(&self) -> impl Iterator<Item = (ConsumerId, &Consumer)> {
        std::iter::empty()
    }

    /// Finds a consumer.
    pub(crate) fn find_consumer(&self, name: &[u8]) -> Option<ConsumerId> {
        todo!()
    }

    /// A consumer.
    ///
    /// # Panics
    /// It was deleted.
    pub(crate) fn consumer(&self, consumer: ConsumerId) -> &Consumer {
        todo!()
    }

    /// A consumer, to set its times.
    ///
    /// # Panics
    /// It was deleted.
    pub(crate) fn consumer_mut(&mut self, consumer: ConsumerId) -> &mut Consumer {
        todo!()
    }

    /// Adds a consumer, seen `now` and never active. `None` if there is one with this name.
    pub(crate) fn create_consumer(&mut self, name: &[u8], now: Millis) -> Option<ConsumerId> {
        todo!()
    }

    /// Deletes a consumer with all its pending entries. Returns how many these were.
    ///
    /// # Panics
    /// It was deleted.
    pub(crate) fn delete_consumer(&mut self, consumer: ConsumerId) -> usize {
        todo!()
    }

    // Pending entries

    /// The number of pending entries.
    pub(crate) fn pending_len(&self) -> usize {
        todo!()
    }

    /// The pending entry with an id.
    pub(crate) fn pending(&self, id: StreamId) -> Option<Delivery> {
        todo!()
    }

    /// The pending entries from `from` to `to`, both included, in ascending order.
    pub(crate) fn pending_range(
        &self,
        from: StreamId,
        to: StreamId,
    ) -> impl DoubleEndedIterator<Item = (StreamId, Delivery)> + Clone + '_ {
        std::iter::empty()
    }

    /// Makes an entry pending, as `delivery` says, whether it was pending before or not; then it
    /// leaves the consumer that had it. For a new delivery, a claim, and a repeated delivery.
    ///
    /// # Panics
    /// The consumer was deleted.
    pub(crate) fn deliver(&mut self, id: StreamId, delivery: Delivery) {
        todo!()
    }

    /// Removes a pending entry (XACK, or a claim of an entry that was deleted). Returns it.
    pub(crate) fn ack(&mut self, id: StreamId) -> Option<Delivery> {
        todo!()
    }

    /// Its heap memory in bytes.
    pub(crate) fn memory(&self) -> usize {
        todo!()
    }

    /// Roughly the number of its allocations.
    pub(crate) fn free_cost(&self) -> usize {
        todo!()
    }
}
