//! Reading the log from an id to an id, in either direction, without an allocation for an entry.
//!
//! Layer `store`. It uses nothing else.
//!
//! Entries can only be skipped forwards. To read a segment of a block backwards, the positions of
//! its entries are written down first.

use smallvec::SmallVec;

use super::block::{Block, SEGMENT};
use super::entry::{Cursor, Entry, Position};
use super::id::StreamId;
use super::id_map::IdRange;

/// Entries in ascending order. A clone continues where the original is, so entries can be counted
/// first and then be read.
#[derive(Clone, Debug)]
pub(crate) struct Range<'a> {
    blocks: IdRange<'a, Block>,
    /// The bytes of a block.
    bytes: &'a [u8],
    /// The next entry there.
    next: Option<Cursor>,
    from: StreamId,
    to: StreamId,
}

impl<'a> Range<'a> {
    /// `blocks` are all that may have entries of the range.
    pub(super) fn new(blocks: IdRange<'a, Block>, from: StreamId, to: StreamId) -> Range<'a> {
        Range {
            blocks,
            bytes: &[],
            next: None,
            from,
            to,
        }
    }
}

impl<'a> Iterator for Range<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        loop {
            let Some(cursor) = self.next else {
                let (_, block) = self.blocks.next()?;
                self.bytes = block.bytes();
                self.next = block.seek(self.from);
                continue;
            };
            if cursor.id() > self.to {
                // No later block has entries of the range. This one is kept, so that every further
                // call ends here.
                return None;
            }
            self.next = cursor.next(self.bytes);
            if !cursor.is_deleted() {
                return Some(cursor.entry(self.bytes));
            }
        }
    }
}

/// Entries in descending order. It can be cloned, too.
#[derive(Clone, Debug)]
pub(crate) struct Reversed<'a> {
    blocks: IdRange<'a, Block>,
    block: Option<&'a Block>,
    /// The number of the block's segments that were not begun yet.
    segments: usize,
    /// The entries of a segment that are still to be read, in ascending order.
    positions: SmallVec<[Position; SEGMENT]>,
    from: StreamId,
    to: StreamId,
}

impl<'a> Reversed<'a> {
    /// `blocks` are all that may have entries of the range.
    pub(super) fn new(blocks: IdRange<'a, Block>, from: StreamId, to: StreamId) -> Reversed<'a> {
        Reversed {
            blocks,
            block: None,
            segments: 0,
            positions: SmallVec::new(),
            from,
            to,
        }
    }

    /// Writes down the entries of a segment that are in the range.
    fn begin(&mut self, block: &'a Block, segment: usize) {
        for cursor in block.segment(segment) {
            if cursor.id() > self.to {
                break;
            }
            if cursor.id() < self.from {
                // Nothing before this segment is in the range.
                self.segments = 0;
            } else if !cursor.is_deleted() {
                self.positions.push(cursor.position());
            }
        }
    }
}

impl<'a> Iterator for Reversed<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        loop {
            if let Some(block) = self.block {
                if let Some(position) = self.positions.pop() {
                    return Some(block.entry(position));
                }
                if let Some(segment) = self.segments.checked_sub(1) {
                    self.segments = segment;
                    self.begin(block, segment);
                    continue;
                }
            }
            let (_, block) = self.blocks.next_back()?;
            self.block = Some(block);
            self.segments = block.segments_to(self.to);
        }
    }
}
