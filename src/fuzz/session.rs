//! A server, and up to three connections that send it anything.
//!
//! A line of an input is a digit, the connection, a letter, how it is sent, and words:
//!
//! ```text
//!   =requirepass x              a setting, or a user, before the server starts
//!   0 LPUSH k "a b"             a command, as an array
//!   1/SUBSCRIBE ch              the same, in two pieces
//!   1+PING                      the same, kept back until the connection sends the next
//!   2!"*1\r\n$4\r\nPI" "NG\r\n" bytes as they are; a line without quotes is an inline command
//!   1>                          it sends nothing any more; its next line is a new connection's
//!   1x                          it is closed, with whatever was not read
//!   1z                          it reads no more, until the next such line or the end
//! ```
//!
//! Server and clients share one thread, so that an input brings about the same each time, as far as
//! it does not look at the clock.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::sync::Once;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::resp;
use crate::client::Namespace;
use crate::config::Config;
use crate::resp::inline::split_words;
use crate::state::ServerState;
use crate::store::tracking;
use crate::{Server, StartError};

const CONNECTIONS: usize = 3;
/// More lines say nothing new and take long: a reply may be some 100 KB.
const MAX_LINES: usize = 64;
/// ChannelOrder a hang into a failure.
const PATIENCE: Duration = Duration::from_secs(15);

/// Settings that an input may choose. None lets a command sleep, or ask for much memory at once.
const SETTINGS: &[&str] = &[
    "requirepass",
    "user",
    "acl-pubsub-default",
    "acllog-max-len",
    "queue",
    "databases",
    "maxclients",
    "maxmemory",
    "maxmemory-clients",
    "max-subscriptions-per-client",
    "max-pattern-length",
    "notify-keyspace-events",
    "list-max-listpack-size",
    "client-output-buffer-limit",
    "pubsub-overflow-policy",
    "pubsub-overflow-limit",
    "slowlog-log-slower-than",
    "slowlog-max-len",
    "latency-monitor-threshold",
];
/// Words, of settings and of what is sent, after which the number of replies cannot be told, on any
/// connection: they end connections, or leave replies out.
const UNTELLABLE: &[&str] = &[
    "kill",
    "reply",
    "setuser",
    "deluser",
    "shutdown",
    "timeout",
    "requirepass",
    "maxclients",
    "maxmemory-clients",
    "client-output-buffer-limit",
];
/// Settings that may close any connection.
const LIMITS: &[&str] = &["maxmemory-clients", "client-output-buffer-limit"];
/// Commands after which it cannot be told on their own connection: they push, wait, or end it.
const UNTELLABLE_OWN: &[&str] = &[
    "subscribe",
    "psubscribe",
    "ssubscribe",
    "unsubscribe",
    "punsubscribe",
    "sunsubscribe",
    "blpop",
    "brpop",
    "blmove",
    "blmpop",
    "brpoplpush",
    "wait",
    "monitor",
    "quit",
    "post",
    "host:",
];

thread_local! {
    static RUNTIME: RefCell<Option<Runtime>> = const { RefCell::new(None) };
    static PANICKED: Cell<bool> = const { Cell::new(false) };
}

pub(super) fn check(data: &[u8]) {
    // A task that panics ends alone, and nobody hears of it.
    static NOTE_PANICS: Once = Once::new();
    NOTE_PANICS.call_once(|| {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICKED.set(true);
            hook(panic);
        }));
    });
    RUNTIME.with_borrow_mut(|runtime| {
        let start = || Builder::new_current_thread().enable_all().build();
        let runtime = runtime.get_or_insert_with(|| start().expect("a runtime"));
        runtime.block_on(run(data));
    });
    assert!(!PANICKED.take(), "a task panicked");
}

