//! Keys of any type and whole databases, and WAIT.

use fanfare::Server;

use crate::common::client::Client;
use crate::common::{field, until_info};

commands! {
    "del" => del,
    "unlink" => unlink,
    "exists" => exists,
    "type" => type_of,
    "touch" => touch,
    "rename" => rename,
    "renamenx" => renamenx,
    "copy" => copy,
    "move" => move_key,
    "randomkey" => randomkey,
    "keys" => keys,
    "dbsize" => dbsize,
    "flushdb" => flushdb,
    "flushall" => flushall,
    "swapdb" => swapdb,
    "wait" => wait,
}

const NO_SUCH_KEY: &str = "-ERR no such key";
const NO_INTEGER: &str = "-ERR value is not an integer or out of range";
const NO_INT: &str = "-ERR value is out of range, value must between -2147483648 and 2147483647";
const NO_DATABASE: &str = "-ERR DB index is out of range";
const SAME_OBJECT: &str = "-ERR source and destination objects are the same";
const SYNTAX: &str = "-ERR syntax error";

/// When a key that expires does so, in seconds since 1970.
const END: &str = ":4102444800";
/// A string, a string that expires then, and a list.
const SOME_KEYS: &[(&str, &str)] = &[
    ("SET s string", "+OK"),
    ("SET e expires EXAT 4102444800", "+OK"),
    ("RPUSH l 1 2 3", ":3"),
];

/// Checks which keys there are in the selected database.
async fn has_keys(client: &mut Client, expected: &[&str]) {
    client.line("KEYS *").await;
    let mut keys = client.push().await;
    keys.sort_unstable();
    assert_eq!(keys, expected);
}

/// A client that waits, asked for by `line`.
async fn waiter(server: &Server, client: &mut Client, line: &str) -> Client {
    let mut waiter = Client::connect(server, client.protocol).await;
    waiter.line(line).await;
    until_info(client, "blocked_clients", "1").await;
    waiter
}

/// A client whose EXEC will say whether one of these keys has changed.
async fn watcher(server: &Server, client: &Client, keys: &str) -> Client {
    let mut watcher = Client::connect(server, client.protocol).await;
    let watch = format!("WATCH {keys}");
    watcher.script(&[(&watch, "+OK"), ("MULTI", "+OK")]).await;
    watcher
}

async fn del(server: &Server, client: &mut Client) {
    deletes(server, client, "DEL").await;
}

async fn unlink(server: &Server, client: &mut Client) {
    deletes(server, client, "UNLINK").await;
}

async fn deletes(server: &Server, client: &mut Client, verb: &str) {
    client.arity(&verb.to_ascii_lowercase(), &[verb]).await;
    client.script(SOME_KEYS).await;
    let mut changed = watcher(server, client, "none l").await;
    let mut unchanged = watcher(server, client, "none e").await;
    client
        .script(&[
            (&format!("{verb} none"), ":0"),
            (&format!("{verb} l none s l"), ":2"),
            ("EXISTS s e l", ":1"),
            ("LLEN l", ":0"),
            (&format!("{verb} e"), ":1"),
            ("DBSIZE", ":0"),
            ("TTL e", ":-2"),
            ("SET e again", "+OK"),
            ("TTL e", ":-1"),
        ])
        .await;
    changed.ask("EXEC", "*-1").await;
    unchanged.ask("EXEC", "*-1").await;
    // What is large goes in the background, and is gone for clients at once.
    let large = "x".repeat(3_000_000);
    client.ask(&format!("RPUSH large {large}"), ":1").await;
    client
        .script(&[(&format!("{verb} large"), ":1"), ("EXISTS large", ":0")])
        .await;
}

async fn exists(_: &Server, client: &mut Client) {
    client.arity("exists", &["EXISTS"]).await;
    client.script(SOME_KEYS).await;
    client
        .script(&[
            ("EXISTS none", ":0"),
            ("exists s", ":1"),
            ("EXISTS s l none s ", ":3"),
            ("SET  empty", "+OK"),
            ("EXISTS ", ":1"),
        ])
        .await;
}

async fn type_of(_: &Server, client: &mut Client) {
    client.arity("type", &["TYPE", "TYPE a b"]).await;
    client.script(SOME_KEYS).await;
    client
        .script(&[
            ("TYPE s", "+string"),
            ("type l", "+list"),
            ("TYPE none", "+none"),
        ])
        .await;
}

