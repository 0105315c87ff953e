//! The group transactions. What one is to its own connection and to everybody else is tested in
//! `connection` and `atomic`.

use fanfare::Server;

use crate::common::client::Client;
use crate::common::field;

mod atomic;
mod connection;

commands! {
    "multi" => multi,
    "exec" => exec,
    "discard" => discard,
    "watch" => watch,
    "unwatch" => unwatch,
}

const SPOILED: &str = "-EXECABORT Transaction discarded because of previous errors.";

async fn multi(server: &Server, client: &mut Client) {
    client
        .script(&[
            ("multi", "+OK"),
            ("MULTI", "-ERR MULTI calls can not be nested"),
            ("SET k v", "+QUEUED"),
            ("WATCH k", "-ERR WATCH inside MULTI is not allowed"),
            ("UNWATCH", "+QUEUED"),
            ("PING", "+QUEUED"),
        ])
        .await;
    // Nothing is carried out yet, and what was refused at once spoils nothing.
    let mut other = Client::connect(server, client.protocol).await;
    other.ask("EXISTS k", ":0").await;
    other.line(&format!("CLIENT LIST ID {}", client.id)).await;
    let line = other.text().await;
    for (name, value) in [("flags", "x"), ("multi", "3"), ("cmd", "ping")] {
        assert_eq!(field(&line, name), value, "{name}");
    }
    assert_ne!(field(&line, "multi-mem"), "0");
    client.ask("EXEC", "*3 +OK +OK +PONG").await;
    other.line(&format!("CLIENT LIST ID {}", client.id)).await;
    let line = other.text().await;
    for (name, value) in [("flags", "N"), ("multi", "-1"), ("multi-mem", "0")] {
        assert_eq!(field(&line, name), value, "{name}");
    }
    client.arity("multi", &["MULTI x"]).await;
    // What would not be allowed at all is not queued.
    client
        .script(&[
            ("MULTI", "+OK"),
            (
                "NOSUCH x",
                "-ERR unknown command 'NOSUCH', with args beginning with: 'x' ",
            ),
        ])
        .await;
    client
        .script(&[("EXEC", SPOILED), ("EXEC", "-ERR EXEC without MULTI")])
        .await;
}

async fn exec(_: &Server, client: &mut Client) {
    client
        .script(&[
            ("EXEC", "-ERR EXEC without MULTI"),
            ("MULTI", "+OK"),
            ("EXEC", "*0"),
            ("MULTI", "+OK"),
        ])
        .await;
    for line in [
        "SET a 1",
        "GET a",
        "INCR a",
        "LPUSH a x",
        "GET none",
        "LRANGE none 0 -1",
    ] {
        client.ask(line, "+QUEUED").await;
    }
    // An error is one of the replies, and what follows it goes on.
    client.ask("exec", "*6 +OK $1 1 :2").await;
    client
        .reads("-WRONGTYPE Operation against a key holding the wrong kind of value\r\n")
        .await;
    client.sees("_ *0").await;
    // A command that is refused spoils all.
    for (line, error) in [
        ("GET", "-ERR wrong number of arguments for 'get' command"),
        (
            "CLIENT NOSUCH",
            "-ERR unknown subcommand 'NOSUCH'. Try CLIENT HELP.",
        ),
        (
            "EXEC x",
            "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command",
        ),
    ] {
        client
            .script(&[("MULTI", "+OK"), ("SET a 9", "+QUEUED"), (line, error)])
            .await;
        if line == "EXEC x" {
            continue;
        }
        client
            .script(&[("SET a 8", "+QUEUED"), ("EXEC", SPOILED)])
            .await;
    }
    client
        .script(&[("EXEC", "-ERR EXEC without MULTI"), ("GET a", "$1 2")])
        .await;
    let not_allowed = "-ERR Command not allowed inside a transaction";
    client
        .script(&[
            ("MULTI", "+OK"),
            ("SHUTDOWN", not_allowed),
            ("EXEC", SPOILED),
            // A nap in between tears nothing apart.
            ("MULTI", "+OK"),
            ("DEBUG SLEEP 0.001", "+QUEUED"),
            ("PING", "+QUEUED"),
            ("EXEC", "*2 +OK +PONG"),
        ])
        .await;
    // The database that is selected in it is that of what follows.
    client
        .script(&[
            ("MULTI", "+OK"),
            ("SELECT 3", "+QUEUED"),
            ("SET b 1", "+QUEUED"),
        ])
        .await;
    client
        .script(&[("EXEC", "*2 +OK +OK"), ("GET b", "$1 1")])
        .await;
    client
        .script(&[("SELECT 0", "+OK"), ("EXISTS b", ":0")])
        .await;
    // Replies that are not wanted are not there, as in Redis: the array is shorter than it says.
    client
        .script(&[("MULTI", "+OK"), ("CLIENT REPLY SKIP", "+QUEUED")])
        .await;
    client
        .script(&[("PING", "+QUEUED"), ("EXEC", "*2 +PONG")])
        .await;
    client.line("PING skipped").await;
    client.barrier().await;
    client.line("CLIENT REPLY OFF").await;
    for line in ["MULTI", "SET a 5", "CLIENT REPLY ON", "GET a", "EXEC"] {
        client.line(line).await;
    }
    client.sees("+OK $1 5").await;
    client.barrier().await;
    // The protocol that is chosen in it is that of what follows.
    client.ask("MULTI", "+OK").await;
    let other = 5 - client.protocol;
    client
        .script(&[
            ("GET none", "+QUEUED"),
            (&format!("HELLO {other}"), "+QUEUED"),
        ])
        .await;
    client
        .script(&[("GET none", "+QUEUED"), ("LPOP none 1", "+QUEUED")])
        .await;
    client.ask("EXEC", "*4 _").await;
    client.protocol = other;
    client.frame().await;
    client.sees("_ *-1").await;
    client.barrier().await;
}

