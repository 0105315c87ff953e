//! SORT and SORT_RO.

use fanfare::Server;

use crate::common::client::Client;
use crate::common::until_info;

commands! {
    "sort" => sort,
    "sort_ro" => sort_ro,
}

const SYNTAX: &str = "-ERR syntax error";
const NO_INTEGER: &str = "-ERR value is not an integer or out of range";
const NO_NUMBERS: &str = "-ERR One or more scores can't be converted into double";
const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";

/// What SORT and SORT_RO have in common.
async fn sorts(client: &mut Client, verb: &str) {
    client
        .script(&[
            ("RPUSH l 3 10 2 1", ":4"),
            ("RPUSH words b B a", ":3"),
            ("RPUSH mixed 1 x 2", ":3"),
            ("RPUSH ties 1.0 1 +1 0x1 01", ":5"),
            ("RPUSH floats 1e2 -inf .5 -0 0x10 inf", ":6"),
            ("RPUSH ids a b c", ":3"),
            ("MSET w_a 3 w_b 20 w_c 100 name_a A name_c C", "+OK"),
            ("SET s string", "+OK"),
        ])
        .await;
    for (words, reply) in [
        ("none", "*0"),
        ("none ALPHA DESC", "*0"),
        ("s", WRONG_TYPE),
        ("l", "*4 $1 1 $1 2 $1 3 $2 10"),
        ("l asc", "*4 $1 1 $1 2 $1 3 $2 10"),
        ("l DESC", "*4 $2 10 $1 3 $1 2 $1 1"),
        ("l DESC ASC", "*4 $1 1 $1 2 $1 3 $2 10"),
        ("l ALPHA", "*4 $1 1 $2 10 $1 2 $1 3"),
        ("l alpha desc", "*4 $1 3 $1 2 $2 10 $1 1"),
        // Numbers as C reads them; equal ones are ordered by their bytes.
        ("floats", "*6 $4 -inf $2 -0 $2 .5 $4 0x10 $3 1e2 $3 inf"),
        ("ties", "*5 $2 +1 $2 01 $3 0x1 $1 1 $3 1.0"),
        ("ties DESC", "*5 $3 1.0 $1 1 $3 0x1 $2 01 $2 +1"),
        ("words ALPHA", "*3 $1 B $1 a $1 b"),
        ("words", NO_NUMBERS),
        ("mixed", NO_NUMBERS),
        ("mixed ALPHA", "*3 $1 1 $1 2 $1 x"),
        // Which of them.
        ("l LIMIT 0 2", "*2 $1 1 $1 2"),
        ("l LIMIT 1 -1", "*3 $1 2 $1 3 $2 10"),
        ("l LIMIT 1 -5", "*3 $1 2 $1 3 $2 10"),
        ("l LIMIT -3 1", "*1 $1 1"),
        ("l LIMIT 3 100", "*1 $2 10"),
        ("l LIMIT 4 1", "*0"),
        ("l LIMIT 2 0", "*0"),
        ("l LIMIT 9223372036854775807 9223372036854775807", "*0"),
        ("l DESC LIMIT 1 2", "*2 $1 3 $1 2"),
        ("l LIMIT 0 1 LIMIT 1 1", "*1 $1 2"),
        // In an order that other keys give.
        ("ids BY w_*", "*3 $1 a $1 b $1 c"),
        ("ids BY w_* DESC", "*3 $1 c $1 b $1 a"),
        ("ids BY w_* ALPHA", "*3 $1 c $1 b $1 a"),
        ("ids BY w_* ALPHA DESC", "*3 $1 a $1 b $1 c"),
        ("ids BY w_* LIMIT 1 1", "*1 $1 b"),
        // What is missing is 0, or before all that is there.
        ("ids BY name_*", NO_NUMBERS),
        ("ids BY name_* ALPHA", "*3 $1 b $1 a $1 c"),
        ("ids BY name_* ALPHA DESC", "*3 $1 c $1 a $1 b"),
        ("ids BY none_*", "*3 $1 a $1 b $1 c"),
        ("ids BY none_* DESC", "*3 $1 c $1 b $1 a"),
        ("ids BY none_* ALPHA DESC", "*3 $1 a $1 b $1 c"),
        ("ids BY l* ALPHA", "*3 $1 a $1 b $1 c"),
        ("ids BY w_*->field DESC", "*3 $1 c $1 b $1 a"),
        // A pattern without a star: in the list's order.
        ("l BY nosort", "*4 $1 3 $2 10 $1 2 $1 1"),
        ("mixed BY nosort", "*3 $1 1 $1 x $1 2"),
        ("l BY  DESC", "*4 $1 1 $1 2 $2 10 $1 3"),
        ("l BY nosort LIMIT 1 2", "*2 $2 10 $1 2"),
        ("l BY nosort DESC LIMIT 1 2", "*2 $1 2 $2 10"),
        ("l BY nosort DESC LIMIT 3 5", "*1 $1 3"),
        ("l BY nosort LIMIT 4 5", "*0"),
        ("l BY nosort LIMIT 0 0", "*0"),
        ("l BY nosort BY w_*", "*4 $1 3 $2 10 $1 2 $1 1"),
        // Something else in their place.
        ("ids ALPHA GET w_*", "*3 $1 3 $2 20 $3 100"),
        (
            "ids ALPHA GET # GET name_*",
            "*6 $1 a $1 A $1 b _ $1 c $1 C",
        ),
        ("ids ALPHA GET nostar", "*3 _ _ _"),
        ("ids ALPHA GET w_*->field LIMIT 0 1", "*1 _"),
        ("ids ALPHA GET w_*-> LIMIT 0 1", "*1 _"),
        ("ids ALPHA GET *->w LIMIT 0 1", "*1 _"),
        ("ids ALPHA GET ## LIMIT 0 1", "*1 _"),
        ("l GET id* LIMIT 0 1", "*1 _"),
        ("words ALPHA GET l* LIMIT 0 1", "*1 _"),
        ("ids BY nosort GET # LIMIT 1 1", "*1 $1 b"),
        // What is wrong is told in order, before the key is looked at.
        ("s LIMIT", SYNTAX),
        ("s LIMIT 0", SYNTAX),
        ("s LIMIT a 0", NO_INTEGER),
        ("s LIMIT 0 a", NO_INTEGER),
        ("s BY", SYNTAX),
        ("s GET", SYNTAX),
        ("s nosuch", SYNTAX),
        ("s LIMIT a b nosuch", NO_INTEGER),
        ("s nosuch LIMIT a b", SYNTAX),
    ] {
        client.script(&[(&format!("{verb} {words}"), reply)]).await;
    }
    client.arity(&verb.to_ascii_lowercase(), &[verb]).await;
    binary(client, verb).await;
    other_types(client, verb).await;
}

