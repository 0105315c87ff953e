//! The commands of the group list that wait. What becomes of those who wait is tested in `waiters`.

use fanfare::Server;

use crate::common::client::Client;
use crate::common::wire::bulk;
use crate::common::{info, until_info};

mod waiters;

commands! {
    "blpop" => blpop,
    "brpop" => brpop,
    "blmove" => blmove,
    "brpoplpush" => brpoplpush,
    "blmpop" => blmpop,
}

const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";
const SYNTAX: &str = "-ERR syntax error";
const NO_FLOAT: &str = "-ERR timeout is not a float or out of range";
const NEGATIVE: &str = "-ERR timeout is negative";
/// What newer Redis says where 7.0 counts with what has overflown.
const TOO_LONG: &str = "-ERR timeout is out of range";

/// A new client that has sent `line` and waits; `client` saw it.
pub async fn waiter(server: &Server, client: &mut Client, line: &str) -> Client {
    let mut waiter = Client::connect(server, client.protocol).await;
    wait(&mut waiter, client, line).await;
    waiter
}

/// Has a client send `line` and wait; `client` saw it.
async fn wait(waiter: &mut Client, client: &mut Client, line: &str) {
    let others: u32 = info(client, "blocked_clients")
        .await
        .parse()
        .expect("a number");
    waiter.line(line).await;
    until_info(client, "blocked_clients", &(others + 1).to_string()).await;
}

/// Checks what is wrong with `{verb} KEYS TIMEOUT`, BLPOP's and BRPOP's form; a list `l` has elements.
async fn pop_errors(client: &mut Client, verb: &str) {
    client.ask("SET s x", "+OK").await;
    for (words, error) in [
        ("s 0", WRONG_TYPE),
        ("none s 0", WRONG_TYPE),
        ("s l 0", WRONG_TYPE),
        ("s a", NO_FLOAT),
        ("l ", NO_FLOAT),
        ("l nan", NO_FLOAT),
        ("l 1s", NO_FLOAT),
        ("l -1", NEGATIVE),
        ("l -inf", NEGATIVE),
        ("l inf", TOO_LONG),
        ("l 1e400", TOO_LONG),
        ("l 9223372036854775807", TOO_LONG),
        ("l 9223372036854775", TOO_LONG),
    ] {
        client.script(&[(&format!("{verb} {words}"), error)]).await;
    }
    let wrong = [verb, &format!("{verb} l")];
    client.arity(&verb.to_ascii_lowercase(), &wrong).await;
}

async fn blpop(server: &Server, client: &mut Client) {
    client
        .script(&[
            ("RPUSH l 1 2 3 4 5", ":5"),
            ("BLPOP none l 0", "*2 $1 l $1 1"),
            ("blpop l none 0.1", "*2 $1 l $1 2"),
            ("SET s x", "+OK"),
            // The first key that has something, in the order of the arguments.
            ("BLPOP l s 0", "*2 $1 l $1 3"),
            ("RPUSH m 9", ":1"),
            ("BLPOP m l 0", "*2 $1 m $1 9"),
            ("BLPOP none 0.001", "*-1"),
            ("BLPOP none other none 1e-9", "*-1"),
        ])
        .await;
    pop_errors(client, "BLPOP").await;
    let mut served = waiter(server, client, "BLPOP a b a 0").await;
    client.ask("LPUSH b 1 2", ":2").await;
    served.sees("*2 $1 b $1 2").await;
    client.ask("LRANGE b 0 -1", "*1 $1 1").await;
    // One that has time enough, and one of the smallest negative numbers, which is none.
    let mut patient = waiter(server, client, "BLPOP a 1000000").await;
    let mut most_patient = waiter(server, client, "BLPOP a -0.0001").await;
    client.ask("RPUSH a 1 2", ":2").await;
    patient.sees("*2 $1 a $1 1").await;
    most_patient.sees("*2 $1 a $1 2").await;
    // Bytes, and large ones.
    let large = [b"\r\n\0\xff".repeat(300_000), b"\r".to_vec()].concat();
    served.command(&[b"BLPOP", &b"\0\r\n"[..], b"0"]).await;
    until_info(client, "blocked_clients", "1").await;
    client.command(&[b"RPUSH", &b"\0\r\n"[..], &large]).await;
    client.sees(":1").await;
    served.expect(b"*2\r\n$3\r\n\0\r\n\r\n").await;
    served.expect(bulk(&large)).await;
}

async fn brpop(server: &Server, client: &mut Client) {
    client
        .script(&[
            ("RPUSH l 1 2 3 4 5", ":5"),
            ("BRPOP none l 0", "*2 $1 l $1 5"),
            ("brpop l none 0.1", "*2 $1 l $1 4"),
            ("BRPOP none 0.001", "*-1"),
        ])
        .await;
    pop_errors(client, "BRPOP").await;
    let mut served = waiter(server, client, "BRPOP a b 0").await;
    client.ask("RPUSH b 1 2", ":2").await;
    served.sees("*2 $1 b $1 2").await;
    client.ask("LRANGE b 0 -1", "*1 $1 1").await;
}