async fn run(data: &[u8]) {
    let lines = || data.split(|&byte| byte == b'\n').take(MAX_LINES);
    let path = std::env::temp_dir().join(format!(
        "fanfare-fuzz-{:?}-{}",
        std::thread::current().id(),
        std::process::id()
    ));
    let config = lines().filter_map(|line| line.strip_prefix(b"=")).fold(
        Config {
            bind: Vec::new(),
            unixsocket: Some(path.clone()),
            // The least there can be.
            proto_max_bulk_len: 1 << 20,
            ..Config::default()
        },
        choose,
    );
    let settings = lines().filter(|line| line.starts_with(b"="));
    let server = match Server::builder().config(config).start().await {
        Ok(server) => server,
        // Settings that no server starts with.
        Err(StartError::Setting(_) | StartError::Users(_)) => return,
        Err(error) => panic!("{error}"),
    };
    let mut session = Session {
        path,
        connections: [const { None }; CONNECTIONS],
        gone: Vec::new(),
        said: [const { Vec::new() }; 1 + CONNECTIONS],
        can_tell: !server.state().acl.requires_auth(),
    };
    session.said[0].extend(settings.flatten());
    for line in lines() {
        session.play(line).await;
        if server.state().shutdown.has_begun() {
            // It waits for those that do not read.
            session.wake();
        }
    }
    if !server.state().shutdown.has_begun() {
        session.somebody_else_is_served(server.state()).await;
    }
    session.end(server.state()).await;
    nothing_is_left(server.state()).await;
    soon("the server's end", server.stop()).await;
}

/// Makes a setting of a line `name value`, if it may be chosen and has that value.
fn choose(mut config: Config, line: &[u8]) -> Config {
    let words = split_words(line).unwrap_or_default();
    if let Some((name, values)) = words.split_first()
        && let Some(name) = SETTINGS.iter().find(|known| known.as_bytes() == name)
    {
        // A value that it does not have leaves it as it was.
        let _ = config.apply(name, values);
    }
    config
}

/// Whether one of [`UNTELLABLE`] is in a text, anywhere.
fn is_untellable(text: &[u8]) -> bool {
    UNTELLABLE.iter().any(|word| has_word(text, word))
}

fn has_word(text: &[u8], word: &str) -> bool {
    let mut parts = text.windows(word.len());
    parts.any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
}

struct Session {
    path: PathBuf,
    connections: [Option<Connection>; CONNECTIONS],
    /// Those that send no more.
    gone: Vec<Connection>,
    /// The settings, and behind them what each connection was told to send.
    said: [Vec<u8>; 1 + CONNECTIONS],
    /// Whether settings and what is sent alone decide how many replies there are.
    can_tell: bool,
}

struct Connection {
    write: OwnedWriteHalf,
    /// Up to the end, all that it is sent.
    received: JoinHandle<Vec<u8>>,
    /// Kept back.
    held: Vec<u8>,
    /// How many replies it is owed, where that can be told.
    owed: Option<usize>,
    /// Whether it reads.
    reads: watch::Sender<bool>,
    /// It did not read when it told its end: what the server kept for it is lost.
    cut_off: bool,
}

impl Session {
    async fn play(&mut self, line: &[u8]) {
        let [number @ b'0'..=b'9', how, text @ ..] = line else {
            return;
        };
        let place = usize::from(number - b'0') % CONNECTIONS;
        let words = split_words(text);
        if has_word(text, "proto-max-bulk") {
            return;
        }
        let said = &mut self.said[1 + place];
        match &words {
            Ok(words) if *how == b'!' => said.extend(words.concat()),
            Ok(words) => said.extend([b" ", &*words.join(&b' '), b" "].concat()),
            Err(_) => said.extend(text),
        }
        let mut connection = match self.connections[place].take() {
            Some(connection) => connection,
            None => Connection::open(&self.path).await,
        };
        match (how, words) {
            (b'x', _) => {
                connection.received.abort();
                return settle().await;
            }
            (b'z', _) => {
                connection.reads.send_modify(|reads| *reads = !*reads);
                settle().await;
            }
            (b'>', _) => {
                connection.cut_off = !*connection.reads.borrow();
                connection.finish().await;
                self.gone.push(connection);
                return settle().await;
            }
            (b'!', Ok(words)) if text.contains(&b'"') => {
                connection.owed = None;
                connection.send(&words.concat()).await;
            }
            (b'!', _) | (_, Err(_)) => {
                connection.owed = None;
                connection.send(&[text, b"\r\n"].concat()).await;
            }
            (how, Ok(words)) => {
                connection.owes(&words);
                let bytes = encode(&words);
                match how {
                    b'+' => connection.held.extend(bytes),
                    b'/' => {
                        let (first, second) = bytes.split_at(bytes.len() / 2);
                        connection.send(first).await;
                        connection.send(second).await;
                    }
                    _ => connection.send(&bytes).await,
                }
            }
        }
        self.connections[place] = Some(connection);
    }

