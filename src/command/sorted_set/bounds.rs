//! Parsing of ranges of scores and of names.
//!
//! Layer `command`. It may use `state` and what lies below. Redis parses scores, `+` and `-` as C
//! strings: a NUL ends them.

use std::ops::{Bound, Range};

use super::Result;
use crate::resp::error::CommandError;
use crate::resp::number::parse_bound;
use crate::store::sorted_set::{LexBound, SortedSet};

/// A range of scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ScoreRange {
    min: Bound<f64>,
    max: Bound<f64>,
}

impl ScoreRange {
    /// Parses bounds such as `1.5`, `(1.5` (exclusive) and `-inf`.
    pub(super) fn parse(min: &[u8], max: &[u8]) -> Result<ScoreRange> {
        let range = score_bound(min).zip(score_bound(max));
        let (min, max) = range.ok_or(CommandError::text("ERR min or max is not a float"))?;
        Ok(ScoreRange { min, max })
    }

    /// The ranks of the members in the range.
    pub(super) fn ranks(self, set: &SortedSet) -> Range<usize> {
        set.score_ranks(self.min, self.max)
    }
}

fn score_bound(word: &[u8]) -> Option<Bound<f64>> {
    match word {
        [b'(', score @ ..] => parse_bound(score).map(Bound::Excluded),
        score => parse_bound(score).map(Bound::Included),
    }
}

/// A range of names, for sets whose members all have the same score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LexRange<'a> {
    min: LexBound<'a>,
    max: LexBound<'a>,
}

impl<'a> LexRange<'a> {
    /// Parses bounds such as `[name`, `(name` (exclusive), `-` (before all names) and `+` (after
    /// all).
    pub(super) fn parse(min: &'a [u8], max: &'a [u8]) -> Result<LexRange<'a>> {
        const WRONG: CommandError =
            CommandError::text("ERR min or max not valid string range item");
        let (min, max) = lex_bound(min).zip(lex_bound(max)).ok_or(WRONG)?;
        Ok(LexRange { min, max })
    }

    /// The ranks of the members in the range.
    pub(super) fn ranks(self, set: &SortedSet) -> Range<usize> {
        set.lex_ranks(self.min, self.max)
    }
}

fn lex_bound(word: &[u8]) -> Option<LexBound<'_>> {
    Some(match word {
        [b'-'] | [b'-', 0, ..] => LexBound::Min,
        [b'+'] | [b'+', 0, ..] => LexBound::Max,
        [b'[', name @ ..] => LexBound::Included(name),
        [b'(', name @ ..] => LexBound::Excluded(name),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_read_as_strtod_reads_them() {
        for (word, bound) in [
            ("1.5", Some(Bound::Included(1.5))),
            ("(1.5", Some(Bound::Excluded(1.5))),
            ("", Some(Bound::Included(0.0))),
            ("(", Some(Bound::Excluded(0.0))),
            ("( 1", Some(Bound::Excluded(1.0))),
            ("-inf", Some(Bound::Included(f64::NEG_INFINITY))),
            ("(+Infinity", Some(Bound::Excluded(f64::INFINITY))),
            ("1e400", Some(Bound::Included(f64::INFINITY))),
            ("1e-400", Some(Bound::Included(0.0))),
            ("2\0junk", Some(Bound::Included(2.0))),
            ("1 ", None),
            (" ", None),
            ("((1", None),
            ("nan", None),
            ("[1", None),
        ] {
            assert_eq!(score_bound(word.as_bytes()), bound, "{word:?}");
        }
    }

    #[test]
    fn a_prefix_says_whether_the_bound_is_inclusive() {
        for (word, bound) in [
            ("-", Some(LexBound::Min)),
            ("+", Some(LexBound::Max)),
            ("+\0x", Some(LexBound::Max)),
            ("[", Some(LexBound::Included(b""))),
            ("(a\0b", Some(LexBound::Excluded(b"a\0b"))),
            ("[-", Some(LexBound::Included(b"-"))),
            ("", None),
            ("a", None),
            ("--", None),
            ("+a", None),
        ] {
            assert_eq!(lex_bound(word.as_bytes()), bound, "{word:?}");
        }
    }
}
