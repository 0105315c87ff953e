//! Finds the patterns that match a name by walking the trie.
//!
//! Layer `pubsub`. It uses only the index.
//!
//! # The algorithm
//! Every token but `*` takes exactly one byte, so a match between two stars is deterministic.
//! `descend` follows all branches of the trie from a given place and a given byte of the name, with
//! a stack for the branches. It stops at each star and puts it on a list. `expand` takes a star
//! from the list and descends from behind it, once for each byte of the name at which the star may
//! end.
//!
//! ```text
//! descend(root, 0)
//! while a star is listed:
//!     for start in where the star was reached ..< end of the name:
//!         descend(behind the star, start)
//! ```
//!
//! A star is listed only once, for the smallest byte of the name at which it is reached, since it
//! can match all bytes after that. The first time that it is reached is the one with the smallest
//! byte: the path to it from the star above takes a fixed number of bytes, and that star tries its
//! starts in rising order. The set `reached` ensures that it is listed once. Two stars on one edge
//! do not need the set: every path from the upper star leads through the lower one, so the upper
//! star is finished once the lower one is reached.
//!
//! So each edge of the trie is read at most once for each start of the star above it. A pattern's
//! entry is found at most once: if the pattern ends in a star, when that star is reached; otherwise
//! from the one start at which the pattern ends where the name ends.

use std::cell::Cell;

use super::label::{ANY, CLASS, ESCAPE, STAR, class_has, is_plain, token_length};
use super::node::{Children, Node};
use super::slab::NONE;
use super::{PatternIndex, ROOT};

/// The buffers of a lookup. Each thread keeps them for its next lookup. A lookup within the
/// callback of another has buffers of its own. `stars` and `branches` are empty between lookups,
/// because the buffers are dropped if a callback panics.
#[derive(Default)]
struct WalkBuffers {
    stars: Vec<Star>,
    branches: Vec<(u32, usize)>,
    reached: NodeSet,
}

/// A star that has been reached and that more tokens follow.
#[derive(Clone, Copy)]
struct Star {
    node: u32,
    /// The offset in the node's label of the byte after the star.
    behind: usize,
    /// The byte of the name at which it was reached.
    from: usize,
}

thread_local! {
    static BUFFERS: Cell<Option<Box<WalkBuffers>>> = const { Cell::new(None) };
}

#[cfg(test)]
thread_local! {
    /// How many tokens this thread's lookups have read so far: a measure of their cost without a
    /// clock.
    pub(super) static STEPS: Cell<u64> = const { Cell::new(0) };
}

/// Calls `found` once with the value of every pattern that matches `name`.
pub(super) fn for_each_match<V>(index: &PatternIndex<V>, name: &[u8], found: impl FnMut(&V)) {
    let mut buffers = BUFFERS.take().unwrap_or_default();
    let mut walk = Walk {
        index,
        name,
        found,
        origin: NONE,
        buffers: &mut buffers,
    };
    walk.run();
    BUFFERS.set(Some(buffers));
}

/// One lookup.
struct Walk<'a, V, F> {
    index: &'a PatternIndex<V>,
    name: &'a [u8],
    found: F,
    /// The node of the star that is being expanded, or [`NONE`] on the way from the root to the
    /// first stars.
    origin: u32,
    buffers: &'a mut WalkBuffers,
}

/// What a descent tells the star that it started from.
#[derive(PartialEq, Eq)]
enum Verdict {
    GoOn,
    /// The next star on the same edge has been reached.
    Finished,
}

