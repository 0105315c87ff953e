//! Commands: what carries a request out, and what all handlers work with.
//!
//! Layer `command`: below the connections, which call [`dispatch()`], the only way into a command; above
//! the server's state, which handlers read and change.
//!
//! ```text
//!   dispatch       looks a command up, checks whether it may run, runs it, answers
//!   table          which function is behind which command
//!   publish_run    PUBLISHes in a row that are published together
//!   context        what a handler works with: one connection's batch, and how the command is run
//!   session        what belongs to one connection alone
//!   access         who a connection is, and what that user may do
//!   transaction    MULTI and EXEC
//!   tracking       client-side caching: what is remembered and told around a command
//!   operators      MONITOR and CLIENT PAUSE, and what is noted of slow commands
//! ```
//!
//! The other files are handlers, a file for each group of commands. A handler is a plain function
//! named after its command; it neither blocks nor awaits.

pub(crate) mod access;
pub(crate) mod acl;
pub(crate) mod bitmap;
pub(crate) mod blocking;
pub(crate) mod client;
pub(crate) mod client_filter;
pub(crate) mod client_line;
pub(crate) mod config;
pub(crate) mod connection;
mod context;
mod count;
mod debug_protocol;
mod deferred;
mod dispatch;
pub(crate) mod expiry;
#[cfg(test)]
mod fixture;
pub(crate) mod geo;
pub(crate) mod hash;
pub(crate) mod hyperloglog;
pub(crate) mod info;
pub(crate) mod introspect;
#[cfg(test)]
mod key_access;
pub(crate) mod keys;
pub(crate) mod latency;
pub(crate) mod list;
pub(crate) mod lone;
pub(crate) mod memory;
mod missing;
pub(crate) mod object;
#[cfg(test)]
mod on_keys;
pub(crate) mod operators;
pub(crate) mod publish_run;
pub(crate) mod pubsub;
pub(crate) mod scan;
#[cfg(feature = "scripts")]
pub(crate) mod script;
pub(crate) mod server;
mod session;
pub(crate) mod set;
pub(crate) mod slowlog;
pub(crate) mod sort;
pub(crate) mod sorted_set;
pub(crate) mod string;
pub(crate) mod table;
mod taking;
pub(crate) mod tracking;
pub(crate) mod transaction;
pub(crate) mod wait;

pub(crate) use context::{Context, Execution, MAX_REPLIES};
pub(crate) use deferred::Deferred;
pub(crate) use dispatch::dispatch;
pub(crate) use session::{Next, ReplyMode, Session};

pub(crate) use crate::resp::request::Args;
