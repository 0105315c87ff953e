//! Hashes and sets in the generated sessions of queue mode: their keys and commands, and how they are compared.
//!
//! What answers without an order, or at random, stands apart ([`UNORDERED`], [`RANDOM`]): it is asked for by itself, and
//! compared sorted or by its shape. SPOP takes all members or is left out, as the two servers would take different ones.

use super::seeded::Random;

pub const HASH_KEYS: [&[u8]; 4] = [b"h0", b"h1", b"h2", b"hash\x00\r\n\xff"];
pub const SET_KEYS: [&[u8]; 4] = [b"t1", b"t2", b"t3", b"set\x00\r\n\xff"];
/// A set of numbers, to sort.
pub const OWN_KEYS: [&[u8]; 1] = [b"SET_NUMBERS"];

const FIELDS: [&[u8]; 7] = [
    b"0",
    b"a",
    b"field",
    b"",
    b"n\x00\xff\r\n",
    b"-17",
    b"a field of so many bytes that the hash which has it is no listpack any more",
];

pub const HASHES: [&str; 20] = [
    "HSET h field value",
    "HSET h field value field value",
    "HSET h field integer",
    "HSET h field integer field value field value",
    "HMSET h field value field value",
    "HSETNX h field value",
    "HGET h field",
    "HMGET h field field field",
    "HLEN h",
    "HDEL h field",
    "HDEL h field field field",
    "HEXISTS h field",
    "HSTRLEN h field",
    "HINCRBY h field integer",
    "HINCRBY h field small",
    "HINCRBYFLOAT h field float",
    "HSET h 0 small",
    "HDEL h",
    "SORT NUMBERS BY h*->0 GET # GET h*->a",
    "SORT NUMBERS BY h*->field DESC STORE SORTED",
];

pub const SETS: [&str; 26] = [
    "SADD t value",
    "SADD t integer",
    "SADD t values",
    "SADD t integer integer integer",
    "SADD t small small small",
    "SREM t value",
    "SREM t integer small value",
    "SREM t integer integer values",
    "SISMEMBER t value",
    "SMISMEMBER t value integer small",
    "SCARD t",
    "SMOVE t t value",
    "SMOVE t t small",
    "SMOVE t t integer",
    "SINTERCARD 2 t t",
    "SINTERCARD 3 t t t LIMIT count",
    "SINTERSTORE t t",
    "SINTERSTORE t t t",
    "SINTERSTORE k t t",
    "SUNIONSTORE t t t",
    "SUNIONSTORE k t t t",
    "SDIFFSTORE t t t",
    "SDIFFSTORE k t t t",
    "SADD SET_NUMBERS small small",
    "SORT SET_NUMBERS LIMIT count count DESC",
    "SORT t ALPHA STORE SORTED",
];

/// Their replies have no order.
pub const UNORDERED: [&str; 14] = [
    "HGETALL h",
    "HKEYS h",
    "HVALS h",
    "HRANDFIELD h 100",
    "HSCAN h 0 COUNT 1000",
    "HSCAN h 0 COUNT 1000 MATCH pattern",
    "SMEMBERS t",
    "SINTER t t",
    "SINTER t t t",
    "SUNION t t t",
    "SDIFF t t t",
    "SPOP t 1000",
    "SRANDMEMBER t 100",
    "SSCAN t 0 COUNT 1000 MATCH pattern",
];

/// Only the shapes of their replies can be compared.
pub const RANDOM: [&str; 5] = [
    "HRANDFIELD h",
    "HRANDFIELD h 3 WITHVALUES",
    "HRANDFIELD h -5",
    "SRANDMEMBER t",
    "SRANDMEMBER t -5",
];

/// What stands in a placeholder's place, if it is one of these.
pub fn word(random: &mut Random, place: &str) -> Option<Vec<u8>> {
    let strange = random.once_in(8);
    let word = match place {
        "h" => random.pick(if strange { &SET_KEYS } else { &HASH_KEYS }),
        "t" => random.pick(if strange { &HASH_KEYS } else { &SET_KEYS }),
        "field" => random.pick(&FIELDS),
        _ => return None,
    };
    Some(word.to_vec())
}
