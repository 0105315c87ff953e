//! The order of messages, and SUBSCRIBE's confirmation as a barrier, on a runtime of several threads.
//!
//! Every subscriber of a channel sees one same sequence, with nothing missing and nothing twice. Of
//! two publishes of which the second began after the first was answered, the first is seen first, on
//! any channels. What is published after a confirmation arrives; nothing comes before the
//! confirmation of a SUBSCRIBE or after that of an UNSUBSCRIBE.

mod common;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use bytes::Bytes;
use common::client::{Client, Frame, parts};
use common::start;
use common::wire::request;
use fanfare::{Server, Workers};
use tokio::task::{JoinHandle, JoinSet};

const PUBLISHERS: usize = 6;
const MESSAGES: usize = 400;

/// Joins all, and passes a panic on.
async fn all<T: 'static>(mut tasks: JoinSet<T>) -> Vec<T> {
    let mut results = Vec::new();
    while let Some(result) = tasks.join_next().await {
        results.push(result.expect("no panic"));
    }
    results
}

fn payload(publisher: usize, number: usize) -> String {
    format!("{publisher}:{number}")
}

/// Publishes its messages to `c`, in one write or each after the reply to the one before, and checks
/// that each reached all.
async fn publish(mut client: Client, publisher: usize, receivers: i64) {
    let requests =
        (0..MESSAGES).map(|number| request(&["PUBLISH", "c", &payload(publisher, number)]));
    if publisher.is_multiple_of(2) {
        client.send(requests.collect::<Vec<_>>().concat()).await;
        for _ in 0..MESSAGES {
            assert_eq!(client.integer().await, receivers);
        }
    } else {
        for request in requests {
            client.send(request).await;
            assert_eq!(client.integer().await, receivers);
        }
    }
}

/// The payloads of the next messages: of `copies` frames each, one after the other.
async fn read_payloads(client: &mut Client, count: usize, copies: usize) -> Vec<Bytes> {
    let mut payloads = Vec::new();
    for _ in 0..count {
        let mut copy = Vec::new();
        for _ in 0..copies {
            copy.push(client.push().await.pop().expect("a payload"));
        }
        assert!(
            copy.iter().all(|payload| *payload == copy[0]),
            "{copy:?} were mixed"
        );
        payloads.push(copy.swap_remove(0));
    }
    payloads
}

/// Checks that the sequence has every publisher's messages once, in the publisher's order.
fn check_sequence(sequence: &[Bytes], publishers: usize) {
    let mut next = vec![0; publishers];
    for message in sequence {
        let text = std::str::from_utf8(message).expect("text");
        let publisher: usize = text
            .split(':')
            .next()
            .and_then(|word| word.parse().ok())
            .expect("a number");
        assert_eq!(text, payload(publisher, next[publisher]));
        next[publisher] += 1;
    }
    assert_eq!(next, vec![MESSAGES; publishers]);
}

/// What a subscriber asks for: channels and patterns, each of which matches `c`.
type Wish = (&'static [&'static str], &'static [&'static str]);

/// SUBSCRIBE, PSUBSCRIBE, and both with two patterns.
const WISHES: [Wish; 4] = [
    (&["c"], &[]),
    (&[], &["c"]),
    (&[], &["?"]),
    (&["c"], &["c*", "*"]),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_subscribers_of_a_channel_see_one_order() {
    see_one_order(&start().await, &WISHES).await;
}

/// Without a pattern, messages of one batch go to each subscriber together.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_subscribers_see_one_order_where_no_pattern_matches() {
    see_one_order(&start().await, &[WISHES[0]; 20]).await;
}

/// On threads of the server's own, each with a part of the connections.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_of_several_threads_see_one_order() {
    for wishes in [&WISHES[..], &[WISHES[0]; 20]] {
        let workers = Workers::start(3).expect("threads");
        let server = Server::builder().workers(workers).start().await;
        let server = server.expect("a server");
        see_one_order(&server, wishes).await;
        server.stop().await;
    }
}

