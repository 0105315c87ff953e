//! Only commands that need keys wait for the keyspace's lock. Most tests hold it, like a command
//! that takes seconds, and assert that everything else continues. A test runs on the thread that
//! accepts connections and runs the periodic tasks. If one of them waited for the lock, the test
//! would hang.
//!
//! Layer `embed`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::client::Client;
use crate::store::string_value::StringValue;

/// A test fails after it has waited this long.
const PATIENCE: Duration = Duration::from_secs(120);

struct Peer(TcpStream);

impl Peer {
    async fn connect(server: &Server) -> Peer {
        Peer(TcpStream::connect(server.addr().unwrap()).await.unwrap())
    }

    async fn send(&mut self, line: &str) {
        let line = format!("{line}\r\n");
        self.0.write_all(line.as_bytes()).await.unwrap();
    }

    async fn sees(&mut self, expected: &str) {
        let mut seen = vec![0; expected.len()];
        let read = self.0.read_exact(&mut seen);
        let read = tokio::time::timeout(PATIENCE, read).await;
        read.expect("timed out").unwrap();
        assert_eq!(String::from_utf8_lossy(&seen), expected);
    }

    async fn ask(&mut self, line: &str, expected: &str) {
        self.send(line).await;
        self.sees(expected).await;
    }

    /// Sends a command whose reply is a bulk string, and returns the string.
    async fn text(&mut self, line: &str) -> String {
        self.send(line).await;
        let mut header = String::new();
        while !header.ends_with("\r\n") {
            header.push(char::from(self.0.read_u8().await.unwrap()));
        }
        let length: usize = header.trim_start_matches('$').trim_end().parse().unwrap();
        let mut text = vec![0; length + 2];
        self.0.read_exact(&mut text).await.unwrap();
        String::from_utf8(text).unwrap()
    }

    async fn closed(&mut self) {
        let end = tokio::time::timeout(PATIENCE, self.0.read_u8()).await;
        end.expect("timed out").expect_err("the end");
    }
}

async fn eventually(mut condition: impl FnMut() -> bool) {
    let holds = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let held = tokio::time::timeout(PATIENCE, holds).await;
    held.expect("timed out");
}

async fn start(settings: &[(&str, &str)]) -> Server {
    let builder = Server::builder().workers(Workers::start(1).unwrap());
    let set = |builder: Builder, (name, value): &(&str, &str)| builder.set(name, value);
    let builder = settings.iter().fold(builder, set);
    builder.start().await.unwrap()
}

fn client(server: &Server, peer: &Peer) -> Arc<Client> {
    let address = peer.0.local_addr().unwrap().to_string();
    let mut all = server.state().clients.all().into_iter();
    all.find(|client| client.addresses.peer() == address)
        .expect("a client")
}

fn info(text: &str, name: &str) -> usize {
    let field = |line: &str| line.strip_prefix(name)?.strip_prefix(':')?.parse().ok();
    text.lines().find_map(field).expect("a number")
}

#[tokio::test]
async fn connections_come_and_go_while_a_command_has_the_keyspace() {
    let server = start(&[]).await;
    let mut subscriber = Peer::connect(&server).await;
    let subscribed = "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n";
    subscriber.ask("SUBSCRIBE c", subscribed).await;
    let mut waiter = Peer::connect(&server).await;
    waiter.send("BLPOP q 0").await;
    let mut watcher = Peer::connect(&server).await;
    watcher.ask("WATCH k", "+OK\r\n").await;
    let state = server.state();
    eventually(|| state.keyspace.figures().blocked == 1).await;

    let held = state.keyspace.lock();
    let mut other = Peer::connect(&server).await;
    other.ask("PING", "+PONG\r\n").await;
    // Clients disconnect by themselves. Nothing is left of a client that waits for no key.
    drop(subscriber);
    eventually(|| server.subscriber_count("c") == 0 && server.client_count() == 3).await;
    other.ask("SUBSCRIBE c", subscribed).await;
    other
        .ask(
            "UNSUBSCRIBE c",
            &subscribed
                .replace("9\r\nsub", "11\r\nunsub")
                .replace(":1", ":0"),
        )
        .await;
    // Other clients disconnect them.
    for peer in [&mut waiter, &mut watcher] {
        let id = client(&server, peer).id;
        other.ask(&format!("CLIENT KILL ID {id}"), ":1\r\n").await;
        peer.closed().await;
    }
    assert_eq!(server.client_count(), 1);
    other.ask("PUBLISH c nobody", ":0\r\n").await;
    let shown = other.text("INFO everything").await;
    assert_eq!(info(&shown, "connected_clients"), 1);
    other.ask("RESET", "+RESET\r\n").await;
    assert!(
        held.blocked.get(2).is_some(),
        "the lock is held all the time"
    );
    drop(held);

    eventually(|| {
        let keyspace = state.keyspace.lock();
        keyspace.blocked.is_empty() && keyspace.watched.is_empty()
    })
    .await;
    server.stop().await;
}

