//! Order processing with work queues: what a message broker does with acknowledgements, by lists.
//!
//! Two consumers share the orders that a producer queues. An order moves from the queue to a list of
//! the consumer's own in one step, and stays there until it is acknowledged. One consumer dies in
//! the middle of an order; the reaper sees that its heartbeat has stopped, and puts the order back.
//!
//! ```text
//! cargo run --example work_queue                             # with a server of its own
//! cargo run --example work_queue -- redis://127.0.0.1:6379   # with one that runs already
//! ```

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use futures_util::TryStreamExt;
use redis::Direction::{Left, Right};
use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands, AsyncConnectionConfig, Client, RedisResult};
use tokio::sync::mpsc;

/// Orders go in at the left and come out at the right.
const QUEUE: &str = "orders";
/// With a consumer's name behind it, the list of what that consumer is working on.
const PROCESSING: &str = "orders:processing:";
/// A consumer that takes longer than this for an order counts as dead.
const HEARTBEAT_MS: u64 = 500;
/// In seconds: well below the heartbeat, so that a consumer without work still shows that it lives.
const LONGEST_WAIT: f64 = 0.1;
/// The first who takes it dies.
const UNLUCKY_ORDER: &str = "order 3";

/// A blocking command holds up everything else on its connection, so everybody has one of their
/// own; and no time limit for replies, since the server keeps the one that the command brings.
async fn connect(client: &Client) -> RedisResult<MultiplexedConnection> {
    let patient = AsyncConnectionConfig::new().set_response_timeout(None);
    client
        .get_multiplexed_async_connection_with_config(&patient)
        .await
}

fn heartbeat_key(consumer: &str) -> String {
    format!("consumer:{consumer}:alive")
}

async fn produce(client: Client, orders: Vec<String>) -> RedisResult<()> {
    let mut connection = connect(&client).await?;
    for order in orders {
        let waiting: usize = connection.lpush(QUEUE, &order).await?;
        println!("producer  {order} is queued, {waiting} waiting");
    }
    Ok(())
}

/// Works until it is stopped, or dies, and tells of every order that it has acknowledged.
async fn consume(
    client: Client,
    name: &str,
    accident: Arc<AtomicBool>,
    acknowledged: mpsc::UnboundedSender<String>,
) -> RedisResult<()> {
    let mut connection = connect(&client).await?;
    let (heartbeat, processing) = (heartbeat_key(name), format!("{PROCESSING}{name}"));
    loop {
        // The heartbeat comes before the order: what is taken without one is put back.
        let () = connection.pset_ex(&heartbeat, 1, HEARTBEAT_MS).await?;
        let taken: Option<String> = connection
            .blmove(QUEUE, &processing, Right, Left, LONGEST_WAIT)
            .await?;
        let Some(order) = taken else { continue };

        if order == UNLUCKY_ORDER && !accident.swap(true, Relaxed) {
            println!("{name:9} {order} is taken, and then the power fails");
            return Ok(()); // the connection closes, and the order is in `processing`
        }
        tokio::time::sleep(Duration::from_millis(10)).await; // stands for the work

        // 0 if that took so long that the order was put back: it will be acknowledged by another.
        let removed: usize = connection.lrem(&processing, 1, &order).await?;
        println!("{name:9} {order} is done, {removed} acknowledged");
        if removed == 1 && acknowledged.send(order).is_err() {
            return Ok(());
        }
    }
}

/// Puts back what dead consumers had taken. It remembers nothing, so it may die as well.
async fn reap(client: Client) -> RedisResult<()> {
    let mut connection = connect(&client).await?;
    let mut rounds = tokio::time::interval(Duration::from_millis(HEARTBEAT_MS / 5));
    loop {
        rounds.tick().await;
        let pattern = format!("{PROCESSING}*");
        let lists: Vec<String> = connection.scan_match(pattern).await?.try_collect().await?;
        for list in lists {
            let name = &list[PROCESSING.len()..];
            if connection.exists(heartbeat_key(name)).await? {
                continue;
            }
            // The last one taken goes back first, and so the first one taken is the next again.
            let mut put_back: Option<String> = connection.lmove(&list, QUEUE, Left, Right).await?;
            while let Some(order) = put_back {
                println!("reaper    {name} is gone, {order} is put back");
                put_back = connection.lmove(&list, QUEUE, Left, Right).await?;
            }
        }
    }
}

