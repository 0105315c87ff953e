//! Live notifications: a producer publishes to channels, and a subscriber picks by pattern what it
//! wants to hear of.
//!
//! ```text
//! cargo run --example notifications                             # with a server of its own
//! cargo run --example notifications -- redis://127.0.0.1:6379   # with one that runs already
//! ```

use futures_util::StreamExt;
use redis::{AsyncTypedCommands, Client, RedisResult};

/// `*` is any text, `[a-c]` one of three letters.
const PATTERNS: [&str; 2] = ["user:*:orders", "alerts.[a-c]*"];
/// The producer's last word.
const DONE: &str = "notifications:done";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Port 0 is the builder's default: the system picks a free one, and `url()` knows which. The
    // server stops when `embedded` goes out of scope.
    let mut embedded = None;
    let url = match std::env::args().nth(1) {
        Some(url) => url,
        None => embedded
            .insert(fanfare::Server::builder().start().await?)
            .url(),
    };
    println!("server      {url}");
    let client = Client::open(url)?;

    let mut subscriber = client.get_async_pubsub().await?;
    subscriber.psubscribe(&PATTERNS).await?;
    subscriber.subscribe(DONE).await?;
    println!("subscriber  listens to {}", PATTERNS.join(" and "));

    // From here on no message can be missed: both subscriptions are confirmed.
    let producer = tokio::spawn(produce(client));
    let mut messages = subscriber.into_on_message();
    while let Some(message) = messages.next().await {
        if message.get_channel_name() == DONE {
            break;
        }
        println!(
            "subscriber  {}: {}  (by {})",
            message.get_channel_name(),
            message.get_payload::<String>()?,
            message.get_pattern::<String>()?,
        );
    }
    producer.await??;
    Ok(())
}

/// Says what happens, to whoever listens.
async fn produce(client: Client) -> RedisResult<()> {
    let events = [
        ("user:1000:orders", "order 17 is on its way"),
        ("user:1000:profile", "new e-mail address"),
        ("user:1001:orders", "order 18 is paid"),
        ("alerts.api", "slow answers"),
        ("alerts.cache", "memory is short"),
        ("alerts.db", "the disk is nearly full"),
    ];
    let mut connection = client.get_multiplexed_async_connection().await?;
    for (channel, payload) in events {
        // With 0 nobody heard it, and nobody ever will: nothing is stored.
        let receivers = connection.publish(channel, payload).await?;
        println!("producer    {channel}: {payload}  (to {receivers})");
    }
    connection.publish(DONE, "").await?;
    Ok(())
}
