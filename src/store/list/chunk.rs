//! One buffer of a list, whose elements are packed as in [`entry`].
//!
//! Layer `store`. It uses nothing else.
//!
//! ```text
//!   buffer   [  room at the head  |  entries  |  room at the tail  ]
//!            0                  start        end               capacity
//! ```
//!
//! # Invariants
//! - The capacity is at most [`CAPACITY`], unless a single element needs more. Then the buffer is
//!   exactly as long as its entry.
//! - `count` is the number of entries in `start..end`. `surplus` is what a listpack would take for
//!   them beyond what they take here; it may be negative.

use std::ops::Range;

use super::{End, entry, listpack};

/// The size of a full-grown chunk in bytes. It equals Redis's default, `list-max-listpack-size -2`.
pub(super) const CAPACITY: usize = 8192;

/// The smallest buffer, unless it is known that nothing will be added.
const MIN_CAPACITY: usize = 32;

/// One buffer of packed elements.
#[derive(Clone, Debug, Default)]
pub(super) struct Chunk {
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    count: u32,
    surplus: i32,
}

impl Chunk {
    /// An empty chunk with all its room at `end`, which fills without moving entries.
    pub(super) fn with_room(end: End, capacity: usize) -> Self {
        let capacity = capacity.max(MIN_CAPACITY);
        let at = match end {
            End::Head => capacity,
            End::Tail => 0,
        };
        Self {
            buffer: vec![0; capacity].into_boxed_slice(),
            start: at,
            end: at,
            ..Self::default()
        }
    }

    /// A chunk with only this element and no spare room.
    pub(super) fn of_one(element: &[u8]) -> Self {
        let mut buffer = vec![0; entry::size(element.len())].into_boxed_slice();
        entry::write(element, &mut buffer);
        let mut chunk = Self {
            end: buffer.len(),
            buffer,
            ..Self::default()
        };
        chunk.note_added(element);
        chunk
    }

    /// A chunk with these entries and no spare room.
    fn of_entries(entries: &[u8]) -> Self {
        let mut chunk = Self {
            buffer: entries.into(),
            end: entries.len(),
            ..Self::default()
        };
        let mut rest = entries;
        while let Some((element, after)) = entry::first(rest) {
            chunk.note_added(element);
            rest = after;
        }
        chunk
    }

    /// How many elements there are.
    pub(super) fn count(&self) -> usize {
        self.count as usize
    }

