//! Promise 5: a queue element is never lost or delivered twice, whatever becomes of the consumers. It
//! holds for lists, and for sorted sets as queues with priorities.
//!
//! Consumers by the thousand end at any moment, under load, on a runtime of several threads. Every
//! element that was pushed is counted in the end: it was received once, or it is still in a list
//! once.

mod common;

mod work_queues {
    pub mod queue;
}

use std::collections::HashMap;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use common::client::{Client, Frame};
use common::wire::request;
use common::{eventually, info, start, start_with, until_info};
use fanfare::Server;
use redis_protocol::resp3::types::Resp3Frame;
use socket2::SockRef;
use tokio::task::JoinSet;
use work_queues::queue::{Queue, strings};

/// Consumers that come and go in a test.
const CONSUMERS: usize = 4000;
/// Of them at a time.
const AT_A_TIME: usize = 64;
const PRODUCERS: usize = 4;
/// Pushes in one write.
const BATCH: usize = 40;

/// Joins all, and passes a panic on.
async fn all<T: 'static>(mut tasks: JoinSet<T>) -> Vec<T> {
    let mut results = Vec::new();
    while let Some(result) = tasks.join_next().await {
        results.push(result.expect("no panic"));
    }
    results
}

/// Pushes until all consumers have gone: one by one and several at once, at either end, alone and in
/// transactions; many in one write, so that there is time between an element's being given to a
/// waiter and the end of the batch, when it is written. Returns what it has pushed.
async fn produce(
    queue: Queue,
    mut client: Client,
    producer: usize,
    left: Arc<AtomicUsize>,
) -> Vec<String> {
    let mut pushed = Vec::new();
    while left.load(Relaxed) > 0 {
        let mut batch = Vec::new();
        let mut replies = 0;
        for number in 0..BATCH {
            let new: Vec<String> = (0..1 + number % 3)
                .map(|element| format!("{producer}:{}", pushed.len() + element))
                .collect();
            let push = queue.push(number, &new);
            if number % 5 == 0 {
                batch.extend([request(&["MULTI"]), push, request(&["EXEC"])].concat());
                replies += 3;
            } else {
                batch.extend(push);
                replies += 1;
            }
            pushed.extend(new);
        }
        client.send(batch).await;
        for _ in 0..replies {
            client.frame().await;
        }
        // Consumers should be waiting when the next ones come.
        while queue.length(&mut client, "queue").await > 0 && left.load(Relaxed) > 0 {
            tokio::task::yield_now().await;
        }
    }
    pushed
}

/// Checks that each element that was pushed is among those that were found, once.
fn check_all_there(pushed: Vec<Vec<String>>, found: impl Iterator<Item = String>) {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for element in found {
        *counts.entry(element).or_default() += 1;
    }
    let twice: Vec<_> = counts.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "delivered twice: {twice:?}");
    let pushed: Vec<_> = pushed.into_iter().flatten().collect();
    let lost: Vec<_> = pushed
        .iter()
        .filter(|element| !counts.contains_key(*element))
        .collect();
    assert!(
        lost.is_empty(),
        "{} of {} lost: {lost:?}",
        lost.len(),
        pushed.len()
    );
    assert_eq!(counts.len(), pushed.len());
}

/// Runs producers, and [`CONSUMERS`] consumers one after the other in [`AT_A_TIME`] rows. Returns what
/// was pushed and what the consumers returned.
async fn run<C>(
    server: &Arc<Server>,
    queue: Queue,
    consume: impl Fn(Arc<Server>, usize) -> C + Clone + Send + 'static,
) -> (Vec<Vec<String>>, Vec<String>)
where
    C: Future<Output = Vec<String>> + Send + 'static,
{
    let left = Arc::new(AtomicUsize::new(CONSUMERS));
    let mut producers = JoinSet::new();
    for producer in 0..PRODUCERS {
        let client = Client::connect(server, 2 + (producer % 2) as u8).await;
        producers.spawn(produce(queue, client, producer, Arc::clone(&left)));
    }
    let mut rows = JoinSet::new();
    for row in 0..AT_A_TIME {
        let (server, left, consume) = (Arc::clone(server), Arc::clone(&left), consume.clone());
        rows.spawn(async move {
            let mut received = Vec::new();
            for number in (row..CONSUMERS).step_by(AT_A_TIME) {
                received.extend(consume(Arc::clone(&server), number).await);
                left.fetch_sub(1, Relaxed);
            }
            received
        });
    }
    let received = all(rows).await.into_iter().flatten().collect();
    (all(producers).await, received)
}