#[tokio::test]
async fn users_are_changed_while_a_command_has_the_keyspace() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("users.acl");
    std::fs::write(&file, "user default on nopass ~* &* +@all\n").unwrap();
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let server = start(&[("aclfile", &path(&file))]).await;
    let (mut admin, mut alice) = (Peer::connect(&server).await, Peer::connect(&server).await);
    let state = server.state();

    let held = state.keyspace.lock();
    admin
        .ask("ACL SETUSER alice on >secret &* +@all", "+OK\r\n")
        .await;
    alice.ask("AUTH alice secret", "+OK\r\n").await;
    alice
        .ask("SUBSCRIBE c", "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n")
        .await;
    admin.ask("ACL SAVE", "+OK\r\n").await;
    // In a transaction, too, if it needs no keys.
    admin.ask("MULTI", "+OK\r\n").await;
    admin.ask("ACL SAVE", "+QUEUED\r\n").await;
    admin.ask("PUBLISH c x", "+QUEUED\r\n").await;
    admin.ask("EXEC", "*2\r\n+OK\r\n:1\r\n").await;
    alice
        .sees("*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nx\r\n")
        .await;
    admin.ask("ACL LOAD", "+OK\r\n").await;
    admin
        .ask("ACL SETUSER alice resetchannels", "+OK\r\n")
        .await;
    alice.closed().await;
    let mut alice = Peer::connect(&server).await;
    alice.ask("AUTH alice secret", "+OK\r\n").await;
    admin.ask("ACL DELUSER alice", ":1\r\n").await;
    alice.closed().await;
    drop(held);
    server.stop().await;
}

#[tokio::test]
async fn timeouts_and_shutdown_work_while_a_command_has_the_keyspace() {
    let server = start(&[("timeout", "1"), ("shutdown-timeout", "0")]).await;
    let mut waiter = Peer::connect(&server).await;
    let mut idle = Peer::connect(&server).await;
    idle.ask("SET k v PX 1", "+OK\r\n").await;
    waiter.send("BLPOP q 0.01").await;
    let state = server.state();
    eventually(|| state.keyspace.figures().blocked == 1).await;

    let held = state.keyspace.lock();
    // Housekeeping closes it while expiry and a timeout wait for the lock.
    idle.closed().await;
    let mut other = Peer::connect(&server).await;
    other.ask("PING", "+PONG\r\n").await;
    assert!(
        held.blocked.get(1).is_some(),
        "the lock is held all the time"
    );
    drop(held);
    waiter.sees("*-1\r\n").await;
    eventually(|| state.keyspace.figures().stats.expired == 1).await;

    // A shutdown begins while the lock is held, and ends once the lock is free.
    let held = state.keyspace.lock();
    other.send("SHUTDOWN NOSAVE").await;
    let begun = tokio::time::timeout(PATIENCE, server.shutdown_requested()).await;
    begun.expect("timed out");
    other.closed().await;
    waiter.closed().await;
    drop(held);
    server.stop().await;
}

#[tokio::test]
async fn a_client_with_many_subscriptions_is_removed_in_steps() {
    const NAMES: usize = 10_000;
    let server = Server::builder().start().await.unwrap();
    let names: String = (0..NAMES).map(|number| format!(" {number}")).collect();
    for killed in [false, true] {
        let mut subscriber = Peer::connect(&server).await;
        subscriber.send(&format!("SUBSCRIBE{names}")).await;
        eventually(|| server.channel_count() == NAMES).await;
        if killed {
            let client = client(&server, &subscriber);
            server.state().disconnect(&client);
            // Its own task removes most subscriptions, but no message reaches it any more.
            assert!(server.channel_count() > NAMES / 2);
            assert_eq!(server.client_count(), 0);
            let receivers = (0..NAMES).map(|name| server.publish(name.to_string(), "nobody"));
            assert_eq!(receivers.sum::<usize>(), 0);
        } else {
            drop(subscriber);
        }
        // All tasks are on one thread: this one sees steps in between only if the other yields.
        let mut seen = Vec::new();
        while server.channel_count() > 0 {
            seen.push(server.channel_count());
            tokio::task::yield_now().await;
        }
        seen.dedup();
        assert!(seen.len() > 5, "{seen:?}");
        assert_eq!(server.state().registry.subscribed_clients(), 0);
        eventually(|| server.client_count() == 0).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn memory_is_recounted_after_a_panic() {
    let server = Server::builder().start().await.unwrap();
    let state = server.state();
    let mut peer = Peer::connect(&server).await;
    let long = "x".repeat(50_000);
    peer.ask(&format!("SET long {long}"), "+OK\r\n").await;
    peer.ask("SET other v", "+OK\r\n").await;
    let before = peer.text("INFO memory").await;
    let panics = AssertUnwindSafe(|| {
        state
            .keyspace
            .lock()
            .break_off_a_change(0, b"long", |value| {
                *value = StringValue::new(b"short").into();
            });
    });
    assert!(catch_unwind(panics).is_err());
    state.conclude(&mut Fanout::default());
    let after = peer.text("INFO memory").await;
    let used = |text: &str| info(text, "used_memory_dataset");
    assert!(used(&after) + 40_000 < used(&before));
    state.keyspace.lock().assert_sound();
    assert_eq!(used(&after), state.keyspace.lock().used());
    peer.ask("GET long", "$5\r\nshort\r\n").await;
    server.stop().await;
}
