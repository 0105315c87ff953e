//! Promise 5, for streams: an entry that a group delivers is never lost and never in two consumers'
//! hands, whatever becomes of the consumers.
//!
//! Consumers by the thousand end at any moment, under load, on a runtime of several threads. Each
//! entry that was added is counted in the end: it was acknowledged once by one of them, or it is
//! pending for a consumer, from which it is claimed, or it was not delivered yet.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use common::client::{Client, Frame};
use common::wire::request;
use common::{start, until_info};
use fanfare::Server;
use redis_protocol::resp3::types::Resp3Frame;
use tokio::task::JoinSet;

/// Consumers that come and go.
const CONSUMERS: usize = 4000;
/// Of them at a time.
const AT_A_TIME: usize = 64;
/// Names of consumers, which several have one after the other and at the same time.
const NAMES: usize = 16;
const PRODUCERS: usize = 4;
/// Entries in one write.
const BATCH: usize = 30;

/// The ids in a reply of entries: strings with a dash that are alone at the head of an array.
fn ids(frame: &Frame, found: &mut Vec<String>) {
    match frame {
        Frame::Array { data, .. } => {
            if let [Frame::BlobString { .. }, Frame::Array { .. }] = &data[..]
                && let Some(id) = data[0].as_str().filter(|text| text.contains('-'))
            {
                return found.push(id.to_owned());
            }
            data.iter().for_each(|frame| ids(frame, found));
        }
        Frame::Map { data, .. } => data.values().for_each(|frame| ids(frame, found)),
        _ => {}
    }
}

fn ids_in(frame: &Frame) -> Vec<String> {
    let mut found = Vec::new();
    ids(frame, &mut found);
    found
}

/// Adds entries until all consumers have gone, alone and in transactions. Returns their ids.
async fn produce(mut client: Client, left: Arc<AtomicUsize>) -> Vec<String> {
    let mut added = Vec::new();
    while left.load(Relaxed) > 0 {
        let add = request(&["XADD", "stream", "*", "f", "v"]);
        let mut batch = Vec::new();
        for number in 0..BATCH {
            match number % 5 {
                0 => batch.extend([request(&["MULTI"]), add.clone(), request(&["EXEC"])].concat()),
                _ => batch.extend(&add),
            }
        }
        client.send(batch).await;
        for number in 0..BATCH {
            if number % 5 > 0 {
                added.push(client.text().await);
                continue;
            }
            client.sees("+OK").await;
            client.sees("+QUEUED").await;
            match client.frame().await {
                Frame::Array { data, .. } => added.push(data[0].to_string().expect("an id")),
                other => panic!("{other:?}"),
            }
        }
        // Consumers should be waiting when the next ones come.
        while lag(&mut client).await > 0 && left.load(Relaxed) > 0 {
            tokio::task::yield_now().await;
        }
    }
    added
}

/// How many entries were not delivered.
async fn lag(client: &mut Client) -> i64 {
    client.line("XINFO GROUPS stream").await;
    let Frame::Array { data, .. } = client.frame().await else {
        panic!("no groups");
    };
    let number = |frame: &Frame| frame.to_string().and_then(|text| text.parse().ok());
    let lag = match &data[0] {
        Frame::Map { data, .. } => data
            .iter()
            .find(|(name, _)| name.as_str() == Some("lag"))
            .and_then(|(_, lag)| number(lag)),
        Frame::Array { data, .. } => number(data.last().expect("the lag")),
        other => panic!("{other:?}"),
    };
    lag.expect("a lag that is known")
}

/// What a consumer has done.
#[derive(Default)]
struct Done {
    /// What it has acknowledged, and was told so.
    acknowledged: Vec<String>,
    /// What it has asked to acknowledge as it died.
    perhaps: Vec<String>,
}

