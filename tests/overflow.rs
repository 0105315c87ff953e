//! `pubsub-overflow-policy`: a slow subscriber keeps its connection and loses messages, each of which
//! is counted.

#![cfg(feature = "cli")]

mod common;

use common::client::Client;
use common::process::Process;
use common::{eventually, field, info, soon, start_with, until_info};
use fanfare::Server;
use tokio::net::TcpSocket;

const KB: usize = 1024;
const MESSAGES: usize = 3000;
/// Of which 256 KB hold few.
const SIZE: usize = 10 * KB;
const DROPPED: &str = "pubsub_dropped_messages";
const DROPPED_BYTES: &str = "pubsub_dropped_bytes";
/// `*3 $7 message $1 c $10240 …`, with its line ends.
const FRAME: usize = 4 + 13 + 7 + 8 + SIZE + 2;

/// A connection that reads nothing until it is told to, and whose kernel keeps few bytes for it.
async fn slow(address: std::net::SocketAddr, protocol: u8) -> Client {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket
        .set_recv_buffer_size(8 * 1024)
        .expect("a small buffer");
    let stream = socket.connect(address).await;
    let mut client = Client::over(stream.expect("a connection"));
    client.hello(protocol).await;
    client
}

fn payload(number: usize) -> String {
    let mut payload = format!("{number:08}");
    payload.extend(std::iter::repeat_n('x', SIZE - 8));
    payload
}

fn number(message: &[bytes::Bytes]) -> usize {
    let payload = message.last().expect("a payload");
    assert_eq!(payload.len(), SIZE);
    let digits = std::str::from_utf8(&payload[..8]).expect("digits");
    digits.parse().expect("a number")
}

async fn dropped(observer: &mut Client, id: u64) -> (usize, usize) {
    observer.line(&format!("CLIENT LIST ID {id}")).await;
    let line = observer.text().await;
    let count = |name| field(&line, name).parse().expect("a number");
    assert!(
        line.ends_with(&format!(
            " dropped={} dropped-bytes={}\n",
            field(&line, "dropped"),
            field(&line, "dropped-bytes")
        )),
        "{line}"
    );
    (count("dropped"), count("dropped-bytes"))
}

/// Publishes while one of two subscribers reads nothing; then it reads. Gives the numbers of what
/// came, and how many PUBLISH said had gone to it.
async fn overflow(server: &Server, victim: &mut Client) -> (Vec<usize>, usize) {
    let mut observer = Client::connect(server, 3).await;
    let mut reader = Client::connect(server, 2).await;
    victim.subscribe("SUBSCRIBE", &["c"]).await;
    reader.subscribe("SUBSCRIBE", &["c"]).await;
    let mut taken = 0;
    for number in 0..MESSAGES {
        taken += server.publish("c", payload(number)) - 1;
        reader.push().await;
    }
    // Nobody is cut off, and who reads has got everything.
    assert_eq!(server.client_count(), 3);
    reader.barrier().await;
    let (messages, bytes) = dropped(&mut observer, victim.id).await;
    assert!((1000..MESSAGES).contains(&messages), "{messages}");
    assert_eq!(bytes, messages * FRAME);
    assert_eq!(dropped(&mut observer, reader.id).await, (0, 0));
    assert_eq!(info(&mut observer, DROPPED).await, messages.to_string());
    assert_eq!(info(&mut observer, DROPPED_BYTES).await, bytes.to_string());
    let delivered = info(&mut observer, "pubsub_messages_delivered").await;
    assert_eq!(delivered, (taken + MESSAGES).to_string());

    let mut got = Vec::new();
    for _ in messages..MESSAGES {
        got.push(number(&victim.push().await));
    }
    victim.barrier().await;
    // Now that it reads, it gets everything.
    assert_eq!(server.publish("c", payload(MESSAGES)), 2);
    assert_eq!(number(&victim.push().await), MESSAGES);
    assert_eq!(dropped(&mut observer, victim.id).await.0, messages);
    observer.ask("CONFIG RESETSTAT", "+OK").await;
    assert_eq!(info(&mut observer, DROPPED).await, "0");
    assert_eq!(info(&mut observer, DROPPED_BYTES).await, "0");
    (got, taken)
}

/// The kernels had the first ones before the socket was full; in between is one gap at most.
fn gaps(got: &[usize]) -> usize {
    assert!(got.is_sorted_by(|one, next| one < next));
    got.windows(2).filter(|two| two[0] + 1 < two[1]).count()
}

#[tokio::test]
async fn drop_oldest_keeps_the_newest() {
    for protocol in [2, 3] {
        let server = start_with(&[
            ("pubsub-overflow-policy", "drop-oldest"),
            ("pubsub-overflow-limit", "256kb"),
        ])
        .await;
        let mut victim = slow(server.addr().expect("TCP"), protocol).await;
        let (got, taken) = overflow(&server, &mut victim).await;
        assert_eq!(taken, MESSAGES);
        assert_eq!((got[0], got[got.len() - 1]), (0, MESSAGES - 1));
        assert_eq!(gaps(&got), 1);
        // As many as the limit lets wait, with what it takes to keep them.
        let gap = got.windows(2).position(|two| two[0] + 1 < two[1]);
        let kept = got.len() - 1 - gap.expect("a gap");
        assert!((20..=25).contains(&kept), "{kept}");
    }
}

