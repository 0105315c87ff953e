//! What operators have: CLIENT PAUSE, SLOWLOG, LATENCY, MONITOR, and what becomes of a panic.

mod common;

use std::time::Duration;

use common::client::Client;
use common::{both, eventually, field, info, start, start_with, until_info};

/// Sends a line that a pause holds back, and waits until it is.
async fn postpone(client: &mut Client, lines: &[u8], asker: &mut Client, waiting: usize) {
    client.send(lines).await;
    until_info(asker, "blocked_clients", &waiting.to_string()).await;
}

#[tokio::test]
async fn a_pause_of_writes_holds_back_exactly_what_replicates() {
    both(async |server, client| {
        let mut writer = Client::connect(server, client.protocol).await;
        client.ask("SET k old", "+OK").await;
        client.ask("CLIENT PAUSE 1000000 WRITE", "+OK").await;
        let batch = b"GET k\r\nSET k new\r\nGET k\r\nPUBLISH c x\r\nPING\r\n";
        postpone(&mut writer, batch, client, 1).await;
        writer.sees("$3 old").await;
        client.line(&format!("CLIENT LIST ID {}", writer.id)).await;
        let line = client.text().await;
        assert_eq!((field(&line, "flags"), field(&line, "cmd")), ("b", "set"));
        assert_ne!(field(&line, "qbuf"), "0");
        client.ask("GET k", "$3 old").await;
        // It is no waiter for an element.
        client
            .ask(&format!("CLIENT UNBLOCK {}", writer.id), ":0")
            .await;
        client.ask("CLIENT UNPAUSE", "+OK").await;
        writer.sees("+OK $3 new :0 +PONG").await;
        assert_eq!(info(client, "blocked_clients").await, "0");
    })
    .await;
}

#[tokio::test]
async fn a_pause_of_everything_ends_by_itself() {
    both(async |server, client| {
        let mut other = Client::connect(server, client.protocol).await;
        client.ask("CLIENT PAUSE 1 WRITE", "+OK").await;
        // The later end and the wider scope hold.
        client.ask("CLIENT PAUSE 30", "+OK").await;
        other.ask("PING", "+PONG").await;
        client.ask("SET k v", "+OK").await;
        assert_eq!(info(client, "blocked_clients").await, "0");
    })
    .await;
}

/// Who waits for the end of a pause may leave, is bounded, and does not hold up a shutdown.
#[tokio::test]
async fn connections_of_a_pause_end_as_others_do() {
    let server = start_with(&[("client-query-buffer-limit", "1mb")]).await;
    let mut asker = Client::connect(&server, 2).await;
    asker.ask("CLIENT PAUSE 1000000 WRITE", "+OK").await;
    let mut leaves = Client::connect(&server, 2).await;
    postpone(&mut leaves, b"SET k v\r\n", &mut asker, 1).await;
    drop(leaves);
    until_info(&mut asker, "blocked_clients", "0").await;

    let mut floods = Client::connect(&server, 2).await;
    postpone(&mut floods, b"SET k v\r\n", &mut asker, 1).await;
    while floods.try_send(&[b'x'; 64 * 1024]).await.is_ok() {}
    floods.closed().await;
    let disconnections = "client_query_buffer_limit_disconnections";
    until_info(&mut asker, disconnections, "1").await;

    let mut killed = Client::connect(&server, 2).await;
    postpone(&mut killed, b"SET k v\r\n", &mut asker, 1).await;
    asker
        .ask(&format!("CLIENT KILL ID {}", killed.id), ":1")
        .await;
    killed.closed().await;

    let mut waits = Client::connect(&server, 2).await;
    postpone(&mut waits, b"SET k v\r\n", &mut asker, 1).await;
    server.stop().await;
    waits.closed().await;
}

/// What was published before a pause goes on to subscribers, and a blocked client's time runs.
#[tokio::test]
async fn a_pause_stops_neither_delivery_nor_timeouts() {
    both(async |server, client| {
        let mut subscriber = Client::connect(server, client.protocol).await;
        subscriber.subscribe("SUBSCRIBE", &["c"]).await;
        let mut waiter = Client::connect(server, client.protocol).await;
        waiter.line("BLPOP none 0.05").await;
        until_info(client, "blocked_clients", "1").await;
        client
            .send(b"PUBLISH c x\r\nCLIENT PAUSE 1000000 WRITE\r\n")
            .await;
        client.sees(":1 +OK").await;
        assert_eq!(subscriber.push().await[2], "x");
        waiter.sees("*-1").await;
    })
    .await;
}