async fn discard(server: &Server, client: &mut Client) {
    client
        .script(&[
            ("DISCARD", "-ERR DISCARD without MULTI"),
            ("MULTI", "+OK"),
            ("SET a 1", "+QUEUED"),
            (
                "DISCARD x",
                "-ERR wrong number of arguments for 'discard' command",
            ),
            ("discard", "+OK"),
            ("DISCARD", "-ERR DISCARD without MULTI"),
            ("EXISTS a", ":0"),
            // It ends the watching, too.
            ("WATCH a", "+OK"),
        ])
        .await;
    let mut other = Client::connect(server, 2).await;
    other.ask("SET a 2", "+OK").await;
    client
        .script(&[
            ("MULTI", "+OK"),
            ("DISCARD", "+OK"),
            ("MULTI", "+OK"),
            ("GET a", "+QUEUED"),
            ("EXEC", "*1 $1 2"),
        ])
        .await;
}

/// What others do to the watched keys `k`, `l` (a list of two) and, in database 1, `d`, and whether
/// EXEC fails for it.
const CHANGES: &[(&str, bool)] = &[
    ("SET k 2", true),
    ("SET k 1", true),
    ("GET k", false),
    ("DEL k", true),
    ("DEL nosuch", false),
    ("APPEND k x", true),
    ("INCR k", true),
    ("EXPIRE k 100", true),
    ("PERSIST k", false),
    ("EXPIRE k -1", true),
    ("TOUCH k", false),
    ("RENAME k j", true),
    ("RENAME o k", true),
    ("COPY k j", false),
    ("COPY o k REPLACE", true),
    ("MOVE k 2", true),
    ("SETNX k x", false),
    ("LPUSH k x", false),
    ("LPUSH l x", true),
    ("LPOP l", true),
    ("LPOP l 0", false),
    ("LRANGE l 0 -1", false),
    ("LSET l 0 x", true),
    ("LREM l 0 nosuch", false),
    ("LTRIM l 0 -1", true),
    ("LMOVE l j LEFT LEFT", true),
    ("RPOPLPUSH o l", true),
    ("BLPOP l 0", true),
    ("LINSERT l BEFORE nosuch x", false),
    ("SORT o STORE l", true),
    ("SET d x", false),
    ("FLUSHDB", true),
    ("FLUSHALL", true),
    ("SWAPDB 0 2", true),
    ("SWAPDB 2 3", false),
    ("SWAPDB 1 2", true),
];

