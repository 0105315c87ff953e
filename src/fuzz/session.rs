//! A server, and up to three connections that send it anything.
//!
//! Layer `fuzz`.
//!
//! A line of an input consists of a digit (the connection), a letter (how to send), and words:
//!
//! ```text
//!   =requirepass x              a setting or a user, applied before the server starts
//!   0 LPUSH k "a b"             a command, as an array
//!   1/SUBSCRIBE ch              the same, in two pieces
//!   1+PING                      the same, sent together with the connection's next command
//!   2!"*1\r\n$4\r\nPI" "NG\r\n" raw bytes; a line without quotes is an inline command
//!   1>                          shuts down its sending side; its next line opens a new connection
//!   1x                          closes it; unread replies are lost
//!   1z                          stops reading, or starts again; at the end all connections read
//! ```
//!
//! Server and clients share one thread, so that a run is deterministic unless it depends on the
//! clock.

#[cfg(test)]
mod tests;

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
use crate::catalog::spec::Flag;
use crate::catalog::{CATALOG, Command};
use crate::client::Namespace;
use crate::config::Config;
use crate::resp::inline::split_words;
use crate::state::ServerState;
use crate::store::tracking;
use crate::{Server, StartError};

const CONNECTIONS: usize = 3;
/// The maximum number of lines, because a reply may have 100 KB and a run should be short.
const MAX_LINES: usize = 64;
/// A wait that takes longer fails, so that a hang becomes a failure.
const PATIENCE: Duration = Duration::from_secs(15);

/// The settings that an input may set. None of them lets a command sleep or allocate much memory.
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
    "hash-max-listpack-entries",
    "hash-max-listpack-value",
    "set-max-intset-entries",
    "set-max-listpack-entries",
    "set-max-listpack-value",
    "hll-sparse-max-bytes",
    "client-output-buffer-limit",
    "pubsub-overflow-policy",
    "pubsub-overflow-limit",
    "slowlog-log-slower-than",
    "slowlog-max-len",
    "latency-monitor-threshold",
    "zset-max-listpack-entries",
    "zset-max-listpack-value",
    "stream-node-max-bytes",
    "stream-node-max-entries",
    "tracking-table-max-keys",
];
/// Words in settings and requests that make the number of replies unpredictable on all connections:
/// they close connections, suppress replies, or push.
const UNPREDICTABLE: &[&str] = &[
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
    "tracking",
];
/// Settings that may close any connection.
const LIMITS: &[&str] = &["maxmemory-clients", "client-output-buffer-limit"];
/// Commands that make the number of replies unpredictable on their own connection, besides those
/// that the catalog calls blocking: they push, wait, or close it.
const UNPREDICTABLE_ON_ITS_OWN: &[&str] = &[
    "subscribe",
    "psubscribe",
    "ssubscribe",
    "unsubscribe",
    "punsubscribe",
    "sunsubscribe",
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

pub(super) fn run_input(data: &[u8]) {
    // A panic ends only its own task, so a hook records it.
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
        runtime.block_on(run_session(data));
    });
    assert!(!PANICKED.take(), "a task panicked");
}

async fn run_session(data: &[u8]) {
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
            // The minimum.
            proto_max_bulk_len: 1 << 20,
            ..Config::default()
        },
        choose,
    );
    let settings = lines().filter(|line| line.starts_with(b"="));
    let server = match Server::builder().config(config).start().await {
        Ok(server) => server,
        // The settings are invalid.
        Err(StartError::Setting(_) | StartError::Users(_)) => return,
        Err(error) => panic!("{error}"),
    };
    let mut session = Session {
        path,
        connections: [const { None }; CONNECTIONS],
        gone: Vec::new(),
        said: [const { Vec::new() }; 1 + CONNECTIONS],
        predictable: !server.state().acl.requires_auth(),
    };
    session.said[0].extend(settings.flatten());
    for line in lines() {
        session.play(line).await;
        if server.state().shutdown.has_begun() {
            // A shutdown waits for connections that do not read.
            session.wake();
        }
    }
    if !server.state().shutdown.has_begun() {
        session
            .assert_another_client_is_served(server.state())
            .await;
    }
    session.end(server.state()).await;
    assert_nothing_is_left(server.state()).await;
    with_timeout("the server's end", server.stop()).await;
}

