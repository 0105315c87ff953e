//! `/api/channels` and `/api/receivers`: what is published, and to whom.
//!
//! Layer `http`. It may use `command` and what lies below.

use serde_json::{Value, json};

use super::{bad, choice, limit, text};
use crate::command::questions::receivers::{self as questions, Receiver};
use crate::command::questions::top::{By, top, window};
use crate::http::answer::Refusal;
use crate::http::caller::Caller;
use crate::pubsub::busiest::Window;

/// `GET /api/channels?by=messages|bytes|receivers&window=10|60|600&limit=50`
pub(in crate::http) fn channels(caller: &Caller) -> Result<Value, Refusal> {
    caller.permit(&[b"PUBSUB", b"TOP"])?;
    let most = limit(caller, 50)?;
    let by = choice(
        caller,
        "by",
        By::Messages,
        By::parse,
        "messages, bytes or receivers",
    )?;
    let window = choice(
        caller,
        "window",
        Window::TenSeconds,
        window,
        "10, 60 or 600",
    )?;
    let counted = top(&caller.state, by, window, most);
    let enabled = counted.is_some();
    let channels = counted.unwrap_or_default().into_iter();
    let channels = channels.map(|(name, counts)| {
        json!({
            "channel": text(&name),
            "messages": counts.messages,
            "bytes": counts.bytes,
            "receivers": counts.receivers,
        })
    });
    Ok(json!({
        "enabled": enabled,
        "window_seconds": window.seconds(),
        "channels": channels.collect::<Vec<_>>(),
    }))
}

/// `GET /api/receivers?channel=…&limit=100`
pub(in crate::http) fn receivers(caller: &Caller) -> Result<Value, Refusal> {
    let channel = caller.target.query("channel").unwrap_or_default();
    caller.permit(&[b"PUBSUB", b"RECEIVERS", channel])?;
    if caller.target.query("channel").is_none() {
        return Err(bad("channel is missing"));
    }
    let most = limit(caller, questions::USUAL_ROWS)?;
    let found = questions::receivers(&caller.state, channel, most);
    let shown: Vec<_> = found.shown.iter().map(receiver_row).collect();
    Ok(json!({
        "channel": text(channel),
        "total": found.total,
        "receivers": shown,
    }))
}

fn receiver_row(receiver: &Receiver) -> Value {
    let pattern = receiver.pattern.as_deref();
    json!({
        "id": receiver.id,
        "name": text(&receiver.name),
        "addr": receiver.addr,
        "by": if pattern.is_some() { "pattern" } else { "channel" },
        "pattern": pattern.map_or(Value::Null, text),
    })
}
