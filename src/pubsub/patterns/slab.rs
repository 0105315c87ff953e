//! A slab: values with `u32` ids. Values refer to each other by id instead of by pointer.
//!
//! Layer `pubsub`. It uses no other file.
//!
//! So all nodes of the trie are in one allocation, are dropped without recursion, and take half the
//! memory. Free slots form a linked list and are reused.

use std::ops::{Index, IndexMut};

/// The `u32` that is never an id; it means "no value".
pub(super) const NONE: u32 = u32::MAX;

/// With fewer slots than this, compaction frees too little memory to be worthwhile.
const SMALL: usize = 64;

/// Values with ids.
#[derive(Debug)]
pub(super) struct Slab<T> {
    slots: Vec<Slot<T>>,
    first_free: u32,
    len: usize,
}

#[derive(Debug)]
enum Slot<T> {
    Full(T),
    Free { next: u32 },
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            first_free: NONE,
            len: 0,
        }
    }
}

impl<T> Slab<T> {
    /// One more than the largest id in use.
    pub(super) fn end(&self) -> usize {
        self.slots.len()
    }

    /// The number of values.
    #[cfg(any(test, fuzzing))]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn insert(&mut self, value: T) -> u32 {
        self.len += 1;
        let id = self.first_free;
        if id != NONE {
            let slot = &mut self.slots[id as usize];
            let Slot::Free { next } = *slot else {
                unreachable!("a full slot in the list of free slots")
            };
            self.first_free = next;
            *slot = Slot::Full(value);
            return id;
        }
        assert!(self.slots.len() < NONE as usize, "ids are 32 bits");
        self.slots.push(Slot::Full(value));
        (self.slots.len() - 1) as u32
    }

    pub(super) fn remove(&mut self, id: u32) -> T {
        let free = Slot::Free {
            next: self.first_free,
        };
        match std::mem::replace(&mut self.slots[id as usize], free) {
            Slot::Full(value) => {
                self.first_free = id;
                self.len -= 1;
                value
            }
            Slot::Free { .. } => unreachable!("removed twice"),
        }
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.slots.iter_mut().filter_map(|slot| match slot {
            Slot::Full(value) => Some(value),
            Slot::Free { .. } => None,
        })
    }

    /// Whether three quarters of the slots are free. The removals since the last compaction then
    /// amortize the next one.
    pub(super) fn is_mostly_empty(&self) -> bool {
        self.slots.len() >= SMALL && self.len < self.slots.len() / 4
    }

    /// Removes the free slots and keeps the order of the values. Returns the new id of each old id,
    /// or [`NONE`].
    pub(super) fn compact(&mut self) -> Vec<u32> {
        let mut kept = Vec::with_capacity(self.len);
        let mut ids = Vec::with_capacity(self.slots.len());
        for slot in std::mem::take(&mut self.slots) {
            match slot {
                Slot::Full(_) => {
                    ids.push(kept.len() as u32);
                    kept.push(slot);
                }
                Slot::Free { .. } => ids.push(NONE),
            }
        }
        self.slots = kept;
        self.first_free = NONE;
        ids
    }
}

impl<T> Index<u32> for Slab<T> {
    type Output = T;

    #[inline]
    fn index(&self, id: u32) -> &T {
        match &self.slots[id as usize] {
            Slot::Full(value) => value,
            Slot::Free { .. } => unreachable!("a removed id"),
        }
    }
}

impl<T> IndexMut<u32> for Slab<T> {
    fn index_mut(&mut self, id: u32) -> &mut T {
        match &mut self.slots[id as usize] {
            Slot::Full(value) => value,
            Slot::Free { .. } => unreachable!("a removed id"),
        }
    }
}
