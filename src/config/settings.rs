//! Every setting, once. A row of the table below makes a field of [`Config`] with its docs, a row
//! of [`SETTINGS`], a flag with its `--help`, an environment variable, a line of the file, and
//! what CONFIG GET and CONFIG SET know. To add a setting, add a row.
//!
//! Invariants: a name is Redis's where Redis has the setting; rows of one group stand together;
//! the default is written as a user would write it and passes the row's own check.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::kinds::{
    Addresses, Choice, Events, Limits, Memory, MemoryOrPercent, Namespace, Number, Octal, Path,
    PercentileList, Protocols, Refusal, Secret, TlsPortNumber, YesNo, fixed,
};
use super::users::UserLines;
use super::values::{
    ClientMemory, DebugCommand, EventClasses, LogFormat, LogLevel, OutputLimits, OverflowPolicy,
    Password, Percentiles, PubSubDefault, TlsAuthClients, TlsPort, TlsProtocols,
};

/// One setting: a row of [`SETTINGS`].
#[derive(Debug)]
pub struct Setting {
    /// Redis's name, lower case, as in the file, CONFIG GET and, after `--`, the command line.
    pub name: &'static str,
    /// The heading that `--help` shows it under.
    pub group: Group,
    /// The row's doc comment as it stands: lines that begin with a space. See [`Setting::help`].
    docs: &'static str,
    /// How its value is written, for `--help`: `seconds`.
    pub syntax: &'static str,
    /// The default, as a user would write it.
    pub default: &'static str,
    /// Whether CONFIG SET may change it.
    pub change: Change,
    /// Checks the words of a value and stores it.
    pub(super) set: fn(&mut Config, &[&[u8]]) -> Result<(), Refusal>,
    /// The value as CONFIG GET prints it.
    pub(super) get: fn(&Config) -> Vec<u8>,
}

impl Setting {
    /// What it means, its unit, and why the default is what it is; one or more lines.
    pub fn help(&self) -> String {
        let lines: Vec<&str> = self.docs.lines().map(str::trim).collect();
        lines.join("\n")
    }

    /// The setting of this name, in any case.
    pub fn find(name: &[u8]) -> Option<&'static Setting> {
        SETTINGS
            .iter()
            .find(|setting| name.eq_ignore_ascii_case(setting.name.as_bytes()))
    }

    /// The environment variable that sets it: `FANFARE_TCP_BACKLOG`.
    pub fn env_name(&self) -> String {
        format!(
            "FANFARE_{}",
            self.name.to_ascii_uppercase().replace('-', "_")
        )
    }
}

/// The headings of `--help`, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Where fanfare listens.
    Network,
    /// Encrypted connections.
    Tls,
    /// What one connection, or all of them, may use.
    Limits,
    /// Keys, lists and strings.
    Queue,
    /// Who may do what.
    Security,
    /// What is logged.
    Logging,
    /// What operators can ask about what commands cost.
    Monitoring,
    /// How the process runs.
    Runtime,
    /// Redis's settings whose value cannot be another one in fanfare.
    Fixed,
}

impl Group {
    /// The heading.
    pub fn heading(self) -> &'static str {
        match self {
            Group::Network => "Network",
            Group::Tls => "TLS",
            Group::Limits => "Limits",
            Group::Queue => "Queue mode",
            Group::Security => "Security",
            Group::Logging => "Logging",
            Group::Monitoring => "Monitoring",
            Group::Runtime => "Runtime",
            Group::Fixed => "Fixed (settings of Redis that have only one value here)",
        }
    }
}

/// When a setting may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Before the server starts; CONFIG SET says "can't set immutable config".
    AtStart,
    /// With CONFIG SET as well.
    AnyTime,
}

