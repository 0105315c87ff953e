//! SCAN.

use std::collections::HashMap;

use fanfare::Server;
use redis_protocol::resp3::types::Resp3Frame;
use tokio::sync::oneshot;

use crate::common::client::{Client, Frame, parts};

commands! {
    "scan" => scan,
}

const SYNTAX: &str = "-ERR syntax error";
const INVALID_CURSOR: &str = "-ERR invalid cursor";

/// Reads a SCAN's reply: the next cursor, and some keys.
pub async fn step(client: &mut Client) -> (String, Vec<String>) {
    let Frame::Array { data, .. } = client.frame().await else {
        panic!("no array");
    };
    let [cursor, keys] = <[Frame; 2]>::try_from(data).expect("a cursor and keys");
    let keys = parts(keys).expect("an array of keys").into_iter();
    let key = |key: bytes::Bytes| String::from_utf8(key.to_vec()).expect("text");
    let cursor = cursor.as_str().expect("a string").to_owned();
    (cursor, keys.map(key).collect())
}

/// All keys that an iteration with these options returns, sorted.
async fn iterate(client: &mut Client, options: &str) -> Vec<String> {
    let (mut cursor, mut all) = ("0".to_owned(), Vec::new());
    loop {
        client.line(&format!("SCAN {cursor}{options}")).await;
        let (next, keys) = step(client).await;
        all.extend(keys);
        if next == "0" {
            all.sort_unstable();
            return all;
        }
        assert_ne!(cursor, next);
        cursor = next;
    }
}

async fn scan(server: &Server, client: &mut Client) {
    client.arity("scan", &["SCAN"]).await;
    client
        .script(&[
            ("SCAN 0", "*2 $1 0 *0"),
            ("SET only key", "+OK"),
            ("scan 0", "*2 $1 0 *1 $4 only"),
            // What C takes as a number.
            ("SCAN ", "*2 $1 0 *1 $4 only"),
            ("SCAN +00", "*2 $1 0 *1 $4 only"),
            ("SCAN 18446744073709551615", "*2 $1 0 *0"),
            ("SCAN 18446744073709551616", INVALID_CURSOR),
            ("SCAN x", INVALID_CURSOR),
            ("SCAN x COUNT x", INVALID_CURSOR),
            ("SCAN -", INVALID_CURSOR),
            ("SCAN 0 COUNT 0", SYNTAX),
            ("SCAN 0 COUNT -1", SYNTAX),
            (
                "SCAN 0 COUNT x",
                "-ERR value is not an integer or out of range",
            ),
            ("SCAN 0 COUNT", SYNTAX),
            ("SCAN 0 MATCH", SYNTAX),
            ("SCAN 0 TYPE", SYNTAX),
            ("SCAN 0 LIMIT 1", SYNTAX),
            ("SCAN 0 COUNT 9223372036854775807", "*2 $1 0 *1 $4 only"),
            ("RPUSH list a b", ":2"),
            ("SET  empty", "+OK"),
            ("SCAN 0 TYPE list", "*2 $1 0 *1 $4 list"),
            ("SCAN 0 match o* type STRING count 5", "*2 $1 0 *1 $4 only"),
            ("SCAN 0 MATCH x MATCH l*", "*2 $1 0 *1 $4 list"),
            ("SCAN 0 TYPE hash", "*2 $1 0 *0"),
            ("SCAN 0 TYPE nosuch", "*2 $1 0 *0"),
            // An empty name is matched by stars, however many.
            ("SCAN 0 MATCH **", "*2 $1 0 *3 $4 only $4 list $0 "),
            ("SCAN 0 MATCH *", "*2 $1 0 *3 $4 only $4 list $0 "),
        ])
        .await;
    client.ask("FLUSHALL", "+OK").await;
    let mut expected: Vec<_> = (0..1000).map(|number| format!("k:{number}")).collect();
    set(client, &expected).await;
    expected.sort_unstable();
    for options in ["", " COUNT 1", " COUNT 99", " COUNT 5000"] {
        assert_eq!(iterate(client, options).await, expected, "{options}");
    }
    expected.retain(|key| key.contains('7'));
    assert_eq!(iterate(client, " MATCH *7*").await, expected);
    assert!(iterate(client, " TYPE list").await.is_empty());
    // As many as asked for, of ten by default.
    for (options, count) in [("", 10), (" COUNT 3", 3)] {
        client.line(&format!("SCAN 0{options}")).await;
        assert_eq!(step(client).await.1.len(), count);
    }
    gaps(client).await;
    in_the_midst_of_changes(server, client).await;
}

