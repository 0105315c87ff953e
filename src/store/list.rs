//! A list: elements in order, packed, and cheap to change at both ends.
//!
//! Layer `store`. It uses nothing else.
//!
//! A list is a deque of chunks. Each chunk is a buffer of about 8 KB that contains the elements one
//! after another (`entry.rs` has the encoding), so an element of 64 bytes takes 66. A push or a pop
//! at an end only moves the position where the chunk's elements begin or end. A chunk that was
//! begun at the head fills downwards, and one that was begun at the tail fills upwards.
//!
//! ```text
//!  head                                                    tail
//!  [....aaabbbccc] [dddeeefffggghhhiii] [jjjkkklllmmm] [nnn........]
//! ```
//!
//! Redis's quicklist works the same way. But here the chunks are in an array, so that finding an
//! index adds up counts that are next to each other in memory, from the nearer end. And a chunk
//! keeps spare room, where Redis allocates again for every push.
//!
//! # Invariants
//! - No chunk is empty, and a list without elements has no heap memory.
//! - `totals` are the sums over the chunks.
//! - An element that is added is counted in `pushed`; what was counted and is not there has left.
//!
//! # Costs
//! - At the ends: constant, amortised. `make_room` and `shrink` of a chunk copy at most a constant
//!   times what was pushed or popped since the last copy.
//! - In the middle (`middle.rs`): finding an element takes O(chunks), and a change rewrites one
//!   chunk. A chunk that overflows is split, and small neighbours are merged. Splitting and merging
//!   move a few chunks in the deque, which is 40 bytes for each chunk up to the nearer end.
//! - Memory: the only chunk of a small list begins as large as its first element, and doubles. An
//!   element that is too large for any chunk gets a chunk of exactly its size.
//!
//! `age.rs` tells how long the oldest element has been there.

mod age;
mod chunk;
mod entry;
mod iter;
pub(super) mod listpack;
mod middle;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;

use super::encoding::Packing;
use super::value::{Size, ValueType};
use crate::config::Config;
use age::Marks;
use chunk::{CAPACITY, Chunk};
pub(crate) use iter::Iter;

/// An end of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The left one, index 0.
    Head,
    /// The right one, index -1.
    Tail,
}

#[cfg(test)]
impl End {
    /// The opposite end.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Head => Self::Tail,
            Self::Tail => Self::Head,
        }
    }
}

/// Elements in order.
#[derive(Clone, Default)]
pub(crate) struct List {
    chunks: VecDeque<Chunk>,
    totals: Totals,
    /// How many elements were ever added.
    pushed: u64,
    /// Times of pushes; few lists have any.
    marks: Option<Box<Marks>>,
    /// When the element that is the oldest by the marks was pushed, in seconds since 1970.
    since: u32,
    /// Whether Redis would store it as a quicklist.
    is_quicklist: bool,
}

/// Chunks that were cut off a list.
#[derive(Debug)]
pub(crate) struct Chunks(Vec<Chunk>);

impl Chunks {
    /// See [`ValueType::free_cost`].
    pub(crate) fn free_cost(&self) -> usize {
        self.0.len()
    }
}

/// Sums over chunks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Totals {
    elements: usize,
    capacity: usize,
    listpack: usize,
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("List")
            .field("chunks", &self.chunks.len())
            .field("totals", &self.totals)
            .finish()
    }
}

impl AsRef<List> for List {
    fn as_ref(&self) -> &List {
        self
    }
}

impl AsMut<List> for List {
    fn as_mut(&mut self) -> &mut List {
        self
    }
}

impl ValueType for List {
    fn encoding(&self) -> &'static str {
        if self.is_quicklist {
            "quicklist"
        } else {
            "listpack"
        }
    }

    fn memory(&self) -> usize {
        let marks = self.marks.as_deref().map_or(0, Marks::memory);
        self.totals.capacity + self.chunks.capacity() * size_of::<Chunk>() + marks
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn free_cost(&self) -> usize {
        1 + self.chunks.len()
    }

    fn settle(&mut self, before: Option<Size>, config: &Config, now: u32) {
        self.note_time(before.map_or(0, |before| before.elements), now);
        let packing = Packing::new(config.list_max_listpack_size);
        let after = self.size();
        self.is_quicklist = match before {
            Some(before) => packing.is_quicklist(self.is_quicklist, before, after),
            None => !packing.holds(after),
        };
    }

    fn size(&self) -> Size {
        Size {
            bytes: listpack::OVERHEAD + self.totals.listpack,
            elements: self.len(),
        }
    }
}