    fn wake(&self) {
        for connection in self.connections.iter().flatten().chain(&self.gone) {
            connection.reads.send_replace(true);
        }
    }

    /// A new connection's PING is answered.
    async fn somebody_else_is_served(&self, state: &ServerState) {
        soon("the end of all pauses", no_pause(state)).await;
        let mut connection = Connection::open(&self.path).await;
        connection.send(b"PING\r\n").await;
        let received = connection.end(state).await;
        // A limit may be so low that not even this is answered; and a pause may have held back a
        // SHUTDOWN.
        let is_limited = |said: &Vec<u8>| LIMITS.iter().any(|name| has_word(said, name));
        let may_end = state.shutdown.has_begun() || self.said.iter().any(is_limited);
        if received.is_empty() && may_end {
            return;
        }
        let refusals: [&[u8]; 4] = [
            b"+PONG\r\n",
            b"-NOAUTH Authentication required.\r\n",
            b"-NOPERM this user has no permissions to run the 'ping' command\r\n",
            b"-ERR max number of clients reached\r\n",
        ];
        assert!(
            refusals.contains(&&received[..]),
            "{}",
            received.escape_ascii()
        );
    }

    /// Ends what is open and looks at what came.
    async fn end(self, state: &ServerState) {
        self.wake();
        everything_is_written(state).await;
        // An inline command may spell a word in more ways than are looked for.
        let is_odd = |said: &Vec<u8>| is_untellable(said) || said.contains(&b'\\');
        let can_tell = self.can_tell && !self.said.iter().any(is_odd);
        // What a pause has held back when its connection ends is not carried out.
        let all_carried_out = !self.said.iter().any(|said| has_word(said, "pause"));
        let open = self.connections.into_iter().flatten();
        for connection in open.chain(self.gone) {
            let (owed, cut_off) = (connection.owed, connection.cut_off);
            let received = connection.end(state).await;
            let (kinds, rest) = resp::replies(&received);
            if can_tell && !cut_off {
                assert!(rest.is_empty(), "cut off: {}", received.escape_ascii());
            }
            if let Some(owed) = owed.filter(|_| can_tell) {
                let enough = kinds.len() == owed || cut_off || !all_carried_out;
                assert!(
                    kinds.len() <= owed && enough,
                    "{owed} replies owed: {}",
                    received.escape_ascii()
                );
                assert!(!kinds.contains(&b'>'));
            }
        }
    }
}

impl Connection {
    async fn open(path: &PathBuf) -> Connection {
        let stream = soon("connect", UnixStream::connect(path)).await;
        let Ok(stream) = stream else {
            // A SHUTDOWN was obeyed: one to whom nobody listens.
            let (stream, _) = UnixStream::pair().expect("a pair");
            return Connection::over(stream);
        };
        Connection::over(stream)
    }

    fn over(stream: UnixStream) -> Connection {
        let (read, write) = stream.into_split();
        let (reads, may_read) = watch::channel(true);
        Connection {
            write,
            received: tokio::spawn(receive(read, may_read)),
            held: Vec::new(),
            owed: Some(0),
            reads,
            cut_off: false,
        }
    }