/// Sets are sorted as lists are, and weights and texts may be fields of hashes.
async fn other_types(client: &mut Client, verb: &str) {
    client
        .script(&[
            ("SADD set 3 10 2 1", ":4"),
            ("SADD names b c a", ":3"),
            ("HSET obj_a weight 3 name A", ":2"),
            ("HSET obj_b weight 1 name B", ":2"),
            ("HSET obj_c weight 2", ":1"),
        ])
        .await;
    for (words, reply) in [
        ("set", "*4 $1 1 $1 2 $1 3 $2 10"),
        ("set DESC LIMIT 0 2", "*2 $2 10 $1 3"),
        ("set BY nosort", "*4 $1 1 $1 2 $1 3 $2 10"),
        // A set has no order that could be turned around.
        ("set BY nosort DESC", "*4 $1 1 $1 2 $1 3 $2 10"),
        ("set BY nosort LIMIT 1 2", "*2 $1 2 $1 3"),
        ("names", NO_NUMBERS),
        ("names ALPHA", "*3 $1 a $1 b $1 c"),
        ("names BY nosort", "*3 $1 b $1 c $1 a"),
        ("names BY obj_*->weight", "*3 $1 b $1 c $1 a"),
        (
            "names BY obj_*->weight DESC GET obj_*->name",
            "*3 $1 A _ $1 B",
        ),
        ("ids BY obj_*->weight GET #", "*3 $1 b $1 c $1 a"),
        ("names ALPHA GET obj_*->nosuch GET obj_*", "*6 _ _ _ _ _ _"),
        ("obj_a", WRONG_TYPE),
    ] {
        client.script(&[(&format!("{verb} {words}"), reply)]).await;
    }
}

