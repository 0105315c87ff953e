//! Queue mode: keys that hold strings and lists, and clients that wait for elements.
//!
//! ```text
//!   a command ──▶ Keys (one database, at one moment) ──▶ Database: slots, index, deadlines
//!                   │ a list came to be   │ a key changed       │ something happened
//!                   ▼                     ▼                     ▼
//!                 Blocked: ready keys   Watched: EXEC fails   events ──▶ pub/sub
//!                   │ after the command, or after the EXEC that it is in
//!                   ▼
//!                 serve: an element for each waiter, first come, first served
//! ```
//!
//! There is one [`Keyspace`](keyspace::Keyspace) behind one lock, which a command holds from its
//! first look at a key until its events are published, and EXEC from its first command to its last:
//! so each is atomic to everybody else. Nothing is awaited under the lock.
//!
//! # A waiter loses nothing
//!
//! An element leaves its list only once the waiter's outbox has taken the reply. Who serves asks
//! the kernel first whether the waiter's peer is still there, and passes over one that has hung up,
//! whose own task may not know it yet. A connection that ends is taken from the waiters under the
//! keyspace's lock first and then written out, so that an element that was given to it before goes
//! to its socket and not to nowhere.
//!
//! # Lock order
//!
//! keyspace → channels' turns → a client's subscriptions → a name's entry → an outbox.

pub(crate) mod allocation;
pub(crate) mod bits;
pub(crate) mod blocked;
pub(crate) mod database;
pub(crate) mod encoding;
pub(crate) mod events;
mod garbage;
pub(crate) mod geo;
pub(crate) mod hash_value;
pub(crate) mod hyperloglog;
#[cfg(any(test, fuzzing))]
mod invariants;
pub(crate) mod keys;
pub(crate) mod keyspace;
pub(crate) mod lcs;
pub(crate) mod list;
pub(crate) mod pairs;
pub(crate) mod random;
pub(crate) mod serve;
pub(crate) mod set;
pub(crate) mod shared;
pub(crate) mod slots;
pub(crate) mod sorted_set;
pub(crate) mod string_value;
pub(crate) mod value;
pub(crate) mod watched;
