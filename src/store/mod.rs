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
//! There is one [`Keyspace`](keyspace::Keyspace) behind one lock ([`shared`]), which a command holds from its
//! first look at a key until its events are published, and EXEC from its first command to its last:
//! so each is atomic to everybody else. Nothing is awaited under the lock.
//!
//! # A waiter loses nothing
//!
//! An element leaves its list only once the waiter's outbox has taken the reply. Who serves asks
//! the kernel first whether the waiter's peer is still there, and passes over one that has hung up,
//! whose own task may not know it yet.
//!
//! A connection that ends is closed and its outbox sealed first, without the keyspace's lock. The
//! outbox's own lock decides about an element that comes just then: one that it has taken was
//! appended before the seal, and is written out; one that it refuses stays in its list. So it does no
//! harm that a closed client is among the waiters for a while.
//!
//! # Nobody stays who has gone
//!
//! A client waits or watches by its own commands only, which its own task carries out, and is marked
//! meanwhile (`Client::is_in_keyspace`). The last thing that this task does is to look for the mark,
//! and to forget the client if it has one. So nothing is left of a client that begins to wait while
//! somebody else ends its connection, although neither takes notice of the other; and a client
//! without the mark is forgotten without the lock. Who ends the connection forgets the client too, if
//! the lock is free, so that others do not see it among the waiters any more: that may find nothing,
//! or be done twice, and does no harm.
//!
//! # Lock order
//!
//! keyspace → channels' turns → a client's subscriptions → a name's entry → an outbox.

pub(crate) mod allocation;
pub(crate) mod bits;
pub(crate) mod blocked;
mod compact_bytes;
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
pub(crate) mod touched;
pub(crate) mod tracking;
pub(crate) mod value;
pub(crate) mod watched;
