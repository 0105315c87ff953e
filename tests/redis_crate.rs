//! The `redis` crate against fanfare: publishing and subscribing in RESP2 and RESP3.

mod common;

use std::collections::HashMap;

use common::{soon, start, start_with};
use fanfare::Server;
use futures_util::StreamExt;
use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands, AsyncConnectionConfig, Client, PushInfo, PushKind, Value};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

const PROTOCOLS: [&str; 2] = ["resp2", "resp3"];

fn client(server: &Server, protocol: &str) -> Client {
    Client::open(format!("{}/?protocol={protocol}", server.url())).expect("a URL")
}

async fn connect(server: &Server, protocol: &str) -> MultiplexedConnection {
    let client = client(server, protocol);
    let connection = soon("connect", client.get_multiplexed_async_connection()).await;
    connection.expect("a connection")
}

/// A RESP3 connection, and what it is pushed.
async fn connect_with_pushes(
    server: &Server,
) -> (MultiplexedConnection, UnboundedReceiver<PushInfo>) {
    let (sender, pushes) = unbounded_channel();
    let config = AsyncConnectionConfig::new().set_push_sender(sender);
    let client = client(server, "resp3");
    let connection = client.get_multiplexed_async_connection_with_config(&config);
    (
        soon("connect", connection).await.expect("a connection"),
        pushes,
    )
}

/// The next push, as text.
async fn next(pushes: &mut UnboundedReceiver<PushInfo>) -> (PushKind, Vec<String>) {
    let push = soon("a push", pushes.recv()).await.expect("a push");
    let text = |value: &Value| match value {
        Value::BulkString(bytes) => String::from_utf8(bytes.clone()).expect("text"),
        Value::Int(number) => number.to_string(),
        other => panic!("{other:?} in a push"),
    };
    (push.kind, push.data.iter().map(text).collect())
}

#[tokio::test]
async fn publish_counts_subscriptions() {
    let server = start().await;
    for protocol in PROTOCOLS {
        let mut publisher = connect(&server, protocol).await;
        let nobody: usize = publisher.publish("c", "m").await.expect("a count");
        assert_eq!(nobody, 0);
        let mut subscriber = client(&server, protocol)
            .get_async_pubsub()
            .await
            .expect("a connection");
        subscriber.subscribe(&["c", "d"]).await.expect("subscribed");
        subscriber.psubscribe("?").await.expect("subscribed");
        let two: usize = publisher.publish("c", b"\0\xff").await.expect("a count");
        assert_eq!(two, 2);
        drop(subscriber);
        common::eventually("it is gone", || server.subscriber_count("c") == 0).await;
    }
}

#[tokio::test]
async fn pubsub_connections_get_messages_in_order() {
    const MESSAGES: usize = 500;
    let server = start().await;
    for protocol in PROTOCOLS {
        let mut subscriber = client(&server, protocol)
            .get_async_pubsub()
            .await
            .expect("a connection");
        subscriber.subscribe("news").await.expect("subscribed");
        subscriber.psubscribe("n*s").await.expect("subscribed");
        let mut publisher = connect(&server, protocol).await;
        let mut pipeline = redis::pipe();
        for number in 0..MESSAGES {
            pipeline
                .publish("news", number.to_string().repeat(1 + number * 10))
                .ignore();
        }
        let () = pipeline
            .query_async(&mut publisher)
            .await
            .expect("published");
        {
            let mut messages = subscriber.on_message();
            for number in 0..MESSAGES {
                for pattern in [None, Some("n*s")] {
                    let message = soon("a message", messages.next()).await.expect("a message");
                    assert_eq!(message.get_channel_name(), "news");
                    let text: String = message.get_payload().expect("text");
                    assert_eq!(text, number.to_string().repeat(1 + number * 10));
                    let by: Option<String> = message.get_pattern().ok();
                    assert_eq!(by.as_deref(), pattern);
                }
            }
        }
        subscriber.unsubscribe("news").await.expect("unsubscribed");
        subscriber.punsubscribe("n*s").await.expect("unsubscribed");
        assert_eq!(server.publish("news", "gone"), 0);
    }
}

#[tokio::test]
async fn one_resp3_connection_subscribes_and_publishes() {
    let server = start().await;
    let (mut connection, mut pushes) = connect_with_pushes(&server).await;
    let expect =
        |kind, parts: &[&str]| (kind, parts.iter().map(|part| (*part).to_owned()).collect());
    connection.subscribe("c").await.expect("subscribed");
    connection.psubscribe("c*").await.expect("subscribed");
    assert_eq!(
        next(&mut pushes).await,
        expect(PushKind::Subscribe, &["c", "1"])
    );
    assert_eq!(
        next(&mut pushes).await,
        expect(PushKind::PSubscribe, &["c*", "2"])
    );
    for number in 0..100 {
        let receivers: usize = connection.publish("c", number).await.expect("a count");
        assert_eq!(receivers, 2);
    }
    for number in 0..100 {
        let number = number.to_string();
        assert_eq!(
            next(&mut pushes).await,
            expect(PushKind::Message, &["c", &number])
        );
        assert_eq!(
            next(&mut pushes).await,
            expect(PushKind::PMessage, &["c*", "c", &number])
        );
    }
    connection.unsubscribe("c").await.expect("unsubscribed");
    assert_eq!(
        next(&mut pushes).await,
        expect(PushKind::Unsubscribe, &["c", "1"])
    );
    server.stop().await;
    assert_eq!(
        soon("the end", pushes.recv()).await.expect("a push").kind,
        PushKind::Disconnection
    );
}

#[tokio::test]
async fn passwords_and_settings() {
    let server = start_with(&[("requirepass", "sesame")]).await;
    let address = server.addr().expect("TCP");
    for protocol in PROTOCOLS {
        let url = |password: &str| format!("redis://:{password}@{address}/3?protocol={protocol}");
        let refused = Client::open(url("wrong")).expect("a URL");
        assert!(refused.get_multiplexed_async_connection().await.is_err());
        let client = Client::open(url("sesame")).expect("a URL");
        let mut connection = client
            .get_multiplexed_async_connection()
            .await
            .expect("let in");
        let pong: String = redis::cmd("PING")
            .query_async(&mut connection)
            .await
            .expect("PONG");
        assert_eq!(pong, "PONG");
        let mut get = redis::cmd("CONFIG");
        get.arg("GET").arg("maxclients").arg("timeout");
        let settings: HashMap<String, String> =
            get.query_async(&mut connection).await.expect("a map");
        assert_eq!(settings.len(), 2);
        assert_eq!(settings["maxclients"], "10000");
        let info: redis::InfoDict = redis::cmd("INFO")
            .query_async(&mut connection)
            .await
            .expect("INFO");
        assert_eq!(info.get::<String>("role").as_deref(), Some("master"));
    }
}
