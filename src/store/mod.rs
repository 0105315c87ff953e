//! The store: keys with their values, and the clients that wait for, watch or track them.
//!
//! Layer `store`. It may use `pubsub`, `client`, `config` and the lowest layers, but neither `acl`
//! nor `observe`.
//!
//! ```text
//!   a command ──▶ Keys (one database, at one moment) ──▶ Database: slots, index, deadlines
//!                   │ a key got a value   │ a key changed       │ an event
//!                   ▼                     ▼                     ▼
//!                 Blocked: ready keys   Watched: EXEC fails   events ──▶ pub/sub
//!                   │ after the command, or after the EXEC that contains it
//!                   ▼
//!                 serve: an element for each waiter, first come, first served
//! ```
//!
//! There is one [`Keyspace`](keyspace::Keyspace) behind one lock ([`shared`]). A command holds the
//! lock from its first access to a key until its events are published, and EXEC holds it from its
//! first command to its last. So each of them is atomic for everybody else. Nothing is awaited
//! under the lock.
//!
//! # No element is lost
//!
//! An element leaves its key only after the waiter's outbox has taken the reply. Before that, the
//! kernel is asked whether the waiter's peer is still connected. A waiter whose peer has hung up is
//! passed over, even if its own task has not noticed yet.
//!
//! When a connection ends, the client is first closed and its outbox sealed, without the keyspace's
//! lock. The outbox's own lock decides about an element that arrives at the same time. If the
//! outbox has taken it, it was appended before the seal and is written. If the outbox refuses it,
//! it stays at its key. So a closed client may be among the waiters for a while.
//!
//! # No trace of a closed client
//!
//! A client begins to wait or watch only by its own commands, which its own task carries out, and
//! it is marked while it does (`Client::is_in_keyspace`). The last thing that this task does is to
//! test the mark, and to remove the client from the keyspace if it is set. So nothing is left of a
//! client that begins to wait while another thread ends its connection, even though neither thread
//! notices the other. A client without the mark needs no lock. If the lock is free, the thread that
//! ends the connection also removes the client, so that others no longer see it among the waiters.
//! It may find nothing, or the removal may be done twice; both are harmless.
//!
//! # Lock order
//!
//! keyspace → channel order → a client's subscriptions → a name's entry → an outbox.

pub(crate) mod allocation;
pub(crate) mod bits;
pub(crate) mod blocked;
mod compact_bytes;
pub(crate) mod database;
mod emptied;
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
pub(crate) mod stream;
pub(crate) mod string_value;
pub(crate) mod survey;
pub(crate) mod touched;
pub(crate) mod tracking;
pub(crate) mod value;
pub(crate) mod watched;
