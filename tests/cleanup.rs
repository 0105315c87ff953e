//! What is left of connections and servers that have ended: nothing, but what they had published.

mod common;

use std::time::Duration;

use common::client::Client;
use common::{eventually, soon, start, start_with};
use fanfare::Server;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const NAMES: usize = 100_000;
const CHUNK: usize = 1_000;

/// Subscribes to 100,000 channels and as many patterns of all shapes.
async fn subscribe_to_very_many(client: &mut Client) {
    let channel = |number: usize| format!("channel:{number}");
    let pattern = |number: usize| match number % 4 {
        0 => format!("news.{number}.*"),
        1 => format!("*.{number}"),
        2 => format!("*{number}*"),
        _ => format!("h[a-c]ll?.{number}"),
    };
    for (verb, name) in [
        ("SUBSCRIBE", &channel as &dyn Fn(usize) -> String),
        ("PSUBSCRIBE", &pattern),
    ] {
        for start in (0..NAMES).step_by(CHUNK) {
            let names: Vec<_> = (start..start + CHUNK).map(name).collect();
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            client.subscribe(verb, &names).await;
        }
    }
}

async fn nothing_left(server: &Server) {
    eventually("nothing is left", || {
        (
            server.client_count(),
            server.channel_count(),
            server.pattern_count(),
        ) == (0, 0, 0)
    })
    .await;
    assert_eq!(server.publish("channel:1", "nobody"), 0);
}

#[tokio::test]
async fn very_many_subscriptions_end_with_their_connection() {
    let server = start().await;
    for how in ["close", "reset", "kill"] {
        let stream = TcpStream::connect(server.addr().expect("TCP"))
            .await
            .expect("a connection");
        if how == "reset" {
            SockRef::from(&stream)
                .set_linger(Some(Duration::ZERO))
                .expect("linger");
        }
        let mut client = Client::over(stream);
        client.hello(3).await;
        subscribe_to_very_many(&mut client).await;
        assert_eq!(
            (server.channel_count(), server.pattern_count()),
            (NAMES, NAMES)
        );
        // news.4.* and *.5
        assert_eq!(server.subscriber_count("news.4.5"), 2);
        match how {
            "kill" => {
                let mut admin = Client::connect(&server, 2).await;
                admin
                    .ask(&format!("CLIENT KILL ID {}", client.id), ":1")
                    .await;
                assert_eq!((server.channel_count(), server.pattern_count()), (0, 0));
                client.closed().await;
            }
            _ => drop(client),
        }
        nothing_left(&server).await;
    }
}

#[tokio::test]
async fn very_many_subscriptions_can_be_given_up() {
    let server = start().await;
    let mut client = Client::connect(&server, 3).await;
    subscribe_to_very_many(&mut client).await;
    for verb in ["UNSUBSCRIBE", "PUNSUBSCRIBE"] {
        client.line(verb).await;
        for _ in 0..NAMES {
            assert_eq!(client.push().await[0], verb.to_ascii_lowercase());
        }
    }
    client.barrier().await;
    assert_eq!((server.channel_count(), server.pattern_count()), (0, 0));
}

/// Publishes to `c` more than the kernel takes for a subscriber that does not read.
fn publish_backlog(server: &Server, messages: usize) {
    for number in 0..messages {
        let payload = format!("{number:08}").repeat(8 * 1024);
        assert_eq!(server.publish("c", payload), 1);
    }
}

#[tokio::test]
async fn stop_delivers_what_was_published_before() {
    const MESSAGES: usize = 300;
    for protocol in [2, 3] {
        let server = start_with(&[("client-output-buffer-limit", "pubsub 0 0 0")]).await;
        let mut subscriber = Client::connect(&server, protocol).await;
        subscriber.subscribe("SUBSCRIBE", &["c"]).await;
        publish_backlog(&server, MESSAGES);
        let stop = tokio::spawn(server.stop());
        for number in 0..MESSAGES {
            assert!(subscriber.push().await[2].starts_with(format!("{number:08}").as_bytes()));
        }
        subscriber.closed().await;
        soon("stop", stop).await.expect("no panic");
    }
}

