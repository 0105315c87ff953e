//! A log of events with a stream: what Kafka does with a topic and its groups of consumers.
//!
//! Services log what happens. An analytics service reads the log from the earliest event on, as a
//! group of two consumers that share the events. One of them dies with events that it has read and
//! not acknowledged; the other one claims them. Then an audit, which is a second group, reads the
//! whole log again. In the end the events that are older than a day are trimmed.
//!
//! ```text
//! cargo run --example event_log                             # with a server of its own
//! cargo run --example event_log -- redis://127.0.0.1:6379   # with one that runs already
//! ```

use std::collections::BTreeSet;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::streams::{
    StreamAutoClaimOptions, StreamAutoClaimReply, StreamId, StreamInfoGroupsReply,
    StreamRangeReply, StreamReadOptions, StreamReadReply, StreamTrimOptions, StreamTrimmingMode,
};
use redis::{AsyncCommands, AsyncConnectionConfig, Client, RedisResult};
use tokio::sync::mpsc;

const LOG: &str = "event_log";
const ANALYTICS: &str = "analytics";
const AUDIT: &str = "audit";
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Logged two days ago.
const OLD_EVENTS: usize = 10;
/// Logged now, by each of the services.
const NEW_EVENTS: usize = 20;
const SERVICES: [&str; 2] = ["web", "shop"];
const ALL_EVENTS: usize = OLD_EVENTS + NEW_EVENTS * SERVICES.len();
/// Each service reports an error with every fifth event.
const ERRORS: usize = ALL_EVENTS / 5;

/// How many events a consumer takes at a time.
const BATCH: usize = 5;
/// An event that was read this long ago and is not acknowledged may be claimed by another consumer.
const CLAIM_AFTER_MS: usize = 500;
/// Well below that, so that a consumer without new events soon looks for what it can claim.
const LONGEST_WAIT_MS: usize = 100;

/// What a consumer of the analytics service tells.
enum Progress {
    /// It has acknowledged an event, and nobody else has.
    Counted(StreamId),
    /// It has died, and leaves these ids unacknowledged.
    Died(Vec<String>),
    /// It has claimed these ids.
    Claimed(Vec<String>),
}

/// A blocking command holds up everything else on its connection, so everybody has one of their
/// own; and no time limit for replies, since the server keeps the one that the command brings.
async fn connect(client: &Client) -> RedisResult<MultiplexedConnection> {
    let patient = AsyncConnectionConfig::new().set_response_timeout(None);
    client
        .get_multiplexed_async_connection_with_config(&patient)
        .await
}

fn kind(number: usize) -> &'static str {
    if number.is_multiple_of(5) {
        "error"
    } else {
        "request"
    }
}

/// The server's clock, which also makes the ids of new events.
async fn now_ms(connection: &mut MultiplexedConnection) -> RedisResult<u64> {
    let (seconds, micros): (u64, u64) = redis::cmd("TIME").query_async(connection).await?;
    Ok(seconds * 1000 + micros / 1000)
}

/// Adds events whose ids have the time at which they happened, two days ago.
async fn import_old_events(connection: &mut MultiplexedConnection) -> RedisResult<()> {
    let then = now_ms(connection).await? - 2 * DAY_MS;
    for number in 0..OLD_EVENTS {
        let id = format!("{then}-*"); // the server counts the events of one millisecond
        let fields = [("service", "web"), ("kind", kind(number))];
        let _: String = connection.xadd(LOG, id, &fields).await?;
    }
    println!("import     {OLD_EVENTS} events of two days ago");
    Ok(())
}

async fn produce(client: Client, service: &str) -> RedisResult<()> {
    let mut connection = connect(&client).await?;
    for number in 0..NEW_EVENTS {
        let fields = [("service", service), ("kind", kind(number))];
        let _: String = connection.xadd(LOG, "*", &fields).await?;
    }
    println!("{service:10} {NEW_EVENTS} events are logged");
    Ok(())
}

/// Up to a batch of events that the group has not read yet. Waits for the first of them.
async fn read_new(
    connection: &mut MultiplexedConnection,
    group: &str,
    consumer: &str,
) -> RedisResult<Vec<StreamId>> {
    let options = StreamReadOptions::default()
        .group(group, consumer)
        .count(BATCH)
        .block(LONGEST_WAIT_MS);
    let read: Option<StreamReadReply> = connection.xread_options(&[LOG], &[">"], &options).await?;
    let streams = read.map(|reply| reply.keys).unwrap_or_default();
    Ok(streams.into_iter().flat_map(|stream| stream.ids).collect())
}

/// Up to a batch of events that a consumer of the group read long ago and has not acknowledged.
async fn claim(
    connection: &mut MultiplexedConnection,
    consumer: &str,
) -> RedisResult<Vec<StreamId>> {
    let options = StreamAutoClaimOptions::default().count(BATCH);
    let reply: StreamAutoClaimReply = connection
        .xautoclaim_options(LOG, ANALYTICS, consumer, CLAIM_AFTER_MS, "0-0", options)
        .await?;
    Ok(reply.claimed)
}

fn ids(events: &[StreamId]) -> Vec<String> {
    events.iter().map(|event| event.id.clone()).collect()
}

