//! Client-side caching: a reader never keeps a stale value, and what is remembered is bounded and
//! given back.

mod common;

use std::collections::BTreeSet;

use common::client::{Client, Frame, parts};
use common::wire::request;
use common::{field, info, start, start_with, until_info};
use fanfare::Server;
use redis_protocol::resp3::types::Resp3Frame;
use tokio::net::TcpSocket;

/// A client's cache of one key, as a library keeps it.
#[derive(Debug, Default)]
struct Cache {
    value: Option<String>,
}

impl Cache {
    /// Reads what has come up to the reply to `PING number`.
    async fn read_until(&mut self, client: &mut Client, number: usize) {
        let number = format!("barrier-{number}");
        loop {
            let frame = client.frame().await;
            if let Some(text) = frame.as_str() {
                if text == number {
                    return;
                }
                if let Some(value) = text.strip_prefix("v-") {
                    self.value = Some(value.to_owned());
                }
            } else if let Frame::Push { .. } = frame {
                self.value = None;
            }
        }
    }
}

/// Has a key changed by one client while another reads it, for many rounds: what the reader has
/// cached after a round, if anything, is the last value. `by` turns tracking on; `change` makes a
/// request that sets the value.
async fn race(by: &str, change: impl Fn(&str) -> Vec<u8>) {
    const ROUNDS: usize = 400;
    let server = start().await;
    let mut writers = Vec::new();
    for _ in 0..2 {
        writers.push(Client::connect(&server, 2).await);
    }
    let mut reader = Client::connect(&server, 3).await;
    reader.ask(by, "+OK").await;
    let (mut cache, mut kept) = (Cache::default(), 0);
    for round in 0..ROUNDS {
        // Something slow that needs no keys lets the keyspace go between two reads of one batch, while
        // their replies are still being gathered. Its own reply is of no interest.
        let mut batch = Vec::new();
        for slow in [&["COMMAND", "DOCS"][..], &["PING", "between"]] {
            batch.extend(request(&["GET", "key"]));
            batch.extend(request(&["CLIENT", "REPLY", "SKIP"]));
            batch.extend(request(slow));
        }
        batch.extend(request(&["PING", &format!("barrier-{round}")]));
        let writer = &mut writers[round % 2];
        reader.send(batch).await;
        for number in 0..4 {
            writer.send(change(&format!("v-{round}-{number}"))).await;
            writer.expect("+OK\r\n").await;
        }
        let last = format!("{round}-3");
        cache.read_until(&mut reader, round).await;
        // The last write is over: whatever it has to tell comes before this reply.
        reader
            .command(&["PING", &format!("barrier-{}", ROUNDS + round)])
            .await;
        cache.read_until(&mut reader, ROUNDS + round).await;
        if let Some(value) = &cache.value {
            assert_eq!(*value, last, "a stale value in round {round}");
            kept += 1;
        }
    }
    assert!(kept > 0, "the reader has never kept a value");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_never_keeps_a_stale_value() {
    race("CLIENT TRACKING ON", |value| {
        request(&["SET", "key", value])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_with_prefixes_never_keeps_a_stale_value() {
    race("CLIENT TRACKING ON BCAST", |value| {
        request(&["SET", "key", value])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_in_a_transaction_never_keeps_a_stale_value() {
    const ROUNDS: usize = 500;
    let server = start().await;
    let mut writer = Client::connect(&server, 2).await;
    let mut reader = Client::connect(&server, 3).await;
    reader.ask("CLIENT TRACKING ON", "+OK").await;
    let mut cached: Option<String> = None;
    for round in 0..ROUNDS {
        let value = format!("v-{round}");
        let mut batch = Vec::new();
        for words in [&["MULTI"][..], &["GET", "key"], &["PING"], &["EXEC"]] {
            batch.extend(request(words));
        }
        writer.command(&["SET", "key", &value]).await;
        reader.send(batch).await;
        writer.expect("+OK\r\n").await;
        reader.command(&["PING", "barrier"]).await;
        loop {
            match reader.frame().await {
                Frame::Push { .. } => cached = None,
                Frame::Array { data, .. } => cached = data[0].as_str().map(str::to_owned),
                frame if frame.as_str() == Some("barrier") => break,
                _ => {}
            }
        }
        reader.barrier_or_push(&mut cached).await;
        assert!(
            cached.is_none() || cached.as_ref() == Some(&value),
            "{cached:?} in round {round}"
        );
    }
    server.stop().await;
}

/// Reading on to the end of what was sent.
trait ReadOn {
    async fn barrier_or_push(&mut self, cached: &mut Option<String>);
}

impl ReadOn for Client {
    async fn barrier_or_push(&mut self, cached: &mut Option<String>) {
        self.command(&["PING", "last"]).await;
        loop {
            match self.frame().await {
                Frame::Push { .. } => *cached = None,
                frame if frame.as_str() == Some("last") => return,
                frame => panic!("{frame:?}"),
            }
        }
    }
}

/// The key of an invalidation.
async fn invalidated(client: &mut Client) -> String {
    let Frame::Push { data, .. } = client.frame().await else {
        panic!("no push");
    };
    assert_eq!(data[0].as_str(), Some("invalidate"));
    let keys = parts(data[1].clone()).expect("keys");
    assert_eq!(keys.len(), 1, "{keys:?}");
    String::from_utf8(keys[0].to_vec()).expect("text")
}

#[tokio::test]
async fn random_keys_make_room_and_their_readers_are_told() {
    let server = start_with(&[("tracking-table-max-keys", "10")]).await;
    let mut client = Client::connect(&server, 3).await;
    client.ask("CLIENT TRACKING ON NOLOOP", "+OK").await;
    let mut tracked = BTreeSet::new();
    for number in 0..100 {
        client.command(&["GET", &format!("k{number}")]).await;
        client.expect("_\r\n").await;
        tracked.insert(format!("k{number}"));
        if number >= 10 {
            let key = invalidated(&mut client).await;
            assert!(tracked.remove(&key), "{key} was not tracked");
        }
    }
    assert_eq!(info(&mut client, "tracking_total_keys").await, "10");
    assert_eq!(info(&mut client, "tracking_total_items").await, "10");
    // Those that are left are told when they change, and the others are not.
    let mut writer = Client::connect(&server, 2).await;
    for number in 0..100 {
        let key = format!("k{number}");
        writer.ask(&format!("SET {key} v"), "+OK").await;
        if tracked.remove(&key) {
            assert_eq!(invalidated(&mut client).await, key);
        }
        client.barrier().await;
    }
    client
        .ask("CONFIG SET tracking-table-max-keys 0", "+OK")
        .await;
    client
        .command(&[
            "EXISTS", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k",
        ])
        .await;
    client.expect(":0\r\n").await;
    client.barrier().await;
    assert_eq!(info(&mut client, "tracking_total_keys").await, "11");
    server.stop().await;
}

async fn figures(client: &mut Client) -> [String; 4] {
    [
        info(client, "tracking_clients").await,
        info(client, "tracking_total_keys").await,
        info(client, "tracking_total_items").await,
        info(client, "tracking_total_prefixes").await,
    ]
}

#[tokio::test]
async fn nothing_is_left_of_a_client_that_is_gone() {
    let server = start().await;
    let mut observer = Client::connect(&server, 2).await;
    let (mut one, mut two) = (
        Client::connect(&server, 3).await,
        Client::connect(&server, 3).await,
    );
    let mut prefixes = Client::connect(&server, 3).await;
    let keys: Vec<String> = (0..1000).map(|number| format!("key:{number}")).collect();
    let read = |keys: &[String]| {
        let words = std::iter::once("EXISTS").chain(keys.iter().map(String::as_str));
        request(&words.collect::<Vec<_>>())
    };
    for (client, keys) in [(&mut one, &keys[..]), (&mut two, &keys[500..])] {
        client.ask("CLIENT TRACKING ON", "+OK").await;
        client.send(read(keys)).await;
        client.expect(":0\r\n").await;
    }
    let mut words = vec![
        "CLIENT".to_owned(),
        "TRACKING".into(),
        "ON".into(),
        "BCAST".into(),
    ];
    for number in 0..500 {
        words.extend(["PREFIX".to_owned(), format!("p{number}:")]);
    }
    prefixes.command(&words).await;
    prefixes.expect("+OK\r\n").await;
    assert_eq!(figures(&mut observer).await, ["3", "1000", "1500", "500"]);
    drop(one);
    until_info(&mut observer, "tracking_total_items", "500").await;
    assert_eq!(figures(&mut observer).await, ["2", "500", "500", "500"]);
    drop(prefixes);
    until_info(&mut observer, "tracking_total_prefixes", "0").await;
    // RESET ends tracking; what was read goes with the connection, or when it changes.
    two.ask("RESET", "+RESET").await;
    assert_eq!(figures(&mut observer).await, ["0", "500", "500", "0"]);
    observer.ask("SET key:999 v", "+OK").await;
    assert_eq!(figures(&mut observer).await, ["0", "499", "499", "0"]);
    drop(two);
    until_info(&mut observer, "tracking_total_items", "0").await;
    assert_eq!(figures(&mut observer).await, ["0", "0", "0", "0"]);
    server.stop().await;
}

#[tokio::test]
async fn what_is_tracked_counts_as_the_clients_memory() {
    let server = start().await;
    let mut client = Client::connect(&server, 3).await;
    let memory = async |client: &mut Client| -> usize {
        client.line("CLIENT INFO").await;
        let line = client.text().await;
        field(&line, "tot-mem").parse().expect("a number")
    };
    client.ask("CLIENT TRACKING ON", "+OK").await;
    let before = memory(&mut client).await;
    let long = "k".repeat(10_000);
    client.command(&["GET", &long]).await;
    client.expect("_\r\n").await;
    let during = memory(&mut client).await;
    assert!(during > before + 10_000, "{before} {during}");
    client.ask("FLUSHALL", "+OK").await;
    client.sees(">2 $10 invalidate _").await;
    let after = memory(&mut client).await;
    assert!(after < before + 1000, "{before} {after}");
    server.stop().await;
}

#[tokio::test]
async fn prefixes_are_bounded_as_watched_keys_are() {
    let server = start_with(&[("client-query-buffer-limit", "1mb")]).await;
    let mut client = Client::connect(&server, 3).await;
    let prefix = |letter: &str| letter.repeat(200_000);
    client
        .command(&["CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", &prefix("a")])
        .await;
    client.expect("+OK\r\n").await;
    client
        .command(&["CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", &prefix("b")])
        .await;
    client.closed().await;
    let mut observer = Client::connect(&server, 2).await;
    until_info(&mut observer, "tracking_total_prefixes", "0").await;
    server.stop().await;
}

/// A client that tracks and never reads, whose kernel keeps little for it.
async fn stuck(server: &Server, line: &str) -> Client {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket
        .set_recv_buffer_size(8 * 1024)
        .expect("a small buffer");
    let stream = socket.connect(server.addr().expect("TCP")).await;
    let mut client = Client::over(stream.expect("a connection"));
    client.hello(3).await;
    client.ask(line, "+OK").await;
    client
}

#[tokio::test]
async fn a_client_that_does_not_read_what_it_is_told_is_cut_off() {
    // A policy that drops messages drops none of these: the client would keep stale values.
    for policy in ["disconnect", "drop-oldest", "drop-newest"] {
        let server = start_with(&[
            ("client-output-buffer-limit", "normal 1mb 0 0"),
            ("pubsub-overflow-policy", policy),
        ])
        .await;
        let mut observer = Client::connect(&server, 2).await;
        let _stuck = stuck(&server, "CLIENT TRACKING ON BCAST").await;
        let key = "k".repeat(100_000);
        for _ in 0..200 {
            observer.command(&["SET", &key, "v"]).await;
            observer.expect("+OK\r\n").await;
        }
        until_info(
            &mut observer,
            "client_output_buffer_limit_disconnections",
            "1",
        )
        .await;
        until_info(&mut observer, "tracking_clients", "0").await;
        assert_eq!(info(&mut observer, "pubsub_dropped_messages").await, "0");
        server.stop().await;
    }
}

#[tokio::test]
async fn a_key_that_expires_is_told_when_it_goes() {
    let server = start().await;
    let mut client = Client::connect(&server, 3).await;
    let mut prefixes = Client::connect(&server, 3).await;
    let mut writer = Client::connect(&server, 2).await;
    prefixes
        .ask("CLIENT TRACKING ON BCAST PREFIX k", "+OK")
        .await;
    client.ask("CLIENT TRACKING ON", "+OK").await;
    writer.ask("SET k v PX 20", "+OK").await;
    assert_eq!(invalidated(&mut prefixes).await, "k");
    client.line("TTL k").await;
    client.frame().await;
    // Nobody looks at it again.
    assert_eq!(invalidated(&mut client).await, "k");
    assert_eq!(invalidated(&mut prefixes).await, "k");
    server.stop().await;
}

#[tokio::test]
async fn a_switch_of_protocol_comes_between_its_messages() {
    let server = start().await;
    let mut writer = Client::connect(&server, 2).await;
    let mut client = Client::connect(&server, 3).await;
    client.ask("CLIENT TRACKING ON BCAST", "+OK").await;
    writer.ask("SET k 1", "+OK").await;
    client.sees(">2 $10 invalidate *1 $1 k").await;
    client.line("HELLO 2").await;
    client.frame().await;
    writer.ask("SET k 2", "+OK").await;
    client.barrier().await;
    client.line("HELLO 3").await;
    client.frame().await;
    writer.ask("SET k 3", "+OK").await;
    client.sees(">2 $10 invalidate *1 $1 k").await;
    client.barrier().await;
    server.stop().await;
}

#[tokio::test]
async fn a_server_without_keys_has_nothing_to_track() {
    let server = start_with(&[("queue", "no")]).await;
    let mut client = Client::connect(&server, 3).await;
    client.line("CLIENT TRACKING ON").await;
    let error = client.frame().await;
    let text = error.as_str().expect("an error");
    assert!(text.contains("queue"), "{text}");
    client.ask("CLIENT TRACKING OFF", "+OK").await;
    client.ask("CLIENT GETREDIR", ":-1").await;
    server.stop().await;
}
