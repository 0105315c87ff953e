//! The group hash.

use std::collections::{BTreeMap, BTreeSet};

use fanfare::Server;
use redis_protocol::resp3::types::Resp3Frame;

use crate::common::client::{Client, Frame, parts};

commands! {
    "hset" => hset,
    "hsetnx" => hsetnx,
    "hmset" => hmset,
    "hget" => hget,
    "hmget" => hmget,
    "hgetall" => hgetall,
    "hkeys" => hkeys,
    "hvals" => hvals,
    "hlen" => hlen,
    "hdel" => hdel,
    "hexists" => hexists,
    "hstrlen" => hstrlen,
    "hincrby" => hincrby,
    "hincrbyfloat" => hincrbyfloat,
    "hrandfield" => hrandfield,
    "hscan" => hscan,
}

const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";
const NO_INTEGER: &str = "-ERR value is not an integer or out of range";
const NO_FLOAT: &str = "-ERR value is not a valid float";
const OUT_OF_RANGE: &str = "-ERR value is out of range";
const SYNTAX: &str = "-ERR syntax error";

async fn hset(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("HSET h a 1", ":1"),
            ("HSET h a 2 b 3", ":1"),
            ("hset h c 4 c 5", ":1"),
            ("HGETALL h", "%3 $1 a $1 2 $1 b $1 3 $1 c $1 5"),
            ("HSET h  empty", ":1"),
            ("HGET h ", "$5 empty"),
            ("TYPE h", "+hash"),
            ("OBJECT ENCODING h", "$8 listpack"),
            ("SET s x", "+OK"),
            ("HSET s a 1", WRONG_TYPE),
            (
                "HSET h a 1 b",
                "-ERR wrong number of arguments for 'hset' command",
            ),
            (
                "HSET s a 1 b",
                "-ERR wrong number of arguments for 'hset' command",
            ),
        ])
        .await;
    client
        .arity("hset", &["HSET", "HSET h", "HSET h a", "HSET h a 1 b"])
        .await;
    // Names and values are bytes.
    let words: [&[u8]; 4] = [b"HSET", b"\0\r\n\xff", b"\xfe\r\n", b"\r\n\0"];
    client.command(&words).await;
    client.reads(b":1\r\n").await;
    let words: [&[u8]; 3] = [b"HGET", b"\0\r\n\xff", b"\xfe\r\n"];
    client.command(&words).await;
    client.reads(b"$3\r\n\r\n\0\r\n").await;
    encodings(client).await;
}

/// A hash is compact until it has too many fields, or too long ones, and does not go back.
async fn encodings(client: &mut Client) {
    client
        .ask("CONFIG SET hash-max-listpack-entries 3", "+OK")
        .await;
    client
        .script(&[
            ("HSET e a 1 b 2 c 3", ":3"),
            ("OBJECT ENCODING e", "$8 listpack"),
            ("HSET e a 1 b 2 c 3 c 4", ":0"),
            ("OBJECT ENCODING e", "$9 hashtable"),
            ("HDEL e a b", ":2"),
            ("OBJECT ENCODING e", "$9 hashtable"),
            ("HSET f a 1 b 2 c 3", ":3"),
            ("HSETNX f d 4", ":1"),
            ("OBJECT ENCODING f", "$9 hashtable"),
            ("COPY f g", ":1"),
            ("OBJECT ENCODING g", "$9 hashtable"),
            ("HLEN g", ":4"),
        ])
        .await;
    for (field, value, encoding) in [
        (64, 64, "$8 listpack"),
        (65, 1, "$9 hashtable"),
        (1, 65, "$9 hashtable"),
    ] {
        let (field, value) = ("f".repeat(field), "v".repeat(value));
        client.ask(&format!("HSET l {field} {value}"), ":1").await;
        client.ask("OBJECT ENCODING l", encoding).await;
        client.ask("DEL l", ":1").await;
    }
}

async fn hsetnx(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("HSETNX h a 1", ":1"),
            ("HSETNX h a 2", ":0"),
            ("HSETNX h b 3", ":1"),
            ("HGETALL h", "%2 $1 a $1 1 $1 b $1 3"),
            ("SET s x", "+OK"),
            ("HSETNX s a 1", WRONG_TYPE),
        ])
        .await;
    client
        .arity("hsetnx", &["HSETNX", "HSETNX h a", "HSETNX h a 1 b"])
        .await;
}

async fn hmset(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("HMSET h a 1 b 2", "+OK"),
            ("HMSET h a 3", "+OK"),
            ("HGETALL h", "%2 $1 a $1 3 $1 b $1 2"),
            ("SET s x", "+OK"),
            ("HMSET s a 1", WRONG_TYPE),
        ])
        .await;
    client
        .arity("hmset", &["HMSET", "HMSET h", "HMSET h a", "HMSET h a 1 b"])
        .await;
}

