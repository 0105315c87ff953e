//! The group sorted-set: pops, at once and waiting, and what is made of several sorted sets.

use fanfare::Server;

use crate::commands::blocking::waiter;
use crate::commands::sorted_set::{NO_INTEGER, SYNTAX, WRONG_TYPE, scored};
use crate::common::client::Client;

commands! {
    "zpopmin" => zpopmin,
    "zpopmax" => zpopmax,
    "zmpop" => zmpop,
    "bzpopmin" => bzpopmin,
    "bzpopmax" => bzpopmax,
    "bzmpop" => bzmpop,
    "zunion" => zunion,
    "zinter" => zinter,
    "zdiff" => zdiff,
    "zunionstore" => zunionstore,
    "zinterstore" => zinterstore,
    "zdiffstore" => zdiffstore,
    "zintercard" => zintercard,
}

const NOT_POSITIVE: &str = "-ERR value is out of range, must be positive";

async fn zpopmin(_: &Server, client: &mut Client) {
    let protocol = client.protocol;
    client
        .script(&[
            ("ZADD z 1.5 a 2 b 3 c 4 d", ":4"),
            ("ZPOPMIN z", "*2 $1 a ,1.5"),
            ("ZPOPMIN z 1", &scored(protocol, "b 2")),
            ("ZPOPMIN z 0", "*0"),
            ("ZPOPMIN z 9", &scored(protocol, "c 3 d 4")),
            ("EXISTS z", ":0"),
            ("ZPOPMIN z", "*0"),
            ("ZPOPMIN z 2", "*0"),
            ("ZPOPMIN z -1", NOT_POSITIVE),
            ("ZPOPMIN z 1 2", SYNTAX),
            ("SET s x", "+OK"),
            ("ZPOPMIN s", WRONG_TYPE),
            ("ZPOPMIN s 0", WRONG_TYPE),
        ])
        .await;
    client.arity("zpopmin", &["ZPOPMIN"]).await;
}

async fn zpopmax(_: &Server, client: &mut Client) {
    let protocol = client.protocol;
    client
        .script(&[
            ("ZADD z 1 a 2 b 2 c 4 d", ":4"),
            ("ZPOPMAX z", "*2 $1 d ,4"),
            ("ZPOPMAX z 2", &scored(protocol, "c 2 b 2")),
            ("ZPOPMAX none", "*0"),
            ("ZPOPMAX z x", NOT_POSITIVE),
            ("SET s x", "+OK"),
            ("ZPOPMAX s 1", WRONG_TYPE),
        ])
        .await;
    client.arity("zpopmax", &["ZPOPMAX"]).await;
}

async fn zmpop(_: &Server, client: &mut Client) {
    let no_keys = "-ERR numkeys should be greater than 0";
    let no_count = "-ERR count should be greater than 0";
    client
        .script(&[
            ("ZADD z 1 a 2 b 3 c 4 d", ":4"),
            // Nested in both protocols.
            ("ZMPOP 1 z MIN", "*2 $1 z *1 *2 $1 a ,1"),
            (
                "ZMPOP 2 none z MAX COUNT 2",
                "*2 $1 z *2 *2 $1 d ,4 *2 $1 c ,3",
            ),
            ("ZMPOP 1 z min count 9", "*2 $1 z *1 *2 $1 b ,2"),
            ("ZMPOP 1 z MIN", "*-1"),
            ("SET s x", "+OK"),
            ("ZMPOP 1 s MIN", WRONG_TYPE),
            ("ZMPOP 0 z MIN", no_keys),
            ("ZMPOP 1 z LEFT", SYNTAX),
            ("ZMPOP 2 z MIN", SYNTAX),
            ("ZMPOP 1 z MIN COUNT 0", no_count),
            ("ZMPOP 1 z MIN COUNT 1 COUNT 2", SYNTAX),
        ])
        .await;
    client.arity("zmpop", &["ZMPOP", "ZMPOP 1 z"]).await;
}

