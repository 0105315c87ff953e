//! INFO: the server's state as text, by section.
//!
//! Layer `command`. It may use `state` and what lies below.
//!
//! A field has Redis's name if it means the same. fanfare's own fields begin with `fanfare_` or
//! count something that Redis does not. Tools read `redis_version`, `role`, `loading` and the like,
//! so sections without meaning for fanfare show what a standalone Redis would.
//!
//! INFO never takes the keyspace's lock. Its figures about keys were published when the lock was
//! last released ([`SharedKeyspace`](crate::store::shared::SharedKeyspace)).

mod messages;

use std::fmt::{Display, Write};
use std::path::PathBuf;
use std::sync::LazyLock;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{SystemTime, UNIX_EPOCH};

use nix::sys::resource::{UsageWho, getrusage};

use crate::catalog::CATALOG;
use crate::client::Namespace;
use crate::observe::stats::Counter;
use crate::state::{REDIS_VERSION, ServerState, VERSION, memory};
use crate::store::keyspace::Figures;

/// A section: its name, whether INFO without arguments shows it, and the function that writes it.
struct Section {
    name: &'static str,
    by_default: bool,
    write: fn(&mut Report, &ServerState, &Figures),
}

const SECTIONS: &[Section] = &[
    Section {
        name: "Server",
        by_default: true,
        write: server,
    },
    Section {
        name: "Clients",
        by_default: true,
        write: clients,
    },
    Section {
        name: "Memory",
        by_default: true,
        write: memory,
    },
    Section {
        name: "Persistence",
        by_default: true,
        write: persistence,
    },
    Section {
        name: "Stats",
        by_default: true,
        write: stats,
    },
    Section {
        name: "Replication",
        by_default: true,
        write: replication,
    },
    Section {
        name: "CPU",
        by_default: true,
        write: cpu,
    },
    Section {
        name: "Modules",
        by_default: true,
        write: |_, _, _| {},
    },
    Section {
        name: "Commandstats",
        by_default: false,
        write: command_stats,
    },
    Section {
        name: "Errorstats",
        by_default: true,
        write: error_stats,
    },
    Section {
        name: "Latencystats",
        by_default: false,
        write: latency_stats,
    },
    Section {
        name: "Cluster",
        by_default: true,
        write: cluster,
    },
    Section {
        name: "Upstream",
        by_default: false,
        write: upstream,
    },
    Section {
        name: "Keyspace",
        by_default: true,
        write: keyspace,
    },
];

/// The path of the executable. It is read from the system once.
static EXECUTABLE: LazyLock<PathBuf> =
    LazyLock::new(|| std::env::current_exe().unwrap_or_default());

/// The text of the reply.
#[derive(Default)]
struct Report(String);

impl Report {
    fn field(&mut self, name: impl Display, value: impl Display) {
        let _ = write!(self.0, "{name}:{value}\r\n");
    }

    /// Adds a number of bytes, and a second field with the same number in a readable unit.
    fn bytes(&mut self, name: &str, bytes: usize) {
        self.field(name, bytes);
        self.field(format_args!("{name}_human"), human(bytes));
    }

    fn counter(&mut self, name: &str, counter: &Counter) {
        self.field(name, counter.load(Relaxed));
    }
}

/// The text of the sections `asked`; if there are none, of the default sections. Names are
/// case-insensitive. `default`, `all` and `everything` are sets of sections. An unknown name adds
/// nothing.
pub(crate) fn report(state: &ServerState, asked: &[&[u8]]) -> String {
    let keys = state.keyspace.figures();
    let mut report = Report::default();
    for section in SECTIONS {
        let is = |word: &[u8], name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        let wanted = (asked.is_empty() && section.by_default)
            || asked.iter().any(|word| {
                is(word, section.name)
                    || is(word, "all")
                    || is(word, "everything")
                    || (is(word, "default") && section.by_default)
            });
        if wanted {
            if !report.0.is_empty() {
                report.0.push_str("\r\n");
            }
            let _ = write!(report.0, "# {}\r\n", section.name);
            (section.write)(&mut report, state, &keys);
        }
    }
    report.0
}

