//! One slow or hostile connection never hurts another: its backlog is bounded, and every disconnect
//! is counted.

#![cfg(feature = "cli")]

mod common;

use common::client::Client;
use common::process::Process;
use common::wire::request;
use common::{eventually, field, info, start_with, until_info};
use fanfare::Server;
use tokio::net::TcpSocket;

const KB: usize = 1024;
const DISCONNECTIONS: &str = "client_output_buffer_limit_disconnections";

/// A subscriber of `c` that never reads a message, and whose kernel keeps few of them for it.
async fn stuck(server: &Server, protocol: u8) -> Client {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket
        .set_recv_buffer_size(8 * 1024)
        .expect("a small buffer");
    let stream = socket.connect(server.addr().expect("TCP")).await;
    let mut client = Client::over(stream.expect("a connection"));
    client.hello(protocol).await;
    client.subscribe("SUBSCRIBE", &["c"]).await;
    client
}

/// Publishes to `c`, and has every one of `readers` read each message, until only they are left.
async fn publish_until_cut_off(server: &Server, readers: &mut [Client], size: usize) -> usize {
    let payload = "x".repeat(size);
    let mut published = 0;
    loop {
        let receivers = server.publish("c", &payload);
        published += 1;
        for reader in &mut *readers {
            let message = reader.push().await;
            assert_eq!(message.last().expect("a payload").len(), size);
        }
        if receivers == readers.len() {
            return published;
        }
        assert!(published * size < 64 * 1024 * KB, "it is never cut off");
    }
}

#[tokio::test]
async fn a_stuck_subscriber_is_cut_off_at_the_hard_limit() {
    // Small messages are copied, large ones shared: both count.
    for (size, protocol) in [(900, 2), (50 * KB, 3)] {
        let server = start_with(&[("client-output-buffer-limit", "pubsub 1mb 0 0")]).await;
        let mut observer = Client::connect(&server, 2).await;
        let mut exact = Client::connect(&server, 2).await;
        let mut pattern = Client::connect(&server, 3).await;
        exact.subscribe("SUBSCRIBE", &["c"]).await;
        pattern.subscribe("PSUBSCRIBE", &["*"]).await;
        let mut readers = [exact, pattern];
        let victim = stuck(&server, protocol).await;
        let published = publish_until_cut_off(&server, &mut readers, size).await;
        assert!(published * size > 1024 * KB, "cut off below the limit");
        assert_eq!(info(&mut observer, DISCONNECTIONS).await, "1");
        assert_eq!(server.client_count(), 3);
        observer.ask("PUBSUB NUMSUB c", "*2 $1 c :1").await;
        observer
            .ask(&format!("CLIENT LIST ID {}", victim.id), "$0 ")
            .await;
        assert!(info(&mut observer, "connected_clients").await == "3");
        for reader in &mut readers {
            reader.barrier().await;
        }
    }
}

#[tokio::test]
async fn the_backlog_shows_in_client_list_and_is_read_in_the_end() {
    let server = start_with(&[("client-output-buffer-limit", "pubsub 0 0 0")]).await;
    let mut observer = Client::connect(&server, 2).await;
    let mut slow = stuck(&server, 3).await;
    let payload = "y".repeat(100 * KB);
    for _ in 0..100 {
        assert_eq!(server.publish("c", &payload), 1);
    }
    observer.line(&format!("CLIENT LIST ID {}", slow.id)).await;
    let line = observer.text().await;
    let backlog: usize = field(&line, "omem").parse().expect("a number");
    assert!((KB * KB..11 * KB * KB).contains(&backlog), "{line}");
    assert_eq!(field(&line, "events"), "rw");
    for _ in 0..100 {
        assert!(slow.push().await[2] == payload);
    }
    slow.barrier().await;
    assert_eq!(info(&mut observer, DISCONNECTIONS).await, "0");
}

#[tokio::test]
async fn a_backlog_above_the_soft_limit_is_cut_off_in_time() {
    let server = start_with(&[("client-output-buffer-limit", "pubsub 0 256kb 1")]).await;
    let mut observer = Client::connect(&server, 2).await;
    let mut reader = Client::connect(&server, 2).await;
    reader.subscribe("SUBSCRIBE", &["c"]).await;
    let _victim = stuck(&server, 2).await;
    // Enough for the backlog, whatever the kernel takes; and then nobody publishes any more.
    for _ in 0..200 {
        server.publish("c", "x".repeat(50 * KB));
        reader.push().await;
    }
    eventually("it is cut off", || server.subscriber_count("c") == 1).await;
    until_info(&mut observer, DISCONNECTIONS, "1").await;
    reader.barrier().await;
}