async fn bzpopmin(server: &Server, client: &mut Client) {
    client
        .script(&[
            ("ZADD z 1 a 2 b", ":2"),
            ("BZPOPMIN none z 0", "*3 $1 z $1 a ,1"),
            ("BZPOPMIN none 0.001", "*-1"),
            (
                "BZPOPMIN z x",
                "-ERR timeout is not a float or out of range",
            ),
            ("BZPOPMIN z -1", "-ERR timeout is negative"),
            ("SET s x", "+OK"),
            ("BZPOPMIN s z 0", WRONG_TYPE),
            ("BZPOPMIN z s 0", "*3 $1 z $1 b ,2"),
        ])
        .await;
    let wrong = ["BZPOPMIN", "BZPOPMIN z"];
    client.arity("bzpopmin", &wrong).await;
    // First come, first served; each gets the lowest that is left.
    let mut first = waiter(server, client, "BZPOPMIN other z 0").await;
    let mut second = waiter(server, client, "BZPOPMIN z 10.5").await;
    client.ask("ZADD z 3 c 1.5 a 2 b", ":3").await;
    first.sees("*3 $1 z $1 a ,1.5").await;
    second.sees("*3 $1 z $1 b ,2").await;
    client.ask("ZRANGE z 0 -1", "*1 $1 c").await;
    client.ask("DEL z", ":1").await;
    // What a transaction leaves, and what other commands bring.
    let mut waiting = waiter(server, client, "BZPOPMIN z 0").await;
    client
        .script(&[
            ("MULTI", "+OK"),
            ("ZADD z 1 gone", "+QUEUED"),
            ("ZADD z 2 b", "+QUEUED"),
            ("ZREM z gone", "+QUEUED"),
            ("BZPOPMIN none 0", "+QUEUED"),
            ("EXEC", "*4 :1 :1 :1 *-1"),
        ])
        .await;
    waiting.sees("*3 $1 z $1 b ,2").await;
    client.ask("ZADD source 5 x", ":1").await;
    for bring in [
        "ZUNIONSTORE z 1 source",
        "ZINTERSTORE z 1 source",
        "ZDIFFSTORE z 1 source",
        "ZRANGESTORE z source 0 -1",
        "COPY source z",
        "RENAME source z",
    ] {
        let mut waiting = waiter(server, client, "BZPOPMIN z 0").await;
        let reply = if bring.starts_with("RENAME") {
            "+OK"
        } else {
            ":1"
        };
        client.ask(bring, reply).await;
        waiting.sees("*3 $1 z $1 x ,5").await;
        client.ask("EXISTS z", ":0").await;
    }
    // Another type serves others only.
    let mut patient = waiter(server, client, "BZPOPMIN z 0").await;
    let mut other = waiter(server, client, "BLPOP z 0").await;
    client.ask("RPUSH z element", ":1").await;
    other.sees("*2 $1 z $7 element").await;
    client.ask("ZADD z 1 a", ":1").await;
    patient.sees("*3 $1 z $1 a ,1").await;
    // UNBLOCK ends a wait.
    let mut waiting = waiter(server, client, "BZPOPMIN z 0").await;
    client
        .ask(&format!("CLIENT UNBLOCK {}", waiting.id), ":1")
        .await;
    waiting.sees("*-1").await;
}

async fn bzpopmax(server: &Server, client: &mut Client) {
    client
        .script(&[
            ("ZADD z 1 a 2 b", ":2"),
            ("BZPOPMAX z 0", "*3 $1 z $1 b ,2"),
            ("BZPOPMAX none 0.001", "*-1"),
            ("SET s x", "+OK"),
            ("BZPOPMAX s 0", WRONG_TYPE),
            ("BZPOPMAX z ", "-ERR timeout is not a float or out of range"),
            ("DEL z", ":1"),
        ])
        .await;
    client.arity("bzpopmax", &["BZPOPMAX z"]).await;
    let mut waiting = waiter(server, client, "BZPOPMAX z 0").await;
    client.ask("ZINCRBY z 7 a", ",7").await;
    waiting.sees("*3 $1 z $1 a ,7").await;
}

