//! One database, as a command sees it: look up, change, and tell of it.
//!
//! A command that changes a key does three things besides, in Redis's words: `signalModifiedKey`
//! ([`Keys::changed`]), `notifyKeyspaceEvent` ([`Keys::notify`]), and, for a list that came to be,
//! `signalKeyAsReady` (done here by all that add keys).
//!
//! Invariants:
//! - A key whose time has come is removed by whoever looks it up: no command sees it.
//! - A list is never left empty: who takes elements calls [`Keys::drop_if_empty`].
//! - A [`SlotId`] is good until its key is removed.

use std::sync::Arc;

use super::database::{Database, Entry, Millis};
use super::encoding::{Packing, Size};
use super::events::Event;
use super::keyspace::{FullKey, FullKeyRef, Keyspace};
use super::list::{End, List};
pub(crate) use super::slots::SlotId;
use super::value::{StringValue, Value};
use crate::client::Client;
use crate::config::{Config, EventClass};
use crate::resp::error::CommandError;

/// See the module.
#[derive(Debug)]
pub(crate) struct Keys<'a> {
    pub(super) space: &'a mut Keyspace,
    db: u32,
    config: &'a Config,
    touches: bool,
    /// Keys whose time has come are left where they are, unseen.
    keeps_expired: bool,
}

