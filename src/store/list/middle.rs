//! Changes anywhere in a list. They rewrite one chunk, and then tidy the chunks around it.
//!
//! Layer `store`. It uses nothing else.

use std::ops::Range;

use super::chunk::{CAPACITY, Chunk};
use super::{End, List, entry, listpack};

impl List {
    /// Replaces the element at this index. Returns `false` if there is none.
    pub(crate) fn set(&mut self, index: usize, element: &[u8]) -> bool {
        let Some((chunk, place)) = self.locate(index) else {
            return false;
        };
        self.splice(chunk, place, element);
        true
    }

    /// Adds an element before the one at this index, or at the tail if there is none.
    pub(crate) fn insert(&mut self, index: usize, element: &[u8]) {
        if index == 0 {
            return self.push(End::Head, element);
        }
        match self.locate(index) {
            Some((chunk, place)) => {
                self.splice(chunk, place.start..place.start, element);
                self.pushed += 1;
            }
            None => self.push(End::Tail, element),
        }
    }

    /// Removes at most `limit` elements that equal this one, beginning at an end. Returns how many.
    pub(crate) fn remove_matching(&mut self, element: &[u8], limit: usize, from: End) -> usize {
        let mut removed = 0;
        let mut changed: Option<Range<usize>> = None;
        for step in 0..self.chunks.len() {
            if removed == limit {
                break;
            }
            let chunk = match from {
                End::Head => step,
                End::Tail => self.chunks.len() - 1 - step,
            };
            let here = self.chunks[chunk].remove_matching(element, limit - removed, from);
            if here > 0 {
                removed += here;
                changed = Some(match changed {
                    None => chunk..chunk + 1,
                    Some(range) => range.start.min(chunk)..range.end.max(chunk + 1),
                });
            }
        }
        if let Some(changed) = changed {
            self.totals.elements -= removed;
            self.totals.listpack -= removed * listpack::entry_size(element);
            self.tidy(changed);
        }
        removed
    }

    /// Replaces the entry at `place` in this chunk with an element. If `place` is empty, inserts
    /// the element there.
    fn splice(&mut self, number: usize, place: Range<usize>, element: &[u8]) {
        let chunk = &mut self.chunks[number];
        self.totals.subtract(chunk);
        let mut count = 1;
        if place.len() == chunk.live() {
            *chunk = Chunk::of_one(element);
        } else if !chunk.splice(place.clone(), element) {
            let (before, after) = std::mem::take(chunk).split(place);
            *chunk = before;
            let size = entry::size(element.len());
            if chunk.make_room(End::Tail, size) {
                chunk.push(End::Tail, element);
            } else {
                self.chunks.insert(number + 1, Chunk::of_one(element));
                count += 1;
            }
            self.chunks.insert(number + count, after);
            count += 1;
        }
        for chunk in self.chunks.range(number..number + count) {
            self.totals.add(chunk);
        }
        self.tidy(number..number + count);
    }

    /// Tidies these chunks after changes in the middle of the list: drops empty ones, merges small
    /// ones with their neighbours, and returns unused memory.
    fn tidy(&mut self, changed: Range<usize>) {
        let range = changed.start.saturating_sub(1)..self.chunks.len().min(changed.end + 1);
        for chunk in self.chunks.range(range.clone()) {
            self.totals.subtract(chunk);
        }
        // The finished chunks are in `range.start..kept`, in order.
        let mut kept = range.start;
        for number in range.clone() {
            let chunk = std::mem::take(&mut self.chunks[number]);
            if chunk.is_empty() {
                continue;
            }
            if kept > range.start && belong_together(&self.chunks[kept - 1], &chunk) {
                self.chunks[kept - 1].append(&chunk);
            } else {
                self.chunks[kept] = chunk;
                kept += 1;
            }
        }
        for chunk in self.chunks.range_mut(range.start..kept) {
            chunk.shrink_to_fit();
            self.totals.add(chunk);
        }
        if kept < range.end {
            self.chunks.drain(kept..range.end);
            self.shrink_deque();
        }
    }
}

/// Whether one of these neighbours is small, and both would fit in one chunk with room to spare.
fn belong_together(one: &Chunk, other: &Chunk) -> bool {
    one.live().min(other.live()) < CAPACITY / 4 && one.live() + other.live() <= CAPACITY / 4 * 3
}
