//! The busiest channels of the last 10 seconds, minute and 10 minutes.
//!
//! Layer `pubsub`. It uses `hash` and what else lies below.
//!
//! ```text
//!   a run of messages ─▶ part (by the channel's hash) ─▶ open slice of 2 s
//!                                                          │ when it is over
//!                              5 slices of 2 s      ◀──────┤    the last 10 s
//!                              5 slices of 12 s     ◀──────┤    the last minute
//!                              5 slices of 120 s    ◀──────┘    the last 10 minutes
//! ```
//!
//! Each slice of each part is a [`Table`] of the channels with the most load, so memory is bounded:
//! at most [`PARTS`] × 18 tables of [`ENTRIES`](table::ENTRIES) entries, which is 3 MB, and 9 MB more if all channels
//! have names of [`LONGEST`] bytes. Longer names are not counted.
//!
//! How exact it is: in each part up to [`ENTRIES`](table::ENTRIES) channels are counted exactly. If more are in use,
//! a channel that had more than 1/32 of the load of its part in a window is among those that are
//! told. Its counts are never too high, and lack at most that much of the load. A part has about
//! one in 64 channels. A window ends now, and is shorter than its name by up to a slice.
//!
//! Cost: publishing takes an uncontended lock and one look at an entry for each run of messages to
//! a channel. The time is read once a second, by whoever calls [`Busiest::set_time`].

mod table;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crossbeam_utils::CachePadded;
use parking_lot::Mutex;

pub(crate) use table::Counts;
use table::Table;

use crate::hash::HashState;

/// Channels are divided among so many parts, by their hash, so that publishers to different channels
/// mostly take different locks.
const PARTS: usize = 64;
/// The longest name that is counted, in bytes.
const LONGEST: usize = 256;
/// Seconds of the slice that is being counted.
const SLICE: u32 = 2;
/// Slices of a window.
const SLICES: u32 = 5;

/// A time whose busiest channels are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Window {
    /// The last 10 seconds.
    TenSeconds,
    /// The last minute.
    Minute,
    /// The last 10 minutes.
    TenMinutes,
}

impl Window {
    /// All windows.
    pub(crate) const ALL: [Window; 3] = [Window::TenSeconds, Window::Minute, Window::TenMinutes];

    /// Its seconds.
    pub(crate) const fn seconds(self) -> u32 {
        match self {
            Window::TenSeconds => 10,
            Window::Minute => 60,
            Window::TenMinutes => 600,
        }
    }

    /// How many slices that are counted make one of the window.
    const fn ratio(self) -> u32 {
        self.seconds() / SLICES / SLICE
    }
}

/// The slices of one window.
#[derive(Debug, Default)]
struct Slices {
    /// Those that are over, with their numbers.
    over: VecDeque<(u32, Table)>,
    /// The number of the one that is not over.
    number: u32,
    open: Table,
}

impl Slices {
    /// Adds a table that belongs to slice `number`.
    fn add(&mut self, number: u32, table: &Table) {
        if number != self.number {
            let open = std::mem::take(&mut self.open);
            self.over.push_back((self.number, open));
            self.number = number;
        }
        self.open.merge(table);
    }

    /// Forgets the slices that are no longer in the window when slice `now` is being counted.
    fn forget(&mut self, now: u32) {
        self.over.retain(|(number, _)| is_within(*number, now));
        if !is_within(self.number, now) {
            self.open = Table::default();
        }
    }
}

/// Whether a slice is in the window when slice `now` is being counted.
fn is_within(slice: u32, now: u32) -> bool {
    slice.saturating_add(SLICES) > now
}

/// The channels of one part.
#[derive(Debug, Default)]
struct Part {
    /// The number of the slice that is being counted.
    number: u32,
    open: Table,
    windows: [Slices; 3],
}

impl Part {
    /// Ends the slice that was counted: another one has begun.
    fn advance(&mut self, now: u32) {
        let over = std::mem::take(&mut self.open);
        for (window, slices) in Window::ALL.iter().zip(&mut self.windows) {
            if !over.entries().is_empty() {
                slices.add(self.number / window.ratio(), &over);
            }
            slices.forget(now / window.ratio());
        }
        self.number = now;
    }

    /// The tables of a window.
    fn tables(&self, window: Window) -> impl Iterator<Item = &Table> {
        let slices = &self.windows[window as usize];
        let over = slices.over.iter().map(|(_, table)| table);
        over.chain([&slices.open, &self.open])
    }
}

/// Counts what is published, if it is told to.
#[derive(Debug)]
pub(crate) struct Busiest {
    /// The number of the current slice, from 1; 0 while nothing is counted.
    now: AtomicU32,
    parts: Box<[CachePadded<Mutex<Part>>]>,
}

impl Default for Busiest {
    fn default() -> Busiest {
        Busiest {
            now: AtomicU32::new(0),
            parts: (0..PARTS).map(|_| CachePadded::default()).collect(),
        }
    }
}

impl Busiest {
    /// Tells the time, in seconds since any moment. `None`: nothing is counted from now on, and what
    /// was counted is forgotten.
    pub(crate) fn set_time(&self, seconds: Option<u64>) {
        let now = seconds.map_or(0, |seconds| {
            u32::try_from(seconds / u64::from(SLICE))
                .map_or(u32::MAX, |slice| slice.saturating_add(1))
        });
        if self.now.swap(now, Relaxed) != 0 && now == 0 {
            for part in &self.parts {
                *part.lock() = Part::default();
            }
        }
    }

