//! The index of all subscribed patterns. PUBLISH looks up the patterns that match a channel.
//!
//! Layer `pubsub`. It may use `client` and what lies below.
//!
//! The cost of a lookup depends on the length of the channel's name and on the patterns that match
//! at least a part of it, not on how many patterns there are. (Redis tries every pattern on every
//! PUBLISH.)
//!
//! # The structure
//! The index is a path-compressed trie over *tokens* (see [`glob`](crate::glob)). An edge carries
//! all tokens that the patterns below it share, stars and classes included, so `a1*b1*c1` among
//! 100,000 similar patterns is one node instead of five. A node stores the tokens of the edge that
//! leads to it as its label (`label.rs` has the encoding). It finds a child by the first token of
//! the child's label (`node.rs`). The trie of `user:7:*`, `user:*`, `*:7` and `*7*`:
//!
//! ```text
//! (root) ─┬─ "user:" ─┬─ "7:*"    •         • = a pattern ends here
//!         │           └─ "*"      •
//!         └─ "*" ─────┬─ ":7"     •
//!                     └─ "7*"     •
//! ```
//!
//! Matching (`walk.rs`) descends from the root. It reads an edge at most once for each assignment
//! of the stars above it, and only for the first assignment where that is sufficient.
//!
//! An `IndexEntry` is one pattern, byte for byte as the client wrote it. For Redis `a*` and `a**`
//! are two patterns, counted and delivered separately, although they end at the same node. A node
//! heads a doubly linked list of its entries. A hash table maps a pattern's bytes to its entry. So
//! a lookup by pattern does not use the trie, and a thousand spellings of one pattern cost no more
//! than a thousand different patterns.
//!
//! # Invariants
//! - The root has an empty label. Every other label consists of whole tokens, 1 to `label::MAX`
//!   bytes.
//! - A node other than the root has an entry, or at least two children, or one child whose label
//!   does not fit into one label with its own. `prune` restores this after each removal, so an
//!   empty index consists of the root.
//! - The children of a node differ in their first tokens. No star follows a star, and a label that
//!   ends in a star has no child that begins with one.
//!
//! # Bounds, as patterns come from untrusted clients
//! Nothing recurses. Insert and remove cost O(pattern length): the bound on labels makes the cost
//! of splitting and merging the edges of other patterns constant. A short pattern takes 130 to 200
//! bytes of memory; a long one takes at most about four times its length. Two costs must be bounded
//! by limits on what clients may send:
//! - A match costs at most (stars passed) × (bytes of the name) × (bytes compared from each of
//!   them). For a pattern such as `*aaa…b` that is quadratic in the length, as in Redis.
//! - Different classes at one place are tried one by one, at about 2 ns each.

mod label;
mod node;
mod slab;
mod walk;

use std::collections::HashMap;

use label::{Label, encode, first_token, shared_tokens};
use node::Node;
use slab::{NONE, Slab};

use crate::hash::HashState;

/// A map from patterns to values that finds the values of all patterns that match a name.
#[derive(Debug)]
pub(crate) struct PatternIndex<V> {
    nodes: Slab<Node>,
    entries: Slab<IndexEntry<V>>,
    by_pattern: HashMap<Box<[u8]>, u32, HashState>,
}

/// A pattern's value and its place among the entries that end at the same node.
#[derive(Debug)]
struct IndexEntry<V> {
    value: V,
    node: u32,
    previous: u32,
    next: u32,
}

/// The root is the first node that is created. It is never freed, and compaction keeps the order.
const ROOT: u32 = 0;

impl<V> Default for PatternIndex<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V> PatternIndex<V> {
    /// An index without patterns.
    pub(crate) fn new() -> Self {
        let mut nodes = Slab::default();
        nodes.insert(Node::new(Label::default(), NONE));
        Self {
            nodes,
            entries: Slab::default(),
            by_pattern: HashMap::default(),
        }
    }

    /// The number of patterns.
    pub(crate) fn len(&self) -> usize {
        self.by_pattern.len()
    }

