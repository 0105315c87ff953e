//! Figures of INFO, under the names that redis_exporter gives them (github.com/oliver006/redis_exporter).
//!
//! Layer `http`. It may use `state` and what lies below.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::UNIX_EPOCH;

use nix::sys::resource::{UsageWho, getrusage};

use super::page::Page;
use crate::catalog::CATALOG;
use crate::client::Namespace;
use crate::observe::stats::CommandStats;
use crate::state::{REDIS_VERSION, ServerState};
use crate::store::keyspace::Figures;

/// Databases that are shown even if they have no keys: as many as Redis has by default.
const SHOWN_DATABASES: u32 = 16;

/// Writes them.
pub(super) fn write(page: &mut Page<'_>, state: &ServerState) -> fmt::Result {
    let keys = state.keyspace.figures();
    server(page, state)?;
    clients(page, state, &keys)?;
    memory(page, state, &keys)?;
    traffic(page, state)?;
    keyspace(page, &keys)?;
    pubsub(page, state)?;
    access(page, state)?;
    cpu(page)?;
    commands(page, state)?;
    slow_log(page, state)
}

fn server(page: &mut Page<'_>, state: &ServerState) -> fmt::Result {
    page.gauge("redis_up", "1: the server has answered", 1_u32)?;
    let port = state.tcp_port().to_string();
    let process = std::process::id().to_string();
    let os = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
    page.info(
        "redis_instance_info",
        "The server, as INFO tells it",
        &[
            ("maxmemory_policy", "noeviction"),
            ("os", os.as_str()),
            ("process_id", process.as_str()),
            ("redis_build_id", ""),
            ("redis_mode", "standalone"),
            ("redis_version", REDIS_VERSION),
            ("role", "master"),
            ("run_id", state.run_id.as_str()),
            ("tcp_port", port.as_str()),
        ],
    )?;
    page.gauge(
        "redis_uptime_in_seconds",
        "Seconds since the start",
        state.started.elapsed().as_secs(),
    )?;
    let started = state.started_at.duration_since(UNIX_EPOCH);
    page.gauge(
        "redis_start_time_seconds",
        "Unix time of the start",
        started.unwrap_or_default().as_secs(),
    )
}

fn clients(page: &mut Page<'_>, state: &ServerState, keys: &Figures) -> fmt::Result {
    page.gauge(
        "redis_connected_clients",
        "Connected clients",
        state.clients.count(),
    )?;
    page.gauge(
        "redis_config_maxclients",
        "The setting maxclients",
        state.config().maxclients,
    )?;
    page.gauge(
        "redis_blocked_clients",
        "Clients that wait for an element, or for the end of a pause",
        keys.blocked + state.pause.postponed(),
    )?;
    page.gauge(
        "redis_tracking_clients",
        "Clients that track keys",
        keys.tracking.clients,
    )?;
    page.gauge("redis_connected_slaves", "Replicas: there are none", 0_u32)?;
    page.gauge(
        "redis_mem_clients_normal",
        "Bytes that clients take",
        state.client_figures().memory,
    )
}

fn memory(page: &mut Page<'_>, state: &ServerState, keys: &Figures) -> fmt::Result {
    let memory = state.memory(keys.used);
    let used = memory.used();
    for (name, help, bytes) in [
        ("used", "Bytes that the server knows to be in use", used),
        ("used_rss", "Resident bytes", memory.resident),
        ("used_peak", "The most bytes that were in use", memory.peak),
        (
            "used_dataset",
            "Bytes that keys and values take",
            memory.dataset,
        ),
        (
            "used_overhead",
            "Bytes in use without keys and values",
            memory.overhead(),
        ),
        (
            "used_startup",
            "Resident bytes at the start",
            memory.startup,
        ),
        (
            "max",
            "The setting maxmemory; 0: no limit",
            state.config().maxmemory as usize,
        ),
    ] {
        page.gauge(&format!("redis_memory_{name}_bytes"), help, bytes)?;
    }
    page.gauge(
        "redis_config_maxmemory",
        "The setting maxmemory; 0: no limit",
        state.config().maxmemory,
    )?;
    page.gauge(
        "redis_mem_fragmentation_ratio",
        "Resident bytes, divided by those in use",
        memory.resident as f64 / used as f64,
    )?;
    page.gauge(
        "redis_mem_fragmentation_bytes",
        "Resident bytes that are not in use",
        memory.resident as i64 - used as i64,
    )?;
    #[cfg(feature = "scripts")]
    scripts(page, state)?;
    Ok(())
}

