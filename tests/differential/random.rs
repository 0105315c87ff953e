//! Generated sessions: thousands of pub/sub commands over a few connections, compared step by step.

use super::lens::Lens;
use super::script::{Payload, Step, Then, encode_command};
use super::seeded::{Random, close, send, session};

const CONNECTIONS: [&str; 5] = ["a", "b", "c", "d", "e"];
/// Few enough to collide; binary and glob-like ones among them, and no empty one, which `*` matches in
/// one of the servers only: `patterns.script` has that.
const NAMES: [&[u8]; 9] = [
    b"a",
    b"b",
    b"ab",
    b"abc",
    b"news.1",
    b"news.2",
    b" ",
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

/// A session of random steps.
fn run(proto: u8) {
    session(proto, 8000, |random, _, _| step(random, proto));
}

/// One write on one connection: mostly one command, sometimes a pipeline.
fn step(random: &mut Random, proto: u8) -> Step {
    let connection = random.pick(&CONNECTIONS);
    let mut lens = Lens::default();
    // Under RESP2 nobody can publish to itself.
    if proto == 3 {
        lens.add("replies-first").expect("a modifier");
    }
    lens.add("sorted").expect("a modifier");
    if random.once_in(60) {
        return Step {
            lens,
            ..close(connection)
        };
    }
    let length = if random.once_in(4) {
        2 + random.below(4)
    } else {
        1
    };
    let commands = (0..length).map(|_| command(random)).collect::<Vec<_>>();
    let bytes = commands
        .iter()
        .flat_map(|words| encode_command(words))
        .collect::<Vec<_>>();
    let source = bytes.escape_ascii().to_string();
    send(
        connection,
        Payload::Bytes(bytes),
        Then::Barrier,
        source,
        lens,
    )
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
    run(2);
}

#[test]
#[ignore = "needs redis-server on PATH; .ci/run runs it"]
fn random_sessions_resp3() {
    run(3);
}
