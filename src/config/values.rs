//! The types that settings have beyond numbers and texts.

use std::fmt;

/// How long, and how far, a connection may lag behind what is written to it. Redis's rule: at
/// `hard` it is closed at once, past `soft` when it stays there for `soft_seconds`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputLimit {
    /// Bytes waiting to be written at which the connection is closed; 0 is no limit.
    pub hard: u64,
    /// Bytes waiting that a connection may not stay at or above for `soft_seconds`; 0 is no limit.
    pub soft: u64,
    /// Seconds above `soft` after which the connection is closed.
    pub soft_seconds: u64,
}

/// One [`OutputLimit`] for each of Redis's classes of clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputLimits {
    /// Connections without a subscription.
    pub normal: OutputLimit,
    /// Replicas. fanfare has none; kept so that a Redis configuration reads back as written.
    pub replica: OutputLimit,
    /// Connections with at least one subscription.
    pub pubsub: OutputLimit,
}

/// The least severe messages that are logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogLevel {
    /// Everything, each command included.
    Debug,
    /// Connections coming and going.
    Verbose,
    /// What an operator wants to know: start, stop, changed settings.
    #[default]
    Notice,
    /// Only what needs an operator.
    Warning,
}

impl LogLevel {
    pub(super) const NAMES: &[(&str, LogLevel)] = &[
        ("debug", LogLevel::Debug),
        ("verbose", LogLevel::Verbose),
        ("notice", LogLevel::Notice),
        ("warning", LogLevel::Warning),
    ];
}

/// The shape of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for log collectors.
    Json,
}

impl LogFormat {
    pub(super) const NAMES: &[(&str, LogFormat)] =
        &[("text", LogFormat::Text), ("json", LogFormat::Json)];
}

/// Who may use the DEBUG command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DebugCommand {
    /// Nobody.
    #[default]
    No,
    /// Every connection.
    Yes,
    /// Connections from this machine: over loopback or the Unix socket.
    Local,
}

impl DebugCommand {
    pub(super) const NAMES: &[(&str, DebugCommand)] = &[
        ("no", DebugCommand::No),
        ("yes", DebugCommand::Yes),
        ("local", DebugCommand::Local),
    ];
}

/// A password: any bytes, and none of them in a debug print. Empty is no password.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Password(pub(super) Vec<u8>);

impl Password {
    /// The password; compare it in constant time.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether none is set, so that every connection is let in.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() {
            "(none)"
        } else {
            "(hidden)"
        })
    }
}
