//! The group set.

use std::collections::BTreeSet;

use fanfare::Server;
use redis_protocol::resp3::types::Resp3Frame;

use crate::common::client::{Client, Frame, parts};

commands! {
    "sadd" => sadd,
    "srem" => srem,
    "sismember" => sismember,
    "smismember" => smismember,
    "scard" => scard,
    "smembers" => smembers,
    "spop" => spop,
    "srandmember" => srandmember,
    "smove" => smove,
    "sinter" => sinter,
    "sinterstore" => sinterstore,
    "sintercard" => sintercard,
    "sunion" => sunion,
    "sunionstore" => sunionstore,
    "sdiff" => sdiff,
    "sdiffstore" => sdiffstore,
    "sscan" => sscan,
}

const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";
const NO_INTEGER: &str = "-ERR value is not an integer or out of range";
const NOT_POSITIVE: &str = "-ERR value is out of range, must be positive";
const SYNTAX: &str = "-ERR syntax error";

async fn sadd(server: &Server, client: &mut Client) {
    let mut watcher = Client::connect(server, client.protocol).await;
    client
        .script(&[
            ("SADD s a", ":1"),
            ("SADD s a b b c", ":2"),
            ("sadd s ", ":1"),
            ("SMEMBERS s", "~4 $1 a $1 b $1 c $0 "),
            ("TYPE s", "+set"),
            ("SET string x", "+OK"),
            ("SADD string a", WRONG_TYPE),
        ])
        .await;
    watcher
        .script(&[("WATCH s", "+OK"), ("MULTI", "+OK"), ("PING", "+QUEUED")])
        .await;
    client.ask("SADD s a", ":0").await;
    watcher.ask("EXEC", "*1 +PONG").await;
    client.arity("sadd", &["SADD", "SADD s"]).await;
    let words: [&[u8]; 3] = [b"SADD", b"\0\r\n\xff", b"\xfe\r\n\0"];
    client.command(&words).await;
    client.reads(b":1\r\n").await;
    client.command(&[b"SMEMBERS", &b"\0\r\n\xff"[..]]).await;
    client.reads(b"~1\r\n$4\r\n\xfe\r\n\0\r\n").await;
    encodings(client).await;
}

/// The forms of a set, and what makes them.
async fn encodings(client: &mut Client) {
    client
        .script(&[
            (
                "CONFIG SET set-max-intset-entries 4 set-max-listpack-entries 3",
                "+OK",
            ),
            ("SADD i 3 1 2 -1", ":4"),
            ("SMEMBERS i", "~4 $2 -1 $1 1 $1 2 $1 3"),
            ("OBJECT ENCODING i", "$6 intset"),
            ("SADD i 4", ":1"),
            ("OBJECT ENCODING i", "$9 hashtable"),
            ("SREM i 4 3 2 1", ":4"),
            ("OBJECT ENCODING i", "$9 hashtable"),
            // Something else makes integers a listpack.
            ("SADD j 1 2", ":2"),
            ("SADD j x", ":1"),
            ("OBJECT ENCODING j", "$8 listpack"),
            ("SADD j x", ":0"),
            ("OBJECT ENCODING j", "$8 listpack"),
            ("SADD j y", ":1"),
            ("OBJECT ENCODING j", "$9 hashtable"),
            ("SADD k a b c d", ":4"),
            ("OBJECT ENCODING k", "$9 hashtable"),
            ("SADD l a a a a", ":1"),
            ("OBJECT ENCODING l", "$9 hashtable"),
            ("SADD m 1 2 3 4 5", ":5"),
            ("OBJECT ENCODING m", "$9 hashtable"),
        ])
        .await;
    for (length, encoding) in [(64, "$8 listpack"), (65, "$9 hashtable")] {
        client
            .ask(&format!("SADD n {}", "x".repeat(length)), ":1")
            .await;
        client.ask("OBJECT ENCODING n", encoding).await;
        client.ask("DEL n", ":1").await;
    }
}

async fn srem(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("SREM none a", ":0"),
            ("SADD s a b c", ":3"),
            ("SREM s a a x b", ":2"),
            ("SREM s x", ":0"),
            ("SMEMBERS s", "~1 $1 c"),
            // The last member takes the key with it.
            ("SREM s c d", ":1"),
            ("EXISTS s", ":0"),
            ("SADD i 1 2", ":2"),
            ("SREM i x 01 1", ":1"),
            ("SMEMBERS i", "~1 $1 2"),
            ("SET string x", "+OK"),
            ("SREM string a", WRONG_TYPE),
        ])
        .await;
    client.arity("srem", &["SREM", "SREM s"]).await;
}