/// A consumer that reads and acknowledges, and is killed at any moment: while it waits, as an entry
/// arrives, or with an XACK under way.
async fn consume_and_die(server: Arc<Server>, number: usize) -> Done {
    let mut client = Client::connect(&server, 2 + (number % 2) as u8).await;
    let name = format!("consumer{}", number % NAMES);
    let read = match number % 3 {
        0 => format!("XREADGROUP GROUP group {name} BLOCK 0 STREAMS stream >"),
        1 => format!("XREADGROUP GROUP group {name} COUNT 1 BLOCK 0 STREAMS stream >"),
        _ => format!("XREADGROUP GROUP group {name} COUNT 3 BLOCK 0 STREAMS none stream > >"),
    };
    let mut done = Done::default();
    for _ in 0..number % 4 {
        client.line(&read).await;
        let read = ids_in(&client.frame().await);
        assert!(!read.is_empty(), "somebody else has removed entries");
        let mut ack = vec!["XACK", "stream", "group"];
        ack.extend(read.iter().map(String::as_str));
        client.command(&ack).await;
        if number.is_multiple_of(5) {
            done.perhaps = read;
            return done;
        }
        // Nobody else has had them, and nobody has claimed them.
        assert_eq!(client.integer().await, read.len() as i64, "{read:?}");
        done.acknowledged.extend(read);
    }
    client.line(&read).await;
    for _ in 0..number % 7 {
        tokio::task::yield_now().await;
    }
    match number % 4 {
        0 => {
            let mut killer = Client::connect(&server, 2).await;
            killer.line(&format!("CLIENT KILL ID {}", client.id)).await;
            assert_eq!(killer.integer().await, 1);
        }
        1 => {
            client.end_sending().await;
            while client.frame_or_end().await.is_some() {}
        }
        _ => {}
    }
    done
}

/// Runs producers and consumers. Returns the ids of all entries, and what the consumers have done.
async fn run(server: &Arc<Server>) -> (Vec<String>, Vec<Done>) {
    let left = Arc::new(AtomicUsize::new(CONSUMERS));
    let mut producers = JoinSet::new();
    for producer in 0..PRODUCERS {
        let client = Client::connect(server, 2 + (producer % 2) as u8).await;
        producers.spawn(produce(client, Arc::clone(&left)));
    }
    let mut rows = JoinSet::new();
    for row in 0..AT_A_TIME {
        let (server, left) = (Arc::clone(server), Arc::clone(&left));
        rows.spawn(async move {
            let mut done = Vec::new();
            for number in (row..CONSUMERS).step_by(AT_A_TIME) {
                done.push(consume_and_die(Arc::clone(&server), number).await);
                left.fetch_sub(1, Relaxed);
            }
            done
        });
    }
    let done = rows.join_all().await.into_iter().flatten().collect();
    (producers.join_all().await.concat(), done)
}

