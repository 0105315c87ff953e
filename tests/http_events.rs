//! Subscriptions over HTTP: every message once and in order, drops that are told, and streams that end
//! when their client does.

#![cfg(feature = "http")]

mod common;

use common::client::Client;
use common::http::{Http, address};
use common::{eventually, field, soon, start_with};
use fanfare::Server;
use serde_json::{Value, json};
use tokio::net::TcpSocket;

const KB: usize = 1024;

/// A server whose streams have no heartbeat, unless the settings say so.
async fn start(settings: &[(&str, &str)]) -> Server {
    let common = [("http-port", "auto"), ("http-heartbeat", "0")];
    start_with(&[&common, settings].concat()).await
}

/// A connection that reads nothing until it is told to, and whose kernel keeps few bytes for it.
async fn slow(server: &Server) -> Http {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket
        .set_recv_buffer_size(8 * KB as u32)
        .expect("a small buffer");
    let stream = socket.connect(address(server)).await;
    Http::over(stream.expect("a connection"))
}

/// The data of an event of this kind.
fn data(event: &str, kind: &str) -> Value {
    let data = event
        .lines()
        .last()
        .and_then(|line| line.strip_prefix("data: "));
    assert!(event.starts_with(&format!("event: {kind}\n")), "{event}");
    serde_json::from_str(data.expect("data")).expect("JSON")
}

#[tokio::test]
async fn messages_arrive_in_order_and_in_the_form_that_was_asked_for() {
    let server = start(&[]).await;
    let streams = [
        (
            "/subscribe/a%0ab",
            "event: subscribed\ndata: {\"channel\":\"a\\nb\"}",
        ),
        ("/subscribe/a%0ab?encoding=base64", ""),
        ("/subscribe/a%0ab?format=json", ""),
        (
            "/psubscribe/a*",
            "event: subscribed\ndata: {\"pattern\":\"a*\"}",
        ),
        ("/psubscribe/a*?format=json", ""),
        ("/psubscribe/a*?format=json&encoding=base64", ""),
    ];
    let mut readers = Vec::new();
    for (target, first) in streams {
        let mut http = Http::connect(&server).await;
        let subscribed = http.subscribe(target).await;
        assert!(first.is_empty() || subscribed == first, "{subscribed}");
        readers.push(http);
    }
    assert_eq!(server.subscriber_count("a\nb"), 6);
    for payload in ["x", "", "one\ntwo\r\nthree\rfour\n", "\u{e9}\""] {
        assert_eq!(server.publish("a\nb", payload), 6);
    }
    let expected: [[&str; 4]; 6] = [
        [
            "data: x",
            "data: ",
            "data: one\ndata: two\ndata: three\ndata: four\ndata: ",
            "data: \u{e9}\"",
        ],
        [
            "data: eA==",
            "data: ",
            "data: b25lCnR3bw0KdGhyZWUNZm91cgo=",
            "data: w6ki",
        ],
        [
            r#"data: {"channel":"a\nb","pattern":null,"payload":"x"}"#,
            r#"data: {"channel":"a\nb","pattern":null,"payload":""}"#,
            r#"data: {"channel":"a\nb","pattern":null,"payload":"one\ntwo\r\nthree\rfour\n"}"#,
            "data: {\"channel\":\"a\\nb\",\"pattern\":null,\"payload\":\"\u{e9}\\\"\"}",
        ],
        [
            "data: a%0Ab\ndata: x",
            "data: a%0Ab\ndata: ",
            "data: a%0Ab\ndata: one\ndata: two\ndata: three\ndata: four\ndata: ",
            "data: a%0Ab\ndata: \u{e9}\"",
        ],
        [
            r#"data: {"channel":"a\nb","pattern":"a*","payload":"x"}"#,
            r#"data: {"channel":"a\nb","pattern":"a*","payload":""}"#,
            r#"data: {"channel":"a\nb","pattern":"a*","payload":"one\ntwo\r\nthree\rfour\n"}"#,
            "data: {\"channel\":\"a\\nb\",\"pattern\":\"a*\",\"payload\":\"\u{e9}\\\"\"}",
        ],
        [
            r#"data: {"channel":"a\nb","pattern":"a*","payload":{"base64":"eA=="}}"#,
            r#"data: {"channel":"a\nb","pattern":"a*","payload":{"base64":""}}"#,
            r#"data: {"channel":"a\nb","pattern":"a*","payload":{"base64":"b25lCnR3bw0KdGhyZWUNZm91cgo="}}"#,
            r#"data: {"channel":"a\nb","pattern":"a*","payload":{"base64":"w6ki"}}"#,
        ],
    ];
    for (http, events) in readers.iter_mut().zip(expected) {
        for (number, data) in events.iter().enumerate() {
            let event = http.event().await.expect("an event");
            assert_eq!(event, format!("event: message\nid: {}\n{data}", number + 1));
        }
    }
    // Any bytes are told exactly.
    server.publish("a\nb", [0xff, b'x']);
    let event = readers[2].event().await.expect("an event");
    assert_eq!(
        data(&event, "message")["payload"],
        json!({"base64": "/3g="})
    );
    for (target, error) in [
        ("/subscribe/c?format=xml", "ERR 'format' can only be 'json'"),
        (
            "/subscribe/c?encoding=hex",
            "ERR 'encoding' can only be 'base64'",
        ),
        ("/subscribe/c?overflow=never", "ERR syntax error"),
        ("/subscribe/c?limit=1mb", "ERR 'limit' needs 'overflow'"),
    ] {
        let mut http = Http::connect(&server).await;
        let answer = http.ask(&format!("GET {target}"), "").await;
        assert_eq!((answer.status, &answer.error()[..]), (400, error));
    }
}