fn server(report: &mut Report, state: &ServerState, _keys: &Figures) {
    let uptime = state.started.elapsed().as_secs();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    report.field("redis_version", REDIS_VERSION);
    report.field("fanfare_version", VERSION);
    report.field("redis_mode", "standalone");
    report.field(
        "os",
        format_args!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
    );
    report.field("arch_bits", usize::BITS);
    report.field("process_id", std::process::id());
    report.field("run_id", &state.run_id);
    report.field("tcp_port", state.tcp_port());
    report.field("server_time_usec", now.as_micros());
    report.field("uptime_in_seconds", uptime);
    report.field("uptime_in_days", uptime / 86_400);
    report.field("executable", EXECUTABLE.display());
}

fn clients(report: &mut Report, state: &ServerState, keys: &Figures) {
    report.field("connected_clients", state.clients.count());
    report.field("cluster_connections", 0);
    report.field("maxclients", state.config().maxclients);
    report.field("blocked_clients", keys.blocked + state.pause.postponed());
    report.field("tracking_clients", keys.tracking.clients);
    report.field("pubsub_clients", state.registry.subscribed_clients());
    let figures = state.client_figures();
    report.field("lagging_clients", figures.lagging);
    report.field("client_outbox_bytes", figures.outbox_bytes);
    report.field("client_outbox_max_bytes", figures.outbox_max_bytes);
}

fn memory(report: &mut Report, state: &ServerState, keys: &Figures) {
    let memory = state.memory(keys.used);
    let used = memory.used();
    report.bytes("used_memory", used);
    report.bytes("used_memory_rss", memory.resident);
    report.bytes("used_memory_peak", memory.peak);
    report.field("used_memory_peak_perc", percent(used, memory.peak));
    report.field("used_memory_overhead", memory.overhead());
    report.field("used_memory_startup", memory.startup);
    report.field("used_memory_dataset", memory.dataset);
    report.field(
        "used_memory_dataset_perc",
        percent(memory.dataset, used - memory.startup),
    );
    report.bytes("total_system_memory", memory::of_machine());
    #[cfg(feature = "scripts")]
    scripts(report, state);
    report.bytes("maxmemory", state.config().maxmemory as usize);
    report.field("maxmemory_policy", "noeviction");
    let ratio = memory.resident as f64 / used as f64;
    report.field("mem_fragmentation_ratio", format_args!("{ratio:.2}"));
    report.field(
        "mem_fragmentation_bytes",
        memory.resident as i64 - used as i64,
    );
    report.field("mem_clients_slaves", 0);
    report.field("mem_clients_normal", memory.clients);
    report.field("shared_backlog_bytes", state.registry.backlog_bytes());
    report.field("mem_allocator", "mimalloc");
}

/// The memory of scripts and their number.
#[cfg(feature = "scripts")]
fn scripts(report: &mut Report, state: &ServerState) {
    let figures = state.scripts.figures();
    report.bytes("used_memory_lua", figures.memory);
    report.bytes("used_memory_scripts", figures.memory);
    report.field("number_of_cached_scripts", figures.scripts);
    report.field("number_of_functions", figures.functions);
    report.field("number_of_libraries", figures.libraries);
}

/// A percentage in Redis's format.
fn percent(part: usize, whole: usize) -> String {
    let percent = part as f64 * 100.0 / (whole as f64).max(1.0);
    format!("{percent:.2}%")
}

fn persistence(report: &mut Report, _state: &ServerState, _keys: &Figures) {
    report.field("loading", 0);
    report.field("async_loading", 0);
    report.field("rdb_changes_since_last_save", 0);
    report.field("rdb_bgsave_in_progress", 0);
    report.field("aof_enabled", 0);
}

