//! Where a storm takes place: a server that is a process of its own, those who stay and what they are
//! sent meanwhile, and what must be as before when it is over.
//!
//! ```text
//!   publishers ──PUBLISH, SPUBLISH "steady"──▶ server ──▶ the steadfast: a channel, a pattern, a
//!      ▲  not far ahead of the slowest ◀──────────────────┘             shard channel; each must get
//!                                               ▲                       every message once, in order
//!                                     the storm ┘
//! ```

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use socket2::{Domain, SockRef, Socket, Type};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use crate::common::client::Client;
use crate::common::process::Process;
use crate::common::{eventually, info, soon, until_info, wire};

/// The channel of those who stay.
pub const STEADY: &str = "steady";
const PATTERN: &str = "st?a[c-e]*";
const PUBLISHERS: usize = 2;
/// Messages that a publisher may be ahead of the slowest of the steadfast, and bytes of them, so that
/// these stay below every limit however busy the machine is.
const AHEAD: u64 = 500;
const BYTES_AHEAD: u64 = 1024 * 1024;
/// Messages in one write.
const AT_ONCE: u64 = 20;

/// By how much the process may have grown when a storm is over, after a first one has warmed it up.
/// What connections held is freed, but the allocator keeps some of it for each thread, and not the
/// same in every run. What is forgotten once a connection adds up to more in the long run: a storm
/// of a minute makes tens of thousands.
const GROWTH_KB: u64 = 16 * 1024;

/// What has happened, for [`Arena::report`].
#[derive(Debug, Default)]
pub struct Counts {
    pub connections: AtomicU64,
    pub kills: AtomicU64,
    pub published: AtomicU64,
    pub received: AtomicU64,
}

/// A server in a process of its own, and the connection that looks at it.
pub struct Arena {
    name: &'static str,
    seed: u64,
    pub address: SocketAddr,
    /// Who asks and kills; the only one connected before and after.
    pub probe: Mutex<Client>,
    pub counts: Counts,
    process: Process,
}

/// For how long the storms are to go on, if that is said.
pub fn duration() -> Option<Duration> {
    let seconds = std::env::var("FANFARE_CHAOS_SECONDS").ok()?;
    let seconds = seconds.parse().expect("FANFARE_CHAOS_SECONDS is a number");
    Some(Duration::from_secs(seconds))
}

fn seed() -> u64 {
    match std::env::var("FANFARE_CHAOS_SEED") {
        Ok(seed) => seed.parse().expect("FANFARE_CHAOS_SEED is a number"),
        Err(_) => fastrand::u64(..),
    }
}

/// Prints the seed if the test fails.
struct Seed(&'static str, u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}: FANFARE_CHAOS_SEED={}", self.0, self.1);
        }
    }
}

impl Arena {
    async fn open(name: &'static str, seed: u64, settings: &[&str]) -> Arc<Arena> {
        let process = Process::start(settings).await;
        let address = process.tcp.expect("a TCP address");
        let probe = Mutex::new(process.client(2).await);
        Arc::new(Arena {
            name,
            seed,
            address,
            probe,
            counts: Counts::default(),
            process,
        })
    }

    /// A connection, which is reset when it is dropped, if so wanted; its socket takes few bytes
    /// ahead of the reader, if so wanted.
    pub async fn dial(&self, reset: bool, narrow: bool) -> Client {
        self.counts.connections.fetch_add(1, Relaxed);
        let stream = if narrow {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
            socket.set_recv_buffer_size(4096).expect("it can");
            socket.set_nonblocking(true).expect("it can");
            let socket = TcpSocket::from_std_stream(socket.into());
            soon("connect", socket.connect(self.address)).await
        } else {
            soon("connect", TcpStream::connect(self.address)).await
        };
        let stream = stream.expect("a connection");
        if reset {
            let linger = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
            linger.expect("it can");
        }
        Client::over(stream)
    }

    /// CLIENT KILL, whether it still lives or not.
    pub async fn kill(&self, id: u64) {
        let mut probe = self.probe.lock().await;
        probe.line(&format!("CLIENT KILL ID {id}")).await;
        let killed = probe.integer().await;
        self.counts.kills.fetch_add(killed as u64, Relaxed);
    }