/// Makes [`Config`] and [`SETTINGS`] of the rows. A row reads
/// `/// help` `"name" => field: Type = "default", "syntax", Namespace, Change;`
/// and a fixed one, which needs no field, `/// help` `"name" = "the one value", Change, "reason";`.
macro_rules! settings {
    (
        $(group $group:ident {$(
            $(#[doc = $help:literal])+
            $name:literal => $field:ident: $type:ty = $default:literal,
                $syntax:literal, $kind:expr, $change:ident;
        )+})+
        fixed {$(
            $(#[doc = $fixed_help:literal])+
            $fixed_name:literal = $value:literal, $fixed_change:ident, $reason:literal;
        )+}
    ) => {
        /// The value of every setting. [`Config::default`] has the defaults of [`SETTINGS`].
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Config {$($(
            $(#[doc = $help])+
            #[doc = concat!("\n\nSetting `", $name, "`; default \"", $default, "\".")]
            pub $field: $type,
        )+)+
            /// Users that are there from the start (`user name rule...`), beside the default one.
            pub users: UserLines,
        }

        impl Config {
            /// Zeros and empty texts, for the defaults to be written into.
            pub(super) fn blank() -> Config {
                Config {$($( $field: Default::default(), )+)+ users: UserLines::default()}
            }
        }

        /// All settings, by group.
        pub static SETTINGS: &[Setting] = &[
            $($(Setting {
                name: $name,
                group: Group::$group,
                docs: concat!($($help, "\n"),+),
                syntax: $syntax,
                default: $default,
                change: Change::$change,
                set: |config, words| $kind.set(&mut config.$field, words),
                get: |config| $kind.get(&config.$field),
            },)+)+
            $(Setting {
                name: $fixed_name,
                group: Group::Fixed,
                docs: concat!($($fixed_help, "\n"),+),
                syntax: if $value.is_empty() { "\"\"" } else { $value },
                default: $value,
                change: Change::$fixed_change,
                set: |_, words| fixed(words, $value, $reason),
                get: |_| $value.into(),
            },)+
        ];
    };
}

const KB: i64 = 1024;
const MB: i64 = 1024 * 1024;
/// Redis keeps these settings in a C `int`.
const INT: RangeInclusive<i64> = 0..=i32::MAX as i64;

settings! {
    group Network {
        /// Addresses to listen on; one that begins with `-` may be missing on this machine, `*` is
        /// all of IPv4, `::*` all of IPv6, and "" is no TCP at all (give a unixsocket then). Only
        /// this machine by default: without a password, a wider address serves anybody.
        "bind" => bind: Vec<String> = "127.0.0.1",
            "address...", Addresses, AtStart;
        /// TCP port; 0 lets the system pick a free one, which the line `ready tcp address:port` on
        /// standard output then names, or beside a tls-port is no port without TLS. Redis's port by
        /// default, where clients look first.
        "port" => port: u16 = "6379",
            "port", Number(0..=65535), AtStart;
        /// Connections that may wait to be accepted; the system may allow fewer. Redis's default.
        "tcp-backlog" => tcp_backlog: u32 = "511",
            "connections", Number(INT), AtStart;
        /// Seconds of silence after which TCP asks a client whether it is still there; 0 never
        /// asks. 300 finds dead peers within minutes and keeps idle subscribers through most NATs.
        "tcp-keepalive" => tcp_keepalive: Option<Duration> = "300",
            "seconds", Number(INT), AnyTime;
        /// Path of a Unix socket to listen on as well; "" is none.
        "unixsocket" => unixsocket: Option<PathBuf> = "",
            "path", Path, AtStart;
        /// Permissions of the Unix socket, in octal; 0 leaves them to the umask.
        "unixsocketperm" => unixsocketperm: u32 = "0",
            "octal", Octal(0..=0o777), AtStart;
    }
    group Tls {
        /// TCP port for connections under TLS; 0 is none. `auto` lets the system pick a free one,
        /// which the line `ready tls address:port` on standard output then names.
        "tls-port" => tls_port: TlsPort = "0",
            "port|auto", TlsPortNumber, AtStart;
        /// Path of the server's certificate, in PEM, and those that lead from it to an authority.
        /// CONFIG SET of this or any other of these settings, also to what it is, reads the files
        /// again; connections that are there stay as they are.
        "tls-cert-file" => tls_cert_file: Option<PathBuf> = "",
            "path", Path, AnyTime;
        /// Path of its private key, in PEM, not encrypted.
        "tls-key-file" => tls_key_file: Option<PathBuf> = "",
            "path", Path, AnyTime;
        /// Path of the certificates, in PEM, by which clients' own are checked.
        "tls-ca-cert-file" => tls_ca_cert_file: Option<PathBuf> = "",
            "path", Path, AnyTime;
        /// Whether a client must have a certificate, may have one, which is then checked, or is not
        /// asked for one. Redis's default: who opens a port by mistake serves nobody.
        "tls-auth-clients" => tls_auth_clients: TlsAuthClients = "yes",
            "yes|no|optional", Choice(TlsAuthClients::NAMES), AnyTime;
        /// Versions of TLS that are spoken: TLSv1.2, TLSv1.3; "" is both.
        "tls-protocols" => tls_protocols: TlsProtocols = "",
            "protocol...", Protocols, AnyTime;
        /// Seconds that a new connection has to agree on keys, before it is closed: until then
        /// it is served to whoever comes; 0 is no limit.
        "tls-handshake-timeout" => tls_handshake_timeout: Option<Duration> = "10",
            "seconds", Number(INT), AnyTime;
    }
    group Limits {
        /// Connections served at once; one more is told so and closed. Redis's default.
        "maxclients" => maxclients: u32 = "10000",
            "connections", Number(1..=u32::MAX as i64), AnyTime;
        /// Seconds without a command after which a connection without subscriptions is closed;
        /// 0 never closes, as clients keep idle connections in pools.
        "timeout" => timeout: Option<Duration> = "0",
            "seconds", Number(INT), AnyTime;
        /// Bytes in one argument of a command, a message's payload among them. Redis's default.
        "proto-max-bulk-len" => proto_max_bulk_len: u64 = "512mb",
            "bytes", Memory(MB..=i64::MAX), AnyTime;
        /// Bytes of one connection's commands that are held until they are carried out; past it
        /// the connection is closed. Above proto-max-bulk-len, so that the longest argument fits.
        "client-query-buffer-limit" => client_query_buffer_limit: u64 = "1gb",
            "bytes", Memory(MB..=i64::MAX), AnyTime;
        /// When a slow reader is closed: at `hard` bytes waiting for it, or after `seconds` above
        /// `soft` bytes; 0 is no limit. Classes: normal, replica, pubsub; those not named stay as
        /// they are. A subscriber is bounded by default, as it does not choose what it is sent.
        "client-output-buffer-limit" => client_output_buffer_limit: OutputLimits
            = "normal 0 0 0 replica 256mb 64mb 60 pubsub 32mb 8mb 60",
            "class hard soft seconds...", Limits, AnyTime;
        /// What happens to a subscriber that reads too slowly: `disconnect` closes it at
        /// client-output-buffer-limit, as Redis does; `drop-oldest` and `drop-newest` keep it and
        /// drop messages, the longest waiting ones or those that come, which are counted and logged.
        /// A connection may choose for itself by CLIENT OVERFLOW.
        "pubsub-overflow-policy" => pubsub_overflow_policy: OverflowPolicy = "disconnect",
            "disconnect|drop-oldest|drop-newest", Choice(OverflowPolicy::NAMES), AnyTime;
        /// Bytes of messages that may wait for one subscriber under drop-oldest and drop-newest, with
        /// what it takes to keep them; replies stay under client-output-buffer-limit. The default is
        /// the soft limit of subscribers there. Far below 1mb a burst may pass it that its reader
        /// would have kept up with.
        "pubsub-overflow-limit" => pubsub_overflow_limit: u64 = "8mb",
            "bytes", Memory(KB..=i64::MAX), AnyTime;
        /// Bytes that all connections together may hold, what waits to be written to them and what is
        /// kept of their requests, or a part of maxmemory such as 5%; past it those that hold the
        /// most are closed, but for those with CLIENT NO-EVICT ON. It is looked at ten times a second
        /// and when much was sent. 0 is no limit, Redis's default.
        "maxmemory-clients" => maxmemory_clients: ClientMemory = "0",
            "bytes|percent%", MemoryOrPercent, AnyTime;
        /// Channels, patterns and shard channels that one connection may be subscribed to; a
        /// SUBSCRIBE that would pass it is refused whole. 0 is no limit, as in Redis.
        "max-subscriptions-per-client" => max_subscriptions_per_client: u32 = "0",
            "subscriptions", Number(0..=u32::MAX as i64), AnyTime;
        /// Bytes in a pattern of PSUBSCRIBE, PUBSUB CHANNELS, KEYS and SCAN; 0 is no limit, as in
        /// Redis. To match a long name against a hostile pattern takes time in proportion to both
        /// their lengths, and a PUBLISH pays for the patterns of others; real ones are far shorter.
        "max-pattern-length" => max_pattern_length: u32 = "1024",
            "bytes", Number(0..=u32::MAX as i64), AnyTime;
        /// Keys that are remembered for clients that track what they read (CLIENT TRACKING); past it
        /// random ones make room, and their readers are told as if they had changed. 0 is no limit.
        /// Redis's default.
        "tracking-table-max-keys" => tracking_table_max_keys: u64 = "1000000",
            "keys", Number(0..=i64::MAX), AnyTime;
    }
    group Queue {
        /// Whether there are keys at all: lists, strings and what goes with them. `no` makes a pure
        /// pub/sub server, whose other commands answer an error that says so.
        "queue" => queue: bool = "yes",
            "yes|no", YesNo, AtStart;
        /// Bytes of memory that keys and values may take; past it, commands that may take more are
        /// refused, and reads and pops go on. 0 is no limit, Redis's default. What connections hold
        /// has limits of its own.
        "maxmemory" => maxmemory: u64 = "0",
            "bytes", Memory(0..=i64::MAX), AnyTime;
        /// What happens to keys is published on `__keyspace@DB__:KEY` (K) and `__keyevent@DB__:EVENT`
        /// (E) for these classes: g generic, $ strings, l lists, x expired, n new, m missed, A all
        /// of them but n and m. Off by default, as it costs a publish or two per change.
        "notify-keyspace-events" => notify_keyspace_events: EventClasses = "",
            "letters", Events, AnyTime;
        /// How long a list may become before OBJECT ENCODING calls it `quicklist` instead of
        /// `listpack`: -1 to -5 are 4, 8, 16, 32 and 64 KB, and a positive number is elements.
        "list-max-listpack-size" => list_max_listpack_size: i32 = "-2",
            "size", Number(i32::MIN as i64..=i32::MAX as i64), AnyTime;
    }
    group Security {
        /// Password of the default user, which AUTH and HELLO ask for; "" asks for none, as on a
        /// developer's machine.
        "requirepass" => requirepass: Password = "",
            "password", Secret, AnyTime;
        /// Whether connections from other machines are refused as long as the default user has no
        /// password, wherever fanfare listens. Redis's default: who opens a port by mistake serves
        /// nobody.
        "protected-mode" => protected_mode: bool = "yes",
            "yes|no", YesNo, AnyTime;
        /// File of users, as ACL SAVE writes it; instead of `user` and `requirepass`. "" is none.
        "aclfile" => aclfile: Option<PathBuf> = "",
            "path", Path, AtStart;
        /// Entries that ACL LOG keeps of what was denied. Redis's default.
        "acllog-max-len" => acllog_max_len: u64 = "128",
            "entries", Number(0..=i64::MAX), AnyTime;
        /// Which channels a new user may use before its rules say so: none of them by default, as
        /// in Redis 7.
        "acl-pubsub-default" => acl_pubsub_default: PubSubDefault = "resetchannels",
            "allchannels|resetchannels", Choice(PubSubDefault::NAMES), AnyTime;
        /// Who may use DEBUG: nobody by default, as it can stall the server; `local` is
        /// connections from this machine.
        "enable-debug-command" => enable_debug_command: DebugCommand = "no",
            "no|yes|local", Choice(DebugCommand::NAMES), AtStart;
    }
    group Logging {
        /// The least severe messages to log. Notice tells starts, stops and changes, and nothing
        /// per connection.
        "loglevel" => loglevel: LogLevel = "notice",
            "debug|verbose|notice|warning", Choice(LogLevel::NAMES), AnyTime;
        /// Shape of a log line: text for people, json for collectors.
        "log-format" => log_format: LogFormat = "text",
            "text|json", Choice(LogFormat::NAMES), AtStart;
    }
    group Monitoring {
        /// Microseconds that a command may take before SLOWLOG lists it; 0 lists all, -1 none.
        /// Redis's default.
        "slowlog-log-slower-than" => slowlog_log_slower_than: i64 = "10000",
            "microseconds", Number(-1..=i64::MAX), AnyTime;
        /// Commands that SLOWLOG keeps, the latest ones. Redis's default.
        "slowlog-max-len" => slowlog_max_len: u64 = "128",
            "commands", Number(0..=i64::MAX), AnyTime;
        /// Milliseconds from which on LATENCY notes what held others up; 0 notes nothing. Redis's
        /// default.
        "latency-monitor-threshold" => latency_monitor_threshold: u64 = "0",
            "milliseconds", Number(0..=i64::MAX), AnyTime;
        /// Whether the time that each command takes is counted, for LATENCY HISTOGRAM and INFO
        /// latencystats. Redis's default.
        "latency-tracking" => latency_tracking: bool = "yes",
            "yes|no", YesNo, AnyTime;
        /// Which percentiles INFO latencystats shows. Redis's default.
        "latency-tracking-info-percentiles" => latency_tracking_info_percentiles: Percentiles
            = "50 99 99.9",
            "percentile...", PercentileList, AnyTime;
    }
    group Runtime {
        /// Numbered databases that SELECT may choose from. Redis's default.
        "databases" => databases: u32 = "16",
            "databases", Number(1..=i32::MAX as i64), AtStart;
        /// Threads that serve connections; 0 is one for each core but one, and at least one.
        "worker-threads" => worker_threads: usize = "0",
            "threads", Number(0..=1024), AtStart;
        /// Seconds that a shutdown waits for clients to read what was sent to them; 0 does not
        /// wait. Redis's default.
        "shutdown-timeout" => shutdown_timeout: Duration = "10",
            "seconds", Number(INT), AnyTime;
    }
    fixed {
        /// When to write a snapshot: never.
        "save" = "", AnyTime,
            "fanfare keeps nothing on disk, so 'save' can only be ''";
        /// Whether to keep a log of writes on disk.
        "appendonly" = "no", AnyTime,
            "fanfare keeps nothing on disk, so 'appendonly' can only be 'no'";
        /// What to do when memory is short: nothing is ever thrown away to make room.
        "maxmemory-policy" = "noeviction", AnyTime,
            "fanfare never evicts keys, so 'maxmemory-policy' can only be 'noeviction'";
        /// Whether to go to the background; the shell or a service manager can do that.
        "daemonize" = "no", AtStart,
            "fanfare stays in the foreground, so 'daemonize' can only be 'no'";
        /// Whether to be a node of a cluster.
        "cluster-enabled" = "no", AtStart,
            "fanfare is one process, so 'cluster-enabled' can only be 'no'";
    }
}
