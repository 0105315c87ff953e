//! The value of a key of type hash: fields with values.
//!
//! Layer `store`. It uses nothing else but `config`.
//!
//! A hash is packed while it has few fields that are all short. Its fields are then in the order in
//! which they were added. When a limit is exceeded it becomes a table, as in Redis 7.2
//! (`t_hash.c`), and stays one, however few fields are left. The limits are compared only when a
//! field is added: a packed hash that exceeds a limit that was lowered stays packed until then.

#[cfg(test)]
mod tests;

use super::pairs::{FieldValue, Pairs, PairsIter};
use super::value::ValueType;
use crate::config::Config;

/// The limits of a packed hash.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HashLimits {
    /// The most fields (`hash-max-listpack-entries`).
    pub entries: usize,
    /// The most bytes of a field or a value (`hash-max-listpack-value`).
    pub value: usize,
}

impl HashLimits {
    /// The limits of the settings.
    pub(crate) fn of(config: &Config) -> HashLimits {
        let size = |setting| usize::try_from(setting).unwrap_or(usize::MAX);
        HashLimits {
            entries: size(config.hash_max_listpack_entries),
            value: size(config.hash_max_listpack_value),
        }
    }
}

/// A hash. Functions that need randomness get `random`, which returns uniformly distributed `u64`s.
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
        self.0.free_cost()
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

    /// Whether the hash has this field.
    pub(crate) fn contains(&self, field: &[u8]) -> bool {
        self.get(field).is_some()
    }

    /// The length of a field's value in bytes; 0 if the hash does not have the field.
    pub(crate) fn strlen(&self, field: &[u8]) -> usize {
        self.get(field).map_or(0, <[u8]>::len)
    }

    /// Announces that one command will set this many fields. More than a packed hash may have make
    /// it a table at once, even if some fields are then the same.
    pub(crate) fn expect(&mut self, fields: usize, limits: HashLimits) {
        if fields > limits.entries {
            self.0.make_table();
        }
    }

    /// Sets a field. Returns `true` if it is new.
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

    /// Removes a field. Returns `false` if the hash does not have it.
    pub(crate) fn remove(&mut self, field: &[u8]) -> bool {
        self.0.remove(field)
    }

    /// All fields with their values. If the hash is packed, they are in the order in which they
    /// were added.
    pub(crate) fn iter(&self) -> PairsIter<'_> {
        self.0.iter()
    }

    /// A random field with its value. All fields are equally likely. `None` if the hash is empty.
    pub(crate) fn random(&self, random: &mut impl FnMut() -> u64) -> Option<FieldValue<'_>> {
        self.0.random(random)
    }

    /// `count` different random fields, or all if there are no more.
    pub(crate) fn random_distinct(
        &self,
        count: usize,
        random: &mut impl FnMut() -> u64,
    ) -> Vec<FieldValue<'_>> {
        self.0.random_distinct(count, random)
    }

    /// Calls `show` with `count` random fields and their values, each chosen from all of them.
    pub(crate) fn random_repeated<'a>(
        &'a self,
        count: usize,
        random: &mut impl FnMut() -> u64,
        show: impl FnMut(FieldValue<'a>),
    ) {
        self.0.random_repeated(count, random, show);
    }

    /// Calls `show` with about `count` fields and their values, beginning at a cursor, and returns
    /// the next cursor. The first cursor is 0, and so is the one after the last field. A field that
    /// exists during the whole scan is shown exactly once. A packed hash is shown as a whole.
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
