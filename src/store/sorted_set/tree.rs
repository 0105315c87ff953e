//! The order of the large form: a B+tree that knows ranks.
//!
//! ```text
//!                      inner:  first entry | count | child      (one row for each child)
//!                     /                  |               \
//!   leaf: score | slot ...      leaf: score | slot ...      leaf: ...
//! ```
//!
//! An entry is a score and the slot of its member. All entries are in the leaves, in order. An inner
//! node has a row for each child: a copy of the first entry below it, which leads searches, and the
//! number of entries below it, which adds up to ranks. A node keeps each column in an array of its
//! own, so that a search reads scores that lie side by side, and members only where scores are equal.
//!
//! Searching and changing are apart. [`Tree::partition`] turns any bound into a rank; a change says
//! at which ranks it happens and follows the counts down. So nothing here compares members, and one
//! way of removing serves a member, a pop and a range.
//!
//! Invariants (`invariants.rs` checks them):
//! - All leaves are equally deep. No node is empty. The root, if it is an inner node, has at least
//!   two children.
//! - Each row of an inner node tells its child's first entry and count exactly.
//! - Two children that stand side by side in a node have more than [`Node::MERGE`] entries or rows
//!   together (three quarters of what one node holds); otherwise they are merged. So nodes are
//!   nearly half full on average at the worst, the depth is logarithmic, and a merged node takes
//!   some more entries before it is split again.
//! - `census` counts the nodes.
//!
//! A full node is split in halves, except at the ends of the whole tree: there the new entry begins
//! a node of its own, so that scores that only grow, such as times, leave full nodes behind.

mod insert;
#[cfg(test)]
mod invariants;
mod node;
mod remove;
#[cfg(test)]
mod tests;

use std::ops::Range;

use super::super::slots::SlotId;
use insert::Edges;
pub(crate) use node::Entries;
pub(crate) use node::Entry;
use node::{Inner, Node};

/// Entries in order, found by rank. A node holds up to `CAP` entries or rows, at least four.
#[derive(Clone, Debug)]
pub(crate) struct Tree<const CAP: usize> {
    root: Option<Node<CAP>>,
    census: Census,
}

/// How many nodes there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Census {
    leaves: usize,
    inners: usize,
}

impl<const CAP: usize> Default for Tree<CAP> {
    fn default() -> Self {
        Self {
            root: None,
            census: Census::default(),
        }
    }
}

impl<const CAP: usize> Tree<CAP> {
    /// The number of entries.
    pub(crate) fn len(&self) -> usize {
        self.root.as_ref().map_or(0, Node::count)
    }

    /// The heap memory of all nodes, in bytes.
    pub(crate) fn memory(&self) -> usize {
        self.census.leaves * size_of::<Entries<CAP>>()
            + self.census.inners * size_of::<Inner<CAP>>()
    }

    /// How many pieces of heap memory there are.
    pub(crate) fn allocations(&self) -> usize {
        self.census.leaves + self.census.inners
    }

    /// How many entries come before a bound: those with lower scores, and of those with this score
    /// the first ones, which `is_before` holds for.
    pub(crate) fn partition(&self, score: f64, is_before: impl Fn(SlotId) -> bool) -> usize {
        let mut rank = 0;
        let mut node = self.root.as_ref();
        while let Some(next) = node {
            match next {
                Node::Leaf(leaf) => return rank + leaf.partition(score, is_before),
                Node::Inner(inner) => {
                    // Below the last row that begins before the bound is where the bound is.
                    let rows = inner.firsts().partition(score, &is_before);
                    let Some(child) = rows.checked_sub(1) else {
                        break;
                    };
                    rank += inner.count_until(child);
                    node = Some(inner.child(child));
                }
            }
        }
        rank
    }

    /// The leaf that has this rank, and the place there.
    ///
    /// # Panics
    /// If there is no such rank.
    pub(crate) fn leaf_at(&self, mut rank: usize) -> (&Entries<CAP>, usize) {
        let mut node = self.root.as_ref().expect("a tree with entries");
        loop {
            match node {
                Node::Leaf(leaf) => return (leaf, rank),
                Node::Inner(inner) => {
                    let (child, rest) = inner.locate(rank);
                    (node, rank) = (inner.child(child), rest);
                }
            }
        }
    }

    /// Puts an entry at this rank, before the one that has it now.
    pub(crate) fn insert(&mut self, rank: usize, entry: Entry) {
        let Some(root) = &mut self.root else {
            self.census.leaves = 1;
            self.root = Some(Node::Leaf(Entries::of_one(entry)));
            return;
        };
        if let Some(right) = root.insert(rank, entry, Edges::ROOT, &mut self.census) {
            let left = self.root.take();
            let mut inner = Inner::empty();
            for child in left.into_iter().chain([right]) {
                inner.insert_row(inner.len(), child);
            }
            self.census.inners += 1;
            self.root = Some(Node::Inner(inner));
        }
    }

    /// Changes the score at this rank, where it stays in order.
    pub(crate) fn set_score(&mut self, rank: usize, score: f64) {
        if let Some(root) = &mut self.root {
            root.set_score(rank, score);
        }
    }

    /// Removes the entries at these ranks, and tells their slots.
    pub(crate) fn remove(&mut self, ranks: Range<usize>, mut removed: impl FnMut(SlotId)) {
        if ranks.is_empty() {
            return;
        }
        if ranks == (0..self.len()) {
            if let Some(root) = self.root.take() {
                root.dissolve(&mut self.census, &mut removed);
            }
            return;
        }
        if let Some(root) = &mut self.root {
            root.remove(ranks, &mut self.census, &mut removed);
        }
        while let Some(Node::Inner(inner)) = &mut self.root
            && inner.len() == 1
        {
            self.root = Some(inner.remove_row(0));
            self.census.inners -= 1;
        }
    }
}
