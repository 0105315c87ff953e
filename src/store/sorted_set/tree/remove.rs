//! Removes entries from the tree. Nodes that lose all entries are removed, and neighbours that have
//! become small are merged on the way back up.
//!
//! Layer `store`. It uses nothing else.

use std::ops::Range;

use super::super::super::slots::SlotId;
use super::Census;
use super::node::{Inner, Node};

impl<const CAP: usize> Node<CAP> {
    /// Removes the entries at these ranks, which must be some but not all of them.
    pub(crate) fn remove<F: FnMut(SlotId)>(
        &mut self,
        ranks: Range<usize>,
        census: &mut Census,
        removed: &mut F,
    ) {
        match self {
            Self::Leaf(leaf) => {
                leaf.slots()[ranks.clone()]
                    .iter()
                    .copied()
                    .for_each(removed);
                leaf.remove(ranks);
            }
            Self::Inner(inner) => inner.remove(ranks, census, removed),
        }
    }

    /// Removes everything.
    pub(crate) fn dissolve<F: FnMut(SlotId)>(self, census: &mut Census, removed: &mut F) {
        match self {
            Self::Leaf(leaf) => {
                census.leaves -= 1;
                leaf.slots().iter().copied().for_each(removed);
            }
            Self::Inner(inner) => {
                census.inners -= 1;
                for child in inner.into_children() {
                    child.dissolve(census, removed);
                }
            }
        }
    }

    /// Appends all of `other`, which is the next node. There must be room.
    pub(crate) fn append(&mut self, other: Self, census: &mut Census) {
        match (self, other) {
            (Self::Leaf(leaf), Self::Leaf(mut other)) => {
                census.leaves -= 1;
                leaf.append(&mut other);
            }
            (Self::Inner(inner), Self::Inner(mut other)) => {
                census.inners -= 1;
                let seam = inner.len();
                inner.append(&mut other);
                // The children at the seam have become neighbours.
                inner.merge(seam - 1, census);
            }
            _ => unreachable!("neighbours are equally high"),
        }
    }
}

impl<const CAP: usize> Inner<CAP> {
    fn remove<F: FnMut(SlotId)>(
        &mut self,
        ranks: Range<usize>,
        census: &mut Census,
        removed: &mut F,
    ) {
        let (first, mut start) = self.locate(ranks.start);
        let (mut at, mut left) = (first, ranks.len());
        while left > 0 {
            let take = left.min(self.count(at) - start);
            if take == self.count(at) {
                self.remove_row(at).dissolve(census, removed);
            } else {
                let child = self.child_mut(at);
                child.remove(start..start + take, census, removed);
                self.refresh(at);
                at += 1;
            }
            (start, left) = (0, left - take);
        }
        // Children `first` to `at` have changed, or have new neighbours.
        let (mut pair, mut end) = (first.saturating_sub(1), at);
        while pair < end && pair + 1 < self.len() {
            if self.merge(pair, census) {
                end -= 1;
            } else {
                pair += 1;
            }
        }
    }

    /// Merges child `at` with the next one, if they are small enough. Returns whether it did.
    pub(crate) fn merge(&mut self, at: usize, census: &mut Census) -> bool {
        if self.child(at).len() + self.child(at + 1).len() > Node::<CAP>::MERGE {
            return false;
        }
        let next = self.remove_row(at + 1);
        self.child_mut(at).append(next, census);
        self.refresh(at);
        true
    }
}
