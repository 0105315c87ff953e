//! Generated sessions of queue mode: pipelines of commands of all types and of transactions over a few connections and
//! databases, and blocking pops that later commands serve. Now and then everything that is stored is compared.
//!
//! A command is made from a template: words in lower case are placeholders, see [`MEANINGS`]; all others are sent as they are.
//! What would depend on the clock, on a hash table's order or on the race of two connections is left out: times to live
//! are absolute, in the far future or long past; the order of keys, and a random one, are hidden; SWAPDB, which makes
//! many keys ready in no order, comes when nobody waits; SORT stores where nobody waits, as Redis wakes nobody if there was
//! a value of another type before; nothing but a barrier follows a blocking command.

use super::lens::Lens;
use super::pair::Pair;
use super::random_bits;
use super::random_collections::{self as collections, HASH_KEYS, SET_KEYS};
use super::random_lists as lists;
use super::random_sorted_sets as sorted_sets;
use super::random_streams as streams;
use super::script::{Payload, Step, Then, encode_command};
use super::seeded::{Random, close, send, session};

/// The first never blocks, so that somebody can always push.
const CONNECTIONS: [&str; 5] = ["a", "b", "c", "d", "e"];
/// It looks at everything, and is never in a transaction.
const AUDITOR: &str = "auditor";
pub const DATABASES: [&str; 3] = ["0", "1", "2"];
/// Everything is compared after as many steps.
const AUDIT: u64 = 60;

const TRANSACTIONS: [&str; 10] = [
    "MULTI",
    "MULTI",
    "EXEC",
    "EXEC",
    "EXEC",
    "DISCARD",
    "WATCH k k",
    "UNWATCH",
    "SELECT database",
    "SELECT 0",
];
fn run(proto: u8) {
    session(proto, 20_000, step);
}

fn step(random: &mut Random, pair: &Pair, index: u64) -> Step {
    if index.is_multiple_of(AUDIT) {
        return audit();
    }
    if index % AUDIT == AUDIT / 2 {
        return audit_collections();
    }
    if random.once_in(12) {
        return look(random, pair);
    }
    let connection = random.pick(&CONNECTIONS);
    if pair.is_blocked(connection) {
        return match random.below(8) {
            0 => close(connection),
            1 => unblock(random, connection),
            _ => pipeline(CONNECTIONS[0], random, pair),
        };
    }
    match random.below(100) {
        0 => close(connection),
        1..=12 if connection != CONNECTIONS[0] => {
            let templates = random.pick(&[&lists::BLOCKING[..], &sorted_sets::BLOCKING]);
            let command = command(random, templates);
            commands(connection, &[command], Then::Blocks, &[])
        }
        _ => pipeline(connection, random, pair),
    }
}

/// Several commands in one write.
fn pipeline(connection: &str, random: &mut Random, pair: &Pair) -> Step {
    let most = random.pick(&[1, 8, 24]);
    let length = 1 + random.below(most);
    let pipeline = (0..length).map(|_| match random.below(900) {
        480..=569 => command(random, &collections::HASHES),
        570..=679 => command(random, &collections::SETS),
        680..=799 => command(random, &sorted_sets::COMMANDS),
        800.. => command(random, &streams::MIXED),
        0..=159 => command(random, &lists::LISTS),
        160..=269 => command(random, &lists::STRINGS),
        270..=339 => command(random, &lists::KEYS),
        340..=398 => command(random, &TRANSACTIONS),
        400..=479 => command(random, &random_bits::TEMPLATES),
        _ => command(random, &lists::IMPATIENT),
    });
    let mut pipeline: Vec<_> = pipeline.collect();
    // A waiter of a key that SORT makes a list, in place of another type, is served. Redis leaves it
    // blocked, and so its waiters get no such key.
    if CONNECTIONS.iter().any(|name| pair.is_blocked(name)) {
        let stores = pipeline.iter_mut().filter(|words| words[0] == b"SORT");
        for words in stores {
            if let [.., store, key] = words.as_mut_slice()
                && store == b"STORE"
            {
                *key = b"SORTED".to_vec();
            }
        }
    }
    commands(connection, &pipeline, Then::Barrier, &[])
}

/// What has no order, and what changes whole databases.
fn look(random: &mut Random, pair: &Pair) -> Step {
    let select = format!("SELECT {}", random.pick(&DATABASES));
    let (template, views): (&str, &[&str]) = match random.below(100) {
        40..=69 => (random.pick(&collections::UNORDERED), &["sorted"]),
        70..=79 => (random.pick(&collections::RANDOM), &["shape"]),
        80.. => random.pick(&sorted_sets::LOOKS),
        0..=9 => ("KEYS pattern", &["sorted"]),
        10..=19 => ("SCAN 0 COUNT 1000 MATCH pattern", &["sorted"]),
        20..=25 => ("SCAN 0 COUNT 1000 TYPE list", &["sorted"]),
        26..=35 => ("RANDOMKEY", &["shape"]),
        36 => ("FLUSHDB", &[]),
        38 => ("CONFIG SET hll-sparse-max-bytes sparse", &[]),
        37 if !CONNECTIONS.iter().any(|name| pair.is_blocked(name)) => {
            ("SWAPDB database database", &[])
        }
        _ => ("EXISTS k k k", &[]),
    };
    let pair = [command(random, &[&select]), command(random, &[template])];
    commands(AUDITOR, &pair, Then::Barrier, views)
}

