//! Pairs behind a hash index: what Redis stores as a hash table.
//!
//! Layer `store`. It may use `hash`.
//!
//! ```text
//!   index     hash of the field → number      (places of 8 bytes, see `index`)
//!   entries   number → pair                   (no gaps: the numbers are 0, 1, 2, …, see `entries`)
//! ```
//!
//! Looking up a short field that is there visits two places in memory, one in the index and one in
//! the entries. A field that is not there rarely has the hash of another, so the index is enough.
//!
//! Each of the two orders has a purpose. The entries have no gaps, so a random number is a random
//! entry, however much the table has shrunk. The index is in the order of the hashes, and SCAN uses
//! it, because an entry's number may change but its hash does not. So a pair that exists during a
//! whole scan is shown exactly once, and the table may be compacted at any time. Pairs with equal
//! hashes are shown in one call.
//!
//! # Invariants
//! - Every entry is in the index once, with its hash and its number.
//! - The numbers are those below `entries.len()`: when an entry is removed, the last one gets its
//!   number.
//! - `heap` is the sum of [`Pair::heap`] over all entries, and `on_heap` the number of entries
//!   where it is not 0.
//! - The hash of a field never changes: `seed` stays the same for the life of the table, also in a
//!   clone. Each table has its own, so that the order of one table says nothing about another.

mod entries;
mod index;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};

use self::entries::{Entries, EntriesIter};
use self::index::Index;
use super::super::allocation;
use super::pair::Pair;
use crate::hash::HashState;

/// Dropping a table visits every entry. This many visits take as long as freeing one allocation.
const VISITS_PER_FREE: usize = 32;

/// A hash table.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    entries: Entries,
    index: Index,
    heap: usize,
    on_heap: usize,
    seed: u64,
    /// The bits of a hash that are used. Tests clear some to make hashes equal.
    #[cfg(test)]
    mask: u32,
}

impl Table {
    /// An empty table with room for this many pairs.
    pub(crate) fn with_room(pairs: usize) -> Table {
        static TABLES: AtomicU64 = AtomicU64::new(0);
        Table {
            entries: Entries::with_room(pairs),
            index: Index::with_room(pairs),
            heap: 0,
            on_heap: 0,
            seed: HashState::hash(TABLES.fetch_add(1, Ordering::Relaxed)),
            #[cfg(test)]
            mask: u32::MAX,
        }
    }

    /// The number of pairs.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Its heap memory in bytes, including the table itself, which is boxed.
    pub(crate) fn memory(&self) -> usize {
        allocation::size_class(size_of::<Table>())
            + self.entries.memory()
            + self.index.memory()
            + self.heap
    }

    /// About as many allocations as can be freed in the time that dropping it takes.
    pub(crate) fn free_cost(&self) -> usize {
        let visits = self.len() / VISITS_PER_FREE;
        // The table itself and the index are one each.
        self.on_heap + self.entries.allocations() + 2 + visits
    }