async fn sismember(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("SISMEMBER none a", ":0"),
            ("SADD s a", ":1"),
            ("SISMEMBER s a", ":1"),
            ("SISMEMBER s b", ":0"),
            ("SADD i 1", ":1"),
            ("SISMEMBER i 1", ":1"),
            ("SISMEMBER i 01", ":0"),
            ("SET string x", "+OK"),
            ("SISMEMBER string a", WRONG_TYPE),
        ])
        .await;
    let wrong = ["SISMEMBER", "SISMEMBER s", "SISMEMBER s a b"];
    client.arity("sismember", &wrong).await;
}

async fn smismember(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("SMISMEMBER none a b", "*2 :0 :0"),
            ("SADD s a b", ":2"),
            ("SMISMEMBER s b x a b", "*4 :1 :0 :1 :1"),
            ("SET string x", "+OK"),
            ("SMISMEMBER string a", WRONG_TYPE),
        ])
        .await;
    client
        .arity("smismember", &["SMISMEMBER", "SMISMEMBER s"])
        .await;
}

async fn scard(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("SCARD none", ":0"),
            ("SADD s a b", ":2"),
            ("SCARD s", ":2"),
            ("SET string x", "+OK"),
            ("SCARD string", WRONG_TYPE),
        ])
        .await;
    client.arity("scard", &["SCARD", "SCARD s t"]).await;
}

async fn smembers(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("SMEMBERS none", "~0"),
            ("SADD s b a", ":2"),
            ("SMEMBERS s", "~2 $1 b $1 a"),
            ("SADD i 3 -20 1", ":3"),
            ("SMEMBERS i", "~3 $3 -20 $1 1 $1 3"),
            ("SET string x", "+OK"),
            ("SMEMBERS string", WRONG_TYPE),
        ])
        .await;
    client
        .arity("smembers", &["SMEMBERS", "SMEMBERS s t"])
        .await;
}

/// Makes the set `s` of so many members.
async fn fill(client: &mut Client, member: impl Fn(usize) -> String, count: usize) {
    let members: Vec<_> = (0..count).map(member).collect();
    let words: Vec<_> = members.iter().map(String::as_str).collect();
    client.command(&[&["SADD", "s"], &words[..]].concat()).await;
    assert_eq!(client.integer().await as usize, count);
}

/// The members of a set or an array.
async fn members(client: &mut Client) -> Vec<String> {
    let members: Vec<Frame> = match client.frame().await {
        Frame::Set { data, .. } => data.into_iter().collect(),
        Frame::Array { data, .. } => data,
        other => panic!("no members: {other:?}"),
    };
    let text = |member: Frame| member.as_str().expect("a string").to_owned();
    members.into_iter().map(text).collect()
}

async fn spop(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("SPOP none", "_"),
            ("SPOP none 3", "~0"),
            ("SADD s a", ":1"),
            ("SPOP s 0", "~0"),
            ("SPOP s", "$1 a"),
            ("EXISTS s", ":0"),
            ("SADD s a b", ":2"),
            ("SPOP s 5", "~2 $1 a $1 b"),
            ("EXISTS s", ":0"),
            ("SET string x", "+OK"),
            ("SPOP string", WRONG_TYPE),
            ("SPOP string 0", WRONG_TYPE),
            ("SPOP string -1", NOT_POSITIVE),
            ("SPOP string x", NOT_POSITIVE),
            ("SPOP string 1 2", SYNTAX),
            ("SPOP string x 2", SYNTAX),
        ])
        .await;
    client.arity("spop", &["SPOP"]).await;
    let forms: [&dyn Fn(usize) -> String; 2] = [&|number| number.to_string(), &|number| {
        format!("m:{number}")
    }];
    for (member, sizes) in forms
        .into_iter()
        .flat_map(|form| [(form, 100), (form, 1000)])
    {
        for count in [1, sizes / 2, sizes - 1] {
            fill(client, member, sizes).await;
            client.line(&format!("SPOP s {count}")).await;
            let mut both = members(client).await;
            assert_eq!(both.len(), count);
            client.line("SMEMBERS s").await;
            both.extend(members(client).await);
            let distinct: BTreeSet<_> = both.iter().cloned().collect();
            assert_eq!((both.len(), distinct.len()), (sizes, sizes));
            assert_eq!(distinct, (0..sizes).map(member).collect());
            client.ask("DEL s", ":1").await;
        }
    }
}

