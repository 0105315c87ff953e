//! Fields with values, in one of two forms: packed into one buffer while they are few and short, or
//! in a table.
//!
//! Layer `store`. It uses nothing else.
//!
//! Hashes use this, and so do sets whose members are not all integers: a member is a field with an
//! empty value. This file does things in either form. The callers decide when the packed form
//! becomes a table, since their limits differ. A table never becomes packed again.

mod packed;
mod pair;
mod table;
pub(super) mod varint;

use super::random;
use packed::{Packed, PackedIter};
use table::{Table, TableIter};

/// A field and its value.
pub(crate) type FieldValue<'a> = (&'a [u8], &'a [u8]);

/// Fields with values.
#[derive(Clone, Debug)]
pub(crate) enum Pairs {
    /// A few short pairs, in the order in which they were added.
    Packed(Packed),
    /// Any pairs, in no particular order.
    Table(Box<Table>),
}

impl Default for Pairs {
    fn default() -> Pairs {
        Pairs::Packed(Packed::default())
    }
}

impl Pairs {
    /// The packed form, if it is packed.
    pub(crate) fn as_packed(&self) -> Option<&Packed> {
        match self {
            Pairs::Packed(packed) => Some(packed),
            Pairs::Table(_) => None,
        }
    }

    /// Changes it to a table, if it is packed.
    pub(crate) fn make_table(&mut self) {
        if let Pairs::Packed(packed) = self {
            let mut table = Table::with_room(packed.len() + 1);
            for (field, value) in packed.iter() {
                table.push(field, value);
            }
            *self = Pairs::Table(Box::new(table));
        }
    }

    /// The number of fields.
    pub(crate) fn len(&self) -> usize {
        match self {
            Pairs::Packed(packed) => packed.len(),
            Pairs::Table(table) => table.len(),
        }
    }

    /// Its heap memory in bytes.
    pub(crate) fn memory(&self) -> usize {
        match self {
            Pairs::Packed(packed) => packed.memory(),
            Pairs::Table(table) => table.memory(),
        }
    }

    /// Roughly how many allocations dropping it frees.
    pub(crate) fn free_cost(&self) -> usize {
        match self {
            Pairs::Packed(packed) => packed.allocations(),
            Pairs::Table(table) => table.free_cost(),
        }
    }

