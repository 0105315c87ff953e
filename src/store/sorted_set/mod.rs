//! A sorted set: members, each with a score, in ascending order of (score, member).
//!
//! Layer `store`. It may use `config`.
//!
//! A set has one of two forms, which OBJECT ENCODING shows:
//! - `listpack` (`packed.rs`): everything in one allocation. A search reads half of it on average,
//!   and a change rewrites it.
//! - `skiplist` (`large.rs`): Redis's name is kept, but the order is a B+tree here (`tree.rs`),
//!   beside a hash index of the members (`members.rs`). Finding, adding, removing and ranking a
//!   member, and finding the beginning of a range of scores or names, take O(log n).
//!
//! The form follows the rules of Redis 7.2. A new set has the form that fits what will be added
//! ([`SortedSet::new`], [`SortedSet::expect`]). An addition that exceeds the [`Limits`] makes it
//! large. A large set never becomes small again, but a set that is built as a whole ([`Builder`])
//! has the form that fits it.
//!
//! All operations work with ranks. Bounds are converted to ranks (`range.rs`), and reading,
//! counting and removing take ranges of ranks. Ranks ascend from 0. The reverse rank is `len - 1 -
//! rank`.
//!
//! Invariants:
//! - No score is NaN. 0 and -0 are equal.
//! - A packed set has at most as many members as the limits of its last addition allowed.

mod builder;
mod iter;
mod large;
mod members;
mod packed;
mod random;
mod range;
mod score;
#[cfg(test)]
mod tests;
mod tree;

use super::allocation::size_class;
use super::value::ValueType;
use crate::config::Config;
use std::fmt;
use std::ops::Range;

pub(crate) use builder::Builder;
pub(crate) use iter::{Directed, Iter};
use large::Large;
use members::Members;
use packed::Packed;
pub(crate) use range::LexBound;

/// The limits of a listpack.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The most members (`zset-max-listpack-entries`).
    pub entries: usize,
    /// The most bytes of a member (`zset-max-listpack-value`).
    pub value: usize,
}

impl Limits {
    /// The limits of the settings.
    pub(crate) fn of(config: &Config) -> Limits {
        let limit = |setting| usize::try_from(setting).unwrap_or(usize::MAX);
        Limits {
            entries: limit(config.zset_max_listpack_entries),
            value: limit(config.zset_max_listpack_value),
        }
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            entries: 128,
            value: 64,
        }
    }
}

/// The result of an addition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The member is new.
    Added,
    /// The member has a new score.
    Updated,
    /// The member already had this score.
    Same,
}

/// Members with scores, in order.
#[derive(Clone)]
pub(crate) struct SortedSet {
    form: Form,
}

#[derive(Clone)]
enum Form {
    Packed(Packed),
    Large(Box<Large>),
}

impl fmt::Debug for SortedSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SortedSet")
            .field("encoding", &self.encoding())
            .field("len", &self.len())
            .finish()
    }
}

impl ValueType for SortedSet {
    fn encoding(&self) -> &'static str {
        match &self.form {
            Form::Packed(_) => "listpack",
            Form::Large(_) => "skiplist",
        }
    }

    fn memory(&self) -> usize {
        match &self.form {
            Form::Packed(packed) => size_class(packed.bytes()),
            Form::Large(large) => large.memory(),
        }
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn free_cost(&self) -> usize {
        match &self.form {
            Form::Packed(_) => 1,
            Form::Large(large) => 1 + large.members().allocations() + large.tree().allocations(),
        }
    }
}

impl AsRef<SortedSet> for SortedSet {
    fn as_ref(&self) -> &SortedSet {
        self
    }
}

impl AsMut<SortedSet> for SortedSet {
    fn as_mut(&mut self) -> &mut SortedSet {
        self
    }
}

impl SortedSet {
    /// An empty set to which `expected` members will be added, the first of which has `first` bytes
    /// (Redis: `zsetTypeCreate`).
    pub(crate) fn new(expected: usize, first: usize, limits: Limits) -> SortedSet {
        let form = if expected <= limits.entries && first <= limits.value {
            Form::Packed(Packed::default())
        } else {
            Form::Large(Box::default())
        };
        SortedSet { form }
    }

    /// Announces that `expected` members will be added to this set. More than the limit make it
    /// large at once (Redis: `zsetTypeMaybeConvert`).
    pub(crate) fn expect(&mut self, expected: usize, limits: Limits) {
        if expected > limits.entries {
            self.make_large();
        }
    }

    /// The number of members.
    pub(crate) fn len(&self) -> usize {
        match &self.form {
            Form::Packed(packed) => packed.len(),
            Form::Large(large) => large.len(),
        }
    }

