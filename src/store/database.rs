//! One numbered database: keys, their values, and when they expire.
//!
//! Layer `store`. It may use `hash`.
//!
//! ```text
//!   index      hash of the key → slot        (a hash table of 8-byte places)
//!   slots      slot → key, value, expiry     (numbers that stay, see `slots`)
//!   deadlines  (expiry, slot), in order      (only of keys that expire)
//! ```
//!
//! Invariants:
//! - The three tables agree: every entry is in the index once, and in `deadlines` exactly if it
//!   expires.
//! - `used` is the sum of [`KeyEntry::memory`] over all entries. A value therefore changes only
//!   within [`Database::change`].
//! - Nothing here reads the clock: an expired entry is there until a caller removes it.

use std::collections::BTreeSet;
use std::num::NonZeroU64;

use hashbrown::HashTable;

use super::compact_bytes::CompactBytes;
use super::slots::{SlotId, Slots};
use super::value::Value;
use crate::hash::{hash, spread};

/// A time, in milliseconds since 1970.
pub(crate) type Millis = u64;

/// What the tables take for one key beside its entry: a place in the index, at its usual load.
const PER_KEY: usize = size_of::<Place>() * 8 / 7 * 3 / 2;
/// What the tables take for one expiry.
const PER_DEADLINE: usize = size_of::<(Millis, SlotId)>() * 3 / 2;
/// Tables of up to this many places are not shrunk.
const SHRINK_FROM: usize = 1024;

/// A place in the index. It holds half of the hash, so that a growing table does not need to read
/// the keys.
#[derive(Clone, Copy, Debug)]
struct Place {
    hash: u32,
    slot: SlotId,
}

/// A key with its value and its times.
#[derive(Clone, Debug)]
pub(crate) struct KeyEntry {
    /// The key.
    pub key: CompactBytes,
    /// Its value.
    pub value: Value,
    /// When it was last used, in seconds since 1970.
    pub accessed: u32,
    /// When it expires.
    deadline: Option<NonZeroU64>,
}

impl KeyEntry {
    /// When the key expires, if it does.
    pub(crate) fn deadline(&self) -> Option<Millis> {
        self.deadline.map(NonZeroU64::get)
    }

    /// The memory that the key takes in all, in bytes.
    pub(crate) fn memory(&self) -> usize {
        let deadline = if self.deadline.is_some() {
            PER_DEADLINE
        } else {
            0
        };
        size_of::<KeyEntry>() + self.key.heap() + self.value.memory() + PER_KEY + deadline
    }
}

/// The keys of one database.
#[derive(Debug, Default)]
pub(crate) struct Database {
    slots: Slots<KeyEntry>,
    index: HashTable<Place>,
    deadlines: BTreeSet<(Millis, SlotId)>,
    used: usize,
}

impl Database {
    /// The number of keys.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Roughly how many allocations dropping the database frees: each key's own, and more for large
    /// values.
    pub(crate) fn free_cost(&self) -> usize {
        2 * self.len() + self.used / 1024
    }

    /// The number of keys with a deadline.
    pub(crate) fn expiring(&self) -> usize {
        self.deadlines.len()
    }

    /// Bytes of memory that its keys take.
    pub(crate) fn used(&self) -> usize {
        self.used
    }

    /// The slot of a key, expired or not.
    pub(crate) fn find(&self, key: &[u8]) -> Option<SlotId> {
        let hash = hash(key);
        let place = self.index.find(spread(hash), |place| {
            place.hash == hash && *self.entry(place.slot).key == *key
        })?;
        Some(place.slot)
    }

    /// The entry in a slot.
    ///
    /// # Panics
    /// The slot is empty.
    pub(crate) fn entry(&self, slot: SlotId) -> &KeyEntry {
        self.slots.get(slot).expect("a slot that is taken")
    }

    /// Adds a key, which must be new.
    pub(crate) fn insert(&mut self, key: &[u8], value: Value, accessed: u32) -> SlotId {
        let entry = KeyEntry {
            key: key.into(),
            value,
            accessed,
            deadline: None,
        };
        self.used += entry.memory();
        let hash = hash(key);
        let slot = self.slots.insert(entry);
        self.index
            .insert_unique(spread(hash), Place { hash, slot }, |place| {
                spread(place.hash)
            });
        slot
    }

    /// Removes the entry in a slot.
    ///
    /// # Panics
    /// The slot is empty.
    pub(crate) fn remove(&mut self, slot: SlotId) -> KeyEntry {
        let entry = self.slots.remove(slot).expect("a slot that is taken");
        self.used -= entry.memory();
        if let Some(deadline) = entry.deadline() {
            self.deadlines.remove(&(deadline, slot));
        }
        let found = self
            .index
            .find_entry(spread(hash(&entry.key)), |place| place.slot == slot);
        if let Ok(found) = found {
            found.remove();
        }
        let (places, keys) = (self.index.capacity(), self.index.len());
        if places > SHRINK_FROM && keys < places / 8 {
            self.index.shrink_to(keys * 2, |place| spread(place.hash));
        }
        entry
    }

