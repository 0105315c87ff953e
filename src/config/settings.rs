//! The table of all settings. To add a setting, add a row.
//!
//! Layer `config`. It uses no other layer.
//!
//! From a row the macro makes a field of [`Config`] with its documentation, and a row of
//! [`SETTINGS`]. The latter defines the flag with its `--help`, the environment variable, the line
//! of the file, and the name in CONFIG GET and CONFIG SET.
//!
//! Invariants:
//! - A name is Redis's where Redis has the setting.
//! - The rows of a group are consecutive.
//! - A default is written as a user would write it, and the row accepts it.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::kinds::{
    Addresses, Choice, Events, ExtraPort, Limits, Memory, MemoryOrPercent, Names, Number, Octal,
    Path, PercentileList, Protocols, Refusal, Secret, ValueKind, YesNo, fixed,
};
use super::upstream::{LossPolicy, QueueMode, UpstreamUrl, Url};
use super::users::UserLines;
use super::values::{
    ClientMemory, DebugCommand, EventClasses, LogFormat, LogLevel, OptionalPort, OutputLimits,
    OverflowPolicy, Password, Percentiles, PubSubDefault, TlsAuthClients, TlsProtocols,
};

/// One setting: a row of [`SETTINGS`].
#[derive(Debug)]
#[cfg_attr(
    not(feature = "cli"),
    allow(dead_code, reason = "only the binary prints them")
)]
pub(crate) struct Setting {
    /// The name in lower case, as in the file, in CONFIG GET and, after `--`, on the command line.
    pub name: &'static str,
    /// The name that older Redis has for it, which is understood wherever `name` is.
    pub alias: Option<&'static str>,
    /// The heading that `--help` shows it under.
    pub group: Group,
    /// The row's doc comment, with a space at the start of each line. See [`Setting::help`].
    docs: &'static str,
    /// The syntax of its value, for `--help`: `seconds`.
    pub syntax: &'static str,
    /// The default, as a user would write it.
    pub default: &'static str,
    /// When it may change.
    pub change: Change,
    /// Parses the words of a value, validates it and stores it.
    pub(super) set: fn(&mut Config, &[&[u8]]) -> Result<(), Refusal>,
    /// The value as CONFIG GET prints it.
    pub(super) get: fn(&Config) -> Vec<u8>,
}

impl Setting {
    /// Its meaning, its unit, and the reason for its default; one or more lines.
    #[cfg(feature = "cli")]
    pub(crate) fn help(&self) -> String {
        let lines: Vec<&str> = self.docs.lines().map(str::trim).collect();
        lines.join("\n")
    }

    /// The setting of this name or alias, in any letter case.
    pub(crate) fn find(name: &[u8]) -> Option<&'static Setting> {
        let (setting, _) = Setting::find_name(name)?;
        Some(setting)
    }

    /// As [`find`](Self::find), with the name that was found.
    pub(super) fn find_name(name: &[u8]) -> Option<(&'static Setting, &'static str)> {
        let named = |own: &&str| name.eq_ignore_ascii_case(own.as_bytes());
        SETTINGS
            .iter()
            .find_map(|setting| Some((setting, setting.names().find(named)?)))
    }

    /// Its name, and its alias if there is one.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        std::iter::once(self.name).chain(self.alias)
    }

    /// The name of its environment variable: `FANFARE_TCP_BACKLOG`.
    #[cfg(feature = "cli")]
    pub(crate) fn env_name(&self) -> String {
        super::environment::variable(self.name)
    }
}

/// The groups of settings, in the order of `--help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Group {
    /// Where fanfare listens.
    Network,
    /// Encrypted connections.
    Tls,
    /// The HTTP port.
    Http,
    /// What one connection or all connections may use.
    Limits,
    /// Keys, lists and strings.
    Queue,
    /// The server that this one is an edge of.
    Upstream,
    /// Passwords and permissions.
    Security,
    /// The log.
    Logging,
    /// What operators can measure about commands.
    Monitoring,
    /// How the process runs.
    Runtime,
    /// Settings of Redis that have only one value in fanfare.
    Fixed,
}