fn unblock(random: &mut Random, connection: &str) -> Step {
    let how = random.pick(&["", "TIMEOUT", "ERROR"]);
    let words = format!("CLIENT UNBLOCK ${{{connection}.id}} {how}");
    send(
        AUDITOR,
        Payload::Words(words.clone()),
        Then::Barrier,
        words,
        Lens::default(),
    )
}

/// Everything that is stored: DBSIZE tells whether there is more than these keys.
fn audit() -> Step {
    let mut all = Vec::new();
    let mut add = |words: &[&[u8]]| all.push(words.iter().map(|word| word.to_vec()).collect());
    for database in DATABASES {
        add(&[b"SELECT", database.as_bytes()]);
        for key in all_keys() {
            add(&[b"TYPE", key]);
            add(&[b"GET", key]);
            add(&[b"LRANGE", key, b"0", b"-1"]);
            add(&[b"ZRANGE", key, b"0", b"-1", b"WITHSCORES"]);
            add(&[b"XRANGE", key, b"-", b"+"]);
            add(&[b"PEXPIRETIME", key]);
        }
        random_bits::audit().iter().for_each(|words| add(words));
        add(&[b"DBSIZE"]);
    }
    commands(AUDITOR, &all, Then::Barrier, &[])
}

fn all_keys() -> impl Iterator<Item = &'static [u8]> {
    let keys = lists::LIST_KEYS
        .iter()
        .chain(&lists::STRING_KEYS)
        .chain(&lists::OWN_KEYS);
    let keys = keys.chain(&HASH_KEYS).chain(&SET_KEYS);
    let keys = keys
        .chain(&random_bits::STRINGS)
        .chain(&random_bits::PLACES);
    let keys = keys.chain(&sorted_sets::KEYS).chain(&sorted_sets::OWN_KEYS);
    let keys = keys.chain(&streams::KEYS);
    keys.chain(&collections::OWN_KEYS).copied()
}

/// All that is stored without an order.
fn audit_collections() -> Step {
    let mut all = Vec::new();
    let mut add = |words: &[&[u8]]| all.push(words.iter().map(|word| word.to_vec()).collect());
    for database in DATABASES {
        add(&[b"SELECT", database.as_bytes()]);
        for key in all_keys() {
            add(&[b"HGETALL", key]);
            add(&[b"SMEMBERS", key]);
        }
    }
    commands(AUDITOR, &all, Then::Barrier, &["sorted"])
}

/// One write. A failure prints its commands with the numbers of their replies.
fn commands(connection: &str, commands: &[Vec<Vec<u8>>], then: Then, views: &[&str]) -> Step {
    let mut lens = Lens::default();
    for view in ["encodings"].iter().chain(views) {
        lens.add(view).expect("a modifier");
    }
    let mut source = String::new();
    for (index, words) in commands.iter().enumerate() {
        source += &format!("\n    {}:", index + 1);
        for word in words {
            let shown = word.escape_ascii().to_string();
            source += &match shown.get(..60) {
                Some(head) => format!(" {head}…({})", word.len()),
                None if shown.is_empty() => String::from(" \"\""),
                None => format!(" {shown}"),
            };
        }
    }
    let bytes = commands.iter().flat_map(|words| encode_command(words));
    send(
        connection,
        Payload::Bytes(bytes.collect()),
        then,
        source,
        lens,
    )
}

/// A command from one of the templates.
fn command(random: &mut Random, templates: &[&str]) -> Vec<Vec<u8>> {
    let mut words = Vec::new();
    for place in random.pick(templates).split(' ') {
        // One sorted set in eight is a key of another type, as it is with the others' keys.
        let place = if place == "z" && random.once_in(8) {
            "k"
        } else {
            place
        };
        let from = MEANINGS.iter().find_map(|meaning| meaning(random, place));
        words.extend(from.unwrap_or_else(|| vec![place.into()]));
    }
    words
}

/// What may stand in a placeholder's place.
type Meaning = fn(&mut Random, &str) -> Option<Vec<Vec<u8>>>;

/// Each placeholder has one meaning; words that have none are sent as they are.
const MEANINGS: [Meaning; 5] = [
    lists::words,
    random_bits::words,
    |random, place| collections::word(random, place).map(|word| vec![word]),
    |random, place| sorted_sets::word(random, place).map(|word| vec![word]),
    |random, place| streams::word(random, place).map(|word| vec![word]),
];

#[test]
#[ignore = "needs redis-server on PATH; .ci/run runs it"]
fn random_queue_sessions_resp2() {
    run(2);
}

#[test]
#[ignore = "needs redis-server on PATH; .ci/run runs it"]
fn random_queue_sessions_resp3() {
    run(3);
}

/// Two files that meant different things by one word would have one of them send nonsense for ever.
#[test]
fn a_placeholder_has_one_meaning() {
    let mut random = Random::new(1);
    let all = [
        &lists::LISTS[..],
        &lists::STRINGS,
        &lists::KEYS,
        &lists::BLOCKING,
        &lists::IMPATIENT,
        &random_bits::TEMPLATES,
        &collections::HASHES,
        &collections::SETS,
        &collections::UNORDERED,
        &collections::RANDOM,
        &sorted_sets::COMMANDS,
        &sorted_sets::BLOCKING,
        &streams::MIXED,
    ];
    for template in all.into_iter().flatten() {
        for place in template.split(' ') {
            let meanings = MEANINGS.iter();
            let count = meanings.filter(|meaning| meaning(&mut random, place).is_some());
            assert!(count.count() <= 1, "{place} in {template}");
        }
    }
}
