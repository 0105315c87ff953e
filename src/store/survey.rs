//! A walk over all keys in small steps, for questions about the whole keyspace: which lists are the
//! longest, and which groups of streams lag.
//!
//! Layer `store`. It may use `hash`. Each step takes the keyspace for about [`STEP`] places; whoever
//! walks lets others have the lock between two steps. As in SCAN, a key that exists from the first
//! step to the last is seen exactly once. A key that is renamed or moved meanwhile, or whose
//! database is swapped, may be seen twice or not at all. Each key is told as it was in its step.
//!
//! However many keys there are, only the rows that are asked for are kept.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::database::KeyEntry;
use super::keyspace::{FullKey, FullKeyRef, Keyspace};
use super::list::List;
use super::stream::Stream;
use super::value::Stored;

/// Places that a step visits. That takes some ten microseconds.
const STEP: usize = 4096;

/// A position in the walk.
#[derive(Debug, Default)]
struct Walk {
    db: u32,
    place: usize,
}

impl Walk {
    /// Visits the keys of the next places. Returns whether some are left.
    fn step(&mut self, keyspace: &Keyspace, mut visit: impl FnMut(u32, &KeyEntry)) -> bool {
        let mut steps = 0;
        while let Some((&db, database)) = keyspace.databases.range(self.db..).next() {
            if db != self.db {
                (self.db, self.place) = (db, 0);
            }
            for (place, entry) in database.places_from(self.place) {
                if steps == STEP {
                    self.place = place as usize;
                    return true;
                }
                steps += 1;
                if let Some(entry) = entry
                    && entry
                        .deadline()
                        .is_none_or(|deadline| deadline >= keyspace.now)
                {
                    visit(db, entry);
                }
            }
            let Some(next) = db.checked_add(1) else {
                return false;
            };
            (self.db, self.place) = (next, 0);
        }
        false
    }
}

/// The rows with the largest sizes so far.
#[derive(Debug)]
struct Largest<T> {
    most: usize,
    /// The smallest on top. The number tells rows of one size apart: earlier ones stay.
    rows: BinaryHeap<Reverse<Ranked<T>>>,
    seen: u64,
}

/// A row with its rank.
#[derive(Debug)]
struct Ranked<T> {
    rank: (u64, Reverse<u64>),
    row: T,
}

impl<T> PartialEq for Ranked<T> {
    fn eq(&self, other: &Self) -> bool {
        self.rank == other.rank
    }
}

impl<T> Eq for Ranked<T> {}

impl<T> PartialOrd for Ranked<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Ranked<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank.cmp(&other.rank)
    }
}

impl<T> Largest<T> {
    fn new(most: usize) -> Largest<T> {
        Largest {
            most,
            rows: BinaryHeap::new(),
            seen: 0,
        }
    }

    /// Adds a row, if it is among the largest. Only then it is made.
    fn add(&mut self, size: u64, row: impl FnOnce() -> T) {
        self.seen += 1;
        let rank = (size, Reverse(self.seen));
        if self.rows.len() >= self.most {
            let smallest = self.rows.peek();
            if smallest.is_none_or(|Reverse(smallest)| rank <= smallest.rank) {
                return;
            }
            self.rows.pop();
        }
        self.rows.push(Reverse(Ranked { rank, row: row() }));
    }

    /// The rows, the largest first.
    fn into_rows(self) -> Vec<T> {
        let rows = self.rows.into_sorted_vec().into_iter();
        rows.map(|Reverse(ranked)| ranked.row).collect()
    }
}

/// A list, as a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueueRow {
    /// Its key.
    pub key: FullKey,
    /// The number of its elements; 0 if the key does not exist at the moment.
    pub length: usize,
    /// How many elements were pushed to lists of this key, as far as that is known.
    pub pushed: u64,
    /// How many have left.
    pub popped: u64,
    /// How many clients wait for an element.
    pub waiting: usize,
    /// How long the oldest element has been in it, in seconds, if there is one.
    pub oldest: Option<u32>,
}

