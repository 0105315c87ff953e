//! Pub/sub: the registry of subscriptions, the pattern index, and the way of a message.

pub(crate) mod fanout;
pub(crate) mod message;
#[cfg(all(test, shuttle))]
pub(crate) mod model;
pub(crate) mod patterns;
pub(crate) mod registry;
pub(crate) mod subscribers;
