//! All subscribed patterns, indexed so that PUBLISH finds those that match a channel at a cost that
//! depends on the channel's name and on the patterns that match it at least in part, not on how
//! many patterns there are. (Redis tries every pattern on every PUBLISH.)
//!
//! # The structure
//! A trie over *tokens* (see [`glob`](crate::glob)), path-compressed: an edge carries as many
//! tokens as all the patterns below it share, stars and classes included, so `a1*b1*c1` among
//! 100,000 of its kind is one node, not five. A node keeps its own edge's tokens as its label
//! (`label.rs` has the encoding) and finds its children by the first token of theirs (`node.rs`).
//! `user:7:*`, `user:*`, `*:7` and `*7*` together:
//!
//! ```text
//! (root) ─┬─ "user:" ─┬─ "7:*"    •         • = a pattern ends here
//!         │           └─ "*"      •
//!         └─ "*" ─────┬─ ":7"     •
//!                     └─ "7*"     •
//! ```
//!
//! Matching (`walk.rs`) descends from the root; it reads a trie edge at most once for each way to
//! lay the stars above it, and of those only the first where the first is enough.
//!
//! An `Entry` is one pattern, byte for byte as the client wrote it: `a*` and `a**` are two patterns
//! for Redis, counted and delivered separately, but end at one node. A node heads a doubly linked
//! list of its entries, and a hash table leads from a pattern's bytes to its entry, so lookups by
//! pattern never touch the trie, and a thousand spellings of one pattern cost no more than a
//! thousand others.
//!
//! # Invariants
//! - The root has an empty label; every other label is 1 to `label::MAX` bytes of whole tokens.
//! - A node other than the root has an entry, or at least two children, or one child that together
//!   with it is too long for one label: `prune` restores this after each removal, so an index that
//!   has become empty consists of the root.
//! - Two children of a node differ in their first token. No star follows a star, nor a star child a
//!   label that ends in one.
//!
//! # Bounds, because patterns come from anybody
//! Nothing recurses. Insert and remove cost O(pattern length): the bound on labels keeps the work
//! of splitting and merging foreign edges constant. A pattern takes some 130 to 200 bytes, and at
//! most about four times its length. Two costs are left to whoever bounds what clients may send:
//! - a match costs at most (stars passed) × (bytes of the name) × (bytes compared from each), which
//!   for a pattern such as `*aaa…b` is length × length, as it is in Redis;
//! - different classes at one place are tried one by one, 2 ns each.

mod label;
mod node;
mod slab;
mod walk;

use std::collections::HashMap;

use label::{Label, encode, first_token, shared_tokens};
use node::Node;
use slab::{NONE, Slab};

use crate::hash::HashState;

/// Patterns, each with a value, and a fast way from a channel's name to the values of all that
/// match it.
#[derive(Debug)]
pub(crate) struct PatternIndex<V> {
    nodes: Slab<Node>,
    entries: Slab<Entry<V>>,
    by_pattern: HashMap<Box<[u8]>, u32, HashState>,
}

/// A pattern's value and its place among the entries that end at the same node.
#[derive(Debug)]
struct Entry<V> {
    value: V,
    node: u32,
    previous: u32,
    next: u32,
}

/// The root is the first node made and never freed, and compaction keeps the order.
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

    /// How many patterns there are.
    pub(crate) fn len(&self) -> usize {
        self.by_pattern.len()
    }

    /// Is there no pattern at all?
    #[cfg(any(test, fuzzing))]
    pub(crate) fn is_empty(&self) -> bool {
        self.by_pattern.is_empty()
    }

    /// The value of exactly this pattern.
    #[cfg(test)]
    pub(crate) fn get(&self, pattern: &[u8]) -> Option<&V> {
        let id = *self.by_pattern.get(pattern)?;
        Some(&self.entries[id].value)
    }

    /// The value of exactly this pattern, to change.
    pub(crate) fn get_mut(&mut self, pattern: &[u8]) -> Option<&mut V> {
        let id = *self.by_pattern.get(pattern)?;
        Some(&mut self.entries[id].value)
    }

    /// The value of exactly this pattern, which is added with the value `make` gives if it is new.
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

    /// Takes exactly this pattern out.
    pub(crate) fn remove(&mut self, pattern: &[u8]) -> Option<V> {
        let id = self.by_pattern.remove(pattern)?;
        let Entry {
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

    /// Calls `f` with the value of every pattern that matches `channel`, each once, in no
    /// particular order. Allocates nothing once a thread has seen the like.
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

    /// Gives back the memory that removed patterns left behind, in time proportional to what is
    /// left. `remove` does so by itself once three quarters are unused.
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

    /// Adds a pattern that is not there yet; gives its entry.
    fn insert(&mut self, pattern: &[u8], value: V) -> u32 {
        let node = self.node_for(&encode(pattern));
        let next = self.nodes[node].first_entry;
        let id = self.entries.insert(Entry {
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

    /// The node at which these tokens end; makes it, and splits an edge for it, where there is
    /// none.
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

    /// Cuts the edge to `node` in two behind `at` bytes of its label; gives the new node between
    /// them. `node` itself keeps its id if it has entries, because they know it. If it was one of a
    /// chain that carries a long pattern, what is below the cut may fit into the next one's label, and
    /// what is above it into the label of the one before.
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

    /// Restores the invariant on nodes from `node`, which has lost an entry, upwards.
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

    /// If `node` only leads on to a single child and one label can hold both, the child takes its
    /// place (and keeps its own id). Gives whichever of the two is there afterwards.
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
mod check;
#[cfg(test)]
mod tests;
