//! Bounds become ranks: everything that Redis does with a range of scores or of names is then done
//! with a range of ranks.

use std::ops::{Bound, Range};

use super::{Form, SortedSet};

/// An end of a range of members in the order of their bytes, as in ZRANGEBYLEX.
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
    /// The ranks of the scores from `min` to `max`. Empty if there are none or if the bounds are the
    /// wrong way round.
    ///
    /// # Panics
    /// If a bound is NaN.
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

    /// The ranks of the members from `min` to `max`. As in Redis, this is for sets whose scores are
    /// all equal; for others it is some range or other.
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

    /// How many members have lower scores, or this score and are those that `is_before` holds for.
    fn before(&self, score: f64, is_before: impl Fn(&[u8]) -> bool) -> usize {
        assert!(!score.is_nan(), "a score is a number");
        match &self.form {
            Form::Packed(packed) => packed.partition(score, is_before),
            Form::Large(large) => large.partition(score, is_before),
        }
    }
}
