//! `/api/clients` and `/api/closed`: who is connected, who reads too slowly, and who has gone.
//!
//! Layer `http`. It may use `command` and what lies below.

use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use serde_json::{Value, json};

use super::{choice, limit, rows, text};
use crate::client::{Client, Namespace};
use crate::command::client_line::last_command;
use crate::http::answer::Refusal;
use crate::http::caller::Caller;

/// The order of clients.
#[derive(Clone, Copy, Debug)]
enum Sort {
    /// Those first for which most bytes wait.
    Waiting,
    /// The oldest first.
    Age,
    /// By id, the latest first.
    Id,
}

impl Sort {
    fn parse(word: &[u8]) -> Option<Sort> {
        match word {
            b"waiting" => Some(Sort::Waiting),
            b"age" => Some(Sort::Age),
            b"id" => Some(Sort::Id),
            _ => None,
        }
    }
}

/// `GET /api/clients?sort=waiting|age|id&limit=100`
pub(in crate::http) fn clients(caller: &Caller) -> Result<Value, Refusal> {
    caller.permit(&[b"CLIENT", b"LIST"])?;
    let most = limit(caller, 100)?;
    let sort = choice(
        caller,
        "sort",
        Sort::Waiting,
        Sort::parse,
        "waiting, age or id",
    )?;
    // The oldest first.
    let mut clients = caller.state.clients.all();
    let total = clients.len();
    match sort {
        Sort::Waiting => clients.sort_by_cached_key(|client| Reverse(client.outbox.waiting().0)),
        Sort::Age => {}
        Sort::Id => clients.reverse(),
    }
    let rows: Vec<_> = clients.iter().take(most).map(client_row).collect();
    Ok(json!({"total": total, "clients": rows}))
}

fn client_row(client: &Arc<Client>) -> Value {
    let names = client.names();
    let [channels, patterns, shards] = {
        let subscriptions = client.subscriptions.lock();
        [Namespace::Channel, Namespace::Pattern, Namespace::Shard]
            .map(|namespace| subscriptions.len(namespace))
    };
    json!({
        "id": client.id,
        "addr": client.addresses.peer(),
        "name": text(&names.name),
        "user": text(&client.user()),
        "db": client.database.load(Relaxed),
        "age_seconds": client.age_seconds(),
        "idle_seconds": client.idle_seconds(),
        "channels": channels,
        "patterns": patterns,
        "shard_channels": shards,
        "blocked": client.is_blocked() || client.is_postponed(),
        "waiting_bytes": client.outbox.waiting().0,
        "dropped": client.outbox.dropped().messages,
        "last_command": last_command(client),
        "library": text(&names.library),
        "protocol": client.protocol().number(),
    })
}

/// `GET /api/closed?limit=100`
pub(in crate::http) fn closed(caller: &Caller) -> Result<Value, Refusal> {
    caller.permit(&[b"CLIENT", b"CLOSED"])?;
    let closed = caller.state.closed.latest(limit(caller, 100)?);
    let closed = closed.iter().map(|client| {
        json!({
            "id": client.id,
            "addr": client.addresses.peer(),
            "name": text(&client.name),
            "user": text(&client.user),
            "age_seconds": client.age_seconds,
            "closed_seconds_ago": client.closed.elapsed().as_secs(),
            "reason": client.reason.word(),
        })
    });
    Ok(rows("clients", closed))
}
