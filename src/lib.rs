//! A Redis-compatible in-memory server for pub/sub and work queues, to run inside a test or a
//! development environment. It is a binary too.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = fanfare::Server::builder().set("maxclients", "50").start().await?;
//!
//! // … connect any Redis client to server.url(), subscribe it to "news" …
//! # use tokio::io::AsyncWriteExt;
//! # let mut client = tokio::net::TcpStream::connect(server.addr().unwrap()).await?;
//! # client.write_all(b"SUBSCRIBE news\r\n").await?;
//! server.wait_for_subscribers("news", 1).await;
//! assert_eq!(server.publish("news", "hello"), 1);
//!
//! server.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! The server listens on 127.0.0.1, on a port that the system picks. Its tasks run on the tokio
//! runtime that started it, unless it is given [`Workers`]. Servers share nothing, and the log goes to
//! the program's own `tracing` subscriber. Only the binary needs the default feature `cli`: name the
//! library with `default-features = false`.
//!
//! # The life of a PUBLISH
//!
//! ```text
//!  conn       reads a batch of bytes from a socket, into buffers that the thread lends it
//!  resp       finds the requests in it, however they were cut into pieces
//!  command    looks each up in the one table, checks it, and calls its function
//!  pubsub     encodes the message once, for RESP2 and RESP3 alike, and gathers what follows it to the
//!             same channel
//!  pubsub     takes the channel's turn and finds the targets: the channel's own subscribers, then
//!             those of the patterns that match, by index
//!  pubsub     appends the messages to each target's outbox: small ones are copied, large bodies
//!             shared; those who are stuck share all of it
//!  conn       once others on the thread have had theirs carried out too: writes the publisher's
//!             replies, then the touched outboxes, each with one system call, a few at a time; what
//!             has come meanwhile is carried out in between, and joins what is still to be written
//! ```
//!
//! What does not fit into a subscriber's socket waits in its outbox, within
//! `client-output-buffer-limit`, and is written by the subscriber's own task when the socket takes
//! more. So a publisher never waits for a subscriber. Where `pubsub-overflow-policy` says so, the
//! outbox drops messages at a bound of its own, and the subscriber keeps its connection.
//!
//! # The life of a push
//!
//! ```text
//!  command    takes the keyspace's lock and calls the function of LPUSH, or EXEC's, which calls many
//!  store      finds the list, or adds it, and copies the elements into it; a list that came to be
//!             makes its key ready
//!  store      serves those who wait for a ready key, first come, first served: an element leaves
//!             the list once the waiter's outbox has taken the reply
//!  pubsub     publishes what has happened to keys, if somebody wants to know
//!  conn       lets go of the lock, and at the end of the batch writes the pusher's replies, then
//!             every touched outbox; a waiter that was served goes on with what it has sent since
//! ```
//!
//! # Where things are
//!
//! `embed` the embedding API · `server` the tasks: listeners, workers, housekeeping, shutdown · `conn`
//! one connection's task · `command` a file for each group of commands · `state` what all connections
//! share, TLS among it · `store` keys, lists, waiting clients, expiry · `acl` users and what they may
//! do · `observe` counters, slow log, histograms · `pubsub` registry, pattern index, fan-out ·
//! `catalog` what commands are · `client` a connected client as others see it, its outbox among it ·
//! `config` every setting, once · `resp` requests in, replies out · `glob` patterns · `sync` locks
//! that can be modelled · `fuzz` what must hold for any bytes.

#![forbid(unsafe_code)]
#![warn(missing_docs)]
// Without the binary, what is public for it alone is not reached.
#![cfg_attr(feature = "cli", deny(unreachable_pub))]

mod acl;
mod catalog;
mod client;
mod command;
mod config;
mod conn;
mod embed;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzz;
#[doc(hidden)]
pub mod glob;
mod hash;
mod observe;
mod pubsub;
mod resp;
mod server;
mod state;
mod store;
mod sync;

pub use acl::{BadLine, FileErrors, UsersError};
pub use config::{BadSetting, Refusal};
pub use embed::{Builder, Server, StartError};
pub use server::listener::ListenError;
pub use server::workers::Workers;
pub use state::bound::Bound;
pub use state::tls::TlsError;

/// What the binary uses beside the embedding API. No promise covers it.
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli {
    pub use crate::config::{Config, LogFormat, LogLevel, Start, UsageErrors, from_args};
    pub use crate::state::descriptors;
}
