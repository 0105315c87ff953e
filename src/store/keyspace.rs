//! All keys of the server, and who waits for them or watches them.
//!
//! Layer `store`. It is the value behind the one lock ([`shared`](super::shared)). Commands see it
//! through [`Keys`]; what must happen once a
//! command is through (waiters served, events published) is done by
//! [`command`](crate::command) before it lets go of the lock.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use hashbrown::Equivalent;

use super::blocked::Blocked;
use super::database::{Database, Millis};
use super::events::Event;
use super::garbage::Garbage;
use super::keys::Keys;
use super::touched::Touched;
use super::tracking::{self, Tracking};
use super::watched::Watched;
use crate::client::Client;
use crate::config::Config;
use crate::sync::atomic::Ordering::Relaxed;

/// A key with the number of its database.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FullKey {
    /// The database.
    pub db: u32,
    /// The key.
    pub key: Box<[u8]>,
}

/// A [`FullKey`] to look up.
#[derive(Clone, Copy, Debug, Hash)]
pub(crate) struct FullKeyRef<'a> {
    /// The database.
    pub db: u32,
    /// The key.
    pub key: &'a [u8],
}

impl Equivalent<FullKey> for FullKeyRef<'_> {
    fn equivalent(&self, full: &FullKey) -> bool {
        self.db == full.db && *self.key == *full.key
    }
}

/// What is counted about keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyStats {
    /// Reads that found their key.
    pub hits: u64,
    /// Reads that did not.
    pub misses: u64,
    /// Keys whose time came.
    pub expired: u64,
}

/// What INFO shows of all keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    /// Bytes that keys and values take.
    pub used: usize,
    /// What is remembered of clients that track.
    pub tracking: tracking::Figures,
    /// Clients that wait for elements.
    pub blocked: usize,
    /// What is counted.
    pub stats: KeyStats,
    /// The databases that have keys: number, keys, keys that expire.
    pub databases: Vec<(u32, usize, usize)>,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Keyspace {
    pub(super) databases: BTreeMap<u32, Database>,
    /// Who waits for elements.
    pub blocked: Blocked,
    /// Who watches keys.
    pub watched: Watched,
    /// Who is to be told of changes.
    pub tracking: Tracking,
    /// What has happened since the events were last taken, in order.
    pub(super) events: Vec<Event>,
    pub(super) now: Millis,
    /// Whether a deadline was set since this was last asked.
    pub(super) expiry_set: bool,
    /// What is to be freed once the lock is let go.
    pub(super) garbage: Garbage,
    /// What is counted.
    pub stats: KeyStats,
    /// Somebody panicked who had the lock: a change may have broken off.
    broken: bool,
    /// What commands touch.
    pub(crate) touched: Touched,
}

impl Keyspace {
    /// Takes the time. All that is done until the next call happens at this moment.
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

    /// How much has happened that was not taken for publishing yet.
    pub(crate) fn event_count(&self) -> usize {
        self.events.len()
    }

    /// What has happened, for publishing.
    pub(crate) fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// The first moment at which a key expires.
    pub(crate) fn first_deadline(&self) -> Option<Millis> {
        let firsts = self.databases.values().filter_map(Database::first_deadline);
        firsts.map(|(deadline, _)| deadline).min()
    }

    /// Takes keys away whose time has come, at most `limit`. Returns how many.
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

    /// Takes all keys of a database away, and tells their watchers.
    pub(crate) fn clear(&mut self, db: u32) {
        if let Some(database) = self.databases.remove(&db) {
            self.watched.changed_all(db, &[&database]);
            self.blocked.note_database(db, |_| None);
            let cost = database.free_cost();
            self.garbage.add(database, cost);
        }
    }

    /// Tells all who track that any key may have changed.
    pub(crate) fn invalidate_all(&mut self) {
        if let Some((flushed, cost)) = self.tracking.flush() {
            self.garbage.add(flushed, cost);
        }
    }

    /// Exchanges the keys of two databases. Who waits for keys of one of them, or watches some, stays
    /// with its number, and is told of what is there now. A client's cache does not know of numbers: it
    /// is told that any key may have changed.
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

    /// Forgets a client that is gone: it waits for nothing and watches nothing, and some of what is
    /// tracked for it is taken out. `true`: some of that is left, and this is to be called again.
    pub(crate) fn forget(&mut self, client: &Client) -> bool {
        self.blocked.remove(client.id);
        self.watched.unwatch(client.id);
        client.watched_memory.store(0, Relaxed);
        self.tracking.forget(client)
    }

    /// Writes the figures down.
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

    /// Whether a change may have broken off, so that it must be [repaired](Self::repair).
    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Marks that a change may have broken off.
    pub(super) fn mark_broken(&mut self) {
        self.broken = true;
    }

    /// Brings what is derived from the keys in step with them: what they take, where they are found,
    /// when they expire, and who can be served. Half of a change stays, as does half of an EXEC.
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
        // Of what was changed, not everybody may have been told.
        self.invalidate_all();
        self.broken = false;
    }

    /// Changes a value and panics before what follows a change.
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