async fn touch(_: &Server, client: &mut Client) {
    client.arity("touch", &["TOUCH"]).await;
    client.script(SOME_KEYS).await;
    client
        .script(&[("TOUCH none", ":0"), ("touch s l none s", ":3")])
        .await;
}

async fn rename(server: &Server, client: &mut Client) {
    client
        .arity("rename", &["RENAME", "RENAME a", "RENAME a b c"])
        .await;
    client.script(SOME_KEYS).await;
    let mut changed = watcher(server, client, "new").await;
    client
        .script(&[
            ("RENAME none new", NO_SUCH_KEY),
            ("RENAME none none", NO_SUCH_KEY),
            ("rename s s", "+OK"),
            // All that belongs to the key goes with it.
            ("RENAME e new", "+OK"),
            ("EXPIRETIME new", END),
            ("GET new", "$7 expires"),
            ("EXISTS e", ":0"),
            ("EXPIRETIME e", ":-2"),
            // And nothing stays of what was there.
            ("RENAME l new", "+OK"),
            ("LRANGE new 0 -1", "*3 $1 1 $1 2 $1 3"),
            ("TTL new", ":-1"),
            ("RENAME new ", "+OK"),
            ("LLEN ", ":3"),
        ])
        .await;
    changed.ask("EXEC", "*-1").await;
    has_keys(client, &["", "s"]).await;
    let mut waiter = waiter(server, client, "BLPOP queue 0").await;
    client.ask("RENAME  queue", "+OK").await;
    waiter.sees("*2 $5 queue $1 1").await;
    client.ask("LLEN queue", ":2").await;
}

async fn renamenx(server: &Server, client: &mut Client) {
    client
        .arity("renamenx", &["RENAMENX", "RENAMENX a", "RENAMENX a b c"])
        .await;
    client.script(SOME_KEYS).await;
    let mut unchanged = watcher(server, client, "s e l").await;
    client
        .script(&[
            ("RENAMENX none new", NO_SUCH_KEY),
            ("RENAMENX none s", NO_SUCH_KEY),
            ("RENAMENX s s", ":0"),
            ("renamenx s l", ":0"),
            ("GET s", "$6 string"),
            ("LLEN l", ":3"),
        ])
        .await;
    unchanged.ask("EXEC", "*0").await;
    client
        .script(&[
            ("RENAMENX e new", ":1"),
            ("EXPIRETIME new", END),
            ("EXISTS e", ":0"),
        ])
        .await;
}

async fn copy(server: &Server, client: &mut Client) {
    client.arity("copy", &["COPY", "COPY a"]).await;
    client.script(SOME_KEYS).await;
    client
        .script(&[
            ("COPY none new", ":0"),
            ("COPY none s REPLACE", ":0"),
            ("COPY e new", ":1"),
            ("GET new", "$7 expires"),
            ("GET e", "$7 expires"),
            ("EXPIRETIME new", END),
            // Each goes its own way.
            ("COPY l new", ":0"),
            ("copy l new replace", ":1"),
            ("TTL new", ":-1"),
            ("RPUSH new 4", ":4"),
            ("LSET new 0 x", "+OK"),
            ("LRANGE l 0 -1", "*3 $1 1 $1 2 $1 3"),
            ("LRANGE new 0 -1", "*4 $1 x $1 2 $1 3 $1 4"),
            ("COPY s s", SAME_OBJECT),
            ("COPY none none", SAME_OBJECT),
            ("COPY s s DB 0", SAME_OBJECT),
            // To another database, the last that is named.
            ("COPY s s DB 1", ":1"),
            ("COPY s s db 1", ":0"),
            ("COPY e s DB 7 REPLACE DB 1 REPLACE", ":1"),
            ("SELECT 1", "+OK"),
            ("GET s", "$7 expires"),
            ("EXPIRETIME s", END),
            ("SELECT 0", "+OK"),
            ("GET s", "$6 string"),
            ("COPY s t DB", SYNTAX),
            ("COPY s t BY 1", SYNTAX),
            ("COPY s s REPLACED", SYNTAX),
            ("COPY s t DB x", NO_INTEGER),
            ("COPY s t DB 16", NO_DATABASE),
            ("COPY s t DB -1", NO_DATABASE),
            ("COPY s t DB 2147483648", NO_INT),
            ("EXISTS t", ":0"),
        ])
        .await;
    let mut changed = watcher(server, client, "queue").await;
    let mut waiter = waiter(server, client, "BLPOP queue 0").await;
    client.ask("COPY l queue", ":1").await;
    waiter.sees("*2 $5 queue $1 1").await;
    changed.ask("EXEC", "*-1").await;
    client
        .script(&[("LLEN queue", ":2"), ("LLEN l", ":3")])
        .await;
}