async fn srandmember(_: &Server, client: &mut Client) {
    let not_symmetric = "-ERR value is out of range, value must between -9223372036854775807 \
                         and 9223372036854775807";
    client
        .script(&[
            ("SRANDMEMBER none", "_"),
            ("SRANDMEMBER none 3", "*0"),
            ("SADD one a", ":1"),
            ("SRANDMEMBER one", "$1 a"),
            ("SRANDMEMBER one 0", "*0"),
            ("SRANDMEMBER one 3", "*1 $1 a"),
            ("SRANDMEMBER one -3", "*3 $1 a $1 a $1 a"),
            ("SRANDMEMBER one -9223372036854775808", not_symmetric),
            ("SRANDMEMBER one 9223372036854775807", "*1 $1 a"),
            // What would fill the memory is refused.
            (
                "SRANDMEMBER one -9223372036854775807",
                "-ERR value is out of range",
            ),
            ("SCARD one", ":1"),
            ("SET string x", "+OK"),
            ("SRANDMEMBER string", WRONG_TYPE),
            ("SRANDMEMBER string 0", WRONG_TYPE),
            ("SRANDMEMBER string x", NO_INTEGER),
            ("SRANDMEMBER string 1 2", SYNTAX),
        ])
        .await;
    client.arity("srandmember", &["SRANDMEMBER"]).await;
    for count in [50, 1000] {
        fill(client, |number| format!("m:{number}"), count).await;
        client.line("SRANDMEMBER s 20").await;
        let some = members(client).await;
        let distinct: BTreeSet<_> = some.iter().collect();
        assert_eq!((some.len(), distinct.len()), (20, 20));
        client.line("SRANDMEMBER s -4000").await;
        let some = members(client).await;
        assert_eq!(some.len(), 4000);
        assert!(some.into_iter().collect::<BTreeSet<_>>().len() > count / 2);
        client.line("SRANDMEMBER s 5000").await;
        assert_eq!(members(client).await.len(), count);
        client.ask("DEL s", ":1").await;
    }
}

async fn smove(server: &Server, client: &mut Client) {
    let mut watcher = Client::connect(server, client.protocol).await;
    client
        .script(&[
            ("SADD s a b c", ":3"),
            ("SMOVE s d a", ":1"),
            ("SMOVE s d x", ":0"),
            ("SMOVE none d a", ":0"),
            ("SMEMBERS d", "~1 $1 a"),
            // It may be there already.
            ("SADD d b", ":1"),
            ("SMOVE s d b", ":1"),
            ("SMEMBERS d", "~2 $1 a $1 b"),
            ("SMOVE d d a", ":1"),
            ("SMOVE d d x", ":0"),
            ("SMEMBERS d", "~2 $1 a $1 b"),
            ("SMOVE s d c", ":1"),
            ("EXISTS s", ":0"),
            ("SADD i 1", ":1"),
            ("SMOVE i j 1", ":1"),
            ("OBJECT ENCODING j", "$6 intset"),
            ("SET string x", "+OK"),
            ("SMOVE none string a", ":0"),
            ("SMOVE string d a", WRONG_TYPE),
            ("SMOVE d string x", WRONG_TYPE),
            ("SCARD d", ":3"),
        ])
        .await;
    watcher
        .script(&[("WATCH e", "+OK"), ("MULTI", "+OK")])
        .await;
    client.ask("SMOVE d e a", ":1").await;
    watcher.ask("EXEC", "*-1").await;
    client.arity("smove", &["SMOVE", "SMOVE s d"]).await;
}

/// Sets of every form that have members in common.
async fn several(client: &mut Client) {
    client
        .script(&[
            ("SADD i 1 2 3 4 5", ":5"),
            ("SADD j 4 5 6 300000", ":4"),
            ("SADD w 3 x 5 y", ":4"),
            ("SET string x", "+OK"),
        ])
        .await;
    let many: Vec<_> = (5..500).map(|number| number.to_string()).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    client
        .command(&[&["SADD", "table", "x"], &many[..]].concat())
        .await;
    client.sees(":496").await;
}

async fn sinter(_: &Server, client: &mut Client) {
    several(client).await;
    client
        .script(&[
            ("SINTER none", "~0"),
            ("SINTER i none", "~0"),
            ("SINTER i", "~5 $1 1 $1 2 $1 3 $1 4 $1 5"),
            ("SINTER i i", "~5 $1 1 $1 2 $1 3 $1 4 $1 5"),
            ("SINTER i j", "~2 $1 4 $1 5"),
            ("SINTER i w", "~2 $1 3 $1 5"),
            ("SINTER table w", "~2 $1 x $1 5"),
            ("SINTER table w i j", "~1 $1 5"),
            ("SINTER string i", WRONG_TYPE),
            ("SINTER none string", WRONG_TYPE),
        ])
        .await;
    client.arity("sinter", &["SINTER"]).await;
}

