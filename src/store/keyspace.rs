//! All keys of the server, and the clients that wait for, watch or track them.
//!
//! Layer `store`. It may use `client`, `config` and what else lies below.
//!
//! This is the value behind the one lock ([`shared`](super::shared)). Commands use it through
//! [`Keys`]. What has to follow a command (serving waiters, publishing events) is done by
//! [`command`](crate::command) before it releases the lock.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use hashbrown::Equivalent;

use super::blocked::Blocked;
use super::database::{Database, Millis};
use super::emptied::Emptied;
use super::events::Event;
use super::garbage::Garbage;
use super::keys::Keys;
use super::touched::Touched;
use super::tracking::{self, Tracking};
use super::watched::Watched;
use crate::client::{Client, Kept};
use crate::config::Config;

/// A key with the number of its database.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FullKey {
    /// The database.
    pub db: u32,
    /// The key.
    pub key: Box<[u8]>,
}

/// A borrowed [`FullKey`], for look-ups.
#[derive(Clone, Copy, Debug, Hash)]
pub(crate) struct FullKeyRef<'a> {
    /// The database.
    pub db: u32,
    /// The key.
    pub key: &'a [u8],
}

impl FullKey {
    /// The same key, borrowed.
    pub(crate) fn borrowed(&self) -> FullKeyRef<'_> {
        FullKeyRef {
            db: self.db,
            key: &self.key,
        }
    }
}

impl Equivalent<FullKey> for FullKeyRef<'_> {
    fn equivalent(&self, full: &FullKey) -> bool {
        self.db == full.db && *self.key == *full.key
    }
}

/// Statistics of keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyStats {
    /// Reads that found their key.
    pub hits: u64,
    /// Reads that did not find their key.
    pub misses: u64,
    /// Keys that expired.
    pub expired: u64,
}

/// The figures of the keyspace that INFO shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    /// Bytes that keys and values take.
    pub used: usize,
    /// Figures of client-side caching.
    pub tracking: tracking::Figures,
    /// The number of blocked clients.
    pub blocked: usize,
    /// Statistics of keys.
    pub stats: KeyStats,
    /// For each database that has keys: its number, its keys, and its keys with a deadline.
    pub databases: Vec<(u32, usize, usize)>,
}

/// All databases, the clients that depend on them, and what is to be done at the end of a command.
#[derive(Debug, Default)]
pub(crate) struct Keyspace {
    pub(super) databases: BTreeMap<u32, Database>,
    /// The blocked clients.
    pub blocked: Blocked,
    /// The clients that watch keys.
    pub watched: Watched,
    /// The clients that track keys.
    pub tracking: Tracking,
    /// What has passed through removed lists.
    pub emptied: Emptied,
    /// The events since they were last taken, in order.
    pub(super) events: Vec<Event>,
    pub(super) now: Millis,
    /// Whether a deadline was set since this was last asked.
    pub(super) expiry_set: bool,
    /// What is to be freed when the lock is released.
    pub(super) garbage: Garbage,
    /// Statistics of keys.
    pub stats: KeyStats,
    /// A thread panicked while it had the lock, so a change may be incomplete.
    broken: bool,
    /// Keys that commands access, recorded in tests.
    pub(crate) touched: Touched,
}

