//! The order of the large form: a B+tree that counts, so that it finds ranks.
//!
//! Layer `store`. It uses nothing else.
//!
//! ```text
//!                      inner:  first entry | count | child      (one row for each child)
//!                     /                  |               \
//!   leaf: score | slot ...      leaf: score | slot ...      leaf: ...
//! ```
//!
//! An entry is a score and the slot of its member. All entries are in the leaves, in order. An
//! inner node has a row for each child: a copy of the first entry below it, which guides searches,
//! and the number of entries below it, from which ranks are computed. A node stores each column in
//! an array of its own. So a search reads scores that are next to each other in memory, and reads
//! members only where scores are equal.
//!
//! Searches and changes are separate. [`Tree::partition`] converts any bound to a rank. A change
//! gets the ranks at which it happens and follows the counts down. So changes compare no members,
//! and one removal function serves a member, a pop and a range.
//!
//! Invariants (`invariants.rs` asserts them):
//! - All leaves have the same depth. No node is empty. If the root is an inner node, it has at
//!   least two children.
//! - Each row of an inner node has its child's exact first entry and count.
//! - Two neighbouring children of a node have more than [`Node::MERGE`] entries or rows together
//!   (three quarters of what one node holds); otherwise they are merged. So nodes are at worst
//!   nearly half full on average, the depth is logarithmic, and a merged node takes some more
//!   entries before it is split again.
//! - `census` counts the nodes.
//!
//! A full node is split in halves, except at the ends of the whole tree: there the new entry begins
//! a node of its own. So scores that only increase, such as times, leave full nodes behind.

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
pub(crate) use node::ScoredSlot;
use node::{Inner, Node};

/// Entries in order, found by rank. A node holds up to `CAP` entries or rows. `CAP` is at least
/// four.
#[derive(Clone, Debug)]
pub(crate) struct Tree<const CAP: usize> {
    root: Option<Node<CAP>>,
    census: Census,
}

/// The numbers of nodes.
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

    /// The number of its allocations.
    pub(crate) fn allocations(&self) -> usize {
        self.census.leaves + self.census.inners
    }

    /// How many entries come before a bound: those with lower scores, and those with this score for
    /// which `is_before` returns `true`. These must be the first ones with this score.
    pub(crate) fn partition(&self, score: f64, is_before: impl Fn(SlotId) -> bool) -> usize {
        let mut rank = 0;
        let mut node = self.root.as_ref();
        while let Some(next) = node {
            match next {
                Node::Leaf(leaf) => return rank + leaf.partition(score, is_before),
                Node::Inner(inner) => {
                    // The bound is below the last row that begins before it.
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

    /// The leaf that contains this rank, and the index there.
    ///
    /// # Panics
    /// There is no such rank.
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

    /// Inserts an entry at this rank, before the one that is there now.
    pub(crate) fn insert(&mut self, rank: usize, entry: ScoredSlot) {
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

    /// Changes the score at this rank. The new score must keep the order.
    pub(crate) fn set_score(&mut self, rank: usize, score: f64) {
        if let Some(root) = &mut self.root {
            root.set_score(rank, score);
        }
    }

    /// Removes the entries at these ranks, and calls `removed` with their slots.
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
