//! The group stream: groups, consumers and pending entries.

use fanfare::Server;
use redis_protocol::resp3::types::Resp3Frame;

use super::{FIVE, NO_ID, NO_INTEGER, SYNTAX, WRONG_TYPE, add, entries, streams};
use crate::common::client::{Client, Frame};

commands! {
    "xgroup" => xgroup,
    "xgroup|create" => xgroup_create,
    "xgroup|createconsumer" => xgroup_createconsumer,
    "xgroup|delconsumer" => xgroup_delconsumer,
    "xgroup|destroy" => xgroup_destroy,
    "xgroup|help" => xgroup_help,
    "xgroup|setid" => xgroup_setid,
    "xinfo|consumers" => xinfo_consumers,
    "xinfo|groups" => xinfo_groups,
    "xreadgroup" => xreadgroup,
    "xack" => xack,
    "xpending" => xpending,
    "xclaim" => xclaim,
    "xautoclaim" => xautoclaim,
}

const NO_KEY: &str = "-ERR The XGROUP subcommand requires the key to exist. Note that for CREATE \
                      you may want to use the MKSTREAM option to create an empty stream \
                      automatically.";
const NO_GROUP: &str = "-NOGROUP No such consumer group 'none' for key name 's'";

/// A stream `s` of five entries, its group `g`, and a string.
async fn five(client: &mut Client) {
    add(client, "s", FIVE).await;
    client.ask("XGROUP CREATE s g 0", "+OK").await;
    client.ask("SET string x", "+OK").await;
}

/// As [`five`]; `c` has got the first three entries, and `d` the others.
async fn delivered(client: &mut Client) {
    five(client).await;
    let first = streams(client, &[("s", &FIVE[..3])]);
    client
        .ask("XREADGROUP GROUP g c COUNT 3 STREAMS s >", &first)
        .await;
    let rest = streams(client, &[("s", &FIVE[3..])]);
    client.ask("XREADGROUP GROUP g d STREAMS s >", &rest).await;
}

/// Pending entries, as XPENDING shows them: id, consumer and number of deliveries.
async fn pending(client: &mut Client) -> Vec<(String, String, String)> {
    client.line("XPENDING s g - + 100").await;
    let Frame::Array { data, .. } = client.frame().await else {
        panic!("no array");
    };
    let entry = |frame: Frame| match frame {
        Frame::Array { data, .. } => {
            let text = |index: usize| data[index].to_string().expect("text");
            (text(0), text(1), text(3))
        }
        other => panic!("{other:?}"),
    };
    data.into_iter().map(entry).collect()
}

/// Checks what is pending: id, consumer and number of deliveries.
async fn expect_pending(client: &mut Client, expected: &[(&str, &str, i64)]) {
    let found = pending(client).await;
    let expected: Vec<_> = expected
        .iter()
        .map(|(id, consumer, count)| (id.to_string(), consumer.to_string(), count.to_string()))
        .collect();
    assert_eq!(found, expected);
}

fn wrong(name: &str) -> String {
    format!("-ERR unknown subcommand or wrong number of arguments for '{name}'. Try XGROUP HELP.")
}

async fn xgroup(_: &Server, client: &mut Client) {
    client.arity("xgroup", &["XGROUP"]).await;
    let unknown = "ERR unknown subcommand 'x'. Try XGROUP HELP.";
    client.error("XGROUP x s", unknown).await;
}

async fn xgroup_create(_: &Server, client: &mut Client) {
    five(client).await;
    client
        .script(&[
            (
                "XGROUP CREATE s g 0",
                "-BUSYGROUP Consumer Group name already exists",
            ),
            ("xgroup create s h $", "+OK"),
            ("XGROUP CREATE s i 1-2 ENTRIESREAD 2", "+OK"),
            ("XGROUP CREATE none g 0", NO_KEY),
            ("XGROUP CREATE new g $ MKSTREAM", "+OK"),
            ("TYPE new", "+stream"),
            ("XLEN new", ":0"),
            ("XGROUP CREATE other g x MKSTREAM", NO_ID),
            ("EXISTS other", ":0"),
            ("XGROUP CREATE string g 0", WRONG_TYPE),
            ("XGROUP CREATE s j -", NO_ID),
            ("XGROUP CREATE s j 0 ENTRIESREAD x", NO_INTEGER),
            (
                "XGROUP CREATE s j 0 ENTRIESREAD -2",
                "-ERR value for ENTRIESREAD must be positive or -1",
            ),
            ("XGROUP CREATE s j 0 x", &wrong("CREATE")),
        ])
        .await;
    client.arity("xgroup|create", &["XGROUP CREATE s g"]).await;
}

