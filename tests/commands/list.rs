//! The group list, without the commands that wait.

use fanfare::Server;

use crate::common::client::Client;

commands! {
    "lpush" => lpush,
    "rpush" => rpush,
    "lpushx" => lpushx,
    "rpushx" => rpushx,
    "lpop" => lpop,
    "rpop" => rpop,
    "llen" => llen,
    "lrange" => lrange,
    "lindex" => lindex,
    "lset" => lset,
    "linsert" => linsert,
    "lrem" => lrem,
    "ltrim" => ltrim,
    "lpos" => lpos,
    "lmove" => lmove,
    "rpoplpush" => rpoplpush,
    "lmpop" => lmpop,
}

const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";
const NO_INTEGER: &str = "-ERR value is not an integer or out of range";
const NOT_POSITIVE: &str = "-ERR value is out of range, must be positive";
const NOT_SYMMETRIC: &str =
    "-ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807";
const SYNTAX: &str = "-ERR syntax error";

async fn lpush(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("LPUSH l a", ":1"),
            ("LPUSH l b c", ":3"),
            ("lpush l ", ":4"),
            ("LRANGE l 0 -1", "*4 $0  $1 c $1 b $1 a"),
            ("SET s x", "+OK"),
            ("LPUSH s a", WRONG_TYPE),
            ("GET s", "$1 x"),
        ])
        .await;
    client.arity("lpush", &["LPUSH", "LPUSH l"]).await;
    // Names and elements are bytes.
    let words: [&[u8]; 3] = [b"LPUSH", b"\0\r\n\xff", b"$-1\r\n\0\xfe"];
    client.command(&words).await;
    client.reads(b":1\r\n").await;
    let words: [&[u8]; 4] = [b"LRANGE", b"\0\r\n\xff", b"0", b"0"];
    client.command(&words).await;
    client.reads(b"*1\r\n$7\r\n$-1\r\n\0\xfe\r\n").await;
}

async fn rpush(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("RPUSH l a", ":1"),
            ("RPUSH l b c", ":3"),
            ("LRANGE l 0 -1", "*3 $1 a $1 b $1 c"),
            ("SET s x", "+OK"),
            ("RPUSH s a", WRONG_TYPE),
            // In each database a list of its own.
            ("SELECT 1", "+OK"),
            ("RPUSH l z", ":1"),
        ])
        .await;
    client.arity("rpush", &["RPUSH", "RPUSH l"]).await;
    // Large elements between small ones, in a list that is large itself.
    let large = "x".repeat(1024 * 1024);
    for number in 0..300 {
        let small = number.to_string();
        let element = if number % 100 == 50 { &large } else { &small };
        client.command(&["RPUSH", "large", element]).await;
        assert_eq!(client.integer().await, number + 1);
    }
    client.ask("LINDEX large 49", "$2 49").await;
    client.ask("LINDEX large 151", "$3 151").await;
    client.line("LINDEX large -150").await;
    assert!(client.text().await == large);
    client.line("LINDEX large 250").await;
    assert!(client.text().await == large);
}

async fn lpushx(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("LPUSHX l a", ":0"),
            ("LPUSHX l a b", ":0"),
            ("EXISTS l", ":0"),
            ("RPUSH l a", ":1"),
            ("LPUSHX l b c", ":3"),
            ("LRANGE l 0 -1", "*3 $1 c $1 b $1 a"),
            ("SET s x", "+OK"),
            ("LPUSHX s a", WRONG_TYPE),
        ])
        .await;
    client.arity("lpushx", &["LPUSHX", "LPUSHX l"]).await;
}

async fn rpushx(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("RPUSHX l a", ":0"),
            ("RPUSHX l a b", ":0"),
            ("EXISTS l", ":0"),
            ("RPUSH l a", ":1"),
            ("RPUSHX l b c", ":3"),
            ("LRANGE l 0 -1", "*3 $1 a $1 b $1 c"),
            ("SET s x", "+OK"),
            ("RPUSHX s a", WRONG_TYPE),
        ])
        .await;
    client.arity("rpushx", &["RPUSHX", "RPUSHX l"]).await;
}

