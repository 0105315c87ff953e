//! Random members. All are equally likely. The random numbers come from the caller.
//!
//! Layer `store`. It uses nothing else.

use super::SortedSet;
use crate::store::random;

impl SortedSet {
    /// A random member and its score. `None` if the set is empty.
    pub(crate) fn random(&self, numbers: &mut impl FnMut() -> u64) -> Option<(&[u8], f64)> {
        match self.len() {
            0 => None,
            length => self.get(random::below(length, numbers)),
        }
    }

    /// `count` different members with their scores, or all if there are no more. All choices of
    /// members are equally likely, but their order is not random.
    pub(crate) fn sample(
        &self,
        count: usize,
        numbers: &mut impl FnMut() -> u64,
    ) -> impl ExactSizeIterator<Item = (&[u8], f64)> {
        let length = self.len();
        let ranks = if count < length {
            random::distinct(length, count, numbers)
        } else {
            (0..length).collect()
        };
        ranks.into_iter().map(|rank| self.at(rank))
    }
}
