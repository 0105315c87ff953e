//! Removing entries at the beginning of the log (XTRIM, and XADD with MAXLEN or MINID).
//!
//! Layer `store`. It uses nothing else.
//!
//! Blocks all of whose entries go are removed as a whole. With `~`, that is all. Otherwise entries
//! of the next block are then deleted one by one.

use super::block::Block;
use super::id::StreamId;
use super::id_map::Chunk;
use super::log::Log;

/// What XTRIM and XADD trim a log to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trim {
    /// What stays.
    pub to: TrimTo,
    /// Only whole blocks are removed (`~`), at most this many entries. 0 means no limit. `None`
    /// removes exactly what does not stay.
    pub approximate: Option<u64>,
}

/// What stays in a log that is trimmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrimTo {
    /// At most this many entries (MAXLEN).
    Length(u64),
    /// The entries with this id and higher ones (MINID).
    MinId(StreamId),
}

/// What trimming has removed. Freeing it takes long if it is much, so the caller does
/// `keys.discard_part(trimmed, trimmed.free_cost())`.
#[derive(Debug)]
pub(crate) struct Trimmed {
    /// The number of entries.
    pub entries: u64,
    /// The blocks that were removed as a whole.
    blocks: Vec<Chunk<Block>>,
}

impl Trimmed {
    /// Roughly the number of its allocations.
    pub(crate) fn free_cost(&self) -> usize {
        self.blocks.iter().map(|chunk| 1 + 2 * chunk.len()).sum()
    }
}

impl Log {
    /// Removes entries at the beginning. The caller discards what is returned.
    pub(crate) fn trim(&mut self, trim: Trim) -> Trimmed {
        let mut entries = 0;
        let mut memory = 0;
        let mut stays = StreamId::MAX;
        let len = self.len;
        for (key, block) in self.blocks.range(StreamId::MIN, StreamId::MAX) {
            let live = block.live() as u64;
            let is_within_limit = match trim.approximate {
                None | Some(0) => true,
                Some(limit) => entries + live <= limit,
            };
            let goes = match trim.to {
                TrimTo::Length(length) => len - entries > length && len - entries - live >= length,
                TrimTo::MinId(id) => block.last_id() < id,
            };
            if !(goes && is_within_limit) {
                stays = key;
                break;
            }
            entries += live;
            memory += block.memory();
        }
        let blocks = if entries == len {
            // There is no id above the highest one.
            self.blocks.take_all()
        } else {
            self.blocks.take_below(stays)
        };
        self.len -= entries;
        self.buffers -= memory;
        if trim.approximate.is_none() {
            while self.first_id().is_some_and(|first| match trim.to {
                TrimTo::Length(length) => self.len > length,
                TrimTo::MinId(id) => first < id,
            }) {
                self.delete_first();
                entries += 1;
            }
        }
        Trimmed { entries, blocks }
    }
}