/// Applies a line `name value` to the settings, if it may be set and has that value.
fn choose(mut config: Config, line: &[u8]) -> Config {
    let words = split_words(line).unwrap_or_default();
    if let Some((name, values)) = words.split_first()
        && let Some(name) = SETTINGS.iter().find(|known| known.as_bytes() == name)
    {
        // An invalid value leaves the setting unchanged.
        let _ = config.apply(name, values);
    }
    config
}

/// Whether a text contains one of the words in [`UNPREDICTABLE`].
fn is_unpredictable(text: &[u8]) -> bool {
    UNPREDICTABLE.iter().any(|word| has_word(text, word))
}

fn has_word(text: &[u8], word: &str) -> bool {
    let mut parts = text.windows(word.len());
    parts.any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
}

struct Session {
    path: PathBuf,
    connections: [Option<Connection>; CONNECTIONS],
    /// Connections whose sending side is shut down.
    gone: Vec<Connection>,
    /// The settings, and then what each connection was told to send.
    said: [Vec<u8>; 1 + CONNECTIONS],
    /// Whether the number of replies depends only on the settings and the requests.
    predictable: bool,
}

struct Connection {
    write: OwnedWriteHalf,
    /// All bytes that it receives, up to the end.
    received: JoinHandle<Vec<u8>>,
    /// Bytes that are sent with the next command.
    held: Vec<u8>,
    /// The number of replies that are expected, if it is predictable.
    expected: Option<usize>,
    /// Whether it reads.
    reads: watch::Sender<bool>,
    /// Whether it did not read when its sending side was shut down. The server's pending output for
    /// it is lost then.
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
                connection.expected = None;
                connection.send(&words.concat()).await;
            }
            (b'!', _) | (_, Err(_)) => {
                connection.expected = None;
                connection.send(&[text, b"\r\n"].concat()).await;
            }
            (how, Ok(words)) => {
                connection.expect_reply(&words);
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

    /// Asserts that a new connection's PING is answered.
    async fn assert_another_client_is_served(&self, state: &ServerState) {
        with_timeout("the end of all pauses", end_all_pauses(state)).await;
        let mut connection = Connection::open(&self.path).await;
        connection.send(b"PING\r\n").await;
        let received = connection.end(state).await;
        // A limit may be too low even for this reply, and the end of a pause may have executed a
        // SHUTDOWN.
        let is_limited = |said: &Vec<u8>| LIMITS.iter().any(|name| has_word(said, name));
        let may_end = state.shutdown.has_begun() || self.said.iter().any(is_limited);
        if received.is_empty() && may_end {
            return;
        }
        let refusals: [&[u8]; 4] = [
            b"+PONG\r\n",
            b"-NOAUTH Authentication required.\r\n",
            b"-NOPERM User default has no permissions to run the 'ping' command\r\n",
            b"-ERR max number of clients reached\r\n",
        ];
        assert!(
            refusals.contains(&&received[..]),
            "{}",
            received.escape_ascii()
        );
    }

    /// Ends all connections and validates what they received.
    async fn end(self, state: &ServerState) {
        self.wake();
        wait_until_written(state).await;
        // An inline command may spell a word with escapes.
        let is_odd = |said: &Vec<u8>| is_unpredictable(said) || said.contains(&b'\\');
        let predictable = self.predictable && !self.said.iter().any(is_odd);
        // A command that a pause holds back is not executed if its connection ends.
        let all_executed = !self.said.iter().any(|said| has_word(said, "pause"));
        let open = self.connections.into_iter().flatten();
        for connection in open.chain(self.gone) {
            let (expected, cut_off) = (connection.expected, connection.cut_off);
            let received = connection.end(state).await;
            let (kinds, rest) = resp::replies(&received);
            if predictable && !cut_off {
                assert!(rest.is_empty(), "cut off: {}", received.escape_ascii());
            }
            if let Some(expected) = expected.filter(|_| predictable) {
                let enough = kinds.len() == expected || cut_off || !all_executed;
                assert!(
                    kinds.len() <= expected && enough,
                    "{expected} replies expected: {}",
                    received.escape_ascii()
                );
                assert!(!kinds.contains(&b'>'));
            }
        }
    }
}