    /// The name that OBJECT ENCODING shows.
    pub(crate) fn encoding(&self) -> &'static str {
        match self {
            Pairs::Packed(_) => "listpack",
            Pairs::Table(_) => "hashtable",
        }
    }

    /// All fields with their values.
    pub(crate) fn iter(&self) -> PairsIter<'_> {
        match self {
            Pairs::Packed(packed) => PairsIter::Packed(packed.iter()),
            Pairs::Table(table) => PairsIter::Table(table.iter()),
        }
    }

    /// The value of a field.
    pub(crate) fn get(&self, field: &[u8]) -> Option<&[u8]> {
        match self {
            Pairs::Packed(packed) => packed.get(field),
            Pairs::Table(table) => table.get(field),
        }
    }

    /// Sets a field. Returns `true` if it is new.
    pub(crate) fn set(&mut self, field: &[u8], value: &[u8]) -> bool {
        match self {
            Pairs::Packed(packed) => packed.set(field, value),
            Pairs::Table(table) => table.set(field, value),
        }
    }

    /// Adds a field, which must be new.
    pub(crate) fn push(&mut self, field: &[u8], value: &[u8]) {
        match self {
            Pairs::Packed(packed) => packed.push(field, value),
            Pairs::Table(table) => table.push(field, value),
        }
    }

    /// Removes a field. Returns `false` if it does not exist.
    pub(crate) fn remove(&mut self, field: &[u8]) -> bool {
        match self {
            Pairs::Packed(packed) => packed.remove(field),
            Pairs::Table(table) => table.remove(field),
        }
    }

    /// Removes and returns a random field. `None` if there is none.
    pub(crate) fn pop(&mut self, random: &mut impl FnMut() -> u64) -> Option<Vec<u8>> {
        if self.len() == 0 {
            return None;
        }
        let number = random::below(self.len(), random);
        Some(match self {
            Pairs::Packed(packed) => packed.take(number),
            Pairs::Table(table) => table.take(number).field().to_vec(),
        })
    }

    /// Removes `count` random fields with their values and returns them in the same form. All
    /// choices are equally likely. There must be that many fields.
    pub(crate) fn split_off(&mut self, count: usize, random: &mut impl FnMut() -> u64) -> Pairs {
        match self {
            Pairs::Packed(packed) => {
                let mut numbers = random::distinct(packed.len(), count, random);
                numbers.sort_unstable();
                Pairs::Packed(packed.split_off(&numbers))
            }
            Pairs::Table(table) => {
                let mut taken = Table::with_room(count);
                for _ in 0..count {
                    let number = random::below(table.len(), random);
                    taken.adopt(table.take(number));
                }
                Pairs::Table(Box::new(taken))
            }
        }
    }

    /// A random field with its value. All fields are equally likely. `None` if there is none.
    pub(crate) fn random(&self, random: &mut impl FnMut() -> u64) -> Option<FieldValue<'_>> {
        if self.len() == 0 {
            return None;
        }
        let number = random::below(self.len(), random);
        match self {
            Pairs::Packed(packed) => packed.iter().nth(number),
            Pairs::Table(table) => Some(table.nth(number)),
        }
    }

    /// `count` different random fields, or all if there are no more. All choices are equally
    /// likely. The order is that of the packed form, or none in particular.
    pub(crate) fn random_distinct(
        &self,
        count: usize,
        random: &mut impl FnMut() -> u64,
    ) -> Vec<FieldValue<'_>> {
        if count >= self.len() {
            return self.iter().collect();
        }
        let mut numbers = random::distinct(self.len(), count, random);
        match self {
            Pairs::Packed(packed) => {
                numbers.sort_unstable();
                let mut numbers = numbers.into_iter().peekable();
                let pairs = packed.iter().enumerate();
                let chosen = pairs.filter(|(number, _)| numbers.next_if_eq(number).is_some());
                chosen.map(|(_, pair)| pair).collect()
            }
            Pairs::Table(table) => numbers.into_iter().map(|at| table.nth(at)).collect(),
        }
    }

    /// Calls `show` with `count` random fields, each chosen from all of them.
    pub(crate) fn random_repeated<'a>(
        &'a self,
        count: usize,
        random: &mut impl FnMut() -> u64,
        mut show: impl FnMut(FieldValue<'a>),
    ) {
        let len = self.len();
        match self {
            _ if len == 0 => {}
            Pairs::Packed(packed) => {
                let pairs: Vec<_> = packed.iter().collect();
                (0..count).for_each(|_| show(pairs[random::below(len, random)]));
            }
            Pairs::Table(table) => {
                (0..count).for_each(|_| show(table.nth(random::below(len, random))));
            }
        }
    }

    /// Calls `show` with about `count` fields, beginning at a cursor, and returns the next cursor.
    /// The first cursor is 0, and so is the one after the last field. A field that exists during
    /// the whole scan is shown exactly once. The packed form is shown as a whole, as in Redis.
    pub(crate) fn scan<'a>(
        &'a self,
        cursor: u64,
        count: usize,
        mut show: impl FnMut(FieldValue<'a>),
    ) -> u64 {
        match self {
            Pairs::Packed(packed) => {
                packed.iter().for_each(show);
                0
            }
            Pairs::Table(table) => table.scan(cursor, count, |field, value| show((field, value))),
        }
    }
}

/// All fields with their values.
#[derive(Clone, Debug)]
pub(crate) enum PairsIter<'a> {
    /// In the order in which they were added.
    Packed(PackedIter<'a>),
    /// In no particular order.
    Table(TableIter<'a>),
}

impl<'a> Iterator for PairsIter<'a> {
    type Item = FieldValue<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            PairsIter::Packed(pairs) => pairs.next(),
            PairsIter::Table(pairs) => pairs.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            PairsIter::Packed(pairs) => pairs.size_hint(),
            PairsIter::Table(pairs) => pairs.size_hint(),
        }
    }
}

impl ExactSizeIterator for PairsIter<'_> {}

#[cfg(test)]
impl Pairs {
    /// Panics if an invariant is broken.
    pub(crate) fn invariants(&self) {
        match self {
            Pairs::Packed(packed) => packed.invariants(),
            Pairs::Table(table) => table.invariants(),
        }
    }
}
