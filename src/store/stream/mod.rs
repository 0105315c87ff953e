//! A stream: a log of entries with ascending ids, and the groups that share the reading of it.
//!
//! Layer `store`. It may use `config` and `resp`.
//!
//! ```text
//!   Stream ─┬─ log      entries in blocks (block.rs, entry.rs, text.rs)     trim.rs, range.rs
//!           └─ groups   name → Group ─┬─ pending     id → consumer, time, deliveries
//!                                     └─ consumers   name → times, ids of its pending entries
//! ```
//!
//! Blocks and pending entries are found by id (id_map.rs). What a group has read is counted in
//! lag.rs.
//!
//! The log and the groups know nothing of each other. An entry that is deleted from the log stays
//! in the pending lists until it is acknowledged or claimed, as in Redis. A command has both at
//! hand, since they are fields of their own: `let Stream { log, groups } = stream;`.
//!
//! Costs: an entry is appended in constant time, amortised. Finding an id, in the log, in a group's
//! pending entries or in a consumer's, takes O(log n). [`memory`](ValueType::memory) reads sums.

mod block;
mod consumers;
mod entry;
mod group;
mod groups;
mod id;
mod id_map;
mod lag;
mod log;
mod range;
#[cfg(test)]
mod tests;
mod text;
mod trim;

use super::value::ValueType;

pub(crate) use consumers::{Consumer, ConsumerId};
pub(crate) use entry::Entry;
pub(crate) use group::{Delivery, Group};
pub(crate) use groups::Groups;
pub(crate) use id::StreamId;
pub(crate) use log::{Limits, Log, MAX_BYTES};
pub(crate) use trim::{Trim, TrimTo};

/// A log and its groups.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stream {
    /// The entries.
    pub log: Log,
    /// The groups by name.
    pub groups: Groups,
}

impl ValueType for Stream {
    fn encoding(&self) -> &'static str {
        "stream"
    }

    fn memory(&self) -> usize {
        self.log.memory() + self.groups.memory()
    }

    /// A stream without entries is still a stream: it knows its last id, and its groups.
    fn is_empty(&self) -> bool {
        false
    }

    fn free_cost(&self) -> usize {
        1 + self.log.free_cost() + self.groups.free_cost()
    }
}

impl AsRef<Stream> for Stream {
    fn as_ref(&self) -> &Stream {
        self
    }
}

impl AsMut<Stream> for Stream {
    fn as_mut(&mut self) -> &mut Stream {
        self
    }
}
