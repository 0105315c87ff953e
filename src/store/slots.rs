//! Numbered places that keep their number for as long as something is in them.
//!
//! Layer `store`. It may use `hash`.
//!
//! SCAN is built on that. A cursor is a place's number, and places are visited in ascending order.
//! So an entry that exists during the whole scan is shown exactly once, whatever is added and
//! removed in between. (Redis promises at least once.)
//!
//! Invariants:
//! - Places come in pages. An empty page has no memory, and empty pages at the end are removed.
//! - A new entry takes a place in the first page with room. So when keys are added and removed in a
//!   keyspace that has shrunk, the entries move towards a few full pages.

use std::collections::BTreeSet;

use crate::hash::HashState;

/// The number of a place.
pub(crate) type SlotId = u32;

/// The number of places in a page.
const PAGE: usize = 256;
/// How often a random place is tried before the next taken one is used.
const RANDOM_TRIES: u64 = 64;

#[derive(Clone, Debug)]
enum Slot<T> {
    Full(T),
    Free { next: Option<u16> },
}

#[derive(Clone, Debug)]
struct Page<T> {
    slots: Vec<Slot<T>>,
    /// The place that became free last.
    free: Option<u16>,
    len: u16,
}

/// Numbered places.
#[derive(Clone, Debug)]
pub(crate) struct Slots<T> {
    pages: Vec<Page<T>>,
    /// The pages that are not full.
    with_room: BTreeSet<u32>,
    len: usize,
    /// The number of places that all pages have memory for.
    capacity: usize,
}

impl<T> Default for Page<T> {
    fn default() -> Page<T> {
        Page {
            slots: Vec::new(),
            free: None,
            len: 0,
        }
    }
}

impl<T> Default for Slots<T> {
    fn default() -> Slots<T> {
        Slots {
            pages: Vec::new(),
            with_room: BTreeSet::new(),
            len: 0,
            capacity: 0,
        }
    }
}

impl<T> Page<T> {
    fn insert(&mut self, value: T) -> usize {
        self.len += 1;
        let Some(place) = self.free else {
            self.slots.push(Slot::Full(value));
            return self.slots.len() - 1;
        };
        let slot = &mut self.slots[usize::from(place)];
        if let Slot::Free { next } = std::mem::replace(slot, Slot::Full(value)) {
            self.free = next;
        }
        usize::from(place)
    }

    fn remove(&mut self, place: usize) -> Option<T> {
        let slot = self.slots.get_mut(place)?;
        if matches!(slot, Slot::Free { .. }) {
            return None;
        }
        let freed = Slot::Free { next: self.free };
        let Slot::Full(value) = std::mem::replace(slot, freed) else {
            return None;
        };
        self.free = u16::try_from(place).ok();
        self.len -= 1;
        if self.len == 0 {
            *self = Page::default();
        }
        Some(value)
    }
}

impl<T> Slots<T> {
    /// The number of taken places.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The heap memory of the places in bytes, without what the values own.
    pub(crate) fn memory(&self) -> usize {
        self.capacity * size_of::<Slot<T>>()
            + self.pages.capacity() * size_of::<Page<T>>()
            + self.with_room.len() * size_of::<u32>() * 2
    }

    /// Roughly the number of allocations.
    pub(crate) fn allocations(&self) -> usize {
        self.pages.len() + self.with_room.len() / 8 + 1
    }

    /// A number above all taken ones, by at most a page.
    pub(crate) fn end(&self) -> usize {
        self.pages.len() * PAGE
    }

    /// Puts a value into a free place.
    ///
    /// # Panics
    /// There are more than 2^32 values.
    pub(crate) fn insert(&mut self, value: T) -> SlotId {
        let page = self.with_room.first().copied().unwrap_or_else(|| {
            let page = u32::try_from(self.pages.len()).expect("fewer than 2^32 pages");
            self.pages.push(Page::default());
            self.with_room.insert(page);
            page
        });
        let target = &mut self.pages[page as usize];
        let before = target.slots.capacity();
        let place = target.insert(value);
        self.capacity = self.capacity - before + target.slots.capacity();
        if usize::from(target.len) == PAGE {
            self.with_room.remove(&page);
        }
        self.len += 1;
        u32::try_from(page as usize * PAGE + place).expect("fewer than 2^32 values")
    }

    /// Removes and returns the value in a place.
    pub(crate) fn remove(&mut self, id: SlotId) -> Option<T> {
        let (page, place) = split(id);
        let target = self.pages.get_mut(page)?;
        let before = target.slots.capacity();
        let value = target.remove(place)?;
        self.capacity = self.capacity - before + target.slots.capacity();
        if usize::from(target.len) + 1 == PAGE {
            self.with_room.insert(page as u32);
        }
        self.len -= 1;
        while self.pages.last().is_some_and(|page| page.len == 0) {
            self.pages.pop();
            self.with_room.remove(&(self.pages.len() as u32));
        }
        if self.pages.capacity() > 2 * PAGE && self.pages.len() < self.pages.capacity() / 4 {
            self.pages.shrink_to(self.pages.len() * 2);
        }
        Some(value)
    }

    /// The value in a place.
    pub(crate) fn get(&self, id: SlotId) -> Option<&T> {
        let (page, place) = split(id);
        match self.pages.get(page)?.slots.get(place)? {
            Slot::Full(value) => Some(value),
            Slot::Free { .. } => None,
        }
    }

