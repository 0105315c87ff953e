//! `/api/…`: what an operator asks, as JSON.
//!
//! Layer `http`. It may use `command` and what lies below.
//!
//! ```text
//!   overview   /api/overview                                 the figures of INFO
//!   clients    /api/clients, /api/closed                     CLIENT LIST, CLIENT SLOWEST, CLIENT CLOSED
//!   pubsub     /api/channels, /api/receivers                 PUBSUB TOP, PUBSUB RECEIVERS
//!   queues     /api/queues, /api/groups                      QUEUE LIST, QUEUE GROUPS
//!   (here)     /api/slowlog                                  SLOWLOG GET
//! ```
//!
//! A route shows what a command shows, to who may run the command. It takes the data from the same
//! function as the command, not from its reply. The page at `/` shows the same values. Bytes that are UTF-8 are strings, others are
//! `{"base64":"…"}`. A parameter that is not as it should be is refused by its name.

mod clients;
mod overview;
mod pubsub;
mod queues;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::StatusCode;
use serde_json::{Value, json};

use super::answer::Refusal;
use super::caller::Caller;
use crate::command::questions::MOST_ROWS;
use crate::resp::request::parse_integer;

pub(super) use clients::{clients, closed};
pub(super) use overview::overview;
pub(super) use pubsub::{channels, receivers};
pub(super) use queues::{groups, queues};

/// `GET /api/slowlog?limit=50`
pub(super) fn slowlog(caller: &Caller) -> Result<Value, Refusal> {
    caller.permit(&[b"SLOWLOG", b"GET"])?;
    let entries = caller.state.slow_log.latest(limit(caller, 50)?);
    let entries = entries.into_iter().map(|entry| {
        let args: Vec<_> = entry.args.iter().map(|arg| text(arg)).collect();
        json!({
            "id": entry.id,
            "time_unix": entry.time,
            "duration_us": entry.duration.as_micros() as u64,
            "args": args,
            "addr": entry.peer,
            "name": text(&entry.name),
        })
    });
    Ok(rows("entries", entries))
}

/// `{"name":[…]}`
fn rows(name: &str, rows: impl Iterator<Item = Value>) -> Value {
    json!({name: rows.collect::<Vec<_>>()})
}

/// Bytes as JSON.
fn text(bytes: &[u8]) -> Value {
    match str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => json!({"base64": STANDARD.encode(bytes)}),
    }
}

/// The parameter `limit`: how many rows are asked for.
fn limit(caller: &Caller, usual: usize) -> Result<usize, Refusal> {
    let Some(word) = caller.target.query("limit") else {
        return Ok(usual);
    };
    let rows = parse_integer(word).and_then(|rows| usize::try_from(rows).ok());
    rows.filter(|&rows| rows <= MOST_ROWS)
        .ok_or_else(|| bad(&format!("limit should be between 0 and {MOST_ROWS}")))
}

/// A parameter of a few values; without it, `usual`.
fn choice<T>(
    caller: &Caller,
    name: &str,
    usual: T,
    parse: impl FnOnce(&[u8]) -> Option<T>,
    values: &str,
) -> Result<T, Refusal> {
    let Some(word) = caller.target.query(name) else {
        return Ok(usual);
    };
    parse(word).ok_or_else(|| bad(&format!("{name} should be {values}")))
}

/// A parameter is missing or not as it should be.
fn bad(text: &str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, format!("ERR {text}"))
}
