//! The group stream: entries. Groups are tested in `groups`, and what becomes of those who wait in `waiters`.

use fanfare::Server;

use crate::common::client::Client;

pub mod groups;
mod waiters;

commands! {
    "xadd" => xadd,
    "xlen" => xlen,
    "xrange" => xrange,
    "xrevrange" => xrevrange,
    "xread" => xread,
    "xdel" => xdel,
    "xtrim" => xtrim,
    "xsetid" => xsetid,
    "xinfo" => xinfo,
    "xinfo|stream" => xinfo_stream,
    "xinfo|help" => xinfo_help,
}

const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";
const NO_INTEGER: &str = "-ERR value is not an integer or out of range";
const SYNTAX: &str = "-ERR syntax error";
const NO_ID: &str = "-ERR Invalid stream ID specified as stream command argument";
const NOT_GREATER: &str =
    "-ERR The ID specified in XADD is equal or smaller than the target stream top item";

/// An entry with one field `f`.
fn entry(id: &str, value: &str) -> String {
    format!("*2 ${} {id} *2 $1 f ${} {value}", id.len(), value.len())
}

/// An array of entries with one field `f`.
fn entries(all: &[(&str, &str)]) -> String {
    let all: Vec<_> = all.iter().map(|(id, value)| entry(id, value)).collect();
    format!("*{} {}", all.len(), all.join(" "))
        .trim_end()
        .to_owned()
}

/// The reply of XREAD and XREADGROUP: a map, which is an array of arrays of two in RESP2.
fn streams(client: &Client, all: &[(&str, &[(&str, &str)])]) -> String {
    let (map, each) = if client.protocol == 3 {
        ('%', "")
    } else {
        ('*', "*2 ")
    };
    let all: Vec<_> = all
        .iter()
        .map(|(key, of_key)| format!("{each}${} {key} {}", key.len(), entries(of_key)))
        .collect();
    format!("{map}{} {}", all.len(), all.join(" "))
}

/// Adds entries with one field `f` to a stream.
async fn add(client: &mut Client, key: &str, all: &[(&str, &str)]) {
    for (id, value) in all {
        let reply = format!("${} {id}", id.len());
        let line = format!("XADD {key} {id} f {value}");
        client.ask(&line, &reply).await;
    }
}

async fn xadd(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("XADD s 1-1 f v", "$3 1-1"),
            ("xadd s 1-* f v g w", "$3 1-2"),
            ("XADD s 5 f v", "$3 5-0"),
            ("XADD s 5-0 f v", NOT_GREATER),
            ("XADD s 4-* f v", NOT_GREATER),
            (
                "XADD s 0-0 f v",
                "-ERR The ID specified in XADD must be greater than 0-0",
            ),
            ("XADD s x f v", NO_ID),
            ("XADD s 5-x f v", NO_ID),
            ("XADD none NOMKSTREAM 1-1 f v", "_"),
            ("EXISTS none", ":0"),
            ("XADD s NOMKSTREAM MAXLEN 2 6-0 f v", "$3 6-0"),
            ("XLEN s", ":2"),
            ("XADD s MINID = 7 7-0 f v", "$3 7-0"),
            ("XLEN s", ":1"),
            ("XADD s MAXLEN ~ 0 LIMIT 1 8-0 f v", "$3 8-0"),
            ("XLEN s", ":2"),
            (
                "XADD s MAXLEN -1 9-0 f v",
                "-ERR The MAXLEN argument must be >= 0.",
            ),
            ("XADD s MAXLEN x 9-0 f v", NO_INTEGER),
            (
                "XADD s MAXLEN ~ 1 LIMIT -1 9-0 f v",
                "-ERR The LIMIT argument must be >= 0.",
            ),
            (
                "XADD s MAXLEN 1 LIMIT 1 9-0 f v",
                "-ERR syntax error, LIMIT cannot be used without the special ~ option",
            ),
            (
                "XADD s LIMIT 1 9-0 f v",
                "-ERR syntax error, LIMIT cannot be used without specifying a trimming strategy",
            ),
            (
                "XADD s MAXLEN 1 MINID 1 9-0 f v",
                "-ERR syntax error, MAXLEN and MINID options at the same time are not compatible",
            ),
            ("SET string x", "+OK"),
            ("XADD string 1-1 f v", WRONG_TYPE),
            ("TYPE s", "+stream"),
            ("OBJECT ENCODING s", "$6 stream"),
            (
                "XADD last 18446744073709551615-18446744073709551615 f v",
                "$41 18446744073709551615-18446744073709551615",
            ),
            (
                "XADD last * f v",
                "-ERR The stream has exhausted the last possible ID, unable to add more items",
            ),
        ])
        .await;
    let short = [
        "XADD s 9-0 f",
        "XADD s 9-0 f v g",
        "XADD s *",
        "XADD s MAXLEN 1 9-0 f",
    ];
    client.arity("xadd", &short).await;
    // The server's own ids are times, and never equal.
    client.line("XADD auto * f v").await;
    let first = client.text().await;
    let (ms, seq) = first.split_once('-').expect("an id");
    assert!(
        ms.parse::<u64>().expect("a time") > 1_600_000_000_000 && seq == "0",
        "{first}"
    );
    client.line("XADD auto * f v").await;
    assert_ne!(client.text().await, first);
    // Bytes, and large ones.
    let large = b"\r\n\0\xff".repeat(100_000);
    client
        .command(&[b"XADD", &b"b"[..], b"1-1", b"\0\r\n", &large])
        .await;
    client.sees("$3 1-1").await;
    client.line("XRANGE b - +").await;
    client.sees("*1 *2 $3 1-1 *2").await;
    client.expect(b"$3\r\n\0\r\n\r\n").await;
    client.expect(crate::common::wire::bulk(&large)).await;
}