async fn xgroup_createconsumer(_: &Server, client: &mut Client) {
    five(client).await;
    client
        .script(&[
            ("XGROUP CREATECONSUMER s g c", ":1"),
            ("XGROUP CREATECONSUMER s g c", ":0"),
            ("XGROUP CREATECONSUMER s none c", NO_GROUP),
            ("XGROUP CREATECONSUMER none g c", NO_KEY),
            ("XGROUP CREATECONSUMER string g c", WRONG_TYPE),
        ])
        .await;
    let short = ["XGROUP CREATECONSUMER s g", "XGROUP CREATECONSUMER s g c x"];
    client.arity("xgroup|createconsumer", &short).await;
}

async fn xgroup_delconsumer(_: &Server, client: &mut Client) {
    delivered(client).await;
    client
        .script(&[
            ("XGROUP DELCONSUMER s g c", ":3"),
            ("XGROUP DELCONSUMER s g c", ":0"),
            ("XGROUP DELCONSUMER s none c", NO_GROUP),
            ("XGROUP DELCONSUMER none g c", NO_KEY),
            ("XGROUP DELCONSUMER string g c", WRONG_TYPE),
        ])
        .await;
    expect_pending(client, &[("3-0", "d", 1), ("3-5", "d", 1)]).await;
    client
        .arity("xgroup|delconsumer", &["XGROUP DELCONSUMER s g"])
        .await;
}

async fn xgroup_destroy(_: &Server, client: &mut Client) {
    delivered(client).await;
    client
        .script(&[
            ("XGROUP DESTROY s g", ":1"),
            ("XGROUP DESTROY s g", ":0"),
            (
                "XPENDING s g",
                "-NOGROUP No such key 's' or consumer group 'g'",
            ),
            ("XGROUP DESTROY none g", NO_KEY),
            ("XGROUP DESTROY string g", WRONG_TYPE),
            // A new group of the name knows nothing of it.
            ("XGROUP CREATE s g 0", "+OK"),
            ("XPENDING s g", "*4 :0 _ _ *-1"),
        ])
        .await;
    client.arity("xgroup|destroy", &["XGROUP DESTROY s"]).await;
}

async fn xgroup_help(_: &Server, client: &mut Client) {
    client.line("XGROUP HELP").await;
    client
        .reads(
            "*14\r\n\
             +XGROUP has these subcommands:\r\n\
             +CREATE key group id|$ [MKSTREAM] [ENTRIESREAD entries-read]\r\n",
        )
        .await;
    for _ in 2..14 {
        client.text().await;
    }
    client.arity("xgroup|help", &["XGROUP HELP x"]).await;
}

async fn xgroup_setid(_: &Server, client: &mut Client) {
    delivered(client).await;
    client
        .script(&[
            ("XGROUP SETID s g 3", "+OK"),
            ("XGROUP SETID s g $ ENTRIESREAD 5", "+OK"),
            ("XGROUP SETID s none 0", NO_GROUP),
            ("XGROUP SETID none g 0", NO_KEY),
            ("XGROUP SETID string g 0", WRONG_TYPE),
            ("XGROUP SETID s g x", NO_ID),
            ("XGROUP SETID s g 0 MKSTREAM", &wrong("SETID")),
            ("XGROUP SETID s g 3-0", "+OK"),
        ])
        .await;
    // What is delivered again leaves the consumer that had it.
    let last = streams(client, &[("s", &FIVE[4..])]);
    client.ask("XREADGROUP GROUP g c STREAMS s >", &last).await;
    let all = ["1-1", "1-2", "2-1", "3-0", "3-5"];
    let of = ["c", "c", "c", "d", "c"];
    let all: Vec<_> = all.iter().zip(of).map(|(id, of)| (*id, of, 1)).collect();
    expect_pending(client, &all).await;
    client.arity("xgroup|setid", &["XGROUP SETID s g"]).await;
}