#[tokio::test]
async fn large_messages_and_names_are_streamed() {
    let server = start(&[]).await;
    let mut lines = Http::connect(&server).await;
    lines.subscribe("/subscribe/c").await;
    let mut objects = Http::connect(&server).await;
    objects.subscribe("/psubscribe/*?format=json").await;
    let payload = "x\n".repeat(1_000_000);
    server.publish("c", &payload);
    let event = lines.event().await.expect("an event");
    let length = "event: message\nid: 1".len() + 1_000_001 * "\ndata: ".len() + 1_000_000;
    assert_eq!(event.len(), length);
    let event = objects.event().await.expect("an event");
    let base64 = &data(&event, "message")["payload"]["base64"];
    assert_eq!(
        base64.as_str().expect("a text").len(),
        2_000_000_usize.div_ceil(3) * 4
    );
    // A name that is too long to be shown.
    server.publish("n".repeat(100 * KB), "lost");
    server.publish("d", "found");
    let dropped = objects.event().await.expect("an event");
    assert_eq!(data(&dropped, "dropped")["messages"], 1);
    let event = objects.event().await.expect("an event");
    assert_eq!(data(&event, "message")["channel"], "d");
}

#[tokio::test]
async fn what_a_policy_drops_is_told() {
    let server = start(&[]).await;
    let mut operator = Client::connect(&server, 2).await;
    for policy in ["drop-oldest", "drop-newest"] {
        let mut http = slow(&server).await;
        let target = format!("/subscribe/c?format=json&overflow={policy}&limit=64kb");
        http.subscribe(&target).await;
        let published = 3000;
        for number in 0..published {
            server.publish("c", format!("{number:010}{}", "x".repeat(4 * KB)));
        }
        operator.line("CLIENT LIST TYPE pubsub").await;
        let list = operator.text().await;
        let lost: u64 = field(&list, "dropped").parse().expect("a number");
        assert!(lost > 0, "{list}");
        // The last one of all: nothing is dropped any more when it is published.
        let (mut next, mut told, mut bytes, mut came) = (0, 0, 0, 0);
        let mut end_is_sent = false;
        loop {
            let event = http.event().await.expect("an event");
            if event.starts_with("event: dropped") {
                let dropped = data(&event, "dropped");
                told += dropped["messages"].as_u64().expect("a number");
                bytes += dropped["bytes"].as_u64().expect("a number");
            } else {
                let message = data(&event, "message");
                let payload = message["payload"].as_str().expect("a text");
                if payload == "end" {
                    break;
                }
                let number: u64 = payload[..10].parse().expect("a number");
                // What is missing was told before.
                assert!(
                    number >= next && number - next <= told,
                    "{number} after {next}, {told}"
                );
                (next, came) = (number + 1, came + 1);
            }
            if !end_is_sent && came + lost == published {
                end_is_sent = true;
                server.publish("c", "end");
            }
        }
        operator.line("CLIENT LIST TYPE pubsub").await;
        let list = operator.text().await;
        assert_eq!(field(&list, "dropped"), told.to_string());
        assert_eq!(field(&list, "dropped-bytes"), bytes.to_string());
        assert_eq!(came + told, published, "{policy}");
        drop(http);
        eventually("the client is gone", || server.client_count() == 1).await;
    }
}

