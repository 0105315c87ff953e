//! One database, as a command sees it: look-up, changes, and what has to follow a change.
//!
//! Layer `store`. It may use `client`, `config` and `resp`. The caller holds the keyspace's lock.
//!
//! A command names the type that it works on: `keys.read::<List>(key)`.
//!
//! A command that changes a key must also do three things, in Redis's words: `signalModifiedKey`
//! ([`Keys::changed`]), `notifyKeyspaceEvent` ([`Keys::notify`]), and, for a value that others may
//! wait for, `signalKeyAsReady`. The functions that give a key a value do the last one themselves.
//!
//! Invariants:
//! - The look-up of an expired key removes it, so no command sees it.
//! - No value stays empty: a command that removes elements calls [`Keys::drop_if_empty`].
//! - A [`SlotId`] is valid until its key is removed.

use std::sync::Arc;

use super::database::{Database, KeyEntry, Millis};
use super::events::Event;
use super::keyspace::{FullKey, FullKeyRef, Keyspace};
pub(crate) use super::slots::SlotId;
use super::value::{Stored, Value};
use crate::client::Client;
use crate::config::{Config, EventClass};
use crate::resp::error::CommandError;

/// The keys of one database during one command.
#[derive(Debug)]
pub(crate) struct Keys<'a> {
    pub(super) keyspace: &'a mut Keyspace,
    db: u32,
    config: &'a Config,
    touches: bool,
    /// Expired keys are not removed, but they are hidden.
    keeps_expired: bool,
}

