//! A chat over pub/sub, without a chat server: everybody in a room publishes to the room's channel
//! and subscribes to it.
//!
//! Start `cargo run --release`, then one of these in a terminal for each person:
//!
//! ```text
//! cargo run --example chat -- --name ann --room lobby
//! cargo run --example chat -- --name bob --room lobby
//! ```
//!
//! What you type goes to the room; Ctrl-D leaves. `--url` names another server.

use std::error::Error;

use clap::{Arg, Command};
use futures_util::StreamExt;
use redis::AsyncTypedCommands;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Command::new("chat")
        .arg(Arg::new("name").long("name").required(true))
        .arg(Arg::new("room").long("room").default_value("lobby"))
        .arg(
            Arg::new("url")
                .long("url")
                .default_value("redis://127.0.0.1:6379"),
        )
        .get_matches();
    let option = |name: &str| options.get_one::<String>(name).expect("required").as_str();
    let name = option("name");
    let channel = format!("chat:{}", option("room"));

    // Two connections: a subscribed one takes no other commands (in RESP2, which this client
    // speaks unless it is told otherwise).
    let url = option("url");
    let client = redis::Client::open(url)?;
    let connected = client.get_multiplexed_async_connection().await;
    let mut publisher = connected.map_err(|error| format!("can't reach {url}: {error}"))?;
    let mut subscriber = client.get_async_pubsub().await?;
    subscriber.subscribe(&channel).await?;
    let mut messages = subscriber.into_on_message();

    // PUBLISH answers how many it has reached. One of them is oneself.
    let reached = publisher
        .publish(&channel, format!("{name}: (joined)"))
        .await?;
    println!("you are in {channel}; others here: {}", reached - 1);

    let own = format!("{name}: ");
    let mut lines = typed_lines();
    loop {
        tokio::select! {
            message = messages.next() => {
                let Some(message) = message else {
                    println!("the server has closed the connection");
                    return Ok(());
                };
                // A payload is bytes, and whoever published it decides which.
                let text = String::from_utf8_lossy(message.get_payload_bytes());
                if !text.starts_with(&own) {
                    println!("{text}");
                }
            }
            line = lines.recv() => {
                let text = line.as_deref().unwrap_or("(left)");
                publisher.publish(&channel, format!("{own}{text}")).await?;
                if line.is_none() {
                    return Ok(());
                }
            }
        }
    }
}

/// Lines from standard input, which blocks and so has a thread of its own.
fn typed_lines() -> tokio::sync::mpsc::Receiver<String> {
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    });
    receiver
}