fn stats(report: &mut Report, state: &ServerState, keys: &Figures) {
    let stats = &state.stats;
    report.counter("total_connections_received", &stats.connections);
    report.counter("total_commands_processed", &stats.commands);
    report.field(
        "instantaneous_ops_per_sec",
        stats.rates.commands.per_second(),
    );
    report.counter("total_net_input_bytes", &stats.input_bytes);
    report.counter("total_net_output_bytes", &stats.output_bytes);
    let kilobytes = |bytes: u64| format!("{:.2}", bytes as f64 / 1024.0);
    let (input, output) = (&stats.rates.input_bytes, &stats.rates.output_bytes);
    report.field("instantaneous_input_kbps", kilobytes(input.per_second()));
    report.field("instantaneous_output_kbps", kilobytes(output.per_second()));
    report.counter("rejected_connections", &stats.rejected_connections);
    report.counter("accept_failures", &stats.accept_failures);
    report.counter("tls_handshake_failures", &stats.tls_handshake_failures);
    report.counter("evicted_clients", &stats.evicted_clients);
    report.field("expired_keys", keys.stats.expired);
    report.field("evicted_keys", 0);
    report.field("keyspace_hits", keys.stats.hits);
    report.field("keyspace_misses", keys.stats.misses);
    report.field(
        "pubsub_channels",
        state.registry.active_count(Namespace::Channel),
    );
    report.field("pubsub_patterns", state.registry.pattern_count());
    report.field(
        "pubsubshard_channels",
        state.registry.active_count(Namespace::Shard),
    );
    messages::write(report, stats);
    report.field("tracking_total_keys", keys.tracking.keys);
    report.field("tracking_total_items", keys.tracking.items);
    report.field("tracking_total_prefixes", keys.tracking.prefixes);
    report.counter("total_error_replies", &stats.errors);
    report.counter("total_reads_processed", &stats.reads);
    report.counter(
        "client_query_buffer_limit_disconnections",
        &stats.query_limit_disconnections,
    );
    report.counter(
        "client_output_buffer_limit_disconnections",
        &stats.output_limit_disconnections,
    );
    let denied = &state.acl.denied;
    report.counter("acl_access_denied_auth", &denied.auth);
    report.counter("acl_access_denied_cmd", &denied.command);
    report.counter("acl_access_denied_key", &denied.key);
    report.counter("acl_access_denied_channel", &denied.channel);
    report.counter("fanfare_connection_panics", &stats.connection_panics);
    report.counter("fanfare_task_panics", &stats.task_panics);
}

fn replication(report: &mut Report, state: &ServerState, _keys: &Figures) {
    report.field("role", "master");
    report.field("connected_slaves", 0);
    report.field("master_failover_state", "no-failover");
    report.field("master_replid", &state.run_id);
    report.field("master_replid2", "0".repeat(40));
    report.field("master_repl_offset", 0);
    report.field("second_repl_offset", -1);
    report.field("repl_backlog_active", 0);
}

fn cpu(report: &mut Report, _state: &ServerState, _keys: &Figures) {
    let mut usage = |who, suffix: &str| {
        if let Ok(usage) = getrusage(who) {
            let (system, user) = (usage.system_time(), usage.user_time());
            report.field(format_args!("used_cpu_sys{suffix}"), seconds(system));
            report.field(format_args!("used_cpu_user{suffix}"), seconds(user));
        }
    };
    usage(UsageWho::RUSAGE_SELF, "");
    usage(UsageWho::RUSAGE_CHILDREN, "_children");
}

fn seconds(time: nix::sys::time::TimeVal) -> String {
    format!("{}.{:06}", time.tv_sec(), time.tv_usec())
}

fn command_stats(report: &mut Report, state: &ServerState, _keys: &Figures) {
    for command in CATALOG.commands_and_subcommands() {
        let stats = &state.stats.by_command[usize::from(command.id)];
        let calls = stats.calls.load(Relaxed);
        let (rejected, failed) = (stats.rejected.load(Relaxed), stats.failed.load(Relaxed));
        if calls + rejected == 0 {
            continue;
        }
        let microseconds = stats.nanoseconds.load(Relaxed) / 1000;
        let per_call = stats.nanoseconds.load(Relaxed) as f64 / 1000.0 / calls.max(1) as f64;
        report.field(
            format_args!("cmdstat_{}", command.full_name),
            format_args!(
                "calls={calls},usec={microseconds},usec_per_call={per_call:.2},\
                 rejected_calls={rejected},failed_calls={failed}"
            ),
        );
    }
}