async fn move_key(server: &Server, client: &mut Client) {
    client
        .arity("move", &["MOVE", "MOVE a", "MOVE a 1 2"])
        .await;
    client.script(SOME_KEYS).await;
    let mut changed = watcher(server, client, "e").await;
    client
        .script(&[
            ("MOVE none 1", ":0"),
            ("MOVE e 1", ":1"),
            ("EXISTS e", ":0"),
            ("SET e other", "+OK"),
            ("move e 1", ":0"),
            ("GET e", "$5 other"),
            ("SELECT 1", "+OK"),
            ("GET e", "$7 expires"),
            ("EXPIRETIME e", END),
            ("DBSIZE", ":1"),
            ("MOVE e 1", SAME_OBJECT),
            ("MOVE none 1", SAME_OBJECT),
            ("MOVE e x", NO_INTEGER),
            ("MOVE e 16", NO_DATABASE),
            ("MOVE e -1", NO_DATABASE),
            ("MOVE e 99999999999", NO_INT),
        ])
        .await;
    changed.ask("EXEC", "*-1").await;
    let mut waiter = waiter(server, client, "BLPOP queue 0").await;
    client
        .script(&[
            ("RPUSH queue 1 2", ":2"),
            ("SELECT 3", "+OK"),
            ("RPUSH queue 7", ":1"),
        ])
        .await;
    // It waits in database 0, whatever there is in others.
    client.ask("MOVE queue 0", ":1").await;
    waiter.sees("*2 $5 queue $1 7").await;
}

async fn randomkey(_: &Server, client: &mut Client) {
    client.arity("randomkey", &["RANDOMKEY x"]).await;
    client.ask("RANDOMKEY", "_").await;
    client.ask("SET only key", "+OK").await;
    client.ask("randomkey", "$4 only").await;
    client
        .script(&[("SET other key", "+OK"), ("SET third key", "+OK")])
        .await;
    let mut seen = Vec::new();
    while seen.len() < 3 {
        client.line("RANDOMKEY").await;
        let key = client.text().await;
        if !seen.contains(&key) {
            seen.push(key);
        }
    }
    seen.sort_unstable();
    assert_eq!(seen, ["only", "other", "third"]);
}

async fn keys(_: &Server, client: &mut Client) {
    client.arity("keys", &["KEYS", "KEYS a b"]).await;
    client.ask("KEYS *", "*0").await;
    client.script(SOME_KEYS).await;
    client
        .script(&[("SET  empty", "+OK"), ("SET [x] class", "+OK")])
        .await;
    has_keys(client, &["", "[x]", "e", "l", "s"]).await;
    client
        .script(&[
            ("KEYS none", "*0"),
            ("keys l", "*1 $1 l"),
            ("KEYS [k-m]", "*1 $1 l"),
            (r"KEYS \[*", "*1 $3 [x]"),
            ("KEYS [^a-r]?", "*0"),
            // An empty name is matched by the empty pattern and by stars.
            ("KEYS ", "*1 $0 "),
            ("KEYS ???*", "*1 $3 [x]"),
            ("SELECT 1", "+OK"),
            ("KEYS *", "*0"),
            ("SET  empty", "+OK"),
            ("KEYS **", "*1 $0 "),
            ("KEYS *?", "*0"),
        ])
        .await;
}

async fn dbsize(_: &Server, client: &mut Client) {
    client.arity("dbsize", &["DBSIZE x"]).await;
    client.ask("DBSIZE", ":0").await;
    client.script(SOME_KEYS).await;
    client
        .script(&[
            ("dbsize", ":3"),
            ("SELECT 15", "+OK"),
            ("DBSIZE", ":0"),
            ("SET a b", "+OK"),
            ("DBSIZE", ":1"),
        ])
        .await;
}

async fn flushdb(server: &Server, client: &mut Client) {
    flushes(server, client, "FLUSHDB").await;
    client.ask("DBSIZE", ":3").await;
}

async fn flushall(server: &Server, client: &mut Client) {
    flushes(server, client, "FLUSHALL").await;
    client.ask("DBSIZE", ":0").await;
}