impl<'a> Keys<'a> {
    pub(super) fn new(space: &'a mut Keyspace, db: u32, config: &'a Config) -> Keys<'a> {
        Keys {
            space,
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

    /// The keys of another database.
    pub(crate) fn of(&mut self, db: u32) -> Keys<'_> {
        Keys {
            space: self.space,
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
        self.space.now
    }

    /// The database itself, to look at; `None` if it was never used.
    pub(crate) fn database(&self) -> Option<&Database> {
        self.space.databases.get(&self.db)
    }

    /// What is in a slot.
    pub(crate) fn entry(&self, slot: SlotId) -> &Entry {
        self.database().expect("a database with keys").entry(slot)
    }

    /// A key, without a trace of the look: no statistics, no time of use, no event.
    pub(crate) fn peek(&mut self, key: &[u8]) -> Option<SlotId> {
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
    pub(crate) fn find(&mut self, key: &[u8]) -> Option<SlotId> {
        let slot = self.peek(key)?;
        if self.touches {
            self.touch(slot);
        }
        Some(slot)
    }

    /// A key, to read what it holds (Redis: `lookupKeyRead`): it is a hit or a miss.
    pub(crate) fn look_up(&mut self, key: &[u8]) -> Option<SlotId> {
        let slot = self.find(key);
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
        let stats = &mut self.space.stats;
        *(if hit {
            &mut stats.hits
        } else {
            &mut stats.misses
        }) += 1;
    }

    /// The list at a slot.
    ///
    /// # Errors
    /// `WRONGTYPE`
    pub(crate) fn list(&self, slot: SlotId) -> Result<&List, CommandError> {
        match &self.entry(slot).value {
            Value::List(list) => Ok(list),
            Value::String(_) => Err(CommandError::WRONG_TYPE),
        }
    }

    /// The string at a slot.
    ///
    /// # Errors
    /// `WRONGTYPE`
    pub(crate) fn text(&self, slot: SlotId) -> Result<&StringValue, CommandError> {
        match &self.entry(slot).value {
            Value::String(text) => Ok(text),
            Value::List(_) => Err(CommandError::WRONG_TYPE),
        }
    }

    /// A list, to change ([`find`](Self::find)).
    ///
    /// # Errors
    /// `WRONGTYPE`
    pub(crate) fn find_list(&mut self, key: &[u8]) -> Result<Option<SlotId>, CommandError> {
        let slot = self.find(key);
        slot.map(|slot| self.list(slot).map(|_| slot)).transpose()
    }

    /// A list, to read ([`look_up`](Self::look_up)).
    ///
    /// # Errors
    /// `WRONGTYPE`
    pub(crate) fn look_up_list(&mut self, key: &[u8]) -> Result<Option<&List>, CommandError> {
        let slot = self.look_up(key);
        slot.map(|slot| self.list(slot)).transpose()
    }

    /// A string, to change ([`find`](Self::find)).
    ///
    /// # Errors
    /// `WRONGTYPE`
    pub(crate) fn find_text(&mut self, key: &[u8]) -> Result<Option<SlotId>, CommandError> {
        let slot = self.find(key);
        slot.map(|slot| self.text(slot).map(|_| slot)).transpose()
    }

    /// A string, to read ([`look_up`](Self::look_up)).
    ///
    /// # Errors
    /// `WRONGTYPE`
    pub(crate) fn look_up_text(
        &mut self,
        key: &[u8],
    ) -> Result<Option<&StringValue>, CommandError> {
        let slot = self.look_up(key);
        slot.map(|slot| self.text(slot)).transpose()
    }

    /// Changes the list at a slot.
    ///
    /// # Panics
    /// If it is none.
    pub(crate) fn change_list<R>(
        &mut self,
        slot: SlotId,
        change: impl FnOnce(&mut List) -> R,
    ) -> R {
        let packing = self.packing();
        self.database_mut().change_list(slot, packing, change)
    }

    /// Changes the string at a slot.
    ///
    /// # Panics
    /// If it is none.
    pub(crate) fn change_text<R>(
        &mut self,
        slot: SlotId,
        change: impl FnOnce(&mut StringValue) -> R,
    ) -> R {
        self.database_mut().change(slot, |value| match value {
            Value::String(text) => change(text),
            Value::List(_) => panic!("a string was looked for first"),
        })
    }

    /// Adds a key that is not there (Redis: `dbAdd`).
    pub(crate) fn add(&mut self, key: &[u8], value: Value) -> SlotId {
        self.note_ready(key, &value);
        let now = self.seconds();
        let slot = self.database_mut().insert(key, value, now);
        self.note_encoding(slot);
        self.notify(EventClass::New, "new", key);
        slot
    }

    /// Sets a key, whatever it held (Redis: `setKey`), and tells its watchers. It expires no more,
    /// unless `keep_deadline`.
    pub(crate) fn put(&mut self, key: &[u8], value: Value, keep_deadline: bool) -> SlotId {
        let slot = match self.find(key) {
            None => self.add(key, value),
            Some(slot) => {
                // A list in place of something else wakes nobody, as in Redis (`dbOverwrite`).
                self.database_mut().change(slot, |old| *old = value);
                self.note_encoding(slot);
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
    /// passes over it. Returns what it held.
    pub(crate) fn adopt(&mut self, key: &[u8], entry: Entry) -> Option<Value> {
        self.note_ready(key, &entry.value);
        let (deadline, is_quicklist) = (entry.deadline(), entry.is_quicklist());
        let Entry {
            value, accessed, ..
        } = entry;
        let found = self.peek(key);
        let database = self.database_mut();
        let (slot, held) = match found {
            None => (database.insert(key, value, accessed), None),
            Some(slot) => {
                let held = database.change(slot, |held| std::mem::replace(held, value));
                database.touch(slot, accessed);
                (slot, Some(held))
            }
        };
        database.set_quicklist(slot, is_quicklist);
        self.set_deadline(slot, deadline);
        self.notify(EventClass::New, "new", key);
        self.changed(key);
        held
    }

    /// Sets when a key expires, or that it does not.
    pub(crate) fn set_deadline(&mut self, slot: SlotId, deadline: Option<Millis>) {
        self.database_mut().set_deadline(slot, deadline);
        if deadline.is_some() {
            self.space.expiry_set = true;
        }
    }

    /// Takes a key away and tells its watchers; the event is the caller's to name.
    pub(crate) fn remove(&mut self, slot: SlotId) -> Entry {
        let entry = self.database_mut().remove(slot);
        self.changed(&entry.key);
        entry
    }

    /// Takes elements from one end of the list at a slot, at most `count`, with all that follows.
    pub(crate) fn take_elements(&mut self, slot: SlotId, key: &[u8], from: End, count: usize) {
        self.change_list(slot, |list| {
            for _ in 0..count.min(list.len()) {
                list.pop(from);
            }
        });
        self.notify(EventClass::List, pop_event(from), key);
        self.changed(key);
        self.drop_if_empty(slot);
    }

    /// Moves an element of the list at `slot` to the list `destination`, which may be the same, or
    /// not there yet. Redis's order: the push is told of before the pop.
    pub(crate) fn move_element(
        &mut self,
        slot: SlotId,
        key: &[u8],
        from: End,
        destination: &[u8],
        to: End,
    ) {
        let element = self.change_list(slot, |list| {
            let element = list.peek(from).map(<[u8]>::to_vec);
            list.pop(from);
            element
        });
        let target = match self.find(destination) {
            Some(target) => target,
            None => self.add(destination, Value::List(List::new())),
        };
        self.change_list(target, |list| list.push(to, &element.unwrap_or_default()));
        self.changed(destination);
        self.notify(EventClass::List, push_event(to), destination);
        self.notify(EventClass::List, pop_event(from), key);
        self.changed(key);
        self.drop_if_empty(slot);
    }

    /// Takes a list away that has become empty, with its event.
    pub(crate) fn drop_if_empty(&mut self, slot: SlotId) {
        let is_empty = |entry: &Entry| matches!(&entry.value, Value::List(list) if list.is_empty());
        if is_empty(self.entry(slot)) {
            let entry = self.remove(slot);
            self.notify(EventClass::Generic, "del", &entry.key);
        }
    }

    /// Tells those who watch a key that it has changed.
    pub(crate) fn changed(&self, key: &[u8]) {
        let full = FullKeyRef { db: self.db, key };
        self.space.watched.changed(full);
    }

    /// Notes an event, if somebody may want to hear of it.
    pub(crate) fn notify(&mut self, class: EventClass, name: &'static str, key: &[u8]) {
        if self.config.notify_keyspace_events.announces(class) {
            self.space.events.push(Event {
                db: self.db,
                name,
                key: key.into(),
            });
        }
    }

    /// Tells a client when a key changes, from now on (WATCH). `false`: it is told already.
    pub(crate) fn watch(&mut self, client: &Arc<Client>, key: &[u8]) -> bool {
        let full = FullKey {
            db: self.db,
            key: key.into(),
        };
        self.space.watched.watch(client, full)
    }

    /// Whether the time of the key in a slot has come. As in Redis, its last millisecond is its own.
    pub(crate) fn is_expired(&self, slot: SlotId) -> bool {
        let deadline = self.entry(slot).deadline();
        deadline.is_some_and(|deadline| deadline < self.space.now)
    }

    /// Takes a key away whose time has come.
    pub(crate) fn expire(&mut self, slot: SlotId) {
        let entry = self.remove(slot);
        self.space.stats.expired += 1;
        self.notify(EventClass::Expired, "expired", &entry.key);
    }

    /// Notes that a key was used now.
    pub(crate) fn touch(&mut self, slot: SlotId) {
        let now = self.seconds();
        self.database_mut().touch(slot, now);
    }

    /// This moment, in seconds since 1970.
    pub(crate) fn seconds(&self) -> u32 {
        (self.space.now / 1000) as u32
    }

    fn packing(&self) -> Packing {
        Packing::new(self.config.list_max_listpack_size)
    }

    /// Notes the encoding of a list that is new to its slot.
    fn note_encoding(&mut self, slot: SlotId) {
        if let Value::List(list) = &self.entry(slot).value {
            let packing = self.packing();
            let is_quicklist = !packing.holds(Size::of(list));
            self.database_mut().set_quicklist(slot, is_quicklist);
        }
    }

    fn note_ready(&mut self, key: &[u8], value: &Value) {
        if matches!(value, Value::List(_)) {
            let full = FullKeyRef { db: self.db, key };
            self.space.blocked.note_ready(full);
        }
    }

    fn database_mut(&mut self) -> &mut Database {
        self.space.databases.entry(self.db).or_default()
    }
}

/// The name of a push to this end.
pub(crate) fn push_event(end: End) -> &'static str {
    match end {
        End::Head => "lpush",
        End::Tail => "rpush",
    }
}

/// The name of a pop from this end.
pub(crate) fn pop_event(end: End) -> &'static str {
    match end {
        End::Head => "lpop",
        End::Tail => "rpop",
    }
}
