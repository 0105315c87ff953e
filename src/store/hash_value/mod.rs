//! The value of a key of type hash: fields with values.
//!
//! A hash is packed while it has few fields that are all short, in the order in which they were
//! added, and then becomes a table, as in Redis 7.2 (`t_hash.c`). It stays a table, however few
//! fields are left. Only an addition looks at the limits: a hash that is over a limit that was
//! lowered since stays packed until then.

#[cfg(test)]
mod tests;

use super::pairs::{FieldValue, Pairs, PairsIter};
use super::value::ValueType;
use crate::config::Config;

/// How large a packed hash may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HashLimits {
    /// Fields (`hash-max-listpack-entries`).
    pub entries: usize,
    /// Bytes of a field or a value (`hash-max-listpack-value`).
    pub value: usize,
}

impl HashLimits {
    /// Those that the settings say.
    pub(crate) fn of(config: &Config) -> HashLimits {
        let size = |setting| usize::try_from(setting).unwrap_or(usize::MAX);
        HashLimits {
            entries: size(config.hash_max_listpack_entries),
            value: size(config.hash_max_listpack_value),
        }
    }
}

/// A hash. A random number comes from `random`, which answers any `u64` as likely as any other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hash(Pairs);

impl ValueType for Hash {
    fn encoding(&self) -> &'static str {
        self.0.encoding()
    }

    fn memory(&self) -> usize {
        self.0.memory()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn free_cost(&self) -> usize {
        self.0.allocations()
    }
}

impl AsRef<Hash> for Hash {
    fn as_ref(&self) -> &Hash {
        self
    }
}

impl AsMut<Hash> for Hash {
    fn as_mut(&mut self) -> &mut Hash {
        self
    }
}

impl Hash {
    /// How many fields there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The value of a field.
    pub(crate) fn get(&self, field: &[u8]) -> Option<&[u8]> {
        self.0.get(field)
    }

    /// Is there such a field?
    pub(crate) fn contains(&self, field: &[u8]) -> bool {
        self.get(field).is_some()
    }

    /// The length of a field's value in bytes; 0 if there is no such field.
    pub(crate) fn strlen(&self, field: &[u8]) -> usize {
        self.get(field).map_or(0, <[u8]>::len)
    }

    /// Notes that one command is about to set so many fields: more than a packed hash may have make
    /// it a table at once, even if some of them turn out to be the same.
    pub(crate) fn expect(&mut self, fields: usize, limits: HashLimits) {
        if fields > limits.entries {
            self.0.make_table();
        }
    }

    /// Sets a field. `true`: it is new.
    pub(crate) fn set(&mut self, field: &[u8], value: &[u8], limits: HashLimits) -> bool {
        if let Some(packed) = self.0.as_packed() {
            let is_short = field.len() <= limits.value && value.len() <= limits.value;
            if !is_short || !packed.has_room(field.len() + value.len()) {
                self.0.make_table();
            }
        }
        let is_new = self.0.set(field, value);
        if self.len() > limits.entries {
            self.0.make_table();
        }
        is_new
    }

    /// Removes a field. `false`: it is not there.
    pub(crate) fn remove(&mut self, field: &[u8]) -> bool {
        self.0.remove(field)
    }

    /// All fields with their values: in the order in which they were added if the hash is packed.
    pub(crate) fn iter(&self) -> PairsIter<'_> {
        self.0.iter()
    }

    /// A random field with its value: each is as likely as any other. `None`: there is none.
    pub(crate) fn random(&self, random: &mut impl FnMut() -> u64) -> Option<FieldValue<'_>> {
        self.0.random(random)
    }

    /// `count` random fields, none of them twice, or all if there are no more.
    pub(crate) fn random_distinct(
        &self,
        count: usize,
        random: &mut impl FnMut() -> u64,
    ) -> Vec<FieldValue<'_>> {
        self.0.random_distinct(count, random)
    }

    /// Shows `count` random fields with their values, each chosen from all of them.
    pub(crate) fn random_repeated<'a>(
        &'a self,
        count: usize,
        random: &mut impl FnMut() -> u64,
        show: impl FnMut(FieldValue<'a>),
    ) {
        self.0.random_repeated(count, random, show);
    }

    /// Shows about `count` fields with their values from a cursor on, and returns the next cursor.
    /// The first cursor is 0, and so is the one after the last field. A field that stays from the
    /// first call to the last is shown exactly once. A packed hash is shown as a whole.
    pub(crate) fn scan<'a>(
        &'a self,
        cursor: u64,
        count: usize,
        show: impl FnMut(FieldValue<'a>),
    ) -> u64 {
        self.0.scan(cursor, count, show)
    }
}

#[cfg(test)]
impl Hash {
    /// Panics if an invariant is broken.
    pub(crate) fn invariants(&self) {
        self.0.invariants();
    }
}
