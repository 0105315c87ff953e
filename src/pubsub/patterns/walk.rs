//! From a channel's name to the patterns that match it.
//!
//! # The algorithm
//! Every token but `*` takes exactly one byte, so between two stars there is nothing to guess:
//! `descend` follows the trie from a given place at a given byte of the name and goes everywhere at
//! once, with a stack for the branches. It stops at each star that it comes to, which is put on a
//! list. `float` takes a star from the list and descends from behind it, starting at each byte that
//! the star may reach up to.
//!
//! ```text
//! descend(root, 0)
//! while a star is listed:
//!     for start in where the star was reached ..< end of the name:
//!         descend(behind the star, start)
//! ```
//!
//! A star need be listed only once, for the first byte at which it is reached, since it can swallow
//! whatever comes later. That it is *first* reached with the smallest byte is so because the way to
//! it from the star above takes a fixed number of bytes and that star tries its starts in rising
//! order. That it is listed once is what `reached` is for; two stars on one edge don't even need
//! that, since behind the upper one there is no other way than through the lower: once the lower is
//! reached the upper is finished. So each edge of the trie is read at most once for each start of
//! the one star above it, and a pattern's entry is found at most once: where it ends in a star,
//! when that star is reached, otherwise from the one start that makes its end coincide with the
//! name's.

use std::cell::Cell;

use super::label::{ANY, CLASS, ESCAPE, STAR, class_has, is_plain, token_length};
use super::node::{Children, Node};
use super::slab::NONE;
use super::{PatternIndex, ROOT};

/// Lists that a lookup needs, kept by each thread for the next lookup. A lookup inside another's
/// callback has its own. `stars` and `branches` are empty between lookups: where a callback panics,
/// the lists are dropped.
#[derive(Default)]
struct BatchBuffers {
    stars: Vec<Star>,
    branches: Vec<(u32, usize)>,
    reached: NodeSet,
}

/// A star that has been reached and has something behind it.
#[derive(Clone, Copy)]
struct Star {
    node: u32,
    /// Behind the star in the node's label.
    behind: usize,
    /// The byte of the name at which it was reached.
    from: usize,
}

thread_local! {
    static SCRATCH: Cell<Option<Box<BatchBuffers>>> = const { Cell::new(None) };
}

#[cfg(test)]
thread_local! {
    /// Tokens looked at by this thread's lookups so far: their cost, without a clock.
    pub(super) static STEPS: Cell<u64> = const { Cell::new(0) };
}

pub(super) fn for_each_match<V>(index: &PatternIndex<V>, name: &[u8], found: impl FnMut(&V)) {
    let mut buffers = SCRATCH.take().unwrap_or_default();
    let mut walk = Walk {
        index,
        name,
        found,
        origin: NONE,
        buffers: &mut buffers,
    };
    walk.everything();
    SCRATCH.set(Some(buffers));
}

struct Walk<'a, V, F> {
    index: &'a PatternIndex<V>,
    name: &'a [u8],
    found: F,
    /// The node of the star that floats, or [`NONE`] on the way from the root to the first stars.
    origin: u32,
    buffers: &'a mut BatchBuffers,
}

/// What a descent says to the star that it started from.
#[derive(PartialEq, Eq)]
enum Verdict {
    GoOn,
    /// The next star on the same edge has been reached.
    Finished,
}

impl<V, F: FnMut(&V)> Walk<'_, V, F> {
    fn everything(&mut self) {
        self.buffers.reached.clear();
        self.descend(ROOT, 0, 0);
        while let Some(star) = self.buffers.stars.pop() {
            self.float(star);
        }
    }

    fn float(&mut self, Star { node, behind, from }: Star) {
        self.origin = node;
        let Node {
            label, children, ..
        } = &self.index.nodes[node];
        let code = label.tokens().get(behind);
        // Tells at a glance which starts are hopeless: most of them, if what follows is a literal.
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

    /// Follows the trie from byte `offset` of the label of `node`, with the name from byte `at`, up
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
                    next = self.leave(node, at);
                    break;
                };
                if code == STAR {
                    let same_edge = node == self.origin;
                    self.reach(node, offset + 1, at);
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

    /// The label of `node` has been read to its end: reports the node if the name has, too. Gives
    /// one child to go on with, or [`NONE`]; the others become branches.
    #[inline]
    fn leave(&mut self, node: u32, at: usize) -> u32 {
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

    /// A star stands before byte `behind` of the label of `node`, and the name has been read up to
    /// byte `at`.
    fn reach(&mut self, node: u32, behind: usize, at: usize) {
        // The first star of an edge is reached once, unless the way to it is from a star that
        // floats.
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
        // What is behind a star takes at least one byte.
        if at < self.name.len() && !(ends_label && here.children.is_none()) {
            self.buffers.stars.push(Star {
                node,
                behind,
                from: at,
            });
        }
    }

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

/// A set of nodes that is emptied in no time: `places` says where in `members` a node would stand,
/// and is believed only if it does stand there.
#[derive(Default)]
struct NodeSet {
    members: Vec<u32>,
    places: Vec<u32>,
}

impl NodeSet {
    fn clear(&mut self) {
        self.members.clear();
    }

    /// Adds `node`, which is less than `nodes`. False if it was there already.
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
