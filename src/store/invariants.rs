//! Asserts invariants that span the parts of the keyspace, for tests.
//!
//! Layer `store`.

use super::database::Database;
use super::keyspace::Keyspace;

impl Keyspace {
    /// Asserts that every key is found under its name, that no value is empty, and that the sums
    /// are right.
    pub(crate) fn assert_sound(&self) {
        for database in self.databases.values() {
            database.assert_sound();
        }
    }

    /// Whether something waits to be freed.
    #[cfg(test)]
    pub(crate) fn has_garbage(&self) -> bool {
        !self.garbage.is_empty()
    }

    /// Frees what waits to be freed.
    #[cfg(test)]
    pub(crate) fn forget_garbage(&mut self) {
        self.garbage = Default::default();
    }

    /// Removes all keys one by one, and asserts that all sums are then 0.
    pub(crate) fn assert_empties(&mut self) {
        for database in self.databases.values_mut() {
            let slots: Vec<_> = database.entries().map(|(slot, _)| slot).collect();
            for slot in slots {
                database.remove(slot);
            }
            assert_eq!((database.used(), database.len()), (0, 0));
            assert_eq!(database.expiring(), 0);
        }
    }
}

impl Database {
    fn assert_sound(&self) {
        let (mut used, mut expiring) = (0, 0);
        for (slot, entry) in self.entries() {
            assert_eq!(self.find(&entry.key), Some(slot));
            assert!(!entry.value.is_empty(), "a value without elements");
            used += entry.memory();
            expiring += usize::from(entry.deadline().is_some());
        }
        assert_eq!((self.used(), self.expiring()), (used, expiring));
    }
}