async fn lpop(_: &Server, client: &mut Client) {
    client.ask("RPUSH l a b c d", ":4").await;
    client
        .script(&[
            ("LPOP l", "$1 a"),
            ("lpop l 2", "*2 $1 b $1 c"),
            ("LPOP l 0", "*0"),
        ])
        .await;
    pop(client, "LPOP").await;
}

async fn rpop(_: &Server, client: &mut Client) {
    client.ask("RPUSH l d c b a", ":4").await;
    client
        .script(&[
            ("RPOP l", "$1 a"),
            ("rpop l 2", "*2 $1 b $1 c"),
            ("RPOP l 0", "*0"),
        ])
        .await;
    pop(client, "RPOP").await;
}

/// What LPOP and RPOP have in common; the list `l` has one element.
async fn pop(client: &mut Client, verb: &str) {
    let lines = [
        ("POP l -1", NOT_POSITIVE),
        ("POP l abc", NOT_POSITIVE),
        ("POP l 9223372036854775808", NOT_POSITIVE),
        ("POP none -1", NOT_POSITIVE),
        // The null of an array, if there is a count.
        ("POP none", "_"),
        ("POP none 2", "*-1"),
        ("POP none 0", "*-1"),
        ("POP l 99", "*1 $1 d"),
        ("POP l", "_"),
    ];
    for (line, reply) in lines {
        let line = line.replace("POP", verb);
        client.script(&[(&line, reply)]).await;
    }
    client.ask("EXISTS l", ":0").await;
    client.ask("SET s x", "+OK").await;
    for line in ["s", "s 0", "s 1"] {
        client
            .script(&[(&format!("{verb} {line}"), WRONG_TYPE)])
            .await;
    }
    let wrong = [verb, &format!("{verb} l 1 1")];
    client.arity(&verb.to_ascii_lowercase(), &wrong).await;
}

async fn llen(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("LLEN l", ":0"),
            ("RPUSH l a b", ":2"),
            ("LLEN l", ":2"),
            ("SET s x", "+OK"),
            ("LLEN s", WRONG_TYPE),
        ])
        .await;
    client.arity("llen", &["LLEN", "LLEN a b"]).await;
}

async fn lrange(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("RPUSH l 0 1 2 3 4", ":5"),
            ("LRANGE l 0 -1", "*5 $1 0 $1 1 $1 2 $1 3 $1 4"),
            ("LRANGE l 1 3", "*3 $1 1 $1 2 $1 3"),
            ("LRANGE l -2 99", "*2 $1 3 $1 4"),
            ("LRANGE l -99 0", "*1 $1 0"),
            ("LRANGE l 3 1", "*0"),
            ("LRANGE l 5 9", "*0"),
            ("LRANGE l 0 -6", "*0"),
            (
                "LRANGE l -9223372036854775808 9223372036854775807",
                "*5 $1 0 $1 1 $1 2 $1 3 $1 4",
            ),
            ("LRANGE l 9223372036854775807 -9223372036854775808", "*0"),
            ("LRANGE none 0 -1", "*0"),
            ("LRANGE l a 1", NO_INTEGER),
            ("LRANGE l 1 a", NO_INTEGER),
            ("LRANGE none a 1", NO_INTEGER),
            ("LRANGE none 0 9223372036854775808", NO_INTEGER),
            ("SET s x", "+OK"),
            ("LRANGE s 0 -1", WRONG_TYPE),
            ("LRANGE s a -1", NO_INTEGER),
        ])
        .await;
    client
        .arity(
            "lrange",
            &["LRANGE", "LRANGE l", "LRANGE l 0", "LRANGE l 0 1 2"],
        )
        .await;
}

async fn lindex(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("RPUSH l a b c", ":3"),
            ("LINDEX l 0", "$1 a"),
            ("LINDEX l 2", "$1 c"),
            ("LINDEX l -1", "$1 c"),
            ("LINDEX l -3", "$1 a"),
            ("LINDEX l 3", "_"),
            ("LINDEX l -4", "_"),
            ("LINDEX l -9223372036854775808", "_"),
            ("LINDEX l a", NO_INTEGER),
            ("LINDEX none 0", "_"),
            ("LINDEX none a", "_"),
            ("SET s x", "+OK"),
            ("LINDEX s 0", WRONG_TYPE),
            ("LINDEX s a", WRONG_TYPE),
        ])
        .await;
    client
        .arity("lindex", &["LINDEX", "LINDEX l", "LINDEX l 0 1"])
        .await;
}