/// The value behind a name, in a map or in RESP2's array.
fn field(frame: &Frame, name: &str) -> String {
    let found = match frame {
        Frame::Map { data, .. } => data
            .iter()
            .find(|(key, _)| key.as_str() == Some(name))
            .map(|(_, value)| value),
        Frame::Array { data, .. } => {
            let place = data.iter().position(|item| item.as_str() == Some(name));
            place.map(|place| &data[place + 1])
        }
        other => panic!("{other:?}"),
    };
    found
        .and_then(Resp3Frame::to_string)
        .unwrap_or_else(|| panic!("no {name}"))
}

async fn xinfo_consumers(_: &Server, client: &mut Client) {
    delivered(client).await;
    client
        .ask("XREADGROUP GROUP g lazy STREAMS s >", "*-1")
        .await;
    client.line("XINFO CONSUMERS s g").await;
    let Frame::Array { data, .. } = client.frame().await else {
        panic!("no array");
    };
    let number = |frame: &Frame, name: &str| field(frame, name).parse::<i64>().expect("a number");
    for (frame, (name, pending)) in data.iter().zip([("c", 3), ("d", 2), ("lazy", 0)]) {
        assert_eq!(field(frame, "name"), name);
        assert_eq!(number(frame, "pending"), pending);
        assert!(number(frame, "idle") >= 0);
        // It has read, and never got anything.
        assert_eq!(number(frame, "inactive") == -1, name == "lazy");
    }
    assert_eq!(data.len(), 3);
    client
        .script(&[
            ("XINFO CONSUMERS s none", NO_GROUP),
            ("XINFO CONSUMERS none g", "-ERR no such key"),
            ("XINFO CONSUMERS string g", WRONG_TYPE),
        ])
        .await;
    client
        .arity("xinfo|consumers", &["XINFO CONSUMERS s"])
        .await;
}

async fn xinfo_groups(_: &Server, client: &mut Client) {
    delivered(client).await;
    let group = |name: &str, consumers, pending, last: &str, read: &str, lag: &str| {
        format!(
            "%6 $4 name ${} {name} $9 consumers :{consumers} $7 pending :{pending} \
             $17 last-delivered-id $3 {last} $12 entries-read {read} $3 lag {lag}",
            name.len()
        )
    };
    client.ask("XGROUP CREATE s a 1-2", "+OK").await;
    client.ask("XGROUP CREATE s b $ ENTRIESREAD 5", "+OK").await;
    let all = [
        group("a", 0, 0, "1-2", "_", "_"),
        group("b", 0, 0, "3-5", ":5", ":0"),
        group("g", 2, 5, "3-5", ":5", ":0"),
    ];
    client
        .ask("XINFO GROUPS s", &format!("*3 {}", all.join(" ")))
        .await;
    client
        .script(&[
            ("XINFO GROUPS none", "-ERR no such key"),
            ("XINFO GROUPS string", WRONG_TYPE),
            ("XADD new 1-1 f v", "$3 1-1"),
            ("XINFO GROUPS new", "*0"),
        ])
        .await;
    client
        .arity("xinfo|groups", &["XINFO GROUPS", "XINFO GROUPS s x"])
        .await;
}

