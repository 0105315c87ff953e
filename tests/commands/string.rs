//! The group string, without the commands that count.

use fanfare::Server;

use crate::common::client::Client;

commands! {
    "set" => set,
    "get" => get,
    "getdel" => getdel,
    "getex" => getex,
    "getset" => getset,
    "setex" => setex,
    "psetex" => psetex,
    "setnx" => setnx,
    "mget" => mget,
    "mset" => mset,
    "msetnx" => msetnx,
    "append" => append,
    "strlen" => strlen,
    "getrange" => getrange,
    "substr" => substr,
    "setrange" => setrange,
}

const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";
const NO_INTEGER: &str = "-ERR value is not an integer or out of range";
const SYNTAX: &str = "-ERR syntax error";
const TOO_LONG: &str = "-ERR string exceeds maximum allowed size (proto-max-bulk-len)";

/// Names and values are bytes.
const BINARY: &[u8] = b"\0\r\n\xff";

/// Checks how long the key `k` lives yet.
async fn lives(client: &mut Client, at_most: i64) {
    client.line("PTTL k").await;
    let left = client.integer().await;
    assert!((1..=at_most).contains(&left), "{left} of {at_most}");
}

async fn set(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("SET k v", "+OK"),
            ("GET k", "$1 v"),
            ("set k ", "+OK"),
            ("GET k", "$0 "),
            ("SET  v", "+OK"),
            ("GET ", "$1 v"),
            // Only if it is there, or is not.
            ("SET k v NX", "_"),
            ("SET k w xx", "+OK"),
            ("SET none v XX", "_"),
            ("SET none v nx NX", "+OK"),
            // With the value before, which says nothing of whether it was set.
            ("SET k x GET", "$1 w"),
            ("SET k y NX GET", "$1 x"),
            ("SET k y GET XX", "$1 x"),
            ("SET other y XX GET", "_"),
            ("EXISTS other", ":0"),
            ("SET other y GET NX", "_"),
            ("GET other", "$1 y"),
            ("LPUSH l x", ":1"),
            ("SET l v GET", WRONG_TYPE),
            ("SET l v NX GET", WRONG_TYPE),
            ("TYPE l", "+list"),
            ("SET l v", "+OK"),
            ("TYPE l", "+string"),
        ])
        .await;
    client.arity("set", &["SET", "SET k"]).await;
    let words: [&[u8]; 3] = [b"SET", BINARY, BINARY];
    client.command(&words).await;
    client.reads(b"+OK\r\n").await;
    client.command(&[b"GET", BINARY]).await;
    client.reads(b"$4\r\n\0\r\n\xff\r\n").await;
    encodings(client).await;
    lifetimes(client).await;
}

async fn encodings(client: &mut Client) {
    let (short, long) = ("x".repeat(44), "x".repeat(45));
    for (value, encoding) in [
        ("12", "$3 int"),
        ("-9223372036854775808", "$3 int"),
        ("9223372036854775808", "$6 embstr"),
        ("012", "$6 embstr"),
        ("1.5", "$6 embstr"),
        (&short, "$6 embstr"),
        (&long, "$3 raw"),
    ] {
        client.ask(&format!("SET k {value}"), "+OK").await;
        client.ask("OBJECT ENCODING k", encoding).await;
    }
}

async fn lifetimes(client: &mut Client) {
    for (options, at_most) in [
        ("EX 100", 100_000),
        ("ex 50 EX 200", 200_000),
        ("PX 30000", 30_000),
        ("GET px 30000 XX", 30_000),
    ] {
        client.reply(&format!("SET k v {options}")).await;
        lives(client, at_most).await;
    }
    client
        .script(&[
            ("SET k v EXAT 4000000000", "+OK"),
            ("PEXPIRETIME k", ":4000000000000"),
            ("SET k v PXAT 4000000000123 NX", "_"),
            ("SET k v PXAT 4000000000123", "+OK"),
            ("PEXPIRETIME k", ":4000000000123"),
            ("SET k v KEEPTTL", "+OK"),
            ("PEXPIRETIME k", ":4000000000123"),
            ("SET k v", "+OK"),
            ("PEXPIRETIME k", ":-1"),
            // Over at once.
            ("SET k v EXAT 1", "+OK"),
            ("GET k", "_"),
            ("SET k before", "+OK"),
        ])
        .await;
    for options in [
        "NX XX",
        "XX NX",
        "EX",
        "NX EX",
        "EX 10 PX 10",
        "PX 10 EXAT 10",
        "EX 10 KEEPTTL",
        "KEEPTTL PXAT 10",
        "PERSIST",
        "nosuch",
        "",
        "10",
    ] {
        client
            .error(&format!("SET k v {options}"), &SYNTAX[1..])
            .await;
    }
    for time in ["0", "-1", "-9223372036854775808", "9223372036854775807"] {
        for option in ["EX", "PX", "EXAT", "PXAT"] {
            if (option, time) != ("PXAT", "9223372036854775807") {
                let line = format!("SET k v GET {option} {time}");
                client
                    .error(&line, "ERR invalid expire time in 'set' command")
                    .await;
            }
        }
    }
    for time in ["x", "1.5", "", " 1", "9223372036854775808"] {
        client.command(&["SET", "k", "v", "GET", "EX", time]).await;
        client.expect(format!("{NO_INTEGER}\r\n")).await;
    }
    client.ask("GET k", "$6 before").await;
}