/// A consumer that pops a few elements, and hangs up while it waits for one more, or as that one
/// arrives: it reads what has been sent to it by then, so that everything is accounted for.
async fn pop_and_hang_up(server: Arc<Server>, number: usize) -> Vec<String> {
    let client = Client::connect(&server, 2 + (number % 2) as u8).await;
    let line = match number % 3 {
        0 => "BLPOP queue 0",
        1 => "BRPOP other queue 0",
        _ => "BLMPOP 0 2 other queue LEFT COUNT 2",
    };
    let elements = |frame| match frame {
        Frame::Array { mut data, .. } => match data.pop() {
            Some(array @ Frame::Array { .. }) => strings(array),
            Some(element) => vec![element.as_str().expect("a string").to_owned()],
            None => Vec::new(),
        },
        other => panic!("{other:?} for an element"),
    };
    let frames = wait_and_hang_up(client, line, number).await;
    frames.into_iter().flat_map(elements).collect()
}

/// Sends `line` some times and reads the replies, and hangs up behind one more.
async fn wait_and_hang_up(mut client: Client, line: &str, number: usize) -> Vec<Frame> {
    let mut frames = Vec::new();
    for _ in 0..number % 4 {
        client.line(line).await;
        frames.push(client.frame().await);
    }
    client.line(line).await;
    for _ in 0..number % 7 {
        tokio::task::yield_now().await;
    }
    client.end_sending().await;
    while let Some(frame) = client.frame_or_end().await {
        frames.push(frame);
    }
    frames
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn consumers_that_hang_up_at_any_moment_take_nothing_with_them() {
    let server = Arc::new(start().await);
    let (pushed, mut found) = run(&server, Queue::List, pop_and_hang_up).await;
    let mut client = Client::connect(&server, 3).await;
    until_info(&mut client, "blocked_clients", "0").await;
    found.extend(Queue::List.elements(&mut client, "queue").await);
    check_all_there(pushed, found.into_iter());
}

/// As [`pop_and_hang_up`], for a sorted set.
async fn pop_members_and_hang_up(server: Arc<Server>, number: usize) -> Vec<String> {
    let client = Client::connect(&server, 2 + (number % 2) as u8).await;
    let line = match number % 3 {
        0 => "BZPOPMIN queue 0",
        1 => "BZPOPMAX other queue 0",
        _ => "BZMPOP 0 2 other queue MIN COUNT 2",
    };
    let text = |frame: &Frame| frame.as_str().expect("a string").to_owned();
    let members = |frame| {
        let Frame::Array { data, .. } = frame else {
            panic!("{frame:?} for a member");
        };
        match &data[..] {
            [_, member, _score] => vec![text(member)],
            [_, Frame::Array { data, .. }] => data.iter().map(first_text).collect(),
            other => panic!("{other:?} for a member"),
        }
    };
    let frames = wait_and_hang_up(client, line, number).await;
    frames.into_iter().flat_map(members).collect()
}

/// The member of a pair.
fn first_text(pair: &Frame) -> String {
    match pair {
        Frame::Array { data, .. } => data[0].as_str().expect("a string").to_owned(),
        other => panic!("{other:?} for a member and its score"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn consumers_of_a_sorted_set_that_hang_up_take_nothing_with_them() {
    let server = Arc::new(start().await);
    let (pushed, mut found) = run(&server, Queue::SortedSet, pop_members_and_hang_up).await;
    let mut client = Client::connect(&server, 3).await;
    until_info(&mut client, "blocked_clients", "0").await;
    found.extend(Queue::SortedSet.elements(&mut client, "queue").await);
    check_all_there(pushed, found.into_iter());
}

/// A consumer that takes elements to a list of its own, and is killed at any moment, by its own
/// process or by CLIENT KILL, read or unread.
async fn take_and_die(server: Arc<Server>, number: usize) -> Vec<String> {
    let mut client = Client::connect(&server, 3).await;
    let own = format!("taken:{}", number % 16);
    let line = match number % 3 {
        0 => format!("BLMOVE queue {own} LEFT RIGHT 0"),
        1 => format!("BRPOPLPUSH queue {own} 0"),
        _ => format!("BLMOVE queue {own} RIGHT LEFT 0"),
    };
    for _ in 0..number % 4 {
        client.line(&line).await;
        client.frame().await;
    }
    client.line(&line).await;
    for _ in 0..number % 7 {
        tokio::task::yield_now().await;
    }
    if number.is_multiple_of(2) {
        let mut killer = Client::connect(&server, 2).await;
        killer.line(&format!("CLIENT KILL ID {}", client.id)).await;
        assert_eq!(killer.integer().await, 1);
    }
    Vec::new()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn elements_of_killed_consumers_are_in_their_lists() {
    let server = Arc::new(start().await);
    let (pushed, _) = run(&server, Queue::List, take_and_die).await;
    let mut client = Client::connect(&server, 3).await;
    until_info(&mut client, "blocked_clients", "0").await;
    let mut found = Queue::List.elements(&mut client, "queue").await;
    for list in 0..16 {
        found.extend(
            Queue::List
                .elements(&mut client, &format!("taken:{list}"))
                .await,
        );
    }
    check_all_there(pushed, found.into_iter());
}

/// Of what a consumer has asked for in one write, nothing more is taken once the reply to CLIENT KILL
/// is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_killed_consumer_takes_nothing_more() {
    const ELEMENTS: usize = 2500;
    let server = start().await;
    let mut killer = Client::connect(&server, 3).await;
    let push = request(&["RPUSH", "queue", "x"]).repeat(ELEMENTS);
    let pop = request(&["LPOP", "queue"]).repeat(ELEMENTS);
    for _ in 0..40 {
        let mut consumer = Client::connect(&server, 2).await;
        killer.ask("DEL queue", ":0").await;
        killer.send(&push).await;
        for length in 1..=ELEMENTS {
            assert_eq!(killer.integer().await, length as i64);
        }
        let kill = format!("CLIENT KILL ID {}", consumer.id);
        let (_, killed) = tokio::join!(consumer.try_send(&pop), async {
            killer.line(&kill).await;
            killer.integer().await
        });
        assert_eq!(killed, 1);
        let left = Queue::List.length(&mut killer, "queue").await;
        // Those that it was being given may be read, and so its task has gone on, if it does.
        consumer.rest().await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
            assert_eq!(Queue::List.length(&mut killer, "queue").await, left);
        }
        killer.line("DEL queue").await;
        killer.integer().await;
    }
}

/// What is pushed after a consumer has hung up never goes to it, even if its task has not been told:
/// the server does not wait for that, the kernel knows.
async fn push_after_the_end(queue: Queue) {
    let (wait, pop) = match queue {
        Queue::List => ("BLPOP queue 0", "LPOP queue"),
        Queue::SortedSet => ("BZPOPMIN queue 0", "ZPOPMIN queue"),
    };
    let server = start().await;
    let mut producer = Client::connect(&server, 3).await;
    for round in 0..1000_usize {
        let mut waiters = Vec::new();
        for number in 0..3 {
            let mut client = Client::connect(&server, 2).await;
            client.line(wait).await;
            if number == 2 {
                // A request behind the one that waits hides the end of the stream.
                client.line("PING").await;
            }
            waiters.push(client);
        }
        until_info(&mut producer, "blocked_clients", "3").await;
        drop(waiters);
        producer.send(queue.push(0, &[round.to_string()])).await;
        assert_eq!(producer.integer().await, 1, "in round {round}");
        let element = format!("${} {round}", round.to_string().len());
        let reply = match queue {
            Queue::List => element,
            Queue::SortedSet => format!("*2 {element} ,1"),
        };
        producer.ask(pop, &reply).await;
        until_info(&mut producer, "blocked_clients", "0").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_element_pushed_after_the_end_of_a_consumer_stays() {
    push_after_the_end(Queue::List).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_added_after_the_end_of_a_consumer_stays() {
    push_after_the_end(Queue::SortedSet).await;
}

/// A consumer that has come, asked and gone before a push takes nothing of it, even if the server
/// reads its request only afterwards, together with the end of the stream. The server runs on the
/// test's own thread, so that it sees none of these connections before they are closed.
#[tokio::test]
async fn a_consumer_that_was_gone_when_its_request_was_read_takes_nothing() {
    const EACH: usize = 60;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("socket");
    let unixsocket = path.to_str().expect("text");
    let server = start_with(&[("unixsocket", unixsocket)]).await;
    let address = server.addr().expect("TCP");
    let mut producer = Client::connect(&server, 3).await;
    let mut pushed = 0;
    for line in [
        "BLPOP queue 0\r\n",
        "BRPOP other queue 0\r\n",
        "BLMPOP 0 2 other queue LEFT COUNT 2\r\n",
        "BLMOVE queue taken LEFT RIGHT 0\r\n",
        "BRPOPLPUSH queue taken 0\r\n",
        "PING\r\nBLPOP queue 0\r\nPING\r\n",
    ] {
        for round in 0..EACH {
            if round % 2 == 0 {
                let mut gone = std::net::TcpStream::connect(address).expect("a connection");
                gone.write_all(line.as_bytes()).expect("sent");
            } else {
                let mut gone = UnixStream::connect(&path).expect("a connection");
                gone.write_all(line.as_bytes()).expect("sent");
            }
            pushed += 1;
            producer.ask("RPUSH queue x", &format!(":{pushed}")).await;
        }
    }
    all_gone_but_one(&server, &mut producer, 1 + pushed).await;
    producer.ask("LLEN queue", &format!(":{pushed}")).await;
    producer.ask("EXISTS taken", ":0").await;
    assert_eq!(info(&mut producer, "blocked_clients").await, "0");
}

/// Waits until so many connections have come, and all but one have gone.
async fn all_gone_but_one(server: &Server, client: &mut Client, all: usize) {
    until_info(client, "total_connections_received", &all.to_string()).await;
    eventually("their ends", || server.client_count() == 1).await;
}

/// A consumer whose connection is reset takes nothing, also by a command that does not wait. One that
/// has only ended its own side still reads, and gets its element; so does one that wants no reply.
#[tokio::test]
async fn a_consumer_that_is_reset_takes_nothing() {
    const EACH: usize = 40;
    let server = start().await;
    let address = server.addr().expect("TCP");
    let mut producer = Client::connect(&server, 3).await;
    producer.ask("RPUSH queue x y", ":2").await;
    producer.ask("SET key v", "+OK").await;
    let mut connections = 1;
    for line in [
        "LPOP queue\r\n",
        "RPOP queue 2\r\n",
        "LMPOP 1 queue LEFT\r\n",
        "LMOVE queue taken LEFT RIGHT\r\n",
        "RPOPLPUSH queue taken\r\n",
        "BLPOP queue 0\r\n",
        "GETDEL key\r\n",
        "MULTI\r\nLPOP queue\r\nEXEC\r\n",
    ] {
        for _ in 0..EACH {
            let mut gone = std::net::TcpStream::connect(address).expect("a connection");
            SockRef::from(&gone)
                .set_linger(Some(Duration::ZERO))
                .expect("linger");
            gone.write_all(line.as_bytes()).expect("sent");
            drop(gone);
            connections += 1;
        }
        all_gone_but_one(&server, &mut producer, connections).await;
        producer.ask("LLEN queue", ":2").await;
        producer.ask("EXISTS taken key", ":1").await;
    }
    let mut half_closed = Client::connect(&server, 2).await;
    half_closed.line("LPOP queue").await;
    half_closed.end_sending().await;
    assert_eq!(half_closed.rest().await, b"$1\r\nx\r\n");
    let mut silent = std::net::TcpStream::connect(address).expect("a connection");
    silent
        .write_all(b"CLIENT REPLY OFF\r\nLPOP queue\r\n")
        .expect("sent");
    drop(silent);
    all_gone_but_one(&server, &mut producer, connections + 2).await;
    producer.ask("LLEN queue", ":0").await;
}

/// Of consumers that wait, the one that came first is served first, and those that have gone are
/// passed over.
#[tokio::test]
async fn waiters_are_served_in_their_order() {
    let server = start().await;
    let mut producer = Client::connect(&server, 3).await;
    let mut waiters = Vec::new();
    for number in 1..=100 {
        let mut client = Client::connect(&server, 2).await;
        client.line("BLPOP queue 0").await;
        until_info(&mut producer, "blocked_clients", &number.to_string()).await;
        waiters.push(client);
    }
    // Every third is gone.
    let mut alive = Vec::new();
    for (number, client) in waiters.into_iter().enumerate() {
        if number % 3 != 0 {
            alive.push(client);
        }
    }
    let names: Vec<String> = (0..alive.len())
        .map(|number| format!("{number}."))
        .collect();
    let mut words = vec!["RPUSH", "queue"];
    words.extend(names.iter().map(String::as_str));
    producer.command(&words).await;
    assert_eq!(producer.integer().await, alive.len() as i64);
    for (client, name) in alive.iter_mut().zip(&names) {
        assert_eq!(strings(client.frame().await), ["queue", name]);
    }
    producer.ask("EXISTS queue", ":0").await;
}

/// A chain of as many lists as there are waiters, each moving on to the next: one push runs through
/// all of it.
#[tokio::test]
async fn a_long_chain_of_moves_is_served_at_once() {
    const LINKS: usize = 500;
    let server = start().await;
    let mut producer = Client::connect(&server, 3).await;
    let mut waiters = Vec::new();
    for link in 0..LINKS {
        let mut client = Client::connect(&server, 2).await;
        let line = format!("BLMOVE {link} {} LEFT RIGHT 0", link + 1);
        client.line(&line).await;
        waiters.push(client);
    }
    until_info(&mut producer, "blocked_clients", &LINKS.to_string()).await;
    producer.ask("RPUSH 0 x", ":1").await;
    for client in &mut waiters {
        client.expect("$1\r\nx\r\n").await;
    }
    producer
        .ask(&format!("LRANGE {LINKS} 0 -1"), "*1 $1 x")
        .await;
    producer.ask("DBSIZE", ":1").await;
}