#[tokio::test]
async fn normal_clients_have_limits_of_their_own() {
    let limits = "normal 1mb 0 0 pubsub 0 0 0";
    let server = start_with(&[("client-output-buffer-limit", limits)]).await;
    let mut observer = Client::connect(&server, 2).await;
    let mut greedy = Client::connect(&server, 2).await;
    let echo = request(&["ECHO", &"x".repeat(100 * KB)]);
    for _ in 0..300 {
        if greedy.try_send(&echo).await.is_err() {
            break;
        }
    }
    eventually("it is cut off", || server.client_count() == 1).await;
    assert_eq!(info(&mut observer, DISCONNECTIONS).await, "1");
    // The limits for normal clients are none of a subscriber's.
    let mut slow = stuck(&server, 2).await;
    for _ in 0..100 {
        server.publish("c", "x".repeat(100 * KB));
    }
    assert_eq!(server.client_count(), 2);
    // It becomes a normal client, with a backlog that is too large for one.
    slow.send("UNSUBSCRIBE\r\n").await;
    eventually("it is cut off", || server.client_count() == 1).await;
    until_info(&mut observer, DISCONNECTIONS, "2").await;
}

async fn set_limits(observer: &mut Client, limits: &str) {
    observer
        .command(&["CONFIG", "SET", "client-output-buffer-limit", limits])
        .await;
    observer.expect("+OK\r\n").await;
}

#[tokio::test]
async fn changed_limits_hold_for_clients_that_are_there() {
    let server = start_with(&[("client-output-buffer-limit", "pubsub 0 0 0")]).await;
    let mut observer = Client::connect(&server, 2).await;
    let _victim = stuck(&server, 2).await;
    for _ in 0..100 {
        server.publish("c", "x".repeat(100 * KB));
    }
    assert_eq!(server.subscriber_count("c"), 1);
    set_limits(&mut observer, "pubsub 1mb 0 0").await;
    // Whoever publishes next, on the same connection or another.
    assert!(server.publish("c", "the last") <= 1);
    assert_eq!(server.publish("c", "nobody"), 0);
    until_info(&mut observer, DISCONNECTIONS, "1").await;

    // A backlog that nobody adds to is looked at as well.
    set_limits(&mut observer, "pubsub 0 0 0").await;
    let _victim = stuck(&server, 2).await;
    for _ in 0..100 {
        server.publish("c", "x".repeat(100 * KB));
    }
    set_limits(&mut observer, "pubsub 1mb 0 0").await;
    eventually("it is cut off", || server.subscriber_count("c") == 0).await;
    until_info(&mut observer, DISCONNECTIONS, "2").await;
}

/// In a process of its own, as its memory is measured.
#[tokio::test]
async fn a_large_body_is_kept_once_for_all() {
    const SUBSCRIBERS: usize = 60;
    const MESSAGES: usize = 10;
    const MB: usize = KB * KB;
    let server = Process::start(&["--client-output-buffer-limit", "pubsub 0 0 0"]).await;
    let mut observer = server.client(2).await;
    let mut slow = Vec::new();
    for number in 0..SUBSCRIBERS {
        let mut client = server.client(2 + number as u8 % 2).await;
        client.subscribe("SUBSCRIBE", &["c"]).await;
        slow.push(client);
    }
    for number in 0..MESSAGES {
        let payload = number.to_string().repeat(2 * MB);
        observer.command(&["PUBLISH", "c", &payload]).await;
        assert_eq!(observer.integer().await, SUBSCRIBERS as i64);
    }
    // 20 MB in all, of which the 60 kernels hold a part; 1.2 GB if each had its own.
    let resident: usize = info(&mut observer, "used_memory_rss")
        .await
        .parse()
        .expect("bytes");
    assert!(resident < 300 * MB, "{resident} bytes resident");
    for client in slow.iter_mut().take(2) {
        for number in 0..MESSAGES {
            assert!(client.push().await[2] == number.to_string().repeat(2 * MB));
        }
        client.barrier().await;
    }
}

/// Requests whose replies are together far beyond the limit of who reads none of them, in one write:
/// few of them are carried out, alone or in a transaction, where all are, but nothing is kept.
#[tokio::test]
async fn replies_of_one_batch_are_held_against_the_limit() {
    let limit = ("client-output-buffer-limit", "normal 8mb 0 0");
    for transaction in [false, true] {
        let server = start_with(&[limit]).await;
        let mut observer = Client::connect(&server, 3).await;
        observer
            .command(&["SET", "k", &"x".repeat(1024 * KB)])
            .await;
        observer.expect("+OK\r\n").await;
        let mut reader = Client::connect(&server, 3).await;
        let mut batch = "GET k\r\n".repeat(2000);
        if transaction {
            batch = format!("MULTI\r\n{batch}EXEC\r\n");
        }
        reader.send(batch).await;
        until_info(&mut observer, "connected_clients", "1").await;
        assert_eq!(
            info(&mut observer, "client_output_buffer_limit_disconnections").await,
            "1"
        );
        let calls = info(&mut observer, "cmdstat_get").await;
        let calls = calls.split(['=', ',']).nth(1).expect("calls=number,…");
        let calls: usize = calls.parse().expect("a number");
        if transaction {
            assert_eq!(calls, 2000);
        } else {
            assert!(calls < 100, "{calls} of 2000");
        }
    }
}

