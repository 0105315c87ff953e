//! Commands: the dispatcher and all handlers.
//!
//! Layer `command`. It may use `state` and what lies below. Connections run commands only through
//! [`dispatch()`].
//!
//! ```text
//!   dispatch       looks up a command, validates the request, runs the handler, writes the reply
//!   table          the handler of each command
//!   publish_run    consecutive PUBLISHes that are published together
//!   context        what a handler gets: the server, the client, the state of the batch
//!   session        the state of one connection that only its own commands use
//!   access         the user of a connection, and the user's permissions
//!   transaction    MULTI and EXEC
//!   hub            publishing and subscribing behind an upstream
//!   tracking       client-side caching
//!   operators      MONITOR, CLIENT PAUSE, and the recording of slow commands
//!   questions      what an operator asks of a running server
//! ```
//!
//! The other files are handlers, one file for each group of commands. A handler is a plain function
//! named after its command. It neither blocks nor awaits.

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
pub(crate) mod hub;
pub(crate) mod hyperloglog;
pub(crate) mod info;
pub(crate) mod introspect;
#[cfg(test)]
mod key_access;
pub(crate) mod keys;
pub(crate) mod latency;
pub(crate) mod list;
pub(crate) mod memory;
mod missing;
pub(crate) mod object;
#[cfg(test)]
mod on_keys;
pub(crate) mod operators;
pub(crate) mod publish_run;
pub(crate) mod pubsub;
pub(crate) mod questions;
pub(crate) mod scan;
#[cfg(feature = "scripts")]
pub(crate) mod script;
pub(crate) mod server;
mod session;
pub(crate) mod set;
pub(crate) mod slowlog;
pub(crate) mod sort;
pub(crate) mod sorted_set;
pub(crate) mod standalone;
pub(crate) mod stream;
pub(crate) mod string;
pub(crate) mod table;
mod taking;
pub(crate) mod tracking;
pub(crate) mod transaction;
pub(crate) mod wait;

use count::c_string;

pub(crate) use context::{Context, Execution, MAX_REPLIES};
pub(crate) use deferred::Deferred;
pub(crate) use dispatch::dispatch;
pub(crate) use session::{Next, ReplyMode, Session};

pub(crate) use crate::resp::request::Args;
