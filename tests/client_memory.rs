//! `maxmemory-clients`: what all connections together hold is bounded, and those that hold the most
//! go first.

#![cfg(feature = "cli")]

mod common;

use common::client::Client;
use common::process::Process;
use common::wire::request;
use common::{both, eventually, field, info, start_with, until_info};
use fanfare::Server;

const KB: usize = 1024;
const MB: usize = KB * KB;
const UNLIMITED: (&str, &str) = ("client-output-buffer-limit", "normal 0 0 0 pubsub 0 0 0");

/// Publishes so much to subscribers of `channel`, one of which reads nothing.
fn publish(server: &Server, channel: &str, bytes: usize) {
    for _ in 0..bytes / (100 * KB) {
        server.publish(channel, "x".repeat(100 * KB));
    }
}

#[tokio::test]
async fn the_largest_go_first_and_who_is_spared_stays() {
    let server = start_with(&[UNLIMITED]).await;
    let mut observer = Client::connect(&server, 2).await;
    let mut subscribers = Vec::new();
    for channel in ["spared", "large", "small", "none"] {
        let mut client = Client::connect(&server, 3).await;
        if channel == "spared" {
            client.ask("CLIENT NO-EVICT ON", "+OK").await;
        }
        client.subscribe("SUBSCRIBE", &[channel]).await;
        subscribers.push(client);
    }
    // The kernels hold some of each, so that they differ by more than that.
    publish(&server, "spared", 60 * MB);
    publish(&server, "large", 40 * MB);
    publish(&server, "small", 20 * MB);
    let held = info(&mut observer, "mem_clients_normal").await;
    let held: usize = held.parse().expect("bytes");
    assert!((90 * MB..125 * MB).contains(&held), "{held}");
    assert_eq!(info(&mut observer, "evicted_clients").await, "0");

    let limit = |bytes: usize| format!("CONFIG SET maxmemory-clients {bytes}");
    observer.ask(&limit(held - MB), "+OK").await;
    until_info(&mut observer, "evicted_clients", "1").await;
    eventually("it is gone", || server.subscriber_count("large") == 0).await;
    assert_eq!(server.client_count(), 4);
    // By a part of maxmemory, and when more is sent.
    observer
        .ask("CONFIG SET maxmemory-clients 10%", "+OK")
        .await;
    observer
        .ask(&format!("CONFIG SET maxmemory {}", 1000 * MB), "+OK")
        .await;
    assert_eq!(info(&mut observer, "evicted_clients").await, "1");
    publish(&server, "small", 40 * MB);
    eventually("it is gone", || server.subscriber_count("small") == 0).await;
    until_info(&mut observer, "evicted_clients", "2").await;
    assert_eq!(server.client_count(), 3);
    for channel in ["spared", "none"] {
        assert_eq!(server.subscriber_count(channel), 1, "{channel}");
    }
    observer.ask("CONFIG SET maxmemory-clients 0", "+OK").await;
    publish(&server, "none", 60 * MB);
    observer.ask("CONFIG RESETSTAT", "+OK").await;
    assert_eq!(info(&mut observer, "evicted_clients").await, "0");
    assert_eq!(server.client_count(), 3);
}

/// What is kept of requests counts as well: unfinished ones, transactions, and replies.
#[tokio::test]
async fn all_that_is_held_counts() {
    let server = start_with(&[UNLIMITED, ("maxmemory-clients", "16mb")]).await;
    let mut observer = Client::connect(&server, 2).await;
    let argument = "x".repeat(MB);
    let mut evicted = 0;
    for what in ["unfinished", "transaction", "replies", "names"] {
        let mut client = Client::connect(&server, 3).await;
        let mut bytes = Vec::new();
        match what {
            "unfinished" => {
                bytes.extend_from_slice(b"*2\r\n$4\r\nECHO\r\n$30000000\r\n");
                bytes.resize(20 * MB, b'x');
            }
            "transaction" => {
                bytes = request(&["MULTI"]);
                for _ in 0..20 {
                    bytes.extend(request(&["ECHO", &argument]));
                }
            }
            "replies" => {
                // More than the kernels hold.
                for _ in 0..40 {
                    bytes.extend(request(&["ECHO", &argument]));
                }
            }
            _ => {
                for number in 0..20 {
                    bytes.extend(request(&["SUBSCRIBE", &format!("{number}{argument}")]));
                }
            }
        }
        // It may be cut off before it has sent all.
        let _ = client.try_send(&bytes).await;
        evicted += 1;
        until_info(&mut observer, "evicted_clients", &evicted.to_string()).await;
        eventually(what, || server.client_count() == 1).await;
    }
    observer.ask("PING", "+PONG").await;
}