#[cfg(feature = "cli")]
impl Group {
    /// The heading in `--help`.
    pub(crate) fn heading(self) -> &'static str {
        match self {
            Group::Network => "Network",
            Group::Tls => "TLS",
            Group::Http => "HTTP",
            Group::Limits => "Limits",
            Group::Queue => "Queue mode",
            Group::Upstream => "Upstream",
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
pub(crate) enum Change {
    /// Before the server starts. CONFIG SET answers "can't set immutable config".
    AtStart,
    /// By CONFIG SET as well.
    AnyTime,
}

/// Makes [`Config`] and [`SETTINGS`] from the rows. The form of a row is
/// `/// help` `"name" => field: Type = "default", "syntax", ValueKind, Change;`, with an alias
/// `"name" | "alias" => ...`, and that of a fixed setting, which has no field, `/// help`
/// `"name" = "the only value", Change, "reason";`.
macro_rules! settings {
    (alias) => { None };
    (alias $alias:literal) => { Some($alias) };
    (
        $(group $group:ident {$(
            $(#[doc = $help:literal])+
            $name:literal $(| $alias:literal)? => $field:ident: $type:ty = $default:literal,
                $syntax:literal, $kind:expr, $change:ident;
        )+})+
        fixed {$(
            $(#[doc = $fixed_help:literal])+
            $fixed_name:literal = $value:literal, $fixed_change:ident, $reason:literal;
        )+}
    ) => {
        /// The value of every setting. [`Config::default`] has the default of each.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Config {$($(
            $(#[doc = $help])+
            #[doc = concat!("\n\nSetting `", $name, "`; default \"", $default, "\".")]
            pub $field: $type,
        )+)+
            /// The users that the settings define (`user name rule...`), besides the default user.
            pub users: UserLines,
        }

        impl Config {
            /// A `Config` of zeros and empty texts, which the defaults are then written into.
            pub(super) fn blank() -> Config {
                Config {$($( $field: Default::default(), )+)+ users: UserLines::default()}
            }
        }

        /// All settings, by group.
        pub(crate) static SETTINGS: &[Setting] = &[
            $($(Setting {
                name: $name,
                alias: settings!(alias $($alias)?),
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
                alias: None,
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
        /// Addresses to listen on. `*` means all IPv4 addresses, `::*` all IPv6 addresses, and ""
        /// no TCP (set unixsocket then). An address that begins with `-` may be missing on this
        /// machine. By default only this machine can connect: without a password, other addresses
        /// serve anybody.
        "bind" => bind: Vec<String> = "127.0.0.1",
            "address...", Addresses, AtStart;
        /// TCP port. 0 lets the system pick a free port, which the line `ready tcp address:port` on
        /// standard output names; if tls-port is set, 0 means no port without TLS. The default is
        /// Redis's, which clients try first.
        "port" => port: u16 = "6379",
            "port", Number(0..=65535), AtStart;
        /// Connections that may wait to be accepted. The system may allow fewer. Redis's default.
        "tcp-backlog" => tcp_backlog: u32 = "511",
            "connections", Number(INT), AtStart;
        /// Seconds of silence after which TCP sends a keepalive probe to a client; 0 sends none.
        /// 300 detects dead peers within minutes and keeps most NATs from dropping idle
        /// subscribers.
        "tcp-keepalive" => tcp_keepalive: Option<Duration> = "300",
            "seconds", Number(INT), AnyTime;
        /// Path of a Unix socket to listen on as well; "" means none.
        "unixsocket" => unixsocket: Option<PathBuf> = "",
            "path", Path, AtStart;
        /// Permissions of the Unix socket, in octal. 0 leaves them to the umask.
        "unixsocketperm" => unixsocketperm: u32 = "0",
            "octal", Octal(0..=0o777), AtStart;
    }
    group Tls {
        /// TCP port for TLS connections; 0 means none. `auto` lets the system pick a free port,
        /// which the line `ready tls address:port` on standard output names.
        "tls-port" => tls_port: OptionalPort = "0",
            "port|auto", ExtraPort, AtStart;
        /// Path of the server's certificate and its intermediate certificates, in PEM. CONFIG SET
        /// of any TLS setting reads the files again, even if the value stays the same. Existing
        /// connections keep the old certificate.
        "tls-cert-file" => tls_cert_file: Option<PathBuf> = "",
            "path", Path, AnyTime;
        /// Path of the certificate's private key, in PEM, not encrypted.
        "tls-key-file" => tls_key_file: Option<PathBuf> = "",
            "path", Path, AnyTime;
        /// Path of the CA certificates, in PEM, that clients' certificates are verified against.
        "tls-ca-cert-file" => tls_ca_cert_file: Option<PathBuf> = "",
            "path", Path, AnyTime;
        /// Whether a client must present a certificate (yes), may present one, which is then
        /// verified (optional), or is not asked for one (no). Redis's default: a port that was
        /// opened by mistake serves nobody.
        "tls-auth-clients" => tls_auth_clients: TlsAuthClients = "yes",
            "yes|no|optional", Choice(TlsAuthClients::NAMES), AnyTime;
        /// Enabled versions of TLS: TLSv1.2, TLSv1.3; "" means both.
        "tls-protocols" => tls_protocols: TlsProtocols = "",
            "protocol...", Protocols, AnyTime;
        /// Seconds after which a connection is closed if its TLS handshake is not complete. Until
        /// then it costs memory, whoever the client is. 0 is no limit.
        "tls-handshake-timeout" => tls_handshake_timeout: Option<Duration> = "10",
            "seconds", Number(INT), AnyTime;
    }
    group Http {
        /// Port for HTTP; 0 means none. `auto` lets the system pick a free port, which the line
        /// `ready http address:port` on standard output names. The default keeps it shut: whoever
        /// wants it says so.
        "http-port" => http_port: OptionalPort = "0",
            "port|auto", ExtraPort, AtStart;
        /// Addresses to listen on for HTTP, in the form of bind. By default only this machine can
        /// connect.
        "http-bind" => http_bind: Vec<String> = "127.0.0.1",
            "address...", Addresses, AtStart;
        /// Whether the HTTP port is encrypted, with the certificate and the other settings of TLS.
        /// Browsers have no certificate of their own: tls-auth-clients no, or optional, lets them in.
        "http-tls" => http_tls: bool = "no",
            "yes|no", YesNo, AtStart;
        /// Names that requests may call this server by (their Host), beside its addresses and
        /// localhost; `*` means any. A web page whose name is made to point to this server is refused
        /// for its unknown name.
        "http-hosts" => http_hosts: Vec<String> = "",
            "name...", Names, AnyTime;
        /// Origins, such as `https://app.example`, whose web pages may send requests and read the
        /// answers (CORS); `*` means any. By default only pages of this server may.
        "http-cors-origins" => http_cors_origins: Vec<String> = "",
            "origin...", Names, AnyTime;
        /// Seconds that the head of a request may take to arrive, and that a connection may be idle
        /// between requests. A body may take a second more for each 16 KB. 0 is no limit.
        "http-timeout" => http_timeout: Option<Duration> = "30",
            "seconds", Number(INT), AnyTime;
        /// Seconds after which a stream of events without an event gets a comment, so that neither
        /// the client nor a proxy takes the connection for dead; 0 sends none.
        "http-heartbeat" => http_heartbeat: Option<Duration> = "15",
            "seconds", Number(INT), AnyTime;
    }
    group Limits {
        /// Connections at the same time. A further one gets an error and is closed. Redis's
        /// default.
        "maxclients" => maxclients: u32 = "10000",
            "connections", Number(1..=u32::MAX as i64), AnyTime;
        /// Seconds without a command after which a connection without subscriptions is closed. 0,
        /// the default, never closes one, because clients keep idle connections in pools.
        "timeout" => timeout: Option<Duration> = "0",
            "seconds", Number(INT), AnyTime;
        /// Bytes in one argument of a command, for example a message's payload. Redis's default.
        "proto-max-bulk-len" => proto_max_bulk_len: u64 = "512mb",
            "bytes", Memory(MB..=i64::MAX), AnyTime;
        /// Bytes of one connection's commands that may wait to be executed. A connection that
        /// exceeds it is closed. It should exceed proto-max-bulk-len, so that the longest argument
        /// fits.
        "client-query-buffer-limit" => client_query_buffer_limit: u64 = "1gb",
            "bytes", Memory(MB..=i64::MAX), AnyTime;
        /// When a slow connection is closed: as soon as `hard` bytes wait for it, or after
        /// `seconds` above `soft` bytes; 0 is no limit. Classes: normal, replica, pubsub; a class
        /// that is not named keeps its limit. Subscribers have a limit by default, as they do not
        /// choose what they are sent.
        "client-output-buffer-limit" => client_output_buffer_limit: OutputLimits
            = "normal 0 0 0 replica 256mb 64mb 60 pubsub 32mb 8mb 60",
            "class hard soft seconds...", Limits, AnyTime;
        /// What happens to a subscriber that reads too slowly. `disconnect` closes its connection
        /// at client-output-buffer-limit, as Redis does. `drop-oldest` and `drop-newest` keep the
        /// connection and drop waiting or new messages; dropped messages are counted and logged. A
        /// connection may choose for itself with CLIENT OVERFLOW.
        "pubsub-overflow-policy" => pubsub_overflow_policy: OverflowPolicy = "disconnect",
            "disconnect|drop-oldest|drop-newest", Choice(OverflowPolicy::NAMES), AnyTime;
        /// Bytes of messages, overhead included, that may wait for one subscriber under drop-oldest
        /// and drop-newest. Replies are limited by client-output-buffer-limit. The default is the
        /// soft limit of subscribers there. With far less than 1mb, a burst may drop messages
        /// although the subscriber reads fast enough.
        "pubsub-overflow-limit" => pubsub_overflow_limit: u64 = "8mb",
            "bytes", Memory(KB..=i64::MAX), AnyTime;
        /// Bytes that all connections together may use for output and unfinished requests, or a
        /// percentage of maxmemory such as 5%. Beyond it, the connections that use the most are
        /// closed, except those with CLIENT NO-EVICT ON. The limit is enforced ten times a second,
        /// and after much was sent. 0 is no limit, Redis's default.
        "maxmemory-clients" => maxmemory_clients: ClientMemory = "0",
            "bytes|percent%", MemoryOrPercent, AnyTime;
        /// Channels, patterns and shard channels that one connection may be subscribed to. A
        /// SUBSCRIBE that would exceed it fails as a whole. 0 is no limit, as in Redis.
        "max-subscriptions-per-client" => max_subscriptions_per_client: u32 = "0",
            "subscriptions", Number(0..=u32::MAX as i64), AnyTime;
        /// Bytes in a pattern of PSUBSCRIBE, PUBSUB CHANNELS, KEYS and SCAN. 0 is no limit, as in
        /// Redis. Matching a hostile pattern takes time proportional to the length of the pattern
        /// times that of the name, and each PUBLISH pays for it. Real patterns are far shorter.
        "max-pattern-length" => max_pattern_length: u32 = "1024",
            "bytes", Number(0..=u32::MAX as i64), AnyTime;
        /// Keys that are remembered for clients that track what they read (CLIENT TRACKING); past it
        /// random ones make room, and their readers are told as if they had changed. 0 is no limit.
        /// Redis's default.
        "tracking-table-max-keys" => tracking_table_max_keys: u64 = "1000000",
            "keys", Number(0..=i64::MAX), AnyTime;
    }
    group Queue {
        /// Whether the server has keys. `no` makes a pure pub/sub server: commands that need keys
        /// answer an error that says so. `auto` means yes, but no with an upstream, which excludes
        /// keys.
        "queue" => queue: QueueMode = "auto",
            "yes|no|auto", Choice(QueueMode::NAMES), AtStart;
        /// Bytes of memory that keys and values may use. Beyond it, commands that may need more
        /// memory fail, while reads and pops work. 0 is no limit, Redis's default. The memory of
        /// connections has limits of its own.
        "maxmemory" => maxmemory: u64 = "0",
            "bytes", Memory(0..=i64::MAX), AnyTime;
        /// Milliseconds after which a running script counts as slow. Others then get BUSY for what
        /// needs keys, instead of waiting, and SCRIPT KILL ends the script if it has changed nothing.
        /// 0 waits for any script. Redis's default.
        "busy-reply-threshold" | "lua-time-limit" => busy_reply_threshold: u64 = "5000",
            "milliseconds", Number(0..=i64::MAX), AnyTime;
        /// Bytes of memory that Lua may use for scripts, functions and what they work on. A script
        /// that needs more fails. The default is far more than queues and locks need.
        "script-max-memory" => script_max_memory: u64 = "128mb",
            "bytes", Memory(MB..=i64::MAX), AnyTime;
        /// Scripts that EVAL brought and that are kept for the next time; the one that has not been
        /// used for longest goes first. Those of SCRIPT LOAD stay. The default is more than an
        /// application has, unless it makes up new scripts all the time.
        "script-cache-size" => script_cache_size: u64 = "500",
            "scripts", Number(1..=i64::from(u32::MAX)), AnyTime;
        /// Which keyspace notifications are published, and where: on `__keyspace@DB__:KEY` (K), on
        /// `__keyevent@DB__:EVENT` (E). Classes of events: g generic, $ strings, l lists, s sets, h
        /// hashes, z sorted sets, t streams, x expired, n new, m missed, A all except n and m. Off
        /// by default: each change costs up to two publishes.
        "notify-keyspace-events" => notify_keyspace_events: EventClasses = "",
            "letters", Events, AnyTime;
        /// The size of a list from which OBJECT ENCODING calls it `quicklist` instead of
        /// `listpack`: -1 to -5 mean 4, 8, 16, 32 and 64 KB; a positive number is a number of
        /// elements.
        "list-max-listpack-size" | "list-max-ziplist-size" => list_max_listpack_size: i32 = "-2",
            "size", Number(i32::MIN as i64..=i32::MAX as i64), AnyTime;
        /// Fields that a hash may have as one compact buffer (`listpack`); a larger one is a
        /// `hashtable`.
        "hash-max-listpack-entries" | "hash-max-ziplist-entries" => hash_max_listpack_entries: u64 = "512",
            "fields", Number(0..=i64::MAX), AnyTime;
        /// Bytes that each field and value may have there.
        "hash-max-listpack-value" | "hash-max-ziplist-value" => hash_max_listpack_value: u64 = "64",
            "bytes", Number(0..=i64::MAX), AnyTime;
        /// Members that a set of whole numbers may have as one sorted array (`intset`).
        "set-max-intset-entries" => set_max_intset_entries: u64 = "512",
            "members", Number(0..=i64::MAX), AnyTime;
        /// Members that a set may have as one compact buffer (`listpack`); a larger one is a
        /// `hashtable`.
        "set-max-listpack-entries" => set_max_listpack_entries: u64 = "128",
            "members", Number(0..=i64::MAX), AnyTime;
        /// Bytes that each member may have there.
        "set-max-listpack-value" => set_max_listpack_value: u64 = "64",
            "bytes", Number(0..=i64::MAX), AnyTime;
        /// Members that a sorted set may have as one compact buffer (`listpack`); a larger one is a
        /// `skiplist`.
        "zset-max-listpack-entries" | "zset-max-ziplist-entries" => zset_max_listpack_entries: u64 = "128",
            "members", Number(0..=i64::MAX), AnyTime;
        /// Bytes that each member may have there.
        "zset-max-listpack-value" | "zset-max-ziplist-value" => zset_max_listpack_value: u64 = "64",
            "bytes", Number(0..=i64::MAX), AnyTime;
        /// Bytes that a HyperLogLog may take in its sparse form.
        "hll-sparse-max-bytes" => hll_sparse_max_bytes: u64 = "3000",
            "bytes", Memory(0..=i64::MAX), AnyTime;
        /// Bytes of entries that a stream keeps in one block. An approximate trim (`MAXLEN ~`)
        /// removes whole blocks only. 0 is no limit.
        "stream-node-max-bytes" => stream_node_max_bytes: u64 = "4096",
            "bytes", Memory(0..=i64::MAX), AnyTime;
        /// Entries that a stream keeps in one block; 0 is no limit.
        "stream-node-max-entries" => stream_node_max_entries: u64 = "100",
            "entries", Number(0..=i64::MAX), AnyTime;
    }
    group Upstream {
        /// The server, redis-server or fanfare or another that speaks its protocol, that this one is
        /// an edge of: `redis://[user:password@]host[:port]`, `rediss://` for TLS, or
        /// `redis+unix://[user:password@]/path`. All edges of one upstream are as one server for
        /// pub/sub. "" means none.
        "upstream" => upstream: Option<UpstreamUrl> = "",
            "url", Url, AtStart;
        /// Path of the CA certificates, in PEM, that the upstream's certificate is verified against.
        /// `rediss://` needs it. It is read at each connect, as are the next two.
        "upstream-tls-ca-cert-file" => upstream_tls_ca_cert_file: Option<PathBuf> = "",
            "path", Path, AnyTime;
        /// Path of the certificate that this server shows to the upstream, in PEM; "" means none.
        "upstream-tls-cert-file" => upstream_tls_cert_file: Option<PathBuf> = "",
            "path", Path, AnyTime;
        /// Path of that certificate's private key, in PEM, not encrypted.
        "upstream-tls-key-file" => upstream_tls_key_file: Option<PathBuf> = "",
            "path", Path, AnyTime;
        /// What happens to subscribers when the connection to the upstream is lost. `disconnect`
        /// closes them, so that a subscriber that stays connected has missed nothing. `keep` keeps
        /// them; they get no messages until the upstream is back.
        "upstream-loss-policy" => upstream_loss_policy: LossPolicy = "disconnect",
            "disconnect|keep", Choice(LossPolicy::NAMES), AnyTime;
        /// Seconds that the upstream may be silent while it owes an answer; then the connection is
        /// given up. A SUBSCRIBE waits as long for the upstream's confirmation.
        "upstream-timeout" => upstream_timeout: Duration = "5",
            "seconds", Number(1..=i32::MAX as i64), AnyTime;
        /// Bytes of commands that may wait for the upstream's answers. Past it, PUBLISH fails until
        /// there is room, and SUBSCRIBE to names that the upstream was not asked for: memory is bounded
        /// while the upstream is slow.
        "upstream-output-limit" => upstream_output_limit: u64 = "64mb",
            "bytes", Memory(MB..=i64::MAX), AnyTime;
    }
    group Security {
        /// Password of the default user, which clients give with AUTH or HELLO; "" means no
        /// password.
        "requirepass" => requirepass: Password = "",
            "password", Secret, AnyTime;
        /// File whose first line is that password, for example a mounted secret. It is read at the
        /// start and overrides requirepass. "" means none.
        "requirepass-file" => requirepass_file: Option<PathBuf> = "",
            "path", Path, AtStart;
        /// Whether connections from other machines are refused while the default user has no
        /// password. Redis's default: a port that was opened by mistake serves nobody.
        "protected-mode" => protected_mode: bool = "yes",
            "yes|no", YesNo, AnyTime;
        /// File of users, as ACL SAVE writes it. It replaces `user` and requirepass. "" means none.
        "aclfile" => aclfile: Option<PathBuf> = "",
            "path", Path, AtStart;
        /// Entries about denied commands that ACL LOG keeps. Redis's default.
        "acllog-max-len" => acllog_max_len: u64 = "128",
            "entries", Number(0..=i64::MAX), AnyTime;
        /// Which channels a new user may use before a rule grants any: all, or none, which is the
        /// default as in Redis 7.
        "acl-pubsub-default" => acl_pubsub_default: PubSubDefault = "resetchannels",
            "allchannels|resetchannels", Choice(PubSubDefault::NAMES), AnyTime;
        /// Who may use DEBUG: nobody by default, because it can stall the server. `local` means
        /// connections from this machine.
        "enable-debug-command" => enable_debug_command: DebugCommand = "no",
            "no|yes|local", Choice(DebugCommand::NAMES), AtStart;
    }
    group Logging {
        /// The least severe messages to log. `notice` logs starts, stops and changed settings, and
        /// nothing per connection.
        "loglevel" => loglevel: LogLevel = "notice",
            "debug|verbose|notice|warning", Choice(LogLevel::NAMES), AnyTime;
        /// File that the log is appended to; "" means standard error. SIGHUP opens it again, for
        /// logrotate. A program that embeds fanfare has a log of its own.
        "logfile" => logfile: Option<PathBuf> = "",
            "path", Path, AtStart;
        /// Format of a log line: text for people, json for log collectors.
        "log-format" => log_format: LogFormat = "text",
            "text|json", Choice(LogFormat::NAMES), AtStart;
    }
    group Monitoring {
        /// Whether messages to each channel are counted, for PUBSUB TOP.
        "pubsub-top" => pubsub_top: bool = "yes",
            "yes|no", YesNo, AnyTime;
        /// Microseconds from which SLOWLOG lists a command; 0 lists all commands, -1 none.
        /// Redis's default.
        "slowlog-log-slower-than" => slowlog_log_slower_than: i64 = "10000",
            "microseconds", Number(-1..=i64::MAX), AnyTime;
        /// How many of the latest slow commands SLOWLOG keeps. Redis's default.
        "slowlog-max-len" => slowlog_max_len: u64 = "128",
            "commands", Number(0..=i64::MAX), AnyTime;
        /// Milliseconds from which LATENCY records an event that delayed others; 0 records nothing.
        /// Redis's default.
        "latency-monitor-threshold" => latency_monitor_threshold: u64 = "0",
            "milliseconds", Number(0..=i64::MAX), AnyTime;
        /// Whether the duration of each command is recorded, for LATENCY HISTOGRAM and INFO
        /// latencystats. Redis's default.
        "latency-tracking" => latency_tracking: bool = "yes",
            "yes|no", YesNo, AnyTime;
        /// The percentiles that INFO latencystats shows. Redis's default.
        "latency-tracking-info-percentiles" => latency_tracking_info_percentiles: Percentiles
            = "50 99 99.9",
            "percentile...", PercentileList, AnyTime;
    }
    group Runtime {
        /// Number of databases that SELECT may choose from. Redis's default.
        "databases" => databases: u32 = "16",
            "databases", Number(1..=i32::MAX as i64), AtStart;
        /// Threads that serve connections. 0 means one less than there are cores, but at least one.
        "worker-threads" => worker_threads: usize = "0",
            "threads", Number(0..=1024), AtStart;
        /// Microseconds of processor time that a worker thread may give to look for input before
        /// it sleeps, where it is woken again and again soon after it has gone to sleep. It stops
        /// when it has saved too few sleeps for that. 0 sleeps at once: where others need the
        /// processor all the time, a look takes time from those that it waits for. More than the
        /// default brought no more.
        "busy-poll" => busy_poll: u32 = "20",
            "microseconds", Number(0..=1_000), AnyTime;
        /// Seconds that a shutdown waits for clients to read what was sent to them; 0 does not
        /// wait. A client that reads nothing for 2 seconds is not waited for. The default is below
        /// the 10 seconds after which `docker stop` kills.
        "shutdown-timeout" => shutdown_timeout: Duration = "8",
            "seconds", Number(INT), AnyTime;
    }
    fixed {
        /// When to write snapshots: never.
        "save" = "", AnyTime,
            "fanfare keeps nothing on disk, so 'save' can only be ''";
        /// Whether to keep a log of writes on disk.
        "appendonly" = "no", AnyTime,
            "fanfare keeps nothing on disk, so 'appendonly' can only be 'no'";
        /// What to do when maxmemory is reached: keys are never evicted.
        "maxmemory-policy" = "noeviction", AnyTime,
            "fanfare never evicts keys, so 'maxmemory-policy' can only be 'noeviction'";
        /// Whether to run in the background. The shell or a service manager can do that instead.
        "daemonize" = "no", AtStart,
            "fanfare stays in the foreground, so 'daemonize' can only be 'no'";
        /// Whether to be a node of a cluster.
        "cluster-enabled" = "no", AtStart,
            "fanfare is one process, so 'cluster-enabled' can only be 'no'";
    }
}
