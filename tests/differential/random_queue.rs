//! Generated sessions of queue mode: pipelines of commands of all types and of transactions over a few connections and
//! databases, and blocking pops that later commands serve. Now and then everything that is stored is compared.
//!
//! A command is made from a template: words in lower case are placeholders, see [`word`]; all others are sent as they are.
//! What would depend on the clock, on a hash table's order or on the race of two connections is left out: times to live
//! are absolute, in the far future or long past; the order of keys, and a random one, are hidden; SWAPDB, which makes
//! many keys ready in no order, comes when nobody waits; SORT stores where nobody waits, as Redis wakes nobody if there was
//! a value of another type before; nothing but a barrier follows a blocking command.

use super::lens::Lens;
use super::pair::Pair;
use super::random_bits;
use super::random_collections::{self as collections, HASH_KEYS, SET_KEYS};
use super::random_sorted_sets as sorted_sets;
use super::script::{Payload, Step, Then, encode_command};
use super::seeded::{Random, close, send, session};

/// The first never blocks, so that somebody can always push.
const CONNECTIONS: [&str; 5] = ["a", "b", "c", "d", "e"];
/// It looks at everything, and is never in a transaction.
const AUDITOR: &str = "auditor";
const DATABASES: [&str; 3] = ["0", "1", "2"];
/// Everything is compared after as many steps.
const AUDIT: u64 = 60;

const LIST_KEYS: [&[u8]; 4] = [b"l1", b"l2", b"", b"list\x00\r\n\xff"];
const STRING_KEYS: [&[u8]; 4] = [b"s1", b"s2", b"s3", b"*"];
/// Keys that only the templates which name them write: numbers to sort, their weights, and a float.
const OWN_KEYS: [&[u8]; 6] = [b"NUMBERS", b"SORTED", b"W_0", b"W_1", b"W_2", b"F"];
const WORDS: [&[u8]; 8] = [
    b"",
    b"x",
    b"abc",
    b"ABC",
    b"n\x00\xff\r\n",
    b"a value of some length, which is no embedded string",
    b"1.5",
    b" 1",
];
const INTEGERS: [&str; 12] = [
    "0",
    "1",
    "-1",
    "7",
    "10",
    "-100",
    "4095",
    "70000",
    "12345678901",
    "9223372036854775807",
    "-9223372036854775808",
    "007",
];
const FLOATS: [&str; 8] = ["0.1", "0.25", "-1.5", "3", "1e2", "-0.3", "100.001", "x"];
const PATTERNS: [&[u8]; 7] = [
    b"*",
    b"l*",
    b"s?",
    b"[lW]*",
    b"list\x00*",
    b"\\*",
    b"nosuch",
];
const SECONDS: [&str; 5] = ["4000000000", "4000000001", "5000000000", "1", "-1"];
const MILLISECONDS: [&str; 4] = ["4000000000001", "4000000000999", "5000000000000", "1"];

const LISTS: [&str; 36] = [
    "LPUSH l values",
    "LPUSH l values",
    "RPUSH l values",
    "RPUSH l values",
    "RPUSH l values",
    "LPUSHX l value",
    "RPUSHX l values",
    "LPOP l",
    "LPOP l count",
    "RPOP l",
    "RPOP l count",
    "LLEN l",
    "LRANGE l index index",
    "LRANGE l 0 -1",
    "LINDEX l index",
    "LSET l index value",
    "LINSERT l BEFORE value value",
    "LINSERT l AFTER value value",
    "LREM l count value",
    "LTRIM l index index",
    "LTRIM l 0 11",
    "LPOS l value",
    "LPOS l value RANK count COUNT count",
    "LPOS l value COUNT 0 MAXLEN count",
    "LMOVE l l side side",
    "RPOPLPUSH l l",
    "LMPOP 2 l l side",
    "LMPOP 1 l side COUNT count",
    "RPUSH NUMBERS small small",
    "LTRIM NUMBERS 0 9",
    "SORT NUMBERS BY W_* GET # GET W_*",
    "SORT NUMBERS LIMIT count count DESC",
    "SORT NUMBERS BY W_* DESC STORE SORTED",
    "SORT_RO l ALPHA LIMIT count count",
    "SORT l ALPHA DESC STORE SORTED",
    "SORT l GET # GET W_*",
];
const STRINGS: [&str; 33] = [
    "SET s value",
    "SET s integer",
    "SET s value exists",
    "SET s value GET",
    "SET s value exists GET",
    "SET s value EXAT seconds",
    "SET s value PXAT milliseconds",
    "SET s integer KEEPTTL",
    "GET s",
    "GET s",
    "GETDEL s",
    "GETSET s value",
    "GETEX s",
    "GETEX s EXAT seconds",
    "GETEX s PXAT milliseconds",
    "GETEX s PERSIST",
    "SETNX s value",
    "MGET k k k",
    "MSET s value s integer",
    "MSETNX s value s value",
    "APPEND s value",
    "APPEND s integer",
    "STRLEN s",
    "GETRANGE s index index",
    "SETRANGE s count value",
    "INCR s",
    "DECR s",
    "INCRBY s integer",
    "DECRBY s integer",
    "SET W_0 small",
    "SET W_1 small",
    "INCRBYFLOAT F float",
    "SET F float",
];
const KEYS: [&str; 23] = [
    "DEL k",
    "DEL k k",
    "UNLINK k",
    "EXISTS k k k",
    "TOUCH k k",
    "TYPE k",
    "EXPIREAT k seconds",
    "EXPIREAT k seconds when",
    "PEXPIREAT k milliseconds",
    "PEXPIREAT k milliseconds when",
    "EXPIRE k 0",
    "PERSIST k",
    "EXPIRETIME k",
    "PEXPIRETIME k",
    "RENAME k k",
    "RENAMENX k k",
    "COPY k k",
    "COPY k k REPLACE",
    "COPY k k DB database REPLACE",
    "MOVE k database",
    "OBJECT ENCODING k",
    "OBJECT ENCODING s",
    "OBJECT ENCODING F",
];
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
const BLOCKING: [&str; 9] = [
    "BLPOP l 0",
    "BRPOP l 0",
    "BLPOP l l 0",
    "BRPOP l k 0",
    "BLMOVE l l side side 0",
    "BLMOVE l k side side 0",
    "BRPOPLPUSH l l 0",
    "BLMPOP 0 2 l l side",
    "BLMPOP 0 1 l side COUNT count",
];
/// These may stand in a pipeline: they answer soon.
const IMPATIENT: [&str; 3] = [
    "BLPOP l 0.001",
    "BLMOVE l l side side 0.001",
    "BLMPOP 0.001 1 l side",
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
            let templates = random.pick(&[&BLOCKING[..], &sorted_sets::BLOCKING]);
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
    let pipeline = (0..length).map(|_| match random.below(800) {
        480..=569 => command(random, &collections::HASHES),
        570..=679 => command(random, &collections::SETS),
        680.. => command(random, &sorted_sets::COMMANDS),
        0..=159 => command(random, &LISTS),
        160..=269 => command(random, &STRINGS),
        270..=339 => command(random, &KEYS),
        340..=398 => command(random, &TRANSACTIONS),
        400..=479 => command(random, &random_bits::TEMPLATES),
        _ => command(random, &IMPATIENT),
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
            add(&[b"PEXPIRETIME", key]);
        }
        random_bits::audit().iter().for_each(|words| add(words));
        add(&[b"DBSIZE"]);
    }
    commands(AUDITOR, &all, Then::Barrier, &[])
}