    /// The value in a place, to be changed.
    pub(crate) fn get_mut(&mut self, id: SlotId) -> Option<&mut T> {
        let (page, place) = split(id);
        match self.pages.get_mut(page)?.slots.get_mut(place)? {
            Slot::Full(value) => Some(value),
            Slot::Free { .. } => None,
        }
    }

    /// The values, in ascending order of their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (SlotId, &T)> {
        let places = self.places_from(0);
        places.filter_map(|(id, value)| value.map(|value| (id, value)))
    }

    /// The places from `start` on in ascending order, with their values. An empty page is returned
    /// as one place.
    pub(crate) fn places_from(&self, start: usize) -> impl Iterator<Item = (SlotId, Option<&T>)> {
        let (first, place) = (start / PAGE, start % PAGE);
        let pages = self.pages.iter().enumerate().skip(first);
        pages.flat_map(move |(number, page)| {
            let begin = number * PAGE;
            let from = if number == first { place } else { 0 };
            let slots = page.slots.iter().enumerate().skip(from);
            let places = slots.map(move |(place, slot)| match slot {
                Slot::Full(value) => ((begin + place) as SlotId, Some(value)),
                Slot::Free { .. } => ((begin + place) as SlotId, None),
            });
            let empty = page.slots.is_empty().then_some((begin as SlotId, None));
            empty.into_iter().chain(places)
        })
    }

    /// The first taken place at or after `start`, or else the first of all. `None` if no place is
    /// taken.
    pub(crate) fn at_or_after(&self, start: usize) -> Option<SlotId> {
        let taken = |(id, value): (SlotId, Option<&T>)| value.map(|_| id);
        let first = |start| self.places_from(start).find_map(taken);
        first(start).or_else(|| first(0))
    }

    /// A random taken place, chosen by the number `random`. All are equally likely, unless hardly
    /// any place is taken. `None` if no place is taken.
    pub(crate) fn some(&self, random: u64) -> Option<SlotId> {
        let end = self.end().max(1) as u64;
        let place = |number| (HashState::hash((random, number)) % end) as SlotId;
        let taken = |&id: &SlotId| self.get(id).is_some();
        let found = (0..RANDOM_TRIES).map(place).find(taken);
        found.or_else(|| self.at_or_after(place(0) as usize))
    }
}

fn split(id: SlotId) -> (usize, usize) {
    (id as usize / PAGE, id as usize % PAGE)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn empty_pages_have_no_memory_and_the_last_are_gone() {
        let mut slots = Slots::default();
        let ids: Vec<_> = (0..10 * PAGE).map(|value| slots.insert(value)).collect();
        assert_eq!(slots.end(), 10 * PAGE);
        for &id in &ids[..ids.len() - 1] {
            slots.remove(id);
        }
        let held: usize = slots.pages.iter().map(|page| page.slots.capacity()).sum();
        assert_eq!(held, slots.capacity);
        assert_eq!(held, PAGE, "only the last page has memory");
        assert_eq!(slots.insert(0), 0, "new values go to the front");
        slots.remove(ids[ids.len() - 1]);
        assert_eq!(slots.end(), PAGE);
    }

    #[test]
    fn an_empty_page_is_one_place() {
        let mut slots = Slots::default();
        let ids: Vec<_> = (0..4 * PAGE).map(|value| slots.insert(value)).collect();
        for &id in &ids[PAGE..3 * PAGE] {
            slots.remove(id);
        }
        slots.remove(ids[3 * PAGE]);
        let places: Vec<_> = slots.places_from(PAGE - 1).take(5).collect();
        let at = |page: usize, place: usize| (page * PAGE + place) as SlotId;
        assert_eq!(
            places,
            [
                (at(0, PAGE - 1), Some(&(PAGE - 1))),
                (at(1, 0), None),
                (at(2, 0), None),
                (at(3, 0), None),
                (at(3, 1), Some(&(3 * PAGE + 1))),
            ]
        );
        assert_eq!(slots.at_or_after(PAGE), Some(at(3, 1)));
        assert_eq!(slots.at_or_after(4 * PAGE), Some(0));
        assert_eq!(slots.places_from(usize::MAX).next(), None);
    }

    proptest! {
        #[test]
        fn places_keep_their_values(
            steps in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 1..2000),
        ) {
            let (mut slots, mut model) = (Slots::default(), BTreeMap::new());
            for (number, (insert, which)) in steps.into_iter().enumerate() {
                if insert || model.is_empty() {
                    let id = slots.insert(number);
                    prop_assert!(model.insert(id, number).is_none(), "{id} was taken");
                } else {
                    let &id = which.get(&model.keys().collect::<Vec<_>>()).to_owned();
                    prop_assert_eq!(slots.remove(id), model.remove(&id));
                    prop_assert_eq!(slots.remove(id), None);
                }
                prop_assert_eq!(slots.len(), model.len());
            }
            let all: Vec<_> = slots.iter().map(|(id, value)| (id, *value)).collect();
            prop_assert_eq!(&all, &model.into_iter().collect::<Vec<_>>());
            for (id, value) in all {
                prop_assert_eq!(slots.get(id), Some(&value));
                prop_assert_eq!(slots.at_or_after(id as usize), Some(id));
            }
        }
    }
}
