//! Finds the number of an entry by its hash, and iterates over entries in the order of their
//! hashes.
//!
//! Layer `store`. It uses nothing else.
//!
//! It is an open hash table with linear probing whose places are sorted by hash. A hash of 32 bits
//! is read as a fraction of the whole range: `home(hash) = hash * homes / 2^32`. So a larger hash
//! never has an earlier home, whatever the size of the table. The places read from left to right
//! are the entries in ascending order of their hashes, with blanks between them:
//!
//! ```text
//!   homes     0     1     2     3     4     5     6     7   | no homes: an overflow
//!   places    .    1c    2a    2e     .    a0    a1    fb     ff     .
//! ```
//!
//! SCAN uses this order: a cursor is a hash. An entry's hash does not change when the table grows
//! or shrinks, or when other entries are added or removed.
//!
//! # Invariants
//! - The full places are in ascending order of their hashes. Equal hashes are in any order.
//! - An entry is at its home or after it, with no blank in between. Together with the order, this
//!   makes "the place's hash is at least this one, or it is blank" false up to some place from the
//!   home on, and true from there. So that place can be found by bisection. Even entries that all
//!   have one home, because somebody chose them by the order of SCAN, are found in logarithmic
//!   time.
//! - The last place is blank.
//! - At most four fifths of the homes are used, and at least an eighth if there are more than
//!   [`FEW`]. So iterating over a number of entries visits at most a constant factor more places.

use super::super::super::allocation;

/// Tables with at most this many homes are not shrunk.
const FEW: usize = 64;
/// The number of homes of the first table.
const FIRST: usize = 4;
/// The number of places that are searched one by one before bisection begins.
const STEPS: usize = 16;

/// A hash in the upper half, the entry's number in the lower.
type Place = u64;

/// Larger than every full place, since no entry has the highest number.
const BLANK: Place = Place::MAX;

/// An index of entries by hash.
#[derive(Clone, Debug)]
pub(crate) struct Index {
    places: Vec<Place>,
    homes: usize,
    len: usize,
}

fn full(hash: u32, number: u32) -> Place {
    u64::from(hash) << 32 | u64::from(number)
}

fn hash_of(place: Place) -> u32 {
    (place >> 32) as u32
}

fn number_of(place: Place) -> u32 {
    place as u32
}

fn home(hash: u32, homes: usize) -> usize {
    ((u128::from(hash) * homes as u128) >> 32) as usize
}

impl Index {
    /// An empty index with room for this many entries.
    pub(crate) fn with_room(entries: usize) -> Index {
        let homes = (entries * 5).div_ceil(4).max(FIRST);
        Index {
            places: blanks(homes),
            homes,
            len: 0,
        }
    }

    /// Its heap memory in bytes.
    pub(crate) fn memory(&self) -> usize {
        allocation::buffer::<Place>(self.places.capacity())
    }

    /// The number of the entry that has this hash and for which `is_it` returns `true`.
    pub(crate) fn find(&self, hash: u32, is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        self.position(hash, is_it)
            .map(|position| number_of(self.places[position]))
    }

    /// Adds an entry, which must be new.
    ///
    /// # Panics
    /// Its number is the highest `u32`.
    pub(crate) fn insert(&mut self, hash: u32, number: u32) {
        let place = full(hash, number);
        assert!(number < u32::MAX, "fewer than 2^32 entries");
        if (self.len + 1) * 5 > self.homes * 4 {
            self.rebuild((self.homes * 3 / 2).max(FIRST));
        }
        let at = self.first_at_or_above(hash);
        let blank = at + self.run(at);
        self.places.copy_within(at..blank, at + 1);
        self.places[at] = place;
        self.len += 1;
        if blank + 1 == self.places.len() {
            add_blank(&mut self.places);
        }
    }

    /// Removes the entry with this hash and number.
    ///
    /// # Panics
    /// There is no such entry.
    pub(crate) fn remove(&mut self, hash: u32, number: u32) {
        let at = self.position_of(hash, number);
        // The entries after it that are not at their homes move one place back.
        let behind = self.places[at + 1..].iter().enumerate();
        let stay = |&(distance, &place): &(usize, &Place)| {
            place == BLANK || home(hash_of(place), self.homes) == at + 1 + distance
        };
        let moved = behind.take_while(|pair| !stay(pair)).count();
        self.places.copy_within(at + 1..=at + moved, at);
        self.places[at + moved] = BLANK;
        self.len -= 1;
        if self.homes > FEW && self.len < self.homes / 8 {
            self.rebuild((self.len * 2).max(FIRST));
        }
    }

    /// Changes the number of an entry.
    ///
    /// # Panics
    /// There is no such entry.
    pub(crate) fn renumber(&mut self, hash: u32, from: u32, to: u32) {
        let at = self.position_of(hash, from);
        self.places[at] = full(hash, to);
    }

    /// The entries whose hash is at least this one, in ascending order, as hash and number.
    pub(crate) fn walk_from(&self, hash: u32) -> impl Iterator<Item = (u32, u32)> {
        let start = self.first_at_or_above(hash);
        let full = self.places[start..].iter().filter(|&&place| place != BLANK);
        full.map(|&place| (hash_of(place), number_of(place)))
    }

    fn position_of(&self, hash: u32, number: u32) -> usize {
        self.position(hash, |other| other == number)
            .expect("an entry that is there")
    }

