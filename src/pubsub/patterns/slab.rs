//! Storage by number: values that refer to each other by `u32` instead of by pointer, so that the
//! trie is one allocation, drops without recursion and takes half the space. Removed slots are
//! chained up and used again.

use std::ops::{Index, IndexMut};

/// No value: the `u32` that is never an id.
pub(super) const NONE: u32 = u32::MAX;

/// Below this, compacting gives back too little to be worth it.
const SMALL: usize = 64;

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

    /// How many values there are.
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
                unreachable!("a full slot among the free")
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

    /// Is three quarters of the memory unused? Compacting then has been paid for by the removals
    /// since the last time.
    pub(super) fn is_mostly_empty(&self) -> bool {
        self.slots.len() >= SMALL && self.len < self.slots.len() / 4
    }

    /// Closes the gaps, in order. Gives the new id for each old one.
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