    /// Whether there are no patterns.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn is_empty(&self) -> bool {
        self.by_pattern.is_empty()
    }

    /// The value of exactly this pattern.
    pub(crate) fn get(&self, pattern: &[u8]) -> Option<&V> {
        let id = *self.by_pattern.get(pattern)?;
        Some(&self.entries[id].value)
    }

    /// The value of exactly this pattern, to change.
    pub(crate) fn get_mut(&mut self, pattern: &[u8]) -> Option<&mut V> {
        let id = *self.by_pattern.get(pattern)?;
        Some(&mut self.entries[id].value)
    }

    /// The value of exactly this pattern. A new pattern is added first, with the value that `make`
    /// returns.
    pub(crate) fn get_or_insert_with(
        &mut self,
        pattern: &[u8],
        make: impl FnOnce() -> V,
    ) -> &mut V {
        let id = match self.by_pattern.get(pattern) {
            Some(&id) => id,
            None => self.insert(pattern, make()),
        };
        &mut self.entries[id].value
    }

    /// Removes exactly this pattern and returns its value.
    pub(crate) fn remove(&mut self, pattern: &[u8]) -> Option<V> {
        let id = self.by_pattern.remove(pattern)?;
        let IndexEntry {
            value,
            node,
            previous,
            next,
        } = self.entries.remove(id);
        if next != NONE {
            self.entries[next].previous = previous;
        }
        if previous != NONE {
            self.entries[previous].next = next;
        } else {
            self.nodes[node].first_entry = next;
            self.prune(node);
        }
        if self.nodes.is_mostly_empty() || self.entries.is_mostly_empty() {
            self.shrink_to_fit();
        }
        Some(value)
    }

    /// Calls `f` once with the value of every pattern that matches `channel`, in no particular
    /// order. It reuses the thread's buffers, so it allocates only until they are large enough.
    pub(crate) fn for_each_match(&self, channel: &[u8], f: impl FnMut(&V)) {
        walk::for_each_match(self, channel, f);
    }

    /// Every pattern with its value, in no particular order.
    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &V)> {
        self.by_pattern
            .iter()
            .map(|(pattern, &id)| (&**pattern, &self.entries[id].value))
    }

    /// Frees the memory of removed patterns, in time proportional to the size of the index.
    /// `remove` calls this once three quarters of the memory are unused.
    pub(crate) fn shrink_to_fit(&mut self) {
        let node_ids = self.nodes.compact();
        let entry_ids = self.entries.compact();
        let renamed = |ids: &[u32], id: u32| ids.get(id as usize).copied().unwrap_or(NONE);
        for node in self.nodes.iter_mut() {
            node.parent = renamed(&node_ids, node.parent);
            node.first_entry = renamed(&entry_ids, node.first_entry);
            node.for_each_child_mut(|child| *child = renamed(&node_ids, *child));
        }
        for entry in self.entries.iter_mut() {
            entry.node = renamed(&node_ids, entry.node);
            entry.previous = renamed(&entry_ids, entry.previous);
            entry.next = renamed(&entry_ids, entry.next);
        }
        for id in self.by_pattern.values_mut() {
            *id = renamed(&entry_ids, *id);
        }
        self.by_pattern.shrink_to_fit();
    }

    /// Adds a pattern that is not in the index yet. Returns the id of its entry.
    fn insert(&mut self, pattern: &[u8], value: V) -> u32 {
        let node = self.node_for(&encode(pattern));
        let next = self.nodes[node].first_entry;
        let id = self.entries.insert(IndexEntry {
            value,
            node,
            previous: NONE,
            next,
        });
        self.nodes[node].first_entry = id;
        if next != NONE {
            self.entries[next].previous = id;
        }
        self.by_pattern.insert(pattern.into(), id);
        id
    }

    /// The node at which these tokens end. If there is none, creates it and splits an edge for it
    /// where needed.
    fn node_for(&mut self, tokens: &[u8]) -> u32 {
        let mut node = ROOT;
        let mut rest = tokens;
        while !rest.is_empty() {
            let (token, _) = first_token(rest);
            let child = self.nodes[node].child(&token);
            let shared;
            (node, shared) = if child == NONE {
                let (label, length) = Label::prefix_of(rest);
                let leaf = self.nodes.insert(Node::new(label, node));
                self.nodes[node].set_child(token, leaf);
                (leaf, length)
            } else {
                let label = self.nodes[child].label.tokens();
                let shared = shared_tokens(label, rest);
                (
                    if shared == label.len() {
                        child
                    } else {
                        self.split(child, shared)
                    },
                    shared,
                )
            };
            rest = &rest[shared..];
        }
        node
    }

    /// Splits the edge to `node` after `at` bytes of its label. Returns the new node in between.
    /// `node` keeps its id if it has entries, because they refer to it. If `node` is part of a
    /// chain that carries a long pattern, the lower part may fit into the label of the next node,
    /// and the upper part into the label of the previous node. Then they are merged.
    fn split(&mut self, node: u32, at: usize) -> u32 {
        let parent = self.nodes[node].parent;
        let (upper, lower) = self.nodes[node].label.tokens().split_at(at);
        let (upper, lower) = (Label::new(upper), Label::new(lower));
        let (upper_token, lower_token) = (upper.first_token(), lower.first_token());
        let between = self.nodes.insert(Node::new(upper, parent));
        self.nodes[between].set_child(lower_token, node);
        self.nodes[parent].set_child(upper_token, between);
        let lower_node = &mut self.nodes[node];
        lower_node.label = lower;
        lower_node.parent = between;
        self.merge_with_only_child(node);
        self.merge_with_only_child(parent);
        between
    }

    /// Restores the invariant on nodes, from `node` upwards, after `node` has lost an entry.
    fn prune(&mut self, mut node: u32) {
        while node != ROOT && self.nodes[node].is_dead_end() {
            let Node { parent, label, .. } = self.nodes.remove(node);
            self.nodes[parent].remove_child(&label.first_token());
            node = parent;
        }
        let merged = self.merge_with_only_child(node);
        let parent = self.nodes[merged].parent;
        if parent != NONE {
            self.merge_with_only_child(parent);
        }
    }

    /// Merges `node` with its child if it has no entry and only one child, and if one label can
    /// hold both labels. The child replaces `node` and keeps its id. Returns the node that remains.
    fn merge_with_only_child(&mut self, node: u32) -> u32 {
        let child = self.nodes[node].only_child();
        if node == ROOT || child == NONE || self.nodes[node].first_entry != NONE {
            return node;
        }
        let Some(label) = self.nodes[node].label.joined(&self.nodes[child].label) else {
            return node;
        };
        let Node { parent, .. } = self.nodes.remove(node);
        self.nodes[parent].set_child(label.first_token(), child);
        self.nodes[child].label = label;
        self.nodes[child].parent = parent;
        child
    }
}

#[cfg(any(test, fuzzing))]
mod invariants;
#[cfg(test)]
mod tests;