    fn position(&self, hash: u32, mut is_it: impl FnMut(u32) -> bool) -> Option<usize> {
        let start = self.first_at_or_above(hash);
        let same = self.places[start..]
            .iter()
            .take_while(|&&place| place != BLANK && hash_of(place) == hash);
        let distance = same.map(|&place| number_of(place)).position(&mut is_it)?;
        Some(start + distance)
    }

    /// The first place, from the hash's home on, that is blank or has at least this hash.
    fn first_at_or_above(&self, hash: u32) -> usize {
        let start = home(hash, self.homes);
        let least = full(hash, 0);
        let (mut from, mut step) = (start, STEPS);
        let near = &self.places[start..self.places.len().min(start + STEPS)];
        if let Some(distance) = near.iter().position(|&place| place >= least) {
            return start + distance;
        }
        // The last place is blank, so the search ends.
        loop {
            let until = self.places.len().min(from + step);
            let stretch = &self.places[from..until];
            if stretch[stretch.len() - 1] >= least {
                return from + stretch.partition_point(|&place| place < least);
            }
            (from, step) = (until, step * 2);
        }
    }

    /// The number of full places from here to the next blank.
    fn run(&self, at: usize) -> usize {
        let blank = self.places[at..].iter().position(|&place| place == BLANK);
        blank.expect("the last place is blank")
    }

    /// Moves the entries to a table with this many homes. They stay in order, so this is one pass.
    fn rebuild(&mut self, homes: usize) {
        let mut places = blanks(homes);
        let mut next = 0;
        for &place in self.places.iter().filter(|&&place| place != BLANK) {
            let at = home(hash_of(place), homes).max(next);
            places[at] = place;
            next = at + 1;
            if next == places.len() {
                add_blank(&mut places);
            }
        }
        self.places = places;
        self.homes = homes;
    }
}

/// A blank table with this many homes, and the places after them.
fn blanks(homes: usize) -> Vec<Place> {
    let mut places = Vec::with_capacity(homes + spare(homes));
    places.resize(homes + 1, BLANK);
    places
}

/// Adds a place at the end. The vector's own growth would double it.
fn add_blank(places: &mut Vec<Place>) {
    if places.len() == places.capacity() {
        places.reserve_exact(places.len() / 8 + 2);
    }
    places.push(BLANK);
}

/// The number of places after the homes. Rarely do more overflow.
fn spare(homes: usize) -> usize {
    (homes / 4).clamp(2, 256)
}

#[cfg(test)]
impl Index {
    /// Panics if an invariant is broken.
    pub(crate) fn invariants(&self) {
        let places = self.places.iter().enumerate();
        let full: Vec<_> = places.filter(|(_, place)| **place != BLANK).collect();
        assert_eq!(full.len(), self.len);
        assert!(full.is_sorted_by_key(|(_, place)| hash_of(**place)));
        for &(at, &place) in &full {
            let home = home(hash_of(place), self.homes);
            assert!(home <= at && !self.places[home..at].contains(&BLANK));
        }
        assert_eq!(self.places.last(), Some(&BLANK));
        assert!(self.places.len() > self.homes);
        assert!(self.len * 5 <= self.homes * 4);
        assert!(self.homes <= FEW || self.len >= self.homes / 8);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Hashes of several kinds: spread out, only a few different ones, and crowded at either end.
    fn hashes() -> impl Strategy<Value = u32> {
        prop_oneof![
            any::<u32>(),
            (0..4_u32).prop_map(|hash| hash << 30),
            0..100_u32,
            (0..100_u32).prop_map(|hash| u32::MAX - hash),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn it_holds_what_a_sorted_set_holds(
            steps in prop::collection::vec((0..10_u8, hashes(), any::<prop::sample::Index>()), 1..1000),
        ) {
            let (mut index, mut model) = (Index::with_room(0), BTreeSet::new());
            for (number, (kind, hash, which)) in (0_u32..).zip(steps) {
                // The first half mostly adds entries, and the second half mostly removes them.
                let insert = kind < if number < 600 { 7 } else { 2 };
                if insert || model.is_empty() {
                    index.insert(hash, number);
                    model.insert((hash, number));
                } else {
                    let &(hash, number) = which.get(&model.iter().copied().collect::<Vec<_>>());
                    if kind == 9 {
                        index.renumber(hash, number, number + 10_000);
                        model.insert((hash, number + 10_000));
                    } else {
                        index.remove(hash, number);
                        prop_assert_eq!(index.find(hash, |other| other == number), None);
                    }
                    model.remove(&(hash, number));
                }
                index.invariants();
                let mut rest: Vec<_> = index.walk_from(hash).collect();
                rest.sort_unstable();
                prop_assert!(rest.into_iter().eq(model.range((hash, 0)..).copied()));
            }
            for (hash, number) in model {
                prop_assert_eq!(index.find(hash, |other| other == number), Some(number));
            }
        }
    }

    #[test]
    fn crowded_entries_are_found() {
        for hash in [0, 1 << 31, u32::MAX] {
            let mut index = Index::with_room(0);
            for number in 0..3000 {
                index.insert(hash - number.min(hash) % 2000, number);
            }
            index.invariants();
            for number in 0..3000 {
                let at = hash - number.min(hash) % 2000;
                assert_eq!(index.find(at, |other| other == number), Some(number));
                assert_eq!(index.find(at, |_| false), None);
            }
            for number in 0..3000 {
                index.remove(hash - number.min(hash) % 2000, number);
            }
            index.invariants();
            assert!(index.homes <= FEW && index.memory() < 2048);
        }
    }
}