    /// Changes a value in place.
    pub(crate) fn change<R>(&mut self, slot: SlotId, change: impl FnOnce(&mut Value) -> R) -> R {
        let entry = self.slots.get_mut(slot).expect("a slot that is taken");
        let before = entry.value.memory();
        let result = change(&mut entry.value);
        self.used = self.used - before + entry.value.memory();
        result
    }

    /// Rebuilds the tables and the sums from the entries, after a change that may be incomplete.
    /// Entries whose value is empty are removed.
    pub(super) fn repair(&mut self) {
        let empty = self
            .slots
            .iter()
            .filter(|(_, entry)| entry.value.is_empty());
        let empty: Vec<SlotId> = empty.map(|(slot, _)| slot).collect();
        for slot in empty {
            self.slots.remove(slot);
        }
        (self.index, self.deadlines, self.used) = Default::default();
        for (slot, entry) in self.slots.iter() {
            let hash = hash(&entry.key);
            self.index
                .insert_unique(spread(hash), Place { hash, slot }, |place| {
                    spread(place.hash)
                });
            self.deadlines
                .extend(entry.deadline().map(|deadline| (deadline, slot)));
            self.used += entry.memory();
        }
    }

    /// Records that a key was used, at this time in seconds.
    pub(crate) fn touch(&mut self, slot: SlotId, now: u32) {
        if let Some(entry) = self.slots.get_mut(slot) {
            entry.accessed = now;
        }
    }

    /// Sets the time when a key expires, or that it does not expire.
    pub(crate) fn set_deadline(&mut self, slot: SlotId, deadline: Option<Millis>) {
        let entry = self.slots.get_mut(slot).expect("a slot that is taken");
        self.used -= entry.memory();
        // 0 cannot be stored, so a key that expires in the first millisecond of 1970 expires in the
        // second.
        let compact =
            deadline.map(|deadline| NonZeroU64::MIN.saturating_add(deadline.saturating_sub(1)));
        let before = std::mem::replace(&mut entry.deadline, compact);
        let (before, deadline) = (before.map(NonZeroU64::get), compact.map(NonZeroU64::get));
        self.used += entry.memory();
        if let Some(before) = before {
            self.deadlines.remove(&(before, slot));
        }
        if let Some(deadline) = deadline {
            self.deadlines.insert((deadline, slot));
        }
    }

    /// The key that expires first, and the time when it does.
    pub(crate) fn first_deadline(&self) -> Option<(Millis, SlotId)> {
        self.deadlines.first().copied()
    }

    /// All entries, ordered by slot.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (SlotId, &KeyEntry)> {
        self.slots.iter()
    }

    /// The slots from `start` on, in order, with their entries. Many empty slots may be returned as
    /// one.
    pub(crate) fn places_from(
        &self,
        start: usize,
    ) -> impl Iterator<Item = (SlotId, Option<&KeyEntry>)> {
        self.slots.places_from(start)
    }

    /// A random entry, chosen by the number `random`. All are equally likely, unless nearly all
    /// slots are empty. `None` if there is no entry.
    pub(crate) fn some_slot(&self, random: u64) -> Option<SlotId> {
        self.slots.some(random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::string_value::StringValue;

    fn text(bytes: &[u8]) -> Value {
        StringValue::new(bytes).into()
    }

    #[test]
    fn keys_are_found_until_they_are_removed() {
        let mut database = Database::default();
        for number in 0..5000_u32 {
            let slot = database.insert(&number.to_be_bytes(), text(b"value"), 0);
            if number % 2 == 0 {
                database.set_deadline(slot, Some(Millis::from(5000 - number)));
            }
        }
        assert_eq!((database.len(), database.expiring()), (5000, 2500));
        let (first, slot) = database.first_deadline().unwrap();
        assert_eq!(
            (first, &*database.entry(slot).key),
            (2, &4998_u32.to_be_bytes()[..])
        );
        for number in 0..5000_u32 {
            let slot = database.find(&number.to_be_bytes()).expect("the key");
            assert_eq!(*database.remove(slot).key, number.to_be_bytes());
            assert_eq!(database.find(&number.to_be_bytes()), None);
        }
        assert_eq!(
            (database.len(), database.expiring(), database.used()),
            (0, 0, 0)
        );
        assert!(database.index.capacity() <= SHRINK_FROM);
    }

    #[test]
    fn an_entry_is_as_small_as_its_parts() {
        assert_eq!(
            size_of::<Value>(),
            24,
            "no type makes all others pay for it"
        );
        assert_eq!(size_of::<KeyEntry>(), 64);
    }

    #[test]
    fn memory_follows_the_values() {
        let mut database = Database::default();
        let slot = database.insert(b"key", text(b"value"), 0);
        let before = database.used();
        assert_eq!(before, database.entry(slot).memory());
        database.change(slot, |value| *value = text(&[b'x'; 1000]));
        assert_eq!(database.used(), before + 995);
        database.set_deadline(slot, Some(1));
        assert_eq!(database.used(), database.entry(slot).memory());
        database.remove(slot);
        assert_eq!(database.used(), 0);
    }
}