async fn xlen(_: &Server, client: &mut Client) {
    add(client, "s", &[("1-1", "a"), ("2-1", "b")]).await;
    client
        .script(&[
            ("XLEN s", ":2"),
            ("XLEN none", ":0"),
            ("SET string x", "+OK"),
            ("XLEN string", WRONG_TYPE),
            ("XDEL s 1-1 2-1", ":2"),
            // A stream without entries is still one.
            ("XLEN s", ":0"),
            ("EXISTS s", ":1"),
        ])
        .await;
    client.arity("xlen", &["XLEN", "XLEN s s"]).await;
}

const FIVE: &[(&str, &str)] = &[
    ("1-1", "a"),
    ("1-2", "b"),
    ("2-1", "c"),
    ("3-0", "d"),
    ("3-5", "e"),
];

async fn xrange(_: &Server, client: &mut Client) {
    add(client, "s", FIVE).await;
    client.ask("SET string x", "+OK").await;
    for (range, found) in [
        ("- +", FIVE),
        ("1 2", &FIVE[..3]),
        ("1-2 3-0", &FIVE[1..4]),
        ("(1-2 (3-5", &FIVE[2..4]),
        ("3 3", &FIVE[3..]),
        ("4 +", &[]),
        ("3 1", &[]),
        ("- + COUNT 2", &FIVE[..2]),
        ("2 + count 9", &FIVE[2..]),
    ] {
        client
            .ask(&format!("XRANGE s {range}"), &entries(found))
            .await;
    }
    client
        .script(&[
            ("XRANGE s - + COUNT 0", "*-1"),
            ("XRANGE s - + COUNT -1", "*-1"),
            ("XRANGE none - +", "*0"),
            ("XRANGE string - +", WRONG_TYPE),
            ("XRANGE s x +", NO_ID),
            ("XRANGE s (- +", NO_ID),
            ("XRANGE s - + COUNT x", NO_INTEGER),
            ("XRANGE s - + COUNT", SYNTAX),
            ("XRANGE s - + LIMIT 1", SYNTAX),
            ("XRANGE s - (0-0", "-ERR invalid end ID for the interval"),
            (
                "XRANGE s (18446744073709551615-18446744073709551615 +",
                "-ERR invalid start ID for the interval",
            ),
        ])
        .await;
    client.arity("xrange", &["XRANGE", "XRANGE s -"]).await;
}

async fn xrevrange(_: &Server, client: &mut Client) {
    add(client, "s", FIVE).await;
    let reversed: Vec<_> = FIVE.iter().rev().copied().collect();
    for (range, found) in [
        ("+ -", &reversed[..]),
        ("2 1", &reversed[2..]),
        ("(3-5 (1-1", &reversed[1..4]),
        ("- +", &[]),
        ("+ - COUNT 2", &reversed[..2]),
    ] {
        client
            .ask(&format!("XREVRANGE s {range}"), &entries(found))
            .await;
    }
    client.ask("XREVRANGE s + - COUNT 0", "*-1").await;
    client.ask("XREVRANGE none + -", "*0").await;
    client.arity("xrevrange", &["XREVRANGE s +"]).await;
}

