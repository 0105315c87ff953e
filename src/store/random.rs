//! Random numbers, and uniform choices made from them.
//!
//! Layer `store`. It may use `hash`.
//!
//! The structures get their random numbers from their callers, so that a test can repeat what it
//! has seen. Commands pass [`number`].

use std::cell::RefCell;
use std::collections::HashSet;

use fastrand::Rng;

use crate::hash::HashState;

thread_local! {
    static SOURCE: RefCell<Rng> = RefCell::new(Rng::with_seed(
        getrandom::u64().expect("the system has random bytes"),
    ));
}

/// A uniformly distributed random `u64`. The system is asked only for each thread's first one. The
/// numbers are not secret: they can be predicted by anyone who sees enough of them.
pub(crate) fn number() -> u64 {
    SOURCE.with_borrow_mut(|source| source.u64(..))
}

/// A number below `end`, which must not be 0. The multiplication favours some numbers by at most
/// `end` / 2^64, which cannot be measured.
pub(crate) fn below(end: usize, random: &mut impl FnMut() -> u64) -> usize {
    ((u128::from(random()) * end as u128) >> 64) as usize
}

/// `count` different numbers below `end`, in no particular order. All subsets are equally likely.
/// `count` must be at most `end`.
///
/// This is Floyd's sampling: step `last` draws a number up to `last`. If that was drawn before, it
/// takes `last` itself, which cannot have been drawn yet.
pub(crate) fn distinct(end: usize, count: usize, random: &mut impl FnMut() -> u64) -> Vec<usize> {
    let mut chosen = Vec::with_capacity(count);
    let mut seen = HashSet::with_capacity_and_hasher(count, HashState);
    for last in end - count..end {
        let drawn = below(last + 1, random);
        let number = if seen.insert(drawn) { drawn } else { last };
        seen.insert(number);
        chosen.push(number);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinct_numbers_are_distinct_and_uniform() {
        let mut source = fastrand::Rng::with_seed(7);
        let mut random = || source.u64(..);
        let (end, count, rounds) = (12, 5, 24_000);
        let mut seen = vec![0_u32; end];
        for _ in 0..rounds {
            let mut chosen = distinct(end, count, &mut random);
            chosen.sort_unstable();
            chosen.dedup();
            assert_eq!(chosen.len(), count);
            chosen.iter().for_each(|&number| seen[number] += 1);
        }
        // 10,000 each are expected. The standard deviation is below 80.
        for times in seen {
            assert!((9_600..10_400).contains(&times), "{times}");
        }
        let mut all = distinct(9, 9, &mut random);
        all.sort_unstable();
        assert_eq!(all, (0..9).collect::<Vec<_>>());
        assert!(distinct(9, 0, &mut random).is_empty());
    }
}