async fn get(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("GET none", "_"),
            ("SET k value", "+OK"),
            ("get k", "$5 value"),
            ("SET k -17", "+OK"),
            ("GET k", "$3 -17"),
            ("LPUSH l x", ":1"),
            ("GET l", WRONG_TYPE),
        ])
        .await;
    client.arity("get", &["GET", "GET k x"]).await;
    let large = "0123456789".repeat(500_000);
    client.command(&["SET", "large", &large]).await;
    client.reads(b"+OK\r\n").await;
    client.line("GET large").await;
    assert!(client.text().await == large);
}

async fn getdel(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("SET k v EX 100", "+OK"),
            ("GETDEL k", "$1 v"),
            ("EXISTS k", ":0"),
            ("GETDEL k", "_"),
            ("LPUSH l x", ":1"),
            ("GETDEL l", WRONG_TYPE),
            ("EXISTS l", ":1"),
        ])
        .await;
    client.arity("getdel", &["GETDEL", "GETDEL k x"]).await;
}

async fn getex(_: &Server, client: &mut Client) {
    client.ask("SET k v", "+OK").await;
    for (options, at_most) in [("EX 100", 100_000), ("px 30000", 30_000)] {
        client.ask(&format!("GETEX k {options}"), "$1 v").await;
        lives(client, at_most).await;
    }
    let invalid = "-ERR invalid expire time in 'getex' command";
    client
        .script(&[
            ("GETEX k EXAT 4000000000", "$1 v"),
            ("PEXPIRETIME k", ":4000000000000"),
            ("GETEX k PXAT 4000000000123", "$1 v"),
            ("getex k", "$1 v"),
            ("PEXPIRETIME k", ":4000000000123"),
            ("GETEX k persist PERSIST", "$1 v"),
            ("PEXPIRETIME k", ":-1"),
            ("GETEX k PERSIST", "$1 v"),
            ("GETEX k EX 0", invalid),
            ("GETEX k PX -1", invalid),
            ("GETEX k EXAT 9223372036854776", invalid),
            ("GETEX k EX x", NO_INTEGER),
            ("PEXPIRETIME k", ":-1"),
            // The key is looked for before the time is read, but after the options are.
            ("GETEX none", "_"),
            ("GETEX none EX 0", "_"),
            ("GETEX none EX x", "_"),
            ("GETEX none EX", SYNTAX),
            ("LPUSH l x", ":1"),
            ("GETEX l", WRONG_TYPE),
            ("GETEX l EX x", WRONG_TYPE),
            // Over at once.
            ("GETEX k EXAT 1", "$1 v"),
            ("EXISTS k", ":0"),
        ])
        .await;
    for options in [
        "EX",
        "EX 10 PX 10",
        "EX 10 PERSIST",
        "PERSIST EX 10",
        "KEEPTTL",
        "NX",
        "XX",
        "GET",
        "nosuch",
    ] {
        client
            .error(&format!("GETEX k {options}"), &SYNTAX[1..])
            .await;
    }
    client.arity("getex", &["GETEX"]).await;
}

async fn getset(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("GETSET k one", "_"),
            ("EXPIRE k 100", ":1"),
            ("GETSET k 2", "$3 one"),
            ("TTL k", ":-1"),
            ("OBJECT ENCODING k", "$3 int"),
            ("LPUSH l x", ":1"),
            ("GETSET l v", WRONG_TYPE),
            ("TYPE l", "+list"),
        ])
        .await;
    client
        .arity("getset", &["GETSET", "GETSET k", "GETSET k v x"])
        .await;
}