impl Keyspace {
    /// Reads the clock. Everything until the next call happens at this time.
    pub(crate) fn refresh_clock(&mut self) {
        self.now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |time| time.as_millis() as Millis);
    }

    /// The keys of database `db`.
    pub(crate) fn keys<'a>(&'a mut self, db: u32, config: &'a Config) -> Keys<'a> {
        Keys::new(self, db, config)
    }

    /// The databases that have keys, by number.
    pub(crate) fn databases(&self) -> impl Iterator<Item = (u32, &Database)> {
        let all = self.databases.iter().map(|(&db, database)| (db, database));
        all.filter(|(_, database)| database.len() > 0)
    }

    /// Bytes of memory that keys and values take, tables included: what `maxmemory` bounds.
    pub(crate) fn used(&self) -> usize {
        let databases: usize = self.databases.values().map(Database::used).sum();
        size_of::<Keyspace>() + databases
    }

    /// Whether a deadline was set since the last call.
    pub(crate) fn take_expiry_set(&mut self) -> bool {
        std::mem::take(&mut self.expiry_set)
    }

    /// The number of recorded events.
    pub(crate) fn event_count(&self) -> usize {
        self.events.len()
    }

    /// Removes and returns the recorded events.
    pub(crate) fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// The time when the next key expires.
    pub(crate) fn first_deadline(&self) -> Option<Millis> {
        let firsts = self.databases.values().filter_map(Database::first_deadline);
        firsts.map(|(deadline, _)| deadline).min()
    }

    /// Removes at most `limit` expired keys. Returns how many.
    pub(crate) fn expire(&mut self, limit: usize, config: &Config) -> usize {
        let numbers: Vec<u32> = self.databases.keys().copied().collect();
        let mut expired = 0;
        for db in numbers {
            let mut keys = self.keys(db, config);
            while expired < limit
                && let Some((_, slot)) = keys.database().and_then(Database::first_deadline)
                && keys.is_expired(slot)
            {
                keys.expire(slot);
                expired += 1;
            }
        }
        expired
    }

    /// Removes all keys of a database, and tells their watchers.
    pub(crate) fn clear(&mut self, db: u32) {
        if let Some(database) = self.databases.remove(&db) {
            self.watched.changed_all(db, &[&database]);
            self.blocked.note_database(db, |_| None);
            let cost = database.free_cost();
            self.garbage.add(database, cost);
        }
    }

    /// Tells all tracking clients that any key may have changed.
    pub(crate) fn invalidate_all(&mut self) {
        if let Some((flushed, cost)) = self.tracking.flush() {
            self.garbage.add(flushed, cost);
        }
    }

    /// Exchanges the keys of two databases. Clients that wait for or watch keys of one of them stay
    /// with its number, and are told of the new content. Client-side caches do not know database
    /// numbers, so tracking clients are told that any key may have changed.
    pub(crate) fn swap(&mut self, first: u32, second: u32) {
        if first == second {
            return;
        }
        self.invalidate_all();
        let mut take = |db| self.databases.remove(&db).unwrap_or_default();
        let (to_second, to_first) = (take(first), take(second));
        for (db, database) in [(first, to_first), (second, to_second)] {
            self.databases.insert(db, database);
        }
        for db in [first, second] {
            let (first, second) = (&self.databases[&first], &self.databases[&second]);
            self.watched.changed_all(db, &[first, second]);
            let database = &self.databases[&db];
            let value = |key: &[u8]| database.find(key).map(|slot| &database.entry(slot).value);
            self.blocked.note_database(db, value);
        }
    }

    /// Forgets a closed client: it no longer waits and watches, and some of its tracking entries
    /// are removed. Returns `true` if some are left, so that this must be called again.
    pub(crate) fn forget(&mut self, client: &Client) -> bool {
        self.blocked.remove(client.id);
        self.watched.unwatch(client.id);
        client.set_kept(Kept::Watched, 0);
        self.tracking.forget(client)
    }

    /// Copies the figures.
    pub(super) fn copy_figures(&self, figures: &mut Figures) {
        figures.used = self.used();
        figures.blocked = self.blocked.len();
        figures.stats = self.stats;
        figures.tracking = self.tracking.figures();
        figures.databases.clear();
        let all = self.databases();
        figures
            .databases
            .extend(all.map(|(db, database)| (db, database.len(), database.expiring())));
    }

    /// Whether a change may be incomplete, so that the keyspace must be [repaired](Self::repair).
    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Marks that a change may be incomplete.
    pub(super) fn mark_broken(&mut self) {
        self.broken = true;
    }

    /// Rebuilds what is derived from the keys: their memory, the index, their deadlines, and the
    /// ready keys. Half of a change stays, as does half of an EXEC.
    #[cold]
    pub(super) fn repair(&mut self) {
        let Keyspace {
            databases, blocked, ..
        } = self;
        for (&db, database) in databases {
            database.repair();
            let value = |key: &[u8]| database.find(key).map(|slot| &database.entry(slot).value);
            blocked.note_database(db, value);
        }
        // Some clients may not have been told of what was changed.
        self.invalidate_all();
        self.broken = false;
    }

    /// Changes a value and panics before what has to follow a change.
    #[cfg(all(test, not(shuttle)))]
    pub(crate) fn break_off_a_change(
        &mut self,
        db: u32,
        key: &[u8],
        change: impl FnOnce(&mut super::value::Value),
    ) {
        let database = self.databases.get_mut(&db).expect("a database");
        let slot = database.find(key).expect("a key");
        database.change(slot, |value| {
            change(value);
            panic!("a deliberate panic in the middle of a change");
        })
    }
}