async fn blmove(server: &Server, client: &mut Client) {
    client
        .script(&[
            ("RPUSH l 1 2 3", ":3"),
            ("BLMOVE l m LEFT RIGHT 0", "$1 1"),
            ("blmove l m right left 0", "$1 3"),
            ("BLMOVE m m LEFT RIGHT 0", "$1 3"),
            ("LRANGE m 0 -1", "*2 $1 1 $1 3"),
            ("BLMOVE none m LEFT LEFT 0.001", "*-1"),
            ("SET s x", "+OK"),
            ("BLMOVE none s LEFT LEFT 0.001", "*-1"),
            ("BLMOVE s m LEFT LEFT 0", WRONG_TYPE),
            ("BLMOVE m s LEFT LEFT 0", WRONG_TYPE),
            ("LLEN m", ":2"),
            ("BLMOVE l m UP LEFT 0", SYNTAX),
            ("BLMOVE l m LEFT UP 0", SYNTAX),
            ("BLMOVE l m UP LEFT a", SYNTAX),
            ("BLMOVE s m LEFT LEFT a", NO_FLOAT),
            ("BLMOVE s m LEFT LEFT -1", NEGATIVE),
        ])
        .await;
    let wrong = ["BLMOVE", "BLMOVE l m LEFT LEFT", "BLMOVE l m LEFT LEFT 0 0"];
    client.arity("blmove", &wrong).await;
    let mut served = waiter(server, client, "BLMOVE a b LEFT LEFT 0").await;
    client.ask("RPUSH a 1 2", ":2").await;
    served.sees("$1 1").await;
    wait(&mut served, client, "BLMOVE c c LEFT RIGHT 0").await;
    client.ask("RPUSH c 1 2", ":2").await;
    served.sees("$1 1").await;
    for (key, left) in [("a", "*1 $1 2"), ("b", "*1 $1 1"), ("c", "*2 $1 2 $1 1")] {
        client.ask(&format!("LRANGE {key} 0 -1"), left).await;
    }
    // One whose element has nowhere to go fails, and the element is the next one's.
    let mut fails = waiter(server, client, "BLMOVE d s LEFT LEFT 0").await;
    wait(&mut served, client, "BLPOP d 0").await;
    client.ask("RPUSH d 1", ":1").await;
    fails.reads(format!("{WRONG_TYPE}\r\n")).await;
    served.sees("*2 $1 d $1 1").await;
}

async fn brpoplpush(server: &Server, client: &mut Client) {
    client
        .script(&[
            ("RPUSH l 1 2", ":2"),
            ("BRPOPLPUSH l m 0", "$1 2"),
            ("brpoplpush l m 0.1", "$1 1"),
            ("LRANGE m 0 -1", "*2 $1 1 $1 2"),
            ("BRPOPLPUSH none m 0.001", "*-1"),
            ("SET s x", "+OK"),
            ("BRPOPLPUSH s m 0", WRONG_TYPE),
            ("BRPOPLPUSH m s 0", WRONG_TYPE),
            ("BRPOPLPUSH s m a", NO_FLOAT),
            ("BRPOPLPUSH s m -1", NEGATIVE),
        ])
        .await;
    let wrong = ["BRPOPLPUSH", "BRPOPLPUSH l m", "BRPOPLPUSH l m 0 0"];
    client.arity("brpoplpush", &wrong).await;
    let mut served = waiter(server, client, "BRPOPLPUSH a m 0").await;
    client.ask("RPUSH a 8 9", ":2").await;
    served.sees("$1 9").await;
    client.ask("LRANGE m 0 -1", "*3 $1 9 $1 1 $1 2").await;
}

async fn blmpop(server: &Server, client: &mut Client) {
    let no_keys = "-ERR numkeys should be greater than 0";
    let no_count = "-ERR count should be greater than 0";
    client
        .script(&[
            ("RPUSH l 1 2 3 4 5", ":5"),
            ("BLMPOP 0 2 none l RIGHT COUNT 2", "*2 $1 l *2 $1 5 $1 4"),
            ("blmpop 0.1 1 l left", "*2 $1 l *1 $1 1"),
            ("BLMPOP 0 1 l LEFT COUNT 99", "*2 $1 l *2 $1 2 $1 3"),
            ("BLMPOP 0.001 2 l none LEFT", "*-1"),
            ("SET s x", "+OK"),
            ("BLMPOP 0 1 s LEFT", WRONG_TYPE),
            ("BLMPOP 0 0 s LEFT", no_keys),
            ("BLMPOP a 0 s LEFT", no_keys),
            ("BLMPOP -1 1 s UP", SYNTAX),
            ("BLMPOP a 1 s LEFT", NO_FLOAT),
            ("BLMPOP -1 1 s LEFT", NEGATIVE),
            ("BLMPOP 0 1 s LEFT COUNT 0", no_count),
            ("BLMPOP 0 1 s LEFT COUNT", SYNTAX),
            ("BLMPOP 0 2 s LEFT", SYNTAX),
        ])
        .await;
    let wrong = ["BLMPOP", "BLMPOP 0 1", "BLMPOP 0 1 s"];
    client.arity("blmpop", &wrong).await;
    let mut served = waiter(server, client, "BLMPOP 0 2 a b LEFT COUNT 2").await;
    client.ask("RPUSH b 1 2 3", ":3").await;
    served.sees("*2 $1 b *2 $1 1 $1 2").await;
    wait(&mut served, client, "BLMPOP 0 1 a RIGHT COUNT 5").await;
    client.ask("RPUSH a 1 2 3", ":3").await;
    served.sees("*2 $1 a *3 $1 3 $1 2 $1 1").await;
    client.ask("DBSIZE", ":2").await;
}