/// Finds the longest lists. After all keys come the keys that clients wait for, and those whose
/// lists were emptied and are remembered.
#[derive(Debug)]
pub(crate) struct QueueSurvey {
    walk: Walk,
    largest: Largest<QueueRow>,
}

impl QueueSurvey {
    /// A survey for at most `most` rows.
    pub(crate) fn new(most: usize) -> QueueSurvey {
        QueueSurvey {
            walk: Walk::default(),
            largest: Largest::new(most),
        }
    }

    /// Goes on. Returns whether it must be called again.
    pub(crate) fn step(&mut self, keyspace: &Keyspace) -> bool {
        let QueueSurvey { walk, largest } = self;
        let more = walk.step(keyspace, |db, entry| {
            if let Some(list) = List::of(&entry.value) {
                largest.add(list.len() as u64, || {
                    keyspace.queue_row(db, &entry.key, Some(list))
                });
            }
        });
        if !more {
            self.add_empty(keyspace);
        }
        more
    }

    fn add_empty(&mut self, keyspace: &Keyspace) {
        let waited_for = keyspace.blocked.waited_for(List::NAME);
        for key in waited_for.take(STEP).filter(|key| !keyspace.has(key)) {
            self.largest
                .add(0, || keyspace.queue_row(key.db, &key.key, None));
        }
        for record in keyspace.emptied.records() {
            let is_waited_for = keyspace.blocked.waiting(record.key.borrowed(), List::NAME) > 0;
            if !is_waited_for && !keyspace.has(&record.key) {
                let FullKey { db, key } = &record.key;
                self.largest.add(0, || keyspace.queue_row(*db, key, None));
            }
        }
    }

    /// The rows: the longest first.
    pub(crate) fn into_rows(self) -> Vec<QueueRow> {
        self.largest.into_rows()
    }
}

/// A group of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GroupRow {
    /// The stream's key.
    pub key: FullKey,
    /// The group's name.
    pub group: Box<[u8]>,
    /// The number of its consumers.
    pub consumers: usize,
    /// Entries that are delivered and not acknowledged.
    pub pending: usize,
    /// Entries that it has not read yet, if that is known.
    pub lag: Option<i64>,
}

/// Finds the groups with the most to do: entries that are pending, and those that are not read.
#[derive(Debug)]
pub(crate) struct GroupSurvey {
    walk: Walk,
    largest: Largest<GroupRow>,
}

impl GroupSurvey {
    /// A survey for at most `most` rows.
    pub(crate) fn new(most: usize) -> GroupSurvey {
        GroupSurvey {
            walk: Walk::default(),
            largest: Largest::new(most),
        }
    }

    /// Goes on. Returns whether it must be called again.
    pub(crate) fn step(&mut self, keyspace: &Keyspace) -> bool {
        let GroupSurvey { walk, largest } = self;
        walk.step(keyspace, |db, entry| {
            let Some(Stream { log, groups }) = Stream::of(&entry.value) else {
                return;
            };
            for (name, group) in groups.iter() {
                let (pending, lag) = (group.pending_len(), group.lag(log));
                let unread = lag.and_then(|lag| u64::try_from(lag).ok()).unwrap_or(0);
                largest.add(unread.saturating_add(pending as u64), || GroupRow {
                    key: FullKey {
                        db,
                        key: (*entry.key).into(),
                    },
                    group: name.into(),
                    consumers: group.consumers_len(),
                    pending,
                    lag,
                });
            }
        })
    }

    /// The rows: those with the most to do first.
    pub(crate) fn into_rows(self) -> Vec<GroupRow> {
        self.largest.into_rows()
    }
}

