//! Invariants of the keyspace that span its parts, checked.

use super::database::Database;
use super::keyspace::Keyspace;
use super::value::Value;

impl Keyspace {
    /// Checks that every key is found under its name, that no list is empty, and that what is
    /// counted is what is there.
    pub(crate) fn assert_sound(&self) {
        for database in self.databases.values() {
            database.assert_sound();
        }
    }

    /// Takes all keys away, one by one, and checks that nothing is counted then.
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
            if let Value::List(list) = &entry.value {
                assert_ne!(list.len(), 0);
            }
            used += entry.memory();
            expiring += usize::from(entry.deadline().is_some());
        }
        assert_eq!((self.used(), self.expiring()), (used, expiring));
    }
}