async fn xread(_: &Server, client: &mut Client) {
    add(client, "s", FIVE).await;
    add(client, "t", &[("1-1", "x")]).await;
    let both = streams(client, &[("s", &FIVE[3..]), ("t", &[("1-1", "x")])]);
    client.ask("XREAD STREAMS s none t 2-1 0 0", &both).await;
    let some = streams(client, &[("s", &FIVE[..2])]);
    client
        .ask("xread count 2 block 0 streams s t 0 1-1", &some)
        .await;
    // A stream that is named twice is shown twice.
    let twice = streams(client, &[("s", &FIVE[4..]), ("s", &FIVE[3..])]);
    client
        .ask(
            "XREAD STREAMS s s 3-0 3",
            &twice.replace("$1 s *2 *2 $3 3-0 *2 $1 f $1 d ", "$1 s *1 "),
        )
        .await;
    client
        .script(&[
            ("XREAD STREAMS s 3-5", "*-1"),
            ("XREAD STREAMS s $", "*-1"),
            ("XREAD BLOCK 1 STREAMS s t $ $", "*-1"),
            ("SET string x", "+OK"),
            ("XREAD STREAMS s string 0 0", WRONG_TYPE),
            ("XREAD STREAMS s x", NO_ID),
            ("XREAD STREAMS s +", NO_ID),
            ("XREAD COUNT x STREAMS s 0", NO_INTEGER),
            (
                "XREAD BLOCK x STREAMS s 0",
                "-ERR timeout is not an integer or out of range",
            ),
            ("XREAD BLOCK -1 STREAMS s 0", "-ERR timeout is negative"),
            (
                "XREAD BLOCK 9223372036854775807 STREAMS s 0",
                "-ERR timeout is out of range",
            ),
            ("XREAD COUNT 1 s 0", SYNTAX),
            (
                "XREAD STREAMS s t 0",
                "-ERR Unbalanced 'xread' list of streams: for each stream key an ID or '$' must \
                 be specified.",
            ),
            (
                "XREAD GROUP g c STREAMS s 0",
                "-ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.",
            ),
            (
                "XREAD NOACK STREAMS s 0",
                "-ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.",
            ),
            (
                "XREAD STREAMS s >",
                "-ERR The > ID can be specified only when calling XREADGROUP using the GROUP \
                 <group> <consumer> option.",
            ),
        ])
        .await;
    client.arity("xread", &["XREAD", "XREAD STREAMS s"]).await;
}

async fn xdel(_: &Server, client: &mut Client) {
    add(client, "s", FIVE).await;
    client
        .script(&[
            ("XDEL s 1-1 2-1 2-1 9-9", ":2"),
            ("XDEL s 1-2 x", NO_ID),
            ("XDEL none 1-1", ":0"),
            ("SET string x", "+OK"),
            ("XDEL string 1-1", WRONG_TYPE),
        ])
        .await;
    let left = entries(&[FIVE[1], FIVE[3], FIVE[4]]);
    client.ask("XRANGE s - +", &left).await;
    client.ask("XDEL s 3-5", ":1").await;
    // Its id is not given again.
    client.error("XADD s 3-5 f v", &NOT_GREATER[1..]).await;
    client.arity("xdel", &["XDEL", "XDEL s"]).await;
}

async fn xtrim(_: &Server, client: &mut Client) {
    client
        .ask("CONFIG SET stream-node-max-entries 2", "+OK")
        .await;
    add(client, "s", FIVE).await;
    client
        .script(&[
            ("XTRIM s MAXLEN 9", ":0"),
            // Only whole blocks.
            ("XTRIM s MAXLEN ~ 4", ":0"),
            ("XTRIM s MAXLEN ~ 3", ":2"),
            ("XTRIM s MINID ~ 3-5 LIMIT 1", ":0"),
            ("XTRIM s MINID ~ 3-5 LIMIT 2", ":2"),
            ("XTRIM s MAXLEN = 0", ":1"),
            ("XTRIM s MAXLEN 0", ":0"),
            ("EXISTS s", ":1"),
            ("XTRIM none MAXLEN 1", ":0"),
            ("SET string x", "+OK"),
            ("XTRIM string MAXLEN 1", WRONG_TYPE),
            ("XTRIM s MAXLEN x", NO_INTEGER),
            ("XTRIM s MINID x", NO_ID),
            ("XTRIM s MAXLEN 1 x", SYNTAX),
            ("XTRIM s NOMKSTREAM MAXLEN 1", SYNTAX),
            (
                "XTRIM s LIMIT 0",
                "-ERR syntax error, XTRIM must be called with a trimming strategy",
            ),
        ])
        .await;
    client.arity("xtrim", &["XTRIM s", "XTRIM s MAXLEN"]).await;
}