async fn bzmpop(server: &Server, client: &mut Client) {
    client
        .script(&[
            ("ZADD z 1 a 2 b 3 c", ":3"),
            ("BZMPOP 0 1 z MAX", "*2 $1 z *1 *2 $1 c ,3"),
            (
                "BZMPOP 0 2 none z MIN COUNT 5",
                "*2 $1 z *2 *2 $1 a ,1 *2 $1 b ,2",
            ),
            ("BZMPOP 0.001 1 z MIN", "*-1"),
            (
                "BZMPOP x 1 z MIN",
                "-ERR timeout is not a float or out of range",
            ),
            ("BZMPOP 0 0 z MIN", "-ERR numkeys should be greater than 0"),
            ("BZMPOP 0 1 z UP", SYNTAX),
            ("SET s x", "+OK"),
            ("BZMPOP 0 1 s MIN", WRONG_TYPE),
        ])
        .await;
    client.arity("bzmpop", &["BZMPOP 0 1 z"]).await;
    let mut waiting = waiter(server, client, "BZMPOP 0 2 z y MIN COUNT 2").await;
    client.ask("ZADD y 3 c 2 b 1 a", ":3").await;
    waiting.sees("*2 $1 y *2 *2 $1 a ,1 *2 $1 b ,2").await;
    client.ask("ZRANGE y 0 -1", "*1 $1 c").await;
}

/// Two sorted sets and a string.
async fn fill(client: &mut Client) {
    client
        .script(&[
            ("ZADD x 1 a 2 b 3 c", ":3"),
            ("ZADD y 10 b 20 c 0.5 d", ":3"),
            ("SET s x", "+OK"),
        ])
        .await;
}

/// What is wrong with `{verb} numkeys key ... {rest}`.
async fn errors(client: &mut Client, verb: &str, name: &str) {
    let none = format!("-ERR at least 1 input key is needed for '{name}' command");
    for (words, error) in [
        ("0 x", none.as_str()),
        ("-1 x", &none),
        ("a x", NO_INTEGER),
        ("3 x y", SYNTAX),
        ("2 x s", WRONG_TYPE),
        ("2 x s nosuch", WRONG_TYPE),
        ("2 x y nosuch", SYNTAX),
    ] {
        client.script(&[(&format!("{verb} {words}"), error)]).await;
    }
}

async fn zunion(_: &Server, client: &mut Client) {
    let protocol = client.protocol;
    fill(client).await;
    client
        .script(&[
            ("ZUNION 2 x y", "*4 $1 d $1 a $1 b $1 c"),
            (
                "ZUNION 2 x y WITHSCORES",
                &scored(protocol, "d 0.5 a 1 b 12 c 23"),
            ),
            (
                "ZUNION 2 x y WEIGHTS 2 0.5 AGGREGATE MAX WITHSCORES",
                &scored(protocol, "d 0.25 a 2 b 5 c 10"),
            ),
            (
                "ZUNION 2 x y AGGREGATE MIN WITHSCORES",
                &scored(protocol, "d 0.5 a 1 b 2 c 3"),
            ),
            ("ZUNION 2 none none WITHSCORES", "*0"),
            ("ZADD inf inf a", ":1"),
            ("ZADD ninf -inf a", ":1"),
            ("ZUNION 2 inf ninf WITHSCORES", &scored(protocol, "a 0")),
            (
                "ZUNION 1 inf WEIGHTS 0 WITHSCORES",
                &scored(protocol, "a 0"),
            ),
            ("ZUNION 2 x y WEIGHTS 1", SYNTAX),
            (
                "ZUNION 2 x y WEIGHTS 1 x",
                "-ERR weight value is not a float",
            ),
            ("ZUNION 2 x y AGGREGATE AVG", SYNTAX),
            ("ZUNION 2 x y AGGREGATE", SYNTAX),
            ("ZUNION 2 x y LIMIT 1", SYNTAX),
        ])
        .await;
    errors(client, "ZUNION", "zunion").await;
    client.arity("zunion", &["ZUNION", "ZUNION 1"]).await;
}

async fn zinter(_: &Server, client: &mut Client) {
    let protocol = client.protocol;
    fill(client).await;
    client
        .script(&[
            ("ZINTER 2 x y", "*2 $1 b $1 c"),
            ("ZINTER 2 x y WITHSCORES", &scored(protocol, "b 12 c 23")),
            (
                "ZINTER 3 x y x WEIGHTS 1 1 -10 AGGREGATE MIN WITHSCORES",
                &scored(protocol, "c -30 b -20"),
            ),
            ("ZINTER 2 x none", "*0"),
        ])
        .await;
    errors(client, "ZINTER", "zinter").await;
    client.arity("zinter", &["ZINTER 1"]).await;
}

