//! Asserts the invariants of `tree.rs`, for tests.
//!
//! Layer `store`.

use super::node::{Node, ScoredSlot};
use super::{Census, Tree};

impl<const CAP: usize> Tree<CAP> {
    /// Asserts the invariants of the whole tree. Returns its entries in order.
    ///
    /// # Panics
    /// An invariant is broken.
    pub(crate) fn invariants(&self) -> Vec<ScoredSlot> {
        let (mut entries, mut census) = (Vec::new(), Census::default());
        if let Some(root) = &self.root {
            root.invariants(true, &mut entries, &mut census);
        }
        assert_eq!(census, self.census);
        assert_eq!(entries.len(), self.len());
        entries
    }

    /// The fill of the leaves, from 0 to 1.
    pub(crate) fn fill(&self) -> f64 {
        self.len() as f64 / (self.census.leaves * CAP) as f64
    }

    /// The number of levels.
    pub(crate) fn depth(&self) -> usize {
        let mut node = self.root.as_ref();
        let mut depth = 0;
        while let Some(next) = node {
            depth += 1;
            node = match next {
                Node::Leaf(_) => None,
                Node::Inner(inner) => Some(inner.child(0)),
            };
        }
        depth
    }
}

impl<const CAP: usize> Node<CAP> {
    /// Adds the entries and nodes below this node, and returns the height.
    fn invariants(
        &self,
        is_root: bool,
        entries: &mut Vec<ScoredSlot>,
        census: &mut Census,
    ) -> usize {
        let inner = match self {
            Node::Leaf(leaf) => {
                assert!((1..=CAP).contains(&leaf.len()));
                census.leaves += 1;
                entries.extend((0..leaf.len()).map(|at| leaf.entry(at)));
                return 0;
            }
            Node::Inner(inner) => inner,
        };
        census.inners += 1;
        assert!((1..=CAP).contains(&inner.len()));
        assert!(!is_root || inner.len() > 1, "the root has one child");
        let mut height = None;
        for at in 0..inner.len() {
            let child = inner.child(at);
            let before = entries.len();
            let below = child.invariants(false, entries, census);
            assert_eq!(
                *height.get_or_insert(below),
                below,
                "leaves differ in depth"
            );
            assert_eq!(inner.count(at), entries.len() - before);
            let (row, first) = (inner.first(at), entries[before]);
            assert_eq!(row.slot, first.slot);
            assert_eq!(row.score.to_bits(), first.score.to_bits());
            if at > 0 {
                let together = inner.child(at - 1).len() + child.len();
                assert!(together > Self::MERGE, "neighbours should be merged");
            }
        }
        assert_eq!(inner.children_beyond(), 0, "children without a row");
        height.unwrap_or(0) + 1
    }
}