async fn xsetid(_: &Server, client: &mut Client) {
    add(client, "s", FIVE).await;
    client
        .script(&[
            ("XSETID s 9-9 ENTRIESADDED 100 MAXDELETEDID 8-8", "+OK"),
            ("XADD s 9-9 f v", NOT_GREATER),
            (
                "XSETID s 8-7",
                "-ERR The ID specified in XSETID is smaller than current max_deleted_entry_id",
            ),
            (
                "XSETID s 9-9 MAXDELETEDID 9-10",
                "-ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id",
            ),
            (
                "XSETID s 9-9 ENTRIESADDED 4",
                "-ERR The entries_added specified in XSETID is smaller than the target stream \
                 length",
            ),
            (
                "XSETID s 9-9 ENTRIESADDED -1",
                "-ERR entries_added must be positive",
            ),
            ("XSETID s 9-9 ENTRIESADDED x", NO_INTEGER),
            ("XSETID s 9-9 x", SYNTAX),
            ("XSETID s x", NO_ID),
            ("XSETID none 1-1", "-ERR no such key"),
            ("SET string x", "+OK"),
            ("XSETID string 1-1", WRONG_TYPE),
        ])
        .await;
    add(client, "t", FIVE).await;
    let lower = "ERR The ID specified in XSETID is smaller than the target stream top item";
    client.error("XSETID t 3-4", lower).await;
    client.arity("xsetid", &["XSETID", "XSETID s"]).await;
}

async fn xinfo(_: &Server, client: &mut Client) {
    client.arity("xinfo", &["XINFO"]).await;
    let unknown = "ERR unknown subcommand 'x'. Try XINFO HELP.";
    client.error("XINFO x s", unknown).await;
}

async fn xinfo_stream(_: &Server, client: &mut Client) {
    add(client, "s", &FIVE[..3]).await;
    client.ask("XDEL s 1-1", ":1").await;
    let counters = "$6 length :2 $15 radix-tree-keys :1 $16 radix-tree-nodes :2 \
                    $17 last-generated-id $3 2-1 $20 max-deleted-entry-id $3 1-1 \
                    $13 entries-added :3 $23 recorded-first-entry-id $3 1-2";
    let (first, last) = (entry("1-2", "b"), entry("2-1", "c"));
    let short =
        format!("%10 {counters} $6 groups :0 $11 first-entry {first} $10 last-entry {last}");
    client.ask("XINFO STREAM s", &short).await;
    let all = entries(&FIVE[1..3]);
    let full = format!("%9 {counters} $7 entries {all} $6 groups *0");
    client.ask("XINFO STREAM s FULL", &full).await;
    let one = entries(&FIVE[1..2]);
    let full = format!("%9 {counters} $7 entries {one} $6 groups *0");
    client.ask("xinfo stream s full count 1", &full).await;
    let wrong = |name: &str| {
        format!("ERR unknown subcommand or wrong number of arguments for '{name}'. Try XINFO HELP.")
    };
    for line in ["s x", "s FULL COUNT", "s FULL LIMIT 1", "s FULL COUNT 1 x"] {
        client
            .error(&format!("XINFO STREAM {line}"), &wrong("STREAM"))
            .await;
    }
    client
        .script(&[
            ("XINFO STREAM s FULL COUNT x", NO_INTEGER),
            ("XINFO STREAM none", "-ERR no such key"),
            ("SET string x", "+OK"),
            ("XINFO STREAM string", WRONG_TYPE),
            ("XTRIM s MAXLEN 0", ":2"),
        ])
        .await;
    let empty = "%10 $6 length :0 $15 radix-tree-keys :0 $16 radix-tree-nodes :1 \
                 $17 last-generated-id $3 2-1 $20 max-deleted-entry-id $3 1-1 \
                 $13 entries-added :3 $23 recorded-first-entry-id $3 0-0 \
                 $6 groups :0 $11 first-entry _ $10 last-entry _";
    client.ask("XINFO STREAM s", empty).await;
    client.arity("xinfo|stream", &["XINFO STREAM"]).await;
}

async fn xinfo_help(_: &Server, client: &mut Client) {
    client.line("XINFO HELP").await;
    client
        .reads(
            "*10\r\n\
             +XINFO has these subcommands:\r\n\
             +CONSUMERS key group\r\n",
        )
        .await;
    for _ in 2..10 {
        client.text().await;
    }
    client.arity("xinfo|help", &["XINFO HELP x"]).await;
}
