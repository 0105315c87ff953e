//! The group sorted-set: the commands on single members of one sorted set.

use fanfare::Server;

use crate::commands::scan::step;
use crate::common::client::Client;

pub mod range;

commands! {
    "zadd" => zadd,
    "zincrby" => zincrby,
    "zrem" => zrem,
    "zscore" => zscore,
    "zmscore" => zmscore,
    "zcard" => zcard,
    "zrank" => zrank,
    "zrevrank" => zrevrank,
    "zrandmember" => zrandmember,
    "zscan" => zscan,
}

pub const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";
pub const NO_INTEGER: &str = "-ERR value is not an integer or out of range";
pub const NO_FLOAT: &str = "-ERR value is not a valid float";
pub const NO_RANGE: &str = "-ERR min or max is not a float";
pub const NO_LEX_RANGE: &str = "-ERR min or max not valid string range item";
pub const SYNTAX: &str = "-ERR syntax error";

/// Members and scores, which are written in turn, as pairs: nested in RESP3 and flat in RESP2.
pub fn scored(protocol: u8, members: &str) -> String {
    let words: Vec<_> = members.split(' ').filter(|word| !word.is_empty()).collect();
    let (pairs, pair) = match protocol {
        2 => (words.len(), ""),
        _ => (words.len() / 2, " *2"),
    };
    let shown = |words: &[&str]| format!("{pair} ${} {} ,{}", words[0].len(), words[0], words[1]);
    let shown: String = words.chunks(2).map(shown).collect();
    format!("*{pairs}{shown}")
}

async fn zadd(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("ZADD z 1 a", ":1"),
            ("ZADD z 2 a 3 b 4 c", ":2"),
            ("zadd z ch 2 a 4 b 5 d", ":2"),
            ("ZADD z NX 9 a 9 e", ":1"),
            ("ZADD z XX 9 a 9 nosuch", ":0"),
            ("ZADD z XX CH 8 a 9 nosuch", ":1"),
            ("ZADD z GT CH 7 a 7 b", ":1"),
            ("ZADD z LT CH 7 a 8 b 1 f", ":2"),
            ("ZADD z INCR 1.5 a", ",8.5"),
            ("ZADD z INCR NX 1 a", "_"),
            ("ZADD z INCR XX 1 nosuch", "_"),
            ("ZADD z INCR GT -1 a", "_"),
            ("ZADD z INCR -inf new", ",-inf"),
            (
                "ZADD z INCR inf new",
                "-ERR resulting score is not a number (NaN)",
            ),
            ("ZADD none XX 1 a", ":0"),
            ("ZADD none XX INCR 1 a", "_"),
            ("EXISTS none", ":0"),
            ("ZADD z 1 a 2", SYNTAX),
            ("ZADD z NX XX", SYNTAX),
            (
                "ZADD z NX XX 1 a",
                "-ERR XX and NX options at the same time are not compatible",
            ),
            (
                "ZADD z GT LT 1 a",
                "-ERR GT, LT, and/or NX options at the same time are not compatible",
            ),
            (
                "ZADD z NX GT 1 a",
                "-ERR GT, LT, and/or NX options at the same time are not compatible",
            ),
            (
                "ZADD z INCR 1 a 2 b",
                "-ERR INCR option supports a single increment-element pair",
            ),
            ("ZADD z 1 a x b", NO_FLOAT),
            ("ZADD z nan a", NO_FLOAT),
            ("ZADD z 1e400 a", NO_FLOAT),
            ("ZADD z  a", NO_FLOAT),
            ("SET s x", "+OK"),
            ("ZADD s 1 a", WRONG_TYPE),
            ("ZADD s x a", NO_FLOAT),
            (
                "ZADD scores 0x10 a 1.1 b 1e17 c 3.0 d 100000000000000000000 e",
                ":5",
            ),
            (
                "ZMSCORE scores a b c d e",
                "*5 ,16 ,1.1000000000000001 ,1e+17 ,3 ,1e+20",
            ),
        ])
        .await;
    client.arity("zadd", &["ZADD", "ZADD z", "ZADD z 1"]).await;
    // Names are bytes.
    let words: [&[u8]; 4] = [b"ZADD", b"\0\r\n\xff", b"1", b"$-1\r\n\0\xfe"];
    client.command(&words).await;
    client.reads(b":1\r\n").await;
    let words: [&[u8]; 4] = [b"ZRANGE", b"\0\r\n\xff", b"0", b"0"];
    client.command(&words).await;
    client.reads(b"*1\r\n$7\r\n$-1\r\n\0\xfe\r\n").await;
    // More members than a listpack holds.
    for number in 0..300 {
        let (score, member) = ((number * 7 % 300).to_string(), format!("m{number}"));
        client.command(&["ZADD", "large", &score, &member]).await;
        assert_eq!(client.integer().await, 1);
    }
    client
        .script(&[
            ("OBJECT ENCODING large", "$8 skiplist"),
            ("OBJECT ENCODING z", "$8 listpack"),
            ("ZRANGE large 0 2", "*3 $2 m0 $3 m43 $3 m86"),
            ("ZRANK large m299", ":293"),
            ("ZADD large 293.5 m0", ":0"),
            ("ZRANK large m0", ":293"),
        ])
        .await;
}

