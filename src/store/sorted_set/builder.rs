//! Builds a set as a whole: members are gathered in any order, and sorted once at the end.
//!
//! Layer `store`. It uses nothing else.
//!
//! ZUNIONSTORE and similar commands combine scores here, in the table that the set then keeps.
//! ZUNION and similar commands read their reply from here, without a set.

use super::large::{self, Large};
use super::members::Members;
use super::packed::{NewEntry, Packed, Run};
use super::{Form, Limits, SortedSet};

/// Members that become a set.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    members: Members,
    /// The length of the longest member.
    longest: usize,
}

impl Builder {
    /// An empty builder, with room for about this many members.
    pub(crate) fn with_capacity(members: usize) -> Builder {
        Builder {
            members: Members::with_capacity(members),
            longest: 0,
        }
    }

    /// The number of members so far.
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// The members and their scores in ascending order.
    pub(crate) fn sorted(&self) -> impl ExactSizeIterator<Item = (&[u8], f64)> {
        let entries = large::sorted(&self.members).into_iter();
        entries.map(|entry| (self.members.member(entry.slot), entry.score))
    }

    /// Roughly how many allocations dropping it frees.
    pub(crate) fn free_cost(&self) -> usize {
        self.members.allocations()
    }

    /// Adds a member with a score. If it is already there, `combine` computes its new score from
    /// the old one and this one.
    ///
    /// # Panics
    /// A score is not a number.
    pub(crate) fn add(&mut self, member: &[u8], score: f64, combine: impl FnOnce(f64, f64) -> f64) {
        assert!(!score.is_nan(), "a score is a number");
        let (slot, is_new) = self.members.find_or_insert(member, score);
        self.longest = self.longest.max(member.len());
        if !is_new {
            let score = combine(self.members.score(slot), score);
            assert!(!score.is_nan(), "a score is a number");
            self.members.set_score(slot, score);
        }
    }

    /// The finished set. As in Redis, it is a listpack exactly if the limits allow it.
    pub(crate) fn finish(self, limits: Limits) -> SortedSet {
        if self.members.len() > limits.entries || self.longest > limits.value {
            return SortedSet {
                form: Form::Large(Box::new(Large::of(self.members))),
            };
        }
        let entries = large::sorted(&self.members);
        let new = |entry: &large::ScoredSlot| {
            let member = self.members.member(entry.slot);
            Run::New(NewEntry::new(entry.score, member))
        };
        let runs: Vec<_> = entries.iter().map(new).collect();
        SortedSet {
            form: Form::Packed(Packed::default().rebuilt(&runs)),
        }
    }
}
