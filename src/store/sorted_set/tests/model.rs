//! A simple model of a sorted set.

use crate::store::value::ValueType;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::{Bound, Range};

use proptest::sample::Index;

use super::super::{LexBound, Limits, Outcome, SortedSet};

/// A score in the order of floats, with 0 equal to -0.
#[derive(Clone, Copy, Debug)]
struct Ordered(f64);

impl PartialEq for Ordered {
    fn eq(&self, other: &Ordered) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Ordered) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Ordered) -> std::cmp::Ordering {
        (self.0 + 0.0).total_cmp(&(other.0 + 0.0))
    }
}

/// The model. It makes its changes to a set, too, and compares the results.
pub(crate) struct Model {
    order: BTreeSet<(Ordered, Vec<u8>)>,
    scores: HashMap<Vec<u8>, f64>,
    is_large: bool,
    /// The members that have existed since the scan began.
    stayed: HashSet<Vec<u8>>,
}

impl Model {
    pub(crate) fn new(set: &SortedSet) -> Model {
        Model {
            order: BTreeSet::new(),
            scores: HashMap::new(),
            is_large: set.encoding() == "skiplist",
            stayed: HashSet::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.scores.len()
    }

    pub(crate) fn score(&self, member: &[u8]) -> Option<f64> {
        self.scores.get(member).copied()
    }

    pub(crate) fn some_member(&self, at: &Index) -> Option<Vec<u8>> {
        let (_, member) = self.order.iter().nth(at.index(self.len().max(1)))?;
        Some(member.clone())
    }

    pub(crate) fn begin_scan(&mut self) {
        self.stayed = self.scores.keys().cloned().collect();
    }

    pub(crate) fn stayed(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.stayed.iter()
    }

    fn forget(&mut self, member: &[u8]) -> Option<f64> {
        let score = self.scores.remove(member)?;
        self.order.remove(&(Ordered(score), member.to_vec()));
        self.stayed.remove(member);
        Some(score)
    }

    pub(crate) fn insert(
        &mut self,
        set: &mut SortedSet,
        member: &[u8],
        score: f64,
        limits: Limits,
    ) {
        let outcome = match self.score(member) {
            None => Outcome::Added,
            Some(old) if old == score => Outcome::Same,
            Some(_) => Outcome::Updated,
        };
        assert_eq!(set.insert(member, score, limits), outcome);
        match outcome {
            Outcome::Added => {
                let is_beyond = self.len() + 1 > limits.entries || member.len() > limits.value;
                self.is_large |= is_beyond;
            }
            Outcome::Updated => {
                let old = self.scores[member];
                self.order.remove(&(Ordered(old), member.to_vec()));
            }
            Outcome::Same => return,
        }
        self.order.insert((Ordered(score), member.to_vec()));
        self.scores.insert(member.to_vec(), score);
    }

    pub(crate) fn remove(&mut self, set: &mut SortedSet, member: &[u8]) {
        let expected = self.forget(member);
        assert_eq!(set.remove(member), expected);
    }

    pub(crate) fn remove_ranks(&mut self, set: &mut SortedSet, ranks: Range<usize>) {
        set.remove_ranks(ranks.clone());
        let gone: Vec<_> = self
            .order
            .iter()
            .skip(ranks.start)
            .take(ranks.len())
            .cloned()
            .collect();
        for (_, member) in gone {
            self.forget(&member);
        }
    }

    pub(crate) fn pop(&mut self, set: &mut SortedSet, max: bool) {
        let rank = if max { set.len().saturating_sub(1) } else { 0 };
        let popped = set
            .get(rank)
            .map(|(member, score)| (member.to_vec(), score));
        set.remove_ranks(rank..rank + 1);
        let expected = if max {
            self.order.last()
        } else {
            self.order.first()
        };
        let Some((score, member)) = expected.cloned() else {
            assert_eq!(popped, None);
            return;
        };
        let (popped, its_score) = popped.expect("a member");
        assert_eq!((popped, its_score), (member.to_vec(), score.0));
        self.forget(&member);
    }

    /// Compares what is quick to compare.
    pub(crate) fn compare_cheaply(&self, set: &SortedSet) {
        assert_eq!(set.len(), self.len());
        assert_eq!(set.is_empty(), self.len() == 0);
        let encoding = if self.is_large {
            "skiplist"
        } else {
            "listpack"
        };
        assert_eq!(set.encoding(), encoding);
        let members = self
            .order
            .iter()
            .map(|(score, member)| (&**member, score.0));
        assert!(set.iter().eq(members));
    }

    /// Compares everything that can be read.
    pub(crate) fn compare(&self, set: &SortedSet) {
        self.compare_cheaply(set);
        let all: Vec<_> = self
            .order
            .iter()
            .map(|(score, member)| (&**member, score.0))
            .collect();
        let len = all.len();
        assert!(set.iter().rev().eq(all.iter().rev().copied()));
        for (rank, &(member, score)) in all.iter().enumerate() {
            assert_eq!(set.score(member), Some(score));
            assert_eq!(set.rank(member), Some((rank, score)));
            assert_eq!(set.get(rank), Some((member, score)));
        }
        assert_eq!(set.get(len), None);
        assert_eq!((set.score(b"none"), set.rank(b"none")), (None, None));
        for (start, end) in [
            (0, len),
            (0, len / 2),
            (len / 3, len),
            (len / 3, len + 5),
            (len, 0),
        ] {
            let expected = all.get(start..end.min(len)).unwrap_or_default();
            let forward = set.by_rank(start..end, false);
            assert_eq!(forward.len(), expected.len());
            assert!(forward.eq(expected.iter().copied()));
            let backward = set.by_rank(start..end, true);
            assert!(backward.eq(expected.iter().rev().copied()));
        }
        // From both ends towards the middle.
        let mut iter = set.iter();
        for at in 0..len {
            let (next, place) = if at % 2 == 0 {
                (iter.next(), at / 2)
            } else {
                (iter.next_back(), len - 1 - at / 2)
            };
            assert_eq!(next, Some(all[place]));
        }
        assert_eq!((iter.next(), iter.next_back()), (None, None));
        let mut scanned = HashMap::new();
        let mut cursor = 0;
        loop {
            cursor = set.scan(cursor, 7, |member, score| {
                assert_eq!(scanned.insert(member.to_vec(), score), None);
            });
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(scanned, self.scores);
    }

    pub(crate) fn compare_scores(&self, set: &SortedSet, min: f64, max: f64) {
        let below = |holds: &dyn Fn(f64) -> bool| {
            self.order
                .iter()
                .filter(|(score, _)| holds(score.0))
                .count()
        };
        let starts = [
            (Bound::Unbounded, 0),
            (Bound::Included(min), below(&|score| score < min)),
            (Bound::Excluded(min), below(&|score| score <= min)),
        ];
        let ends = [
            (Bound::Unbounded, self.len()),
            (Bound::Included(max), below(&|score| score <= max)),
            (Bound::Excluded(max), below(&|score| score < max)),
        ];
        for (min, start) in starts {
            for (max, end) in ends {
                assert_eq!(set.score_ranks(min, max), start..end.max(start));
            }
        }
    }

    pub(crate) fn compare_names(&self, set: &SortedSet, min: &[u8], max: &[u8]) {
        let below = |holds: &dyn Fn(&[u8]) -> bool| {
            self.order
                .iter()
                .filter(|(_, member)| holds(member))
                .count()
        };
        let starts = [
            (LexBound::Min, 0),
            (LexBound::Max, self.len()),
            (LexBound::Included(min), below(&|member| member < min)),
            (LexBound::Excluded(min), below(&|member| member <= min)),
        ];
        let ends = [
            (LexBound::Min, 0),
            (LexBound::Max, self.len()),
            (LexBound::Included(max), below(&|member| member <= max)),
            (LexBound::Excluded(max), below(&|member| member < max)),
        ];
        for (min, start) in starts {
            for (max, end) in ends {
                assert_eq!(set.lex_ranks(min, max), start..end.max(start));
            }
        }
    }
}