fn error_stats(report: &mut Report, state: &ServerState, _keys: &Figures) {
    for (code, count) in state.stats.errors_by_code.lock().iter() {
        report.field(
            format_args!("errorstat_{code}"),
            format_args!("count={count}"),
        );
    }
}

fn latency_stats(report: &mut Report, state: &ServerState, _keys: &Figures) {
    let config = state.config();
    let percentiles = &config.latency_tracking_info_percentiles;
    for command in CATALOG.commands_and_subcommands() {
        let latencies = &state.stats.by_command[usize::from(command.id)].latencies;
        let Some(times) = latencies.percentiles(percentiles.iter()) else {
            continue;
        };
        let shown = percentiles.iter().zip(times);
        let shown: Vec<String> = shown
            .map(|(percentile, time)| format!("p{percentile}={time:.3}"))
            .collect();
        report.field(
            format_args!("latency_percentiles_usec_{}", command.full_name),
            shown.join(","),
        );
    }
}

fn cluster(report: &mut Report, _state: &ServerState, _keys: &Figures) {
    report.field("cluster_enabled", 0);
}

/// The connection to the hub. Other edges read `upstream_chain` to find loops.
fn upstream(report: &mut Report, state: &ServerState, _keys: &Figures) {
    let config = state.config();
    let (Some(upstream), Some(url)) = (&state.upstream, &config.upstream) else {
        return;
    };
    let stats = &upstream.stats;
    report.field("upstream_address", &url.place);
    report.field("upstream_up", u8::from(stats.is_up.load(Relaxed)));
    report.field("upstream_chain", upstream.chain().join(","));
    report.field("upstream_connects", stats.connects.get());
    report.field("upstream_refusals", stats.refusals.get());
    report.field("upstream_last_refusal", upstream.last_refusal());
    let losses = || stats.losses();
    report.field(
        "upstream_losses",
        losses().map(|(_, count)| count).sum::<u64>(),
    );
    for (reason, count) in losses() {
        report.field(format_args!("upstream_losses_{reason}"), count);
    }
    report.field("upstream_last_loss", upstream.last_loss());
    report.field("upstream_gap_millis", stats.gap().as_millis());
    report.field("upstream_received_messages", stats.received.get());
    report.field("upstream_unwanted_messages", stats.unwanted.get());
    report.field("upstream_publish_failures", stats.publish_failures.get());
    report.field("upstream_round_trip_usec", stats.round_trip_micros.get());
    upstream.with_desk(|desk| {
        report.field("upstream_unanswered_bytes", desk.unanswered());
        report.field("upstream_waiting_clients", desk.waiting());
        let (confirmations, waited) = desk.confirmations();
        report.field("upstream_confirmations", confirmations);
        report.field("upstream_confirmations_usec", waited.as_micros());
        report.field("upstream_channels", desk.names(Namespace::Channel));
        report.field("upstream_patterns", desk.names(Namespace::Pattern));
        report.field("upstream_shard_channels", desk.names(Namespace::Shard));
    });
}

fn keyspace(report: &mut Report, _state: &ServerState, keys: &Figures) {
    for (db, keys, expires) in &keys.databases {
        report.field(
            format_args!("db{db}"),
            format_args!("keys={keys},expires={expires},avg_ttl=0"),
        );
    }
}

/// A number of bytes in a readable unit, in Redis's format.
pub(super) fn human(bytes: usize) -> String {
    let mut amount = bytes as f64;
    for unit in ["B", "K", "M", "G"] {
        if amount < 1024.0 || unit == "G" {
            return match unit {
                "B" => format!("{bytes}B"),
                unit => format!("{amount:.2}{unit}"),
            };
        }
        amount /= 1024.0;
    }
    unreachable!("the last unit has no upper limit")
}