/// Sets all these keys at once.
async fn set(client: &mut Client, keys: &[String]) {
    let pairs: Vec<_> = keys.iter().flat_map(|key| [key.as_str(), "v"]).collect();
    client.command(&[&["MSET"], &pairs[..]].concat()).await;
    client.sees("+OK").await;
}

/// Deletes all these keys at once, as many of them as are there.
async fn delete(client: &mut Client, keys: &[String]) {
    let keys: Vec<_> = keys.iter().map(String::as_str).collect();
    client.command(&[&["DEL"], &keys[..]].concat()).await;
    client.integer().await;
}

/// A call does not go on through any number of places where keys were, to find one that is there.
async fn gaps(client: &mut Client) {
    let keys: Vec<_> = (0..5000).map(|number| format!("k:{number}")).collect();
    set(client, &keys).await;
    delete(client, &keys[..4999]).await;
    client.line("SCAN 0 COUNT 1").await;
    let (cursor, keys) = step(client).await;
    assert_ne!(cursor, "0");
    assert!(keys.is_empty());
    assert_eq!(iterate(client, " COUNT 1").await, ["k:4999"]);
    client.ask("FLUSHALL", "+OK").await;
}

/// A key that is there all the time is returned exactly once, whatever becomes of others and of what
/// it holds; one that comes is returned at most once.
async fn in_the_midst_of_changes(server: &Server, client: &mut Client) {
    const STAY: usize = 500;
    let numbered = |name: &'static str| (0..STAY).map(move |number| format!("{name}:{number}"));
    let all = ["gone", "stay", "went"].into_iter().flat_map(numbered);
    set(client, &all.collect::<Vec<_>>()).await;
    // Another client, all the time.
    let mut other = Client::connect(server, client.protocol).await;
    let (stop, mut stopped) = oneshot::channel::<()>();
    let busy = tokio::spawn(async move {
        let mut round = 0_usize;
        while stopped.try_recv().is_err() {
            round += 1;
            let (number, stay) = (round % 700, round * 7 % STAY);
            for line in [
                format!("SET busy:{number} v"),
                format!("DEL busy:{} went:{stay}", round * 31 % 700),
                format!("COPY busy:{number} stay:{stay} REPLACE"),
                format!("RENAME busy:{number} stay:{stay}"),
                format!("SET stay:{stay} v"),
            ] {
                other.line(&line).await;
                other.frame().await;
            }
        }
        round
    });
    for round in 0..10 {
        let (mut cursor, mut seen) = ("0".to_owned(), HashMap::new());
        let mut came = Vec::new();
        for call in 0.. {
            client.line(&format!("SCAN {cursor} COUNT 20")).await;
            let keys;
            (cursor, keys) = step(client).await;
            for key in keys {
                *seen.entry(key).or_insert(0) += 1;
            }
            if cursor == "0" {
                break;
            }
            // In between, too, behind the cursor and before it.
            let numbers = (call * 10..call * 10 + 10).map(|number| number * 13 % STAY);
            let (old, new): (Vec<_>, Vec<_>) = numbers
                .map(|number| (format!("gone:{number}"), format!("new:{round}:{number}")))
                .unzip();
            delete(client, &old).await;
            set(client, &new).await;
            came.extend(new);
        }
        for key in numbered("stay") {
            assert_eq!(seen.get(&key), Some(&1), "{key} in round {round}");
        }
        for key in &came {
            assert!(seen.get(key).is_none_or(|&times| times == 1), "{key}");
        }
        delete(client, &came).await;
        set(client, &numbered("gone").collect::<Vec<_>>()).await;
    }
    stop.send(()).expect("it is still there");
    assert!(busy.await.expect("no panic") > 0);
}
