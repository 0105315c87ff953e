//! The log: entries in blocks, in ascending order of their ids.
//!
//! Layer `store`. It may use `config` and `resp`.
//!
//! The blocks are in a map by the id of the first entry that each ever had, so that the block of an
//! id is found in O(log n). Entries are appended to the last block until it is full; then its buffer
//! is shrunk to what it contains. A block all of whose entries are deleted is removed.
//!
//! # Invariants
//! - The ids of a block are not below its key, and below the key of the next one.
//! - No id is above `last_id`.
//! - `len` and `buffers` are sums over the blocks.

use super::block::{Block, Texts};
use super::entry::Entry;
use super::id::StreamId;
use super::id_map::{IdMap, IdRange};
use super::range::{Range, Reversed};

/// The most bytes of a block, and of the texts of an entry (Redis: `STREAM_LISTPACK_MAX_SIZE`).
pub(crate) const MAX_BYTES: usize = 1 << 30;

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

impl Limits {
    /// Whether an entry still belongs into a block. Its texts have `size` bytes together.
    fn admit(self, block: &Block, size: usize) -> bool {
        let bytes = match self.bytes {
            0 => MAX_BYTES,
            bytes => bytes.min(MAX_BYTES),
        };
        block.listpack_size() + size < bytes && (self.entries == 0 || block.total() < self.entries)
    }
}

/// Entries in ascending order of their ids.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(super) blocks: IdMap<Block>,
    pub(super) len: u64,
    /// The bytes of the blocks' buffers.
    pub(super) buffers: usize,
    /// The last id that an entry had, or that XSETID set.
    pub last_id: StreamId,
    /// The largest id that was deleted, but not by trimming. `0-0` if there is none.
    pub max_deleted_id: StreamId,
    /// How many entries were ever added, or what XSETID set.
    pub entries_added: u64,
}

impl Clone for Log {
    fn clone(&self) -> Log {
        let blocks = self.blocks.clone();
        // The copies of the buffers have no room to grow.
        let all = blocks.range(StreamId::MIN, StreamId::MAX);
        let buffers = all.map(|(_, block)| block.memory()).sum();
        Log {
            blocks,
            buffers,
            ..*self
        }
    }
}

impl Log {
    /// The number of entries.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// The id of the first entry.
    pub(crate) fn first_id(&self) -> Option<StreamId> {
        self.blocks.first().map(|(_, block)| block.first_id())
    }

    /// The first entry.
    pub(crate) fn first(&self) -> Option<Entry<'_>> {
        let (_, block) = self.blocks.first()?;
        Some(block.first().entry(block.bytes()))
    }

    /// The last entry, whose id may be lower than `last_id`.
    pub(crate) fn last(&self) -> Option<Entry<'_>> {
        self.range_reversed(StreamId::MIN, StreamId::MAX).next()
    }

    /// The entry with an id.
    pub(crate) fn get(&self, id: StreamId) -> Option<Entry<'_>> {
        let (_, block) = self.blocks.floor(id)?;
        block.find(id).map(|cursor| cursor.entry(block.bytes()))
    }

    /// Whether there is an entry with this id.
    pub(crate) fn contains(&self, id: StreamId) -> bool {
        self.get(id).is_some()
    }

    /// The entries with ids from `from` to `to`, both included, in ascending order.
    pub(crate) fn range(&self, from: StreamId, to: StreamId) -> Range<'_> {
        Range::new(self.blocks_of(from, to), from, to)
    }

    /// The same entries in descending order.
    pub(crate) fn range_reversed(&self, from: StreamId, to: StreamId) -> Reversed<'_> {
        Reversed::new(self.blocks_of(from, to), from, to)
    }

    /// The blocks that may have entries with these ids.
    fn blocks_of(&self, from: StreamId, to: StreamId) -> IdRange<'_, Block> {
        let begin = match self.blocks.floor(from) {
            Some((key, _)) if from <= to => key,
            _ => from,
        };
        self.blocks.range(begin, to)
    }

    /// Appends an entry. `texts` are the fields' names and values by turns.
    ///
    /// # Panics
    /// The id is not greater than `last_id`.
    pub(crate) fn append<'f>(
        &mut self,
        id: StreamId,
        texts: impl ExactSizeIterator<Item = &'f [u8]> + Clone,
        limits: Limits,
    ) {
        assert!(id > self.last_id, "ids ascend");
        let size = texts.clone().map(<[u8]>::len).sum();
        self.append_sized(id, texts, size, limits);
        self.last_id = id;
        self.len += 1;
        self.entries_added += 1;
    }

    fn append_sized<'f>(
        &mut self,
        id: StreamId,
        texts: impl Texts<'f>,
        size: usize,
        limits: Limits,
    ) {
        if let Some((key, block)) = self.blocks.last_mut() {
            self.buffers -= block.memory();
            let is_admitted = limits.admit(block, size);
            if is_admitted {
                block.push(key, id, texts.clone(), size);
            } else {
                block.finish();
            }
            self.buffers += block.memory();
            if is_admitted {
                return;
            }
        }
        let block = Block::new(id, texts, size);
        self.buffers += block.memory();
        self.blocks.insert(id, block);
    }

    /// Deletes the entry with an id (XDEL). Returns whether there was one.
    pub(crate) fn delete(&mut self, id: StreamId) -> bool {
        let Some((key, _)) = self.blocks.floor(id) else {
            return false;
        };
        let Some(block) = self.blocks.get_mut(key) else {
            return false;
        };
        if !block.delete(id) {
            return false;
        }
        self.deleted_from(key);
        self.max_deleted_id = self.max_deleted_id.max(id);
        true
    }

    /// Deletes the first entry, but not as XDEL does.
    pub(super) fn delete_first(&mut self) {
        let Some((key, _)) = self.blocks.first() else {
            return;
        };
        if let Some(block) = self.blocks.get_mut(key) {
            block.delete_first();
        }
        self.deleted_from(key);
    }

    /// An entry of a block was deleted.
    fn deleted_from(&mut self, key: StreamId) {
        self.len -= 1;
        if self.blocks.get(key).is_some_and(|block| block.live() == 0)
            && let Some(block) = self.blocks.remove(key)
        {
            self.buffers -= block.memory();
        }
    }

    /// The number of blocks (XINFO STREAM: `radix-tree-keys`).
    pub(crate) fn blocks(&self) -> usize {
        self.blocks.len()
    }

    /// Its heap memory in bytes.
    pub(crate) fn memory(&self) -> usize {
        self.buffers + self.blocks.memory()
    }

    /// Roughly the number of its allocations.
    pub(crate) fn free_cost(&self) -> usize {
        2 * self.blocks.len() + self.blocks.allocations()
    }
}

#[cfg(test)]
impl Log {
    /// The sizes of the blocks, as Redis counts them.
    pub(super) fn listpack_sizes(&self) -> Vec<usize> {
        let blocks = self.blocks.range(StreamId::MIN, StreamId::MAX);
        blocks.map(|(_, block)| block.listpack_size()).collect()
    }

    /// Panics if an invariant of these files is broken.
    pub(super) fn invariants(&self) {
        self.blocks.invariants();
        let mut last = None;
        let (mut len, mut buffers) = (0, 0);
        for (key, block) in self.blocks.range(StreamId::MIN, StreamId::MAX) {
            block.invariants(key);
            assert!(last < Some(key));
            last = Some(block.last_id());
            len += block.live() as u64;
            buffers += block.memory();
        }
        assert_eq!((self.len, self.buffers), (len, buffers));
        assert!(last <= Some(self.last_id));
    }
}