impl List {
    /// A list without elements, which has no heap memory.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// How many elements there are.
    pub(crate) fn len(&self) -> usize {
        self.totals.elements
    }

    /// How many elements were ever added.
    pub(crate) fn pushed(&self) -> u64 {
        self.pushed
    }

    /// How many elements have left: they were popped, or removed in another way.
    pub(crate) fn popped(&self) -> u64 {
        self.pushed - self.len() as u64
    }

    /// Adds an element at this end.
    pub(crate) fn push(&mut self, end: End, element: &[u8]) {
        let size = entry::size(element.len());
        if self
            .chunk_at(end)
            .is_none_or(|chunk| chunk.room(end) < size)
        {
            self.make_room(end, size);
        }
        if let Some(chunk) = self.chunk_at_mut(end) {
            self.totals.listpack += chunk.push(end, element);
            self.totals.elements += 1;
            self.pushed += 1;
        }
    }

    /// The element at this end.
    pub(crate) fn peek(&self, end: End) -> Option<&[u8]> {
        self.chunk_at(end)?.peek(end)
    }

    /// Removes the element at this end. Returns `false` if there is none.
    pub(crate) fn pop(&mut self, end: End) -> bool {
        let Some(chunk) = self.chunk_at_mut(end) else {
            return false;
        };
        let listpack = chunk.pop(end);
        let is_empty = chunk.is_empty();
        self.totals.listpack -= listpack;
        self.totals.elements -= 1;
        if is_empty {
            self.take_chunk(end);
        }
        if self.chunks.len() == 1 {
            self.shrink_only_chunk();
        }
        true
    }

    /// The element at this index, counted from the head.
    pub(crate) fn get(&self, index: usize) -> Option<&[u8]> {
        let (chunk, place) = self.locate(index)?;
        self.chunks[chunk].element(place)
    }

    /// Keeps `len` elements from `start` on. Returns the chunks that were removed as a whole, for
    /// the caller to drop where that delays nobody.
    pub(crate) fn keep(&mut self, start: usize, len: usize) -> Chunks {
        let start = start.min(self.len());
        let after = self.len() - start - len.min(self.len() - start);
        let mut removed = Vec::new();
        self.drop_elements(End::Tail, after, &mut removed);
        self.drop_elements(End::Head, start, &mut removed);
        Chunks(removed)
    }

