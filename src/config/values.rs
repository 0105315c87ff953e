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

/// What is done with messages that a slow subscriber lets lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OverflowPolicy {
    /// Redis's way: its connection is closed at `client-output-buffer-limit`.
    #[default]
    Disconnect,
    /// The oldest messages make room for a new one.
    DropOldest,
    /// A new message that does not fit is not taken.
    DropNewest,
}

impl OverflowPolicy {
    pub(super) const NAMES: &[(&str, OverflowPolicy)] = &[
        ("disconnect", OverflowPolicy::Disconnect),
        ("drop-oldest", OverflowPolicy::DropOldest),
        ("drop-newest", OverflowPolicy::DropNewest),
    ];

    /// The policy of this name, in any case.
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
    /// What to do with messages that do not fit.
    pub policy: OverflowPolicy,
    /// Bytes of messages that may wait, if some are dropped.
    pub limit: u64,
}

/// How much all connections together may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientMemory {
    /// So many bytes; 0 is no bound.
    Bytes(u64),
    /// So many percent of `maxmemory`, 1 to 100; no bound without one.
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

/// Percentiles that are numbers from 0 to 100.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Percentiles(pub(super) Vec<f64>);

// None of them is a NaN.
impl Eq for Percentiles {}

impl Percentiles {
    /// In the order in which they are shown.
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

    /// Whether it is all of them.
    pub fn is_all(self) -> bool {
        self == PubSubDefault::AllChannels
    }
}

/// Where TLS is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsPort {
    /// Nowhere.
    #[default]
    Off,
    /// On a port that the system picks.
    Auto,
    /// On this port, which is not 0.
    Number(u16),
}

/// Whether clients under TLS have to show a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsAuthClients {
    /// They are not asked for one.
    No,
    /// Nobody comes in without a good one.
    #[default]
    Yes,
    /// One that is shown must be good.
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

/// Versions of TLS as they were named; none are all that there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsProtocols(pub(super) Vec<TlsProtocol>);

impl TlsProtocols {
    /// Those that are spoken.
    pub fn chosen(&self) -> &[TlsProtocol] {
        match &self.0[..] {
            [] => &[TlsProtocol::Tls12, TlsProtocol::Tls13],
            named => named,
        }
    }
}

/// A password: any bytes, and none of them in a debug print. Empty is no password.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Password(pub(super) Vec<u8>);

impl Password {
    /// The password.
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

/// What a keyspace notification is about; each is a letter of `notify-keyspace-events`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum EventClass {
    /// `K`: messages on `__keyspace@DB__:KEY`.
    Keyspace = 1,
    /// `E`: messages on `__keyevent@DB__:EVENT`.
    Keyevent = 1 << 1,
    /// `g`: commands that take any type: DEL, EXPIRE, RENAME, …
    Generic = 1 << 2,
    /// `$`
    String = 1 << 3,
    /// `l`
    List = 1 << 4,
    /// `x`: keys whose time has come.
    Expired = 1 << 5,
    /// `n`: new keys.
    New = 1 << 6,
    /// `m`: reads of keys that are not there.
    KeyMiss = 1 << 7,
    /// `s`
    Set = 1 << 8,
    /// `h`
    Hash = 1 << 9,
    /// `z`: sorted sets.
    SortedSet = 1 << 10,
    /// `e`: evictions, of which fanfare has none.
    Evicted = 1 << 11,
    /// `t`: streams, which fanfare does not have.
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
    /// How many of the letters `A` stands for.
    const ALL: usize = 10;
    /// How many of the letters are not printed beside `A`: those, and `n`, which Redis forgets.
    const HIDDEN_BY_ALL: usize = Self::ALL + 1;

    /// Reads letters in any order. `None`: one of them is none.
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

    /// Whether a class is among them.
    pub fn contains(self, class: EventClass) -> bool {
        self.0 & class as u16 != 0
    }

    /// Whether an event of this class is published anywhere.
    pub fn announces(self, class: EventClass) -> bool {
        let anywhere = EventClass::Keyspace as u16 | EventClass::Keyevent as u16;
        self.contains(class) && self.0 & anywhere != 0
    }

    /// Whether any event is published anywhere.
    pub fn announce_any(self) -> bool {
        let anywhere = EventClass::Keyspace as u16 | EventClass::Keyevent as u16;
        self.0 & anywhere != 0 && self.0 & !anywhere != 0
    }

    fn all() -> u16 {
        let all = Self::LETTERS[..Self::ALL].iter();
        all.fold(0, |classes, (_, class)| classes | *class as u16)
    }
}