async fn zincrby(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("ZINCRBY z 1.5 a", ",1.5"),
            ("ZINCRBY z -0.5 a", ",1"),
            ("ZINCRBY z 0.1 a", ",1.1000000000000001"),
            ("ZINCRBY z inf a", ",inf"),
            (
                "ZINCRBY z -inf a",
                "-ERR resulting score is not a number (NaN)",
            ),
            ("ZINCRBY z x a", NO_FLOAT),
            ("ZINCRBY z nx a", SYNTAX),
            ("SET s x", "+OK"),
            ("ZINCRBY s 1 a", WRONG_TYPE),
        ])
        .await;
    let wrong = ["ZINCRBY z 1", "ZINCRBY z 1 a b"];
    client.arity("zincrby", &wrong).await;
}

async fn zrem(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("ZADD z 1 a 2 b 3 c", ":3"),
            ("ZREM z a nosuch a", ":1"),
            ("ZREM none a", ":0"),
            ("ZREM z b c d", ":2"),
            ("EXISTS z", ":0"),
            ("SET s x", "+OK"),
            ("ZREM s a", WRONG_TYPE),
        ])
        .await;
    client.arity("zrem", &["ZREM", "ZREM z"]).await;
}

async fn zscore(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("ZADD z 1.5 a inf b -inf c", ":3"),
            ("ZSCORE z a", ",1.5"),
            ("ZSCORE z b", ",inf"),
            ("ZSCORE z c", ",-inf"),
            ("ZSCORE z nosuch", "_"),
            ("ZSCORE none a", "_"),
            ("SET s x", "+OK"),
            ("ZSCORE s a", WRONG_TYPE),
        ])
        .await;
    client.arity("zscore", &["ZSCORE z", "ZSCORE z a b"]).await;
}

async fn zmscore(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("ZADD z 1.5 a 2 b", ":2"),
            ("ZMSCORE z a nosuch b", "*3 ,1.5 _ ,2"),
            ("ZMSCORE none a b", "*2 _ _"),
            ("SET s x", "+OK"),
            ("ZMSCORE s a", WRONG_TYPE),
        ])
        .await;
    client.arity("zmscore", &["ZMSCORE", "ZMSCORE z"]).await;
}

async fn zcard(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("ZCARD z", ":0"),
            ("ZADD z 1 a 2 b", ":2"),
            ("ZCARD z", ":2"),
            ("TYPE z", "+zset"),
            ("SET s x", "+OK"),
            ("ZCARD s", WRONG_TYPE),
        ])
        .await;
    client.arity("zcard", &["ZCARD", "ZCARD z z"]).await;
}

async fn zrank(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("ZADD z 1 a 2 c 2 b", ":3"),
            ("ZRANK z a", ":0"),
            ("ZRANK z c", ":2"),
            ("ZRANK z c WITHSCORE", "*2 :2 ,2"),
            ("ZRANK z nosuch", "_"),
            ("ZRANK z nosuch withscore", "*-1"),
            ("ZRANK none a", "_"),
            ("ZRANK none a WITHSCORE", "*-1"),
            ("ZRANK z a WITHSCORES", SYNTAX),
            ("SET s x", "+OK"),
            ("ZRANK s a", WRONG_TYPE),
        ])
        .await;
    let wrong = ["ZRANK z", "ZRANK z a WITHSCORE x"];
    client.arity("zrank", &wrong).await;
}

async fn zrevrank(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("ZADD z 1 a 2 c 2 b", ":3"),
            ("ZREVRANK z a", ":2"),
            ("ZREVRANK z c", ":0"),
            ("ZREVRANK z a WITHSCORE", "*2 :2 ,1"),
            ("ZREVRANK z nosuch", "_"),
            ("ZREVRANK z nosuch WITHSCORE", "*-1"),
            ("ZREVRANK z a b", SYNTAX),
            ("SET s x", "+OK"),
            ("ZREVRANK s a", WRONG_TYPE),
        ])
        .await;
    let wrong = ["ZREVRANK z", "ZREVRANK z a WITHSCORE x"];
    client.arity("zrevrank", &wrong).await;
}