/// The owner of each pending entry, by XPENDING's ranges.
async fn pending(client: &mut Client) -> BTreeMap<String, String> {
    client.line("XPENDING stream group - + 10000000").await;
    let Frame::Array { data, .. } = client.frame().await else {
        panic!("no array");
    };
    let entry = |frame: Frame| match frame {
        Frame::Array { data, .. } => {
            let text = |index: usize| data[index].to_string().expect("text");
            (text(0), text(1))
        }
        other => panic!("{other:?}"),
    };
    let length = data.len();
    let all: BTreeMap<_, _> = data.into_iter().map(entry).collect();
    assert_eq!(all.len(), length, "an entry is pending twice");
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn entries_of_killed_consumers_are_acknowledged_once_or_pending() {
    let server = Arc::new(start().await);
    let mut client = Client::connect(&server, 3).await;
    client
        .script(&[
            ("XGROUP CREATE stream group 0 MKSTREAM", "+OK"),
            ("XGROUP CREATE none group 0 MKSTREAM", "+OK"),
        ])
        .await;
    let (added, done) = run(&server).await;
    until_info(&mut client, "blocked_clients", "0").await;

    let added_ids: BTreeSet<_> = added.iter().cloned().collect();
    assert_eq!(added_ids.len(), added.len(), "an id was given twice");
    client
        .ask("XLEN stream", &format!(":{}", added.len()))
        .await;
    let mut acknowledged = BTreeSet::new();
    for id in done.iter().flat_map(|done| &done.acknowledged) {
        assert!(
            acknowledged.insert(id.clone()),
            "{id} was acknowledged twice"
        );
    }
    let perhaps: BTreeSet<_> = done
        .iter()
        .flat_map(|done| &done.perhaps)
        .cloned()
        .collect();
    let pending = pending(&mut client).await;
    client
        .line("XREADGROUP GROUP group rest STREAMS stream >")
        .await;
    let undelivered: BTreeSet<_> = ids_in(&client.frame().await).into_iter().collect();

    // Each entry is in one place.
    for id in &added_ids {
        let places = [
            acknowledged.contains(id),
            pending.contains_key(id),
            undelivered.contains(id),
        ];
        let count = places.iter().filter(|place| **place).count();
        let may_be_acknowledged = count == 0 && perhaps.contains(id);
        assert!(count == 1 || may_be_acknowledged, "{id} is in {places:?}");
    }
    let kept = acknowledged.len() + pending.len() + undelivered.len();
    assert!(kept <= added.len() && kept + perhaps.len() >= added.len());
    assert!(!acknowledged.is_empty() && !pending.is_empty());

    // One consumer claims all that is pending, acknowledges it, and nothing is left.
    let mut claimed = BTreeSet::new();
    let mut start = String::from("0-0");
    loop {
        let claim = format!("XAUTOCLAIM stream group heir 0 {start} COUNT 1000 JUSTID");
        client.line(&claim).await;
        let Frame::Array { data, .. } = client.frame().await else {
            panic!("no array");
        };
        let Frame::Array { data: ids, .. } = &data[1] else {
            panic!("no ids");
        };
        for id in ids.iter().filter_map(Resp3Frame::to_string) {
            client.ask(&format!("XACK stream group {id}"), ":1").await;
            claimed.insert(id);
        }
        start = data[0].to_string().expect("an id");
        if start == "0-0" {
            break;
        }
    }
    let expected: BTreeSet<_> = pending.into_keys().chain(undelivered).collect();
    assert_eq!(claimed, expected);
    client.ask("XPENDING stream group", "*4 :0 _ _ *-1").await;
    println!(
        "{} entries, {CONSUMERS} consumers: {} acknowledged, {} claimed, {} acknowledged as they died",
        added.len(),
        acknowledged.len(),
        claimed.len(),
        added.len() - acknowledged.len() - claimed.len(),
    );
}

/// What is added after a consumer has hung up never goes to it, even if its task has not been told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_added_after_the_end_of_a_consumer_is_not_delivered() {
    let server = start().await;
    let mut producer = Client::connect(&server, 3).await;
    let create = "XGROUP CREATE stream group 0 MKSTREAM";
    producer.ask(create, "+OK").await;
    for round in 1..=500 {
        let mut waiters = Vec::new();
        for number in 0..3 {
            let mut client = Client::connect(&server, 2).await;
            let no_ack = if number == 1 { "NOACK " } else { "" };
            let line = format!("XREADGROUP GROUP group c{number} {no_ack}BLOCK 0 STREAMS stream >");
            client.line(&line).await;
            if number == 2 {
                // A request behind the one that waits hides the end of the stream.
                client.line("PING").await;
            }
            waiters.push(client);
        }
        until_info(&mut producer, "blocked_clients", "3").await;
        drop(waiters);
        let add = format!("XADD stream {round}-0 f v");
        let id = format!("{round}-0");
        producer.ask(&add, &format!("${} {id}", id.len())).await;
        producer.ask("XPENDING stream group", "*4 :0 _ _ *-1").await;
        let entry = format!("*1 *2 ${} {id} *2 $1 f $1 v", id.len());
        producer
            .ask(
                "XREADGROUP GROUP group last NOACK STREAMS stream >",
                &format!("%1 $6 stream {entry}"),
            )
            .await;
        until_info(&mut producer, "blocked_clients", "0").await;
    }
}

/// A consumer that was gone when the server read its request gets nothing.
#[tokio::test]
async fn a_consumer_that_was_gone_when_its_request_was_read_gets_nothing() {
    use std::io::Write;
    const CONNECTIONS: usize = 60;
    let server = start().await;
    let address = server.addr().expect("TCP");
    let mut client = Client::connect(&server, 3).await;
    client.ask("XADD stream 1-0 f v", "$3 1-0").await;
    client.ask("XGROUP CREATE stream group 0", "+OK").await;
    for round in 0..CONNECTIONS {
        let mut gone = std::net::TcpStream::connect(address).expect("a connection");
        let line = match round % 3 {
            0 => "XREADGROUP GROUP group c BLOCK 0 STREAMS stream >\r\n",
            1 => "XREADGROUP GROUP group c NOACK BLOCK 5 STREAMS stream >\r\n",
            _ => "PING\r\nXREADGROUP GROUP group c BLOCK 0 STREAMS stream >\r\nPING\r\n",
        };
        gone.write_all(line.as_bytes()).expect("sent");
    }
    let all = (1 + CONNECTIONS).to_string();
    until_info(&mut client, "total_connections_received", &all).await;
    common::eventually("their ends", || server.client_count() == 1).await;
    client.ask("XPENDING stream group", "*4 :0 _ _ *-1").await;
    assert_eq!(lag(&mut client).await, 1);
}
