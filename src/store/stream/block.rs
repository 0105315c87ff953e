//! A block of the log: the bytes of up to about a hundred entries.
//!
//! Layer `store`. It may use `resp`.
//!
//! ```text
//!   names of the first entry | entry | entry | …      (entry.rs)
//!                              ↑ first
//! ```
//!
//! A new block begins at the entry at which Redis begins a new listpack, since XTRIM with `~` counts
//! on that. So a block counts the bytes that its entries would take there.
//!
//! Entries can only be skipped forwards, one by one. So a block notes the position of every
//! sixteenth entry: a search, or a reader that goes backwards, begins there. The entries between two
//! such positions are a segment.
//!
//! An entry is deleted by a mark, as in Redis. Deleted entries at the beginning are left out of
//! searches, so that a log that is trimmed one by one need not pass them.
//!
//! # Invariants
//! - There is an entry that is not deleted. The first such entry is at `first`.
//! - `last` is the id of the last entry, deleted or not.
//! - `live` and `deleted` together count all entries that were ever appended. There is a segment
//!   for each sixteen of them, and for the rest.

use super::super::allocation;
use super::super::list::listpack;
use super::entry::{self, Cursor, Entry, Position};
use super::id::StreamId;
use super::text;

/// The most entries of a segment.
pub(super) const SEGMENT: usize = 16;
/// The size of the smallest buffer.
const FIRST_BUFFER: usize = 64;
/// From this size on, copying a buffer to shrink it would take long, and save next to nothing.
const LARGE: usize = 64 * 1024;

/// Some entries of the log.
#[derive(Clone, Debug)]
pub(super) struct Block {
    bytes: Vec<u8>,
    /// Where the segments begin, but not the first one.
    segments: Vec<Position>,
    first: Position,
    last: StreamId,
    live: u32,
    deleted: u32,
    /// What the entries take in a listpack, with the names, but without the two counts.
    listpack: u32,
}

/// An entry to be appended: its fields' names and values by turns.
pub(super) trait Texts<'f>: ExactSizeIterator<Item = &'f [u8]> + Clone {}

impl<'f, T: ExactSizeIterator<Item = &'f [u8]> + Clone> Texts<'f> for T {}