impl<V, F: FnMut(&V)> Walk<'_, V, F> {
    fn run(&mut self) {
        self.buffers.reached.clear();
        self.descend(ROOT, 0, 0);
        while let Some(star) = self.buffers.stars.pop() {
            self.expand(star);
        }
    }

    /// Descends from behind a star, from each byte of the name at which the star may end.
    fn expand(&mut self, Star { node, behind, from }: Star) {
        self.origin = node;
        let Node {
            label, children, ..
        } = &self.index.nodes[node];
        let code = label.tokens().get(behind);
        // Skips starts that cannot match: most of them, if a literal follows the star.
        let may_take = |&byte: &u8| match (code, children) {
            (Some(&code), _) => code == byte || !is_plain(code),
            (None, Some(children)) => children.may_take(byte),
            (None, None) => false,
        };
        let mut start = from;
        while let Some(skipped) = self.name[start..].iter().position(may_take) {
            start += skipped;
            if self.descend(node, behind, start) == Verdict::Finished {
                return;
            }
            start += 1;
        }
    }

    /// Follows the trie from byte `offset` of the label of `node` and the name from byte `at`, up
    /// to the next stars.
    fn descend(&mut self, mut node: u32, mut offset: usize, mut at: usize) -> Verdict {
        let index = self.index;
        loop {
            let label = index.nodes[node].label.tokens();
            let mut next = NONE;
            loop {
                #[cfg(test)]
                STEPS.set(STEPS.get() + 1);
                let Some(&code) = label.get(offset) else {
                    next = self.end_label(node, at);
                    break;
                };
                if code == STAR {
                    let same_edge = node == self.origin;
                    self.reach_star(node, offset + 1, at);
                    if same_edge {
                        return Verdict::Finished;
                    }
                    break;
                }
                let Some(&byte) = self.name.get(at) else {
                    break;
                };
                let takes = match code {
                    ANY => true,
                    CLASS => class_has(&label[offset..], byte),
                    ESCAPE => label[offset + 1] == byte,
                    _ => code == byte,
                };
                if !takes {
                    break;
                }
                offset += if is_plain(code) {
                    1
                } else {
                    token_length(&label[offset..])
                };
                at += 1;
            }
            if next == NONE {
                match self.buffers.branches.pop() {
                    Some(branch) => (next, at) = branch,
                    None => return Verdict::GoOn,
                }
            }
            (node, offset) = (next, 0);
        }
    }

    /// The label of `node` has been read to its end. Reports the node if the name has ended too.
    /// Returns one child to continue with, or [`NONE`]. The other children are pushed on the stack
    /// of branches.
    #[inline]
    fn end_label(&mut self, node: u32, at: usize) -> u32 {
        let index = self.index;
        let byte = self.name.get(at).copied();
        if byte.is_none() {
            self.report(node);
        }
        let Some(children) = index.nodes[node].children.as_deref() else {
            return NONE;
        };
        let Children { any, star, .. } = *children;
        let Some(byte) = byte else {
            return star;
        };
        let branches = &mut self.buffers.branches;
        let mut next = children.literal(byte);
        let mut go = |child: u32| {
            if next != NONE {
                branches.push((next, at));
            }
            next = child;
        };
        if any != NONE {
            go(any);
        }
        if star != NONE {
            go(star);
        }
        children.for_each_class(byte, go);
        next
    }

    /// The walk has reached the star before byte `behind` of the label of `node`, at byte `at` of
    /// the name.
    fn reach_star(&mut self, node: u32, behind: usize, at: usize) {
        // The first star of an edge is reached only once, unless the walk started from another
        // star.
        let first_on_edge = node != self.origin;
        if first_on_edge && self.origin != NONE {
            let nodes = self.index.nodes.end();
            if !self.buffers.reached.insert(node, nodes) {
                return;
            }
        }
        let here = &self.index.nodes[node];
        let ends_label = behind == here.label.tokens().len();
        if ends_label {
            self.report(node);
        }
        // The tokens behind a star take at least one byte.
        if at < self.name.len() && !(ends_label && here.children.is_none()) {
            self.buffers.stars.push(Star {
                node,
                behind,
                from: at,
            });
        }
    }

    /// Calls `found` with the entries of `node`.
    fn report(&mut self, node: u32) {
        let index = self.index;
        let mut id = index.nodes[node].first_entry;
        while id != NONE {
            let entry = &index.entries[id];
            (self.found)(&entry.value);
            id = entry.next;
        }
    }
}

/// A set of nodes that is cleared in constant time. `places` has each node's index in `members`,
/// and is valid only if `members` has the node at that index.
#[derive(Default)]
struct NodeSet {
    members: Vec<u32>,
    places: Vec<u32>,
}

impl NodeSet {
    fn clear(&mut self) {
        self.members.clear();
    }

    /// Adds `node`, which is less than `nodes`. Returns false if the set had it already.
    fn insert(&mut self, node: u32, nodes: usize) -> bool {
        if self.places.len() < nodes {
            self.places.resize(nodes, 0);
        }
        let place = &mut self.places[node as usize];
        if self.members.get(*place as usize) == Some(&node) {
            return false;
        }
        *place = self.members.len() as u32;
        self.members.push(node);
        true
    }
}
