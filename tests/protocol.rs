//! Requests on the wire: cut into pieces, pipelined, inline, malformed and too large.
//!
//! Texts and limits are Redis's. A protocol error closes its connection and no other.

mod common;

use common::client::Client;
use common::wire::{bulk, request};
use common::{field, info, soon, start, start_with};
use fanfare::Server;

/// Sends `bytes` on a new connection and checks that it gets exactly `reply` and is closed.
async fn refused(server: &Server, bytes: &[u8], reply: &str) {
    let mut client = Client::raw(server.addr().expect("TCP")).await;
    // The server may close before it has read everything.
    let _ = client.try_send(bytes).await;
    let expected = format!("-ERR Protocol error: {reply}\r\n");
    client.expect(expected).await;
    client.closed().await;
}

/// Waits until the server holds an unfinished request of client `id`.
async fn until_held(observer: &mut Client, id: u64) {
    soon("the beginning of a request", async {
        loop {
            observer.line(&format!("CLIENT LIST ID {id}")).await;
            if field(&observer.text().await, "qbuf") != "0" {
                return;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_session_may_be_cut_at_every_byte() {
    let session: [(&[u8], &[u8]); 10] = [
        (b"PING\r\n", b"+PONG\r\n"),
        (b"*1\r\n$4\r\nPING\r\n", b"+PONG\r\n"),
        (b"*2\r\n$4\r\nECHO\r\n$7\r\na\r\nb\0\xff!\r\n", b"$7\r\na\r\nb\0\xff!\r\n"),
        (b"ECHO 'a b' \r\n", b"$3\r\na b\r\n"),
        (b"*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$0\r\n\r\n", b":0\r\n"),
        (b"*0\r\n", b""),
        (b"\r\n", b""),
        (
            b"*3\r\n$9\r\nSUBSCRIBE\r\n$1\r\na\r\n$2\r\nbb\r\n",
            b">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n>3\r\n$9\r\nsubscribe\r\n$2\r\nbb\r\n:2\r\n",
        ),
        (
            b"UNSUBSCRIBE bb a\n",
            b">3\r\n$11\r\nunsubscribe\r\n$2\r\nbb\r\n:1\r\n>3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n",
        ),
        (b"*2\r\n$4\r\nPING\r\n$10\r\n0123456789\r\n", b"$10\r\n0123456789\r\n"),
    ];
    let requests = session.map(|(request, _)| request).concat();
    let server = start().await;
    let mut observer = Client::connect(&server, 2).await;
    for (protocol, cut) in [2, 3]
        .into_iter()
        .flat_map(|p| (1..requests.len()).map(move |cut| (p, cut)))
    {
        let mut client = Client::connect(&server, protocol).await;
        client.send(&requests[..cut]).await;
        // What is complete is answered; of what is not, the server holds the beginning.
        let mut end = 0;
        let (mut before, mut after) = (Vec::new(), Vec::new());
        let mut is_between = false;
        for (request, reply) in session {
            end += request.len();
            let half = if end <= cut { &mut before } else { &mut after };
            half.extend_from_slice(reply);
            is_between |= end == cut;
        }
        client.reads(before).await;
        if !is_between {
            until_held(&mut observer, client.id).await;
        }
        client.send(&requests[cut..]).await;
        client.reads(after).await;
        client.barrier().await;
    }
}

#[tokio::test]
async fn a_session_may_come_byte_by_byte() {
    let server = start().await;
    let mut client = Client::connect(&server, 3).await;
    let requests = [
        request(&["ECHO", "a\r\n$1\r\n"]),
        b"PING \"x\\x41\"\r\n".to_vec(),
    ]
    .concat();
    for byte in requests {
        client.send([byte]).await;
        tokio::task::yield_now().await;
    }
    client.reads(b"$7\r\na\r\n$1\r\n\r\n$2\r\nxA\r\n").await;
}

#[tokio::test]
async fn thousands_of_commands_in_one_write() {
    const COUNT: usize = 20_000;
    let server = start().await;
    for protocol in [2, 3] {
        let mut client = Client::connect(&server, protocol).await;
        let numbers = || (0..COUNT).map(|number| number.to_string());
        let requests: Vec<u8> = numbers()
            .flat_map(|number| request(&["ECHO", &number]))
            .collect();
        let replies: Vec<u8> = numbers()
            .flat_map(|number| bulk(number.as_bytes()))
            .collect();
        client.send(requests).await;
        client.expect(replies).await;
        client.barrier().await;
    }
}

#[tokio::test]
async fn hundreds_of_thousands_of_arguments() {
    const COUNT: usize = 300_000;
    let server = start().await;
    let mut client = Client::connect(&server, 2).await;
    let echo = [
        format!("*{}\r\n$4\r\nECHO\r\n", COUNT + 1).into_bytes(),
        b"$1\r\nx\r\n".repeat(COUNT),
    ];
    for piece in echo.concat().chunks(16 * 1024) {
        client.send(piece).await;
    }
    client
        .expect("-ERR wrong number of arguments for 'echo' command\r\n")
        .await;
    client.ask("PING", "+PONG").await;

    const NAMES: usize = 50_000;
    let name = |number: usize| format!("channel:{number}");
    let words: Vec<_> = std::iter::once("SUBSCRIBE".to_owned())
        .chain((0..NAMES).map(name))
        .collect();
    for piece in request(&words).chunks(16 * 1024) {
        client.send(piece).await;
    }
    for number in 0..NAMES {
        let confirmation = client.push().await;
        assert_eq!(confirmation[1], name(number));
        assert_eq!(confirmation[2], (number + 1).to_string());
    }
    assert_eq!(server.channel_count(), NAMES);
}

#[tokio::test]
async fn headers_without_end() {
    let server = start().await;
    let endless = |begin: &str| [begin.as_bytes(), &[b'1'; 70_000]].concat();
    refused(&server, &endless("*"), "too big mbulk count string").await;
    refused(&server, &endless("*1\r\n$"), "too big bulk count string").await;
    refused(&server, &endless(""), "too big inline request").await;
    // The longest line that is accepted.
    let mut client = Client::connect(&server, 2).await;
    let word = "x".repeat(64 * 1024 - 7);
    client.send(format!("ECHO {word}\r\n")).await;
    client.expect(bulk(word.as_bytes())).await;
}

#[tokio::test]
async fn nested_arrays() {
    let server = start().await;
    for depth in [2, 1_000, 10_000] {
        refused(
            &server,
            "*1\r\n".repeat(depth).as_bytes(),
            "expected '$', got '*'",
        )
        .await;
    }
    refused(
        &server,
        b"*2\r\n$4\r\nECHO\r\n:5\r\n",
        "expected '$', got ':'",
    )
    .await;
}

#[tokio::test]
async fn counts_and_lengths() {
    let server = start().await;
    for (bytes, reply) in [
        (&b"*2147483648\r\n"[..], "invalid multibulk length"),
        (b"*99999999999999999999\r\n", "invalid multibulk length"),
        (b"*x\r\n", "invalid multibulk length"),
        (b"*\r\n", "invalid multibulk length"),
        (b"*01\r\n", "invalid multibulk length"),
        (b"*1\r\n$-1\r\n", "invalid bulk length"),
        (b"*1\r\n$x\r\n", "invalid bulk length"),
        (b"*1\r\n$99999999999999999999\r\n", "invalid bulk length"),
        (b"*1\r\n$536870913\r\n", "invalid bulk length"),
        (b"ECHO \"x\r\n", "unbalanced quotes in request"),
        (b"ECHO 'x'y\r\n", "unbalanced quotes in request"),
    ] {
        refused(&server, bytes, reply).await;
    }
    // No array: nothing to answer.
    let mut client = Client::connect(&server, 2).await;
    client
        .send(b"*-1\r\n*-9223372036854775808\r\n*0\r\nPING\r\n")
        .await;
    client.expect(b"+PONG\r\n").await;
    // Promises alone cost the server nothing.
    let mut promising = Vec::new();
    for header in [
        &b"*2147483647\r\n$4\r\nPING\r\n"[..],
        b"*2\r\n$4\r\nECHO\r\n$536870912\r\nx",
    ] {
        for _ in 0..20 {
            let mut other = Client::connect(&server, 2).await;
            other.send(header).await;
            until_held(&mut client, other.id).await;
            promising.push(other);
        }
    }
    client.line("CLIENT LIST").await;
    for line in client.text().await.lines() {
        let memory: u64 = field(line, "tot-mem").parse().expect("a number");
        assert!(memory < 4096, "{line}");
    }
    client.ask("PING", "+PONG").await;
}

#[tokio::test]
async fn before_auth_limits_are_stricter() {
    let server = start_with(&[("requirepass", "sesame")]).await;
    let words = |count: usize| request(&vec!["PING"; count]);
    let long = |length: usize| request(&["AUTH", &"x".repeat(length)]);
    for (bytes, reply) in [
        (words(11), "unauthenticated multibulk length"),
        (b"*1000000\r\n".to_vec(), "unauthenticated multibulk length"),
        (long(16_385), "unauthenticated bulk length"),
        (
            b"*2\r\n$4\r\nECHO\r\n$536870912\r\n".to_vec(),
            "unauthenticated bulk length",
        ),
        ("*1\r\n".repeat(5_000).into(), "expected '$', got '*'"),
        (vec![b'1'; 70_000], "too big inline request"),
    ] {
        refused(&server, &bytes, reply).await;
    }
    let mut client = Client::raw(server.addr().expect("TCP")).await;
    client.send(long(16_384)).await;
    client
        .expect("-WRONGPASS invalid username-password pair or user is disabled.\r\n")
        .await;
    client
        .send([&words(10)[..], b"AUTH sesame\r\n"].concat())
        .await;
    client
        .expect("-NOAUTH Authentication required.\r\n+OK\r\n")
        .await;
    client.send(request(&["ECHO", &"x".repeat(100_000)])).await;
    client.expect(bulk(&[b'x'; 100_000])).await;
}

#[tokio::test]
async fn the_longest_argument_is_a_setting() {
    const MB: usize = 1024 * 1024;
    let server = start_with(&[("proto-max-bulk-len", "1mb")]).await;
    let mut client = Client::connect(&server, 2).await;
    client.send(request(&["ECHO", &"x".repeat(MB)])).await;
    client.expect(bulk(&vec![b'x'; MB])).await;
    refused(
        &server,
        b"*2\r\n$4\r\nECHO\r\n$1048577\r\n",
        "invalid bulk length",
    )
    .await;
    // For connections that are there already, too.
    client.ask("CONFIG SET proto-max-bulk-len 2mb", "+OK").await;
    client.send(request(&["ECHO", &"x".repeat(MB + 1)])).await;
    client.expect(bulk(&vec![b'x'; MB + 1])).await;
}

#[tokio::test]
async fn a_request_longer_than_the_query_buffer_limit() {
    let server = start_with(&[("client-query-buffer-limit", "1mb")]).await;
    let mut observer = Client::connect(&server, 2).await;
    let mut client = Client::connect(&server, 2).await;
    let too_much = [b"*2\r\n$4\r\nECHO\r\n$3000000\r\n", &[b'x'; 2_000_000][..]].concat();
    let _ = client.try_send(too_much).await;
    client.closed().await;
    // Many words weigh more than their bytes.
    let mut client = Client::connect(&server, 2).await;
    let many = [b"*1000000\r\n", &b"$0\r\n\r\n".repeat(150_000)[..]].concat();
    let _ = client.try_send(many).await;
    client.closed().await;
    assert_eq!(
        info(&mut observer, "client_query_buffer_limit_disconnections").await,
        "2"
    );
    assert_eq!(server.client_count(), 1);
    // Any number of requests that are each shorter may wait in line.
    let requests = request(&["ECHO", &"x".repeat(400_000)]).repeat(5);
    observer.send(requests).await;
    observer.expect(bulk(&[b'x'; 400_000]).repeat(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_payload_arrives_whole() {
    const BLOCK: usize = 64 * 1024;
    const BLOCKS: usize = 1024;
    let server = start_with(&[("client-output-buffer-limit", "pubsub 0 0 0")]).await;
    // No block is like another, by its beginning.
    let mut payload = vec![b'.'; BLOCK * BLOCKS];
    for (number, block) in payload.chunks_mut(BLOCK).enumerate() {
        block[..8].copy_from_slice(&(number as u64).to_le_bytes());
    }
    let payload: &'static [u8] = payload.leak();
    let mut readers = Vec::new();
    for protocol in [2, 3, 3] {
        let mut subscriber = Client::connect(&server, protocol).await;
        subscriber.subscribe("SUBSCRIBE", &["big"]).await;
        readers.push(tokio::spawn(async move {
            let marker = if protocol == 2 { '*' } else { '>' };
            let length = payload.len();
            let head = format!("{marker}3\r\n$7\r\nmessage\r\n$3\r\nbig\r\n${length}\r\n");
            subscriber.expect(head).await;
            for block in payload.chunks(BLOCK) {
                subscriber.expect(block).await;
            }
            subscriber.expect(b"\r\n").await;
            subscriber.barrier().await;
        }));
    }
    let mut publisher = Client::connect(&server, 2).await;
    publisher
        .send(format!(
            "*3\r\n$7\r\nPUBLISH\r\n$3\r\nbig\r\n${}\r\n",
            payload.len()
        ))
        .await;
    publisher.send(payload).await;
    publisher.send(b"\r\n").await;
    publisher.expect(b":3\r\n").await;
    for reader in readers {
        reader.await.expect("whole");
    }
}

#[tokio::test]
async fn inline_commands() {
    let server = start().await;
    let mut client = Client::connect(&server, 2).await;
    for (line, reply) in [
        (&b"\r\n\n  \r\n\t\nPING\r\n"[..], &b"+PONG\r\n"[..]),
        (b"  ping   hello  \n", b"$5\r\nhello\r\n"),
        (br#"ECHO "a\x41\n\"b\" c""#, b"$8\r\naA\n\"b\" c\r\n"),
        (br"ECHO 'it\'s \n'", b"$7\r\nit's \\n\r\n"),
        (b"ECHO \"\"", b"$0\r\n\r\n"),
        (b"ECHO pre\"fix\"", b"$6\r\nprefix\r\n"),
        (b"ECHO\ta", b"$1\r\na\r\n"),
    ] {
        client.send([line, b"\r\n"].concat()).await;
        client.expect(reply).await;
    }
    client.barrier().await;
}

#[tokio::test]
async fn http_is_refused() {
    let server = start().await;
    let mut subscriber = Client::connect(&server, 2).await;
    subscriber.subscribe("SUBSCRIBE", &["c"]).await;
    for attack in [
        "POST / HTTP/1.1\r\nHost: localhost\r\n\r\nPUBLISH c stolen\r\n",
        "Host: localhost\r\nPUBLISH c stolen\r\n",
        "post\r\nPUBLISH c stolen\r\n",
    ] {
        let mut browser = Client::raw(server.addr().expect("TCP")).await;
        browser.send(attack).await;
        browser.closed().await;
    }
    subscriber.barrier().await;
}

/// What a batch has published before it ends in a violation reaches its subscribers all the same, and
/// nothing of it holds up what others publish later.
#[tokio::test]
async fn messages_before_a_violation_are_delivered() {
    let server = start().await;
    for violation in ["POST / HTTP/1.1\r\n", "*1\r\nx\r\n", "QUIT\r\n"] {
        let mut subscriber = Client::connect(&server, 3).await;
        subscriber.subscribe("SUBSCRIBE", &["c"]).await;
        let mut publisher = Client::connect(&server, 2).await;
        publisher
            .send(format!("PUBLISH c one\r\n{violation}").as_bytes())
            .await;
        assert_eq!(subscriber.push().await[2], "one", "{violation:?}");
        server.publish("c", "two");
        assert_eq!(subscriber.push().await[2], "two", "{violation:?}");
        publisher.rest().await;
    }
}