async fn zrandmember(_: &Server, client: &mut Client) {
    let protocol = client.protocol;
    let not_symmetric = "-ERR value is out of range, value must between \
                         -9223372036854775807 and 9223372036854775807";
    let out_of_range = "-ERR value is out of range";
    client
        .script(&[
            ("ZRANDMEMBER z", "_"),
            ("ZRANDMEMBER z 2", "*0"),
            ("ZRANDMEMBER z -2 WITHSCORES", "*0"),
            ("ZADD z 1.5 a", ":1"),
            ("ZRANDMEMBER z", "$1 a"),
            ("ZRANDMEMBER z 0", "*0"),
            ("ZRANDMEMBER z 5", "*1 $1 a"),
            ("ZRANDMEMBER z -3", "*3 $1 a $1 a $1 a"),
            ("ZRANDMEMBER z 5 WITHSCORES", &scored(protocol, "a 1.5")),
            (
                "ZRANDMEMBER z -2 withscores",
                &scored(protocol, "a 1.5 a 1.5"),
            ),
            ("ZRANDMEMBER z x", NO_INTEGER),
            ("ZRANDMEMBER z 1 x", SYNTAX),
            ("ZRANDMEMBER z 1 WITHSCORES x", SYNTAX),
            ("ZRANDMEMBER z -9223372036854775808", not_symmetric),
            ("ZRANDMEMBER z 9223372036854775807 WITHSCORES", out_of_range),
            ("ZRANDMEMBER z 9223372036854775807", "*1 $1 a"),
            // A reply that nobody could hold.
            ("ZRANDMEMBER z -9223372036854775807", out_of_range),
            ("SET s x", "+OK"),
            ("ZRANDMEMBER s", WRONG_TYPE),
            ("ZRANDMEMBER s 1", WRONG_TYPE),
            ("ZADD z 2 b 3 c", ":2"),
        ])
        .await;
    client.arity("zrandmember", &["ZRANDMEMBER"]).await;
    for count in 1..=3 {
        client.line(&format!("ZRANDMEMBER z {count}")).await;
        let mut members = client.push().await;
        members.sort_unstable();
        members.dedup();
        assert_eq!(members.len(), count);
    }
}

async fn zscan(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("ZADD z 1.5 a 2 b 3 ab", ":3"),
            ("ZSCAN z 0", "*2 $1 0 *6 $1 a $3 1.5 $1 b $1 2 $2 ab $1 3"),
            (
                "ZSCAN z 0 MATCH a* COUNT 1",
                "*2 $1 0 *4 $1 a $3 1.5 $2 ab $1 3",
            ),
            ("ZSCAN none 0", "*2 $1 0 *0"),
            ("ZSCAN none x", "-ERR invalid cursor"),
            ("ZSCAN z 0 COUNT 0", SYNTAX),
            ("ZSCAN z 0 COUNT x", NO_INTEGER),
            ("ZSCAN z 0 TYPE zset", SYNTAX),
            ("ZSCAN z 0 MATCH", SYNTAX),
            ("SET s x", "+OK"),
            ("ZSCAN s 0", WRONG_TYPE),
        ])
        .await;
    client.arity("zscan", &["ZSCAN", "ZSCAN z"]).await;
    // All that stays is shown once, whatever comes and goes meanwhile.
    for number in 0..1000 {
        client.line(&format!("ZADD large {number} m{number}")).await;
        client.integer().await;
    }
    let (mut shown, mut cursor, mut round) = (Vec::new(), String::from("0"), 0);
    loop {
        client.line(&format!("ZSCAN large {cursor} COUNT 50")).await;
        let (next, members) = step(client).await;
        shown.extend(members.into_iter().step_by(2));
        cursor = next;
        if cursor == "0" {
            break;
        }
        // Every tenth goes, unless it was a tenth before; others come.
        client.line(&format!("ZREM large m{}", round * 10)).await;
        client.integer().await;
        client.line(&format!("ZADD large 1 new{round}")).await;
        client.integer().await;
        round += 1;
    }
    for number in (0..1000).filter(|number| number % 10 != 0) {
        let name = format!("m{number}");
        let times = shown.iter().filter(|other| **other == name).count();
        assert_eq!(times, 1, "{name}");
    }
}
