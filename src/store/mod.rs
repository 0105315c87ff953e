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
//! A client waits or watches under the lock only, and says so in itself (`Client::is_in_keyspace`).
//! Who ends its connection closes it first and then looks whether it says so; who makes it wait or
//! watch says so first and then looks whether it is closed ([`Keyspace::forget_if_closed`]). Both are
//! sequentially consistent: at least one of them sees the other, and forgets the client. If there is
//! nothing to forget, a disconnect does not take the lock; if another has it, the connection's own
//! task forgets later.
//!
//! [`Keyspace::forget_if_closed`]: keyspace::Keyspace::forget_if_closed
//!
//! # Lock order
//!
//! keyspace → channels' turns → a client's subscriptions → a name's entry → an outbox.

pub(crate) mod blocked;
#[cfg(any(test, fuzzing))]
mod check;
pub(crate) mod database;
pub(crate) mod encoding;
pub(crate) mod events;
pub(crate) mod keys;
pub(crate) mod keyspace;
pub(crate) mod list;
pub(crate) mod serve;
pub(crate) mod shared;
pub(crate) mod slots;
pub(crate) mod value;
pub(crate) mod watched;