    /// All elements, beginning at the head.
    pub(crate) fn iter(&self) -> Iter<'_> {
        Iter {
            chunks: self.chunks.iter(),
            left: self.len(),
            ..Iter::default()
        }
    }

    /// `len` elements from `start` on, or fewer if the list ends before.
    pub(crate) fn range(&self, start: usize, len: usize) -> Iter<'_> {
        let left = len.min(self.len().saturating_sub(start));
        let Some((first, place)) = self.locate(start).filter(|_| left > 0) else {
            return Iter::default();
        };
        let from = self.chunks[first].entries_from(place.start);
        let Some((last, end)) = self.locate(start + left) else {
            return Iter {
                front: from,
                chunks: self.chunks.range(first + 1..),
                back: &[],
                left,
            };
        };
        let until = self.chunks[last].entries_until(end.start);
        if first == last {
            return Iter {
                front: &from[..end.start - place.start],
                left,
                ..Iter::default()
            };
        }
        Iter {
            front: from,
            chunks: self.chunks.range(first + 1..last),
            back: until,
            left,
        }
    }

    fn chunk_at(&self, end: End) -> Option<&Chunk> {
        match end {
            End::Head => self.chunks.front(),
            End::Tail => self.chunks.back(),
        }
    }

    fn chunk_at_mut(&mut self, end: End) -> Option<&mut Chunk> {
        match end {
            End::Head => self.chunks.front_mut(),
            End::Tail => self.chunks.back_mut(),
        }
    }

    /// The chunk that contains this element, and the element's range there. The search begins at
    /// the nearer end.
    fn locate(&self, index: usize) -> Option<(usize, Range<usize>)> {
        if index >= self.len() {
            return None;
        }
        let mut skipped = 0;
        if index < self.len() / 2 {
            for (number, chunk) in self.chunks.iter().enumerate() {
                if index - skipped < chunk.count() {
                    return Some((number, chunk.locate(index - skipped)));
                }
                skipped += chunk.count();
            }
        } else {
            let from_tail = self.len() - 1 - index;
            for (number, chunk) in self.chunks.iter().enumerate().rev() {
                if from_tail - skipped < chunk.count() {
                    let index = chunk.count() - 1 - (from_tail - skipped);
                    return Some((number, chunk.locate(index)));
                }
                skipped += chunk.count();
            }
        }
        None
    }

    /// Makes sure that the chunk at this end has room for `size` bytes there.
    #[cold]
    fn make_room(&mut self, end: End, size: usize) {
        let mut capacity = size;
        if let Some(chunk) = self.chunk_at_mut(end) {
            let before = chunk.capacity();
            let has_room = chunk.make_room(end, size);
            if !has_room {
                chunk.leave_behind(end);
            }
            let after = chunk.capacity();
            self.totals.capacity = self.totals.capacity - before + after;
            if has_room {
                return;
            }
            // If a chunk has grown to full size, the next one probably will, too.
            if after == CAPACITY && size <= CAPACITY / 8 {
                capacity = CAPACITY;
            }
        } else {
            // Most lists keep one chunk. A deque would begin with room for four.
            self.chunks.reserve_exact(1);
        }
        let chunk = Chunk::with_room(end, capacity);
        self.totals.capacity += chunk.capacity();
        match end {
            End::Head => self.chunks.push_front(chunk),
            End::Tail => self.chunks.push_back(chunk),
        }
    }

    /// Removes elements at an end, whole chunks at once. There must be that many.
    fn drop_elements(&mut self, end: End, mut count: usize, removed: &mut Vec<Chunk>) {
        while let Some(chunk) = self.chunk_at_mut(end) {
            if chunk.count() > count {
                let before = chunk.listpack();
                for _ in 0..count {
                    chunk.pop(end);
                }
                let after = chunk.listpack();
                self.totals.listpack = self.totals.listpack - before + after;
                self.totals.elements -= count;
                break;
            }
            count -= chunk.count();
            removed.extend(self.take_chunk(end));
        }
        if self.chunks.len() == 1 {
            self.shrink_only_chunk();
        }
    }

    /// Removes the chunk at an end, with its elements.
    fn take_chunk(&mut self, end: End) -> Option<Chunk> {
        let chunk = match end {
            End::Head => self.chunks.pop_front(),
            End::Tail => self.chunks.pop_back(),
        };
        if let Some(chunk) = &chunk {
            self.totals.subtract(chunk);
        }
        self.shrink_deque();
        chunk
    }

    fn shrink_deque(&mut self) {
        if self.chunks.is_empty() {
            self.chunks = VecDeque::new();
        } else if self.chunks.len() <= self.chunks.capacity() / 4 && self.chunks.capacity() > 4 {
            self.chunks.shrink_to(2 * self.chunks.len());
        }
    }

    /// Larger lists are not shrunk: their chunks at the ends will soon be gone or full.
    fn shrink_only_chunk(&mut self) {
        let chunk = &mut self.chunks[0];
        let before = chunk.capacity();
        chunk.shrink();
        self.totals.capacity = self.totals.capacity - before + chunk.capacity();
    }
}

impl Totals {
    fn add(&mut self, chunk: &Chunk) {
        self.elements += chunk.count();
        self.capacity += chunk.capacity();
        self.listpack += chunk.listpack();
    }

    fn subtract(&mut self, chunk: &Chunk) {
        self.elements -= chunk.count();
        self.capacity -= chunk.capacity();
        self.listpack -= chunk.listpack();
    }
}