#[tokio::test]
async fn drop_newest_keeps_the_oldest() {
    for protocol in [2, 3] {
        let server = start_with(&[]).await;
        let mut victim = slow(server.addr().expect("TCP"), protocol).await;
        victim.ask("CLIENT OVERFLOW drop-newest 256kb", "+OK").await;
        let (got, taken) = overflow(&server, &mut victim).await;
        assert_eq!(taken, got.len());
        assert_eq!((gaps(&got), got[0]), (0, 0));
    }
}

/// Replies and confirmations come all the same, where they belong.
#[tokio::test]
async fn nothing_but_messages_is_dropped() {
    let server = start_with(&[
        ("pubsub-overflow-policy", "drop-oldest"),
        ("pubsub-overflow-limit", "64kb"),
    ])
    .await;
    let mut observer = Client::connect(&server, 2).await;
    let mut victim = slow(server.addr().expect("TCP"), 3).await;
    victim.subscribe("SUBSCRIBE", &["c"]).await;
    let mut echoes = 0;
    let mut commands = 0;
    while dropped(&mut observer, victim.id).await.0 < 500 {
        for number in 0..50 {
            server.publish("c", payload(number));
        }
        victim.send(format!("ECHO {echoes}\r\n")).await;
        victim.send(format!("SUBSCRIBE c{echoes}\r\n")).await;
        echoes += 1;
        commands += 2;
        let expected = format!("calls={},", echoes + 1);
        soon("it is carried out", async {
            while !info(&mut observer, "cmdstat_subscribe")
                .await
                .starts_with(&expected)
            {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    assert!(commands > 10);
    let mut answers = Vec::new();
    while answers.len() < commands {
        let frame = victim.frame().await;
        let text = format!("{frame:?}");
        if !text.contains("xxxxxxxx") {
            answers.push(text);
        }
    }
    for (number, pair) in answers.chunks(2).enumerate() {
        assert!(pair[0].contains(&format!("\"{number}\"")), "{}", pair[0]);
        assert!(pair[1].contains("subscribe"), "{}", pair[1]);
        assert!(pair[1].contains(&format!("\"c{number}\"")), "{}", pair[1]);
    }
}

/// A message to oneself in an EXEC is held back until the reply is there; it may be dropped then.
#[tokio::test]
async fn what_an_exec_publishes_to_its_own_connection() {
    let server = start_with(&[]).await;
    let mut observer = Client::connect(&server, 2).await;
    let mut client = Client::connect(&server, 3).await;
    client.ask("CLIENT OVERFLOW drop-oldest 1kb", "+OK").await;
    client.subscribe("SUBSCRIBE", &["c"]).await;
    let publish = format!("PUBLISH c {}\r\n", "y".repeat(400));
    client
        .send(format!("MULTI\r\n{}EXEC\r\n", publish.repeat(5)))
        .await;
    client
        .expect(format!("+OK\r\n{}", "+QUEUED\r\n".repeat(5)))
        .await;
    client.expect(format!("*5\r\n{}", ":1\r\n".repeat(5))).await;
    for _ in 0..2 {
        assert_eq!(client.push().await[2].len(), 400);
    }
    client.barrier().await;
    assert_eq!(dropped(&mut observer, client.id).await.0, 3);
    client.ask("CLIENT OVERFLOW drop-newest 1kb", "+OK").await;
    client
        .send(format!("MULTI\r\n{}EXEC\r\n", publish.repeat(3)))
        .await;
    client
        .expect(format!("+OK\r\n{}", "+QUEUED\r\n".repeat(3)))
        .await;
    client.expect("*3\r\n:1\r\n:1\r\n:0\r\n").await;
    client.push().await;
    client.push().await;
    client.barrier().await;
    assert_eq!(dropped(&mut observer, client.id).await.0, 4);
}

#[tokio::test]
async fn config_set_takes_effect_for_those_who_follow_the_server() {
    let limits = ("client-output-buffer-limit", "pubsub 1mb 0 0");
    let server = start_with(&[limits]).await;
    let address = server.addr().expect("TCP");
    let mut observer = Client::connect(&server, 2).await;
    let mut follows = slow(address, 2).await;
    let mut chose = slow(address, 2).await;
    let mut reset = slow(address, 2).await;
    chose.ask("CLIENT OVERFLOW disconnect", "+OK").await;
    reset.ask("CLIENT OVERFLOW disconnect", "+OK").await;
    reset.ask("RESET", "+RESET").await;
    observer
        .ask("CONFIG SET pubsub-overflow-policy drop-newest", "+OK")
        .await;
    observer
        .ask("CONFIG SET pubsub-overflow-limit 100kb", "+OK")
        .await;
    for client in [&mut follows, &mut chose, &mut reset] {
        client.subscribe("SUBSCRIBE", &["c"]).await;
    }
    for number in 0..MESSAGES {
        server.publish("c", payload(number));
    }
    // One is cut off, the others are not.
    eventually("it is cut off", || server.client_count() == 3).await;
    until_info(
        &mut observer,
        "client_output_buffer_limit_disconnections",
        "1",
    )
    .await;
    for client in [&mut follows, &mut reset] {
        let (messages, _) = dropped(&mut observer, client.id).await;
        for expected in 0..MESSAGES - messages {
            assert_eq!(number(&client.push().await), expected);
        }
        client.barrier().await;
    }
    // And back: now the limits of Redis hold.
    observer
        .ask("CONFIG SET pubsub-overflow-policy disconnect", "+OK")
        .await;
    for number in 0..MESSAGES {
        server.publish("c", payload(number));
    }
    eventually("all are cut off", || server.subscriber_count("c") == 0).await;
}

/// One line about a client in ten seconds, and at its end what is left: together they tell of every
/// message.
#[tokio::test]
async fn the_log_tells_of_every_drop_in_few_lines() {
    let server = Process::start(&[
        "--pubsub-overflow-policy",
        "drop-newest",
        "--pubsub-overflow-limit",
        "64kb",
    ])
    .await;
    let mut observer = server.client(2).await;
    let mut victim = slow(server.tcp.expect("TCP"), 2).await;
    victim.ask("CLIENT SETNAME turtle", "+OK").await;
    victim.subscribe("SUBSCRIBE", &["c"]).await;
    let id = victim.id;
    for number in 0..MESSAGES {
        let payload = payload(number);
        observer.command(&["PUBLISH", "c", &payload]).await;
        observer.integer().await;
    }
    let (messages, bytes) = dropped(&mut observer, id).await;
    assert!(messages > 1000);
    observer.ask(&format!("CLIENT KILL ID {id}"), ":1").await;
    let log = server.terminate().await.stderr;
    let lines: Vec<_> = log
        .lines()
        .filter(|line| line.contains("slow subscriber"))
        .collect();
    // It may have taken long, on a machine with little to spare.
    assert!((1..20).contains(&lines.len()), "{log}");
    let total = |name: &str| -> usize {
        let count = |line: &&str| field(line, name).parse::<usize>().expect("a number");
        lines.iter().map(count).sum()
    };
    assert_eq!(total("messages"), messages);
    assert_eq!(total("bytes"), bytes);
    for line in lines {
        assert!(line.contains("WARN"), "{line}");
        assert_eq!(field(line, "id"), id.to_string());
        assert_eq!(field(line, "name"), "turtle");
        assert!(line.contains("drop-newest"), "{line}");
        assert!(line.contains(&victim.address), "{line}");
    }
}

/// A restricted user's choice makes its bound tighter, and never looser.
#[tokio::test]
async fn nobody_lets_more_wait_than_the_server_does() {
    /// The server's settings, what the client chooses, and whether it is closed then.
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, bool);
    let cases: [Case<'_>; 6] = [
        (
            &[("pubsub-overflow-limit", "256kb")],
            "DROP-NEWEST 100gb",
            false,
        ),
        (
            &[("pubsub-overflow-limit", "256kb")],
            "DROP-OLDEST 100gb",
            false,
        ),
        (
            &[("client-output-buffer-limit", "pubsub 256kb 0 0")],
            "DROP-NEWEST 100gb",
            false,
        ),
        (
            &[("client-output-buffer-limit", "pubsub 0 256kb 60")],
            "DROP-OLDEST",
            false,
        ),
        (
            &[
                ("pubsub-overflow-policy", "drop-oldest"),
                ("pubsub-overflow-limit", "256kb"),
            ],
            "DEFAULT 100gb",
            false,
        ),
        (
            &[
                ("pubsub-overflow-policy", "drop-oldest"),
                ("pubsub-overflow-limit", "256kb"),
                ("client-output-buffer-limit", "pubsub 0 0 0"),
            ],
            "DISCONNECT",
            true,
        ),
    ];
    for protocol in [2, 3] {
        for (settings, choice, closes) in cases {
            let server = start_with(settings).await;
            let mut observer = Client::connect(&server, 2).await;
            observer
                .ask(
                    "ACL SETUSER u on nopass &* -@all +@pubsub +@connection -@dangerous",
                    "+OK",
                )
                .await;
            let mut victim = slow(server.addr().expect("TCP"), protocol).await;
            victim.ask("AUTH u x", "+OK").await;
            victim
                .ask(&format!("CLIENT OVERFLOW {choice}"), "+OK")
                .await;
            victim.subscribe("SUBSCRIBE", &["c"]).await;
            for number in 0..MESSAGES / 2 {
                server.publish("c", payload(number));
            }
            if closes {
                eventually("it is closed", || server.client_count() == 1).await;
                continue;
            }
            observer
                .line(&format!("CLIENT LIST ID {}", victim.id))
                .await;
            let line = observer.text().await;
            let waits: usize = common::field(&line, "omem").parse().expect("a number");
            assert!(waits <= 256 * 1024, "{choice}: {waits} bytes wait");
            assert!(waits > 100 * 1024, "{choice}: {waits} bytes wait");
        }
    }
}
