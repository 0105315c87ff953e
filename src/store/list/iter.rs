//! Iterates over a list's elements, from either end.
//!
//! Layer `store`. It uses nothing else.

use std::collections::vec_deque;
use std::iter::FusedIterator;

use super::chunk::Chunk;
use super::entry;

/// The elements of a list or of a range of it, beginning at the head.
///
/// The elements that are left are those of `front`, then of `chunks`, then of `back`. `left` is
/// their number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Iter<'a> {
    pub(super) front: &'a [u8],
    pub(super) chunks: vec_deque::Iter<'a, Chunk>,
    pub(super) back: &'a [u8],
    pub(super) left: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.front.is_empty() {
            self.front = match self.chunks.next() {
                Some(chunk) => chunk.entries(),
                None => std::mem::take(&mut self.back),
            };
        }
        let (element, rest) = entry::first(self.front)?;
        self.front = rest;
        self.left -= 1;
        Some(element)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.back.is_empty() {
            self.back = match self.chunks.next_back() {
                Some(chunk) => chunk.entries(),
                None => std::mem::take(&mut self.front),
            };
        }
        let (element, rest) = entry::last(self.back)?;
        self.back = rest;
        self.left -= 1;
        Some(element)
    }
}

impl ExactSizeIterator for Iter<'_> {}
impl FusedIterator for Iter<'_> {}
