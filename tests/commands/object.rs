//! OBJECT and MEMORY.

use fanfare::Server;

use redis_protocol::resp3::types::Resp3Frame;

use crate::common::client::{Client, Frame};
use crate::common::soon;

commands! {
    "object" => object,
    "object|encoding" => encoding,
    "object|freq" => freq,
    "object|idletime" => idletime,
    "object|refcount" => refcount,
    "object|help" => object_help,
    "memory" => memory,
    "memory|usage" => usage,
    "memory|stats" => memory_stats,
    "memory|doctor" => memory_doctor,
    "memory|help" => memory_help,
}

const SYNTAX: &str = "-ERR syntax error";

async fn object(_: &Server, client: &mut Client) {
    client.arity("object", &["OBJECT"]).await;
    let unknown = "ERR unknown subcommand 'nosuch'. Try OBJECT HELP.";
    client.error("OBJECT nosuch k", unknown).await;
}

/// Checks the encoding of the list `l` after each of these commands.
async fn encodings(client: &mut Client, steps: &[(&str, &str)]) {
    for (line, encoding) in steps {
        client.line(line).await;
        client.frame().await;
        client.line("OBJECT ENCODING l").await;
        assert_eq!(client.text().await, *encoding, "after {:.40}", line);
    }
}

async fn encoding(_: &Server, client: &mut Client) {
    let wrong = ["OBJECT ENCODING", "OBJECT ENCODING a b"];
    client.arity("object|encoding", &wrong).await;
    let (short, long) = ("x".repeat(44), "x".repeat(45));
    client
        .script(&[
            ("OBJECT ENCODING none", "_"),
            ("SET s 12", "+OK"),
            ("object encoding s", "$3 int"),
            ("APPEND s 3", ":3"),
            ("OBJECT ENCODING s", "$3 raw"),
            (&format!("SET s {short}"), "+OK"),
            ("OBJECT ENCODING s", "$6 embstr"),
            (&format!("SET s {long}"), "+OK"),
            ("OBJECT ENCODING s", "$3 raw"),
            ("RPUSH l a", ":1"),
            ("OBJECT ENCODING l", "$8 listpack"),
        ])
        .await;
    // By size, 8 KB unless another is set: a listpack grows to all of it, and a quicklist must shrink
    // to half.
    let (kilobyte, large) = ("x".repeat(1000), "x".repeat(9000));
    let push = format!("RPUSH l{}", format!(" {kilobyte}").repeat(4));
    let set_large = format!("LSET l 0 {large}");
    let insert_large = format!("LINSERT l BEFORE {kilobyte} {large}");
    let push_large = format!("RPUSH other {large}");
    encodings(
        client,
        &[
            (&push, "listpack"),
            (&push, "listpack"),
            (&push, "quicklist"),
            ("LPOP l 4", "quicklist"),
            ("LTRIM l 0 4", "quicklist"),
            ("RPOP l", "listpack"),
            (&set_large, "quicklist"),
            ("LSET l 0 small", "listpack"),
            (&insert_large, "quicklist"),
            ("RPUSH l another", "quicklist"),
            (&format!("LREM l 1 {large}"), "listpack"),
            (&push_large, "listpack"),
            ("LMOVE other l LEFT LEFT", "quicklist"),
            ("LMOVE l other LEFT LEFT", "listpack"),
            // It goes with the list.
            ("RENAME other l", "quicklist"),
            ("COPY l other", "quicklist"),
        ],
    )
    .await;
    client
        .script(&[
            ("OBJECT ENCODING other", "$9 quicklist"),
            ("MOVE other 1", ":1"),
            ("SELECT 1", "+OK"),
            ("OBJECT ENCODING other", "$9 quicklist"),
            ("SORT other ALPHA STORE sorted", ":1"),
            ("OBJECT ENCODING sorted", "$9 quicklist"),
            ("SORT other ALPHA LIMIT 0 0 STORE sorted", ":0"),
        ])
        .await;
    // By elements, or by other sizes.
    for (size, steps) in [
        (
            "3",
            &[
                ("RPUSH l 1 2 3", "listpack"),
                ("RPUSH l 4", "quicklist"),
                ("RPOP l", "quicklist"),
                ("LPOP l", "quicklist"),
                ("LPOP l", "listpack"),
                ("RPUSH l 1 2", "listpack"),
                ("RPUSH l 4 5", "quicklist"),
            ][..],
        ),
        (
            "0",
            &[
                ("RPUSH l a", "listpack"),
                ("RPUSH l b", "quicklist"),
                ("LPOP l", "quicklist"),
            ],
        ),
        ("128", &[(&*format!("RPUSH l {large}"), "quicklist")]),
        (
            "-1",
            &[
                (&*format!("RPUSH l {kilobyte}"), "listpack"),
                (&push, "quicklist"),
            ],
        ),
        ("-3", &[(&*format!("RPUSH l {large}"), "listpack")]),
        (
            "-5",
            &[(
                &*format!("RPUSH l{}", format!(" {large}").repeat(7)),
                "listpack",
            )],
        ),
        (
            "-99",
            &[(
                &*format!("RPUSH l{}", format!(" {large}").repeat(8)),
                "quicklist",
            )],
        ),
    ] {
        let set = format!("CONFIG SET list-max-listpack-size {size}");
        client.script(&[("FLUSHALL", "+OK"), (&set, "+OK")]).await;
        encodings(client, steps).await;
    }
}

