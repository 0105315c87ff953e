//! Random members, each as likely as any other. The random numbers come from the caller.

use crate::store::value::ValueType;
use hashbrown::HashSet;

use super::SortedSet;
use crate::hash::HashState;

impl SortedSet {
    /// Some member and its score. `None`: there is none.
    pub(crate) fn random(&self, random: impl FnMut() -> u64) -> Option<(&[u8], f64)> {
        if self.is_empty() {
            return None;
        }
        self.get(below(self.len(), random))
    }

    /// `count` different members with their scores, or all if there are not so many. Every choice of
    /// members is equally likely; their order is not random.
    pub(crate) fn sample(
        &self,
        count: usize,
        random: impl FnMut() -> u64,
    ) -> impl ExactSizeIterator<Item = (&[u8], f64)> {
        let ranks = sample_ranks(self.len(), count, random);
        ranks.into_iter().map(|rank| self.at(rank))
    }
}

/// `count` different numbers below `len`, or all of them.
fn sample_ranks(len: usize, count: usize, mut random: impl FnMut() -> u64) -> Vec<usize> {
    if count >= len {
        return (0..len).collect();
    }
    if count >= len / 4 {
        // Each number is taken with the chance that it has, given what is still to be taken.
        let mut left = count;
        let is_taken = |&rank: &usize| {
            let is_taken = below(len - rank, &mut random) < left;
            left -= usize::from(is_taken);
            is_taken
        };
        return (0..len).filter(is_taken).collect();
    }
    // Floyd's algorithm: one random number for each that is taken, however many there are.
    let mut taken = HashSet::with_capacity_and_hasher(count, HashState);
    let next = |end| {
        let rank = below(end + 1, &mut random);
        let rank = if taken.insert(rank) { rank } else { end };
        taken.insert(rank);
        rank
    };
    (len - count..len).map(next).collect()
}

/// A random number below `limit`, without a bias (Lemire's method).
fn below(limit: usize, mut random: impl FnMut() -> u64) -> usize {
    let limit = limit as u64;
    let uneven = limit.wrapping_neg() % limit;
    loop {
        let product = u128::from(random()) * u128::from(limit);
        if product as u64 >= uneven {
            return (product >> 64) as usize;
        }
    }
}
