//! Inserts an entry into the tree. Full nodes are split on the way back up.
//!
//! Layer `store`. It uses nothing else.

use super::Census;
use super::node::{Entries, Inner, Node, ScoredSlot};

/// Whether a node is at the beginning, and at the end, of the whole tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edges {
    first: bool,
    last: bool,
}

impl Edges {
    pub(crate) const ROOT: Edges = Edges {
        first: true,
        last: true,
    };

    /// The edges of a child.
    fn below(self, at: usize, len: usize) -> Edges {
        Edges {
            first: self.first && at == 0,
            last: self.last && at + 1 == len,
        }
    }

    /// Where to split a full node of `cap` entries or rows when one more comes to `at`, and whether
    /// that one goes to the left part.
    fn cut(self, at: usize, cap: usize) -> (usize, bool) {
        if self.last && at == cap {
            (cap, false)
        } else if self.first && at == 0 {
            (0, true)
        } else {
            (cap / 2, at <= cap / 2)
        }
    }
}

impl<const CAP: usize> Node<CAP> {
    /// Inserts an entry at a rank. If the node was split, returns the right part.
    pub(crate) fn insert(
        &mut self,
        rank: usize,
        entry: ScoredSlot,
        edges: Edges,
        census: &mut Census,
    ) -> Option<Self> {
        match self {
            Self::Leaf(leaf) => {
                let right = leaf.insert_or_split(rank, entry, edges, census)?;
                Some(Self::Leaf(right))
            }
            Self::Inner(inner) => {
                let (at, rest) = inner.locate_gap(rank);
                let below = edges.below(at, inner.len());
                let split = inner.child_mut(at).insert(rest, entry, below, census);
                inner.refresh(at);
                let right = inner.take_in(at, split?, edges, census)?;
                Some(Self::Inner(right))
            }
        }
    }
}

impl<const CAP: usize> Entries<CAP> {
    fn insert_or_split(
        &mut self,
        at: usize,
        entry: ScoredSlot,
        edges: Edges,
        census: &mut Census,
    ) -> Option<Box<Self>> {
        if self.len() < CAP {
            self.insert(at, entry);
            return None;
        }
        let (cut, is_left) = edges.cut(at, CAP);
        let mut right = Self::empty();
        census.leaves += 1;
        self.move_tail(cut, &mut right);
        if is_left {
            self.insert(at, entry);
        } else {
            right.insert(at - cut, entry);
        }
        Some(right)
    }
}

impl<const CAP: usize> Inner<CAP> {
    /// The child for an entry at this rank, and the rank there. Between two children, the left one
    /// is chosen.
    fn locate_gap(&self, rank: usize) -> (usize, usize) {
        if rank == 0 {
            return (0, 0);
        }
        let (at, before) = self.locate(rank - 1);
        (at, before + 1)
    }

    /// Inserts the right part of child `at`, which was split. Either part may now be small enough
    /// to be merged with its neighbour.
    fn take_in(
        &mut self,
        mut at: usize,
        right: Node<CAP>,
        edges: Edges,
        census: &mut Census,
    ) -> Option<Box<Self>> {
        if at > 0 && self.merge(at - 1, census) {
            at -= 1;
        }
        let next = at + 1;
        if next < self.len() && right.len() + self.child(next).len() <= Node::<CAP>::MERGE {
            let behind = std::mem::replace(self.child_mut(next), right);
            self.child_mut(next).append(behind, census);
            self.refresh(next);
            return None;
        }
        if self.len() < CAP {
            self.insert_row(next, right);
            return None;
        }
        let (cut, is_left) = edges.cut(next, CAP);
        let mut split = Self::empty();
        census.inners += 1;
        self.move_tail(cut, &mut split);
        if is_left {
            self.insert_row(next, right);
        } else {
            split.insert_row(next - cut, right);
        }
        Some(split)
    }
}
