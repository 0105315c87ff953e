//! A Redis-compatible in-memory server for pub/sub, work queues and event logs, to run inside a test
//! or a development environment. It is a binary too.
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
//! runtime that started it, unless it is given [`Workers`]. Servers share nothing, and the log goes
//! to the program's own `tracing` subscriber. Only the binary needs the default feature `cli`: name
//! the library with `default-features = false`. The default feature `scripts` brings EVAL and its kin,
//! and compiles Lua; `http` brings
//! the HTTP port.
//!
//! # The life of a PUBLISH
//!
//! ```text
//!  conn       reads a batch of bytes from a socket into the thread's buffers
//!  resp       parses the requests in it, wherever reads have split them
//!  command    looks up each command in the table, validates the request, and calls the handler
//!  pubsub     encodes the message once, for RESP2 and RESP3 alike, and collects the messages to the
//!             same channel that follow it
//!  pubsub     takes the channel-order lock and finds the receivers: the channel's own subscribers,
//!             then those of matching patterns, by index
//!  pubsub     appends the messages to each receiver's outbox: small ones are copied, large bodies are
//!             shared; slow receivers share all of them
//!  conn       lets other connections of the thread execute their batches; then writes the publisher's
//!             replies and flushes the receivers' outboxes, each with one system call, a few at a
//!             time; requests that arrive meanwhile are executed in between; other workers help with
//!             a rare message that has very many receivers
//! ```
//!
//! Output that does not fit into a subscriber's socket waits in its outbox, within
//! `client-output-buffer-limit`. The subscriber's own task writes it when the socket is writable again.
//! So a publisher never waits for a subscriber. With a dropping `pubsub-overflow-policy` the outbox
//! drops messages at a limit of its own, and the subscriber keeps its connection.
//!
//! # The life of a push
//!
//! ```text
//!  command    takes the keyspace's lock and calls the handler of LPUSH, or of EXEC, which calls several
//!  store      finds or creates the list and copies the elements into it; a new list marks its key as
//!             ready
//!  store      serves the clients that wait for a ready key, in the order of their arrival: an element
//!             is popped once the client's outbox has accepted the reply
//!  pubsub     publishes the keyspace notifications that are enabled
//!  conn       releases the lock; at the end of the batch writes the pusher's replies and flushes the
//!             other outboxes; a client that was served continues with its next requests
//! ```
//!
//! # Where things are
//!
//! The layers, from the top; each uses only those below it:
//!
//! - `embed`: the embedding API
//! - `server`: the tasks: listeners, workers, housekeeping, shutdown
//! - `http`: the HTTP port
//! - `conn`: one connection's task
//! - `command`: the handlers, a file for each group of commands
//! - `state`: what all connections share, including TLS settings
//! - `store`: keys, values, waiting clients, expiry; `acl`: users and permissions; `observe`:
//!   counters, slow log, histograms; `script`: the Lua engine; `upstream`: pub/sub by another server
//! - `pubsub`: registry, pattern index, fan-out; `catalog`: the specifications of commands
//! - `client`: a connected client as others see it, including its outbox
//! - `config`: all settings
//! - `resp`: requests and replies; `glob`: patterns; `sync`: locks that can be model-tested;
//!   `hash`: the hasher of all tables
//!
//! `fuzz` has properties that must hold for any input. It is compiled for tests and fuzzing only.

#![forbid(unsafe_code)]
#![warn(missing_docs)]
// Without the binary, some public items are unreachable.
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
#[cfg(feature = "http")]
mod http;
mod observe;
mod pubsub;
mod resp;
#[cfg(feature = "scripts")]
mod script;
mod server;
mod state;
mod store;
mod sync;
mod upstream;

pub use acl::{BadLine, FileErrors, UsersError};
pub use config::{BadSetting, Refusal};
pub use embed::{Builder, Server, StartError};
pub use server::bind::ListenError;
pub use server::workers::Workers;
pub use state::bound::Bound;
pub use state::tls::TlsError;

/// What the binary uses besides the embedding API. It has no stability guarantee.
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli {
    pub use crate::config::{Config, LogFormat, LogLevel, Start, UsageErrors, from_args};
    pub use crate::state::descriptors;
}
