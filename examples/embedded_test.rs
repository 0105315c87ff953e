//! A server inside a test: nothing to install, no fixed port, no sleeping.
//!
//! `cargo run --example embedded_test` runs it once; `cargo test --example embedded_test` runs it
//! as the test that it is.

use std::error::Error;
use std::time::Duration;

use futures_util::StreamExt;
use redis::{AsyncTypedCommands, Client, RedisResult};

/// The application: confirms every order that it hears of. All it knows is a Redis URL.
async fn confirm_orders(url: String) -> RedisResult<()> {
    let client = Client::open(url)?;
    let mut publisher = client.get_multiplexed_async_connection().await?;
    let mut subscriber = client.get_async_pubsub().await?;
    subscriber.subscribe("orders").await?;
    let mut orders = subscriber.into_on_message();
    while let Some(order) = orders.next().await {
        let number: u64 = order.get_payload()?;
        publisher
            .publish(format!("orders:{number}"), "confirmed")
            .await?;
    }
    Ok(())
}

async fn an_order_is_confirmed() -> Result<(), Box<dyn Error>> {
    let server = fanfare::Server::builder().start().await?;
    let application = tokio::spawn(confirm_orders(server.url()));

    // The test listens like any client does.
    let mut subscriber = Client::open(server.url())?.get_async_pubsub().await?;
    subscriber.psubscribe("orders:*").await?;
    let mut answers = subscriber.into_on_message();

    // Not "sleep a second and hope": once this returns, the application will get what is published.
    server.wait_for_subscribers("orders", 1).await;
    let receivers = server.publish("orders", "17");
    assert_eq!(receivers, 1);

    let answer = answers.next().await.expect("the server is up");
    assert_eq!(answer.get_channel_name(), "orders:17");
    assert_eq!(answer.get_payload::<String>()?, "confirmed");

    // The application's subscription ends with the server, and so does the application.
    server.stop().await;
    application.await??;
    Ok(())
}

/// Waits have no limit of their own, so a test brings one.
async fn in_time() -> Result<(), Box<dyn Error>> {
    tokio::time::timeout(Duration::from_secs(10), an_order_is_confirmed()).await?
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    in_time().await?;
    println!("order 17 is confirmed");
    Ok(())
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn an_order_is_confirmed() {
        super::in_time().await.unwrap();
    }
}