async fn lset(_: &Server, client: &mut Client) {
    let (no_key, no_index) = ("-ERR no such key", "-ERR index out of range");
    client
        .script(&[
            ("RPUSH l a b c", ":3"),
            ("LSET l 1 two", "+OK"),
            ("LSET l -1 ", "+OK"),
            ("LRANGE l 0 -1", "*3 $1 a $3 two $0 "),
            ("LSET l 3 x", no_index),
            ("LSET l -4 x", no_index),
            ("LSET l a x", NO_INTEGER),
            ("LSET none 0 x", no_key),
            ("LSET none a x", no_key),
            ("SET s x", "+OK"),
            ("LSET s 0 x", WRONG_TYPE),
            ("LSET s a x", WRONG_TYPE),
        ])
        .await;
    client
        .arity("lset", &["LSET", "LSET l", "LSET l 0", "LSET l 0 x y"])
        .await;
}

async fn linsert(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("RPUSH l a b a", ":3"),
            ("LINSERT l BEFORE a 1", ":4"),
            ("linsert l after a 2", ":5"),
            ("LINSERT l AFTER b 3", ":6"),
            ("LRANGE l 0 -1", "*6 $1 1 $1 a $1 2 $1 b $1 3 $1 a"),
            ("LINSERT l AFTER nosuch x", ":-1"),
            ("LINSERT none BEFORE a x", ":0"),
            ("EXISTS none", ":0"),
            ("LINSERT l beside a x", SYNTAX),
            ("LINSERT none beside a x", SYNTAX),
            ("SET s x", "+OK"),
            ("LINSERT s beside a x", SYNTAX),
            ("LINSERT s BEFORE a x", WRONG_TYPE),
        ])
        .await;
    client
        .arity(
            "linsert",
            &["LINSERT", "LINSERT l BEFORE a", "LINSERT l BEFORE a b c"],
        )
        .await;
}

async fn lrem(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("RPUSH l x a x b x c x", ":7"),
            ("LREM l 1 x", ":1"),
            ("LREM l -1 x", ":1"),
            ("LRANGE l 0 -1", "*5 $1 a $1 x $1 b $1 x $1 c"),
            ("LREM l 0 nosuch", ":0"),
            ("LREM l -9223372036854775807 nosuch", ":0"),
            ("LREM l 0 x", ":2"),
            ("LRANGE l 0 -1", "*3 $1 a $1 b $1 c"),
            ("LREM l 9 a", ":1"),
            ("LREM l -9 c", ":1"),
            ("LREM l 0 b", ":1"),
            ("EXISTS l", ":0"),
            ("LREM none 0 a", ":0"),
            ("LREM none a a", NO_INTEGER),
            ("LREM l 9223372036854775808 a", NO_INTEGER),
            // As newer Redis than 7.0 has it.
            ("LREM l -9223372036854775808 a", NOT_SYMMETRIC),
            ("SET s x", "+OK"),
            ("LREM s 0 a", WRONG_TYPE),
            ("LREM s a a", NO_INTEGER),
        ])
        .await;
    client
        .arity("lrem", &["LREM", "LREM l", "LREM l 0", "LREM l 0 a b"])
        .await;
}

async fn ltrim(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("RPUSH l a b c d", ":4"),
            ("LTRIM l 0 99", "+OK"),
            ("LTRIM l 1 -2", "+OK"),
            ("LRANGE l 0 -1", "*2 $1 b $1 c"),
            ("LTRIM l -1 -1", "+OK"),
            ("LRANGE l 0 -1", "*1 $1 c"),
            ("LTRIM l 5 9", "+OK"),
            ("EXISTS l", ":0"),
            ("LTRIM none 0 1", "+OK"),
            ("LTRIM none a 1", NO_INTEGER),
            ("LTRIM none 1 a", NO_INTEGER),
            ("SET s x", "+OK"),
            ("LTRIM s 0 1", WRONG_TYPE),
            ("LTRIM s a 1", NO_INTEGER),
        ])
        .await;
    client
        .arity("ltrim", &["LTRIM", "LTRIM l", "LTRIM l 0", "LTRIM l 0 1 2"])
        .await;
}

