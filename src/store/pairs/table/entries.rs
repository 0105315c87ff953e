//! A table's pairs, numbered without gaps.
//!
//! Layer `store`. It uses nothing else.
//!
//! The pairs are in chunks, so that a large table grows and shrinks by one chunk at a time. Nothing
//! is moved then, and no buffer of the old size is left for reuse.
//!
//! # Invariants
//! - All chunks but the last have [`CHUNK`] pairs and no more room. The last has at least one pair.
//! - The first chunk grows with its pairs while it is the only one. Each further chunk has its full
//!   capacity from the start.

use super::super::super::allocation;
use super::super::pair::Pair;

/// The number of pairs in a chunk, which is 12 KiB.
const CHUNK: usize = 512;
/// The first capacity.
const FIRST: usize = 4;

/// Numbered pairs.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    chunks: Vec<Vec<Pair>>,
}

impl Entries {
    /// No pairs, with capacity for this many, but at most one chunk.
    pub(crate) fn with_room(pairs: usize) -> Entries {
        let mut entries = Entries::default();
        if pairs > 0 {
            entries.chunks.reserve_exact(1);
            entries.chunks.push(Vec::with_capacity(pairs.min(CHUNK)));
        }
        entries
    }

    /// The number of pairs.
    pub(crate) fn len(&self) -> usize {
        match self.chunks.split_last() {
            Some((last, others)) => others.len() * CHUNK + last.len(),
            None => 0,
        }
    }

    /// Its heap memory in bytes, without what is behind the pairs.
    pub(crate) fn memory(&self) -> usize {
        let chunks = self.chunks.split_last().map_or(0, |(last, others)| {
            others.len() * allocation::buffer::<Pair>(CHUNK)
                + allocation::buffer::<Pair>(last.capacity())
        });
        allocation::buffer::<Vec<Pair>>(self.chunks.capacity()) + chunks
    }

    /// The number of its allocations, without those behind the pairs.
    pub(crate) fn allocations(&self) -> usize {
        self.chunks.len() + 1
    }

    /// The pair with this number, which must exist.
    pub(crate) fn get(&self, number: u32) -> &Pair {
        let number = number as usize;
        &self.chunks[number / CHUNK][number % CHUNK]
    }

    /// The pair with this number, which must exist, to be changed.
    pub(crate) fn get_mut(&mut self, number: u32) -> &mut Pair {
        let number = number as usize;
        &mut self.chunks[number / CHUNK][number % CHUNK]
    }

    /// Adds a pair. Its number is the count before.
    pub(crate) fn push(&mut self, pair: Pair) {
        match self.chunks.last_mut() {
            Some(last) if last.len() < CHUNK => {
                if last.len() == last.capacity() {
                    let more = (last.len() / 2).max(FIRST);
                    last.reserve_exact(more.min(CHUNK - last.len()));
                }
                last.push(pair);
            }
            _ => {
                let room = if self.chunks.is_empty() { FIRST } else { CHUNK };
                let mut chunk = Vec::with_capacity(room);
                chunk.push(pair);
                self.chunks.push(chunk);
            }
        }
    }

    /// Removes and returns the pair with this number, which must exist. The last pair gets the
    /// number.
    pub(crate) fn swap_remove(&mut self, number: u32) -> Pair {
        let chunks = self.chunks.len();
        let last = &mut self.chunks[chunks - 1];
        let moved = last.pop().expect("the last chunk has a pair");
        if last.is_empty() {
            self.chunks.pop();
            if let Some(enough) = allocation::shrunk(chunks - 1, self.chunks.capacity()) {
                self.chunks.shrink_to(enough);
            }
        } else if chunks == 1
            && let Some(enough) = allocation::shrunk(last.len(), last.capacity())
        {
            last.shrink_to(enough);
        }
        if number as usize == self.len() {
            moved
        } else {
            std::mem::replace(self.get_mut(number), moved)
        }
    }

    /// The pairs in the order of their numbers.
    pub(crate) fn iter(&self) -> EntriesIter<'_> {
        EntriesIter {
            entries: self,
            numbers: 0..self.len() as u32,
        }
    }
}

impl Clone for Entries {
    /// The last chunk keeps its capacity, as the others do.
    fn clone(&self) -> Entries {
        let mut entries = Entries {
            chunks: Vec::with_capacity(self.chunks.len()),
        };
        for chunk in &self.chunks {
            let mut copy = Vec::with_capacity(chunk.capacity());
            copy.extend_from_slice(chunk);
            entries.chunks.push(copy);
        }
        entries
    }
}

/// Iterates over the pairs by their numbers.
#[derive(Clone, Debug)]
pub(crate) struct EntriesIter<'a> {
    entries: &'a Entries,
    numbers: std::ops::Range<u32>,
}

impl<'a> Iterator for EntriesIter<'a> {
    type Item = &'a Pair;

    fn next(&mut self) -> Option<&'a Pair> {
        self.numbers.next().map(|number| self.entries.get(number))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.numbers.size_hint()
    }
}

impl ExactSizeIterator for EntriesIter<'_> {}

#[cfg(test)]
impl Entries {
    /// Panics if an invariant is broken.
    pub(crate) fn invariants(&self) {
        if let Some((last, others)) = self.chunks.split_last() {
            for chunk in others {
                assert_eq!((chunk.len(), chunk.capacity()), (CHUNK, CHUNK));
            }
            assert!(!last.is_empty() && last.capacity() <= CHUNK);
            assert!(others.is_empty() || last.capacity() == CHUNK);
            assert!(
                last.capacity() <= 8 || !others.is_empty() || last.len() * 4 >= last.capacity()
            );
        }
        let chunks = self.chunks.iter();
        let memory: usize = chunks
            .map(|chunk| allocation::buffer::<Pair>(chunk.capacity()))
            .sum();
        let table = allocation::buffer::<Vec<Pair>>(self.chunks.capacity());
        assert_eq!(self.memory(), memory + table);
        assert_eq!(self.iter().count(), self.len());
    }
}