/// Returns the orders as they were acknowledged, once these are as many as there are orders.
async fn process(client: &Client, orders: &[String]) -> Result<Vec<String>, Box<dyn Error>> {
    let accident = Arc::new(AtomicBool::new(false));
    let (sender, mut acknowledged) = mpsc::unbounded_channel();
    let mut running = tokio::task::JoinSet::new(); // whatever still runs in the end, ends with it
    for name in ["ann", "bob"] {
        running.spawn(consume(
            client.clone(),
            name,
            Arc::clone(&accident),
            sender.clone(),
        ));
    }
    running.spawn(reap(client.clone()));
    running.spawn(produce(client.clone(), orders.to_vec()));

    let mut done = Vec::new();
    while done.len() < orders.len() {
        tokio::select! {
            order = acknowledged.recv() => done.extend(order),
            Some(ended) = running.join_next() => ended??,
        }
    }
    Ok(done)
}

/// Priority is the order of the keys: what is taken comes from the first that has anything.
async fn take_by_priority(client: &Client) -> RedisResult<Vec<String>> {
    let mut connection = connect(client).await?;
    let _: usize = connection.rpush("orders:normal", &["a", "b"]).await?;
    let _: usize = connection.rpush("orders:urgent", "now").await?;
    let mut taken = Vec::new();
    while taken.len() < 3 {
        let queues = ["orders:urgent", "orders:normal"];
        let (queue, orders): (String, Vec<String>) =
            connection.blmpop(0.0, 2, &queues, Left, 1).await?;
        println!("taker     {} from {queue}", orders[0]);
        taken.extend(orders);
    }
    Ok(taken)
}

/// Fan-out is a transaction: nobody finds the order in one queue and not yet in the other.
async fn fan_out(client: &Client, order: &str) -> RedisResult<[String; 2]> {
    let mut connection = connect(client).await?;
    let (billing, shipping): (usize, usize) = redis::pipe()
        .atomic()
        .lpush("orders:billing", order)
        .lpush("orders:shipping", order)
        .query_async(&mut connection)
        .await?;
    println!("producer  {order} is queued for billing ({billing}) and shipping ({shipping})");
    let (_, billed): (String, String) = connection.brpop("orders:billing", 0.0).await?;
    let (_, shipped): (String, String) = connection.brpop("orders:shipping", 0.0).await?;
    Ok([billed, shipped])
}

async fn nothing_is_lost(url: &str) -> Result<(), Box<dyn Error>> {
    let client = Client::open(url)?;
    let orders: Vec<String> = (1..10).map(|number| format!("order {number}")).collect();
    let mut done = tokio::time::timeout(Duration::from_secs(30), process(&client, &orders))
        .await
        .map_err(|_| "an order is lost: it was waited for, and never acknowledged")??;
    done.sort();
    assert_eq!(done, orders, "each order is acknowledged, and once");
    println!("all {} orders are done", done.len());

    assert_eq!(take_by_priority(&client).await?, ["now", "a", "b"]);
    assert_eq!(fan_out(&client, "order 10").await?, ["order 10"; 2]);
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    if let Some(url) = std::env::args().nth(1) {
        return nothing_is_lost(&url).await;
    }
    let server = fanfare::Server::builder().start().await?;
    nothing_is_lost(&server.url()).await
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn nothing_is_lost() {
        let server = fanfare::Server::builder().start().await.unwrap();
        super::nothing_is_lost(&server.url()).await.unwrap();
    }
}
