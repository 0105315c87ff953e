//! A server, and up to three connections that send it anything.
//!
//! A line of an input is a digit, the connection, a letter, how it is sent, and words:
//!
//! ```text
//!   =requirepass x              a setting, before the server starts
//!   0 LPUSH k "a b"             a command, as an array
//!   1/SUBSCRIBE ch              the same, in two pieces
//!   1+PING                      the same, kept back until the connection sends the next
//!   2!"*1\r\n$4\r\nPI" "NG\r\n" bytes as they are; a line without quotes is an inline command
//!   1>                          it sends nothing any more; its next line is a new connection's
//!   1x                          it is closed, with whatever was not read
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
use tokio::task::JoinHandle;

use super::resp;
use crate::Server;
use crate::config::Config;
use crate::pubsub::message::Kind;
use crate::resp::inline::split_words;
use crate::server::state::ServerState;

const CONNECTIONS: usize = 3;
/// More lines say nothing new and take long: a reply may be some 100 KB.
const MAX_LINES: usize = 64;
/// Turns a hang into a failure.
const PATIENCE: Duration = Duration::from_secs(15);

/// Settings that an input may choose. None lets a command sleep, or ask for much memory at once.
const SETTINGS: &[&str] = &[
    "requirepass",
    "queue",
    "databases",
    "maxclients",
    "maxmemory",
    "notify-keyspace-events",
    "list-max-listpack-size",
    "client-output-buffer-limit",
];
/// Commands, and settings, after which the number of replies cannot be told, on any connection:
/// they end connections, or leave replies out.
const UNTELLABLE: &[&str] = &[
    "client",
    "config",
    "shutdown",
    "requirepass",
    "maxclients",
    "client-output-buffer-limit",
];
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
    let server = Server::builder()
        .config(config)
        .start()
        .await
        .expect("a server");
    let mut session = Session {
        path,
        connections: [const { None }; CONNECTIONS],
        gone: Vec::new(),
        can_tell: !lines().any(is_untellable),
    };
    for line in lines() {
        session.play(line).await;
    }
    if !server.state().shutdown.has_begun() {
        session.somebody_else_is_served().await;
    }
    session.end().await;
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

/// Whether a line has one of [`UNTELLABLE`], anywhere, however it is sent.
fn is_untellable(line: &[u8]) -> bool {
    let lower = line.to_ascii_lowercase();
    let has = |word: &&str| {
        lower
            .windows(word.len())
            .any(|part| part == word.as_bytes())
    };
    UNTELLABLE.iter().any(|word| has(word))
}

struct Session {
    path: PathBuf,
    connections: [Option<Connection>; CONNECTIONS],
    /// Those that send no more.
    gone: Vec<Connection>,
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
}

impl Session {
    async fn play(&mut self, line: &[u8]) {
        let [number @ b'0'..=b'9', how, text @ ..] = line else {
            return;
        };
        let place = usize::from(number - b'0') % CONNECTIONS;
        let words = split_words(text);
        if text
            .to_ascii_lowercase()
            .windows(14)
            .any(|part| part == b"proto-max-bulk")
        {
            return;
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
            (b'>', _) => {
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

    /// A new connection's PING is answered.
    async fn somebody_else_is_served(&self) {
        let mut connection = Connection::open(&self.path).await;
        connection.send(b"PING\r\n").await;
        let received = connection.end().await;
        let refusals: [&[u8]; 3] = [
            b"+PONG\r\n",
            b"-NOAUTH Authentication required.\r\n",
            b"-ERR max number of clients reached\r\n",
        ];
        assert!(
            refusals.contains(&&received[..]),
            "{}",
            received.escape_ascii()
        );
    }

    /// Ends what is open and looks at what came.
    async fn end(self) {
        let open = self.connections.into_iter().flatten();
        for connection in open.chain(self.gone) {
            let owed = connection.owed;
            let received = connection.end().await;
            let (kinds, rest) = resp::replies(&received);
            if self.can_tell {
                assert!(rest.is_empty(), "cut off: {}", received.escape_ascii());
            }
            if let Some(owed) = owed.filter(|_| self.can_tell) {
                assert_eq!(kinds.len(), owed, "replies: {}", received.escape_ascii());
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
        Connection {
            write,
            received: tokio::spawn(receive(read)),
            held: Vec::new(),
            owed: Some(0),
        }
    }

    /// Counts the reply to a command.
    fn owes(&mut self, words: &[Vec<u8>]) {
        let Some(name) = words.first() else {
            return;
        };
        let is_name = |untellable: &&str| name.eq_ignore_ascii_case(untellable.as_bytes());
        self.owed = match self.owed {
            Some(owed) if !UNTELLABLE_OWN.iter().any(|word| is_name(word)) => Some(owed + 1),
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

    async fn end(mut self) -> Vec<u8> {
        self.finish().await;
        soon("the end of a connection", self.received)
            .await
            .expect("a reader")
    }
}

async fn receive(mut read: OwnedReadHalf) -> Vec<u8> {
    let mut received = Vec::new();
    while let Ok(1..) = read.read_buf(&mut received).await {}
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

/// With all clients gone, nothing is left of them; and what is counted about keys is right.
async fn nothing_is_left(state: &ServerState) {
    let deadline = Instant::now() + PATIENCE;
    while state.clients.count() > 0 {
        assert!(Instant::now() < deadline, "clients that stay");
        settle().await;
    }
    let registry = &state.registry;
    assert_eq!(registry.active_count(Kind::Channel), 0);
    assert_eq!(registry.active_count(Kind::Shard), 0);
    assert_eq!(
        (registry.pattern_count(), registry.subscribed_clients()),
        (0, 0)
    );
    let mut space = state.keyspace.lock();
    assert!(space.blocked.is_empty() && space.watched.is_empty());
    space.assert_sound();
    space.assert_empties();
}
