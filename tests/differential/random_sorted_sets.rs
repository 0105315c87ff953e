//! What the generated sessions of queue mode know of sorted sets: templates, and the words in their placeholders' place.
//!
//! Ranges of names are asked of keys whose members all have one score; what they are elsewhere is not defined. SORT makes
//! a skiplist of a sorted set in Redis: so encodings are hidden, and no score is -0, which a listpack does not know. No
//! score is too large or too small: after one, SORT of Redis 7.0 takes any number for out of range (a stale `errno`).

use super::random_collections::SET_KEYS;
use super::seeded::Random;

pub const KEYS: [&[u8]; 3] = [b"z1", b"z2", b"z\x00\r\n"];
/// Members of one score, numbers to sort, and destinations: only the templates that name them write these. Nobody waits for
/// a destination: where a value of another type is replaced, Redis serves nobody, and fanfare does.
pub const OWN_KEYS: [&[u8]; 5] = [b"LEX", b"LEXES", b"ZNUMBERS", b"Z_TO_1", b"Z_TO_2"];

const SCORES: [&str; 14] = [
    "0",
    "1",
    "2",
    "3",
    "-1",
    "2.5",
    "0.1",
    "1e17",
    "123456789012",
    "inf",
    "-inf",
    "-7.25",
    "x",
    "0x10",
];
const BOUNDS: [&str; 13] = [
    "-inf", "+inf", "0", "1", "(1", "2", "(2.5", "-1", "(0.1", "1e17", "(inf", "x", "(",
];
const MEMBERS: [&[u8]; 14] = [
    b"a",
    b"b",
    b"c",
    b"d",
    b"aa",
    b"ab",
    b"B",
    b"",
    b"7",
    b"-12",
    b"70000",
    b"\x00\xff\r\n",
    b"e",
    b"f",
];
const LEX_BOUNDS: [&[u8]; 12] = [
    b"-",
    b"+",
    b"[a",
    b"(a",
    b"[b",
    b"(c",
    b"[",
    b"(7",
    b"[\x00\xff",
    b"[ab",
    b"a",
    b"+\x00",
];

pub const COMMANDS: [&str; 74] = [
    "ZADD z score member",
    "ZADD z score member",
    "ZADD z score member score member",
    "ZADD z score member score member score member",
    "ZADD z condition score member",
    "ZADD z condition CH score member score member",
    "ZADD z CH score member",
    "ZADD z INCR score member",
    "ZADD z condition INCR score member",
    "ZINCRBY z score member",
    "ZREM z member",
    "ZREM z member member member",
    "ZSCORE z member",
    "ZMSCORE z member member member",
    "ZCARD z",
    "ZRANK z member",
    "ZREVRANK z member",
    "ZCOUNT z bound bound",
    "ZCOUNT z -inf bound",
    "ZRANGE z index index",
    "ZRANGE z 0 -1 WITHSCORES",
    "ZRANGE z index index REV WITHSCORES",
    "ZRANGE z bound bound BYSCORE",
    "ZRANGE z -inf bound BYSCORE LIMIT count count WITHSCORES",
    "ZRANGE z bound -inf BYSCORE REV LIMIT count count",
    "ZREVRANGE z index index WITHSCORES",
    "ZRANGEBYSCORE z bound +inf WITHSCORES LIMIT count count",
    "ZREVRANGEBYSCORE z +inf bound",
    "ZRANGESTORE destination z index index",
    "ZRANGESTORE destination z index index REV",
    "ZRANGESTORE destination z bound bound BYSCORE LIMIT count count",
    "ZREMRANGEBYRANK z index index",
    "ZREMRANGEBYSCORE z bound bound",
    "ZPOPMIN z",
    "ZPOPMAX z",
    "ZPOPMIN z count",
    "ZPOPMAX z count",
    "ZMPOP 1 z end",
    "ZMPOP 2 z z end COUNT count",
    "ZUNION 2 source source WITHSCORES",
    "ZUNION 3 source source source WEIGHTS score score score WITHSCORES",
    "ZUNION 2 source source AGGREGATE aggregate WITHSCORES",
    "ZINTER 2 source source WITHSCORES",
    "ZINTER 2 source source WEIGHTS score score AGGREGATE aggregate WITHSCORES",
    "ZINTER 3 source source source",
    "ZDIFF 2 source source WITHSCORES",
    "ZDIFF 3 source source source",
    "ZUNIONSTORE destination 2 source source",
    "ZUNIONSTORE destination 2 source source WEIGHTS score score AGGREGATE aggregate",
    "ZINTERSTORE destination 2 source source",
    "ZINTERSTORE destination 2 source source AGGREGATE aggregate",
    "ZDIFFSTORE destination 2 source source",
    "ZINTERCARD 2 source source",
    "ZINTERCARD 2 source source LIMIT count",
    "OBJECT ENCODING z",
    "TYPE z",
    "RENAME z z",
    "RENAME destination z",
    "COPY z z REPLACE",
    "COPY destination z REPLACE",
    "DEL z",
    "EXPIREAT z seconds",
    "ZADD lex 0 member 0 member",
    "ZADD lex 0 member 0 member 0 member",
    "ZREM lex member",
    "ZLEXCOUNT lex name name",
    "ZRANGEBYLEX lex name name",
    "ZRANGEBYLEX lex - name LIMIT count count",
    "ZREVRANGEBYLEX lex name name LIMIT count count",
    "ZRANGE lex name name BYLEX REV",
    "ZREMRANGEBYLEX lex name name",
    "ZADD ZNUMBERS small small small small",
    "SORT ZNUMBERS DESC LIMIT count count",
    "SORT ZNUMBERS BY nosuch LIMIT count count",
];
pub const BLOCKING: [&str; 5] = [
    "BZPOPMIN z 0",
    "BZPOPMAX z z 0",
    "BZPOPMIN z k 0",
    "BZMPOP 0 2 z z end",
    "BZMPOP 0 1 z end COUNT count",
];
/// These have no order, or are random, and how they are compared.
pub const LOOKS: [(&str, &[&str]); 4] = [
    ("ZSCAN z 0 COUNT 1000", &["sorted"]),
    ("ZSCAN lex 0 COUNT 1000 MATCH a*", &["sorted"]),
    ("ZRANDMEMBER z", &["shape"]),
    ("ZRANDMEMBER z -3", &["shape"]),
];

/// A word for a placeholder of these templates; `None`: it is none.
pub fn word(random: &mut Random, place: &str) -> Option<Vec<u8>> {
    Some(match place {
        "z" => random.pick(&KEYS).to_vec(),
        // A plain set, or whatever has come to be there.
        "source" if random.once_in(4) => random.pick(&SET_KEYS).to_vec(),
        "source" if random.once_in(4) => random.pick(&OWN_KEYS[3..]).to_vec(),
        "source" => random.pick(&KEYS).to_vec(),
        "lex" => random.pick(&OWN_KEYS[..2]).to_vec(),
        "destination" => random.pick(&OWN_KEYS[3..]).to_vec(),
        "score" => random.pick(&SCORES).into(),
        "bound" => random.pick(&BOUNDS).into(),
        "name" => random.pick(&LEX_BOUNDS).to_vec(),
        "condition" => random.pick(&["NX", "XX", "GT", "LT"]).into(),
        "end" => random.pick(&["MIN", "MAX"]).into(),
        "aggregate" => random.pick(&["SUM", "MIN", "MAX"]).into(),
        // Sometimes one that no listpack takes.
        "member" if random.once_in(40) => vec![b'm'; 70],
        "member" => random.pick(&MEMBERS).to_vec(),
        _ => return None,
    })
}
