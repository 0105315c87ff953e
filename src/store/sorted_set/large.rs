//! The large form: members by name, and a tree of their order.
//!
//! Layer `store`. It uses nothing else.
//!
//! Invariant: the tree has an entry for each taken slot of the members, with the same score, in
//! ascending order of (score, member).

use std::ops::Range;

use super::super::slots::SlotId;
use super::members::Members;
use super::tree;
pub(crate) use super::tree::ScoredSlot;

/// Entries of a node. A leaf of 63 entries takes 760 bytes and an inner node 2024 bytes; allocators
/// have a size class for both. Smaller nodes were slower.
const NODE: usize = 63;
pub(crate) type Tree = tree::Tree<NODE>;
pub(crate) type Leaf = tree::Entries<NODE>;

/// A sorted set in the large form.
#[derive(Clone, Debug, Default)]
pub(crate) struct Large {
    members: Members,
    tree: Tree,
}

impl Large {
    /// A set of these members, ordered by sorting.
    pub(crate) fn of(members: Members) -> Large {
        let mut tree = Tree::default();
        for entry in sorted(&members) {
            tree.insert(tree.len(), entry);
        }
        Large { members, tree }
    }

    pub(crate) fn members(&self) -> &Members {
        &self.members
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// Its memory in bytes: on the heap, and its own.
    pub(crate) fn memory(&self) -> usize {
        size_of::<Large>() + self.members.memory() + self.tree.memory()
    }

    /// The member and the score at a rank.
    ///
    /// # Panics
    /// There is no such rank.
    pub(crate) fn get(&self, rank: usize) -> (&[u8], f64) {
        let (leaf, at) = self.tree.leaf_at(rank);
        self.resolve(leaf.entry(at))
    }

    /// The member and the score of an entry of the tree.
    pub(crate) fn resolve(&self, entry: ScoredSlot) -> (&[u8], f64) {
        (self.members.member(entry.slot), entry.score)
    }

    /// How many members come before a bound: those with lower scores, and those with this score for
    /// which `is_before` returns `true`. These must be the first ones with this score.
    pub(crate) fn partition(&self, score: f64, is_before: impl Fn(&[u8]) -> bool) -> usize {
        self.tree
            .partition(score, |slot| is_before(self.members.member(slot)))
    }

    /// How many other members come before the one in this slot, if it has this score.
    fn place(&self, score: f64, slot: SlotId) -> usize {
        let member = self.members.member(slot);
        self.partition(score, |other| other < member)
    }

    /// The rank of the member in a slot.
    pub(crate) fn rank(&self, slot: SlotId) -> usize {
        self.place(self.members.score(slot), slot)
    }

    /// Adds a member with its score, if it is new. Otherwise returns its slot.
    pub(crate) fn insert(&mut self, member: &[u8], score: f64) -> Option<SlotId> {
        let (slot, is_new) = self.members.find_or_insert(member, score);
        if !is_new {
            return Some(slot);
        }
        let rank = self.place(score, slot);
        self.tree.insert(rank, ScoredSlot { score, slot });
        None
    }

    /// Changes the score of the member in a slot.
    pub(crate) fn update(&mut self, slot: SlotId, score: f64) {
        let old = self.members.score(slot);
        let rank = self.rank(slot);
        let before = self.place(score, slot);
        // The member itself was counted if it was before its new rank.
        let target = if old < score { before - 1 } else { before };
        if target == rank {
            self.tree.set_score(rank, score);
        } else {
            self.tree.remove(rank..rank + 1, |_| {});
            self.tree.insert(target, ScoredSlot { score, slot });
        }
        self.members.set_score(slot, score);
    }

    /// Removes the members with these ranks.
    pub(crate) fn remove(&mut self, ranks: Range<usize>) {
        if ranks == (0..self.len()) {
            *self = Large::default();
            return;
        }
        let members = &mut self.members;
        self.tree.remove(ranks, |slot| members.remove(slot));
    }
}

/// The members in ascending order.
pub(crate) fn sorted(members: &Members) -> Vec<ScoredSlot> {
    let mut entries: Vec<_> = members
        .iter()
        .map(|(slot, score)| ScoredSlot { score, slot })
        .collect();
    entries.sort_unstable_by(|one, other| {
        let by_score = one.score.partial_cmp(&other.score);
        by_score
            .expect("scores are numbers")
            .then_with(|| members.member(one.slot).cmp(members.member(other.slot)))
    });
    entries
}

#[cfg(test)]
impl Large {
    /// Panics if an invariant of these files is broken.
    pub(crate) fn invariants(&self) {
        self.members.invariants();
        let entries = self.tree.invariants();
        assert_eq!(entries.len(), self.members.len());
        for entry in &entries {
            let score = self.members.score(entry.slot);
            assert_eq!(score.to_bits(), entry.score.to_bits());
        }
        for pair in entries.windows(2) {
            let (member, score) = self.resolve(pair[0]);
            let (next, higher) = self.resolve(pair[1]);
            assert!(score < higher || (score == higher && member < next));
        }
    }
}
