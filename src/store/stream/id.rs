//! The id of an entry: a time in milliseconds and a number within it.
//!
//! Layer `store`. It uses nothing else.

use std::fmt;

/// An id. Ids are ordered by time, then by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct StreamId {
    /// The time, in milliseconds since 1970 if the server chose it.
    pub ms: u64,
    /// The number of the entry among those of this time.
    pub seq: u64,
}

impl StreamId {
    /// `0-0`, which no entry has.
    pub(crate) const MIN: StreamId = StreamId { ms: 0, seq: 0 };
    /// The largest id.
    pub(crate) const MAX: StreamId = StreamId {
        ms: u64::MAX,
        seq: u64::MAX,
    };

    /// An id from its parts.
    pub(crate) const fn new(ms: u64, seq: u64) -> StreamId {
        StreamId { ms, seq }
    }

    /// The id after this one; `None` after [`MAX`](Self::MAX) (Redis: `streamIncrID`).
    pub(crate) fn next(self) -> Option<StreamId> {
        match self.seq.checked_add(1) {
            Some(seq) => Some(StreamId::new(self.ms, seq)),
            None => Some(StreamId::new(self.ms.checked_add(1)?, 0)),
        }
    }

    /// The id before this one; `None` before [`MIN`](Self::MIN) (Redis: `streamDecrID`).
    pub(crate) fn previous(self) -> Option<StreamId> {
        match self.seq.checked_sub(1) {
            Some(seq) => Some(StreamId::new(self.ms, seq)),
            None => Some(StreamId::new(self.ms.checked_sub(1)?, u64::MAX)),
        }
    }

    /// The id that the server chooses for an entry after this one, at the time `now` (Redis:
    /// `streamNextID`). `None` after [`MAX`](Self::MAX).
    pub(crate) fn next_at(self, now: u64) -> Option<StreamId> {
        if now > self.ms {
            Some(StreamId::new(now, 0))
        } else {
            self.next()
        }
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.ms, self.seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_carry() {
        let id = StreamId::new;
        for (one, next) in [
            (StreamId::MIN, id(0, 1)),
            (id(5, 7), id(5, 8)),
            (id(5, u64::MAX), id(6, 0)),
            (id(u64::MAX, u64::MAX - 1), StreamId::MAX),
        ] {
            assert!(one < next);
            assert_eq!(one.next(), Some(next));
            assert_eq!(next.previous(), Some(one));
        }
        assert_eq!(StreamId::MIN.previous(), None);
        assert_eq!(StreamId::MAX.next(), None);
    }

    #[test]
    fn the_time_never_goes_back() {
        let last = StreamId::new(100, 3);
        assert_eq!(last.next_at(101), Some(StreamId::new(101, 0)));
        assert_eq!(last.next_at(100), Some(StreamId::new(100, 4)));
        assert_eq!(last.next_at(7), Some(StreamId::new(100, 4)));
        assert_eq!(StreamId::MAX.next_at(7), None);
        assert_eq!(last.to_string(), "100-3");
    }
}