/// C's strings end at a NUL: so do numbers, texts to compare, and patterns.
async fn binary(client: &mut Client, verb: &str) {
    let verb = verb.as_bytes();
    client.ask("SET w_1 one", "+OK").await;
    client
        .command(&[b"RPUSH", &b"nul"[..], b"2\0x", b"10\0", b"", b"1"])
        .await;
    client.reads(b":4\r\n").await;
    client.command(&[verb, b"nul"]).await;
    client
        .reads(b"*4\r\n$0\r\n\r\n$1\r\n1\r\n$3\r\n2\0x\r\n$3\r\n10\0\r\n")
        .await;
    client
        .command(&[b"RPUSH", &b"same"[..], b"a\0y", b"a\0x", b"a"])
        .await;
    client.reads(b":3\r\n").await;
    client.command(&[verb, b"same", b"ALPHA", b"DESC"]).await;
    client
        .reads(b"*3\r\n$3\r\na\0y\r\n$3\r\na\0x\r\n$1\r\na\r\n")
        .await;
    let get = [verb, b"nul", b"LIMIT", b"1", b"1", b"GET"];
    for (pattern, reply) in [
        (&b"w_*"[..], &b"*1\r\n$3\r\none\r\n"[..]),
        (b"#\0*", b"*1\r\n$1\r\n1\r\n"),
        (b"w_\0*", b"*1\r\n_\r\n"),
        (b"w_*\0", b"*1\r\n_\r\n"),
    ] {
        client.command(&[&get[..], &[pattern]].concat()).await;
        client.reads(reply).await;
    }
}

async fn sort(server: &Server, client: &mut Client) {
    sorts(client, "SORT").await;
    let mut watcher = Client::connect(server, client.protocol).await;
    watcher
        .script(&[("WATCH out", "+OK"), ("MULTI", "+OK")])
        .await;
    client
        .script(&[
            ("SORT none STORE out", ":0"),
            ("SORT l STORE", SYNTAX),
            ("SORT mixed STORE out", NO_NUMBERS),
            ("EXISTS out", ":0"),
            ("SORT l DESC STORE out", ":4"),
            ("LRANGE out 0 -1", "*4 $2 10 $1 3 $1 2 $1 1"),
            // What was there is gone, whatever it was.
            ("SET out string EX 1000", "+OK"),
            ("SORT ids ALPHA GET # STORE x STORE out GET name_*", ":6"),
            ("LRANGE out 0 -1", "*6 $1 a $1 A $1 b $0  $1 c $1 C"),
            ("TTL out", ":-1"),
            ("EXISTS x", ":0"),
            ("SORT l STORE l", ":4"),
            ("LRANGE l 0 -1", "*4 $1 1 $1 2 $1 3 $2 10"),
            ("SORT l LIMIT 5 1 STORE l", ":0"),
            ("EXISTS l", ":0"),
            ("SORT none STORE s", ":0"),
            ("EXISTS s", ":0"),
            // What is stored of a set is in order.
            ("SORT names BY nosort STORE out", ":3"),
            ("LRANGE out 0 -1", "*3 $1 a $1 b $1 c"),
            ("SORT set BY nosort DESC STORE out", ":4"),
            ("LRANGE out 0 -1", "*4 $1 3 $1 2 $2 10 $1 1"),
        ])
        .await;
    watcher.ask("EXEC", "*-1").await;
    // To be stored, bytes are compared to the end.
    client.ask("SORT same ALPHA STORE out", ":3").await;
    client.ask("LINDEX out 0", "$1 a").await;
    watcher.line("BLPOP queue 0").await;
    until_info(client, "blocked_clients", "1").await;
    client.ask("SORT ids ALPHA STORE queue", ":3").await;
    watcher.sees("*2 $5 queue $1 a").await;
    client.ask("LLEN queue", ":2").await;
}

async fn sort_ro(_: &Server, client: &mut Client) {
    sorts(client, "SORT_RO").await;
    client.script(&[("SORT_RO l STORE out", SYNTAX)]).await;
}
