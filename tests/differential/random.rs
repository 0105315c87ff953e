//! Generated sessions: thousands of pub/sub commands over a few connections, compared step by step.
//!
//! `FANFARE_DIFF_SEED` repeats a failure, `FANFARE_DIFF_STEPS` makes the session longer.

use super::lens::Lens;
use super::pair::Pair;
use super::script::{Action, Payload, Step, Then, encode_command};

const CONNECTIONS: [&str; 5] = ["a", "b", "c", "d", "e"];
/// Few enough to collide; binary, empty and glob-like ones among them.
const NAMES: [&[u8]; 9] = [
    b"a",
    b"b",
    b"ab",
    b"abc",
    b"news.1",
    b"news.2",
    b"",
    b"*",
    b"\x00\r\n\xff",
];
const PATTERNS: [&[u8]; 14] = [
    b"*", b"a*", b"*b", b"?", b"a?c", b"[ab]", b"[^a]", b"[b-a]", b"news.*", b"", b"\\*", b"abc",
    b"[a", b"**b*",
];
const PAYLOADS: [&[u8]; 5] = [
    b"",
    b"x",
    b"\r\n$5\r\n",
    b"\x00\xff",
    b"a message of some length, so that frames are longer",
];

/// xorshift64*: enough for choosing, and the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|value| {
        value
            .parse()
            .unwrap_or_else(|_| panic!("{variable} must be a number"))
    })
}

/// A session of random steps. The seed is new in each run and is printed when the servers differ.
fn session(proto: u8) {
    let now = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .expect("a time after 1970")
        .as_nanos() as u64;
    let seed = number("FANFARE_DIFF_SEED").unwrap_or(now).max(1);
    let steps = number("FANFARE_DIFF_STEPS").unwrap_or(8000);
    let mut random = Random(seed);
    let mut pair = Pair::start(&[], proto);
    for index in 1..=steps {
        let step = step(&mut random, index, proto);
        if let Err(difference) = pair.take(&step) {
            panic!("FANFARE_DIFF_SEED={seed}, RESP{proto}, {difference}");
        }
    }
}

/// One write on one connection: mostly one command, sometimes a pipeline.
fn step(random: &mut Random, index: u64, proto: u8) -> Step {
    let connection = random.pick(&CONNECTIONS).to_string();
    let mut lens = Lens::default();
    // Under RESP2 nobody can publish to itself.
    if proto == 3 {
        lens.add("replies-first").expect("a modifier");
    }
    lens.add("sorted").expect("a modifier");
    let place = format!("step {index}");
    if random.below(60) == 0 {
        let source = format!("{connection}.close");
        return Step {
            place,
            source,
            connection,
            action: Action::Close,
            lens,
            differences: Vec::new(),
        };
    }
    let length = if random.below(4) == 0 {
        2 + random.below(4)
    } else {
        1
    };
    let commands = (0..length).map(|_| command(random)).collect::<Vec<_>>();
    let bytes = commands
        .iter()
        .flat_map(|words| encode_command(words))
        .collect::<Vec<_>>();
    let source = format!("{connection}! {}", bytes.escape_ascii());
    let action = Action::Send {
        payload: Payload::Bytes(bytes),
        then: Then::Barrier,
    };
    Step {
        place,
        source,
        connection,
        action,
        lens,
        differences: Vec::new(),
    }
}

fn command(random: &mut Random) -> Vec<Vec<u8>> {
    let (verb, from, most): (&str, &[&[u8]], usize) = match random.below(33) {
        0..=3 => ("SUBSCRIBE", &NAMES, 4),
        4..=6 => ("PSUBSCRIBE", &PATTERNS, 3),
        7..=8 => ("SSUBSCRIBE", &NAMES, 3),
        9..=10 => ("UNSUBSCRIBE", &NAMES, 4),
        11..=12 => ("PUNSUBSCRIBE", &PATTERNS, 4),
        13 => ("SUNSUBSCRIBE", &NAMES, 4),
        14..=22 => return publish(random, "PUBLISH"),
        23..=24 => return publish(random, "spublish"),
        25 => return query(random, "CHANNELS", &PATTERNS, 2),
        26 => return query(random, "NUMSUB", &NAMES, 5),
        27 => return query(random, "NUMPAT", &NAMES, 1),
        28 => return query(random, "ShardChannels", &PATTERNS, 2),
        29 => return query(random, "SHARDNUMSUB", &NAMES, 5),
        30 => ("ping", &PAYLOADS, 3),
        31 => ("RESET", &NAMES, 1),
        _ => ("ECHO", &PAYLOADS, 3),
    };
    // Unsubscribing from everything and RESET would otherwise empty the room all the time.
    let least = usize::from(random.below(5) != 0 && most > 1);
    let count = least + random.below(most - least);
    let mut words = vec![verb.as_bytes().to_vec()];
    words.extend((0..count).map(|_| random.pick(from).to_vec()));
    words
}

fn publish(random: &mut Random, verb: &str) -> Vec<Vec<u8>> {
    vec![
        verb.as_bytes().to_vec(),
        random.pick(&NAMES).to_vec(),
        random.pick(&PAYLOADS).to_vec(),
    ]
}

fn query(random: &mut Random, subcommand: &str, from: &[&[u8]], most: usize) -> Vec<Vec<u8>> {
    let mut words = vec![b"PUBSUB".to_vec(), subcommand.as_bytes().to_vec()];
    words.extend((0..random.below(most)).map(|_| random.pick(from).to_vec()));
    words
}

#[test]
#[ignore = "needs redis-server on PATH; .ci/run runs it"]
fn random_sessions_resp2() {
    session(2);
}

#[test]
#[ignore = "needs redis-server on PATH; .ci/run runs it"]
fn random_sessions_resp3() {
    session(3);
}
