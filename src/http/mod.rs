//! The HTTP port: what browsers, probes, scrapers and Upstash's clients ask of the server.
//!
//! Layer `http`. It may use `conn` and what lies below. Only `server` uses it.
//!
//! ```text
//!   serve    one HTTP connection: hyper on its socket, and beside it a client of the server (conn)
//!     │      that is connected to it by a pipe. Both are one task
//!   gate     is the request from this machine's own pages, or from nowhere: Host, Origin, CORS
//!     │
//!   target   the path and the query, decoded
//!     │
//!   routes   which handler
//!     │
//!   caller   who asks: logs the client in. A handler sends its commands through the caller
//!     │
//!   answer   status, headers and body: JSON, text, or a stream
//! ```
//!
//! # To add a group of routes
//!
//! 1. Write a file of its own with a handler for each route:
//!    `pub(super) async fn name(caller: &mut Caller) -> Result<Answer, Refusal>`.
//! 2. Add its rows to [`routes`]. A route says which method it takes, and the start of its path; the
//!    rest of the path, decoded, is [`Target::rest`](target::Target::rest), and
//!    [`Target::query`](target::Target::query) finds a parameter.
//! 3. A handler that carries out a command calls [`Caller::call`](caller::Caller::call). It runs with
//!    the rights of the user whose password came with the request, in a session of its own, and is
//!    counted, logged and limited as any client's command.
//! 4. A handler that reads [`Caller::state`](caller::Caller::state) itself first asks
//!    [`Caller::permit`](caller::Caller::permit) with the command that would show the same. The error
//!    is the answer: 401 or 403.
//! 5. It answers [`Answer::json`](answer::Answer::json), [`Answer::whole`](answer::Answer::whole), or
//!    [`Refusal::new`](answer::Refusal::new) with a status and a text, which becomes
//!    `{"error":"…"}`.
//!
//! Invariants:
//! - A command comes from a real client ([`Connection`](crate::conn::Connection)), through RESP. No
//!   handler calls a command's function; those of `api` read the data that a command would show. So ACL, MONITOR, SLOWLOG, CLIENT LIST, CLIENT KILL, pauses,
//!   memory limits and statistics hold without a word here.
//! - Each request begins with a new session: nothing of the request before it is left (RESET).
//! - Nothing is read of a request's body before its user is logged in.
//! - What a peer may make the server keep is bounded: hyper's buffers, one lane of the pipe in each
//!   direction, and a body within the limits that requests in RESP have.

mod answer;
mod api;
mod caller;
mod credentials;
pub(crate) mod events;
pub(crate) mod gate;
mod health;
pub(crate) mod json;
mod link;
mod metrics;
mod page;
mod publish;
pub(crate) mod requests;
pub(crate) mod routes;
pub(crate) mod serve;
pub(crate) mod stream;
mod subscribe;
pub(crate) mod target;
mod upstash;
mod walk;