    /// Whether channels are counted.
    pub(crate) fn is_on(&self) -> bool {
        self.now.load(Relaxed) != 0
    }

    /// Counts messages to a channel with this hash.
    pub(super) fn add(&self, hash: u64, name: &[u8], counts: &Counts) {
        let now = self.now.load(Relaxed);
        if now == 0 || name.len() > LONGEST {
            return;
        }
        // The lower bits choose the part.
        let mut part = self.parts[hash as usize % PARTS].lock();
        if part.number < now {
            part.advance(now);
        }
        part.open.add((hash >> 32) as u32, name, counts);
    }

    /// What was published to the channels that are known of a window, in no particular order. At
    /// most one part is locked at a time.
    pub(crate) fn counted(&self, window: Window) -> Vec<(Box<[u8]>, Counts)> {
        let now = self.now.load(Relaxed);
        let mut counted = Vec::new();
        for part in &self.parts {
            let mut sums: HashMap<Box<[u8]>, Counts, HashState> = HashMap::default();
            let mut part = part.lock();
            if part.number < now {
                part.advance(now);
            }
            for entry in part.tables(window).flat_map(Table::entries) {
                match sums.get_mut(entry.name.as_slice()) {
                    Some(sum) => sum.add(&entry.counts),
                    None => {
                        sums.insert(entry.name.as_slice().into(), entry.counts);
                    }
                }
            }
            counted.extend(sums);
        }
        counted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publish(busiest: &Busiest, name: &[u8], messages: u64) {
        let counts = Counts {
            messages,
            bytes: 10 * messages,
            receivers: 3 * messages,
        };
        busiest.add(HashState::hash(name), name, &counts);
    }

    fn messages(busiest: &Busiest, name: &[u8]) -> [u64; 3] {
        Window::ALL.map(|window| {
            let counted = busiest.counted(window).into_iter();
            let own = counted.filter(|(other, _)| **other == *name);
            let counts: Vec<_> = own.map(|(_, counts)| counts).collect();
            assert!(counts.len() <= 1);
            let counts = counts.first().copied().unwrap_or_default();
            assert_eq!(counts.bytes, 10 * counts.messages);
            assert_eq!(counts.receivers, 3 * counts.messages);
            counts.messages
        })
    }

    #[test]
    fn windows_move_with_the_time() {
        let busiest = Busiest::default();
        publish(&busiest, b"c", 100);
        assert_eq!(messages(&busiest, b"c"), [0; 3], "nothing is counted yet");
        // One message a second.
        for second in 0..2000 {
            busiest.set_time(Some(second));
            publish(&busiest, b"c", 1);
            publish(&busiest, b"other", 2);
            let expected = [10, 60, 600].map(|window| {
                let whole = window - window / 5;
                let passed = second + 1;
                (whole.min(passed), window.min(passed))
            });
            for (counted, (least, most)) in messages(&busiest, b"c").iter().zip(expected) {
                assert!((least..=most).contains(counted), "{counted} at {second} s");
            }
        }
        let two = messages(&busiest, b"other");
        assert_eq!(two, messages(&busiest, b"c").map(|one| 2 * one));
        // Silence.
        busiest.set_time(Some(2012));
        let [ten, minute, _] = messages(&busiest, b"c");
        assert!(ten == 0 && minute > 30);
        busiest.set_time(Some(2100));
        let [_, minute, all] = messages(&busiest, b"c");
        assert!(minute == 0 && all > 300);
        busiest.set_time(Some(2800));
        assert_eq!(messages(&busiest, b"c"), [0; 3]);
        assert!(busiest.counted(Window::TenMinutes).is_empty());
    }

    #[test]
    fn nothing_is_kept_once_it_is_off() {
        let busiest = Busiest::default();
        busiest.set_time(Some(0));
        assert!(busiest.is_on());
        publish(&busiest, b"c", 1);
        publish(&busiest, &[b'x'; LONGEST + 1], 1);
        assert_eq!(busiest.counted(Window::TenSeconds).len(), 1);
        busiest.set_time(None);
        assert!(!busiest.is_on());
        busiest.set_time(Some(1));
        assert!(busiest.counted(Window::TenSeconds).is_empty());
    }

    #[test]
    fn memory_is_bounded_whatever_is_published() {
        let busiest = Busiest::default();
        for second in 0..30 {
            busiest.set_time(Some(second));
            for number in 0..10_000_u64 {
                publish(&busiest, &(second * 10_000 + number).to_be_bytes(), 1);
            }
            publish(&busiest, b"busy", 1000);
        }
        for part in &busiest.parts {
            let part = part.lock();
            for window in Window::ALL {
                assert!(part.tables(window).count() <= 7);
                assert!(
                    part.tables(window)
                        .all(|table| table.entries().len() <= table::ENTRIES)
                );
            }
        }
        let [ten, ..] = messages(&busiest, b"busy");
        assert!((7000..=10_000).contains(&ten), "{ten}");
    }
}
