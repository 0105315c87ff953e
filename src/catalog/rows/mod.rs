//! The rows of the catalog, one file for each group of commands.
//!
//! Layer `catalog`. Tables of constants.

pub(super) mod acl;
pub(super) mod bitmap;
pub(super) mod connection;
pub(super) mod expiry;
pub(super) mod geo;
pub(super) mod hash;
pub(super) mod hyperloglog;
pub(super) mod keys;
pub(super) mod list;
pub(super) mod operators;
pub(super) mod pubsub;
pub(super) mod queue;
#[cfg(feature = "scripts")]
pub(super) mod scripting;
pub(super) mod server;
pub(super) mod set;
pub(super) mod sorted_set;
pub(super) mod sorted_sets;
pub(super) mod standalone;
pub(super) mod stream;
pub(super) mod stream_groups;
pub(super) mod string;
pub(super) mod transaction;