    /// A field of INFO that is a number.
    pub async fn info(&self, field: &str) -> u64 {
        let mut probe = self.probe.lock().await;
        info(&mut probe, field).await.parse().expect("a number")
    }

    fn descriptors(&self) -> usize {
        let directory = format!("/proc/{}/fd", self.process.id());
        std::fs::read_dir(directory).expect("/proc").count()
    }

    fn resident_kb(&self) -> u64 {
        let status = format!("/proc/{}/status", self.process.id());
        let status = std::fs::read_to_string(status).expect("/proc");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.expect("VmRSS").trim().trim_end_matches(" kB");
        number.parse().expect("a number")
    }

    /// Nothing is left of anybody but the probe.
    async fn is_quiet(&self, descriptors: usize) {
        let mut probe = self.probe.lock().await;
        for (field, value) in [
            ("connected_clients", "1"),
            ("blocked_clients", "0"),
            ("pubsub_channels", "0"),
            ("pubsub_patterns", "0"),
            ("pubsubshard_channels", "0"),
            ("fanfare_connection_panics", "0"),
            ("fanfare_task_panics", "0"),
        ] {
            until_info(&mut probe, field, value).await;
        }
        probe.ask("PUBSUB NUMPAT", ":0").await;
        probe.ask("PUBSUB CHANNELS", "*0").await;
        probe.ask("PUBSUB SHARDCHANNELS", "*0").await;
        probe.line("CLIENT LIST").await;
        assert_eq!(probe.text().await.lines().count(), 1);
        // Fewer, if the server read a file of /proc at the moment of the first count.
        let what = format!("at most {descriptors} descriptors, as before");
        eventually(&what, || self.descriptors() <= descriptors).await;
    }

    fn report(&self, before: u64, after: u64) {
        let number = |count: &AtomicU64| count.load(Relaxed);
        let Counts {
            connections,
            kills,
            published,
            received,
        } = &self.counts;
        println!(
            "{}: {} connections, {} killed, {} published, {} received by those who stayed; \
             {before} KB before, {after} KB after; seed {}",
            self.name,
            number(connections),
            number(kills),
            number(published),
            number(received),
            self.seed,
        );
    }
}

/// Those who stay, and who publishes to them.
struct Steadfast {
    publishers: Vec<JoinHandle<()>>,
    subscribers: Vec<JoinHandle<()>>,
    over: Arc<AtomicBool>,
}

impl Steadfast {
    async fn begin(arena: &Arc<Arena>, payload: usize) -> Steadfast {
        let kinds = [
            ("SUBSCRIBE", STEADY),
            ("PSUBSCRIBE", PATTERN),
            ("SSUBSCRIBE", STEADY),
        ];
        let over = Arc::new(AtomicBool::new(false));
        // How many messages of each publisher each has got.
        let got: Arc<[[AtomicU64; PUBLISHERS]; 3]> = Arc::default();
        let mut subscribers = Vec::new();
        for (index, (verb, name)) in kinds.into_iter().enumerate() {
            // One of them reads through a narrow socket, which is full now and then.
            let mut client = arena.dial(false, index == 0).await;
            client.hello(2 + (index % 2) as u8).await;
            // Those who stay read; whatever the policy, nothing is dropped for them.
            client.ask("CLIENT OVERFLOW DISCONNECT", "+OK").await;
            client.subscribe(verb, &[name]).await;
            let (arena, got) = (Arc::clone(arena), Arc::clone(&got));
            subscribers.push(tokio::spawn(async move {
                stay(&mut client, &got[index], &arena.counts).await;
            }));
        }
        let mut publishers = Vec::new();
        for number in 0..PUBLISHERS {
            let client = Client::to(arena.address, 2).await;
            let (arena, got, over) = (Arc::clone(arena), Arc::clone(&got), Arc::clone(&over));
            publishers.push(tokio::spawn(async move {
                publish(client, number, payload, &got, &over, &arena.counts).await;
            }));
        }
        Steadfast {
            publishers,
            subscribers,
            over,
        }
    }

    async fn end(self) {
        self.over.store(true, Relaxed);
        for task in self.publishers.into_iter().chain(self.subscribers) {
            soon("those who stay", task).await.expect("no panic");
        }
    }
}

