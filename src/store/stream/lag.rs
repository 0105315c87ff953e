//! How many entries a group has read, and how many it has not. Redis computes both from counters,
//! and does not know them where deleted entries make the counters useless.
//!
//! Layer `store`. It uses nothing else.

use std::cmp::Ordering;

use super::group::Group;
use super::id::StreamId;
use super::log::Log;

impl Log {
    /// Whether entries may be missing at this id or after it: the largest deleted id is there, and
    /// no trimming has passed it (Redis: `streamRangeHasTombstones`).
    fn has_holes_from(&self, id: StreamId) -> bool {
        let first = self.first_id();
        first.is_some_and(|first| first <= self.max_deleted_id && id <= self.max_deleted_id)
    }

    /// How many entries were added up to this id, if that is known (Redis:
    /// `streamEstimateDistanceFromFirstEverEntry`).
    pub(crate) fn entries_until(&self, id: StreamId) -> Option<u64> {
        if self.entries_added == 0 {
            return Some(0);
        }
        let Some(first) = self.first_id() else {
            // No entry is left. Those up to the last id are counted.
            return (id <= self.last_id).then_some(self.entries_added);
        };
        if id == self.last_id {
            return Some(self.entries_added);
        }
        if id > self.last_id || self.max_deleted_id >= first {
            return None;
        }
        let removed = self.entries_added.saturating_sub(self.len());
        match id.cmp(&first) {
            Ordering::Less => Some(removed),
            Ordering::Equal => Some(removed + 1),
            Ordering::Greater => None,
        }
    }
}

impl Group {
    /// How many entries of the log it has not read yet, if that is known. It is below 0 if
    /// XGROUP said that more were read than were added.
    pub(crate) fn lag(&self, log: &Log) -> Option<i64> {
        let read = match self.entries_read {
            _ if log.entries_added == 0 => return Some(0),
            Some(read) if !log.has_holes_from(self.last_delivered) => read,
            _ => log.entries_until(self.last_delivered)?,
        };
        Some(log.entries_added.wrapping_sub(read) as i64)
    }

    /// Moves `last_delivered` to an entry that is delivered now, and counts it as read (what
    /// Redis's `streamReplyWithRange` does for each new entry). An id that is not higher changes
    /// nothing.
    pub(crate) fn advance(&mut self, id: StreamId, log: &Log) {
        if id <= self.last_delivered {
            return;
        }
        match &mut self.entries_read {
            Some(read) if !log.has_holes_from(id) => *read = read.wrapping_add(1),
            read if log.entries_added > 0 => *read = log.entries_until(id),
            _ => {}
        }
        self.last_delivered = id;
    }
}