impl<'a> Keys<'a> {
    pub(super) fn new(keyspace: &'a mut Keyspace, db: u32, config: &'a Config) -> Keys<'a> {
        Keys {
            keyspace,
            db,
            config,
            touches: true,
            keeps_expired: false,
        }
    }

    /// These keys, whose time of last use does not change (CLIENT NO-TOUCH).
    pub(crate) fn untouched(mut self) -> Keys<'a> {
        self.touches = false;
        self
    }

    /// These keys, with expired ones hidden instead of removed (CLIENT PAUSE). For commands that
    /// change nothing.
    pub(crate) fn unchanged(mut self) -> Keys<'a> {
        self.keeps_expired = true;
        self
    }

    /// The same keys, borrowed for a shorter time.
    pub(crate) fn reborrow(&mut self) -> Keys<'_> {
        self.of(self.db)
    }

    /// The keys of another database.
    pub(crate) fn of(&mut self, db: u32) -> Keys<'_> {
        Keys {
            keyspace: self.keyspace,
            db,
            config: self.config,
            touches: self.touches,
            keeps_expired: self.keeps_expired,
        }
    }

    /// The number of the database.
    pub(crate) fn db(&self) -> u32 {
        self.db
    }

    /// The settings.
    pub(crate) fn config(&self) -> &'a Config {
        self.config
    }

    /// The current time.
    pub(crate) fn now(&self) -> Millis {
        self.keyspace.now
    }

    /// The database, for reading; `None` if it was never used.
    pub(crate) fn database(&self) -> Option<&Database> {
        self.keyspace.databases.get(&self.db)
    }

    /// All databases and the clients that wait, for reading.
    pub(crate) fn keyspace(&self) -> &Keyspace {
        self.keyspace
    }

    /// The entry in a slot.
    pub(crate) fn entry(&self, slot: SlotId) -> &KeyEntry {
        self.database().expect("a database with keys").entry(slot)
    }

    /// Finds a key without any trace: no statistics, no time of use, no event.
    pub(crate) fn peek(&mut self, key: &[u8]) -> Option<SlotId> {
        self.keyspace.touched.see(key);
        let slot = self.database()?.find(key)?;
        if self.is_expired(slot) {
            if !self.keeps_expired {
                self.expire(slot);
            }
            return None;
        }
        Some(slot)
    }

    /// Finds a key whose value is to be changed (Redis: `lookupKeyWrite`).
    pub(crate) fn lookup_write(&mut self, key: &[u8]) -> Option<SlotId> {
        let slot = self.peek(key)?;
        if self.touches {
            self.touch(slot);
        }
        Some(slot)
    }

    /// Finds a key whose value is to be read (Redis: `lookupKeyRead`). Counts a hit or a miss.
    pub(crate) fn lookup_read(&mut self, key: &[u8]) -> Option<SlotId> {
        let slot = self.lookup_write(key);
        self.count_look(slot.is_some());
        if slot.is_none() {
            self.notify(EventClass::KeyMiss, "keymiss", key);
        }
        slot
    }

    /// Finds a key to describe it (Redis: `LOOKUP_NOTOUCH | LOOKUP_NONOTIFY`). Counts a hit or a
    /// miss, and does nothing else.
    pub(crate) fn inspect(&mut self, key: &[u8]) -> Option<SlotId> {
        let slot = self.peek(key);
        self.count_look(slot.is_some());
        slot
    }

    /// Counts a hit or a miss.
    pub(crate) fn count_look(&mut self, hit: bool) {
        let stats = &mut self.keyspace.stats;
        *(if hit {
            &mut stats.hits
        } else {
            &mut stats.misses
        }) += 1;
    }

    /// The value of type `T` in a slot.
    ///
    /// # Errors
    /// `WRONGTYPE`
    pub(crate) fn get<T: Stored>(&self, slot: SlotId) -> Result<&T, CommandError> {
        match T::of(&self.entry(slot).value) {
            Some(value) => Ok(value),
            None => Err(CommandError::WRONG_TYPE),
        }
    }

    /// The slot of a value of type `T` that is to be changed
    /// ([`lookup_write`](Self::lookup_write)).
    ///
    /// # Errors
    /// `WRONGTYPE`
    pub(crate) fn write<T: Stored>(&mut self, key: &[u8]) -> Result<Option<SlotId>, CommandError> {
        let slot = self.lookup_write(key);
        slot.map(|slot| self.get::<T>(slot).map(|_| slot))
            .transpose()
    }

    /// As [`write`](Self::write), but adds an empty value if the key does not exist.
    ///
    /// # Errors
    /// `WRONGTYPE`
    pub(crate) fn write_or_add<T: Stored + Default>(
        &mut self,
        key: &[u8],
    ) -> Result<SlotId, CommandError> {
        let found = self.write::<T>(key)?;
        Ok(found.unwrap_or_else(|| self.add(key, T::default())))
    }

    /// A value of type `T` that is to be read ([`lookup_read`](Self::lookup_read)).
    ///
    /// # Errors
    /// `WRONGTYPE`
    pub(crate) fn read<T: Stored>(&mut self, key: &[u8]) -> Result<Option<&T>, CommandError> {
        let slot = self.lookup_read(key);
        slot.map(|slot| self.get(slot)).transpose()
    }

    /// Changes the value of type `T` in a slot.
    ///
    /// # Panics
    /// The value has another type.
    pub(crate) fn change<T: Stored, R>(
        &mut self,
        slot: SlotId,
        change: impl FnOnce(&mut T) -> R,
    ) -> R {
        let (config, now) = (self.config, self.seconds());
        self.note_change(slot);
        self.database_mut().change(slot, |value| {
            let value = T::of_mut(value).expect("the type was looked at first");
            let before = value.size();
            let result = change(value);
            value.settle(Some(before), config, now);
            result
        })
    }

    /// Adds a key, which must be new (Redis: `dbAdd`).
    pub(crate) fn add(&mut self, key: &[u8], value: impl Into<Value>) -> SlotId {
        let mut value = value.into();
        let now = self.seconds();
        value.settle(None, self.config, now);
        let slot = self.database_mut().insert(key, value, now);
        self.note_change(slot);
        self.note_ready(slot, key);
        self.notify(EventClass::New, "new", key);
        slot
    }

    /// Sets a key, whatever its value was (Redis: `setKey`), and tells its watchers. Unless
    /// `keep_deadline`, it no longer expires.
    ///
    /// Clients that wait for a value of the new type are served, as for a new key. (Redis's
    /// `dbOverwrite` wakes nobody; see docs/differences.md.)
    pub(crate) fn put(
        &mut self,
        key: &[u8],
        value: impl Into<Value>,
        keep_deadline: bool,
    ) -> SlotId {
        let slot = match self.lookup_write(key) {
            None => self.add(key, value),
            Some(slot) => {
                let mut value = value.into();
                value.settle(None, self.config, self.seconds());
                let database = self.database_mut();
                let before = database.change(slot, |old| std::mem::replace(old, value));
                self.discard(before);
                self.note_change(slot);
                self.note_ready(slot, key);
                if !keep_deadline && self.entry(slot).deadline().is_some() {
                    self.set_deadline(slot, None);
                }
                slot
            }
        };
        self.changed(key);
        slot
    }

    /// Replaces a key's value and times with those of another key, or of a copy (Redis: `dbDelete`
    /// and `dbAdd`), and tells its watchers. The key keeps its slot, so that a SCAN does not miss
    /// it.
    pub(crate) fn adopt(&mut self, key: &[u8], entry: KeyEntry) {
        let deadline = entry.deadline();
        let KeyEntry {
            value, accessed, ..
        } = entry;
        let found = self.peek(key);
        let database = self.database_mut();
        let slot = match found {
            None => database.insert(key, value, accessed),
            Some(slot) => {
                let held = database.change(slot, |held| std::mem::replace(held, value));
                database.touch(slot, accessed);
                self.discard(held);
                slot
            }
        };
        self.note_change(slot);
        self.note_ready(slot, key);
        self.set_deadline(slot, deadline);
        self.notify(EventClass::New, "new", key);
        self.changed(key);
    }

    /// Sets the time when a key expires, or that it does not expire.
    pub(crate) fn set_deadline(&mut self, slot: SlotId, deadline: Option<Millis>) {
        self.note_change(slot);
        self.database_mut().set_deadline(slot, deadline);
        if deadline.is_some() {
            self.keyspace.expiry_set = true;
        }
    }

    /// Removes a key and tells its watchers. The caller notifies of the event and owns the entry.
    pub(crate) fn remove(&mut self, slot: SlotId) -> KeyEntry {
        self.note_change(slot);
        let entry = self.database_mut().remove(slot);
        let full = FullKeyRef {
            db: self.db,
            key: &entry.key,
        };
        self.keyspace.blocked.note_gone(full);
        self.changed(&entry.key);
        entry
    }

    /// Removes a key as [`remove`](Self::remove) does, notifies of the event, and frees the entry.
    pub(crate) fn delete(&mut self, slot: SlotId, class: EventClass, event: &'static str) {
        let entry = self.remove(slot);
        self.keyspace.emptied.add(self.db, &entry);
        self.notify(class, event, &entry.key);
        self.discard(entry.value);
    }

    /// Frees a value. If that takes long, it happens after the keyspace's lock is released.
    pub(crate) fn discard(&mut self, value: Value) {
        let cost = value.free_cost();
        self.keyspace.garbage.add(value, cost);
    }

    /// As [`discard`](Self::discard), for something other than a value. `cost` is roughly the
    /// number of its allocations.
    pub(crate) fn discard_part(&mut self, part: impl Send + 'static, cost: usize) {
        self.keyspace.garbage.add(part, cost);
    }

    /// Removes a key whose value has become empty, and notifies of it.
    pub(crate) fn drop_if_empty(&mut self, slot: SlotId) {
        if self.entry(slot).value.is_empty() {
            self.delete(slot, EventClass::Generic, "del");
        }
    }

    /// Tells the clients that watch a key that it has changed, and notes it for those that track
    /// it.
    pub(crate) fn changed(&mut self, key: &[u8]) {
        let full = FullKeyRef { db: self.db, key };
        self.keyspace.watched.changed(full);
        self.keyspace.tracking.changed(key);
    }

    /// Records an event, if the settings ask for its class.
    pub(crate) fn notify(&mut self, class: EventClass, name: &'static str, key: &[u8]) {
        if self.config.notify_keyspace_events.announces(class) {
            self.keyspace.events.push(Event {
                db: self.db,
                name,
                key: key.into(),
            });
        }
    }

    /// Makes a client watch a key (WATCH). Returns `false` if it does so already.
    pub(crate) fn watch(&mut self, client: &Arc<Client>, key: &[u8]) -> bool {
        self.keyspace.touched.see(key);
        let full = FullKey {
            db: self.db,
            key: key.into(),
        };
        self.keyspace.watched.watch(client, full)
    }

    /// Whether the key in a slot has expired. As in Redis, the key still exists in the millisecond
    /// of its deadline.
    pub(crate) fn is_expired(&self, slot: SlotId) -> bool {
        let deadline = self.entry(slot).deadline();
        deadline.is_some_and(|deadline| deadline < self.keyspace.now)
    }

    /// Removes an expired key.
    pub(crate) fn expire(&mut self, slot: SlotId) {
        self.keyspace.stats.expired += 1;
        self.delete(slot, EventClass::Expired, "expired");
    }

    /// Records that a key is used now.
    pub(crate) fn touch(&mut self, slot: SlotId) {
        let now = self.seconds();
        self.database_mut().touch(slot, now);
    }

    /// The current time, in seconds since 1970.
    pub(crate) fn seconds(&self) -> u32 {
        (self.keyspace.now / 1000) as u32
    }

    /// Notes that a key has something that clients may be waiting for.
    pub(crate) fn note_ready(&mut self, slot: SlotId, key: &[u8]) {
        if self.keyspace.blocked.is_waited_for() {
            let full = FullKeyRef { db: self.db, key };
            let Keyspace {
                databases, blocked, ..
            } = &mut *self.keyspace;
            if let Some(database) = databases.get(&self.db) {
                blocked.note_ready(full, &database.entry(slot).value);
            }
        }
    }

    /// Records for tests that the key in a slot is changed.
    fn note_change(&mut self, slot: SlotId) {
        let Keyspace {
            databases, touched, ..
        } = &mut *self.keyspace;
        if let Some(database) = databases.get(&self.db) {
            touched.change(&database.entry(slot).key);
        }
    }

    fn database_mut(&mut self) -> &mut Database {
        self.keyspace.databases.entry(self.db).or_default()
    }
}