#[tokio::test]
async fn a_reader_that_is_too_slow_is_cut_off_and_nobody_waits_for_it() {
    let limit = ("client-output-buffer-limit", "pubsub 1mb 0 0");
    let server = start(&[limit]).await;
    let mut http = slow(&server).await;
    http.subscribe("/subscribe/c").await;
    let mut reader = Client::connect(&server, 2).await;
    reader.subscribe("SUBSCRIBE", &["c"]).await;
    let payload = "x".repeat(16 * KB);
    while server.publish("c", &payload) == 2 {
        reader.push().await;
    }
    reader.push().await;
    eventually("it is gone", || server.client_count() == 1).await;
    soon("the end", http.end()).await;
}

#[tokio::test]
async fn a_stream_is_a_client_as_any_other() {
    let server = start(&[("user", "ann on >secret ~* &news +subscribe +ping")]).await;
    let mut operator = Client::connect(&server, 2).await;
    let subscribe = "GET /subscribe/news\nAuthorization: Bearer ann:secret";
    let mut open = async || {
        let mut http = Http::connect(&server).await;
        http.request(subscribe, "").await;
        assert_eq!(http.head().await.status, 200);
        http.event().await.expect("it is subscribed");
        operator.line("CLIENT LIST TYPE pubsub").await;
        let line = operator.text().await;
        for (name, value) in [
            ("sub", "1"),
            ("user", "ann"),
            ("cmd", "subscribe"),
            ("lib-name", "http"),
        ] {
            assert_eq!(field(&line, name), value, "{line}");
        }
        (http, field(&line, "id").to_owned())
    };
    let (mut killed, id) = open().await;
    let mut other = Client::connect(&server, 2).await;
    other.ask("PUBSUB NUMSUB news", "*2 $4 news :1").await;
    other.ask(&format!("CLIENT KILL ID {id}"), ":1").await;
    assert_eq!(killed.event().await, None);
    other.ask("PUBSUB NUMSUB news", "*2 $4 news :0").await;

    let (mut loses_channel, _) = open().await;
    other.ask("ACL SETUSER ann resetchannels", "+OK").await;
    assert_eq!(loses_channel.event().await, None);
    other.ask("ACL SETUSER ann &news", "+OK").await;
    let (mut deleted, _) = open().await;
    other.ask("ACL DELUSER ann", ":1").await;
    assert_eq!(deleted.event().await, None);
    eventually("they are gone", || server.client_count() == 2).await;

    // One whose peer goes.
    let mut http = Http::connect(&server).await;
    http.subscribe("/subscribe/c").await;
    drop(http);
    eventually("it is gone", || server.subscriber_count("c") == 0).await;
    assert_eq!(server.client_count(), 2);
}

