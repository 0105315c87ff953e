//! An EXEC is one to everybody else, on a runtime of several threads.

use std::sync::Arc;

use redis_protocol::resp3::types::Resp3Frame;
use tokio::task::JoinSet;

use crate::common::client::{Client, Frame};
use crate::common::wire::request;
use crate::common::{soon, start, start_with};

/// Joins all, and passes a panic on.
async fn all<T: 'static>(mut tasks: JoinSet<T>) {
    while let Some(result) = soon("all of them", tasks.join_next()).await {
        result.expect("no panic");
    }
}

/// Two keys that are only changed together are never seen apart.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_sees_half_of_an_exec() {
    const ROUNDS: usize = 300;
    // So many that there is time for others to come in between.
    const BETWEEN: usize = 40;
    let server = start().await;
    let mut tasks = JoinSet::new();
    for number in 0..4_u8 {
        let mut writer = Client::connect(&server, 2 + number % 2).await;
        tasks.spawn(async move {
            for round in 0..ROUNDS {
                let value = format!("{number}:{round}");
                let set = |key| request(&["SET", key, &value]);
                let push = request(&["RPUSH", "list", &value]);
                let mut requests = vec![request(&["MULTI"]), set("a"), push.clone()];
                requests.resize(requests.len() + BETWEEN, set("between"));
                requests.extend([push, set("b"), request(&["EXEC"])]);
                if round % 2 == 0 {
                    writer.send(requests.concat()).await;
                } else {
                    for request in &requests {
                        writer.send(request).await;
                    }
                }
                let queued = " +QUEUED".repeat(BETWEEN + 4);
                writer
                    .sees(&format!("+OK{queued} *{} +OK", BETWEEN + 4))
                    .await;
                assert!(writer.integer().await % 2 == 1);
                writer.sees("+OK ".repeat(BETWEEN).trim_end()).await;
                assert!(writer.integer().await % 2 == 0);
                writer.sees("+OK").await;
            }
        });
        let mut reader = Client::connect(&server, 3 - number % 2).await;
        tasks.spawn(async move {
            for round in 0..ROUNDS {
                if round % 2 == 0 {
                    // One command is as atomic as an EXEC.
                    reader.line("MGET a b").await;
                } else {
                    reader
                        .send("MULTI\r\nGET a\r\nGET b\r\nLLEN list\r\nEXEC\r\n")
                        .await;
                    reader.sees("+OK +QUEUED +QUEUED +QUEUED").await;
                }
                let Frame::Array { data, .. } = reader.frame().await else {
                    panic!("no array");
                };
                assert_eq!(data[0], data[1]);
                if let Some(Frame::Number { data, .. }) = data.get(2) {
                    assert!(data % 2 == 0, "{data} elements");
                }
            }
        });
    }
    all(tasks).await;
}

/// Optimistic increments: one that was not made is tried again, and none is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn watching_clients_lose_no_increment() {
    const CLIENTS: usize = 8;
    const INCREMENTS: usize = 60;
    let server = start().await;
    let mut tasks = JoinSet::new();
    for number in 0..CLIENTS {
        let mut client = Client::connect(&server, 2 + (number % 2) as u8).await;
        tasks.spawn(async move {
            let mut made = 0;
            while made < INCREMENTS {
                client.send("WATCH n\r\nGET n\r\n").await;
                client.sees("+OK").await;
                let frame = client.frame().await;
                let before = match &frame {
                    Frame::Null => 0,
                    value => value.as_str().expect("a string").parse().expect("a number"),
                };
                let after: usize = before + 1;
                client
                    .send(format!("MULTI\r\nSET n {after}\r\nEXEC\r\n"))
                    .await;
                client.sees("+OK +QUEUED").await;
                match client.frame().await {
                    Frame::Null => {}
                    Frame::Array { .. } => made += 1,
                    other => panic!("{other:?} for an EXEC"),
                }
            }
        });
    }
    all(tasks).await;
    let mut client = Client::connect(&server, 2).await;
    client.line("GET n").await;
    assert_eq!(client.text().await, (CLIENTS * INCREMENTS).to_string());
}

/// The messages of an EXEC to several channels come in one piece, in its order: none of another
/// PUBLISH or EXEC comes in between, to these channels or to another one.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn messages_of_an_exec_are_not_torn_apart() {
    const ROUNDS: usize = 300;
    const CHANNELS: [&str; 3] = ["c1", "c2", "c3"];
    let server = Arc::new(start_with(&[("client-output-buffer-limit", "pubsub 0 0 0")]).await);
    let mut tasks = JoinSet::new();
    let mut subscribers = Vec::new();
    for (number, verb) in ["SUBSCRIBE", "PSUBSCRIBE", "SUBSCRIBE"]
        .into_iter()
        .enumerate()
    {
        let mut client = Client::connect(&server, 2 + (number % 2) as u8).await;
        client.subscribe(verb, &CHANNELS).await;
        client.subscribe(verb, &["other"]).await;
        subscribers.push(client);
    }
    for number in 0..3 {
        // In another order each, lest they have one in common by luck.
        let mut channels = CHANNELS;
        channels.rotate_left(number);
        let mut together = Client::connect(&server, 2 + (number % 2) as u8).await;
        tasks.spawn(async move {
            for round in 0..ROUNDS {
                let payload = format!("together:{number}:{round}");
                let publish = |channel| request(&["PUBLISH", channel, &payload]);
                let publishes = channels.map(publish).concat();
                let multi = [request(&["MULTI"]), publishes, request(&["EXEC"])].concat();
                together.send(multi).await;
                together
                    .sees("+OK +QUEUED +QUEUED +QUEUED *3 :3 :3 :3")
                    .await;
            }
        });
        let mut alone = Client::connect(&server, 2).await;
        tasks.spawn(async move {
            for round in 0..ROUNDS {
                let payload = format!("alone:{number}:{round}");
                let channel = [channels[0], "other"][round % 2];
                alone.command(&["PUBLISH", channel, &payload]).await;
                alone.sees(":3").await;
            }
        });
        let server = Arc::clone(&server);
        tasks.spawn(async move {
            for round in 0..ROUNDS {
                let channel = [channels[0], "other"][round % 2];
                assert_eq!(server.publish(channel, "alone:embedded"), 3);
                tokio::task::yield_now().await;
            }
        });
    }
    for mut client in subscribers {
        tasks.spawn(async move {
            let mut left = 3 * ROUNDS * (3 + 1 + 1);
            while left > 0 {
                let first = message(&mut client).await;
                left -= 1;
                let Some(number) = first.1.strip_prefix("together:") else {
                    continue;
                };
                let mut channels = CHANNELS;
                channels.rotate_left(usize::from(number.as_bytes()[0] - b'0'));
                assert_eq!(first.0, channels[0]);
                for channel in &channels[1..] {
                    let next = message(&mut client).await;
                    assert_eq!((next.0.as_str(), &next.1), (*channel, &first.1));
                    left -= 1;
                }
            }
            client.barrier().await;
        });
    }
    all(tasks).await;
}

/// The channel and the payload of the next message.
async fn message(client: &mut Client) -> (String, String) {
    let push = client.push().await;
    let [.., channel, payload] = &push[..] else {
        panic!("{push:?} is no message");
    };
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    (text(channel), text(payload))
}
