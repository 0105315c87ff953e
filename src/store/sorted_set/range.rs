//! Converts bounds to ranks, so that every operation on a range of scores or names works on a range
//! of ranks.
//!
//! Layer `store`. It uses nothing else.

use std::ops::{Bound, Range};

use super::{Form, SortedSet};

/// An end of a range of members by name, as in ZRANGEBYLEX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LexBound<'a> {
    /// `-`: before all members.
    Min,
    /// `+`: after all members.
    Max,
    /// `[member`
    Included(&'a [u8]),
    /// `(member`
    Excluded(&'a [u8]),
}

impl SortedSet {
    /// The ranks of the scores from `min` to `max`. Empty if there are none, or if `min` is above
    /// `max`.
    ///
    /// # Panics
    /// A bound is NaN.
    pub(crate) fn score_ranks(&self, min: Bound<f64>, max: Bound<f64>) -> Range<usize> {
        let start = match min {
            Bound::Unbounded => 0,
            Bound::Included(min) => self.before(min, |_| false),
            Bound::Excluded(min) => self.before(min, |_| true),
        };
        let end = match max {
            Bound::Unbounded => self.len(),
            Bound::Included(max) => self.before(max, |_| true),
            Bound::Excluded(max) => self.before(max, |_| false),
        };
        start..end.max(start)
    }

    /// The ranks of the members from `min` to `max`. As in Redis, this requires that all scores are
    /// equal. For other sets the result is unspecified.
    pub(crate) fn lex_ranks(&self, min: LexBound, max: LexBound) -> Range<usize> {
        let Some((_, score)) = self.get(0) else {
            return 0..0;
        };
        let start = match min {
            LexBound::Min => 0,
            LexBound::Max => self.len(),
            LexBound::Included(min) => self.before(score, |member| member < min),
            LexBound::Excluded(min) => self.before(score, |member| member <= min),
        };
        let end = match max {
            LexBound::Min => 0,
            LexBound::Max => self.len(),
            LexBound::Included(max) => self.before(score, |member| member <= max),
            LexBound::Excluded(max) => self.before(score, |member| member < max),
        };
        start..end.max(start)
    }

    /// How many members have a lower score, or have this score and `is_before` returns `true` for
    /// them.
    fn before(&self, score: f64, is_before: impl Fn(&[u8]) -> bool) -> usize {
        assert!(!score.is_nan(), "a score is a number");
        match &self.form {
            Form::Packed(packed) => packed.partition(score, is_before),
            Form::Large(large) => large.partition(score, is_before),
        }
    }
}
