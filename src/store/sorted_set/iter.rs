//! Iterates over members in order, from either end.
//!
//! Layer `store`. It uses nothing else.
//!
//! In the large form, it goes leaf by leaf. Leaves do not know their neighbours. The next leaf is
//! found from the root by rank, once for all its entries.

use std::iter::FusedIterator;
use std::ops::Range;

use super::large::{Large, Leaf};
use super::{Form, SortedSet};

/// The members in a range of ranks with their scores, in ascending order.
#[derive(Clone)]
pub(crate) struct Iter<'a> {
    set: &'a SortedSet,
    /// The remaining ranks.
    ranks: Range<usize>,
    /// The next entry's leaf and its index there, until the leaf ends.
    front: Option<(&'a Leaf, usize)>,
    /// The same from the end. The index is one after the next entry's.
    back: Option<(&'a Leaf, usize)>,
}

impl<'a> Iter<'a> {
    /// The members with these ranks, all of which must exist.
    pub(super) fn new(set: &'a SortedSet, ranks: Range<usize>) -> Iter<'a> {
        Iter {
            set,
            ranks,
            front: None,
            back: None,
        }
    }

    fn next_large(&mut self, large: &'a Large, rank: usize) -> (&'a [u8], f64) {
        let (leaf, at) = self
            .front
            .filter(|(leaf, at)| *at < leaf.len())
            .unwrap_or_else(|| large.tree().leaf_at(rank));
        self.front = Some((leaf, at + 1));
        large.resolve(leaf.entry(at))
    }

    fn next_back_large(&mut self, large: &'a Large, rank: usize) -> (&'a [u8], f64) {
        let (leaf, end) = self.back.filter(|(_, end)| *end > 0).unwrap_or_else(|| {
            let (leaf, at) = large.tree().leaf_at(rank);
            (leaf, at + 1)
        });
        self.back = Some((leaf, end - 1));
        large.resolve(leaf.entry(end - 1))
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a [u8], f64);

    fn next(&mut self) -> Option<Self::Item> {
        let rank = self.ranks.next()?;
        Some(match &self.set.form {
            Form::Packed(packed) => packed.get(rank),
            Form::Large(large) => self.next_large(large, rank),
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.ranks.size_hint()
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let rank = self.ranks.next_back()?;
        Some(match &self.set.form {
            Form::Packed(packed) => packed.get(rank),
            Form::Large(large) => self.next_back_large(large, rank),
        })
    }
}

impl ExactSizeIterator for Iter<'_> {}
impl FusedIterator for Iter<'_> {}

/// The members in a range of ranks with their scores, in either direction.
#[derive(Clone)]
pub(crate) struct Directed<'a> {
    pub(super) iter: Iter<'a>,
    pub(super) is_reverse: bool,
}

impl<'a> Iterator for Directed<'a> {
    type Item = (&'a [u8], f64);

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_reverse {
            self.iter.next_back()
        } else {
            self.iter.next()
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.iter.size_hint()
    }
}

impl ExactSizeIterator for Directed<'_> {}
impl FusedIterator for Directed<'_> {}
