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
//! An entry is deleted by a mark, as in Redis. Deleted entries at the beginning are left out of
//! searches, so that a log that is trimmed one by one need not pass them.
//!
//! # Invariants
//! - There is an entry that is not deleted. The first such entry is at `first`.
//! - `last` is the id of the last entry, deleted or not.
//! - `live` and `deleted` together count all entries that were ever appended.

use super::super::allocation;
use super::super::list::listpack;
use super::entry::{self, Cursor, Entry, Position};
use super::id::StreamId;
use super::text;

/// The size of the smallest buffer.
const FIRST_BUFFER: usize = 64;
/// From this size on, copying a buffer to shrink it would take long, and save next to nothing.
const LARGE: usize = 64 * 1024;

/// Some entries of the log.
#[derive(Clone, Debug)]
pub(super) struct Block {
    bytes: Vec<u8>,
    first: Position,
    last: StreamId,
    live: u32,
    deleted: u32,
    /// What the entries take in a listpack, with the names, but without the two counts.
    listpack: usize,
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
            first,
            last: id,
            live: 0,
            deleted: 0,
            listpack,
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
        self.listpack += listpack + of_integer(elements as u64);
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

    /// Nothing more will be appended: gives back what the buffer has beyond its bytes.
    pub(super) fn finish(&mut self) {
        if self.bytes.len() < LARGE {
            // Allocators leave a buffer where it is if it loses less than half of its size.
            self.bytes = self.bytes.as_slice().to_vec();
        } else {
            self.bytes.shrink_to_fit();
        }
    }

    /// The bytes of its buffer.
    pub(super) fn memory(&self) -> usize {
        allocation::buffer::<u8>(self.bytes.capacity())
    }

    /// The bytes that a listpack with the same entries takes.
    pub(super) fn listpack_size(&self) -> usize {
        self.listpack + of_integer(self.live.into()) + of_integer(self.deleted.into())
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

    /// The first entry from an id on, deleted or not.
    pub(super) fn seek(&self, id: StreamId) -> Option<Cursor> {
        let mut cursor = self.first();
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
        let live = self.cursors().filter(|cursor| !cursor.is_deleted()).count();
        let last = self.cursors().last().map(|cursor| cursor.id());
        assert_eq!((live, last), (self.live(), Some(self.last)));
    }
}
