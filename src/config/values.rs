//! The types of settings that are not plain numbers or texts.
//!
//! Layer `config`. It uses no other layer.

use std::fmt;

/// How much output may wait for a slow connection, and for how long. The rule is Redis's: the
/// connection is closed at once at `hard` bytes, and after `soft_seconds` at or above `soft` bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputLimit {
    /// The number of bytes waiting at which the connection is closed; 0 is no limit.
    pub hard: u64,
    /// The number of bytes waiting at which `soft_seconds` begin to count; 0 is no limit.
    pub soft: u64,
    /// The number of seconds at or above `soft` after which the connection is closed.
    pub soft_seconds: u64,
}

/// One [`OutputLimit`] for each of Redis's classes of clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputLimits {
    /// Connections without a subscription.
    pub normal: OutputLimit,
    /// Replicas. fanfare has none. The limit is kept so that CONFIG GET returns what was set.
    pub replica: OutputLimit,
    /// Connections with at least one subscription.
    pub pubsub: OutputLimit,
}

/// What happens to messages when a subscriber reads too slowly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OverflowPolicy {
    /// As in Redis, the connection is closed at `client-output-buffer-limit`.
    #[default]
    Disconnect,
    /// The oldest messages are dropped to make room for a new one.
    DropOldest,
    /// A new message that does not fit is dropped.
    DropNewest,
}

impl OverflowPolicy {
    pub(super) const NAMES: &[(&str, OverflowPolicy)] = &[
        ("disconnect", OverflowPolicy::Disconnect),
        ("drop-oldest", OverflowPolicy::DropOldest),
        ("drop-newest", OverflowPolicy::DropNewest),
    ];

    /// The policy of this name, in any letter case.
    pub fn parse(name: &[u8]) -> Option<OverflowPolicy> {
        let is = |known: &&(&str, _)| name.eq_ignore_ascii_case(known.0.as_bytes());
        Self::NAMES.iter().find(is).map(|(_, policy)| *policy)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        let known = Self::NAMES.iter().find(|(_, policy)| *policy == self);
        known.map_or("", |(name, _)| name)
    }
}

/// A policy, and how many bytes of messages may wait under it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OverflowRule {
    /// What happens to messages that do not fit.
    pub policy: OverflowPolicy,
    /// The number of bytes of messages that may wait, under a policy that drops messages.
    pub limit: u64,
}

/// How much memory all connections together may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientMemory {
    /// A number of bytes; 0 is no limit.
    Bytes(u64),
    /// A percentage of `maxmemory`, 1 to 100. There is no limit if `maxmemory` has none.
    Percent(u32),
}

impl Default for ClientMemory {
    fn default() -> ClientMemory {
        ClientMemory::Bytes(0)
    }
}

/// The least severe messages that are logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogLevel {
    /// Everything, including each command.
    Debug,
    /// Connections that open and close.
    Verbose,
    /// What an operator should know: start, stop, changed settings.
    #[default]
    Notice,
    /// Only what an operator must act on.
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

/// Percentiles from 0 to 100, in the order in which they are shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Percentiles(pub(super) Vec<f64>);

// None of them is a NaN.
impl Eq for Percentiles {}

impl Percentiles {
    /// The percentiles.
    pub fn iter(&self) -> impl Iterator<Item = f64> {
        self.0.iter().copied()
    }
}

/// Which channels a new user may use before its rules say so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PubSubDefault {
    /// All.
    AllChannels,
    /// None.
    #[default]
    ResetChannels,
}

impl PubSubDefault {
    pub(super) const NAMES: &[(&str, PubSubDefault)] = &[
        ("allchannels", PubSubDefault::AllChannels),
        ("resetchannels", PubSubDefault::ResetChannels),
    ];

    /// Whether a new user may use all channels.
    pub fn is_all(self) -> bool {
        self == PubSubDefault::AllChannels
    }
}

/// A port that is off by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OptionalPort {
    /// No port.
    #[default]
    Off,
    /// A free port that the system picks.
    Auto,
    /// This port, which is not 0.
    Number(u16),
}

impl OptionalPort {
    /// The port to bind, 0 for a free one; `None`: none.
    pub(crate) fn to_bind(self) -> Option<u16> {
        match self {
            OptionalPort::Off => None,
            OptionalPort::Auto => Some(0),
            OptionalPort::Number(port) => Some(port),
        }
    }
}

/// Whether TLS clients must present a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsAuthClients {
    /// No certificate is requested.
    No,
    /// A valid certificate is required.
    #[default]
    Yes,
    /// A certificate is optional, but must be valid if there is one.
    Optional,
}

