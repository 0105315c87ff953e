use super::entry::Entry;
use super::id::StreamId;
use super::range::{Range, Reversed};
use super::trim::{Trim, Trimmed};
use crate::config::Config;

/// The limits of a block. 0 means none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The most bytes, as Redis counts them (`stream-node-max-bytes`).
    pub bytes: usize,
    /// The most entries (`stream-node-max-entries`).
    pub entries: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            bytes: 4096,
            entries: 100,
        }
    }
}

/// Entries in ascending order of their ids.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    /// The last id that an entry had, or that XSETID set.
    pub last_id: StreamId,
    /// The largest id that was deleted, but not by trimming. `0-0` if there is none.
    pub max_deleted_id: StreamId,
    /// How many entries were ever added, or what XSETID set.
    pub entries_added: u64,
}

impl Log {
    /// The number of entries.
    pub(crate) fn len(&self) -> usize {
        todo!()
    }

    /// The id of the first entry.
    pub(crate) fn first_id(&self) -> Option<StreamId> {
        todo!()
    }

    /// The first entry.
    pub(crate) fn first(&self) -> Option<Entry<'_>> {
        todo!()
    }

    /// The last entry, whose id may be lower than `last_id`.
    pub(crate) fn last(&self) -> Option<Entry<'_>> {
        todo!()
    }

    /// The entry with an id.
    pub(crate) fn get(&self, id: StreamId) -> Option<Entry<'_>> {
        todo!()
    }

    /// Whether there is an entry with this id.
    pub(crate) fn contains(&self, id: StreamId) -> bool {
        todo!()
    }

    /// The entries with ids from `from` to `to`, both included, in ascending order.
    pub(crate) fn range(&self, from: StreamId, to: StreamId) -> Range<'_> {
        todo!()
    }

    /// The same entries in descending order.
    pub(crate) fn range_reversed(&self, from: StreamId, to: StreamId) -> Reversed<'_> {
        todo!()
    }

    /// Appends an entry. `fields` alternates between names and values.
    ///
    /// # Panics
    /// The id is not greater than `last_id`, or a value is missing.
    pub(crate) fn append<'f>(
        &mut self,
        id: StreamId,
        fields: impl ExactSizeIterator<Item = &'f [u8]> + Clone,
        limits: Limits,
    ) {
        todo!()
    }

    /// Deletes the entry with an id (XDEL). Returns whether there was one.
    pub(crate) fn delete(&mut self, id: StreamId) -> bool {
        todo!()
    }

    /// Removes entries at the beginning. The caller discards what is returned.
    pub(crate) fn trim(&mut self, trim: Trim) -> Trimmed {
        todo!()
    }

    /// The number of blocks (XINFO STREAM: `radix-tree-keys`).
    pub(crate) fn blocks(&self) -> usize {
        todo!()
    }

    /// Whether an entry was deleted at this id or after it (Redis: `streamRangeHasTombstones`).
    pub(crate) fn has_holes_from(&self, id: StreamId) -> bool {
        todo!()
    }

    /// How many entries were added up to this id, if that is known (Redis:
    /// `streamEstimateDistanceFromFirstEverEntry`).
    pub(crate) fn entries_until(&self, id: StreamId) -> Option<u64> {
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