async fn zdiff(_: &Server, client: &mut Client) {
    let protocol = client.protocol;
    fill(client).await;
    client
        .script(&[
            ("ZDIFF 2 x y", "*1 $1 a"),
            ("ZDIFF 2 y x WITHSCORES", &scored(protocol, "d 0.5")),
            ("ZDIFF 2 none x", "*0"),
            ("ZDIFF 2 x x", "*0"),
            ("ZDIFF 2 x y WEIGHTS 1 2", SYNTAX),
            ("ZDIFF 2 x y AGGREGATE SUM", SYNTAX),
        ])
        .await;
    errors(client, "ZDIFF", "zdiff").await;
    client.arity("zdiff", &["ZDIFF 1"]).await;
}

async fn zunionstore(_: &Server, client: &mut Client) {
    let protocol = client.protocol;
    fill(client).await;
    client
        .script(&[
            ("ZUNIONSTORE d 2 x y", ":4"),
            (
                "ZRANGE d 0 -1 WITHSCORES",
                &scored(protocol, "d 0.5 a 1 b 12 c 23"),
            ),
            // A destination that is a source.
            ("ZUNIONSTORE x 2 x x WEIGHTS 1 2", ":3"),
            ("ZRANGE x 0 -1 WITHSCORES", &scored(protocol, "a 3 b 6 c 9")),
            ("ZUNIONSTORE d 1 none", ":0"),
            ("EXISTS d", ":0"),
            ("ZUNIONSTORE d 1 x WITHSCORES", SYNTAX),
        ])
        .await;
    errors(client, "ZUNIONSTORE d", "zunionstore").await;
    let wrong = ["ZUNIONSTORE d 1"];
    client.arity("zunionstore", &wrong).await;
}

async fn zinterstore(_: &Server, client: &mut Client) {
    let protocol = client.protocol;
    fill(client).await;
    client
        .script(&[
            // Whatever the destination was, and without its time to live.
            ("EXPIRE s 1000", ":1"),
            ("ZINTERSTORE s 2 x y AGGREGATE MAX", ":2"),
            ("ZRANGE s 0 -1 WITHSCORES", &scored(protocol, "b 10 c 20")),
            ("TTL s", ":-1"),
            ("ZINTERSTORE s 2 x none", ":0"),
            ("EXISTS s", ":0"),
            ("SET s x", "+OK"),
        ])
        .await;
    errors(client, "ZINTERSTORE d", "zinterstore").await;
    let wrong = ["ZINTERSTORE d 1"];
    client.arity("zinterstore", &wrong).await;
}

async fn zdiffstore(_: &Server, client: &mut Client) {
    let protocol = client.protocol;
    fill(client).await;
    client
        .script(&[
            ("ZDIFFSTORE d 2 x y", ":1"),
            ("ZRANGE d 0 -1 WITHSCORES", &scored(protocol, "a 1")),
            ("ZDIFFSTORE d 2 x x", ":0"),
            ("EXISTS d", ":0"),
            ("ZDIFFSTORE d 2 x y WEIGHTS 1 2", SYNTAX),
        ])
        .await;
    errors(client, "ZDIFFSTORE d", "zdiffstore").await;
    client.arity("zdiffstore", &["ZDIFFSTORE d 1"]).await;
}

async fn zintercard(_: &Server, client: &mut Client) {
    fill(client).await;
    client
        .script(&[
            ("ZINTERCARD 2 x y", ":2"),
            ("ZINTERCARD 2 x y LIMIT 1", ":1"),
            ("ZINTERCARD 2 x y LIMIT 0", ":2"),
            ("ZINTERCARD 1 x", ":3"),
            ("ZINTERCARD 2 x none", ":0"),
            ("ZINTERCARD 2 x y LIMIT -1", "-ERR LIMIT can't be negative"),
            ("ZINTERCARD 2 x y LIMIT", SYNTAX),
            ("ZINTERCARD 2 x y WITHSCORES", SYNTAX),
        ])
        .await;
    errors(client, "ZINTERCARD", "zintercard").await;
    client.arity("zintercard", &["ZINTERCARD 1"]).await;
}