#[cfg(feature = "scripts")]
fn scripts(page: &mut Page<'_>, state: &ServerState) -> fmt::Result {
    let scripts = state.scripts.figures();
    let help = "Bytes that scripts and functions take";
    page.gauge("redis_memory_used_lua_bytes", help, scripts.memory)?;
    page.gauge("redis_memory_used_scripts_bytes", help, scripts.memory)?;
    page.gauge(
        "redis_number_of_cached_scripts",
        "Scripts in the cache",
        scripts.scripts,
    )
}

fn traffic(page: &mut Page<'_>, state: &ServerState) -> fmt::Result {
    let stats = &state.stats;
    let counters: [(&str, &str, &AtomicU64); 5] = [
        (
            "connections_received",
            "Connections accepted",
            &stats.connections,
        ),
        (
            "rejected_connections",
            "Connections refused by maxclients or protected mode",
            &stats.rejected_connections,
        ),
        (
            "commands_processed",
            "Commands carried out",
            &stats.commands,
        ),
        ("net_input_bytes", "Bytes received", &stats.input_bytes),
        ("net_output_bytes", "Bytes sent", &stats.output_bytes),
    ];
    for (name, help, counter) in counters {
        page.counter(&format!("redis_{name}"), help, counter.load(Relaxed))?;
    }
    page.untyped(
        "redis_total_reads_processed",
        "Reads that returned data",
        stats.reads.load(Relaxed),
    )?;
    page.untyped(
        "redis_total_error_replies",
        "Error replies",
        stats.errors.load(Relaxed),
    )?;
    let by_code = stats.errors_by_code.lock().clone();
    page.counters(
        "redis_errors",
        "Error replies by their code",
        "err",
        by_code,
    )
}

fn keyspace(page: &mut Page<'_>, keys: &Figures) -> fmt::Result {
    for (name, help, value) in [
        (
            "keyspace_hits",
            "Reads that found their key",
            keys.stats.hits,
        ),
        (
            "keyspace_misses",
            "Reads that did not find their key",
            keys.stats.misses,
        ),
        ("expired_keys", "Keys that expired", keys.stats.expired),
        ("evicted_keys", "Keys removed for want of memory: never", 0),
    ] {
        page.counter(&format!("redis_{name}"), help, value)?;
    }
    let empty = (0..SHOWN_DATABASES)
        .filter(|db| keys.databases.iter().all(|(used, ..)| used != db))
        .map(|db| (db, 0, 0));
    let databases = keys.databases.iter().copied().chain(empty);
    let mut databases: Vec<_> = databases.collect();
    databases.sort_unstable();
    let shown = |figure: fn(&(u32, usize, usize)) -> usize| {
        let databases = databases.iter();
        databases.map(move |database| (format!("db{}", database.0), figure(database)))
    };
    let all = shown(|(_, keys, _)| *keys);
    page.gauges("redis_db_keys", "Keys of a database", "db", all)?;
    let expiring = shown(|(_, _, expiring)| *expiring);
    page.gauges(
        "redis_db_keys_expiring",
        "Keys of a database that expire",
        "db",
        expiring,
    )?;
    for (name, help, value) in [
        (
            "keys",
            "Keys that are remembered for clients that track them",
            keys.tracking.keys,
        ),
        (
            "items",
            "Pairs of a client and a key that it tracks",
            keys.tracking.items,
        ),
        (
            "prefixes",
            "Prefixes that clients track",
            keys.tracking.prefixes,
        ),
    ] {
        page.gauge(&format!("redis_tracking_total_{name}"), help, value)?;
    }
    Ok(())
}