async fn sinterstore(server: &Server, client: &mut Client) {
    several(client).await;
    let mut watcher = Client::connect(server, client.protocol).await;
    watcher
        .script(&[("WATCH d", "+OK"), ("MULTI", "+OK")])
        .await;
    client
        .script(&[
            ("SINTERSTORE d i w", ":2"),
            ("SMEMBERS d", "~2 $1 3 $1 5"),
            ("OBJECT ENCODING d", "$6 intset"),
            ("SINTERSTORE d w table", ":2"),
            ("OBJECT ENCODING d", "$8 listpack"),
            ("SMEMBERS d", "~2 $1 x $1 5"),
            ("SINTERSTORE d table", ":496"),
            ("OBJECT ENCODING d", "$9 hashtable"),
            // What was there is gone, whatever it was.
            ("SET d string EX 1000", "+OK"),
            ("SINTERSTORE d i i", ":5"),
            ("TTL d", ":-1"),
            ("SINTERSTORE i i j", ":2"),
            ("SMEMBERS i", "~2 $1 4 $1 5"),
            // Without members, nothing is left.
            ("SINTERSTORE d i none", ":0"),
            ("EXISTS d", ":0"),
            ("SINTERSTORE d string i", WRONG_TYPE),
            ("SINTERSTORE string none", ":0"),
            ("EXISTS string", ":0"),
        ])
        .await;
    watcher.ask("EXEC", "*-1").await;
    client
        .arity("sinterstore", &["SINTERSTORE", "SINTERSTORE d"])
        .await;
}

async fn sintercard(_: &Server, client: &mut Client) {
    let no_keys = "-ERR numkeys should be greater than 0";
    let more_keys = "-ERR Number of keys can't be greater than number of args";
    several(client).await;
    client
        .script(&[
            ("SINTERCARD 1 none", ":0"),
            ("SINTERCARD 1 i", ":5"),
            ("SINTERCARD 2 i none", ":0"),
            ("SINTERCARD 2 i j", ":2"),
            ("sintercard 2 i j limit 1", ":1"),
            ("SINTERCARD 2 i j LIMIT 0", ":2"),
            ("SINTERCARD 2 i j LIMIT 9", ":2"),
            ("SINTERCARD 2 i j LIMIT 1 LIMIT 2", ":2"),
            ("SINTERCARD 0 string", no_keys),
            ("SINTERCARD -1 string", no_keys),
            ("SINTERCARD x string", no_keys),
            ("SINTERCARD 2 string", more_keys),
            ("SINTERCARD 9223372036854775807 string", more_keys),
            ("SINTERCARD 1 string LIMIT", SYNTAX),
            ("SINTERCARD 1 string nosuch 1", SYNTAX),
            ("SINTERCARD 1 string x", SYNTAX),
            (
                "SINTERCARD 1 string LIMIT -1",
                "-ERR LIMIT can't be negative",
            ),
            (
                "SINTERCARD 1 string LIMIT x",
                "-ERR LIMIT can't be negative",
            ),
            ("SINTERCARD 1 string", WRONG_TYPE),
            ("SINTERCARD 2 none string", WRONG_TYPE),
        ])
        .await;
    client
        .arity("sintercard", &["SINTERCARD", "SINTERCARD 1"])
        .await;
}

async fn sunion(_: &Server, client: &mut Client) {
    several(client).await;
    client
        .script(&[
            ("SUNION none", "~0"),
            ("SUNION none j", "~4 $1 4 $1 5 $1 6 $6 300000"),
            ("SUNION j j", "~4 $1 4 $1 5 $1 6 $6 300000"),
            ("SUNION j w", "~7 $1 4 $1 5 $1 6 $6 300000 $1 3 $1 x $1 y"),
            ("SUNION none string", WRONG_TYPE),
        ])
        .await;
    client.line("SUNION table i w").await;
    let all = members(client).await;
    let distinct: BTreeSet<_> = all.iter().collect();
    assert_eq!((all.len(), distinct.len()), (501, 501));
    client.arity("sunion", &["SUNION"]).await;
}