async fn hget(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("HGET none a", "_"),
            ("HSET h a 1", ":1"),
            ("HGET h a", "$1 1"),
            ("hget h b", "_"),
            ("SET s x", "+OK"),
            ("HGET s a", WRONG_TYPE),
        ])
        .await;
    client
        .arity("hget", &["HGET", "HGET h", "HGET h a b"])
        .await;
}

async fn hmget(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("HMGET none a b", "*2 _ _"),
            ("HSET h a 1 b 2", ":2"),
            ("HMGET h b x a b", "*4 $1 2 _ $1 1 $1 2"),
            ("SET s x", "+OK"),
            ("HMGET s a", WRONG_TYPE),
        ])
        .await;
    client.arity("hmget", &["HMGET", "HMGET h"]).await;
}

async fn hgetall(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("HGETALL none", "%0"),
            ("HSET h a 1 b 2", ":2"),
            ("HGETALL h", "%2 $1 a $1 1 $1 b $1 2"),
            ("SET s x", "+OK"),
            ("HGETALL s", WRONG_TYPE),
        ])
        .await;
    client.arity("hgetall", &["HGETALL", "HGETALL h a"]).await;
}

async fn hkeys(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("HKEYS none", "*0"),
            ("HSET h a 1 b 2", ":2"),
            ("HKEYS h", "*2 $1 a $1 b"),
            ("SET s x", "+OK"),
            ("HKEYS s", WRONG_TYPE),
        ])
        .await;
    client.arity("hkeys", &["HKEYS", "HKEYS h a"]).await;
}

async fn hvals(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("HVALS none", "*0"),
            ("HSET h a 1 b 2", ":2"),
            ("HVALS h", "*2 $1 1 $1 2"),
            ("SET s x", "+OK"),
            ("HVALS s", WRONG_TYPE),
        ])
        .await;
    client.arity("hvals", &["HVALS", "HVALS h a"]).await;
}

async fn hlen(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("HLEN none", ":0"),
            ("HSET h a 1 b 2", ":2"),
            ("HLEN h", ":2"),
            ("SET s x", "+OK"),
            ("HLEN s", WRONG_TYPE),
        ])
        .await;
    client.arity("hlen", &["HLEN", "HLEN h a"]).await;
}

async fn hdel(server: &Server, client: &mut Client) {
    let mut watcher = Client::connect(server, client.protocol).await;
    client.ask("HSET h a 1 b 2 c 3", ":3").await;
    watcher
        .script(&[("WATCH h", "+OK"), ("MULTI", "+OK"), ("PING", "+QUEUED")])
        .await;
    client.ask("HDEL h nosuch", ":0").await;
    watcher.ask("EXEC", "*1 +PONG").await;
    watcher
        .script(&[("WATCH h", "+OK"), ("MULTI", "+OK")])
        .await;
    client
        .script(&[
            ("HDEL none a", ":0"),
            ("HDEL h a a x b", ":2"),
            ("HGETALL h", "%1 $1 c $1 3"),
            // The last field takes the key with it.
            ("HDEL h c", ":1"),
            ("EXISTS h", ":0"),
            ("SET s x", "+OK"),
            ("HDEL s a", WRONG_TYPE),
        ])
        .await;
    watcher.ask("EXEC", "*-1").await;
    client.arity("hdel", &["HDEL", "HDEL h"]).await;
}

async fn hexists(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("HEXISTS none a", ":0"),
            ("HSET h a 1", ":1"),
            ("HEXISTS h a", ":1"),
            ("HEXISTS h b", ":0"),
            ("SET s x", "+OK"),
            ("HEXISTS s a", WRONG_TYPE),
        ])
        .await;
    client
        .arity("hexists", &["HEXISTS", "HEXISTS h", "HEXISTS h a b"])
        .await;
}

async fn hstrlen(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("HSTRLEN none a", ":0"),
            ("HSET h a hello b ", ":2"),
            ("HSTRLEN h a", ":5"),
            ("HSTRLEN h b", ":0"),
            ("HSTRLEN h c", ":0"),
            ("SET s x", "+OK"),
            ("HSTRLEN s a", WRONG_TYPE),
        ])
        .await;
    client
        .arity("hstrlen", &["HSTRLEN", "HSTRLEN h", "HSTRLEN h a b"])
        .await;
}

