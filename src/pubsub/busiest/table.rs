//! The channels with the most load, in a table of a fixed size: Space-Saving by Metwally, Agrawal
//! and El Abbadi, and the merging of such tables by Agarwal and others ("Mergeable Summaries").
//!
//! Layer `pubsub`. It uses nothing else.
//!
//! A message is a load: see [`Counts::load`]. A channel that is not in a full table takes the place
//! of the one with the least load, and begins with that load. So of N entries none has less load
//! than its channel had, and a channel with more than 1/N of all load is in the table. What is shown
//! is counted apart from the load, and only while the channel is in the table. So it is never too
//! high, and it lacks a load of at most 1/N of all.

use smallvec::SmallVec;

/// The entries of a table.
pub(super) const ENTRIES: usize = 32;

/// What was published to a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Messages.
    pub messages: u64,
    /// Bytes of their payloads.
    pub bytes: u64,
    /// How many subscriptions they reached, added up.
    pub receivers: u64,
}

impl Counts {
    /// Adds what was published in another time.
    pub(super) fn add(&mut self, other: &Counts) {
        self.messages += other.messages;
        self.bytes += other.bytes;
        self.receivers += other.receivers;
    }

    /// The load by which channels are kept or displaced: what it costs roughly to publish a byte,
    /// with 64 for each message and each receiver.
    fn load(&self) -> u64 {
        self.bytes + 64 * (self.messages + self.receivers)
    }
}

/// A channel in a table.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    hash: u32,
    /// An upper bound of the channel's load.
    load: u64,
    /// What was counted since it came into the table.
    pub counts: Counts,
    /// Its name.
    pub name: SmallVec<[u8; 24]>,
}

/// The channels with the most load.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    entries: Vec<Entry>,
    /// The entry that was counted last. Messages to one channel mostly come in a row.
    last: usize,
}

impl Table {
    /// The entries, in no particular order.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Counts messages to a channel.
    pub(super) fn add(&mut self, hash: u32, name: &[u8], counts: &Counts) {
        let is_it = |entry: &Entry| entry.hash == hash && *entry.name == *name;
        if !self.entries.get(self.last).is_some_and(is_it) {
            match self.entries.iter().position(is_it) {
                Some(place) => self.last = place,
                None => self.admit(hash, name),
            }
        }
        if let Some(entry) = self.entries.get_mut(self.last) {
            entry.load += counts.load();
            entry.counts.add(counts);
        }
    }

    /// Makes an entry for a channel, the `last` one.
    #[inline(never)]
    fn admit(&mut self, hash: u32, name: &[u8]) {
        if self.entries.len() < ENTRIES {
            self.last = self.entries.len();
            self.entries.push(Entry {
                hash,
                load: 0,
                counts: Counts::default(),
                name: SmallVec::from_slice(name),
            });
            return;
        }
        let places = self.entries.iter_mut().enumerate();
        if let Some((place, entry)) = places.min_by_key(|(_, entry)| entry.load) {
            // The load stays, as the new channel's bound.
            entry.hash = hash;
            entry.counts = Counts::default();
            entry.name.clear();
            entry.name.extend_from_slice(name);
            self.last = place;
        }
    }

    /// The load that a channel that is not in the table may have had at most.
    fn floor(&self) -> u64 {
        let loads = self.entries.iter().map(|entry| entry.load);
        if self.entries.len() < ENTRIES {
            0
        } else {
            loads.min().unwrap_or(0)
        }
    }

    /// Adds what another table has counted in another time.
    pub(super) fn merge(&mut self, other: &Table) {
        let (floor, other_floor) = (self.floor(), other.floor());
        let is_same = |one: &Entry, two: &Entry| one.hash == two.hash && one.name == two.name;
        let own = self.entries.len();
        for entry in &mut self.entries {
            match other.entries.iter().find(|added| is_same(added, entry)) {
                Some(added) => {
                    entry.load += added.load;
                    entry.counts.add(&added.counts);
                }
                None => entry.load += other_floor,
            }
        }
        for added in &other.entries {
            if !self.entries[..own]
                .iter()
                .any(|entry| is_same(added, entry))
            {
                let mut added = added.clone();
                added.load += floor;
                self.entries.push(added);
            }
        }
        if self.entries.len() > ENTRIES {
            self.entries
                .sort_unstable_by_key(|entry| std::cmp::Reverse(entry.load));
            self.entries.truncate(ENTRIES);
        }
        self.last = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    const ONE: Counts = Counts {
        messages: 1,
        bytes: 64,
        receivers: 0,
    };

    /// Publishes to channel n about 1/n of the time, in an order that looks random.
    fn skewed(seed: u64, publish: &mut impl FnMut(u32)) {
        let mut state = seed;
        for _ in 0..20_000 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let uniform = (state >> 40) as f64 / (1_u64 << 24) as f64;
            publish((2000_f64.powf(uniform)) as u32);
        }
    }

    fn assert_bounds(table: &Table, truth: &HashMap<u32, u64>) {
        let all: u64 = truth.values().sum::<u64>() * ONE.load();
        let allowed = all / ENTRIES as u64;
        assert_eq!(table.entries.len(), ENTRIES);
        for (channel, messages) in truth {
            let load = messages * ONE.load();
            let found = table.entries.iter().find(|entry| entry.hash == *channel);
            match found {
                None => assert!(load <= allowed, "{channel} with {load} is not there"),
                Some(entry) => {
                    assert!(entry.load >= load && entry.load <= load + allowed);
                    let counted = entry.counts.load();
                    assert!(counted <= load && counted + allowed >= load);
                }
            }
        }
    }

    #[test]
    fn a_busy_channel_is_in_the_table_and_its_counts_are_within_the_bound() {
        let (mut table, mut truth) = (Table::default(), HashMap::new());
        skewed(7, &mut |channel| {
            table.add(channel, &channel.to_be_bytes(), &ONE);
            *truth.entry(channel).or_default() += 1;
        });
        assert!(truth.len() > 1000);
        assert_bounds(&table, &truth);
    }

    #[test]
    fn a_merged_table_keeps_the_bound() {
        let (mut merged, mut truth) = (Table::default(), HashMap::new());
        for seed in 0..6 {
            let mut table = Table::default();
            skewed(seed, &mut |channel| {
                // Each part of the time has other channels.
                let channel = channel + 100 * seed as u32;
                table.add(channel, &channel.to_be_bytes(), &ONE);
                *truth.entry(channel).or_default() += 1;
            });
            merged.merge(&table);
        }
        assert_bounds(&merged, &truth);
    }

    #[test]
    fn few_channels_are_counted_exactly() {
        let (mut table, mut other) = (Table::default(), Table::default());
        for _ in 0..10 {
            for channel in 0..20 {
                table.add(channel, &channel.to_be_bytes(), &ONE);
                // A channel of the same hash is another one.
                other.add(channel, b"other", &ONE);
            }
        }
        table.merge(&other);
        assert_eq!(table.entries.len(), ENTRIES);
        for entry in &table.entries {
            assert_eq!((entry.counts.messages, entry.counts.bytes), (10, 640));
        }
    }
}