async fn watch(server: &Server, client: &mut Client) {
    let mut other = Client::connect(server, 3).await;
    for (change, fails) in CHANGES {
        other
            .script(&[
                ("FLUSHALL", "+OK"),
                ("SET k 1", "+OK"),
                ("RPUSH l a b", ":2"),
                ("RPUSH o 1", ":1"),
            ])
            .await;
        client
            .script(&[
                ("SELECT 1", "+OK"),
                ("SET d 1", "+OK"),
                ("WATCH d", "+OK"),
                ("SELECT 0", "+OK"),
                ("watch k l none k", "+OK"),
                // What it does itself before counts as well; looking does not.
                ("GET k", "$1 1"),
            ])
            .await;
        other.line(change).await;
        other.frame().await;
        let reply = if *fails { "*-1" } else { "*1 +PONG" };
        client
            .script(&[("MULTI", "+OK"), ("PING", "+QUEUED"), ("EXEC", reply)])
            .await;
    }
    other.ask("FLUSHALL", "+OK").await;
    client
        .script(&[
            // By itself.
            ("WATCH a", "+OK"),
            ("SET a 1", "+OK"),
            ("MULTI", "+OK"),
            ("EXEC", "*-1"),
            // An EXEC ends it.
            ("MULTI", "+OK"),
            ("SET a 2", "+QUEUED"),
            ("EXEC", "*1 +OK"),
            // One without MULTI does not.
            ("WATCH a", "+OK"),
            ("SET a 3", "+OK"),
            ("EXEC", "-ERR EXEC without MULTI"),
            ("MULTI", "+OK"),
            ("EXEC", "*-1"),
            // What is not there is not changed by being flushed.
            ("WATCH gone", "+OK"),
            ("FLUSHALL", "+OK"),
            ("MULTI", "+OK"),
            ("EXEC", "*0"),
            // There and gone again is a change.
            ("WATCH x", "+OK"),
            ("SET x 1", "+OK"),
            ("DEL x", ":1"),
            ("MULTI", "+OK"),
            ("EXEC", "*-1"),
        ])
        .await;
    // The flag of CLIENT LIST.
    client.script(&[("WATCH a", "+OK"), ("INCR a", ":1")]).await;
    client.line("CLIENT INFO").await;
    assert_eq!(field(&client.text().await, "flags"), "d");
    client.script(&[("MULTI", "+OK"), ("EXEC", "*-1")]).await;
    // A spoiled one says that it is.
    client
        .script(&[("WATCH a", "+OK"), ("INCR a", ":2"), ("MULTI", "+OK")])
        .await;
    client.arity("get", &["GET"]).await;
    client.script(&[("EXEC", SPOILED)]).await;
    // A key whose time comes.
    while {
        client
            .script(&[
                ("UNWATCH", "+OK"),
                ("SET e 1 PX 20", "+OK"),
                ("WATCH e", "+OK"),
            ])
            .await;
        client.line("EXISTS e").await;
        // It must have been there.
        client.integer().await == 0
    } {}
    while {
        client.line("EXISTS e").await;
        client.integer().await == 1
    } {}
    client.script(&[("MULTI", "+OK"), ("EXEC", "*-1")]).await;
    client.arity("watch", &["WATCH"]).await;
}

async fn unwatch(server: &Server, client: &mut Client) {
    let mut other = Client::connect(server, 2).await;
    client
        .script(&[("UNWATCH", "+OK"), ("WATCH a", "+OK")])
        .await;
    other.ask("SET a 1", "+OK").await;
    client
        .script(&[
            ("unwatch", "+OK"),
            ("MULTI", "+OK"),
            ("GET a", "+QUEUED"),
            ("UNWATCH", "+QUEUED"),
            ("EXEC", "*2 $1 1 +OK"),
        ])
        .await;
    client.arity("unwatch", &["UNWATCH x"]).await;
}