/// One function says what a client holds, and the sum of it is what INFO shows.
#[tokio::test]
async fn info_shows_the_sum_of_what_client_list_shows() {
    let server = start_with(&[UNLIMITED]).await;
    let mut observer = Client::connect(&server, 2).await;
    let mut slow = Client::connect(&server, 2).await;
    slow.subscribe("SUBSCRIBE", &["c"]).await;
    publish(&server, "c", 30 * MB);
    observer.line("CLIENT LIST").await;
    let list = observer.text().await;
    let sum: usize = list
        .lines()
        .map(|line| field(line, "tot-mem").parse::<usize>().expect("bytes"))
        .sum();
    assert!(sum > 20 * MB);
    assert_eq!(
        info(&mut observer, "mem_clients_normal").await,
        sum.to_string()
    );
}

#[tokio::test]
async fn the_setting_reads_as_in_redis() {
    let server = start_with(&[]).await;
    let mut client = Client::connect(&server, 2).await;
    let refused = "-ERR CONFIG SET failed (possibly related to argument 'maxmemory-clients') - ";
    let no_number = format!("{refused}argument must be a memory or percent value");
    let too_much = format!("{refused}percentage argument must be less or equal to 100");
    for (value, reply, reads) in [
        ("5%", "+OK", "5%"),
        ("101%", &too_much, "5%"),
        ("-1", &no_number, "5%"),
        ("abc", &no_number, "5%"),
        ("5x%", &no_number, "5%"),
        ("%", &no_number, "5%"),
        ("05%", &no_number, "5%"),
        ("-5%", &no_number, "5%"),
        ("100%", "+OK", "100%"),
        ("1gb", "+OK", "1073741824"),
        ("0%", "+OK", "0"),
    ] {
        client
            .script(&[(&format!("CONFIG SET maxmemory-clients {value}"), reply)])
            .await;
        let reads = format!("*2 $17 maxmemory-clients ${} {reads}", reads.len());
        client.ask("CONFIG GET maxmemory-clients", &reads).await;
    }
}

#[tokio::test]
async fn the_log_names_who_was_closed() {
    let server = Process::start(&["--maxmemory-clients", "1mb"]).await;
    let mut observer = server.client(2).await;
    let mut client = server.client(2).await;
    client.ask("CLIENT SETNAME glutton", "+OK").await;
    let mut bytes = b"*2\r\n$4\r\nECHO\r\n$30000000\r\n".to_vec();
    bytes.resize(4 * MB, b'x');
    let _ = client.try_send(&bytes).await;
    until_info(&mut observer, "evicted_clients", "1").await;
    let log = server.terminate().await.stderr;
    let lines: Vec<_> = log
        .lines()
        .filter(|line| line.contains("maxmemory-clients"))
        .collect();
    assert_eq!(lines.len(), 1, "{log}");
    assert_eq!(field(lines[0], "name"), "glutton");
    assert_eq!(field(lines[0], "id"), client.id.to_string());
}

