//! Pub/sub: the registry of subscriptions, the pattern index, and the way of a message.

pub mod fanout;
pub mod message;
#[cfg(all(test, shuttle))]
mod model;
pub mod patterns;
pub mod registry;
pub mod subscribers;