impl Connection {
    async fn open(path: &PathBuf) -> Connection {
        let stream = with_timeout("connect", UnixStream::connect(path)).await;
        let Ok(stream) = stream else {
            // The server has shut down. The connection is to a socket that nobody serves.
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
            expected: Some(0),
            reads,
            cut_off: false,
        }
    }

    /// Counts the expected reply to a command.
    fn expect_reply(&mut self, words: &[Vec<u8>]) {
        let Some(name) = words.first() else {
            return;
        };
        let is_name = |word: &&str| name.eq_ignore_ascii_case(word.as_bytes());
        let blocks = |command: &Command| command.has(Flag::Blocking);
        let is_unpredictable =
            UNPREDICTABLE_ON_ITS_OWN.iter().any(is_name) || CATALOG.find(name).is_some_and(blocks);
        self.expected = self
            .expected
            .filter(|_| !is_unpredictable)
            .map(|expected| expected + 1);
    }

    /// Sends the held bytes and these, and lets the server process them.
    async fn send(&mut self, bytes: &[u8]) {
        let mut all = std::mem::take(&mut self.held);
        all.extend(bytes);
        // The server may have closed the connection, so an error is ignored.
        let _ = with_timeout("write", self.write.write_all(&all)).await;
        settle().await;
    }

    /// Sends the held bytes and shuts down the sending side.
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
                // A command that a pause held back may begin another pause.
                let wait = tokio::time::timeout(Duration::from_millis(2), &mut received);
                if let Ok(received) = wait.await {
                    return received.expect("a reader");
                }
            }
        };
        with_timeout("the end of a connection", ended).await
    }
}

async fn receive(mut read: OwnedReadHalf, mut may_read: watch::Receiver<bool>) -> Vec<u8> {
    let mut received = Vec::new();
    while may_read.wait_for(|reads| *reads).await.is_ok()
        && matches!(read.read_buf(&mut received).await, Ok(1..))
    {}
    received
}

/// Encodes a command as an array.
fn encode(words: &[Vec<u8>]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        out.extend(format!("${}\r\n", word.len()).bytes());
        out.extend(word);
        out.extend(b"\r\n");
    }
    out
}

/// Yields a few times, so that the other tasks run and sockets are polled.
async fn settle() {
    for _ in 0..4 {
        tokio::task::yield_now().await;
    }
}

/// Waits for `what`. Panics after [`PATIENCE`].
async fn with_timeout<T>(who: &str, what: impl Future<Output = T>) -> T {
    let result = tokio::time::timeout(PATIENCE, what).await;
    result.unwrap_or_else(|_| panic!("timed out: {who}"))
}

/// Ends all pauses, including those that held-back commands begin.
async fn end_all_pauses(state: &ServerState) {
    while state.pause.is_on() || state.pause.postponed() > 0 {
        state.end_pause();
        settle().await;
    }
}

/// Waits until the server has executed and written everything that it can.
async fn wait_until_written(state: &ServerState) {
    let written = async {
        loop {
            end_all_pauses(state).await;
            settle().await;
            let clients = state.clients.all();
            if clients.iter().all(|client| client.outbox.is_drained()) {
                return;
            }
        }
    };
    with_timeout("the last byte", written).await;
}

/// Asserts that nothing is left of the clients once all are gone, and that the counts about keys
/// are right.
async fn assert_nothing_is_left(state: &ServerState) {
    let deadline = Instant::now() + PATIENCE;
    let some_are_left = || {
        let subscribed = state.registry.subscribed_clients();
        state.clients.count() + state.pause.postponed() + subscribed > 0
    };
    while some_are_left() {
        assert!(Instant::now() < deadline, "clients are left");
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
    let mut keyspace = state.keyspace.lock();
    assert!(keyspace.blocked.is_empty() && keyspace.watched.is_empty());
    assert_eq!(keyspace.tracking.figures(), tracking::Figures::default());
    keyspace.assert_sound();
    keyspace.assert_empties();
}