    /// Counts the reply to a command.
    fn owes(&mut self, words: &[Vec<u8>]) {
        let Some(name) = words.first() else {
            return;
        };
        let is_name = |untellable: &&str| name.eq_ignore_ascii_case(untellable.as_bytes());
        self.owed = match self.owed {
            Some(owed) if !UNTELLABLE_OWN.iter().any(is_name) => Some(owed + 1),
            _ => None,
        };
    }

    /// Sends what was kept back and this, and lets the server look at it.
    async fn send(&mut self, bytes: &[u8]) {
        let mut all = std::mem::take(&mut self.held);
        all.extend(bytes);
        // The server may have closed it.
        let _ = soon("write", self.write.write_all(&all)).await;
        settle().await;
    }

    /// Sends what was kept back, and the end.
    async fn finish(&mut self) {
        self.send(b"").await;
        let _ = self.write.shutdown().await;
    }

    async fn end(mut self, state: &ServerState) -> Vec<u8> {
        self.finish().await;
        let mut received = self.received;
        let ended = async {
            loop {
                state.end_pause();
                // What a pause has held back may begin another.
                let wait = tokio::time::timeout(Duration::from_millis(2), &mut received);
                if let Ok(received) = wait.await {
                    return received.expect("a reader");
                }
            }
        };
        soon("the end of a connection", ended).await
    }
}

async fn receive(mut read: OwnedReadHalf, mut may_read: watch::Receiver<bool>) -> Vec<u8> {
    let mut received = Vec::new();
    while may_read.wait_for(|reads| *reads).await.is_ok()
        && matches!(read.read_buf(&mut received).await, Ok(1..))
    {}
    received
}

/// A command as an array.
fn encode(words: &[Vec<u8>]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        out.extend(format!("${}\r\n", word.len()).bytes());
        out.extend(word);
        out.extend(b"\r\n");
    }
    out
}

/// Lets the other tasks run, and sockets be looked at, a few times.
async fn settle() {
    for _ in 0..4 {
        tokio::task::yield_now().await;
    }
}

async fn soon<T>(who: &str, what: impl Future<Output = T>) -> T {
    let result = tokio::time::timeout(PATIENCE, what).await;
    result.unwrap_or_else(|_| panic!("waited in vain: {who}"))
}

/// Ends pauses, those too that commands begin which were held back.
async fn no_pause(state: &ServerState) {
    while state.pause.is_on() || state.pause.postponed() > 0 {
        state.end_pause();
        settle().await;
    }
}

/// Lets the server carry out and write what it can.
async fn everything_is_written(state: &ServerState) {
    let written = async {
        loop {
            no_pause(state).await;
            settle().await;
            let clients = state.clients.all();
            if clients.iter().all(|client| client.outbox.is_drained()) {
                return;
            }
        }
    };
    soon("the last byte", written).await;
}

/// With all clients gone, nothing is left of them; and what is counted about keys is right.
async fn nothing_is_left(state: &ServerState) {
    let deadline = Instant::now() + PATIENCE;
    let stays = || {
        let subscribed = state.registry.subscribed_clients();
        state.clients.count() + state.pause.postponed() + subscribed > 0
    };
    while stays() {
        assert!(Instant::now() < deadline, "clients that stay");
        settle().await;
    }
    assert!(!state.monitors.any());
    let registry = &state.registry;
    assert_eq!(registry.active_count(Namespace::Channel), 0);
    assert_eq!(registry.active_count(Namespace::Shard), 0);
    assert_eq!(
        (registry.pattern_count(), registry.subscribed_clients()),
        (0, 0)
    );
    let mut space = state.keyspace.lock();
    assert!(space.blocked.is_empty() && space.watched.is_empty());
    assert_eq!(space.tracking.figures(), tracking::Figures::default());
    space.assert_sound();
    space.assert_empties();
}