async fn setex(_: &Server, client: &mut Client) {
    let invalid = "-ERR invalid expire time in 'setex' command";
    client
        .script(&[
            ("LPUSH k x", ":1"),
            ("SETEX k 100 12", "+OK"),
            ("OBJECT ENCODING k", "$3 int"),
            ("SETEX k 0 v", invalid),
            ("SETEX k -1 v", invalid),
            ("SETEX k 9223372036854776 v", invalid),
            ("SETEX k 9223372036854775 v", invalid),
            ("SETEX k v 100", NO_INTEGER),
            ("GET k", "$2 12"),
        ])
        .await;
    lives(client, 100_000).await;
    client
        .arity("setex", &["SETEX", "SETEX k 1", "SETEX k 1 v x"])
        .await;
}

async fn psetex(_: &Server, client: &mut Client) {
    let invalid = "-ERR invalid expire time in 'psetex' command";
    client
        .script(&[
            ("PSETEX k 100000 v", "+OK"),
            ("PSETEX k 0 w", invalid),
            ("PSETEX k 9223372036854775807 w", invalid),
            ("PSETEX k 1.5 w", NO_INTEGER),
            ("GET k", "$1 v"),
        ])
        .await;
    lives(client, 100_000).await;
    client
        .arity("psetex", &["PSETEX", "PSETEX k 1", "PSETEX k 1 v x"])
        .await;
}

async fn setnx(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("SETNX k v", ":1"),
            ("SETNX k w", ":0"),
            ("GET k", "$1 v"),
            ("LPUSH l x", ":1"),
            ("SETNX l v", ":0"),
            ("SET k v PXAT 1", "+OK"),
            ("SETNX k w", ":1"),
            ("TTL k", ":-1"),
        ])
        .await;
    client
        .arity("setnx", &["SETNX", "SETNX k", "SETNX k v x"])
        .await;
}

async fn mget(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("MGET none", "*1 _"),
            ("MSET a 1 b  c two", "+OK"),
            ("LPUSH l x", ":1"),
            ("mget a none b l c a", "*6 $1 1 _ $0  _ $3 two $1 1"),
        ])
        .await;
    client.arity("mget", &["MGET"]).await;
}

async fn mset(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("LPUSH l x", ":1"),
            ("SET a 0 EX 100", "+OK"),
            ("MSET a 1 b 2 l text a 3", "+OK"),
            ("MGET a b l", "*3 $1 3 $1 2 $4 text"),
            ("TTL a", ":-1"),
        ])
        .await;
    client
        .arity("mset", &["MSET", "MSET k", "MSET a 1 b"])
        .await;
}

async fn msetnx(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("MSETNX a 1 b 2 a 3", ":1"),
            ("MGET a b", "*2 $1 3 $1 2"),
            ("MSETNX c 1 b 3", ":0"),
            ("LPUSH l x", ":1"),
            ("MSETNX c 1 l 3", ":0"),
            ("EXISTS c", ":0"),
        ])
        .await;
    client
        .arity("msetnx", &["MSETNX", "MSETNX k", "MSETNX a 1 b"])
        .await;
}

async fn append(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("APPEND k 12", ":2"),
            ("OBJECT ENCODING k", "$3 int"),
            ("EXPIREAT k 4000000000", ":1"),
            ("APPEND k 34", ":4"),
            ("OBJECT ENCODING k", "$3 raw"),
            ("EXPIRETIME k", ":4000000000"),
            ("INCR k", ":1235"),
            ("APPEND k ", ":4"),
            ("OBJECT ENCODING k", "$3 raw"),
            ("APPEND none ", ":0"),
            ("EXISTS none", ":1"),
            ("LPUSH l x", ":1"),
            ("APPEND l v", WRONG_TYPE),
            ("CONFIG SET proto-max-bulk-len 1mb", "+OK"),
            ("SETRANGE k 1048574 x", ":1048575"),
            ("APPEND k yz", TOO_LONG),
            ("APPEND k y", ":1048576"),
            ("APPEND k z", TOO_LONG),
            ("APPEND k ", ":1048576"),
        ])
        .await;
    client
        .arity("append", &["APPEND", "APPEND k", "APPEND k v x"])
        .await;
}

