//! The commands of the group string that count.

use fanfare::Server;

use crate::common::client::Client;

commands! {
    "incr" => incr,
    "incrby" => incrby,
    "incrbyfloat" => incrbyfloat,
    "decr" => decr,
    "decrby" => decrby,
}

const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";
const NO_INTEGER: &str = "-ERR value is not an integer or out of range";
const NO_FLOAT: &str = "-ERR value is not a valid float";
const OVERFLOW: &str = "-ERR increment or decrement would overflow";
const INFINITE: &str = "-ERR increment would produce NaN or Infinity";

async fn incr(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("INCR k", ":1"),
            ("EXPIREAT k 4000000000", ":1"),
            ("INCR k", ":2"),
            ("EXPIRETIME k", ":4000000000"),
            ("OBJECT ENCODING k", "$3 int"),
            ("SET k 9223372036854775806", "+OK"),
            ("INCR k", ":9223372036854775807"),
            ("INCR k", OVERFLOW),
            ("GET k", "$19 9223372036854775807"),
            ("LPUSH l x", ":1"),
            ("INCR l", WRONG_TYPE),
        ])
        .await;
    for value in [
        "",
        "x",
        "1.0",
        " 1",
        "1 ",
        "+1",
        "01",
        "9223372036854775808",
    ] {
        client.command(&["SET", "k", value]).await;
        client.reads(b"+OK\r\n").await;
        client.error("INCR k", &NO_INTEGER[1..]).await;
    }
    client.arity("incr", &["INCR", "INCR k x"]).await;
}

async fn incrby(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("INCRBY k 5", ":5"),
            ("INCRBY k -15", ":-10"),
            ("INCRBY k 9223372036854775807", ":9223372036854775797"),
            ("INCRBY k 11", OVERFLOW),
            ("SET k -1", "+OK"),
            ("INCRBY k -9223372036854775808", OVERFLOW),
            ("INCRBY k 1.5", NO_INTEGER),
            ("GET k", "$2 -1"),
            ("LPUSH l x", ":1"),
            ("INCRBY l 1", WRONG_TYPE),
            ("INCRBY l x", NO_INTEGER),
        ])
        .await;
    client
        .arity("incrby", &["INCRBY", "INCRBY k", "INCRBY k 1 x"])
        .await;
}

async fn incrbyfloat(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("INCRBYFLOAT k 10.50", "$4 10.5"),
            ("OBJECT ENCODING k", "$6 embstr"),
            ("EXPIREAT k 4000000000", ":1"),
            ("INCRBYFLOAT k 0.1", "$4 10.6"),
            ("EXPIRETIME k", ":4000000000"),
            ("INCRBYFLOAT k -5", "$3 5.6"),
            ("INCRBYFLOAT k 4.4", "$2 10"),
            ("OBJECT ENCODING k", "$6 embstr"),
            ("INCR k", ":11"),
            ("SET k 5.0e3", "+OK"),
            ("INCRBYFLOAT k 2.0e2", "$4 5200"),
            ("INCRBYFLOAT k 0x10", "$4 5216"),
            // 64 bits of significand.
            ("SET k 4611686018427387904", "+OK"),
            ("INCRBYFLOAT k 0.5", "$21 4611686018427387904.5"),
            ("INCRBYFLOAT k 0.2", "$21 4611686018427387904.5"),
            (
                "INCRBYFLOAT k 4611686018427387904.5",
                "$19 9223372036854775809",
            ),
            ("SET k 3", "+OK"),
            ("INCRBYFLOAT k 1.1", "$3 4.1"),
            ("INCRBYFLOAT k -4.1", "$1 0"),
            ("SET k 0.1", "+OK"),
            ("INCRBYFLOAT k 1e-30", "$3 0.1"),
            ("INCRBYFLOAT k inf", INFINITE),
            ("SET k -inf", "+OK"),
            ("INCRBYFLOAT k 1", INFINITE),
            ("INCRBYFLOAT k inf", INFINITE),
            ("SET k 1e4932", "+OK"),
            ("INCRBYFLOAT k 1e4932", INFINITE),
            ("LPUSH l x", ":1"),
            ("INCRBYFLOAT l 1", WRONG_TYPE),
            ("INCRBYFLOAT l x", WRONG_TYPE),
            ("SET k text", "+OK"),
            ("INCRBYFLOAT k 1", NO_FLOAT),
        ])
        .await;
    for increment in [
        "", "x", "nan", " 1", "1 ", "1e5000", "1e-5000", "1e", "1,5", "1\0",
    ] {
        client.command(&["INCRBYFLOAT", "none", increment]).await;
        client.expect(format!("{NO_FLOAT}\r\n")).await;
    }
    client.ask("EXISTS none", ":0").await;
    let wrong = ["INCRBYFLOAT", "INCRBYFLOAT k", "INCRBYFLOAT k 1 x"];
    client.arity("incrbyfloat", &wrong).await;
}

async fn decr(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("DECR k", ":-1"),
            ("DECR k", ":-2"),
            ("SET k -9223372036854775808", "+OK"),
            ("DECR k", OVERFLOW),
            ("SET k x", "+OK"),
            ("DECR k", NO_INTEGER),
            ("LPUSH l x", ":1"),
            ("DECR l", WRONG_TYPE),
        ])
        .await;
    client.arity("decr", &["DECR", "DECR k x"]).await;
}

async fn decrby(_: &Server, client: &mut Client) {
    let overflow = "-ERR decrement would overflow";
    client
        .script(&[
            ("DECRBY k 5", ":-5"),
            ("DECRBY k -15", ":10"),
            ("DECRBY k -9223372036854775807", OVERFLOW),
            ("DECRBY k -9223372036854775808", overflow),
            ("DECRBY k 1.5", NO_INTEGER),
            ("GET k", "$2 10"),
            ("LPUSH l x", ":1"),
            ("DECRBY l 1", WRONG_TYPE),
            ("DECRBY l -9223372036854775808", overflow),
        ])
        .await;
    client
        .arity("decrby", &["DECRBY", "DECRBY k", "DECRBY k 1 x"])
        .await;
}
