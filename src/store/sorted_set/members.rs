//! The members of the large form, with their scores, found by name.
//!
//! Layer `store`. It may use `hash`.
//!
//! ```text
//!   index   hash of the member → slot   (a hash table of 8-byte places)
//!   slots   slot → score, member        (numbers that stay, see `slots`)
//! ```
//!
//! A member keeps its slot as long as it exists, whatever its score becomes. So ZSCAN's cursors are
//! slots.
//!
//! Invariants:
//! - Every taken slot is in the index once, and no two slots have the same member.
//! - `on_heap` counts the members with an allocation of their own, and `heap` the bytes of these.

use hashbrown::HashTable;

use super::super::compact_bytes::CompactBytes;
use super::super::slots::{SlotId, Slots};
use crate::hash::{hash, spread};

/// Indexes of up to this many places are not shrunk.
const SHRINK_FROM: usize = 1024;
/// The number of places that a scan visits for each member that it is asked for, as in Redis.
const PLACES_PER_MEMBER: usize = 10;

/// A member and its score.
#[derive(Clone, Debug)]
struct Scored {
    score: f64,
    member: CompactBytes,
}

/// A place in the index. It holds half of the hash, so that a growing index does not need to read
/// the members.
#[derive(Clone, Copy, Debug)]
struct Place {
    hash: u32,
    slot: SlotId,
}

/// Members with their scores, by name and by slot.
#[derive(Clone, Debug, Default)]
pub(crate) struct Members {
    slots: Slots<Scored>,
    index: HashTable<Place>,
    on_heap: usize,
    heap: usize,
}

impl Members {
    /// No members, with an index for this many.
    pub(crate) fn with_capacity(members: usize) -> Members {
        Members {
            index: HashTable::with_capacity(members),
            ..Members::default()
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Its heap memory in bytes.
    pub(crate) fn memory(&self) -> usize {
        self.slots.memory() + self.index.allocation_size() + self.heap
    }

    /// Roughly the number of its allocations.
    pub(crate) fn allocations(&self) -> usize {
        self.slots.allocations() + self.on_heap + 1
    }

    /// The slot of a member.
    pub(crate) fn find(&self, member: &[u8]) -> Option<SlotId> {
        self.find_hashed(hash(member), member)
    }

    fn find_hashed(&self, hash: u32, member: &[u8]) -> Option<SlotId> {
        let place = self.index.find(spread(hash), |place| {
            place.hash == hash && self.member(place.slot) == member
        })?;
        Some(place.slot)
    }

    /// The slot of a member, which is added with this score if it is new, and whether it was added.
    pub(crate) fn find_or_insert(&mut self, member: &[u8], score: f64) -> (SlotId, bool) {
        let hash = hash(member);
        if let Some(slot) = self.find_hashed(hash, member) {
            return (slot, false);
        }
        let stored = CompactBytes::from(member);
        self.on_heap += usize::from(stored.heap() > 0);
        self.heap += stored.heap();
        let slot = self.slots.insert(Scored {
            score,
            member: stored,
        });
        self.index
            .insert_unique(spread(hash), Place { hash, slot }, |place| {
                spread(place.hash)
            });
        (slot, true)
    }

    /// The member in a slot.
    ///
    /// # Panics
    /// The slot is empty.
    pub(crate) fn member(&self, slot: SlotId) -> &[u8] {
        &self.get(slot).member
    }

    /// The score in a slot.
    ///
    /// # Panics
    /// The slot is empty.
    pub(crate) fn score(&self, slot: SlotId) -> f64 {
        self.get(slot).score
    }

    /// Changes the score in a slot.
    ///
    /// # Panics
    /// The slot is empty.
    pub(crate) fn set_score(&mut self, slot: SlotId, score: f64) {
        self.slots
            .get_mut(slot)
            .expect("a slot that is taken")
            .score = score;
    }

    /// Removes the member in a slot.
    ///
    /// # Panics
    /// The slot is empty.
    pub(crate) fn remove(&mut self, slot: SlotId) {
        let gone = self.slots.remove(slot).expect("a slot that is taken");
        let member = &*gone.member;
        self.on_heap -= usize::from(gone.member.heap() > 0);
        self.heap -= gone.member.heap();
        let found = self
            .index
            .find_entry(spread(hash(member)), |place| place.slot == slot);
        if let Ok(found) = found {
            found.remove();
        }
        let (places, members) = (self.index.capacity(), self.index.len());
        if places > SHRINK_FROM && members < places / 8 {
            self.index
                .shrink_to(members * 2, |place| spread(place.hash));
        }
    }

    /// All slots with their scores, ordered by slot.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (SlotId, f64)> {
        self.slots.iter().map(|(slot, scored)| (slot, scored.score))
    }

    /// Calls `show` with about `count` members, beginning at slot `cursor`. Returns the next
    /// cursor; 0 if all were shown.
    pub(crate) fn scan<'a>(
        &'a self,
        cursor: u64,
        count: usize,
        mut show: impl FnMut(&'a [u8], f64),
    ) -> u64 {
        let Ok(start) = usize::try_from(cursor) else {
            return 0;
        };
        let count = count.max(1);
        let (mut shown, mut visited) = (0, 0);
        for (slot, scored) in self.slots.places_from(start) {
            if shown == count || visited == count.saturating_mul(PLACES_PER_MEMBER) {
                return u64::from(slot);
            }
            visited += 1;
            if let Some(scored) = scored {
                shown += 1;
                show(&scored.member, scored.score);
            }
        }
        0
    }

    fn get(&self, slot: SlotId) -> &Scored {
        self.slots.get(slot).expect("a slot that is taken")
    }
}

#[cfg(test)]
impl Members {
    /// Panics if an invariant of the file is broken.
    pub(crate) fn invariants(&self) {
        assert_eq!(self.index.len(), self.slots.len());
        let (mut on_heap, mut heap) = (0, 0);
        for (slot, scored) in self.slots.iter() {
            assert_eq!(self.find(&scored.member), Some(slot));
            on_heap += usize::from(scored.member.heap() > 0);
            heap += scored.member.heap();
        }
        assert_eq!((on_heap, heap), (self.on_heap, self.heap));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_slot_costs_no_tag() {
        let mut members = Members::default();
        for number in 0..256_u32 {
            members.find_or_insert(&number.to_be_bytes(), 0.0);
        }
        assert_eq!(size_of::<Scored>(), 32);
        assert!(members.slots.memory() < 256 * 32 + 256);
    }
}