impl Block {
    /// A block with one entry. The texts have `size` bytes together.
    pub(super) fn new<'f>(id: StreamId, texts: impl Texts<'f>, size: usize) -> Block {
        let fields = texts.len() / 2;
        let bound = text::bound(texts.len() + 1, size);
        let mut bytes = Vec::with_capacity(allocation::size_class(bound.clamp(1, FIRST_BUFFER)));
        text::write_number(fields, &mut bytes);
        let mut listpack = listpack::OVERHEAD + of_integer(fields as u64) + of_integer(0);
        for name in texts.clone().step_by(2) {
            listpack += text::write_text(name, &mut bytes);
        }
        let at = bytes.len() as u32;
        let first = Position { id, at };
        let mut block = Block {
            bytes,
            segments: Vec::new(),
            first,
            last: id,
            live: 0,
            deleted: 0,
            listpack: listpack as u32,
        };
        block.push(id, id, texts, size);
        block
    }

    /// Appends an entry. `key` is the id of the first entry that the block ever had.
    pub(super) fn push<'f>(
        &mut self,
        key: StreamId,
        id: StreamId,
        texts: impl Texts<'f>,
        size: usize,
    ) {
        let fields = texts.len() / 2;
        let is_same = self.live + self.deleted == 0 || self.has_names(texts.clone().step_by(2));
        let bound = text::bound(texts.len() + 5, size);
        self.reserve(bound);
        if self.total() > 0 && self.total().is_multiple_of(SEGMENT) {
            let at = self.bytes.len() as u32;
            self.segments.push(Position { id, at });
        }
        let unfinished = entry::begin(self.last, id, is_same, bound, &mut self.bytes);
        // The flags, the id, and at the end the number of elements.
        let mut listpack =
            of_integer(0) + of_integer(id.ms - key.ms) + of_integer(id.seq.wrapping_sub(key.seq));
        let elements = if is_same {
            for value in texts.skip(1).step_by(2) {
                listpack += text::write_text(value, &mut self.bytes);
            }
            fields + 3
        } else {
            text::write_number(fields, &mut self.bytes);
            listpack += of_integer(fields as u64);
            for text in texts {
                listpack += text::write_text(text, &mut self.bytes);
            }
            2 * fields + 4
        };
        entry::finish(unfinished, &mut self.bytes);
        assert!(
            self.bytes.len() <= u32::MAX as usize,
            "a block is too large"
        );
        self.listpack += (listpack + of_integer(elements as u64)) as u32;
        self.last = id;
        self.live += 1;
    }

    /// Makes room for at least so many bytes more, by the sizes in which allocators hand out
    /// memory.
    fn reserve(&mut self, more: usize) {
        let needed = self.bytes.len() + more;
        if needed > self.bytes.capacity() {
            let capacity = allocation::size_class(needed.max(self.bytes.capacity() * 3 / 2));
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
    }

    /// Whether these are the names of the first entry.
    fn has_names<'f>(&self, names: impl ExactSizeIterator<Item = &'f [u8]>) -> bool {
        text::has_names(&self.bytes, names)
    }

    /// Nothing more will be appended: gives back what the buffers have beyond their contents.
    pub(super) fn finish(&mut self) {
        // Allocators leave a buffer where it is if it loses less than half of its size.
        self.segments = self.segments.as_slice().to_vec();
        if self.bytes.len() < LARGE {
            self.bytes = self.bytes.as_slice().to_vec();
        } else {
            self.bytes.shrink_to_fit();
        }
    }

    /// The bytes of its buffers.
    pub(super) fn memory(&self) -> usize {
        allocation::buffer::<u8>(self.bytes.capacity())
            + allocation::buffer::<Position>(self.segments.capacity())
    }

    /// The bytes that a listpack with the same entries takes.
    pub(super) fn listpack_size(&self) -> usize {
        self.listpack as usize + of_integer(self.live.into()) + of_integer(self.deleted.into())
    }

    /// The number of entries that are not deleted.
    pub(super) fn live(&self) -> usize {
        self.live as usize
    }

    /// The number of all entries.
    pub(super) fn total(&self) -> usize {
        self.live as usize + self.deleted as usize
    }

    /// The id of the first entry that is not deleted.
    pub(super) fn first_id(&self) -> StreamId {
        self.first.id
    }

    /// The id of the last entry, even if it is deleted.
    pub(super) fn last_id(&self) -> StreamId {
        self.last
    }

    /// The first entry that is not deleted.
    pub(super) fn first(&self) -> Cursor {
        Cursor::new(&self.bytes, self.first)
    }

    /// All entries from the first one on, deleted or not.
    pub(super) fn cursors(&self) -> impl Iterator<Item = Cursor> + '_ {
        std::iter::successors(Some(self.first()), |cursor| cursor.next(&self.bytes))
    }

    /// The entry at a position.
    pub(super) fn entry(&self, position: Position) -> Entry<'_> {
        Cursor::new(&self.bytes, position).entry(&self.bytes)
    }

    /// Its bytes, for a [`Cursor`].
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The number of segments that have ids up to this one.
    pub(super) fn segments_to(&self, id: StreamId) -> usize {
        1 + self.segments.partition_point(|begin| begin.id <= id)
    }

    /// The entries of a segment from the first one on, deleted or not.
    pub(super) fn segment(&self, number: usize) -> impl Iterator<Item = Cursor> + '_ {
        let begin = self.begin_of(number);
        let next = self.segments.get(number);
        let end = next.map_or(u32::MAX, |next| next.at);
        let begin = (begin.at < end).then(|| Cursor::new(&self.bytes, begin));
        let cursors = std::iter::successors(begin, |cursor| cursor.next(&self.bytes));
        cursors.take_while(move |cursor| cursor.position().at < end)
    }

    /// Where a segment begins, or the first entry, if that is later.
    fn begin_of(&self, number: usize) -> Position {
        match number.checked_sub(1) {
            Some(index) if self.segments[index].at > self.first.at => self.segments[index],
            _ => self.first,
        }
    }

    /// The first entry from an id on, deleted or not.
    pub(super) fn seek(&self, id: StreamId) -> Option<Cursor> {
        if id > self.last {
            return None;
        }
        let begin = self.begin_of(self.segments_to(id) - 1);
        let mut cursor = Cursor::new(&self.bytes, begin);
        while cursor.id() < id {
            cursor = cursor.next(&self.bytes)?;
        }
        Some(cursor)
    }

    /// The entry with an id, unless it is deleted.
    pub(super) fn find(&self, id: StreamId) -> Option<Cursor> {
        let found = self.seek(id)?;
        (found.id() == id && !found.is_deleted()).then_some(found)
    }

    /// Deletes the entry with an id. Returns whether there was one.
    ///
    /// If it was the only one, the block must be removed.
    pub(super) fn delete(&mut self, id: StreamId) -> bool {
        let Some(cursor) = self.find(id) else {
            return false;
        };
        if cursor.position() == self.first {
            self.delete_first();
        } else {
            cursor.mark_deleted(&mut self.bytes);
            self.count_deleted();
        }
        true
    }

    /// Deletes the first entry that is not deleted.
    ///
    /// If it was the only one, the block must be removed.
    pub(super) fn delete_first(&mut self) {
        self.count_deleted();
        let next = self.cursors().skip(1).find(|cursor| !cursor.is_deleted());
        if let Some(next) = next {
            self.first = next.position();
        }
    }

    fn count_deleted(&mut self) {
        self.live -= 1;
        self.deleted += 1;
    }
}

/// The bytes that a number takes in a listpack.
fn of_integer(number: u64) -> usize {
    // Redis casts, too.
    listpack::integer_entry_size(number as i64)
}

#[cfg(test)]
impl Block {
    /// Panics if an invariant of this file is broken.
    pub(super) fn invariants(&self, key: StreamId) {
        assert!(self.live > 0 && key <= self.first.id && self.first.id <= self.last);
        assert!(!self.first().is_deleted());
        assert_eq!(self.segments.len(), (self.total() - 1) / SEGMENT);
        let all = (0..=self.segments.len()).flat_map(|number| self.segment(number));
        assert!(
            all.map(|cursor| cursor.position())
                .eq(self.cursors().map(|cursor| cursor.position()))
        );
        let live = self.cursors().filter(|cursor| !cursor.is_deleted()).count();
        let last = self.cursors().last().map(|cursor| cursor.id());
        assert_eq!((live, last), (self.live(), Some(self.last)));
    }
}
