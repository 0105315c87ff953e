//! A large fan-out, whose writes several workers share: its messages are in order and none is lost,
//! whatever happens to those who take part.
//!
//! The first message to a channel is always shared, so most messages here are the first to theirs.

mod common;

use bytes::Bytes;
use common::client::Client;
use common::soon;
use common::wire::request;
use fanfare::{Server, Workers};
use tokio::task::JoinSet;

/// More than it takes for a list to be shared.
const SUBSCRIBERS: usize = 600;
const WORKERS: usize = 3;
const CHANNELS: usize = 12;
const PUBLISHERS: usize = 3;
/// Messages of a publisher to each channel.
const MESSAGES: usize = 4;

async fn server() -> Server {
    let workers = Workers::start(WORKERS).expect("threads");
    let server = Server::builder().workers(workers).start().await;
    server.expect("a server")
}

fn channel(number: usize) -> String {
    format!("c{number}")
}

/// Clients that are subscribed to all channels.
async fn subscribers(server: &Server) -> Vec<Client> {
    let channels: Vec<_> = (0..CHANNELS).map(channel).collect();
    let channels: Vec<_> = channels.iter().map(String::as_str).collect();
    let mut clients = Vec::new();
    for index in 0..SUBSCRIBERS {
        let mut client = Client::connect(server, 2 + (index % 2) as u8).await;
        client.subscribe("SUBSCRIBE", &channels).await;
        clients.push(client);
    }
    clients
}

async fn all<T: 'static>(what: &str, mut tasks: JoinSet<T>) -> Vec<T> {
    let mut results = Vec::new();
    while let Some(result) = soon(what, tasks.join_next()).await {
        results.push(result.expect("no panic"));
    }
    results
}

/// The channel and the payload of the next message.
async fn message(client: &mut Client) -> [Bytes; 2] {
    let [_, channel, payload] = &client.push().await[..] else {
        panic!("no message");
    };
    [channel.clone(), payload.clone()]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn publishers_on_several_workers_keep_the_order() {
    let server = server().await;
    let mut receiving = JoinSet::new();
    for mut client in subscribers(&server).await {
        receiving.spawn(async move {
            let mut messages = Vec::new();
            for _ in 0..CHANNELS * PUBLISHERS * MESSAGES {
                messages.push(message(&mut client).await);
            }
            messages
        });
    }
    let mut publishing = JoinSet::new();
    for publisher in 0..PUBLISHERS {
        let mut client = Client::connect(&server, 2).await;
        publishing.spawn(async move {
            for number in 0..CHANNELS * MESSAGES {
                let channel = channel(number / MESSAGES);
                let payload = format!("{publisher}:{number}");
                client.command(&["PUBLISH", &channel, &payload]).await;
                assert_eq!(client.integer().await, SUBSCRIBERS as i64);
            }
        });
    }
    all("the publishers", publishing).await;
    let sequences = all("the subscribers", receiving).await;
    let of_channel = |sequence: &[[Bytes; 2]], number: usize| -> Vec<Bytes> {
        let name = channel(number);
        let messages = sequence.iter().filter(|message| message[0] == name);
        messages.map(|message| message[1].clone()).collect()
    };
    for sequence in &sequences {
        // A publisher's messages are in its order, on all channels together.
        let mut next = [0; PUBLISHERS];
        for [_, payload] in sequence {
            let publisher = usize::from(payload[0] - b'0');
            let expected = format!("{publisher}:{}", next[publisher]);
            assert_eq!(*payload, expected);
            next[publisher] += 1;
        }
        // A channel's messages are in one order.
        for number in 0..CHANNELS {
            assert_eq!(
                of_channel(sequence, number),
                of_channel(&sequences[0], number)
            );
        }
    }
    server.stop().await;
}

/// The publisher sends and closes, and half of the subscribers close too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_stays_gets_all_messages() {
    let server = server().await;
    let mut clients = subscribers(&server).await;
    // Those that go are of all workers.
    for number in 0..CHANNELS {
        let mut publisher = Client::connect(&server, 2).await;
        let channel = channel(number);
        publisher
            .send(request(&["PUBLISH", &channel, "message"]))
            .await;
        drop(publisher);
        let going = (SUBSCRIBERS / 2) / CHANNELS;
        for _ in 0..going {
            clients.swap_remove(number * 7 % clients.len());
        }
    }
    let mut receiving = JoinSet::new();
    for mut client in clients {
        receiving.spawn(async move {
            let mut channels = Vec::new();
            for _ in 0..CHANNELS {
                channels.push(message(&mut client).await[0].clone());
            }
            client.barrier().await;
            // Publishers are strangers to each other, so their messages have no order.
            channels.sort();
            channels.dedup();
            assert_eq!(channels.len(), CHANNELS);
        });
    }
    all("those who stay", receiving).await;
    server.stop().await;
}

/// What was published before the server is told to end reaches all, by SHUTDOWN and by `stop`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_loses_nothing() {
    for by_command in [true, false] {
        let server = server().await;
        let clients = subscribers(&server).await;
        let mut publisher = Client::connect(&server, 2).await;
        let mut receiving = JoinSet::new();
        for mut client in clients {
            receiving.spawn(async move {
                for number in 0..CHANNELS {
                    assert_eq!(message(&mut client).await[0], channel(number));
                }
                client.closed().await;
            });
        }
        let requests: Vec<_> = (0..CHANNELS)
            .map(|number| request(&["PUBLISH", &channel(number), "message"]))
            .collect();
        publisher.send(requests.concat()).await;
        if by_command {
            publisher.line("SHUTDOWN NOSAVE").await;
            soon("SHUTDOWN", server.shutdown_requested()).await;
        } else {
            for _ in 0..CHANNELS {
                assert_eq!(publisher.integer().await, SUBSCRIBERS as i64);
            }
        }
        soon("the end", server.stop()).await;
        all("the subscribers", receiving).await;
    }
}
