//! One database, as a command sees it: look up, change, and tell of it.
//!
//! Layer `store`. A command knows the type that it works on, and names it: `keys.read::<List>(key)`.
//!
//! A command that changes a key does three things besides, in Redis's words: `signalModifiedKey`
//! ([`Keys::changed`]), `notifyKeyspaceEvent` ([`Keys::notify`]), and, for a value that others may
//! wait for, `signalKeyAsReady` (done here by all that give a key a value).
//!
//! Invariants:
//! - A key whose time has come is removed by whoever looks it up: no command sees it.
//! - No value is left empty: who takes elements calls [`Keys::drop_if_empty`].
//! - A [`SlotId`] is good until its key is removed.

use std::sync::Arc;

use super::database::{Database, KeyEntry, Millis};
use super::events::Event;
use super::keyspace::{FullKey, FullKeyRef, Keyspace};
pub(crate) use super::slots::SlotId;
use super::value::{Stored, Value};
use crate::client::Client;
use crate::config::{Config, EventClass};
use crate::resp::error::CommandError;

/// See the module.
#[derive(Debug)]
pub(crate) struct Keys<'a> {
    pub(super) keyspace: &'a mut Keyspace,
    db: u32,
    config: &'a Config,
    touches: bool,
    /// Keys whose time has come are left where they are, unseen.
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

    /// The keys, whose time of last use stays as it is (CLIENT NO-TOUCH).
    pub(crate) fn untouched(mut self) -> Keys<'a> {
        self.touches = false;
        self
    }

    /// The keys, from which none is removed when its time has come: it is only not seen any more
    /// (CLIENT PAUSE). For commands that change nothing.
    pub(crate) fn unchanged(mut self) -> Keys<'a> {
        self.keeps_expired = true;
        self
    }

    /// The same keys, for a while.
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

    /// This moment.
    pub(crate) fn now(&self) -> Millis {
        self.keyspace.now
    }

    /// The database itself, to look at; `None` if it was never used.
    pub(crate) fn database(&self) -> Option<&Database> {
        self.keyspace.databases.get(&self.db)
    }

    /// What is in a slot.
    pub(crate) fn entry(&self, slot: SlotId) -> &KeyEntry {
        self.database().expect("a database with keys").entry(slot)
    }

    /// A key, without a trace of the look: no statistics, no time of use, no event.
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

    /// A key, to change what it holds (Redis: `lookupKeyWrite`).
    pub(crate) fn lookup_write(&mut self, key: &[u8]) -> Option<SlotId> {
        let slot = self.peek(key)?;
        if self.touches {
            self.touch(slot);
        }
        Some(slot)
    }

    /// A key, to read what it holds (Redis: `lookupKeyRead`): it is a hit or a miss.
    pub(crate) fn lookup_read(&mut self, key: &[u8]) -> Option<SlotId> {
        let slot = self.lookup_write(key);
        self.count_look(slot.is_some());
        if slot.is_none() {
            self.notify(EventClass::KeyMiss, "keymiss", key);
        }
        slot
    }

    /// A key, to tell of it (Redis: `LOOKUP_NOTOUCH | LOOKUP_NONOTIFY`): it is a hit or a miss, and
    /// that is all.
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

    /// The value of type `T` at a slot.
    ///
    /// # Errors
    /// `WRONGTYPE`
    pub(crate) fn get<T: Stored>(&self, slot: SlotId) -> Result<&T, CommandError> {
        T::of(&self.entry(slot).value).ok_or(CommandError::WRONG_TYPE)
    }

    /// Where a value of type `T` is, to change it ([`lookup_write`](Self::lookup_write)).
    ///
    /// # Errors
    /// `WRONGTYPE`
    pub(crate) fn write<T: Stored>(&mut self, key: &[u8]) -> Result<Option<SlotId>, CommandError> {
        let slot = self.lookup_write(key);
        slot.map(|slot| self.get::<T>(slot).map(|_| slot))
            .transpose()
    }

    /// As [`write`](Self::write); one without elements is added if there is none.
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

    /// A value of type `T`, to read ([`lookup_read`](Self::lookup_read)).
    ///
    /// # Errors
    /// `WRONGTYPE`
    pub(crate) fn read<T: Stored>(&mut self, key: &[u8]) -> Result<Option<&T>, CommandError> {
        let slot = self.lookup_read(key);
        slot.map(|slot| self.get(slot)).transpose()
    }

    /// Changes the value of type `T` at a slot.
    ///
    /// # Panics
    /// If it is of another type.
    pub(crate) fn change<T: Stored, R>(
        &mut self,
        slot: SlotId,
        change: impl FnOnce(&mut T) -> R,
    ) -> R {
        let config = self.config;
        self.note_change(slot);
        self.database_mut().change(slot, |value| {
            let value = T::of_mut(value).expect("the type was looked at first");
            let before = value.size();
            let result = change(value);
            value.settle(Some(before), config);
            result
        })
    }

    /// Adds a key that is not there (Redis: `dbAdd`).
    pub(crate) fn add(&mut self, key: &[u8], value: impl Into<Value>) -> SlotId {
        let mut value = value.into();
        value.settle(None, self.config);
        let now = self.seconds();
        let slot = self.database_mut().insert(key, value, now);
        self.note_change(slot);
        self.note_ready(slot, key);
        self.notify(EventClass::New, "new", key);
        slot
    }

    /// Sets a key, whatever it held (Redis: `setKey`), and tells its watchers. It expires no more,
    /// unless `keep_deadline`.
    ///
    /// Whoever waits for a value of the new type is served, as for a key that was added. (Redis's
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
                value.settle(None, self.config);
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

    /// Gives a key all that belongs to another one, or to a copy of one, in place of whatever it holds
    /// (Redis: `dbDelete` and `dbAdd`), and tells its watchers. It keeps its slot, so that no SCAN
    /// passes over it.
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

    /// Sets when a key expires, or that it does not.
    pub(crate) fn set_deadline(&mut self, slot: SlotId, deadline: Option<Millis>) {
        self.note_change(slot);
        self.database_mut().set_deadline(slot, deadline);
        if deadline.is_some() {
            self.keyspace.expiry_set = true;
        }
    }

    /// Takes a key away and tells its watchers; the event is the caller's to name, and what it held
    /// is the caller's to keep.
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

    /// As [`remove`](Self::remove), with the event, and what it held is freed.
    pub(crate) fn delete(&mut self, slot: SlotId, class: EventClass, event: &'static str) {
        let entry = self.remove(slot);
        self.notify(class, event, &entry.key);
        self.discard(entry.value);
    }

    /// Frees what is no longer held, once the keyspace's lock is let go if that takes long.
    pub(crate) fn discard(&mut self, value: Value) {
        let cost = value.free_cost();
        self.keyspace.garbage.add(value, cost);
    }

    /// As [`discard`](Self::discard), for what is no value: `cost` is about the number of its
    /// allocations.
    pub(crate) fn discard_part(&mut self, part: impl Send + 'static, cost: usize) {
        self.keyspace.garbage.add(part, cost);
    }

    /// Takes a key away whose value has become empty, with the event.
    pub(crate) fn drop_if_empty(&mut self, slot: SlotId) {
        if self.entry(slot).value.is_empty() {
            self.delete(slot, EventClass::Generic, "del");
        }
    }

    /// Tells those who watch a key that it has changed, and notes it for those who track it.
    pub(crate) fn changed(&mut self, key: &[u8]) {
        let full = FullKeyRef { db: self.db, key };
        self.keyspace.watched.changed(full);
        self.keyspace.tracking.changed(key);
    }

    /// Notes an event, if somebody may want to hear of it.
    pub(crate) fn notify(&mut self, class: EventClass, name: &'static str, key: &[u8]) {
        if self.config.notify_keyspace_events.announces(class) {
            self.keyspace.events.push(Event {
                db: self.db,
                name,
                key: key.into(),
            });
        }
    }

    /// Tells a client when a key changes, from now on (WATCH). `false`: it is told already.
    pub(crate) fn watch(&mut self, client: &Arc<Client>, key: &[u8]) -> bool {
        self.keyspace.touched.see(key);
        let full = FullKey {
            db: self.db,
            key: key.into(),
        };
        self.keyspace.watched.watch(client, full)
    }

    /// Whether the time of the key in a slot has come. As in Redis, its last millisecond is its own.
    pub(crate) fn is_expired(&self, slot: SlotId) -> bool {
        let deadline = self.entry(slot).deadline();
        deadline.is_some_and(|deadline| deadline < self.keyspace.now)
    }

    /// Takes a key away whose time has come.
    pub(crate) fn expire(&mut self, slot: SlotId) {
        self.keyspace.stats.expired += 1;
        self.delete(slot, EventClass::Expired, "expired");
    }

    /// Notes that a key was used now.
    pub(crate) fn touch(&mut self, slot: SlotId) {
        let now = self.seconds();
        self.database_mut().touch(slot, now);
    }

    /// This moment, in seconds since 1970.
    pub(crate) fn seconds(&self) -> u32 {
        (self.keyspace.now / 1000) as u32
    }

    /// Notes that a key holds something that others may be waiting for.
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

    /// Records in tests that the key in a slot is changed.
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