/// Works until it is stopped, or dies. The first consumer that reads an error of the shop dies.
async fn analyse(
    client: Client,
    consumer: &str,
    accident: Arc<AtomicBool>,
    progress: mpsc::UnboundedSender<Progress>,
) -> RedisResult<()> {
    let mut connection = connect(&client).await?;
    // Nobody listens any more once all events are counted.
    let tell = |what| drop(progress.send(what));
    loop {
        let mut events = claim(&mut connection, consumer).await?;
        if events.is_empty() {
            events = read_new(&mut connection, ANALYTICS, consumer).await?;
        } else {
            println!("{consumer:10} {} events are claimed", events.len());
            tell(Progress::Claimed(ids(&events)));
        }

        let unlucky = events.iter().any(|event| {
            let field = |name| event.get::<String>(name);
            (field("service"), field("kind")) == (Some("shop".into()), Some("error".into()))
        });
        if unlucky && !accident.swap(true, Relaxed) {
            println!(
                "{consumer:10} {} events are read, and then the power fails",
                events.len()
            );
            tell(Progress::Died(ids(&events)));
            return Ok(()); // the connection closes, and the events stay pending
        }

        tokio::time::sleep(Duration::from_millis(10)).await; // stands for the work
        for event in events {
            // 0 if that took so long that another consumer has claimed and acknowledged it.
            let acknowledged: usize = connection.xack(LOG, ANALYTICS, &[&event.id]).await?;
            if acknowledged == 1 {
                tell(Progress::Counted(event));
            }
        }
    }
}

/// Returns the events as they were acknowledged, once these are as many as there are events.
async fn analytics(client: &Client) -> Result<Vec<StreamId>, Box<dyn Error>> {
    let accident = Arc::new(AtomicBool::new(false));
    let (sender, mut progress) = mpsc::unbounded_channel();
    let mut running = tokio::task::JoinSet::new(); // whatever still runs in the end, ends with it
    for consumer in ["ann", "bob"] {
        running.spawn(analyse(
            client.clone(),
            consumer,
            Arc::clone(&accident),
            sender.clone(),
        ));
    }
    for service in SERVICES {
        running.spawn(produce(client.clone(), service));
    }

    let mut counted = Vec::new();
    let mut left_behind = Vec::new();
    let mut claimed = BTreeSet::new();
    while counted.len() < ALL_EVENTS {
        tokio::select! {
            Some(told) = progress.recv() => match told {
                Progress::Counted(event) => counted.push(event),
                Progress::Died(ids) => left_behind.extend(ids),
                Progress::Claimed(ids) => claimed.extend(ids),
            },
            Some(ended) = running.join_next() => ended??,
        }
    }
    assert!(!left_behind.is_empty(), "a consumer has died");
    assert!(
        left_behind.iter().all(|id| claimed.contains(id)),
        "what it left behind is claimed"
    );
    Ok(counted)
}

/// Reads the whole log as a new group, and returns the ids in the order in which they came.
async fn audit(connection: &mut MultiplexedConnection) -> RedisResult<Vec<String>> {
    let () = connection.xgroup_create(LOG, AUDIT, "0").await?;
    let mut seen = Vec::new();
    loop {
        let events = read_new(connection, AUDIT, "only").await?;
        if events.is_empty() {
            println!("audit      {} events are read again", seen.len());
            return Ok(seen);
        }
        let batch = ids(&events);
        let acknowledged: usize = connection.xack(LOG, AUDIT, &batch).await?;
        assert_eq!(acknowledged, batch.len());
        seen.extend(batch);
    }
}

/// Removes the events that are older than a day, and returns how many these were.
async fn trim_by_age(connection: &mut MultiplexedConnection) -> RedisResult<usize> {
    let oldest = now_ms(connection).await? - DAY_MS;
    let options = StreamTrimOptions::minid(StreamTrimmingMode::Exact, oldest.to_string());
    let removed = connection.xtrim_options(LOG, &options).await?;
    println!("trim       {removed} events are older than a day");
    Ok(removed)
}

async fn every_event_is_counted_once(url: &str) -> Result<(), Box<dyn Error>> {
    let client = Client::open(url)?;
    let mut connection = connect(&client).await?;
    import_old_events(&mut connection).await?;

    // 0 is the start of the log. With $, the group would get what is logged from now on.
    let () = connection.xgroup_create(LOG, ANALYTICS, "0").await?;
    let counted = tokio::time::timeout(Duration::from_secs(30), analytics(&client))
        .await
        .map_err(|_| "an event is lost: it was waited for, and never acknowledged")??;

    let log: StreamRangeReply = connection.xrange_all(LOG).await?;
    let logged = ids(&log.ids);
    assert_eq!(logged.len(), ALL_EVENTS);
    assert_eq!(counted.len(), ALL_EVENTS, "each event is counted, and once");
    let distinct: BTreeSet<&String> = counted.iter().map(|event| &event.id).collect();
    assert_eq!(distinct, logged.iter().collect());
    let is_error = |event: &&StreamId| event.get::<String>("kind").as_deref() == Some("error");
    let errors = counted.iter().filter(is_error).count();
    println!("analytics  {} events, {errors} errors", counted.len());
    assert_eq!(errors, ERRORS);

    // The second group has the order of the log, whatever the first one has read.
    assert_eq!(audit(&mut connection).await?, logged);
    let groups: StreamInfoGroupsReply = connection.xinfo_groups(LOG).await?;
    for group in &groups.groups {
        assert_eq!((group.pending, group.lag), (0, Some(0)), "{}", group.name);
    }

    assert_eq!(trim_by_age(&mut connection).await?, OLD_EVENTS);
    let left: StreamRangeReply = connection.xrange_all(LOG).await?;
    assert_eq!(ids(&left.ids), logged[OLD_EVENTS..]);
    let () = connection.del(LOG).await?; // so that it can run again
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    if let Some(url) = std::env::args().nth(1) {
        return every_event_is_counted_once(&url).await;
    }
    let server = fanfare::Server::builder().start().await?;
    every_event_is_counted_once(&server.url()).await
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn every_event_is_counted_once() {
        let server = fanfare::Server::builder().start().await.unwrap();
        super::every_event_is_counted_once(&server.url())
            .await
            .unwrap();
    }
}