async fn freq(_: &Server, client: &mut Client) {
    let wrong = ["OBJECT FREQ", "OBJECT FREQ a b"];
    client.arity("object|freq", &wrong).await;
    client
        .script(&[
            ("OBJECT FREQ none", "_"),
            ("SET k v", "+OK"),
            (
                "OBJECT FREQ k",
                "-ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please \
                 note that when switching between policies at runtime LRU and LFU data will take \
                 some time to adjust.",
            ),
        ])
        .await;
}

async fn idletime(_: &Server, client: &mut Client) {
    let wrong = ["OBJECT IDLETIME", "OBJECT IDLETIME a b"];
    client.arity("object|idletime", &wrong).await;
    client
        .script(&[("OBJECT IDLETIME none", "_"), ("SET k v", "+OK")])
        .await;
    // To look at it is not to use it.
    idles(client, &[("TYPE k", "+string"), ("EXISTS k", ":1")]).await;
    client
        .script(&[("TOUCH k", ":1"), ("CLIENT NO-TOUCH ON", "+OK")])
        .await;
    idles(client, &[("GET k", "$1 v"), ("TOUCH k", ":1")]).await;
}

/// Waits until the key `k` has been idle for a second, while these commands go on.
async fn idles(client: &mut Client, lines: &[(&str, &str)]) {
    soon("a second", async {
        loop {
            client.script(lines).await;
            client.line("OBJECT IDLETIME k").await;
            if client.integer().await > 0 {
                return;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
}

async fn refcount(_: &Server, client: &mut Client) {
    let wrong = ["OBJECT REFCOUNT", "OBJECT REFCOUNT a b"];
    client.arity("object|refcount", &wrong).await;
    client
        .script(&[
            ("OBJECT REFCOUNT none", "_"),
            ("SET k v", "+OK"),
            ("OBJECT REFCOUNT k", ":1"),
            ("RPUSH l 1", ":1"),
            ("object refcount l", ":1"),
            ("SET k 0", "+OK"),
            ("OBJECT REFCOUNT k", ":2147483647"),
            ("SET k 9999", "+OK"),
            ("OBJECT REFCOUNT k", ":2147483647"),
            ("SET k 10000", "+OK"),
            ("OBJECT REFCOUNT k", ":1"),
            ("SET k -1", "+OK"),
            ("OBJECT REFCOUNT k", ":1"),
        ])
        .await;
}

async fn object_help(_: &Server, client: &mut Client) {
    client.arity("object|help", &["OBJECT HELP x"]).await;
    client.line("OBJECT HELP").await;
    client
        .reads(
            "*11\r\n\
             +OBJECT has these subcommands:\r\n\
             +ENCODING key\r\n\
             +    How the value is stored.\r\n\
             +FREQ key\r\n\
             +    How often the key is used, which fanfare does not count.\r\n\
             +IDLETIME key\r\n\
             +    For how many seconds the key was not used.\r\n\
             +REFCOUNT key\r\n\
             +    How many references the value has: 1.\r\n\
             +HELP\r\n\
             +    Show this list.\r\n",
        )
        .await;
}

async fn memory(_: &Server, client: &mut Client) {
    client.arity("memory", &["MEMORY"]).await;
    let unknown = "ERR unknown subcommand 'nosuch'. Try MEMORY HELP.";
    client.error("MEMORY nosuch", unknown).await;
}

async fn usage(_: &Server, client: &mut Client) {
    client.arity("memory|usage", &["MEMORY USAGE"]).await;
    client
        .script(&[
            ("MEMORY USAGE none", "_"),
            ("MEMORY USAGE none SAMPLES 0 samples 5", "_"),
            ("MEMORY USAGE none SAMPLES", SYNTAX),
            ("MEMORY USAGE none SAMPLES -1", SYNTAX),
            ("MEMORY USAGE none COUNT 1", SYNTAX),
            (
                "MEMORY USAGE none SAMPLES x",
                "-ERR value is not an integer or out of range",
            ),
        ])
        .await;
    let large = "x".repeat(100_000);
    client
        .script(&[
            ("SET small x", "+OK"),
            (&format!("SET large {large}"), "+OK"),
        ])
        .await;
    client
        .ask(&format!("RPUSH list {large} {large}"), ":2")
        .await;
    for (key, least, most) in [
        ("small", 1, 500),
        ("large", 100_000, 101_000),
        ("list", 200_000, 201_000),
    ] {
        client.line(&format!("MEMORY USAGE {key}")).await;
        let usage = client.integer().await;
        assert!((least..most).contains(&usage), "{key}: {usage}");
    }
}

async fn memory_help(_: &Server, client: &mut Client) {
    client.arity("memory|help", &["MEMORY HELP x"]).await;
    client.line("MEMORY HELP").await;
    client
        .reads(
            "*10\r\n\
             +MEMORY has these subcommands:\r\n\
             +DOCTOR\r\n\
             +    What memory is used for, in words, and what stands out.\r\n\
             +STATS\r\n\
             +    What memory is used for, in figures.\r\n\
             +USAGE key [SAMPLES count]\r\n\
             +    The bytes that a key and its value take. All of a value is counted, so that SAMPLES\r\n\
             +    changes nothing.\r\n\
             +HELP\r\n\
             +    Show this list.\r\n",
        )
        .await;
}

async fn memory_stats(_: &Server, client: &mut Client) {
    client.arity("memory|stats", &["MEMORY STATS x"]).await;
    client.ask("RPUSH l a b", ":2").await;
    client.line("MEMORY USAGE l").await;
    let usage = client.integer().await;
    client.line("MEMORY STATS").await;
    let (names, values) = pairs(client.frame().await);
    let figure = |name: &str| {
        let place = names.iter().position(|own| own == name);
        match &values[place.expect("the figure")] {
            Frame::Number { data, .. } => *data,
            other => panic!("{name}: {other:?}"),
        }
    };
    assert_eq!(figure("keys.count"), 1);
    assert!(figure("dataset.bytes") >= usage);
    assert_eq!(figure("keys.bytes-per-key"), figure("dataset.bytes"));
    assert!(figure("clients.normal") > 0);
    assert!(figure("total.allocated") > figure("dataset.bytes"));
    assert_eq!(figure("replication.backlog"), 0);
}

/// The names and values of a map, which RESP2 has as an array.
fn pairs(frame: Frame) -> (Vec<String>, Vec<Frame>) {
    let flat: Vec<Frame> = match frame {
        Frame::Map { data, .. } => data
            .into_iter()
            .flat_map(|(name, value)| [name, value])
            .collect(),
        Frame::Array { data, .. } => data,
        other => panic!("{other:?} is no map"),
    };
    let name = |frame: &Frame| frame.as_str().expect("a name").to_owned();
    let names = flat.iter().step_by(2).map(name).collect();
    (names, flat.into_iter().skip(1).step_by(2).collect())
}

async fn memory_doctor(_: &Server, client: &mut Client) {
    client.arity("memory|doctor", &["MEMORY DOCTOR x"]).await;
    client.line("MEMORY DOCTOR").await;
    let text = client.text().await;
    assert!(text.starts_with("The process takes "), "{text}");
    assert!(text.lines().count() >= 2, "{text}");
}