async fn hincrby(_: &Server, client: &mut Client) {
    let overflow = "-ERR increment or decrement would overflow";
    let no_integer = "-ERR hash value is not an integer";
    client
        .script(&[
            ("HINCRBY h n 5", ":5"),
            ("HINCRBY h n -7", ":-2"),
            ("HGET h n", "$2 -2"),
            ("HINCRBY h big 9223372036854775807", ":9223372036854775807"),
            ("HINCRBY h big 1", overflow),
            ("HINCRBY h n -9223372036854775807", overflow),
            ("HGET h big", "$19 9223372036854775807"),
            ("HSET h word x zeros 007 blank  float 1.0", ":4"),
            ("HINCRBY h word 1", no_integer),
            ("HINCRBY h zeros 1", no_integer),
            ("HINCRBY h blank 1", no_integer),
            ("HINCRBY h float 1", no_integer),
            ("HINCRBY h word x", NO_INTEGER),
            ("SET s x", "+OK"),
            ("HINCRBY s n x", NO_INTEGER),
            ("HINCRBY s n 1", WRONG_TYPE),
            ("HINCRBY none n x", NO_INTEGER),
            ("EXISTS none", ":0"),
        ])
        .await;
    client
        .arity("hincrby", &["HINCRBY", "HINCRBY h n", "HINCRBY h n 1 2"])
        .await;
}

async fn hincrbyfloat(_: &Server, client: &mut Client) {
    let no_float = "-ERR hash value is not a float";
    let infinite = "-ERR increment would produce NaN or Infinity";
    client
        .script(&[
            ("HINCRBYFLOAT h n 10.5", "$4 10.5"),
            ("HINCRBYFLOAT h n 0.1", "$4 10.6"),
            ("HINCRBYFLOAT h n -5", "$3 5.6"),
            ("HINCRBYFLOAT h n 5.0e3", "$22 5005.60000000000000009"),
            ("HGET h n", "$22 5005.60000000000000009"),
            ("HINCRBYFLOAT h i 3", "$1 3"),
            ("HINCRBY h i 1", ":4"),
            ("HSET h word x inf inf blank ", ":3"),
            ("HINCRBYFLOAT h word 1", no_float),
            ("HINCRBYFLOAT h blank 1", no_float),
            ("HINCRBYFLOAT h inf 1", infinite),
            ("HINCRBYFLOAT h n x", NO_FLOAT),
            ("HINCRBYFLOAT h n nan", NO_FLOAT),
            ("HINCRBYFLOAT h n inf", "-ERR value is NaN or Infinity"),
            ("HINCRBYFLOAT h n -inf", "-ERR value is NaN or Infinity"),
            ("SET s x", "+OK"),
            ("HINCRBYFLOAT s n x", NO_FLOAT),
            ("HINCRBYFLOAT s n 1", WRONG_TYPE),
            ("HINCRBYFLOAT none n inf", "-ERR value is NaN or Infinity"),
            ("EXISTS none", ":0"),
        ])
        .await;
    let wrong = ["HINCRBYFLOAT", "HINCRBYFLOAT h n", "HINCRBYFLOAT h n 1 2"];
    client.arity("hincrbyfloat", &wrong).await;
}

async fn hrandfield(_: &Server, client: &mut Client) {
    let not_symmetric = "-ERR value is out of range, value must between -9223372036854775807 \
                         and 9223372036854775807";
    client
        .script(&[
            ("HRANDFIELD none", "_"),
            ("HRANDFIELD none 3", "*0"),
            ("HRANDFIELD none -3 WITHVALUES", "*0"),
            ("HSET one a 1", ":1"),
            ("HRANDFIELD one", "$1 a"),
            ("HRANDFIELD one 0", "*0"),
            ("HRANDFIELD one 5", "*1 $1 a"),
            ("HRANDFIELD one -3", "*3 $1 a $1 a $1 a"),
            ("SET s x", "+OK"),
            ("HRANDFIELD s", WRONG_TYPE),
            ("HRANDFIELD s 1", WRONG_TYPE),
            ("HRANDFIELD s x", NO_INTEGER),
            ("HRANDFIELD s 1 nosuch", SYNTAX),
            ("HRANDFIELD s 1 WITHVALUES x", SYNTAX),
            ("HRANDFIELD s x WITHVALUES x", NO_INTEGER),
            ("HRANDFIELD one -9223372036854775808", not_symmetric),
            (
                "HRANDFIELD one 9223372036854775807 WITHVALUES",
                OUT_OF_RANGE,
            ),
            ("HRANDFIELD one 9223372036854775807", "*1 $1 a"),
            // What would fill the memory is refused.
            ("HRANDFIELD one -9223372036854775807", OUT_OF_RANGE),
            ("HRANDFIELD one -100000000", OUT_OF_RANGE),
        ])
        .await;
    // Pairs are arrays of their own in RESP3.
    for (count, resp2, resp3) in [
        (
            "1",
            "*2\r\n$1\r\na\r\n$1\r\n1\r\n",
            "*1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n",
        ),
        (
            "-2",
            "*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\na\r\n$1\r\n1\r\n",
            "*2\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n",
        ),
        ("0", "*0\r\n", "*0\r\n"),
    ] {
        client
            .line(&format!("HRANDFIELD one {count} withvalues"))
            .await;
        client
            .expect(if client.protocol == 3 { resp3 } else { resp2 })
            .await;
    }
    client.arity("hrandfield", &["HRANDFIELD"]).await;
    // Only fields are answered, so the length of a value does not count.
    let large = "v".repeat(1024 * 1024);
    client.command(&["HSET", "large", "f", &large]).await;
    client.sees(":1").await;
    client.line("HRANDFIELD large -1000").await;
    assert_eq!(fields(client).await.len(), 1000);
    client
        .script(&[("HRANDFIELD large -1000 WITHVALUES", OUT_OF_RANGE)])
        .await;
    for count in [20, 1000] {
        let all = fill(client, count).await;
        client.line("HRANDFIELD h 15").await;
        let some = fields(client).await;
        let distinct: BTreeSet<_> = some.iter().cloned().collect();
        assert_eq!((some.len(), distinct.len()), (15, 15));
        assert!(distinct.iter().all(|field| all.contains_key(field)));
        client.line("HRANDFIELD h -3000").await;
        let some: BTreeSet<_> = fields(client).await.into_iter().collect();
        assert!(some.len() > count / 2);
        client.line("HRANDFIELD h 5000").await;
        assert_eq!(fields(client).await.len(), count);
    }
}