async fn strlen(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("STRLEN none", ":0"),
            ("SET k hello", "+OK"),
            ("STRLEN k", ":5"),
            ("SET k -123", "+OK"),
            ("STRLEN k", ":4"),
            ("LPUSH l x", ":1"),
            ("STRLEN l", WRONG_TYPE),
        ])
        .await;
    client.arity("strlen", &["STRLEN", "STRLEN k x"]).await;
}

async fn getrange(_: &Server, client: &mut Client) {
    ranges(client, "GETRANGE").await;
    let wrong = ["GETRANGE", "GETRANGE k 0", "GETRANGE k 0 1 x"];
    client.arity("getrange", &wrong).await;
}

async fn substr(_: &Server, client: &mut Client) {
    ranges(client, "SUBSTR").await;
    let wrong = ["SUBSTR", "SUBSTR k 0", "SUBSTR k 0 1 x"];
    client.arity("substr", &wrong).await;
}

async fn ranges(client: &mut Client, command: &str) {
    let setup = [
        ("SET k hello", "+OK"),
        ("SET n -123", "+OK"),
        ("LPUSH l x", ":1"),
    ];
    client.script(&setup).await;
    for (rest, reply) in [
        ("k 0 -1", "$5 hello"),
        ("k 1 3", "$3 ell"),
        ("k -3 -2", "$2 ll"),
        ("k 3 100", "$2 lo"),
        ("k -100 1", "$2 he"),
        ("k 4 4", "$1 o"),
        ("k 5 9", "$0 "),
        ("k 3 2", "$0 "),
        ("k -2 -3", "$0 "),
        // What lies before the beginning is the beginning.
        ("k -9 -8", "$1 h"),
        ("k 0 -9", "$1 h"),
        ("k -8 -9", "$0 "),
        ("k -9223372036854775808 9223372036854775807", "$5 hello"),
        ("n 0 1", "$2 -1"),
        ("none 0 -1", "$0 "),
        ("l 0 -1", WRONG_TYPE),
        // The numbers are read first.
        ("l x -1", NO_INTEGER),
        ("none 0 1.5", NO_INTEGER),
        ("k 0 9223372036854775808", NO_INTEGER),
    ] {
        client
            .script(&[(&format!("{command} {rest}"), reply)])
            .await;
    }
}

async fn setrange(_: &Server, client: &mut Client) {
    let negative = "-ERR offset is out of range";
    client
        .script(&[
            ("SETRANGE k 0 hello", ":5"),
            ("OBJECT ENCODING k", "$3 raw"),
            ("SETRANGE k 3 p!", ":5"),
            ("SETRANGE k 1 E", ":5"),
            ("GET k", "$5 hElp!"),
            ("EXPIREAT k 4000000000", ":1"),
            ("SETRANGE k 6 x", ":7"),
            ("GET k", "$7 hElp!\0x"),
            ("EXPIRETIME k", ":4000000000"),
            ("SET n 123", "+OK"),
            ("SETRANGE n 1 0", ":3"),
            ("INCR n", ":104"),
            // Nothing to set changes nothing.
            ("SET n 123", "+OK"),
            ("SETRANGE n 9 ", ":3"),
            ("OBJECT ENCODING n", "$3 int"),
            ("SETRANGE none 9 ", ":0"),
            ("EXISTS none", ":0"),
            ("LPUSH l x", ":1"),
            ("SETRANGE l 0 x", WRONG_TYPE),
            ("SETRANGE l 0 ", WRONG_TYPE),
            ("SETRANGE l -1 x", negative),
            ("SETRANGE l x x", NO_INTEGER),
            ("SETRANGE k -1 ", negative),
            // As long as allowed, and no longer.
            ("SETRANGE k 536870912 x", TOO_LONG),
            ("SETRANGE none 9223372036854775807 x", TOO_LONG),
            ("CONFIG SET proto-max-bulk-len 1mb", "+OK"),
            ("SETRANGE none 1048576 x", TOO_LONG),
            ("EXISTS none", ":0"),
            ("SETRANGE none 1048575 x", ":1048576"),
            ("SETRANGE none 0 y", ":1048576"),
        ])
        .await;
    client
        .arity(
            "setrange",
            &["SETRANGE", "SETRANGE k 0", "SETRANGE k 0 v x"],
        )
        .await;
}