async fn xreadgroup(_: &Server, client: &mut Client) {
    delivered(client).await;
    // What is pending for it, above an id. That counts as a delivery.
    let own = streams(client, &[("s", &FIVE[1..3])]);
    client.ask("XREADGROUP GROUP g c STREAMS s 1-1", &own).await;
    let none = streams(client, &[("s", &[])]);
    client
        .ask("XREADGROUP GROUP g new BLOCK 0 STREAMS s 0", &none)
        .await;
    client
        .ask("XREADGROUP GROUP g c BLOCK 1 STREAMS s >", "*-1")
        .await;
    client.ask("XDEL s 1-2", ":1").await;
    let deleted = own.replace("*2 $3 1-2 *2 $1 f $1 b", "*2 $3 1-2 *-1");
    client
        .ask("XREADGROUP GROUP g c STREAMS s 1-1", &deleted)
        .await;
    expect_pending(
        client,
        &[
            ("1-1", "c", 1),
            ("1-2", "c", 2),
            ("2-1", "c", 3),
            ("3-0", "d", 1),
            ("3-5", "d", 1),
        ],
    )
    .await;
    // Two streams, and one that is named twice.
    add(client, "s", &[("4-0", "x")]).await;
    add(client, "t", &[("1-0", "y"), ("2-0", "z")]).await;
    client.ask("XGROUP CREATE t g 0", "+OK").await;
    let read: &[(&str, &[(&str, &str)])] = &[
        ("t", &[("1-0", "y")]),
        ("s", &[("4-0", "x")]),
        ("t", &[("2-0", "z")]),
    ];
    let read = streams(client, read);
    client
        .ask("XREADGROUP GROUP g c COUNT 1 STREAMS t s t > > >", &read)
        .await;
    // NOACK: nothing becomes pending.
    add(client, "t", &[("3-0", "w")]).await;
    let read = streams(client, &[("t", &[("3-0", "w")])]);
    client
        .ask("XREADGROUP GROUP g c NOACK STREAMS t >", &read)
        .await;
    client
        .ask("XPENDING t g", "*4 :2 $3 1-0 $3 2-0 *1 *2 $1 c $1 2")
        .await;
    client
        .script(&[
            (
                "XREADGROUP GROUP g c STREAMS none >",
                "-NOGROUP No such key 'none' or consumer group 'g' in XREADGROUP with GROUP option",
            ),
            (
                "XREADGROUP GROUP none c STREAMS s >",
                "-NOGROUP No such key 's' or consumer group 'none' in XREADGROUP with GROUP option",
            ),
            ("XREADGROUP GROUP g c STREAMS string >", WRONG_TYPE),
            ("XREADGROUP GROUP g c STREAMS s x", NO_ID),
            (
                "XREADGROUP GROUP g c STREAMS s $",
                "-ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the \
                 history of this consumer by specifying a proper ID, or use the > ID to get new \
                 messages. The $ ID would just return an empty result set.",
            ),
            (
                "XREADGROUP COUNT 1 COUNT 1 STREAMS s >",
                "-ERR Missing GROUP option for XREADGROUP",
            ),
            (
                "XREADGROUP GROUP g c STREAMS s t >",
                "-ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' \
                 must be specified.",
            ),
        ])
        .await;
    client
        .arity("xreadgroup", &["XREADGROUP GROUP g c STREAMS s"])
        .await;
}

async fn xack(_: &Server, client: &mut Client) {
    delivered(client).await;
    client
        .script(&[
            ("XACK s g 1-1 1-1 9-9 3-0", ":2"),
            ("XACK s g 1-2 x", NO_ID),
            ("XACK s none 1-2", ":0"),
            ("XACK none g 1-2", ":0"),
            ("XACK string g 1-2", WRONG_TYPE),
        ])
        .await;
    expect_pending(client, &[("1-2", "c", 1), ("2-1", "c", 1), ("3-5", "d", 1)]).await;
    client.arity("xack", &["XACK s g"]).await;
}

async fn xpending(_: &Server, client: &mut Client) {
    delivered(client).await;
    client
        .script(&[
            (
                "XPENDING s g",
                "*4 :5 $3 1-1 $3 3-5 *2 *2 $1 c $1 3 *2 $1 d $1 2",
            ),
            ("XPENDING s g IDLE 100000 - + 10", "*0"),
            ("XPENDING s g - + 10 none", "*0"),
            ("XPENDING s g - + 0", "*0"),
            ("XPENDING s g - +", SYNTAX),
            ("XPENDING s g IDLE 5 - +", SYNTAX),
            ("XPENDING s g - + x", NO_INTEGER),
            ("XPENDING s g x + 1", NO_ID),
            (
                "XPENDING none g",
                "-NOGROUP No such key 'none' or consumer group 'g'",
            ),
            ("XPENDING string g", WRONG_TYPE),
            // It has not been idle for long.
            ("XCLAIM s g c 0 1-1 IDLE 500000 JUSTID", "*1 $3 1-1"),
        ])
        .await;
    for (range, ids) in [
        ("IDLE 400000 - + 10", &["1-1"][..]),
        ("(1-1 (3-5 10", &["1-2", "2-1", "3-0"]),
        ("- + 2", &["1-1", "1-2"]),
        ("- + 10 d", &["3-0", "3-5"]),
        ("IDLE 0 2 + 1 d", &["3-0"]),
    ] {
        client.line(&format!("XPENDING s g {range}")).await;
        let Frame::Array { data, .. } = client.frame().await else {
            panic!("no array");
        };
        let found = data.iter().map(|frame| match frame {
            Frame::Array { data, .. } => data[0].to_string().expect("an id"),
            other => panic!("{other:?}"),
        });
        assert_eq!(found.collect::<Vec<_>>(), ids, "{range}");
    }
    client.arity("xpending", &["XPENDING s"]).await;
}