    /// The pairs, in no particular order.
    pub(crate) fn iter(&self) -> TableIter<'_> {
        TableIter(self.entries.iter())
    }

    /// The pair with this number.
    ///
    /// # Panics
    /// The number is not below the count.
    pub(crate) fn nth(&self, number: usize) -> (&[u8], &[u8]) {
        self.entries.get(number as u32).parts()
    }

    /// The value of a field.
    pub(crate) fn get(&self, field: &[u8]) -> Option<&[u8]> {
        let number = self.find(self.hash(field), field)?;
        Some(self.nth(number as usize).1)
    }

    /// Sets a field. Returns `true` if it is new.
    pub(crate) fn set(&mut self, field: &[u8], value: &[u8]) -> bool {
        let hash = self.hash(field);
        match self.find(hash, field) {
            Some(number) => {
                let pair = self.entries.get_mut(number);
                let before = pair.heap();
                pair.set_value(value);
                let after = pair.heap();
                self.uncount(before);
                self.count(after);
                false
            }
            None => {
                self.insert(hash, Pair::new(field, value));
                true
            }
        }
    }

    /// Adds a field, which must be new.
    pub(crate) fn push(&mut self, field: &[u8], value: &[u8]) {
        self.insert(self.hash(field), Pair::new(field, value));
    }

    /// Adds a pair whose field must be new.
    pub(crate) fn adopt(&mut self, pair: Pair) {
        self.insert(self.hash(pair.field()), pair);
    }

    /// Removes a field. Returns `false` if it does not exist.
    pub(crate) fn remove(&mut self, field: &[u8]) -> bool {
        let hash = self.hash(field);
        let found = self.find(hash, field);
        if let Some(number) = found {
            self.take_out(hash, number);
        }
        found.is_some()
    }

    /// Removes and returns the pair with this number.
    ///
    /// # Panics
    /// The number is not below the count.
    pub(crate) fn take(&mut self, number: usize) -> Pair {
        let hash = self.hash(self.nth(number).0);
        self.take_out(hash, number as u32)
    }

    /// Calls `show` with about `count` pairs, beginning at a cursor, and returns the next cursor.
    /// The first cursor is 0, and so is the one after the last pair.
    pub(crate) fn scan<'a>(
        &'a self,
        cursor: u64,
        count: usize,
        mut show: impl FnMut(&'a [u8], &'a [u8]),
    ) -> u64 {
        let Ok(start) = u32::try_from(cursor) else {
            return 0;
        };
        let (mut shown, mut last) = (0, start);
        for (hash, number) in self.index.walk_from(start) {
            if shown >= count.max(1) && hash != last {
                return u64::from(hash);
            }
            let (field, value) = self.nth(number as usize);
            show(field, value);
            shown += 1;
            last = hash;
        }
        0
    }

    fn hash(&self, field: &[u8]) -> u32 {
        let hash = HashState::hash((self.seed, field)) as u32;
        #[cfg(test)]
        let hash = hash & self.mask;
        hash
    }

    fn find(&self, hash: u32, field: &[u8]) -> Option<u32> {
        let is_it = |number| self.entries.get(number).field() == field;
        self.index.find(hash, is_it)
    }

    fn insert(&mut self, hash: u32, pair: Pair) {
        self.count(pair.heap());
        self.index.insert(hash, self.entries.len() as u32);
        self.entries.push(pair);
    }

    /// Counts a pair that has this much heap memory behind it.
    fn count(&mut self, heap: usize) {
        self.heap += heap;
        self.on_heap += usize::from(heap > 0);
    }

    fn uncount(&mut self, heap: usize) {
        self.heap -= heap;
        self.on_heap -= usize::from(heap > 0);
    }

    fn take_out(&mut self, hash: u32, number: u32) -> Pair {
        self.index.remove(hash, number);
        let pair = self.entries.swap_remove(number);
        self.uncount(pair.heap());
        let last = self.entries.len() as u32;
        if number != last {
            let hash = self.hash(self.entries.get(number).field());
            self.index.renumber(hash, last, number);
        }
        pair
    }
}

/// Iterates over the pairs in no particular order.
#[derive(Clone, Debug)]
pub(crate) struct TableIter<'a>(EntriesIter<'a>);

impl<'a> Iterator for TableIter<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(Pair::parts)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl ExactSizeIterator for TableIter<'_> {}

#[cfg(test)]
impl Table {
    /// Panics if an invariant is broken.
    pub(crate) fn invariants(&self) {
        self.index.invariants();
        self.entries.invariants();
        let mut numbers: Vec<_> = self.index.walk_from(0).collect();
        assert_eq!(numbers.len(), self.entries.len());
        for &(hash, number) in &numbers {
            assert_eq!(hash, self.hash(self.entries.get(number).field()));
        }
        numbers.sort_unstable_by_key(|&(_, number)| number);
        assert!(
            numbers
                .iter()
                .map(|&(_, number)| number as usize)
                .eq(0..self.len())
        );
        let heap = || self.entries.iter().map(Pair::heap);
        assert_eq!(self.heap, heap().sum::<usize>());
        assert_eq!(self.on_heap, heap().filter(|&heap| heap > 0).count());
    }
}