    /// Whether there is no element.
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The packed entries.
    pub(super) fn entries(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// The bytes of the packed entries.
    pub(super) fn live(&self) -> usize {
        self.end - self.start
    }

    /// The length of the buffer in bytes.
    pub(super) fn capacity(&self) -> usize {
        self.buffer.len()
    }

    /// The bytes that the entries would take in a listpack.
    pub(super) fn listpack(&self) -> usize {
        self.live().wrapping_add_signed(self.surplus as isize)
    }

    /// The bytes that can be added at this end without moving entries.
    pub(super) fn room(&self, end: End) -> usize {
        match end {
            End::Head => self.start,
            End::Tail => self.capacity() - self.end,
        }
    }

    /// The element at this end.
    pub(super) fn peek(&self, end: End) -> Option<&[u8]> {
        let (element, _) = take(end, self.entries())?;
        Some(element)
    }

    /// The elements with the ranges of their entries, beginning at the head.
    fn walk(&self) -> impl Iterator<Item = (Range<usize>, &[u8])> {
        let mut at = self.start;
        std::iter::from_fn(move || {
            let (element, rest) = entry::first(&self.buffer[at..self.end])?;
            let place = at..self.end - rest.len();
            at = place.end;
            Some((place, element))
        })
    }

    /// The range in the buffer of the entry with this index, which must exist.
    pub(super) fn locate(&self, index: usize) -> Range<usize> {
        if index < self.count() / 2 {
            let mut rest = self.entries();
            for _ in 0..index {
                rest = entry::first(rest).map_or(&[], |(_, rest)| rest);
            }
            let at = self.end - rest.len();
            let after = entry::first(rest).map_or(0, |(_, rest)| rest.len());
            at..self.end - after
        } else {
            let mut rest = self.entries();
            for _ in index + 1..self.count() {
                rest = entry::last(rest).map_or(&[], |(_, rest)| rest);
            }
            let until = self.start + rest.len();
            let before = entry::last(rest).map_or(0, |(_, rest)| rest.len());
            self.start + before..until
        }
    }

    /// The element whose entry has this range.
    pub(super) fn element(&self, place: Range<usize>) -> Option<&[u8]> {
        entry::first(&self.buffer[place]).map(|(element, _)| element)
    }

    /// The entries from `at` on, which must be the beginning of an entry or the end of all.
    pub(super) fn entries_from(&self, at: usize) -> &[u8] {
        &self.buffer[at..self.end]
    }

    /// The entries before `at`, which must be the beginning of an entry or the end of all.
    pub(super) fn entries_until(&self, at: usize) -> &[u8] {
        &self.buffer[self.start..at]
    }

    /// Adds an element at an end, which must have [`room`](Self::room) for it. Returns its size in
    /// a listpack.
    pub(super) fn push(&mut self, end: End, element: &[u8]) -> usize {
        let size = entry::size(element.len());
        let place = match end {
            End::Head => {
                self.start -= size;
                self.start..self.start + size
            }
            End::Tail => {
                self.end += size;
                self.end - size..self.end
            }
        };
        entry::write(element, &mut self.buffer[place]);
        self.note_added(element)
    }

    /// Removes the element at this end. Returns its size in a listpack.
    pub(super) fn pop(&mut self, end: End) -> usize {
        let Some((element, rest)) = take(end, &self.buffer[self.start..self.end]) else {
            return 0;
        };
        let left = rest.len();
        let size = self.live() - left;
        let listpack = listpack::entry_size(element);
        match end {
            End::Head => self.start = self.end - left,
            End::Tail => self.end = self.start + left,
        }
        self.count -= 1;
        self.surplus -= surplus(listpack, size);
        listpack
    }

    /// Makes room for `size` bytes at this end, by moving the entries or growing. Returns `false`
    /// if a new chunk must be begun.
    ///
    /// Up to a constant factor, no more is moved than was pushed since the last move, whichever
    /// ends the pushes came from: moving within the buffer leaves room at both ends, and a chunk of
    /// full size is moved only if half of it is room.
    pub(super) fn make_room(&mut self, end: End, size: usize) -> bool {
        let (live, capacity) = (self.live(), self.capacity());
        let most = (capacity - live) / 4 * 3;
        if self.room(end) >= size {
            true
        } else if live <= capacity / 2 && size <= most {
            let start = match end {
                End::Head => most,
                End::Tail => capacity - live - most,
            };
            self.buffer.copy_within(self.start..self.end, start);
            self.start = start;
            self.end = start + live;
            true
        } else if live + size <= CAPACITY && (capacity < CAPACITY || live <= CAPACITY / 2) {
            self.reserve(end, size);
            true
        } else {
            false
        }
    }

    /// Makes room for `size` bytes at this end. Together with them the chunk must not be larger
    /// than [`CAPACITY`].
    fn reserve(&mut self, end: End, size: usize) {
        if self.room(end) < size {
            let doubled = (2 * self.capacity()).min(CAPACITY);
            self.rebuild(end, doubled.max(self.live() + size));
        }
    }

    /// Moves the entries to a buffer of this capacity, with all its room at `end`.
    fn rebuild(&mut self, end: End, capacity: usize) {
        let mut rebuilt = Self::with_room(end, capacity);
        match end {
            End::Head => rebuilt.start -= self.live(),
            End::Tail => rebuilt.end += self.live(),
        }
        rebuilt.buffer[rebuilt.start..rebuilt.end].copy_from_slice(self.entries());
        rebuilt.count = self.count;
        rebuilt.surplus = self.surplus;
        *self = rebuilt;
    }

    /// Returns unused memory, because the next pushes at this end go to another chunk. Only a large
    /// element that did not fit can have left so much unused.
    pub(super) fn leave_behind(&mut self, end: End) {
        if self.room(end) > CAPACITY / 8 {
            self.rebuild(end, self.live());
        }
    }

    /// Returns memory if seven eighths of it are unused, and keeps some room to grow.
    pub(super) fn shrink(&mut self) {
        if self.live() <= self.capacity() / 8 && self.capacity() > MIN_CAPACITY {
            self.rebuild(End::Tail, 2 * self.live());
        }
    }

    /// Returns memory if three quarters of it are unused, for a chunk that will probably not grow.
    pub(super) fn shrink_to_fit(&mut self) {
        if self.live() <= self.capacity() / 4 && self.capacity() > MIN_CAPACITY {
            self.rebuild(End::Tail, self.live());
        }
    }

    /// Replaces the entry at `place` with an element. If `place` is empty, inserts the element
    /// there. Returns `false`, and changes nothing, if the chunk would become too large.
    pub(super) fn splice(&mut self, place: Range<usize>, element: &[u8]) -> bool {
        let size = entry::size(element.len());
        if self.live() - place.len() + size > CAPACITY {
            return false;
        }
        if let Some(old) = self.element(place.clone()) {
            self.surplus -= surplus(listpack::entry_size(old), place.len());
            self.count -= 1;
        }
        let from_start = place.start - self.start;
        self.reserve(End::Tail, size.saturating_sub(place.len()));
        let at = self.start + from_start;
        self.buffer
            .copy_within(at + place.len()..self.end, at + size);
        self.end = self.end - place.len() + size;
        entry::write(element, &mut self.buffer[at..at + size]);
        self.note_added(element);
        true
    }

    /// Splits the chunk: what is before this range, and what is after it.
    pub(super) fn split(self, place: Range<usize>) -> (Self, Self) {
        if place.end == self.start {
            // Avoids copying a large element.
            return (Self::default(), self);
        }
        let before = Self::of_entries(self.entries_until(place.start));
        let after = Self::of_entries(self.entries_from(place.end));
        (before, after)
    }

    /// Appends another chunk's elements. Together they must not be larger than [`CAPACITY`].
    pub(super) fn append(&mut self, other: &Self) {
        self.reserve(End::Tail, other.live());
        let end = self.end + other.live();
        self.buffer[self.end..end].copy_from_slice(other.entries());
        self.end = end;
        self.count += other.count;
        self.surplus += other.surplus;
    }

    /// Removes at most `limit` elements that equal this one, beginning at an end. Returns how many.
    pub(super) fn remove_matching(&mut self, element: &[u8], limit: usize, from: End) -> usize {
        let matching = self.walk().filter(|(_, other)| *other == element).count();
        let removed = matching.min(limit);
        if removed == 0 {
            return 0;
        }
        let first = match from {
            End::Head => 0,
            End::Tail => matching - removed,
        };
        let (mut at, mut kept, mut seen) = (self.start, self.start, 0);
        while let Some((other, rest)) = entry::first(&self.buffer[at..self.end]) {
            let next = self.end - rest.len();
            let matches = other == element;
            if !matches || !(first..first + removed).contains(&seen) {
                self.buffer.copy_within(at..next, kept);
                kept += next - at;
            }
            seen += usize::from(matches);
            at = next;
        }
        self.end = kept;
        self.count -= removed as u32;
        let size = entry::size(element.len());
        self.surplus -= removed as i32 * surplus(listpack::entry_size(element), size);
        removed
    }

    fn note_added(&mut self, element: &[u8]) -> usize {
        let listpack = listpack::entry_size(element);
        self.count += 1;
        self.surplus += surplus(listpack, entry::size(element.len()));
        listpack
    }
}

/// The size of an element in a listpack, minus its size here: a few bytes more or fewer.
fn surplus(listpack: usize, size: usize) -> i32 {
    listpack.wrapping_sub(size) as i32
}

/// Splits the entries into the element at this end and the other entries.
fn take(end: End, entries: &[u8]) -> Option<(&[u8], &[u8])> {
    match end {
        End::Head => entry::first(entries),
        End::Tail => entry::last(entries),
    }
}

#[cfg(test)]
impl Chunk {
    /// Panics if an invariant is broken.
    pub(super) fn assert_invariants(&self) {
        assert!(self.start <= self.end && self.end <= self.capacity());
        assert!(
            self.capacity() <= CAPACITY || (self.count == 1 && self.live() == self.capacity()),
            "{} elements in {} of {} bytes",
            self.count,
            self.live(),
            self.capacity()
        );
        let forwards: Vec<_> = self.walk().map(|(place, _)| place).collect();
        assert_eq!(forwards.len(), self.count());
        let step = 1 + self.count() / 5;
        for (index, place) in forwards.into_iter().enumerate().step_by(step) {
            assert_eq!(self.locate(index), place);
        }
        let listpack: usize = self
            .walk()
            .map(|(_, element)| listpack::entry_size(element))
            .sum();
        assert_eq!(self.listpack(), listpack);
    }
}
