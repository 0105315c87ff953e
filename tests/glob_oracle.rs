//! The glob matcher against a real redis-server.
//!
//! A server is started on a free port, a few hundred generated names are subscribed, and `PUBSUB
//! CHANNELS` says for each of many generated patterns which of the names it matches; the same with
//! `CONFIG GET` for the comparison without regard to case. Names and patterns come from a seeded
//! generator; a mismatch prints the seed, `FANFARE_SEED=n` runs another.
//!
//! ```text
//! cargo test --release --test glob_oracle -- --ignored
//! ```

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fanfare::glob::{matches, matches_ignore_case};

const NAMES: usize = 400;
const PATTERNS: usize = 30_000;
/// Requests in flight: enough to keep the server busy, too few to fill its buffers.
const BATCH: usize = 200;

/// Checks that `ours` accepts of `names` just those that Redis did, but for the one difference: with
/// us, stars match the empty name.
fn assert_same<'a>(
    ours: fn(&[u8], &[u8]) -> bool,
    pattern: &[u8],
    names: impl IntoIterator<Item = &'a Vec<u8>>,
    theirs: &BTreeSet<Vec<u8>>,
    seed: u64,
) {
    let only_stars = !pattern.is_empty() && pattern.iter().all(|&byte| byte == b'*');
    for name in names {
        if only_stars && name.is_empty() {
            assert!(ours(pattern, name) && !theirs.contains(name));
            continue;
        }
        assert_eq!(
            theirs.contains(name),
            ours(pattern, name),
            "Redis (left) and we differ: pattern b\"{}\", name b\"{}\", seed {seed}",
            pattern.escape_ascii(),
            name.escape_ascii(),
        );
    }
}

#[test]
#[ignore = "needs redis-server on PATH"]
fn pubsub_channels_agrees() {
    let server = Redis::start();
    let mut random = Random::seeded();
    let mut names: BTreeSet<Vec<u8>> = BTreeSet::from([Vec::new()]);
    while names.len() < NAMES {
        let length = random.below(8);
        names.insert(random.bytes(b"aaabbbccAB*?[]^-\\\x00\x01\x7f\x80\x81\xfe\xff", length));
    }
    let mut subscriber = server.connect();
    for name in &names {
        subscriber.send(&[b"SUBSCRIBE", name]);
        // *3, $9, subscribe, the name as a bulk, :n
        subscriber.lines(3);
        subscriber.bulk();
        subscriber.lines(1);
    }

    let known: Vec<Vec<u8>> = names.iter().cloned().collect();
    let mut client = server.connect();
    let mut matched = 0;
    for _ in 0..PATTERNS / BATCH {
        let patterns: Vec<Vec<u8>> = (0..BATCH).map(|_| random.pattern(&known)).collect();
        for pattern in &patterns {
            client.send(&[b"PUBSUB", b"CHANNELS", pattern]);
        }
        for pattern in &patterns {
            let theirs: BTreeSet<Vec<u8>> = client.array().into_iter().collect();
            matched += theirs.len();
            assert_same(matches, pattern, &names, &theirs, random.seed);
        }
    }
    println!("{PATTERNS} patterns, {NAMES} names, {matched} matches");
    assert!(
        matched > PATTERNS,
        "the generator's patterns match next to nothing"
    );
}

#[test]
#[ignore = "needs redis-server on PATH"]
fn config_get_agrees() {
    let server = Redis::start();
    let mut random = Random::seeded();
    let mut client = server.connect();
    client.send(&[b"CONFIG", b"GET", b"*"]);
    let names: Vec<Vec<u8>> = client.array().into_iter().step_by(2).collect();
    let mut matched = 0;
    for _ in 0..20 {
        let mut patterns: Vec<Vec<u8>> = (0..BATCH).map(|_| random.pattern(&names)).collect();
        for pattern in &mut patterns {
            // Without one of these, Redis looks the name up instead of matching it, and it stops
            // looking at a NUL.
            pattern.retain(|&byte| byte != 0);
            if !pattern.iter().any(|byte| b"[*?".contains(byte)) {
                pattern.push(b'*');
            }
            for byte in pattern.iter_mut().filter(|_| random.below(3) == 0) {
                byte.make_ascii_uppercase();
            }
            client.send(&[b"CONFIG", b"GET", pattern]);
        }
        for pattern in &patterns {
            let theirs: BTreeSet<Vec<u8>> = client.array().into_iter().step_by(2).collect();
            matched += theirs.len();
            assert_same(matches_ignore_case, pattern, &names, &theirs, random.seed);
        }
    }
    println!("{matched} matches");
}

