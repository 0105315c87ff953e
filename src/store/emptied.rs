//! What has passed through lists that no longer exist.
//!
//! Layer `store`. It may use `hash`.
//!
//! A work queue that is served well is mostly empty: its key comes and goes with every element. A
//! list counts its elements itself ([`List::pushed`](super::list::List::pushed)). When its key is
//! removed, the count is added to the key's record here, so that it goes on when the key comes back.
//!
//! Memory and costs: there are [`PLACES`] places, and a key has one of them, by its hash. Adding a
//! count is one look there. Where several keys share a place, it keeps the one whose lists come and
//! go more often than those of all others together (Boyer and Moore's majority vote). So names that
//! are used once, such as those of lists for replies, displace nothing for long.

use super::database::KeyEntry;
use super::keyspace::FullKey;
use super::list::List;
use super::value::Stored;
use crate::hash::{hash, spread};

/// The number of places.
const PLACES: usize = 1024;
/// The most votes that a record can have. So one that is no longer used can be displaced.
const MOST_VOTES: u32 = 1000;
/// A key that is longer is not remembered.
const LONGEST: usize = 1024;

/// The removed lists of one key.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// The key.
    pub key: FullKey,
    /// How many elements were pushed to its lists. All of them have left.
    pub passed: u64,
    votes: u32,
}

/// The records of keys whose lists were removed.
#[derive(Debug, Default)]
pub(crate) struct Emptied {
    /// No places until there is a first record.
    places: Vec<Option<Record>>,
}

impl Emptied {
    /// Counts what has passed through a list that was just removed. Other values are left out.
    pub(super) fn add(&mut self, db: u32, entry: &KeyEntry) {
        let Some(list) = List::of(&entry.value) else {
            return;
        };
        if entry.key.len() > LONGEST {
            return;
        }
        if self.places.is_empty() {
            self.places.resize_with(PLACES, || None);
        }
        let (place, passed) = (&mut self.places[place(db, &entry.key)], list.pushed());
        match place {
            Some(record) if record.is_of(db, &entry.key) => {
                record.passed += passed;
                record.votes = (record.votes + 1).min(MOST_VOTES);
            }
            Some(record) if record.votes > 0 => record.votes -= 1,
            _ => {
                let key = FullKey {
                    db,
                    key: (*entry.key).into(),
                };
                *place = Some(Record {
                    key,
                    passed,
                    votes: 1,
                });
            }
        }
    }

    /// How many elements have passed through removed lists of this key.
    pub(crate) fn passed(&self, db: u32, key: &[u8]) -> u64 {
        let record = self.places.get(place(db, key)).and_then(Option::as_ref);
        let record = record.filter(|record| record.is_of(db, key));
        record.map_or(0, |record| record.passed)
    }

    /// All records.
    pub(crate) fn records(&self) -> impl Iterator<Item = &Record> {
        self.places.iter().flatten()
    }
}

impl Record {
    fn is_of(&self, db: u32, key: &[u8]) -> bool {
        self.key.db == db && *self.key.key == *key
    }
}

fn place(db: u32, key: &[u8]) -> usize {
    spread(hash(key) ^ db) as usize % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::database::Database;
    use crate::store::list::End;
    use crate::store::string_value::StringValue;
    use crate::store::value::Value;

    fn removed(key: &[u8], value: impl Into<Value>) -> KeyEntry {
        let mut database = Database::default();
        let slot = database.insert(key, value.into(), 0);
        database.remove(slot)
    }

    /// A list that this many elements have passed through.
    fn list(elements: usize) -> List {
        let mut list = List::new();
        for _ in 0..elements {
            list.push(End::Tail, b"x");
            list.pop(End::Head);
        }
        list
    }

    #[test]
    fn counts_go_on_when_a_key_comes_back() {
        let mut emptied = Emptied::default();
        emptied.add(0, &removed(b"text", StringValue::new(b"x")));
        assert!(emptied.places.is_empty());
        emptied.add(0, &removed(b"queue", list(3)));
        emptied.add(0, &removed(b"queue", list(4)));
        emptied.add(1, &removed(b"queue", list(5)));
        emptied.add(0, &removed(&[b'x'; LONGEST + 1], list(1)));
        assert_eq!(emptied.passed(0, b"queue"), 7);
        assert_eq!(emptied.passed(1, b"queue"), 5);
        assert_eq!(emptied.passed(0, b"other"), 0);
        assert_eq!(emptied.records().count(), 2);
    }

    #[test]
    fn names_that_are_used_once_displace_no_queue() {
        let mut emptied = Emptied::default();
        let mut pushed = 0;
        for number in 0..100_000_u32 {
            let once = format!("reply:{number}");
            emptied.add(0, &removed(once.as_bytes(), list(1)));
            if number >= 50_000 && number % 200 == 0 {
                emptied.add(0, &removed(b"queue", list(1)));
                pushed += 1;
            }
        }
        // The place had other keys when the queue came.
        assert!(emptied.passed(0, b"queue") > pushed - 10);
        assert_eq!(emptied.records().count(), PLACES);
    }
}