impl Keyspace {
    /// A key as a queue: with its list, or without one if the key does not exist.
    pub(crate) fn queue_row(&self, db: u32, key: &[u8], list: Option<&List>) -> QueueRow {
        let now = (self.now / 1000) as u32;
        let passed = self.emptied.passed(db, key);
        QueueRow {
            key: FullKey {
                db,
                key: key.into(),
            },
            length: list.map_or(0, List::len),
            pushed: passed + list.map_or(0, List::pushed),
            popped: passed + list.map_or(0, List::popped),
            waiting: self.blocked.waiting(FullKeyRef { db, key }, List::NAME),
            oldest: list.map(|list| now.saturating_sub(list.oldest_since())),
        }
    }

    fn has(&self, key: &FullKey) -> bool {
        let database = self.databases.get(&key.db);
        database.is_some_and(|database| database.find(&key.key).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::store::list::End;
    use crate::store::string_value::StringValue;

    fn put(keyspace: &mut Keyspace, db: u32, key: &str, elements: usize) {
        let mut list = List::new();
        for _ in 0..elements {
            list.push(End::Tail, b"x");
        }
        let config = Config::default();
        keyspace.keys(db, &config).put(key.as_bytes(), list, false);
    }

    fn survey(keyspace: &Keyspace, most: usize) -> (Vec<(u32, String, usize)>, usize) {
        let (mut survey, mut steps) = (QueueSurvey::new(most), 1);
        while survey.step(keyspace) {
            steps += 1;
        }
        let rows = survey.into_rows().into_iter().map(|row| {
            let key = String::from_utf8_lossy(&row.key.key).into_owned();
            (row.key.db, key, row.length)
        });
        (rows.collect(), steps)
    }

    #[test]
    fn the_longest_lists_are_found_in_steps() {
        let (mut keyspace, config) = (Keyspace::default(), Config::default());
        for number in 0..3 * STEP {
            let key = number.to_string();
            let value = StringValue::new(b"x");
            keyspace.keys(3, &config).put(key.as_bytes(), value, false);
        }
        for length in 1..=50 {
            put(
                &mut keyspace,
                length % 2,
                &format!("list:{length}"),
                length as usize,
            );
        }
        put(&mut keyspace, 3, "long", 1000);
        put(&mut keyspace, u32::MAX, "last", 500);
        let (rows, steps) = survey(&keyspace, 4);
        let expected = [
            (3, "long", 1000),
            (u32::MAX, "last", 500),
            (0, "list:50", 50),
            (1, "list:49", 49),
        ];
        assert_eq!(
            rows,
            expected.map(|(db, key, length)| (db, key.to_owned(), length))
        );
        assert_eq!(steps, 4);
        assert_eq!(survey(&keyspace, 0).0, []);
        assert_eq!(survey(&keyspace, 1000).0.len(), 52);
    }

    #[test]
    fn emptied_lists_come_last_and_expired_ones_not_at_all() {
        let (mut keyspace, config) = (Keyspace::default(), Config::default());
        put(&mut keyspace, 0, "gone", 3);
        put(&mut keyspace, 0, "stays", 2);
        let mut keys = keyspace.keys(0, &config);
        let slot = keys.peek(b"gone").unwrap();
        for _ in 0..3 {
            keys.change(slot, |list: &mut List| list.pop(End::Head));
        }
        keys.drop_if_empty(slot);
        let stays = keys.peek(b"stays").unwrap();
        let (rows, _) = survey(&keyspace, 10);
        assert_eq!(
            rows,
            [(0, "stays".to_owned(), 2), (0, "gone".to_owned(), 0)]
        );
        let mut survey_again = QueueSurvey::new(10);
        assert!(!survey_again.step(&keyspace));
        let rows = survey_again.into_rows();
        let [stays_row, gone] = rows.as_slice() else {
            panic!("{rows:?}")
        };
        assert_eq!((gone.pushed, gone.popped, gone.oldest), (3, 3, None));
        assert_eq!(
            (stays_row.pushed, stays_row.popped, stays_row.oldest),
            (2, 0, Some(0))
        );
        keyspace.keys(0, &config).set_deadline(stays, Some(1));
        keyspace.refresh_clock();
        let (rows, _) = survey(&keyspace, 10);
        assert_eq!(rows, [(0, "gone".to_owned(), 0)]);
    }
}