async fn xclaim(_: &Server, client: &mut Client) {
    delivered(client).await;
    client
        .ask("XCLAIM s g e 0 1-1 9-9", &entries(&FIVE[..1]))
        .await;
    client
        .script(&[
            ("XCLAIM s g e 100000 1-2", "*0"),
            ("XCLAIM s g e 0 1-2 2-1 JUSTID", "*2 $3 1-2 $3 2-1"),
            ("XCLAIM s g e 0 2-1 RETRYCOUNT 7 JUSTID", "*1 $3 2-1"),
            ("XACK s g 3-0", ":1"),
            ("XCLAIM s g e 0 3-0", "*0"),
            ("XCLAIM s g e 0 3-0 FORCE JUSTID", "*1 $3 3-0"),
            ("XDEL s 3-5", ":1"),
            // What was deleted is no longer pending.
            ("XCLAIM s g e 0 3-5", "*0"),
            (
                "XCLAIM s g e x 1-1",
                "-ERR Invalid min-idle-time argument for XCLAIM",
            ),
            (
                "XCLAIM s g e 0 1-1 x",
                "-ERR Unrecognized XCLAIM option 'x'",
            ),
            (
                "XCLAIM s g e 0 1-1 IDLE x",
                "-ERR Invalid IDLE option argument for XCLAIM",
            ),
            (
                "XCLAIM s g e 0 1-1 TIME x",
                "-ERR Invalid TIME option argument for XCLAIM",
            ),
            (
                "XCLAIM s g e 0 1-1 RETRYCOUNT x",
                "-ERR Invalid RETRYCOUNT option argument for XCLAIM",
            ),
            (
                "XCLAIM s none e 0 1-1",
                "-NOGROUP No such key 's' or consumer group 'none'",
            ),
            ("XCLAIM string g e 0 1-1", WRONG_TYPE),
        ])
        .await;
    expect_pending(
        client,
        &[
            ("1-1", "e", 2),
            ("1-2", "e", 1),
            ("2-1", "e", 7),
            ("3-0", "e", 1),
        ],
    )
    .await;
    client.arity("xclaim", &["XCLAIM s g e 0"]).await;
}

async fn xautoclaim(_: &Server, client: &mut Client) {
    delivered(client).await;
    let two = format!("*3 $3 2-1 {} *0", entries(&FIVE[..2]));
    client.ask("XAUTOCLAIM s g e 0 0 COUNT 2", &two).await;
    client
        .script(&[
            ("XDEL s 3-0", ":1"),
            (
                "XAUTOCLAIM s g e 0 2-1 JUSTID",
                "*3 $3 0-0 *2 $3 2-1 $3 3-5 *1 $3 3-0",
            ),
            ("XAUTOCLAIM s g e 100000 -", "*3 $3 0-0 *0 *0"),
            (
                "XAUTOCLAIM s g e 0 (3-0 COUNT 1 JUSTID",
                "*3 $3 0-0 *1 $3 3-5 *0",
            ),
            (
                "XAUTOCLAIM s g e x 0",
                "-ERR Invalid min-idle-time argument for XAUTOCLAIM",
            ),
            ("XAUTOCLAIM s g e 0 x", NO_ID),
            ("XAUTOCLAIM s g e 0 0 COUNT 0", "-ERR COUNT must be > 0"),
            ("XAUTOCLAIM s g e 0 0 x", SYNTAX),
            (
                "XAUTOCLAIM s none e 0 0",
                "-NOGROUP No such key 's' or consumer group 'none'",
            ),
            ("XAUTOCLAIM string g e 0 0", WRONG_TYPE),
        ])
        .await;
    expect_pending(
        client,
        &[
            ("1-1", "e", 2),
            ("1-2", "e", 2),
            ("2-1", "e", 1),
            ("3-5", "e", 1),
        ],
    )
    .await;
    client.arity("xautoclaim", &["XAUTOCLAIM s g e 0"]).await;
}