/// A redis-server that lives as long as this value.
struct Redis {
    process: Child,
    port: u16,
}

impl Redis {
    fn start() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let process = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no"])
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server on PATH");
        Self { process, port }
    }

    /// Connects, once the server listens.
    fn connect(&self) -> Client {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            match TcpStream::connect(("127.0.0.1", self.port)) {
                Ok(stream) => {
                    stream.set_nodelay(true).expect("nodelay");
                    return Client(BufReader::new(stream));
                }
                Err(error) if Instant::now() > deadline => panic!("redis-server: {error}"),
                Err(_) => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // A server that is gone already is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Just enough RESP2.
struct Client(BufReader<TcpStream>);

impl Client {
    fn send(&mut self, arguments: &[&[u8]]) {
        let mut request = format!("*{}\r\n", arguments.len()).into_bytes();
        for argument in arguments {
            request.extend(format!("${}\r\n", argument.len()).bytes());
            request.extend(*argument);
            request.extend(b"\r\n");
        }
        self.0
            .get_mut()
            .write_all(&request)
            .expect("a request sent");
    }

    fn lines(&mut self, count: usize) -> String {
        let mut line = String::new();
        for _ in 0..count {
            line.clear();
            self.0.read_line(&mut line).expect("a line of a reply");
        }
        line
    }

    fn length(&mut self, kind: char) -> usize {
        let line = self.lines(1);
        let length = line
            .strip_prefix(kind)
            .and_then(|rest| rest.trim_end().parse().ok());
        length.unwrap_or_else(|| panic!("{line:?} instead of {kind}<length>"))
    }

    fn bulk(&mut self) -> Vec<u8> {
        let mut bulk = vec![0; self.length('$') + 2];
        self.0.read_exact(&mut bulk).expect("a bulk");
        bulk.truncate(bulk.len() - 2);
        bulk
    }

    fn array(&mut self) -> Vec<Vec<u8>> {
        (0..self.length('*')).map(|_| self.bulk()).collect()
    }
}

/// xorshift64*.
struct Random {
    seed: u64,
    state: u64,
}

impl Random {
    fn seeded() -> Self {
        let seed = std::env::var("FANFARE_SEED").ok();
        let seed = seed.map_or(20_240_607, |seed| seed.parse().expect("a number"));
        Self {
            seed,
            state: seed | 1 << 63,
        }
    }

    fn below(&mut self, end: usize) -> usize {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        (self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
    }

    fn bytes(&mut self, alphabet: &[u8], length: usize) -> Vec<u8> {
        (0..length)
            .map(|_| alphabet[self.below(alphabet.len())])
            .collect()
    }

    /// Either noise, or one of the names with some bytes made wild, so that long patterns match
    /// something too.
    fn pattern(&mut self, names: &[Vec<u8>]) -> Vec<u8> {
        const NOISE: &[u8] = b"aabbccAB****???[[[[]]]^^--\\\\\\\x00\x01\x7f\x80\x81\xfe\xff";
        if self.below(2) == 0 {
            let length = self.below(12);
            return self.bytes(NOISE, length);
        }
        let name = names[self.below(names.len())].clone();
        let mut pattern = Vec::new();
        for byte in name {
            match self.below(12) {
                0 => pattern.push(b'?'),
                1 => pattern.push(b'*'),
                2 => pattern.extend([b'*', byte]),
                3 => pattern.extend([b'\\', byte]),
                4 => pattern.extend([b'[', byte, b']']),
                5 => pattern.extend([b'[', b'\\', byte, b'c', b']']),
                6 => {
                    pattern.push(b'[');
                    let length = self.below(5);
                    pattern.extend(self.bytes(NOISE, length));
                    pattern.extend([byte, b']']);
                }
                7 => {
                    let ends = self.bytes(NOISE, 2);
                    pattern.extend([b'[', ends[0], b'-', ends[1], b']']);
                }
                8 => pattern.extend([b'[', b'^', NOISE[self.below(NOISE.len())], b']']),
                _ => pattern.push(byte),
            }
        }
        pattern
    }
}
