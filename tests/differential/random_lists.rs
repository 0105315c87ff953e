//! Lists, strings and keys in the generated sessions of queue mode: their templates, and the words in their
//! placeholders' place.

use super::random_bits;
use super::random_collections::{HASH_KEYS, SET_KEYS};
use super::random_queue::DATABASES;
use super::random_sorted_sets as sorted_sets;
use super::seeded::Random;

pub const LIST_KEYS: [&[u8]; 4] = [b"l1", b"l2", b"", b"list\x00\r\n\xff"];
pub const STRING_KEYS: [&[u8]; 4] = [b"s1", b"s2", b"s3", b"*"];
/// Keys that only the templates which name them write: numbers to sort, their weights, and a float.
pub const OWN_KEYS: [&[u8]; 6] = [b"NUMBERS", b"SORTED", b"W_0", b"W_1", b"W_2", b"F"];
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

pub const LISTS: [&str; 36] = [
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
pub const STRINGS: [&str; 33] = [
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
pub const KEYS: [&str; 23] = [
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
pub const BLOCKING: [&str; 9] = [
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
pub const IMPATIENT: [&str; 3] = [
    "BLPOP l 0.001",
    "BLMOVE l l side side 0.001",
    "BLMPOP 0.001 1 l side",
];

/// The words of lists, strings and keys. One key in eight is of another type.
pub fn words(random: &mut Random, place: &str) -> Option<Vec<Vec<u8>>> {
    let strange = random.once_in(8);
    let word = match place {
        "l" => random
            .pick(if strange { &STRING_KEYS } else { &LIST_KEYS })
            .to_vec(),
        "s" => random
            .pick(if strange { &LIST_KEYS } else { &STRING_KEYS })
            .to_vec(),
        "k" if random.once_in(6) => random.pick(&random_bits::STRINGS).to_vec(),
        "k" if random.once_in(4) => random.pick(&sorted_sets::KEYS).to_vec(),
        "k" => {
            let keys = random.pick(&[&LIST_KEYS, &STRING_KEYS, &HASH_KEYS, &SET_KEYS]);
            random.pick(keys).to_vec()
        }
        "value" => value(random),
        "values" => {
            let count = 1 + random.below(4);
            return Some((0..count).map(|_| value(random)).collect());
        }
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
        _ => return None,
    };
    Some(vec![word])
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
