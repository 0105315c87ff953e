//! Pub/sub: who is subscribed to what, and how a message gets from its publisher to the outboxes.
//!
//! Layer `pubsub`. It may use `client` and what lies below.
//!
//! ```text
//!   registry     channels and patterns with their subscribers; publishes to them
//!   subscribers  the subscribers of one name
//!   patterns     the index that finds the patterns which match a channel
//!   message      encodes messages and confirmations
//!   busiest      counts what is published to which channels
//!   fanout       appends messages to outboxes, and lists the clients to flush
//!   shared_flush the part of such a list that several workers share
//!   counts       counts messages by their receivers
//! ```

pub(crate) mod busiest;
pub(crate) mod counts;
pub(crate) mod fanout;
pub(crate) mod message;
#[cfg(all(test, shuttle))]
pub(crate) mod model;
pub(crate) mod patterns;
pub(crate) mod registry;
pub(crate) mod shared_flush;
pub(crate) mod subscribers;
