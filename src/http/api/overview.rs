//! `/api/overview`: the figures that a page shows at the top.
//!
//! Layer `http`. It may use `command` and what lies below.

use std::sync::atomic::Ordering::Relaxed;
use std::time::SystemTime;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde_json::{Value, json};

use crate::client::Namespace;
use crate::client::outbox::DropTotals;
use crate::http::answer::Refusal;
use crate::http::caller::Caller;
use crate::pubsub::counts::{Kind, PublishTotals};
use crate::state::{ServerState, VERSION};

/// `GET /api/overview`, for who may run INFO.
pub(in crate::http) fn overview(caller: &Caller) -> Result<Value, Refusal> {
    caller.permit(&[b"INFO"])?;
    Ok(figures(&caller.state))
}

fn figures(state: &ServerState) -> Value {
    let keys = state.keyspace.figures();
    let memory = state.memory(keys.used);
    let clients = state.client_figures();
    let (config, stats, registry) = (state.config(), &state.stats, &state.registry);
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let messages = |figure: fn(&PublishTotals, Kind) -> u64| -> u64 {
        Kind::ALL
            .iter()
            .map(|kind| figure(&stats.messages, *kind))
            .sum()
    };
    let dropped = DropTotals::POLICIES.map(|policy| stats.dropped.by(policy));
    let databases = || keys.databases.iter();
    json!({
        "server": {
            "version": VERSION,
            "run_id": state.run_id,
            "uptime_seconds": state.started.elapsed().as_secs(),
            "time_unix_ms": now.as_millis() as u64,
            "tcp_port": state.tcp_port(),
            "state": if state.shutdown.has_begun() { "draining" } else { "ready" },
        },
        "clients": {
            "connected": state.clients.count(),
            "max": config.maxclients,
            "blocked": keys.blocked + state.pause.postponed(),
            "subscribed": registry.subscribed_clients(),
            "lagging": clients.lagging,
        },
        "memory": {
            "used_bytes": memory.used(),
            "resident_bytes": memory.resident,
            "max_bytes": config.maxmemory,
            "outbox_bytes": clients.outbox_bytes,
        },
        "network": {
            "input_bytes": stats.input_bytes.load(Relaxed),
            "output_bytes": stats.output_bytes.load(Relaxed),
        },
        "commands": {"processed": stats.commands.load(Relaxed)},
        "keyspace": {
            "keys": databases().map(|(_, keys, _)| keys).sum::<usize>(),
            "expiring": databases().map(|(_, _, expiring)| expiring).sum::<usize>(),
            "hits": keys.stats.hits,
            "misses": keys.stats.misses,
            "expired": keys.stats.expired,
            // Keys are never evicted.
            "evicted": 0,
        },
        "pubsub": {
            "channels": registry.active_count(Namespace::Channel),
            "patterns": registry.pattern_count(),
            "shard_channels": registry.active_count(Namespace::Shard),
            "published": messages(PublishTotals::published),
            "delivered": messages(PublishTotals::delivered),
            "unreceived": messages(PublishTotals::unreceived),
            "dropped": dropped.iter().map(|dropped| dropped.messages).sum::<u64>(),
            "dropped_bytes": dropped.iter().map(|dropped| dropped.bytes).sum::<u64>(),
        },
        "cpu": cpu(),
        "upstream": upstream(state),
    })
}

/// The connection to the hub; null without one.
fn upstream(state: &ServerState) -> Value {
    let config = state.config();
    let (Some(upstream), Some(url)) = (&state.upstream, &config.upstream) else {
        return Value::Null;
    };
    let stats = &upstream.stats;
    json!({
        "address": url.place.to_string(),
        "up": stats.is_up.load(Relaxed),
        "losses": stats.losses().map(|(_, count)| count).sum::<u64>(),
        "last_loss": upstream.last_loss(),
        "gap_seconds": stats.gap().as_secs_f64(),
        "round_trip_us": stats.round_trip_micros.get(),
        "publish_failures": stats.publish_failures.get(),
    })
}

/// The time of the processor that the process has used, in seconds.
fn cpu() -> Value {
    let usage = getrusage(UsageWho::RUSAGE_SELF).ok();
    let seconds = |time: Option<nix::sys::time::TimeVal>| {
        time.map_or(0.0, |time| time.num_microseconds() as f64 / 1e6)
    };
    json!({
        "user_seconds": seconds(usage.map(|usage| usage.user_time())),
        "system_seconds": seconds(usage.map(|usage| usage.system_time())),
    })
}