impl TlsAuthClients {
    pub(super) const NAMES: &[(&str, TlsAuthClients)] = &[
        ("no", TlsAuthClients::No),
        ("yes", TlsAuthClients::Yes),
        ("optional", TlsAuthClients::Optional),
    ];
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsProtocol {
    /// TLSv1.2
    Tls12,
    /// TLSv1.3
    Tls13,
}

impl TlsProtocol {
    pub(super) const NAMES: &[(&str, TlsProtocol)] = &[
        ("TLSv1.2", TlsProtocol::Tls12),
        ("TLSv1.3", TlsProtocol::Tls13),
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            TlsProtocol::Tls12 => "TLSv1.2",
            TlsProtocol::Tls13 => "TLSv1.3",
        }
    }
}

/// A list of TLS versions. The empty list means all supported versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsProtocols(pub(super) Vec<TlsProtocol>);

impl TlsProtocols {
    /// The versions that are enabled.
    pub fn chosen(&self) -> &[TlsProtocol] {
        match &self.0[..] {
            [] => &[TlsProtocol::Tls12, TlsProtocol::Tls13],
            named => named,
        }
    }
}

/// A password: any bytes. Empty means no password. Debug output does not show it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Password(pub(super) Vec<u8>);

impl Password {
    /// The password.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether no password is set, so that connections need none.
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

/// A class of keyspace notifications. Each is a letter of `notify-keyspace-events`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum EventClass {
    /// `K`: messages on `__keyspace@DB__:KEY`.
    Keyspace = 1,
    /// `E`: messages on `__keyevent@DB__:EVENT`.
    Keyevent = 1 << 1,
    /// `g`: commands for keys of any type (DEL, EXPIRE, RENAME, …).
    Generic = 1 << 2,
    /// `$`: commands for strings.
    String = 1 << 3,
    /// `l`: commands for lists.
    List = 1 << 4,
    /// `x`: keys that expired.
    Expired = 1 << 5,
    /// `n`: new keys.
    New = 1 << 6,
    /// `m`: reads of keys that do not exist.
    KeyMiss = 1 << 7,
    /// `s`
    Set = 1 << 8,
    /// `h`
    Hash = 1 << 9,
    /// `z`: sorted sets.
    SortedSet = 1 << 10,
    /// `e`: evictions, of which fanfare has none.
    Evicted = 1 << 11,
    /// `t`: streams.
    Stream = 1 << 12,
    /// `d`: modules, which fanfare does not have.
    Module = 1 << 13,
}

/// Which keyspace notifications are published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventClasses(u16);

impl EventClasses {
    /// Letters and classes in the order in which Redis prints them.
    const LETTERS: [(u8, EventClass); 14] = [
        (b'g', EventClass::Generic),
        (b'$', EventClass::String),
        (b'l', EventClass::List),
        (b's', EventClass::Set),
        (b'h', EventClass::Hash),
        (b'z', EventClass::SortedSet),
        (b'x', EventClass::Expired),
        (b'e', EventClass::Evicted),
        (b't', EventClass::Stream),
        (b'd', EventClass::Module),
        (b'n', EventClass::New),
        (b'K', EventClass::Keyspace),
        (b'E', EventClass::Keyevent),
        (b'm', EventClass::KeyMiss),
    ];
    /// The number of letters that `A` stands for: the first ones of the list.
    const ALL: usize = 10;
    /// The number of letters that are not printed beside `A`: those, and `n`, which Redis omits.
    const HIDDEN_BY_ALL: usize = Self::ALL + 1;

    /// Parses letters in any order. `None`: a letter is not a class.
    pub(super) fn parse(letters: &[u8]) -> Option<EventClasses> {
        let mut classes = 0;
        for &letter in letters {
            if letter == b'A' {
                classes |= Self::all();
                continue;
            }
            let known = Self::LETTERS.iter().find(|(known, _)| *known == letter);
            classes |= known?.1 as u16;
        }
        Some(EventClasses(classes))
    }

    /// The letters, as Redis prints them.
    pub(super) fn letters(self) -> Vec<u8> {
        let mut letters = Vec::new();
        let mut rest = &Self::LETTERS[..];
        if self.0 & Self::all() == Self::all() {
            letters.push(b'A');
            rest = &rest[Self::HIDDEN_BY_ALL..];
        }
        let set = rest.iter().filter(|(_, class)| self.contains(*class));
        letters.extend(set.map(|(letter, _)| letter));
        letters
    }

    /// Whether the set contains a class.
    pub fn contains(self, class: EventClass) -> bool {
        self.0 & class as u16 != 0
    }

    /// Whether events of this class are published.
    pub fn announces(self, class: EventClass) -> bool {
        let anywhere = EventClass::Keyspace as u16 | EventClass::Keyevent as u16;
        self.contains(class) && self.0 & anywhere != 0
    }

    /// Whether any events are published.
    pub fn announce_any(self) -> bool {
        let anywhere = EventClass::Keyspace as u16 | EventClass::Keyevent as u16;
        self.0 & anywhere != 0 && self.0 & !anywhere != 0
    }

    fn all() -> u16 {
        let all = Self::LETTERS[..Self::ALL].iter();
        all.fold(0, |classes, (_, class)| classes | *class as u16)
    }
}