/// Each wish is that of a subscriber in RESP2, and of one in RESP3.
async fn see_one_order(server: &Server, wishes: &[Wish]) {
    let mut subscribers = JoinSet::new();
    let mut receivers = 0;
    for protocol in [2, 3] {
        for (channels, patterns) in wishes {
            let mut client = Client::connect(server, protocol).await;
            if !channels.is_empty() {
                client.subscribe("SUBSCRIBE", channels).await;
            }
            if !patterns.is_empty() {
                client.subscribe("PSUBSCRIBE", patterns).await;
            }
            let copies = channels.len() + patterns.len();
            receivers += copies as i64;
            subscribers.spawn(async move {
                let sequence = read_payloads(&mut client, PUBLISHERS * MESSAGES, copies).await;
                client.barrier().await;
                sequence
            });
        }
    }
    let mut publishers = JoinSet::new();
    for publisher in 0..PUBLISHERS {
        let client = Client::connect(server, 2 + publisher as u8 % 2).await;
        publishers.spawn(publish(client, publisher, receivers));
    }
    all(publishers).await;
    let sequences = all(subscribers).await;
    check_sequence(&sequences[0], PUBLISHERS);
    assert!(sequences.iter().all(|sequence| *sequence == sequences[0]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn publishers_that_subscribe_see_the_same_order() {
    let server = start().await;
    let mut clients = Vec::new();
    for _ in 0..PUBLISHERS {
        let mut client = Client::connect(&server, 3).await;
        client.subscribe("SUBSCRIBE", &["c"]).await;
        clients.push(client);
    }
    let mut only_listening = Client::connect(&server, 2).await;
    only_listening.subscribe("PSUBSCRIBE", &["*"]).await;
    let mut tasks = JoinSet::new();
    for (publisher, mut client) in clients.into_iter().enumerate() {
        tasks.spawn(async move {
            let requests =
                (0..MESSAGES).map(|number| request(&["PUBLISH", "c", &payload(publisher, number)]));
            let pipelined = publisher.is_multiple_of(2);
            let mut requests: Vec<_> = requests.collect();
            if pipelined {
                requests = vec![requests.concat()];
            }
            let mut requests = requests.into_iter();
            client.send(requests.next().expect("a request")).await;
            let (mut replies, mut own, mut sequence) = (0, 0, Vec::new());
            while sequence.len() < PUBLISHERS * MESSAGES || replies < MESSAGES {
                match client.frame().await {
                    Frame::Number { data, .. } => {
                        assert_eq!(data, PUBLISHERS as i64 + 1);
                        replies += 1;
                        if let Some(request) = requests.next() {
                            client.send(request).await;
                        }
                    }
                    push => {
                        let message = parts(push).expect("a push").pop().expect("a payload");
                        own += usize::from(message.starts_with(format!("{publisher}:").as_bytes()));
                        assert!(own <= replies, "a message before the reply to its PUBLISH");
                        sequence.push(message);
                    }
                }
            }
            client.barrier().await;
            sequence
        });
    }
    let expected = read_payloads(&mut only_listening, PUBLISHERS * MESSAGES, 1).await;
    check_sequence(&expected, PUBLISHERS);
    for sequence in all(tasks).await {
        assert!(sequence == expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_answered_publish_comes_before_a_later_one_on_any_channel() {
    const PAIRS: usize = 4;
    const ROUNDS: usize = 400;
    let server = start().await;
    let load = Load::start(&server, "PUBLISH", "load").await;
    let mut subscribers = JoinSet::new();
    for protocol in [2, 3] {
        for verb in ["SUBSCRIBE", "PSUBSCRIBE"] {
            let names: Vec<_> = (0..PAIRS)
                .flat_map(|pair| [format!("{pair}a"), format!("{pair}b")])
                .collect();
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            let mut client = Client::connect(&server, protocol).await;
            client.subscribe(verb, &names).await;
            subscribers.spawn(async move {
                let mut seen = [0; PAIRS];
                for _ in 0..PAIRS * ROUNDS * 2 {
                    let message = client.push().await;
                    let [.., channel, payload] = &message[..] else {
                        panic!("{message:?} is no message");
                    };
                    let pair = usize::from(channel[0] - b'0');
                    // a0, b0, a1, b1, …
                    let side = if seen[pair] % 2 == 0 { b'a' } else { b'b' };
                    assert_eq!(
                        (channel[1], payload),
                        (side, &Bytes::from(seen[pair].to_string()))
                    );
                    seen[pair] += 1;
                }
                client.barrier().await;
            });
        }
    }
    let mut publishers = JoinSet::new();
    for pair in 0..PAIRS {
        let mut sides = [
            Client::connect(&server, 2).await,
            Client::connect(&server, 3).await,
        ];
        publishers.spawn(async move {
            for number in 0..ROUNDS * 2 {
                let side = number % 2;
                let channel = format!("{pair}{}", ["a", "b"][side]);
                sides[side]
                    .command(&["PUBLISH", &channel, &number.to_string()])
                    .await;
                assert_eq!(sides[side].integer().await, 4);
            }
        });
    }
    all(publishers).await;
    all(subscribers).await;
    load.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn confirmations_are_barriers_under_load() {
    const ROUNDS: usize = 250;
    let server = start().await;
    let loads = [
        Load::start(&server, "PUBLISH", "c").await,
        Load::start(&server, "PUBLISH", "c").await,
        Load::start(&server, "SPUBLISH", "c").await,
    ];
    let mut tasks = JoinSet::new();
    for protocol in [2, 3] {
        for (letter, name) in [("", "c"), ("P", "c"), ("P", "*"), ("S", "c")] {
            let mut subscriber = Client::connect(&server, protocol).await;
            let mut publisher = Client::connect(&server, 2).await;
            tasks.spawn(async move {
                let publish = if letter == "S" { "SPUBLISH" } else { "PUBLISH" };
                for round in 0..ROUNDS {
                    // The confirmation comes first.
                    subscriber
                        .subscribe(&format!("{letter}SUBSCRIBE"), &[name])
                        .await;
                    let mark = format!("mark {protocol}{letter}{name}{round}");
                    publisher.command(&[publish, "c", &mark]).await;
                    let end = format!("{letter}UNSUBSCRIBE").to_ascii_lowercase();
                    let (mut loads, mut marked) = (HashMap::new(), false);
                    loop {
                        let push = subscriber.push().await;
                        if push[0] == end {
                            break;
                        }
                        let payload = push.last().expect("a payload");
                        check_no_gap(&mut loads, payload);
                        if *payload == mark {
                            assert!(!marked, "{mark} came twice");
                            marked = true;
                            assert!(publisher.integer().await >= 1);
                            let unsubscribe = format!("{letter}UNSUBSCRIBE {name}");
                            subscriber.line(&unsubscribe).await;
                        }
                    }
                    assert!(marked);
                    // Nothing comes after it.
                    subscriber.barrier().await;
                }
            });
        }
    }
    all(tasks).await;
    for load in loads {
        load.stop().await;
    }
}

/// Checks that a load's message follows the one before it; a subscriber may begin with any.
fn check_no_gap(loads: &mut HashMap<String, u64>, payload: &[u8]) {
    let text = std::str::from_utf8(payload).expect("text");
    if let Some((load, number)) = text.split_once('#') {
        let number = number.parse().expect("a number");
        if let Some(before) = loads.insert(load.to_owned(), number) {
            assert_eq!(number, before + 1, "{load}");
        }
    }
}

/// A connection that publishes numbers to a channel, on and on.
struct Load {
    stop: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Load {
    async fn start(server: &Server, verb: &'static str, channel: &'static str) -> Load {
        let mut client = Client::connect(server, 2).await;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let task = tokio::spawn(async move {
            let mut number = 0_u64;
            while !stopped.load(Relaxed) {
                for _ in 0..8 {
                    let payload = format!("{}#{number}", client.id);
                    client.command(&[verb, channel, &payload]).await;
                    number += 1;
                }
                for _ in 0..8 {
                    client.integer().await;
                }
            }
        });
        Load { stop, task }
    }

    async fn stop(self) {
        self.stop.store(true, Relaxed);
        self.task.await.expect("no panic");
    }
}
