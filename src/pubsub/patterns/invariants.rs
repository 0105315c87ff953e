//! Asserts the invariants that the head of `patterns.rs` states.
//!
//! Layer `pubsub`, for tests and fuzzing only.

use super::*;

impl<V> PatternIndex<V> {
    /// Asserts that only the root is left, without children.
    pub(crate) fn assert_empty(&self) {
        assert!(self.is_empty());
        assert_eq!((self.nodes.len(), self.entries.len()), (1, 0));
        assert!(self.nodes[ROOT].is_dead_end());
    }

    /// Asserts the invariants.
    pub(crate) fn assert_sound(&mut self) {
        let mut seen = 1;
        let mut entries = 0;
        let mut open = vec![ROOT];
        while let Some(id) = open.pop() {
            let mut children = Vec::new();
            self.nodes[id].for_each_child_mut(|child| children.push(*child));
            let mut entry = self.nodes[id].first_entry;
            let has_entry = entry != NONE;
            while entry != NONE {
                assert_eq!(self.entries[entry].node, id);
                entries += 1;
                entry = self.entries[entry].next;
            }
            let node = &self.nodes[id];
            let length = node.label.tokens().len();
            assert!(length <= label::MAX && (length == 0) == (id == ROOT));
            if let [only] = children[..]
                && id != ROOT
                && !has_entry
            {
                assert!(length + self.nodes[only].label.tokens().len() > label::MAX);
            }
            assert!(id == ROOT || has_entry || !children.is_empty());
            for &child in &children {
                assert_eq!(self.nodes[child].parent, id);
                assert_eq!(node.child(&self.nodes[child].label.first_token()), child);
            }
            seen += children.len();
            open.extend(children);
        }
        assert_eq!((seen, entries), (self.nodes.len(), self.len()));
    }
}