async fn lpos(_: &Server, client: &mut Client) {
    let no_rank = "-ERR RANK can't be zero: use 1 to start from the first match, 2 from the second \
                   ... or use negative to start from the end of the list";
    client
        .script(&[
            ("RPUSH l a b c 1 2 3 c c", ":8"),
            ("LPOS l c", ":2"),
            ("LPOS l nosuch", "_"),
            ("LPOS l c RANK 2", ":6"),
            ("LPOS l c RANK -1", ":7"),
            ("LPOS l c RANK -2", ":6"),
            ("LPOS l c RANK 4", "_"),
            ("LPOS l c COUNT 2", "*2 :2 :6"),
            ("LPOS l c COUNT 0", "*3 :2 :6 :7"),
            ("LPOS l c RANK 2 COUNT 0", "*2 :6 :7"),
            ("LPOS l c COUNT 0 RANK -1", "*3 :7 :6 :2"),
            ("LPOS l c RANK 4 COUNT 0", "*0"),
            ("LPOS l nosuch COUNT 1", "*0"),
            ("LPOS l c MAXLEN 2", "_"),
            ("LPOS l c MAXLEN 3", ":2"),
            ("LPOS l c MAXLEN 0", ":2"),
            ("LPOS l c COUNT 0 MAXLEN 7", "*2 :2 :6"),
            ("lpos l c count 0 maxlen 2 rank -1", "*2 :7 :6"),
            ("LPOS l c RANK 1 RANK 2", ":6"),
            ("LPOS none x", "_"),
            ("LPOS none x COUNT 1", "*0"),
            ("LPOS l c RANK 0", no_rank),
            ("LPOS none c RANK 0", no_rank),
            ("LPOS l c RANK a", NO_INTEGER),
            // As newer Redis than 7.0 has it.
            ("LPOS l c RANK -9223372036854775808", NOT_SYMMETRIC),
            ("LPOS l c COUNT -1", "-ERR COUNT can't be negative"),
            ("LPOS l c COUNT a", "-ERR COUNT can't be negative"),
            ("LPOS l c MAXLEN -1", "-ERR MAXLEN can't be negative"),
            ("LPOS l c MAXLEN a", "-ERR MAXLEN can't be negative"),
            ("LPOS l c RANK", SYNTAX),
            ("LPOS l c NOSUCH 1", SYNTAX),
            ("SET s x", "+OK"),
            ("LPOS s x", WRONG_TYPE),
            ("LPOS s x RANK 0", no_rank),
        ])
        .await;
    client.arity("lpos", &["LPOS", "LPOS l"]).await;
}

async fn lmove(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("RPUSH a 1 2 3", ":3"),
            ("LMOVE a b LEFT RIGHT", "$1 1"),
            ("lmove a b left left", "$1 2"),
            ("LMOVE a b RIGHT RIGHT", "$1 3"),
            ("EXISTS a", ":0"),
            ("LRANGE b 0 -1", "*3 $1 2 $1 1 $1 3"),
            ("LMOVE b b LEFT RIGHT", "$1 2"),
            ("LRANGE b 0 -1", "*3 $1 1 $1 3 $1 2"),
            ("LMOVE b b RIGHT RIGHT", "$1 2"),
            ("LMOVE b c RIGHT LEFT", "$1 2"),
            ("LRANGE b 0 -1", "*2 $1 1 $1 3"),
            // A list of one, onto itself.
            ("LMOVE c c LEFT LEFT", "$1 2"),
            ("LRANGE c 0 -1", "*1 $1 2"),
            ("LMOVE none b LEFT LEFT", "_"),
            ("SET s x", "+OK"),
            ("LMOVE none s LEFT LEFT", "_"),
            ("LMOVE s b LEFT LEFT", WRONG_TYPE),
            ("LMOVE b s LEFT LEFT", WRONG_TYPE),
            ("LRANGE b 0 -1", "*2 $1 1 $1 3"),
            ("LMOVE b c UP LEFT", SYNTAX),
            ("LMOVE b c LEFT UP", SYNTAX),
            ("LMOVE s c UP LEFT", SYNTAX),
        ])
        .await;
    let wrong = ["LMOVE", "LMOVE b c LEFT", "LMOVE b c LEFT LEFT LEFT"];
    client.arity("lmove", &wrong).await;
}