fn all_keys() -> impl Iterator<Item = &'static [u8]> {
    let keys = LIST_KEYS.iter().chain(&STRING_KEYS).chain(&OWN_KEYS);
    let keys = keys.chain(&HASH_KEYS).chain(&SET_KEYS);
    let keys = keys
        .chain(&random_bits::STRINGS)
        .chain(&random_bits::PLACES);
    let keys = keys.chain(&sorted_sets::KEYS).chain(&sorted_sets::OWN_KEYS);
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
        let times = if place == "values" {
            1 + random.below(4)
        } else {
            1
        };
        match random_bits::words(random, place) {
            Some(own) => words.extend(own),
            None => words.extend((0..times).map(|_| word(random, place))),
        }
    }
    words
}

/// What stands in a placeholder's place. One key in eight is of another type.
fn word(random: &mut Random, place: &str) -> Vec<u8> {
    let strange = random.once_in(8);
    match place {
        "l" => random
            .pick(if strange { &STRING_KEYS } else { &LIST_KEYS })
            .to_vec(),
        "s" => random
            .pick(if strange { &LIST_KEYS } else { &STRING_KEYS })
            .to_vec(),
        "z" if strange => word(random, "k"),
        "k" if random.once_in(6) => random.pick(&random_bits::STRINGS).to_vec(),
        "k" if random.once_in(4) => random.pick(&sorted_sets::KEYS).to_vec(),
        "k" => {
            let keys = random.pick(&[&LIST_KEYS, &STRING_KEYS, &HASH_KEYS, &SET_KEYS]);
            random.pick(keys).to_vec()
        }
        "value" | "values" => value(random),
        "integer" => random.pick(&INTEGERS).into(),
        "float" => random.pick(&FLOATS).into(),
        "small" => random.below(4).to_string().into(),
        "index" if random.once_in(20) => random.pick(&INTEGERS).into(),
        "index" => (random.below(20) as i64 - 10).to_string().into(),
        "count" => (random.below(8) as i64 - 2).to_string().into(),
        "database" => random.pick(&DATABASES).into(),
        "seconds" => random.pick(&SECONDS).into(),
        "milliseconds" => random.pick(&MILLISECONDS).into(),
        "pattern" => random.pick(&PATTERNS).to_vec(),
        "side" => random.pick(&["LEFT", "RIGHT"]).into(),
        "exists" => random.pick(&["NX", "XX"]).into(),
        "when" => random.pick(&["NX", "XX", "GT", "LT"]).into(),
        _ => collections::word(random, place)
            .or_else(|| sorted_sets::word(random, place))
            .unwrap_or_else(|| place.into()),
    }
}

/// Sometimes of several KB, so that a list has several nodes.
fn value(random: &mut Random) -> Vec<u8> {
    match random.below(12) {
        0 => {
            let letter = random.pick(b"xyz");
            vec![letter; random.pick(&[44, 45, 63, 64, 300, 4000, 9000])]
        }
        1..=5 => random.pick(&INTEGERS).into(),
        _ => random.pick(&WORDS).to_vec(),
    }
}

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