#[tokio::test]
async fn no_key_expires_during_a_pause_but_none_is_seen() {
    both(async |server, client| {
        let mut subscriber = Client::connect(server, 3).await;
        subscriber
            .subscribe("SUBSCRIBE", &["__keyevent@0__:expired"])
            .await;
        client
            .ask("CONFIG SET notify-keyspace-events Ex", "+OK")
            .await;
        client.ask("SET k v PX 40", "+OK").await;
        client.ask("CLIENT PAUSE 1000000 WRITE", "+OK").await;
        let gone = wire_until(client, "EXISTS k", ":0\r\n");
        gone.await;
        client.script(&[("GET k", "_"), ("TTL k", ":-2")]).await;
        assert_eq!(info(client, "expired_keys").await, "0");
        subscriber.barrier().await;
        client.ask("CLIENT UNPAUSE", "+OK").await;
        assert_eq!(subscriber.push().await[2], "k");
    })
    .await;
}

/// Asks until this is the reply.
async fn wire_until(client: &mut Client, line: &str, reply: &str) {
    common::soon(line, async {
        while client.reply(line).await != reply.as_bytes() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn slow_commands_are_listed() {
    both(async |_, client| {
        client.ask("SLOWLOG LEN", ":0").await;
        client.ask("DEBUG SLEEP 0.001", "+OK").await;
        client.ask("SLOWLOG LEN", ":0").await;
        client
            .ask("CONFIG SET slowlog-log-slower-than 1000", "+OK")
            .await;
        client.ask("DEBUG SLEEP 0.002", "+OK").await;
        client.line("SLOWLOG GET").await;
        let reply = format!("{:?}", client.frame().await);
        assert!(
            reply.contains("0.002") && reply.contains(&client.address),
            "{reply}"
        );
    })
    .await;
}

/// Messages that are gathered before they are published are slow together.
#[tokio::test]
async fn a_slow_run_of_publishes_is_listed() {
    let server = start_with(&[("slowlog-log-slower-than", "1")]).await;
    let mut client = Client::connect(&server, 2).await;
    for _ in 0..200 {
        let mut subscriber = Client::connect(&server, 2).await;
        subscriber.subscribe("SUBSCRIBE", &["c"]).await;
        // It stays connected, and is not read from.
        std::mem::forget(subscriber);
    }
    client.ask("SLOWLOG RESET", "+OK").await;
    client
        .send(b"publish c one\r\npublish c two\r\nPING\r\n")
        .await;
    client.sees(":200 :200 +PONG").await;
    client.line("SLOWLOG GET").await;
    let reply = format!("{:?}", client.frame().await);
    for word in ["PUBLISH", "one", "two"] {
        assert!(reply.contains(word), "{word} is not in {reply}");
    }
}

#[tokio::test]
async fn latency_is_noted_and_told() {
    both(async |_, client| {
        client
            .ask("CONFIG SET latency-monitor-threshold 2", "+OK")
            .await;
        client.ask("DEBUG SLEEP 0.003", "+OK").await;
        client.line("LATENCY LATEST").await;
        let latest = format!("{:?}", client.frame().await);
        assert!(latest.contains("command"), "{latest}");
        client.line("LATENCY DOCTOR").await;
        let report = client.text().await;
        assert!(
            report.contains("1. command: 1 samples, 3 ms on average"),
            "{report}"
        );
        assert!(
            report.contains("CONFIG SET slowlog-log-slower-than 2000 lists all of it."),
            "{report}"
        );
        client.line("LATENCY GRAPH command").await;
        let graph = client.text().await;
        assert!(
            graph.starts_with("command - high 3 ms, low 3 ms (all time high 3 ms)\n---"),
            "{graph}"
        );
        client.ask("LATENCY RESET command", ":1").await;
        client.ask("LATENCY RESET", ":0").await;
    })
    .await;
}

#[tokio::test]
async fn histograms_count_every_run() {
    both(async |_, client| {
        client.ask("CONFIG RESETSTAT", "+OK").await;
        client.send(b"ECHO x\r\n".repeat(5000)).await;
        for _ in 0..5000 {
            client.sees("$1 x").await;
        }
        client.send(b"PUBLISH c x\r\n".repeat(100)).await;
        for _ in 0..100 {
            client.sees(":0").await;
        }
        client.line("LATENCY HISTOGRAM echo publish").await;
        let reply = format!("{:?}", client.frame().await);
        assert!(
            reply.contains("data: 5000") && reply.contains("data: 100"),
            "{reply}"
        );
        let shown = info(client, "latency_percentiles_usec_echo").await;
        assert!(
            shown.starts_with("p50=") && shown.contains(",p99.9="),
            "{shown}"
        );
    })
    .await;
}

/// A monitor sees what others do in the order in which they do it, and each connection's once.
#[tokio::test]
async fn a_monitor_sees_each_connection_in_order() {
    let server = start().await;
    let mut monitor = Client::connect(&server, 2).await;
    monitor.ask("MONITOR", "+OK").await;
    let mut clients = Vec::new();
    for _ in 0..4 {
        clients.push(Client::connect(&server, 2).await);
    }
    for client in &mut clients {
        let batch: String = (0..500).map(|n| format!("ECHO {n}\r\n")).collect();
        client.send(batch).await;
    }
    let mut next = std::collections::HashMap::new();
    let mut seen = 0;
    while seen < 4 * 500 {
        let line = monitor.text().await;
        if line.contains("\"HELLO\"") {
            continue;
        }
        let address = line.split_once("[0 ").unwrap().1.split(']').next().unwrap();
        let expected = next.entry(address.to_owned()).or_insert(0);
        assert!(
            line.ends_with(&format!("\"ECHO\" \"{expected}\"")),
            "{line}"
        );
        *expected += 1;
        seen += 1;
    }
    assert_eq!(next.len(), 4);
}

#[tokio::test]
async fn a_monitor_of_a_unix_socket() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("s");
    let path = path.to_str().expect("text");
    let server = start_with(&[("unixsocket", path)]).await;
    let mut monitor = Client::connect(&server, 3).await;
    monitor.ask("MONITOR", "+OK").await;
    let mut client = Client::unix(path.as_ref()).await;
    client.ask("PING", "+PONG").await;
    let line = monitor.text().await;
    assert!(
        line.ends_with(&format!(" [0 unix:{path}] \"PING\"")),
        "{line}"
    );
}

/// A monitor that does not read is cut off at the limits of subscribers, and counted.
#[tokio::test]
async fn a_monitor_that_does_not_read() {
    let limit = "normal 0 0 0 pubsub 1mb 0 0";
    let server = start_with(&[("client-output-buffer-limit", limit)]).await;
    let mut monitor = Client::connect(&server, 2).await;
    monitor.ask("MONITOR", "+OK").await;
    let mut client = Client::connect(&server, 2).await;
    let word = "x".repeat(64 * 1024);
    eventually_cut(&mut client, &word).await;
    client.line(&format!("CLIENT LIST ID {}", monitor.id)).await;
    assert_eq!(client.text().await, "");
}

async fn eventually_cut(client: &mut Client, word: &str) {
    let field = "client_output_buffer_limit_disconnections";
    common::soon("the cut", async {
        while info(client, field).await != "1" {
            client.command(&["ECHO", word]).await;
            client.frame().await;
        }
    })
    .await;
}

/// In its own transaction a monitor's lines wait for EXEC's reply.
#[tokio::test]
async fn a_monitor_of_itself() {
    both(async |_, client| {
        client.ask("MONITOR", "+OK").await;
        client
            .send(b"MULTI\r\nECHO a\r\nECHO b\r\nEXEC\r\nPING\r\n")
            .await;
        client.sees("+OK").await;
        let shown = |line: String, words: &str| assert!(line.ends_with(words), "{line}");
        shown(client.text().await, "\"MULTI\"");
        client.sees("+QUEUED +QUEUED *2 $1 a $1 b").await;
        for words in ["\"ECHO\" \"a\"", "\"ECHO\" \"b\"", "\"EXEC\""] {
            shown(client.text().await, words);
        }
        client.sees("+PONG").await;
        shown(client.text().await, "\"PING\"");
    })
    .await;
}

#[tokio::test]
async fn a_panic_closes_its_connection_alone() {
    both(async |server, client| {
        let mut subscriber = Client::connect(server, client.protocol).await;
        subscriber.subscribe("SUBSCRIBE", &["c"]).await;
        let mut waiter = Client::connect(server, client.protocol).await;
        waiter.line("BLPOP q 0").await;
        until_info(client, "blocked_clients", "1").await;
        let mut panics = Client::connect(server, client.protocol).await;
        // Under the keyspace's lock, with the turns of all channels, and others appended to.
        panics
            .send(
                b"PUBLISH c before\r\nMULTI\r\nPUBLISH c in\r\nPUBLISH c side\r\nRPUSH q x\r\n\
                  DEBUG PANIC\r\nEXEC\r\n",
            )
            .await;
        panics.rest().await;
        for message in ["before", "in", "side"] {
            assert_eq!(subscriber.push().await[2], message);
        }
        waiter.sees("*2 $1 q $1 x").await;
        until_info(client, "fanfare_connection_panics", "1").await;
        client.ask("PUBLISH c after", ":1").await;
        assert_eq!(subscriber.push().await[2], "after");
        client.ask("LLEN q", ":0").await;
        eventually("its end", || server.client_count() == 3).await;
    })
    .await;
}

/// Messages that were gathered when it panicked are in nobody else's batch.
#[tokio::test]
async fn a_panic_behind_gathered_messages() {
    both(async |server, client| {
        let mut subscriber = Client::connect(server, client.protocol).await;
        subscriber.subscribe("SUBSCRIBE", &["c"]).await;
        for round in 0..20 {
            let mut panics = Client::connect(server, client.protocol).await;
            panics
                .send(b"PUBLISH c x\r\nDEBUG PANIC\r\nPUBLISH c never\r\n")
                .await;
            panics.rest().await;
            assert_eq!(subscriber.push().await[2], "x", "{round}");
            client.ask("PING", "+PONG").await;
            subscriber.barrier().await;
        }
        until_info(client, "fanfare_connection_panics", "20").await;
    })
    .await;
}

/// The users of the example in SECURITY.md, as it has them, with a password each.
#[tokio::test]
async fn users_of_the_security_page_see_no_names_of_others() {
    let page = include_str!("../SECURITY.md");
    let server = start().await;
    let mut operator = Client::connect(&server, 2).await;
    operator.ask("SET jobs:mine v", "+OK").await;
    operator.ask("SET secret v", "+OK").await;
    let users = page
        .lines()
        .filter_map(|line| line.strip_prefix("    user "));
    let mut names = Vec::new();
    for user in users {
        let (name, rules) = user.split_once(' ').expect("a name");
        let rules: Vec<_> = rules
            .split(' ')
            .filter(|rule| rule.starts_with(['o', '~', '&', '+', '-']) || *rule == "resetchannels")
            .filter(|rule| *rule != "of")
            .collect();
        if name != "default" {
            let line = format!("ACL SETUSER {name} >p {}", rules.join(" "));
            operator.ask(&line, "+OK").await;
            names.push(name);
        }
    }
    assert_eq!(names, ["operator", "jobs", "news"]);
    for name in ["jobs", "news"] {
        let mut client = Client::connect(&server, 2).await;
        client.ask(&format!("AUTH {name} p"), "+OK").await;
        for shows in [
            "PUBSUB CHANNELS",
            "PUBSUB NUMSUB c",
            "PUBSUB NUMPAT",
            "KEYS *",
            "SCAN 0",
            "RANDOMKEY",
            "DBSIZE",
            "CLIENT LIST",
            "CLIENT KILL ID 1",
            "ACL LIST",
            "ACL USERS",
            "ACL LOG",
            "MONITOR",
            "SLOWLOG GET",
            "GET secret",
            "SUBSCRIBE __keyspace@0__:secret",
        ] {
            let reply = String::from_utf8_lossy(&client.reply(shows).await).into_owned();
            assert!(reply.starts_with("-NOPERM"), "{name}: {shows}: {reply}");
        }
    }
}