async fn rpoplpush(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("RPUSH a 1 2", ":2"),
            ("RPOPLPUSH a b", "$1 2"),
            ("rpoplpush a b", "$1 1"),
            ("EXISTS a", ":0"),
            ("LRANGE b 0 -1", "*2 $1 1 $1 2"),
            ("RPOPLPUSH b b", "$1 2"),
            ("LRANGE b 0 -1", "*2 $1 2 $1 1"),
            ("RPOPLPUSH none b", "_"),
            ("SET s x", "+OK"),
            ("RPOPLPUSH none s", "_"),
            ("RPOPLPUSH s b", WRONG_TYPE),
            ("RPOPLPUSH b s", WRONG_TYPE),
            ("LLEN b", ":2"),
        ])
        .await;
    client
        .arity(
            "rpoplpush",
            &["RPOPLPUSH", "RPOPLPUSH a", "RPOPLPUSH a b c"],
        )
        .await;
}

async fn lmpop(_: &Server, client: &mut Client) {
    let no_keys = "-ERR numkeys should be greater than 0";
    let no_count = "-ERR count should be greater than 0";
    client
        .script(&[
            ("RPUSH l 1 2 3 4 5", ":5"),
            ("LMPOP 1 l LEFT", "*2 $1 l *1 $1 1"),
            ("LMPOP 2 none l RIGHT COUNT 2", "*2 $1 l *2 $1 5 $1 4"),
            ("lmpop 2 l none left count 9", "*2 $1 l *2 $1 2 $1 3"),
            ("LMPOP 2 l none LEFT COUNT 9", "*-1"),
            ("EXISTS l", ":0"),
            ("SET s x", "+OK"),
            ("LMPOP 1 s LEFT", WRONG_TYPE),
            ("LMPOP 2 none s LEFT", WRONG_TYPE),
            ("RPUSH l 1 2", ":2"),
            ("LMPOP 2 s l LEFT", WRONG_TYPE),
            ("LMPOP 2 l s LEFT", "*2 $1 l *1 $1 1"),
            ("LMPOP 0 l LEFT", no_keys),
            ("LMPOP -1 l LEFT", no_keys),
            ("LMPOP a l LEFT", no_keys),
            ("LMPOP 9223372036854775808 l LEFT", no_keys),
            ("LMPOP 9223372036854775807 l LEFT", SYNTAX),
            ("LMPOP 1 l LEFT COUNT 0", no_count),
            ("LMPOP 1 l LEFT COUNT -1", no_count),
            ("LMPOP 1 l LEFT COUNT a", no_count),
            ("LMPOP 1 l LEFT COUNT 9223372036854775808", no_count),
            ("LMPOP 1 l LEFT COUNT 0 COUNT 2", no_count),
            ("LMPOP 1 l LEFT COUNT 1 COUNT 2", SYNTAX),
            ("LMPOP 1 l LEFT COUNT", SYNTAX),
            ("LMPOP 1 l LEFT NOSUCH 1", SYNTAX),
            ("LMPOP 1 l LEFT 1", SYNTAX),
            ("LMPOP 1 l UP", SYNTAX),
            ("LMPOP 2 l LEFT", SYNTAX),
            (
                "LMPOP 1 l LEFT COUNT 9223372036854775807",
                "*2 $1 l *1 $1 2",
            ),
        ])
        .await;
    let wrong = ["LMPOP", "LMPOP 1", "LMPOP 1 l"];
    client.arity("lmpop", &wrong).await;
}