/// Publishes numbered messages until it is `over`, and then how many there were.
async fn publish(
    mut client: Client,
    number: usize,
    payload: usize,
    got: &[[AtomicU64; PUBLISHERS]; 3],
    over: &AtomicBool,
    counts: &Counts,
) {
    let padding = "x".repeat(payload);
    let ahead = AHEAD.min(BYTES_AHEAD / payload as u64);
    let mut sent = 0;
    let slowest = || {
        let each = got.iter().map(|each| each[number].load(Relaxed));
        each.min().unwrap_or(0)
    };
    while !over.load(Relaxed) {
        let mut requests = Vec::new();
        for _ in 0..AT_ONCE {
            let message = format!("{number} {sent} {padding}");
            requests.extend(wire::request(&["PUBLISH", STEADY, &message]));
            requests.extend(wire::request(&["SPUBLISH", STEADY, &message]));
            sent += 1;
        }
        client.send(requests).await;
        for _ in 0..AT_ONCE {
            assert!(client.integer().await >= 2, "a channel and a pattern");
            assert!(client.integer().await >= 1, "a shard channel");
        }
        eventually("those who stay get what is published", || {
            slowest() + ahead >= sent
        })
        .await;
    }
    for verb in ["PUBLISH", "SPUBLISH"] {
        client
            .command(&[verb, STEADY, &format!("{number} end {sent}")])
            .await;
        client.integer().await;
    }
    counts.published.fetch_add(2 * sent, Relaxed);
}

/// Receives everything, in order, until each publisher has said how much that was.
async fn stay(client: &mut Client, got: &[AtomicU64; PUBLISHERS], counts: &Counts) {
    let mut open = PUBLISHERS;
    while open > 0 {
        let push = client.push().await;
        let message = std::str::from_utf8(push.last().expect("a payload")).expect("text");
        let words: Vec<&str> = message.splitn(3, ' ').collect();
        let publisher: usize = words[0].parse().expect("a publisher");
        let so_far = got[publisher].load(Relaxed);
        if words[1] == "end" {
            assert_eq!(words[2], so_far.to_string(), "publisher {publisher}");
            open -= 1;
            continue;
        }
        assert_eq!(words[1], so_far.to_string(), "publisher {publisher}");
        got[publisher].store(so_far + 1, Relaxed);
        counts.received.fetch_add(1, Relaxed);
    }
    client.barrier().await;
}

/// Runs a storm: once to warm up, and then again and again, as long as the environment says or as
/// many `rounds`. Meanwhile those who stay lose nothing of messages with so many bytes of padding,
/// and afterwards nothing is left of the storm.
pub async fn chaos<F: Future<Output = ()>>(
    name: &'static str,
    settings: &[&str],
    payload: usize,
    rounds: usize,
    mut storm: impl FnMut(Arc<Arena>, fastrand::Rng) -> F,
) {
    let seed = seed();
    let _seed = Seed(name, seed);
    let mut random = fastrand::Rng::with_seed(seed);
    let arena = Arena::open(name, seed, settings).await;
    let descriptors = arena.descriptors();
    let begin = Instant::now();
    let mut before = 0;
    let mut round = 0;
    loop {
        // The first is the warm-up.
        let steadfast = Steadfast::begin(&arena, payload).await;
        let last = match duration() {
            // Long storms begin anew now and then, too, so that there are counts to look at.
            Some(whole) => {
                let part = Instant::now() + whole / 5;
                while Instant::now() < part {
                    storm(Arc::clone(&arena), random.fork()).await;
                }
                round > 0 && begin.elapsed() > whole
            }
            None => {
                for _ in 0..rounds {
                    storm(Arc::clone(&arena), random.fork()).await;
                }
                round > 0
            }
        };
        steadfast.end().await;
        arena.is_quiet(descriptors).await;
        if round == 0 {
            before = arena.resident_kb();
        }
        round += 1;
        if last {
            break;
        }
    }
    let after = arena.resident_kb();
    arena.report(before, after);
    assert!(
        after <= before + GROWTH_KB,
        "{name}: {before} KB before, {after} KB after"
    );
    let Arena { process, probe, .. } = Arc::into_inner(arena).expect("nobody is left");
    drop(probe);
    let ended = process.terminate().await;
    assert!(ended.status.success(), "{ended:?}");
    assert!(!ended.stderr.contains("panic"), "{}", ended.stderr);
}