async fn sunionstore(_: &Server, client: &mut Client) {
    several(client).await;
    client
        .script(&[
            ("SUNIONSTORE d i j", ":7"),
            ("OBJECT ENCODING d", "$6 intset"),
            ("SUNIONSTORE d i w", ":7"),
            ("OBJECT ENCODING d", "$8 listpack"),
            ("SUNIONSTORE d i table", ":500"),
            ("OBJECT ENCODING d", "$9 hashtable"),
            ("SUNIONSTORE i i none", ":5"),
            ("SMEMBERS i", "~5 $1 1 $1 2 $1 3 $1 4 $1 5"),
            ("SUNIONSTORE d none", ":0"),
            ("EXISTS d", ":0"),
            ("SUNIONSTORE d none string", WRONG_TYPE),
        ])
        .await;
    client
        .arity("sunionstore", &["SUNIONSTORE", "SUNIONSTORE d"])
        .await;
}

async fn sdiff(_: &Server, client: &mut Client) {
    several(client).await;
    client
        .script(&[
            ("SDIFF none i", "~0"),
            ("SDIFF i none", "~5 $1 1 $1 2 $1 3 $1 4 $1 5"),
            ("SDIFF i i", "~0"),
            ("SDIFF i j", "~3 $1 1 $1 2 $1 3"),
            ("SDIFF w i j", "~2 $1 x $1 y"),
            ("SDIFF w table", "~2 $1 3 $1 y"),
            ("SDIFF none string", WRONG_TYPE),
            ("SDIFF i string", WRONG_TYPE),
        ])
        .await;
    // So many sets that their members are gathered first.
    client
        .line(&format!("SDIFF table{}", " j i w".repeat(100)))
        .await;
    let all = members(client).await;
    let distinct: BTreeSet<_> = all.iter().collect();
    assert_eq!((all.len(), distinct.len()), (493, 493));
    client.arity("sdiff", &["SDIFF"]).await;
}

async fn sdiffstore(_: &Server, client: &mut Client) {
    several(client).await;
    client
        .script(&[
            ("SDIFFSTORE d i j", ":3"),
            ("OBJECT ENCODING d", "$6 intset"),
            ("SDIFFSTORE d w i", ":2"),
            ("OBJECT ENCODING d", "$8 listpack"),
            ("SDIFFSTORE d table w", ":494"),
            ("OBJECT ENCODING d", "$6 intset"),
            ("SDIFFSTORE d i i", ":0"),
            ("EXISTS d", ":0"),
            ("SDIFFSTORE w w i", ":2"),
            ("SMEMBERS w", "~2 $1 x $1 y"),
            ("SDIFFSTORE d string", WRONG_TYPE),
        ])
        .await;
    client
        .arity("sdiffstore", &["SDIFFSTORE", "SDIFFSTORE d"])
        .await;
}

async fn sscan(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("SSCAN none 0", "*2 $1 0 *0"),
            ("SSCAN none 0 nosuch", "*2 $1 0 *0"),
            ("SSCAN none x", "-ERR invalid cursor"),
            ("SADD w a b", ":2"),
            ("SSCAN w 0", "*2 $1 0 *2 $1 a $1 b"),
            ("SSCAN w 77 COUNT 1", "*2 $1 0 *2 $1 a $1 b"),
            ("SSCAN w 0 MATCH b", "*2 $1 0 *1 $1 b"),
            ("SADD i 1 20", ":2"),
            ("SSCAN i 0 MATCH 2*", "*2 $1 0 *1 $2 20"),
            ("SSCAN w 0 COUNT 0", SYNTAX),
            ("SSCAN w 0 COUNT x", NO_INTEGER),
            ("SSCAN w 0 TYPE set", SYNTAX),
            ("SET string x", "+OK"),
            ("SSCAN string 0 nosuch", WRONG_TYPE),
        ])
        .await;
    client.arity("sscan", &["SSCAN", "SSCAN s"]).await;
    fill(client, |number| format!("m:{number}"), 1000).await;
    for options in ["", " COUNT 1", " COUNT 300"] {
        let (mut seen, mut cursor) = (Vec::new(), "0".to_owned());
        loop {
            client.line(&format!("SSCAN s {cursor}{options}")).await;
            let Frame::Array { data, .. } = client.frame().await else {
                panic!("no array");
            };
            let [next, shown] = <[Frame; 2]>::try_from(data).expect("a cursor and members");
            seen.extend(parts(shown).expect("an array"));
            cursor = next.as_str().expect("a string").to_owned();
            if cursor == "0" {
                break;
            }
        }
        assert_eq!(seen.len(), 1000, "{options}");
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 1000, "{options}");
    }
}
