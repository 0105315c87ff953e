//! The ids of a range of a map, from either end.
//!
//! Layer `store`. It uses nothing else.

use std::collections::btree_map;
use std::slice;

use super::super::id::StreamId;
use super::{Chunk, below};

/// A range of a map, from both ends.
#[derive(Debug)]
pub(in super::super) struct IdRange<'a, V> {
    /// The chunks that were not begun yet.
    chunks: btree_map::Range<'a, StreamId, Chunk<V>>,
    front: slice::Iter<'a, (StreamId, V)>,
    back: slice::Iter<'a, (StreamId, V)>,
    from: StreamId,
    to: StreamId,
}

impl<V> Clone for IdRange<'_, V> {
    fn clone(&self) -> Self {
        Self {
            chunks: self.chunks.clone(),
            front: self.front.clone(),
            back: self.back.clone(),
            from: self.from,
            to: self.to,
        }
    }
}

impl<'a, V> IdRange<'a, V> {
    /// `chunks` and then `tail` are all that may have ids of the range.
    pub(super) fn new(
        chunks: btree_map::Range<'a, StreamId, Chunk<V>>,
        tail: &'a [(StreamId, V)],
        from: StreamId,
        to: StreamId,
    ) -> IdRange<'a, V> {
        let mut range = IdRange {
            chunks,
            front: [].iter(),
            back: [].iter(),
            from,
            to,
        };
        range.back = range.within(tail);
        range
    }

    /// The ids of a chunk that are in the range.
    fn within(&self, chunk: &'a [(StreamId, V)]) -> slice::Iter<'a, (StreamId, V)> {
        let begin = match chunk.first() {
            Some((first, _)) if *first < self.from => {
                chunk.partition_point(|(id, _)| *id < self.from)
            }
            _ => 0,
        };
        let end = match chunk.last() {
            Some((last, _)) if *last > self.to => below(chunk, self.to),
            _ => chunk.len(),
        };
        // If `from` is above `to`, nothing is.
        chunk[begin.min(end)..end].iter()
    }
}

impl<'a, V> Iterator for IdRange<'a, V> {
    type Item = (StreamId, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((id, value)) = self.front.next() {
                return Some((*id, value));
            }
            match self.chunks.next() {
                Some((_, chunk)) => self.front = self.within(chunk),
                None => return self.back.next().map(|(id, value)| (*id, value)),
            }
        }
    }
}

impl<V> DoubleEndedIterator for IdRange<'_, V> {
    fn next_back(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((id, value)) = self.back.next_back() {
                return Some((*id, value));
            }
            match self.chunks.next_back() {
                Some((_, chunk)) => self.back = self.within(chunk),
                None => return self.front.next_back().map(|(id, value)| (*id, value)),
            }
        }
    }
}