/// A subscriber that lags behind and keeps sending while the server stops gets its messages all the
/// same. A socket that is closed with unread bytes in it, or that is sent bytes once it is closed, is
/// reset, and what its kernel has still to send is lost.
#[tokio::test]
async fn stop_delivers_to_those_who_keep_sending() {
    const MESSAGES: usize = 300;
    let server = start_with(&[("client-output-buffer-limit", "pubsub 0 0 0")]).await;
    let address = server.addr().expect("TCP");
    let mut subscriber = TcpStream::connect(address).await.expect("a connection");
    subscriber
        .write_all(b"SUBSCRIBE c\r\n")
        .await
        .expect("sent");
    let mut confirmation = [0; b"*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n".len()];
    subscriber
        .read_exact(&mut confirmation)
        .await
        .expect("read");
    publish_backlog(&server, MESSAGES);
    let stop = tokio::spawn(server.stop());
    // Once nobody is accepted any more, requests are not read any more.
    soon("the listener's end", async {
        while TcpStream::connect(address).await.is_ok() {}
    })
    .await;
    let (mut received, mut buffer) = (0, vec![0; 128 * 1024]);
    loop {
        let _ = subscriber.write_all(b"PING\r\n").await;
        match soon("more", subscriber.read(&mut buffer))
            .await
            .expect("no reset")
        {
            0 => break,
            length => received += length,
        }
    }
    let message = b"*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$65536\r\n".len() + 64 * 1024 + 2;
    assert_eq!(received, MESSAGES * message);
    drop(subscriber);
    soon("stop", stop).await.expect("no panic");
}

#[tokio::test]
async fn stop_waits_for_nobody_longer_than_shutdown_timeout() {
    for timeout in ["0", "1"] {
        let server = start_with(&[
            ("client-output-buffer-limit", "pubsub 0 0 0"),
            ("shutdown-timeout", timeout),
        ])
        .await;
        let mut stuck = Client::connect(&server, 2).await;
        let mut idle = Client::connect(&server, 3).await;
        stuck.subscribe("SUBSCRIBE", &["c"]).await;
        publish_backlog(&server, 300);
        soon("stop", server.stop()).await;
        idle.closed().await;
        // What the kernel had taken is there, but not all.
        assert!(stuck.rest().await.len() < 300 * 64 * 1024);
    }
}

/// Whoever sleeps in DEBUG SLEEP does not hold up the end, however it comes.
#[tokio::test]
async fn sleepers_hold_up_nobody() {
    let settings = [
        ("enable-debug-command", "yes"),
        ("shutdown-timeout", "1000000"),
    ];
    for how in ["stop", "drop", "kill"] {
        let server = start_with(&settings).await;
        let mut sleeper = Client::connect(&server, 2).await;
        sleeper.subscribe("SUBSCRIBE", &["c"]).await;
        sleeper
            .send(b"UNSUBSCRIBE\r\nDEBUG SLEEP 1000000\r\n")
            .await;
        assert_eq!(sleeper.push().await[0], "unsubscribe");
        match how {
            "stop" => soon("stop", server.stop()).await,
            "drop" => drop(server),
            _ => {
                let mut admin = Client::connect(&server, 2).await;
                admin
                    .ask(&format!("CLIENT KILL ID {}", sleeper.id), ":1")
                    .await;
                soon("stop", server.stop()).await;
            }
        }
        // It may be told that its sleep is over.
        let rest = sleeper.rest().await;
        assert!(
            rest.is_empty() || rest == b"+OK\r\n",
            "{}",
            rest.escape_ascii()
        );
    }
}

#[tokio::test]
async fn dropping_a_server_closes_its_connections() {
    let server = start().await;
    let address = server.addr().expect("TCP");
    let mut idle = Client::connect(&server, 2).await;
    let mut subscriber = Client::connect(&server, 3).await;
    subscriber.subscribe("PSUBSCRIBE", &["*"]).await;
    drop(server);
    idle.closed().await;
    subscriber.closed().await;
    soon("the listener's end", async {
        while TcpStream::connect(address).await.is_ok() {}
    })
    .await;
}