/// Names are bounded, wherever a client gives them, and cut in the log.
#[tokio::test]
async fn names_are_bounded() {
    both(async |_, client| {
        let (fits, too_long) = ("n".repeat(KB), "n".repeat(KB + 1));
        let refused = "-ERR Client names cannot be longer than 1024 bytes.";
        for (line, refused) in [
            ("CLIENT SETNAME", refused),
            ("HELLO 3 SETNAME", refused),
            (
                "CLIENT SETINFO lib-name",
                "-ERR lib-name cannot be longer than 1024 bytes.",
            ),
            (
                "CLIENT SETINFO LIB-VER",
                "-ERR LIB-VER cannot be longer than 1024 bytes.",
            ),
        ] {
            client
                .script(&[(&format!("{line} {too_long}"), refused)])
                .await;
            client.line("CLIENT INFO").await;
            let info = client.text().await;
            assert!(info.len() < KB, "{line}: {info}");
        }
        for line in [
            "CLIENT SETNAME",
            "CLIENT SETINFO LIB-NAME",
            "CLIENT SETINFO LIB-VER",
        ] {
            client.line("CLIENT INFO").await;
            let before: usize = field(&client.text().await, "tot-mem")
                .parse()
                .expect("bytes");
            client.ask(&format!("{line} {fits}"), "+OK").await;
            client.line("CLIENT INFO").await;
            let after: usize = field(&client.text().await, "tot-mem")
                .parse()
                .expect("bytes");
            assert!(after >= before + KB, "{line}: {before} and {after}");
        }
    })
    .await;
    let server = Process::start(&["--maxmemory-clients", "1mb"]).await;
    let mut client = server.client(2).await;
    client
        .ask(&format!("CLIENT SETNAME {}", "n".repeat(KB)), "+OK")
        .await;
    let mut bytes = b"*2\r\n$4\r\nECHO\r\n$30000000\r\n".to_vec();
    bytes.resize(4 * MB, b'x');
    let _ = client.try_send(&bytes).await;
    client.rest().await;
    let log = server.terminate().await.stderr;
    let line = log.lines().find(|line| line.contains("maxmemory-clients"));
    let name = field(line.expect("it was closed"), "name");
    assert_eq!(name, "n".repeat(128));
}

/// What a client waits for counts, as long as it waits.
#[tokio::test]
async fn keys_that_are_waited_for_count() {
    let server = start_with(&[]).await;
    let mut observer = Client::connect(&server, 2).await;
    let long = "k".repeat(MB);
    for line in [
        format!("BLPOP {long} 0"),
        format!("BLMPOP 0 1 {long} LEFT"),
        format!("BLMOVE k {long} LEFT LEFT 0"),
        format!("BRPOPLPUSH k {long} 0"),
    ] {
        let mut waiter = Client::connect(&server, 2).await;
        waiter.command(&line.split(' ').collect::<Vec<_>>()).await;
        until_info(&mut observer, "blocked_clients", "1").await;
        let held: usize = info(&mut observer, "mem_clients_normal")
            .await
            .parse()
            .expect("bytes");
        assert!((MB..4 * MB).contains(&held), "{}: {held}", &line[..8]);
        observer
            .ask(&format!("CLIENT UNBLOCK {}", waiter.id), ":1")
            .await;
        waiter.frame().await;
        let held: usize = info(&mut observer, "mem_clients_normal")
            .await
            .parse()
            .expect("bytes");
        assert!(held < MB, "{}: {held} afterwards", &line[..8]);
    }
}

/// Subscriptions count about what the process takes for them.
#[tokio::test]
async fn subscriptions_count_with_their_tables() {
    for verb in ["SUBSCRIBE", "SSUBSCRIBE", "PSUBSCRIBE"] {
        let server = Process::start(&[]).await;
        let mut observer = server.client(2).await;
        let mut client = server.client(2).await;
        let number = async |client: &mut Client, field| {
            info(client, field).await.parse::<usize>().expect("bytes")
        };
        let before = number(&mut observer, "used_memory_rss").await;
        for batch in 0..200 {
            let names: Vec<_> = (0..500)
                .map(|name| format!("{verb}:{batch}:{name}"))
                .collect();
            client
                .subscribe(verb, &names.iter().map(String::as_str).collect::<Vec<_>>())
                .await;
        }
        let taken = number(&mut observer, "used_memory_rss").await - before;
        let counted = number(&mut observer, "mem_clients_normal").await;
        assert!(counted > taken / 2, "{verb}: {counted} of {taken}");
        assert!(counted < taken * 3 / 2, "{verb}: {counted} of {taken}");
    }
}