    /// The score of a member.
    pub(crate) fn score(&self, member: &[u8]) -> Option<f64> {
        match &self.form {
            Form::Packed(packed) => Some(packed.get(packed.find(member)?).1),
            Form::Large(large) => {
                let slot = large.members().find(member)?;
                Some(large.members().score(slot))
            }
        }
    }

    /// The rank of a member, and its score.
    pub(crate) fn rank(&self, member: &[u8]) -> Option<(usize, f64)> {
        match &self.form {
            Form::Packed(packed) => {
                let rank = packed.find(member)?;
                Some((rank, packed.get(rank).1))
            }
            Form::Large(large) => {
                let slot = large.members().find(member)?;
                Some((large.rank(slot), large.members().score(slot)))
            }
        }
    }

    /// The member at a rank, and its score.
    pub(crate) fn get(&self, rank: usize) -> Option<(&[u8], f64)> {
        (rank < self.len()).then(|| self.at(rank))
    }

    /// The member and the score at a rank, which must exist.
    fn at(&self, rank: usize) -> (&[u8], f64) {
        match &self.form {
            Form::Packed(packed) => packed.get(rank),
            Form::Large(large) => large.get(rank),
        }
    }

    /// Adds a member, or changes its score.
    ///
    /// # Panics
    /// The score is NaN, or there are more than 2^32 members.
    pub(crate) fn insert(&mut self, member: &[u8], score: f64, limits: Limits) -> Outcome {
        assert!(!score.is_nan(), "a score is a number");
        if let Form::Packed(packed) = &mut self.form {
            if let Some(rank) = packed.find(member) {
                if packed.get(rank).1 == score {
                    return Outcome::Same;
                }
                packed.update(rank, score);
                return Outcome::Updated;
            }
            if packed.len() < limits.entries
                && member.len() <= limits.value
                && packed.can_take(member.len())
            {
                packed.insert(member, score);
                return Outcome::Added;
            }
        }
        let large = self.make_large();
        let Some(slot) = large.insert(member, score) else {
            return Outcome::Added;
        };
        if large.members().score(slot) == score {
            return Outcome::Same;
        }
        large.update(slot, score);
        Outcome::Updated
    }

    /// Removes a member. Returns its score.
    pub(crate) fn remove(&mut self, member: &[u8]) -> Option<f64> {
        let (rank, score) = self.rank(member)?;
        self.remove_ranks(rank..rank + 1);
        Some(score)
    }

    /// Removes the members with these ranks, as far as they exist.
    pub(crate) fn remove_ranks(&mut self, ranks: Range<usize>) {
        let ranks = self.clamp(ranks);
        if ranks.is_empty() {
            return;
        }
        match &mut self.form {
            Form::Packed(packed) => packed.remove(ranks),
            Form::Large(large) => large.remove(ranks),
        }
    }

    /// All members and their scores in ascending order.
    pub(crate) fn iter(&self) -> Iter<'_> {
        Iter::new(self, 0..self.len())
    }

    /// The members with these ranks, as far as they exist, and their scores: in ascending order, or
    /// the same ones in descending order.
    pub(crate) fn by_rank(&self, ranks: Range<usize>, is_reverse: bool) -> Directed<'_> {
        Directed {
            iter: Iter::new(self, self.clamp(ranks)),
            is_reverse,
        }
    }

    /// Calls `show` with about `count` members and their scores, beginning at `cursor`, which is 0
    /// at first. Returns the next cursor; 0 if all were shown. A member that exists during the
    /// whole scan is shown exactly once. A packed set is shown in one call.
    pub(crate) fn scan<'a>(
        &'a self,
        cursor: u64,
        count: usize,
        mut show: impl FnMut(&'a [u8], f64),
    ) -> u64 {
        match &self.form {
            Form::Packed(_) => {
                self.iter().for_each(|(member, score)| show(member, score));
                0
            }
            Form::Large(large) => large.members().scan(cursor, count, show),
        }
    }

    fn clamp(&self, ranks: Range<usize>) -> Range<usize> {
        let end = ranks.end.min(self.len());
        ranks.start.min(end)..end
    }

    fn make_large(&mut self) -> &mut Large {
        if let Form::Packed(packed) = &self.form {
            let mut members = Members::with_capacity(packed.len() + 1);
            for (member, score) in self.iter() {
                members.find_or_insert(member, score);
            }
            self.form = Form::Large(Box::new(Large::of(members)));
        }
        match &mut self.form {
            Form::Large(large) => large,
            Form::Packed(_) => unreachable!("it was just made large"),
        }
    }
}