/// Leaves the client in database 1, where keys were before.
async fn flushes(server: &Server, client: &mut Client, verb: &str) {
    for mode in ["", " async", " SYNC"] {
        client.script(SOME_KEYS).await;
        let mut changed = watcher(server, client, "none l").await;
        let mut unchanged = watcher(server, client, "none").await;
        let line = format!("{verb}{mode}");
        client.script(&[(&line, "+OK"), ("DBSIZE", ":0")]).await;
        changed.ask("EXEC", "*-1").await;
        unchanged.ask("EXEC", "*0").await;
    }
    client
        .script(&[
            (&format!("{verb} LAZY"), SYNTAX),
            (&format!("{verb} ASYNC SYNC"), SYNTAX),
            ("SELECT 1", "+OK"),
        ])
        .await;
    client.script(SOME_KEYS).await;
    // Much goes in the background, and is gone for clients at once.
    let large = "x".repeat(3_000_000);
    client
        .script(&[
            ("SELECT 0", "+OK"),
            (&format!("SET large {large}"), "+OK"),
            (verb, "+OK"),
            ("EXISTS large", ":0"),
            ("SET e again", "+OK"),
            ("TTL e", ":-1"),
            ("SELECT 1", "+OK"),
        ])
        .await;
}

async fn swapdb(server: &Server, client: &mut Client) {
    client
        .arity("swapdb", &["SWAPDB", "SWAPDB 0", "SWAPDB 0 1 2"])
        .await;
    client.script(SOME_KEYS).await;
    client
        .script(&[
            ("SWAPDB 0 0", "+OK"),
            ("DBSIZE", ":3"),
            ("swapdb 0 1", "+OK"),
            ("DBSIZE", ":0"),
            ("SELECT 1", "+OK"),
            ("GET s", "$6 string"),
            ("EXPIRETIME e", END),
            ("SWAPDB x y", "-ERR invalid first DB index"),
            ("SWAPDB 99999999999 0", "-ERR invalid first DB index"),
            ("SWAPDB 99 y", "-ERR invalid second DB index"),
            ("SWAPDB 0 16", NO_DATABASE),
            ("SWAPDB -1 0", NO_DATABASE),
            ("SELECT 0", "+OK"),
        ])
        .await;
    // Who watches a key that one of them has is told; databases that others watch are others.
    let mut changed = watcher(server, client, "none s").await;
    let mut unchanged = watcher(server, client, "none").await;
    client.ask("SWAPDB 1 0", "+OK").await;
    changed.ask("EXEC", "*-1").await;
    unchanged.ask("EXEC", "*0").await;
    // Who waits for a key is served from the list that comes to be there.
    let mut waiter = waiter(server, client, "BLPOP queue 0").await;
    client
        .script(&[
            ("SELECT 1", "+OK"),
            ("RPUSH queue 1 2", ":2"),
            ("SWAPDB 0 1", "+OK"),
        ])
        .await;
    waiter.sees("*2 $5 queue $1 1").await;
    waiter.ask("LLEN queue", ":1").await;
}

async fn wait(server: &Server, client: &mut Client) {
    client
        .arity("wait", &["WAIT", "WAIT 1", "WAIT 1 2 3"])
        .await;
    client
        .script(&[
            ("WAIT 0 0", ":0"),
            ("wait -1 0", ":0"),
            ("WAIT 1 1", ":0"),
            ("WAIT x y", NO_INTEGER),
            ("WAIT 1 x", "-ERR timeout is not an integer or out of range"),
            (
                "WAIT 1 0.5",
                "-ERR timeout is not an integer or out of range",
            ),
            ("WAIT 0 -1", "-ERR timeout is negative"),
            // Within a transaction nothing waits.
            ("MULTI", "+OK"),
            ("WAIT 1 0", "+QUEUED"),
            ("EXEC", "*1 :0"),
        ])
        .await;
    for (timeout, reason, reply) in [
        ("0", "", ":0"),
        ("9223372036854775807", " TIMEOUT", ":0"),
        (
            "1000000",
            " ERROR",
            "-UNBLOCKED client unblocked via CLIENT UNBLOCK",
        ),
    ] {
        let mut waiter = waiter(server, client, &format!("WAIT 1 {timeout}")).await;
        client.line(&format!("CLIENT LIST ID {}", waiter.id)).await;
        assert_eq!(field(&client.text().await, "flags"), "b");
        let unblock = format!("CLIENT UNBLOCK {}{reason}", waiter.id);
        client.ask(&unblock, ":1").await;
        waiter.expect(format!("{reply}\r\n")).await;
        waiter.barrier().await;
    }
}
