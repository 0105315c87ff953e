//! Counts messages by how many receivers each had.
//!
//! Layer `pubsub`. It uses `client`.
//!
//! ```text
//!   a message ──▶ PublishCounts ──── once per batch ────▶ PublishTotals ──▶ INFO, /metrics
//!                 of the thread, no atomics               of the server
//! ```
//!
//! A message adds one to one *cell*: its kind and the bucket of its number of receivers. From the
//! cells follow how many messages there were, how many reached nobody, and the histogram of
//! receivers. A bit for each cell says whether it has changed, so that a batch adds to the few
//! cells that it has touched.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::client::Namespace;

/// What published a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// PUBLISH.
    Channel,
    /// SPUBLISH.
    Shard,
    /// The keyspace: a notification of an event.
    Notification,
}

impl Kind {
    /// All kinds.
    pub(crate) const ALL: [Kind; 3] = [Kind::Channel, Kind::Shard, Kind::Notification];

    /// Its name in figures.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Channel => "channel",
            Kind::Shard => "shard",
            Kind::Notification => "notification",
        }
    }
}

/// The kind of a message that a command publishes.
impl From<Namespace> for Kind {
    fn from(namespace: Namespace) -> Kind {
        match namespace {
            Namespace::Channel | Namespace::Pattern => Kind::Channel,
            Namespace::Shard => Kind::Shard,
        }
    }
}

/// Buckets of receivers: none, 1, 2, up to 4, up to 8, … up to 65,536, and more.
pub(crate) const BUCKETS: usize = 19;
const CELLS: usize = Kind::ALL.len() * BUCKETS;
const _: () = assert!(CELLS <= u64::BITS as usize);

/// The most receivers of each bucket but the last, which has no limit.
#[cfg(any(test, feature = "http"))]
pub(crate) fn bounds() -> impl Iterator<Item = u64> {
    std::iter::once(0).chain((0..BUCKETS - 2).map(|power| 1 << power))
}

fn bucket(receivers: usize) -> usize {
    match receivers.checked_sub(1) {
        None => 0,
        Some(less) => (1 + (usize::BITS - less.leading_zeros()) as usize).min(BUCKETS - 1),
    }
}

/// The counts that a thread has not added to the server's yet.
#[derive(Debug)]
pub(crate) struct PublishCounts {
    cells: [u64; CELLS],
    delivered: [u64; Kind::ALL.len()],
    /// A bit for each cell that is not zero.
    changed: u64,
}

impl Default for PublishCounts {
    fn default() -> PublishCounts {
        PublishCounts {
            cells: [0; CELLS],
            delivered: [0; Kind::ALL.len()],
            changed: 0,
        }
    }
}

impl PublishCounts {
    /// Counts a message that reached this many subscriptions.
    #[inline]
    pub(crate) fn add(&mut self, kind: Kind, receivers: usize) {
        let cell = kind as usize * BUCKETS + bucket(receivers);
        self.cells[cell] += 1;
        self.delivered[kind as usize] += receivers as u64;
        self.changed |= 1 << cell;
    }
}

/// A server's counts.
#[derive(Debug)]
pub(crate) struct PublishTotals {
    cells: [AtomicU64; CELLS],
    delivered: [AtomicU64; Kind::ALL.len()],
}

impl Default for PublishTotals {
    fn default() -> PublishTotals {
        PublishTotals {
            cells: std::array::from_fn(|_| AtomicU64::new(0)),
            delivered: Default::default(),
        }
    }
}

impl PublishTotals {
    /// Adds a thread's counts and sets them to zero.
    pub(crate) fn take(&self, counts: &mut PublishCounts) {
        while counts.changed != 0 {
            let cell = counts.changed.trailing_zeros() as usize;
            counts.changed &= counts.changed - 1;
            self.cells[cell].fetch_add(std::mem::take(&mut counts.cells[cell]), Relaxed);
            let delivered = std::mem::take(&mut counts.delivered[cell / BUCKETS]);
            if delivered > 0 {
                self.delivered[cell / BUCKETS].fetch_add(delivered, Relaxed);
            }
        }
    }

    /// Messages of a kind by bucket of their receivers ([`bounds`]).
    pub(crate) fn by_receivers(&self, kind: Kind) -> [u64; BUCKETS] {
        std::array::from_fn(|bucket| self.cells[kind as usize * BUCKETS + bucket].load(Relaxed))
    }

    /// Messages of a kind.
    pub(crate) fn published(&self, kind: Kind) -> u64 {
        self.by_receivers(kind).iter().sum()
    }

    /// Messages of a kind that reached nobody.
    pub(crate) fn unreceived(&self, kind: Kind) -> u64 {
        self.by_receivers(kind)[0]
    }

    /// Messages of a kind that were appended to subscribers' outboxes, each as often as it had
    /// receivers.
    pub(crate) fn delivered(&self, kind: Kind) -> u64 {
        self.delivered[kind as usize].load(Relaxed)
    }

    /// CONFIG RESETSTAT.
    pub(crate) fn reset(&self) {
        for counter in self.cells.iter().chain(&self.delivered) {
            counter.store(0, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_in_the_first_bucket_that_has_room_for_its_receivers() {
        let bounds: Vec<u64> = bounds().collect();
        assert_eq!(bounds.len(), BUCKETS - 1);
        assert_eq!(
            (bounds[..4].to_vec(), bounds[17]),
            (vec![0, 1, 2, 4], 65_536)
        );
        for receivers in (0..70).chain([65_535, 65_536, 65_537, usize::MAX]) {
            let expected = bounds.iter().position(|most| receivers as u64 <= *most);
            assert_eq!(
                bucket(receivers),
                expected.unwrap_or(BUCKETS - 1),
                "{receivers}"
            );
        }
    }

    #[test]
    fn counts_are_added_once() {
        let (totals, mut counts) = (PublishTotals::default(), PublishCounts::default());
        for (kind, receivers) in [
            (Kind::Channel, 0),
            (Kind::Channel, 3),
            (Kind::Channel, 100_000),
            (Kind::Shard, 4),
            (Kind::Notification, 0),
        ] {
            counts.add(kind, receivers);
        }
        let figures = |totals: &PublishTotals| {
            Kind::ALL.map(|kind| {
                let (published, lost) = (totals.published(kind), totals.unreceived(kind));
                (published, totals.delivered(kind), lost)
            })
        };
        for _ in 0..2 {
            totals.take(&mut counts);
            assert_eq!(figures(&totals), [(3, 100_003, 1), (1, 4, 0), (1, 0, 1)]);
        }
        assert_eq!(totals.by_receivers(Kind::Channel)[BUCKETS - 1], 1);
        totals.reset();
        assert_eq!(figures(&totals), [(0, 0, 0); 3]);
    }
}