/// The keys that a client watches or waits for take more than their names.
#[tokio::test]
async fn watched_and_awaited_keys_count_as_kept_for_the_client() {
    let server = start_with(&[("client-query-buffer-limit", "1mb")]).await;
    let mut observer = Client::connect(&server, 3).await;
    // A few WATCHes are within the limit one by one; BLPOP must be so at once.
    for (number, (verb, requests)) in [("WATCH", 10), ("BLPOP", 1)].into_iter().enumerate() {
        let mut client = Client::connect(&server, 2).await;
        for batch in 0..requests {
            let each = if requests > 1 { 1000 } else { 10_000 };
            let keys: Vec<String> = (0..each).map(|key| format!("{batch}:{key}")).collect();
            let line = format!("{verb} {} 0", keys.join(" "));
            if client
                .try_send(request(&line.split(' ').collect::<Vec<_>>()))
                .await
                .is_err()
            {
                break;
            }
        }
        until_info(&mut observer, "connected_clients", "1").await;
        let field = "client_query_buffer_limit_disconnections";
        assert_eq!(info(&mut observer, field).await, (number + 1).to_string());
    }
}

#[tokio::test]
async fn no_more_clients_than_maxclients() {
    let server = start_with(&[("maxclients", "2")]).await;
    let address = server.addr().expect("TCP");
    let mut one = Client::connect(&server, 2).await;
    let two = Client::connect(&server, 3).await;
    for _ in 0..3 {
        let mut refused = Client::raw(address).await;
        refused
            .expect("-ERR max number of clients reached\r\n")
            .await;
        refused.closed().await;
    }
    assert_eq!(info(&mut one, "rejected_connections").await, "3");
    drop(two);
    eventually("two is gone", || server.client_count() == 1).await;
    let _three = Client::connect(&server, 2).await;
    one.ask("CONFIG SET maxclients 3", "+OK").await;
    let mut four = Client::connect(&server, 2).await;
    one.ask("CONFIG SET maxclients 1", "+OK").await;
    // Those who are in stay.
    four.ask("PING", "+PONG").await;
    let mut refused = Client::raw(address).await;
    refused
        .expect("-ERR max number of clients reached\r\n")
        .await;
}

#[tokio::test]
async fn timeout_closes_idle_clients_but_not_subscribers() {
    let server = start_with(&[]).await;
    let mut subscribers = Vec::new();
    for (verb, name) in [
        ("SUBSCRIBE", "c"),
        ("PSUBSCRIBE", "c*"),
        ("SSUBSCRIBE", "c"),
    ] {
        let mut subscriber = Client::connect(&server, 2).await;
        subscriber.subscribe(verb, &[name]).await;
        subscribers.push(subscriber);
    }
    let mut idle = Client::connect(&server, 3).await;
    let mut admin = Client::connect(&server, 3).await;
    // For those that are there already.
    admin.ask("CONFIG SET timeout 1", "+OK").await;
    idle.closed().await;
    admin.closed().await;
    assert_eq!(server.client_count(), 3);
    assert_eq!(server.publish("c", "hi"), 2);
    for subscriber in &mut subscribers {
        subscriber.protocol = 2;
    }
    assert_eq!(subscribers[0].push().await[2], "hi");
    assert_eq!(subscribers[1].push().await[3], "hi");
    subscribers[2].barrier().await;
}

#[tokio::test]
async fn client_kill_frees_subscriptions_at_once() {
    let server = start_with(&[]).await;
    let mut admin = Client::connect(&server, 2).await;
    let own = format!("LADDR {}", server.addr().expect("TCP"));
    let forms = |victim: &Client| {
        [
            (victim.address.clone(), "+OK"),
            (format!("ID {}", victim.id), ":1"),
            (format!("ADDR {}", victim.address), ":1"),
            (own.clone(), ":1"),
            ("TYPE pubsub".to_owned(), ":1"),
            ("USER default SKIPME yes".to_owned(), ":1"),
            (format!("ID {} TYPE pubsub {own}", victim.id), ":1"),
        ]
    };
    for index in 0..7 {
        let mut victim = stuck(&server, 2 + index as u8 % 2).await;
        victim.subscribe("PSUBSCRIBE", &["*"]).await;
        victim.subscribe("SSUBSCRIBE", &["c"]).await;
        // With a backlog it is freed as well.
        for _ in 0..(index % 2) * 100 {
            server.publish("c", "x".repeat(50 * KB));
        }
        let (form, killed) = &forms(&victim)[index];
        let session = format!(
            "CLIENT KILL {form}\r\nPUBSUB NUMSUB c\r\nPUBSUB NUMPAT\r\nPUBSUB SHARDNUMSUB c\r\n\
             PUBLISH c gone\r\nPUBSUB CHANNELS\r\n"
        );
        admin.send(session).await;
        let replies = "*2\r\n$1\r\nc\r\n:0\r\n:0\r\n*2\r\n$1\r\nc\r\n:0\r\n:0\r\n*0\r\n";
        admin.expect(format!("{killed}\r\n{replies}")).await;
        assert_eq!(server.client_count(), 1);
        victim.rest().await;
    }
}
