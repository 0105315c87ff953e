//! Generated rules: random sequences of them are given to a user, and what ACL GETUSER, ACL LIST and ACL DRYRUN make of
//! it is compared. Only commands that both servers have are named; categories also mean those that only Redis has.
//! The view `rules` compares what the shown rules mean, and ACL DRYRUN what the users may do.

use super::lens::Lens;
use super::script::{Payload, Step, Then, encode_command};
use super::seeded::{Random, send, session};

const USERS: [&str; 3] = ["u", "v", "w"];
/// Commands, subcommands and containers.
const COMMANDS: [&str; 30] = [
    "get",
    "set",
    "GETDEL",
    "mget",
    "lpush",
    "rpush",
    "blpop",
    "brpop",
    "blmove",
    "lmove",
    "lrange",
    "publish",
    "subscribe",
    "psubscribe",
    "ssubscribe",
    "del",
    "keys",
    "sort",
    "multi",
    "exec",
    "config",
    "config|get",
    "config|Set",
    "client",
    "client|kill",
    "client|id",
    "object",
    "object|encoding",
    "acl|whoami",
    "select",
];
const CATEGORIES: [&str; 23] = [
    "all",
    "ALL",
    "keyspace",
    "read",
    "write",
    "set",
    "sortedset",
    "list",
    "hash",
    "string",
    "bitmap",
    "hyperloglog",
    "geo",
    "stream",
    "pubsub",
    "admin",
    "fast",
    "slow",
    "blocking",
    "dangerous",
    "connection",
    "transaction",
    "scripting",
];
const PLAIN: [&str; 22] = [
    "on",
    "off",
    "nopass",
    "resetpass",
    "reset",
    "allkeys",
    "resetkeys",
    "allchannels",
    "resetchannels",
    "clearselectors",
    "sanitize-payload",
    "skip-sanitize-payload",
    ">one",
    ">two",
    "<one",
    "!3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3",
    "+select|0",
    "+select|X",
    "+nosuch",
    "-config|nosuch",
    "+config|get|x",
    "nosuch",
];
const KEYS: [&str; 8] = ["a*", "*", "b", "?", "[ab]*", "", "k:*", "\\*"];
const MARKS: [&str; 7] = ["~", "~", "%R~", "%W~", "%RW~", "%w~", "%"];
const NAMES: [&str; 6] = ["a", "b", "ab", "k:1", "*", "a*"];
/// `key` and `channel` stand for a name.
const REQUESTS: [&str; 24] = [
    "get key",
    "set key x",
    "set key x get",
    "mget key key",
    "mset key x key y",
    "lmove key key left right",
    "lmpop 2 key key left",
    "blpop key key 0",
    "copy key key",
    "rename key key",
    "exists key",
    "del key key",
    "sort key store key",
    "watch key",
    "object encoding key",
    "publish channel x",
    "spublish channel x",
    "subscribe channel channel",
    "psubscribe channel channel",
    "ssubscribe channel",
    "select 0",
    "select x",
    "config get x",
    "client id",
];

fn step(random: &mut Random) -> Step {
    let user = random.pick(&USERS);
    let mut requests = vec![setuser(random, user)];
    requests.push(words(&["ACL", "GETUSER", user]));
    if random.once_in(10) {
        requests.push(words(&["ACL", "LIST"]));
    }
    if random.once_in(20) {
        requests.push(words(&["ACL", "DELUSER", user]));
    }
    requests.extend((0..12).map(|_| dryrun(random, user)));
    let mut lens = Lens::default();
    lens.add("rules").expect("a modifier");
    let source = requests.iter().map(|words| {
        let words = words.iter().map(|word| String::from_utf8_lossy(word));
        format!("\n    {}", words.collect::<Vec<_>>().join(" "))
    });
    let source = source.collect();
    let bytes = requests.iter().flat_map(|words| encode_command(words));
    send(
        "a",
        Payload::Bytes(bytes.collect()),
        Then::Barrier,
        source,
        lens,
    )
}

fn words(words: &[&str]) -> Vec<Vec<u8>> {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

fn setuser(random: &mut Random, user: &str) -> Vec<Vec<u8>> {
    let mut all = words(&["ACL", "SETUSER", user]);
    if random.once_in(3) {
        all.push(b"reset".to_vec());
    }
    for _ in 0..random.below(8) {
        if random.once_in(12) {
            let inner = (0..random.below(5)).map(|_| rule(random));
            let inner = inner.collect::<Vec<_>>().join(" ");
            all.push(format!("({inner})").into_bytes());
        } else if random.once_in(8) {
            all.push(random.pick(&PLAIN).into());
        } else {
            all.push(rule(random).into_bytes());
        }
    }
    all
}

/// A rule that may stand in a selector.
fn rule(random: &mut Random) -> String {
    let sign = random.pick(&["+", "-"]);
    match random.below(10) {
        0..=3 => format!("{sign}{}", random.pick(&COMMANDS)),
        4..=6 => format!("{sign}@{}", random.pick(&CATEGORIES)),
        7..=8 => format!("{}{}", random.pick(&MARKS), random.pick(&KEYS)),
        _ => format!("&{}", random.pick(&KEYS)),
    }
}

fn dryrun(random: &mut Random, user: &str) -> Vec<Vec<u8>> {
    let mut all = words(&["ACL", "DRYRUN", user]);
    for word in random.pick(&REQUESTS).split(' ') {
        all.push(match word {
            "key" | "channel" => random.pick(&NAMES).into(),
            word => word.into(),
        });
    }
    all
}

#[test]
#[ignore = "needs redis-server on PATH; .ci/run runs it"]
fn random_rules_resp2() {
    session(2, 2000, |random, _, _| step(random));
}

#[test]
#[ignore = "needs redis-server on PATH; .ci/run runs it"]
fn random_rules_resp3() {
    session(3, 2000, |random, _, _| step(random));
}