#[tokio::test]
async fn a_quiet_stream_has_a_heartbeat() {
    let server = start(&[("http-heartbeat", "1")]).await;
    let mut http = Http::connect(&server).await;
    http.subscribe("/subscribe/c").await;
    assert_eq!(http.event().await.as_deref(), Some(":"));
    assert_eq!(http.event().await.as_deref(), Some(":"));
    server.publish("c", "x");
    let event = http.event().await.expect("an event");
    assert_eq!(event, "event: message\nid: 1\ndata: x");
}

#[tokio::test]
async fn upstashs_form_is_answered_to_post() {
    let server = start(&[]).await;
    let mut http = Http::connect(&server).await;
    http.request("POST /subscribe/c", "").await;
    assert_eq!(http.head().await.status, 200);
    assert_eq!(http.event().await.as_deref(), Some("data: subscribe,c,1"));
    server.publish("c", "a,b");
    assert_eq!(http.event().await.as_deref(), Some("data: message,c,a,b"));
    let mut http = Http::connect(&server).await;
    http.request("POST /psubscribe/*", "").await;
    assert_eq!(http.head().await.status, 200);
    assert_eq!(http.event().await.as_deref(), Some("data: psubscribe,*,1"));
    server.publish("c", "x");
    assert_eq!(http.event().await.as_deref(), Some("data: pmessage,*,c,x"));
}

#[tokio::test]
async fn a_shutdown_delivers_what_was_published() {
    let server = start(&[]).await;
    let mut http = Http::connect(&server).await;
    http.subscribe("/subscribe/c").await;
    let mut idle = Http::connect(&server).await;
    assert_eq!(idle.ask("GET /health", "").await.status, 200);
    for number in 0..1000 {
        assert_eq!(server.publish("c", number.to_string()), 1);
    }
    let read = async {
        let mut numbers = Vec::new();
        while let Some(event) = http.event().await {
            let (_, data) = event.rsplit_once("data: ").expect("data");
            numbers.push(data.parse::<usize>().expect("a number"));
        }
        numbers
    };
    let (numbers, ()) = tokio::join!(read, server.stop());
    assert!(numbers.into_iter().eq(0..1000));
    assert_eq!(idle.end().await, "");
}

#[tokio::test]
async fn probes_are_told_while_the_server_drains() {
    let server = start(&[("client-output-buffer-limit", "pubsub 0 0 0")]).await;
    // Its bytes have still to be read: the shutdown waits for that.
    let mut reader = slow(&server).await;
    reader.subscribe("/subscribe/c").await;
    let payload = "x".repeat(1024 * KB);
    for _ in 0..20 {
        server.publish("c", &payload);
    }
    let at = address(&server);
    let (stopped, reads) = tokio::sync::oneshot::channel::<()>();
    let probe = async {
        loop {
            let stream = tokio::net::TcpStream::connect(at).await;
            let mut http = Http::over(stream.expect("a connection"));
            let answer = http.ask("GET /health/ready", "").await;
            if answer.status == 503 {
                assert_eq!(answer.json()["draining"], true);
                break;
            }
            tokio::task::yield_now().await;
        }
        let connect = async || {
            let stream = tokio::net::TcpStream::connect(at).await;
            Http::over(stream.expect("a connection"))
        };
        assert_eq!(
            connect().await.ask("GET /health/live", "").await.status,
            200
        );
        let refused = connect().await.ask("POST /publish/c", "x").await;
        assert_eq!(refused.status, 503);
        stopped.send(()).expect("the reader waits");
    };
    let read = async {
        reads.await.expect("a probe");
        for _ in 0..20 {
            assert!(reader.event().await.is_some());
        }
        assert_eq!(reader.event().await, None);
    };
    soon("the end", async {
        tokio::join!(server.stop(), probe, read)
    })
    .await;
}