fn pubsub(page: &mut Page<'_>, state: &ServerState) -> fmt::Result {
    let registry = &state.registry;
    for (name, help, value) in [
        (
            "channels",
            "Channels that have subscribers",
            registry.active_count(Namespace::Channel),
        ),
        (
            "patterns",
            "Patterns that have subscribers",
            registry.pattern_count(),
        ),
        (
            "clients",
            "Clients with subscriptions",
            registry.subscribed_clients(),
        ),
    ] {
        page.gauge(&format!("redis_pubsub_{name}"), help, value)?;
    }
    Ok(())
}

fn access(page: &mut Page<'_>, state: &ServerState) -> fmt::Result {
    let denied = &state.acl.denied;
    for (name, help, counter) in [
        ("auth", "Logins that failed", &denied.auth),
        ("cmd", "Commands that were denied", &denied.command),
        ("key", "Keys that were denied", &denied.key),
        ("channel", "Channels that were denied", &denied.channel),
    ] {
        let name = format!("redis_acl_access_denied_{name}");
        page.counter(&name, help, counter.load(Relaxed))?;
    }
    Ok(())
}

fn cpu(page: &mut Page<'_>) -> fmt::Result {
    for (who, suffix) in [
        (UsageWho::RUSAGE_SELF, ""),
        (UsageWho::RUSAGE_CHILDREN, "_children"),
    ] {
        let Ok(usage) = getrusage(who) else {
            continue;
        };
        for (name, time) in [("sys", usage.system_time()), ("user", usage.user_time())] {
            let seconds = time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
            page.counter(
                &format!("redis_cpu_{name}{suffix}_seconds"),
                "CPU time of the process",
                seconds,
            )?;
        }
    }
    Ok(())
}

/// The commands that were called or rejected.
fn commands(page: &mut Page<'_>, state: &ServerState) -> fmt::Result {
    let used: Vec<_> = CATALOG
        .commands_and_subcommands()
        .map(|command| (command, &state.stats.by_command[usize::from(command.id)]))
        .filter(|(_, stats)| stats.calls.load(Relaxed) + stats.rejected.load(Relaxed) > 0)
        .collect();
    let figures = |figure: fn(&CommandStats) -> &AtomicU64| {
        let used = used.iter();
        used.map(move |(command, stats)| (&*command.full_name, figure(stats).load(Relaxed)))
    };
    page.counters(
        "redis_commands",
        "Calls of a command",
        "cmd",
        figures(|stats| &stats.calls),
    )?;
    page.counters(
        "redis_commands_duration_seconds",
        "Time spent in a command",
        "cmd",
        figures(|stats| &stats.nanoseconds).map(|(name, time)| (name, time as f64 / 1e9)),
    )?;
    page.counters(
        "redis_commands_rejected_calls",
        "Calls of a command that were rejected before it ran",
        "cmd",
        figures(|stats| &stats.rejected),
    )?;
    page.counters(
        "redis_commands_failed_calls",
        "Calls of a command that ended with an error",
        "cmd",
        figures(|stats| &stats.failed),
    )
}

fn slow_log(page: &mut Page<'_>, state: &ServerState) -> fmt::Result {
    let latest = state.slow_log.latest(1);
    let latest = latest.first();
    page.gauge(
        "redis_slowlog_length",
        "Entries of the slow log",
        state.slow_log.len(),
    )?;
    page.gauge(
        "redis_slowlog_last_id",
        "The number of the slow log's latest entry",
        latest.map_or(0, |entry| entry.id),
    )?;
    page.gauge(
        "redis_last_slow_execution_duration_seconds",
        "How long the slow log's latest entry took",
        latest.map_or(0.0, |entry| entry.duration.as_secs_f64()),
    )
}