/// Makes a hash of so many fields, `f:N` with the value `N`.
async fn fill(client: &mut Client, count: usize) -> BTreeMap<String, String> {
    client.line("DEL h").await;
    client.integer().await;
    let pairs = (0..count).map(|number| (format!("f:{number}"), number.to_string()));
    let all: BTreeMap<_, _> = pairs.collect();
    let words = all.iter().flat_map(|(field, value)| [field, value]);
    let words: Vec<_> = words.map(String::as_str).collect();
    client.command(&[&["HSET", "h"], &words[..]].concat()).await;
    assert_eq!(client.integer().await as usize, count);
    all
}

async fn fields(client: &mut Client) -> Vec<String> {
    let fields = parts(client.frame().await).expect("an array").into_iter();
    let text = |field: bytes::Bytes| String::from_utf8(field.to_vec()).expect("text");
    fields.map(text).collect()
}

async fn hscan(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("HSCAN none 0", "*2 $1 0 *0"),
            // Options are looked at only if there is a hash.
            ("HSCAN none 0 nosuch", "*2 $1 0 *0"),
            ("HSCAN none x", "-ERR invalid cursor"),
            ("HSET h a 1 b 2", ":2"),
            ("HSCAN h 0", "*2 $1 0 *4 $1 a $1 1 $1 b $1 2"),
            ("HSCAN h 77 COUNT 1", "*2 $1 0 *4 $1 a $1 1 $1 b $1 2"),
            ("HSCAN h 0 MATCH b", "*2 $1 0 *2 $1 b $1 2"),
            ("HSCAN h 0 MATCH 2", "*2 $1 0 *0"),
            ("HSCAN h 0 COUNT 0", SYNTAX),
            ("HSCAN h 0 COUNT x", NO_INTEGER),
            ("HSCAN h 0 COUNT", SYNTAX),
            ("HSCAN h 0 TYPE hash", SYNTAX),
            ("HSCAN h x COUNT x", "-ERR invalid cursor"),
            ("SET s x", "+OK"),
            ("HSCAN s 0 nosuch", WRONG_TYPE),
        ])
        .await;
    client.arity("hscan", &["HSCAN", "HSCAN h"]).await;
    let mut all = fill(client, 1000).await;
    for options in ["", " COUNT 1", " COUNT 300", " MATCH f:*7 COUNT 50"] {
        if options.contains("MATCH") {
            all.retain(|field, _| field.ends_with('7'));
        }
        let mut seen = BTreeMap::new();
        let mut cursor = "0".to_owned();
        loop {
            client.line(&format!("HSCAN h {cursor}{options}")).await;
            let Frame::Array { data, .. } = client.frame().await else {
                panic!("no array");
            };
            let [next, pairs] = <[Frame; 2]>::try_from(data).expect("a cursor and pairs");
            let pairs = parts(pairs).expect("an array");
            for pair in pairs.chunks(2) {
                let text = |at: usize| String::from_utf8(pair[at].to_vec()).expect("text");
                assert_eq!(seen.insert(text(0), text(1)), None, "shown twice");
            }
            cursor = next.as_str().expect("a string").to_owned();
            if cursor == "0" {
                break;
            }
        }
        assert_eq!(seen, all, "{options}");
    }
}
