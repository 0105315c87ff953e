//! What an operator asks of a running server, as commands of fanfare's own.
//!
//! Layer `command`. It may use `state` and what lies below.
//!
//! ```text
//!   receivers   PUBSUB RECEIVERS               who would get a message
//!   clients     CLIENT SLOWEST, CLIENT CLOSED  who reads too slowly, and who has gone and why
//!   top         PUBSUB TOP                     the busiest channels
//!   queues      QUEUE LIST, INFO, GROUPS       what waits in lists and streams
//! ```
//!
//! Each file has a function that finds the answer as data, without a reply's shape, and the command
//! that shows it. Every answer is bounded: the client says how many rows it wants, up to
//! [`MOST_ROWS`].

pub(crate) mod clients;
pub(crate) mod queues;
pub(crate) mod receivers;
pub(crate) mod top;

use crate::resp::error::CommandError;
use crate::resp::request::parse_integer;

/// The most rows that a client may ask for.
pub(crate) const MOST_ROWS: usize = 10_000;

/// Parses the number of rows that is asked for; `name` says in an error what was wrong.
fn rows(name: &str, word: &[u8]) -> Result<usize, CommandError> {
    let rows = parse_integer(word).and_then(|rows| usize::try_from(rows).ok());
    rows.filter(|&rows| rows <= MOST_ROWS)
        .ok_or_else(|| out_of_range(name))
}

#[cold]
fn out_of_range(name: &str) -> CommandError {
    CommandError::Text(format!("ERR {name} should be between 0 and {MOST_ROWS}").into())
}
